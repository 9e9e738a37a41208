//! The command line: every command and flag, as the help shows them.

use clap::error::ErrorKind;

use crate::commands::{
    admin, alert, audit, connection, demo, execution, job, key, login, mapping, serve, setting, storage,
    token, user,
};
use crate::exit::Failure;
use crate::output::Output;
use crate::remote::{get, ls, mkdir, mv, put, rm, rmdir};

/// Managed file transfer
#[derive(Debug, clap::Parser)]
#[command(
    version,
    max_term_width = 110,
    after_help = "\
Examples:
  courier demo                                  watch files move, on this machine alone
  courier get sftp://ann@example.com/in/*.csv   fetch files without a server of Courier's
  courier serve --data-dir /var/lib/courier     run the server

Exit codes: 0 done, 1 failed, 2 usage, 3 authentication rejected, 4 host key or certificate rejected, 5 not found,
6 connection lost or unreachable, 7 denied, 8 some of several files failed, 130 interrupted."
)]
pub(crate) struct Cli {
    /// Print documents instead of text; errors, too
    #[arg(long, global = true)]
    json: bool,

    /// Print results and errors only
    #[arg(long, short, global = true)]
    quiet: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// How this run talks.
    pub(crate) fn output(&self) -> Output {
        Output {
            json: self.json,
            quiet: self.quiet,
        }
    }
}

/// Ends with what clap says of the arguments: help and version as they are, an error as a document where one is wanted.
pub(crate) fn refuse(error: &clap::Error) -> ! {
    let mut arguments = std::env::args_os().take_while(|argument| argument != "--");
    if !error.use_stderr() || !arguments.any(|argument| argument == "--json") {
        error.exit();
    }
    let output = Output {
        json: true,
        quiet: false,
    };
    let failure = Failure::usage(match error.kind() {
        // What clap says then is the help.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            "a subcommand is missing; see --help".to_owned()
        }
        _ => in_one_line(&error.to_string()),
    });
    output.failure(&failure);
    std::process::exit(failure.code() as i32)
}

/// What is wrong, without the usage and the tips that a person gets.
fn in_one_line(text: &str) -> String {
    let wrong = text.split("\n\n").next().unwrap_or(text);
    let wrong = wrong.strip_prefix("error: ").unwrap_or(wrong);
    wrong.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Serve(serve::Args),
    Demo(demo::Args),
    Admin(admin::Args),

    Ls(ls::Args),
    Get(get::Args),
    Put(put::Args),
    Mv(mv::Args),
    Rm(rm::Args),
    Mkdir(mkdir::Args),
    Rmdir(rmdir::Args),

    Login(login::Args),
    Connection(connection::Args),
    Key(key::Args),
    Job(job::Args),
    Execution(execution::Args),
    Mapping(mapping::Args),
    Storage(storage::Args),
    Alert(alert::Args),
    Audit(audit::Args),
    User(user::Args),
    Token(token::Args),
    Setting(setting::Args),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn flags_and_help_are_consistent() {
        super::Cli::command().debug_assert();
    }
}
