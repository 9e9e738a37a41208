//! The command line: every command and flag, as the help shows them.

use crate::commands::{audit, connection, demo, execution, job, key, login, serve, setting, token, user};
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

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Serve(serve::Args),
    Demo(demo::Args),

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
