//! `courier login`: a token for the shell.

use courier_api::{LoginRequest, Secret};
use secrecy::ExposeSecret;

use super::body;
use crate::api::{Api, ApiArgs};
use crate::exit::{Code, Failure, Result};
use crate::output::Output;
use crate::secret::PasswordArgs;

/// Print a session token for COURIER_TOKEN
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The token goes to standard output and is stored nowhere. The password comes from COURIER_PASSWORD or a prompt.

Examples:
  export COURIER_TOKEN=$(courier login)
  courier login --username ann --password-stdin < password-file")]
pub(crate) struct Args {
    #[command(flatten)]
    api: ApiArgs,

    /// The user's name
    #[arg(long, short, value_name = "NAME", default_value = "admin")]
    username: String,

    #[command(flatten)]
    password: PasswordArgs,
}

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let api = Api::new(&args.api)?;
    let password = args
        .password
        .required(&format!("Password of {}", args.username))?;
    let request = LoginRequest {
        username: args.username,
        password: Secret::from(password.expose_secret()),
    };
    let answer = api.post(&["auth", "login"], &body(&request)?).await?;
    if output.json {
        return output.document(&answer);
    }
    let token = answer.get("token").and_then(|token| token.as_str());
    output.line(token.ok_or_else(|| Failure::new(Code::Failed, "the server's answer has no token"))?)
}
