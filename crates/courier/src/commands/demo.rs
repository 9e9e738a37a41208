//! `courier demo`: files that move, within seconds, on this machine alone.

use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use courier_server::{Config, Server, StartError};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::serve::{LogArgs, not_started};
use crate::api::Api;
use crate::exit::{Code, Failure, Result};
use crate::output::{Output, stdout_failed};
use crate::run::asked_to_stop;

mod partner;
mod tour;

use partner::Partner;
use tour::Tour;

/// Watch files move: a server, an SFTP server, a job and a folder mapping, all on this machine and gone afterwards
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Nothing is kept: data folder, keys and files lie in a temporary folder that is removed at the end.

Examples:
  courier demo
  courier demo --once")]
pub(crate) struct Args {
    /// Where the API listens; when the port is taken, a free one
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8440")]
    listen: String,

    /// End after the first run of the job
    #[arg(long)]
    once: bool,

    #[command(flatten)]
    log: LogArgs,
}

/// How often the job runs again.
const AGAIN_AFTER: Duration = Duration::from_secs(20);
/// The second run comes soon, so that one sees what a new file does.
const SECOND_AFTER: Duration = Duration::from_secs(3);

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    args.log.start("warn")?;
    let stop = tokio::spawn(asked_to_stop());
    let folder = Scratch::new()?;
    let password = SecretString::from(Uuid::new_v4().simple().to_string());
    let server = start(&args.listen, &folder.0.join("data"), &password, output).await?;
    let url = server.url();
    let (end, ended) = oneshot::channel::<()>();
    let serving = tokio::spawn(server.run_until(async move { drop(ended.await) }));

    let result = tokio::select! {
        result = show(&args, &folder.0, &url, &password, output) => result,
        code = stop => match code.unwrap_or(Code::Interrupted) {
            // Ctrl-C is how a demo ends.
            Code::Interrupted => Ok(()),
            code => Err(Failure::silent(code)),
        },
    };
    drop(end);
    match serving.await {
        Ok(served) => served.map_err(not_started)?,
        Err(error) => {
            return Err(Failure::new(
                Code::Failed,
                format!("the server ended badly: {error}"),
            ));
        }
    }
    folder.remove(output);
    result
}

/// Starts the server, on a free port where the one asked for is taken.
async fn start(listen: &str, data_dir: &Path, password: &SecretString, output: Output) -> Result<Server> {
    let config = |listen: &str| {
        let mut config = Config::for_data_dir(data_dir).map_err(|e| Failure::usage(e.to_string()))?;
        config.listen = listen.to_owned();
        config.admin_password = Some(password.clone());
        Ok::<_, Failure>(config)
    };
    match Server::start(config(listen)?).await {
        Err(StartError::Listen { source, .. }) if source.kind() == io::ErrorKind::AddrInUse => {
            output.note(format!("{listen} is taken; using a free port instead"));
            let host = listen.rsplit_once(':').map_or("127.0.0.1", |(host, _)| host);
            Server::start(config(&format!("{host}:0"))?)
                .await
                .map_err(not_started)
        }
        started => started.map_err(not_started),
    }
}

/// Sets everything up over the API, as anybody would, and says what happens.
async fn show(args: &Args, folder: &Path, url: &str, password: &SecretString, output: Output) -> Result<()> {
    let token = tour::login(url, password).await?;
    let api = Api::with_token(url, Some(token.clone()))?;
    output.info(format!(
        "Courier is at {url}, with its data in {}\n",
        folder.display()
    ))?;

    let key = tour::generate_key(&api).await?;
    let partner = Partner::start(folder, &key.public)?;
    output.info(format!(
        "An SFTP server is at {}, with {} files in its /inbox; it accepts Courier's new key\n  {}\n",
        partner.address(),
        partner.files()?,
        key.public
    ))?;

    let mut tour = Tour::new(&api, output);
    tour.connect(&partner, &key).await?;
    tour.make_job().await?;
    let report = tour.run().await?;
    tour.map_folder().await?;
    tour.pull().await?;
    if args.once {
        tour.audit_tail().await?;
        if output.json {
            output.document(&report)?;
        }
        return Ok(());
    }
    tokio::time::sleep(SECOND_AFTER).await;
    say_new_file(&partner, output)?;
    tour.run().await?;
    output.info("\nThe next pull")?;
    tour.pull().await?;
    tour.audit_tail().await?;
    next_steps(url, password, &token, output)?;
    loop {
        tokio::time::sleep(AGAIN_AFTER).await;
        output.info("\nPulled meanwhile")?;
        tour.pulled().await?;
        say_new_file(&partner, output)?;
        tour.run().await?;
    }
}

fn say_new_file(partner: &Partner, output: Output) -> Result<()> {
    let name = partner.next_day()?;
    output.info(format!(
        "\nThe partner empties its /inbox and puts {name} there, and a new /reports/stock.csv"
    ))
}

fn next_steps(url: &str, password: &SecretString, token: &SecretString, output: Output) -> Result<()> {
    if output.json {
        return output.document(&Value::from(url));
    }
    output.info(format!(
        "\nTry in another terminal:\n  \
         export COURIER_SERVER={url}\n  \
         export COURIER_TOKEN={}\n  \
         courier connection test partner\n  \
         courier connection files partner /outbox\n  \
         courier job run inbox-to-outbox --watch\n  \
         courier mapping dry-run reports\n  \
         courier connection history partner\n  \
         courier audit list --since 5m\n\n\
         Or open {url} in a browser: the user is admin, the password {}.\n\
         The job runs again every {} s; Ctrl-C ends the demo and removes everything.",
        token.expose_secret(),
        password.expose_secret(),
        AGAIN_AFTER.as_secs()
    ))?;
    io::stdout().flush().map_err(stdout_failed)
}

/// A folder that is there as long as this value.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("courier-demo-{}", Uuid::new_v4().simple()));
        DirBuilder::new().mode(0o700).create(&path).map_err(|e| {
            Failure::new(
                Code::Failed,
                format!("could not make the temporary folder {}: {e}", path.display()),
            )
        })?;
        Ok(Self(path))
    }

    /// Removes it, and says so where that fails: it holds keys.
    fn remove(self, output: Output) {
        if let Err(e) = fs::remove_dir_all(&self.0) {
            output.complain(format!("could not remove {}: {e}", self.0.display()));
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Also on errors; where it is gone already there is nothing to do.
        let _ = fs::remove_dir_all(&self.0);
    }
}
