//! `courier admin`: what is done on the machine itself, beside a running server or without one.

mod report;

use std::path::PathBuf;

use courier_server::admin::{self, ANCHOR_FILE, Status};
use courier_server::{Config, ServeOptions};

use super::serve::{LogArgs, not_started, with_causes};
use crate::exit::{Code, Failure, Result};
use crate::output::Output;

/// Back up, restore, rotate keys and look after an installation
#[derive(Debug, clap::Args)]
#[command(after_help = "\
These commands open the database and the key as `courier serve` would, by the same flags, COURIER_* variables and
courier.toml. All but restore may run beside a server.

Examples:
  courier admin backup /backup/courier-$(date +%F)
  courier admin restore /backup/courier-2026-11-22 --data-dir /var/lib/courier
  courier admin rewrap --new-key
  courier admin verify-audit
  courier admin doctor --full")]
pub(crate) struct Args {
    /// Where database and keys lie [default: ./courier-data]
    #[arg(long, global = true, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,

    /// The database; one that has a password had better come by COURIER_DATABASE_URL
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,

    /// The configuration file [default: ./courier.toml, where there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    log: LogArgs,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Write everything in the database into one sealed file, while servers run; the key is not in it
    Backup {
        /// The file to make; it must not exist
        file: PathBuf,
    },
    /// Fill a new database, of either kind, from a backup; executions that waited or ran are paused
    Restore {
        /// The backup
        file: PathBuf,
    },
    /// Wrap the data key of every stored secret under the newest key; what is sealed stays as it is
    Rewrap {
        /// Make a new key in the local key file first
        #[arg(long, conflicts_with = "drop_old_keys")]
        new_key: bool,
        /// Take the older keys from the local key file, if nothing stored needs them any more; backups that were made
        /// under them don't open without them
        #[arg(long)]
        drop_old_keys: bool,
    },
    /// Look at every audit record: was one changed, removed or inserted?
    VerifyAudit,
    /// Look at everything: files, configuration, keys, database, secrets, audit log
    Doctor {
        /// Look at every audit record, too
        #[arg(long)]
        full: bool,
    },
}

/// Is there a password among the arguments, where it shows in the process list?
fn has_password(text: &str) -> bool {
    let authority = text.split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.split(['/', '?']).next().unwrap_or_default();
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    let in_query = text
        .split_once('?')
        .is_some_and(|(_, query)| query.split('&').any(|pair| pair.starts_with("password=")));
    user.contains(':') || in_query
}

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    args.log.start("warn")?;
    if args.database_url.as_deref().is_some_and(has_password) {
        output.complain(
            "warning: --database-url has a password, and an argument shows in the process list; COURIER_DATABASE_URL keeps it out",
        );
    }
    let config = Config::load(ServeOptions {
        data_dir: args.data_dir,
        config: args.config,
        database_url: args.database_url.map(Into::into),
        ..ServeOptions::default()
    })
    .map_err(|e| Failure::usage(e.to_string()))?;
    match args.command {
        Command::Backup { file } => {
            let admin = admin::open(&config).await.map_err(not_started)?;
            let made = admin.backup(&file).await;
            close(&admin).await;
            report::backup(output, &made.map_err(failed)?)
        }
        Command::Restore { file } => {
            let restored = admin::restore(&config, &file).await.map_err(not_started)?;
            report::restore(output, &restored)
        }
        Command::Rewrap {
            new_key,
            drop_old_keys,
        } => rewrap(&config, new_key, drop_old_keys, output).await,
        Command::VerifyAudit => {
            let admin = admin::open(&config).await.map_err(not_started)?;
            let found = admin.verify_audit(&config.data_dir.join(ANCHOR_FILE)).await;
            close(&admin).await;
            report::audit(output, &found.map_err(failed)?)
        }
        Command::Doctor { full } => {
            let found = admin::doctor(&config, full).await;
            report::doctor(output, &found)?;
            match found.iter().any(|finding| finding.status == Status::Fail) {
                true => Err(Failure::silent(Code::Failed)),
                false => Ok(()),
            }
        }
    }
}

async fn rewrap(config: &Config, new_key: bool, drop_old_keys: bool, output: Output) -> Result<()> {
    // Before anything is changed: this opens the keys and the database.
    let mut admin = admin::open(config).await.map_err(not_started)?;
    if drop_old_keys {
        admin::check_settled(config).map_err(not_started)?;
    }
    if new_key {
        admin::add_key(config).map_err(not_started)?;
        close(&admin).await;
        admin = admin::open(config).await.map_err(not_started)?;
    }
    let done = admin.rewrap().await;
    close(&admin).await;
    let done = done.map_err(failed)?;
    let all_moved = report::rewrap(output, &done)?;
    if !all_moved {
        return Err(Failure::new(
            Code::Failed,
            "some values could not be moved; mend what is named above, and run this again",
        ));
    }
    if drop_old_keys {
        admin::drop_old_keys(config, &done.key_id).map_err(not_started)?;
        output.note("the older keys are dropped from the key file; backups that were made under them need a copy of it");
    }
    Ok(())
}

/// The work is done by then, and recorded.
async fn close(admin: &admin::Admin) {
    let _ = admin.close().await;
}

fn failed(error: impl std::error::Error) -> Failure {
    Failure::new(Code::Failed, with_causes(&error))
}

#[cfg(test)]
mod tests {
    use super::has_password;

    #[test]
    fn a_password_in_a_url_is_seen() {
        for text in [
            "postgres://u:p@h/d",
            "postgres://h/d?user=u&password=p",
            "postgres://u:@h",
        ] {
            assert!(has_password(text), "{text}");
        }
        for text in [
            "postgres://u@h:5432/d",
            "postgres://h/d?host=/tmp:x",
            "sqlite:///a:b@c.db",
        ] {
            assert!(!has_password(text), "{text}");
        }
    }
}
