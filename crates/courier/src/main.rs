//! Courier: managed file transfer in one binary.

use std::process::ExitCode;

use clap::Parser;

mod api;
mod cli;
mod commands;
mod exit;
mod output;
mod remote;
mod run;
mod secret;

fn main() -> ExitCode {
    #[cfg(feature = "failpoints")]
    let _stages = fail::FailScenario::setup();
    let cli = cli::Cli::try_parse().unwrap_or_else(|error| cli::refuse(&error));
    let output = cli.output();
    match run::run(cli.command, output) {
        Ok(()) => exit::Code::Done.into(),
        Err(failure) => {
            output.failure(&failure);
            failure.code().into()
        }
    }
}
