//! `courier setting`: what an admin decides.

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{done, json_or_text, show, show_items};
use crate::api::{Api, ApiArgs};
use crate::exit::{Failure, Result};
use crate::output::Output;
use crate::output::table::Column;
use crate::secret;

/// Settings of the server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  courier setting list
  courier setting set security.fips_mode_enabled true
  courier setting set smtp.password --value-stdin")]
pub(crate) struct Args {
    #[command(flatten)]
    api: ApiArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show every setting
    List,
    /// Show one setting
    Get { key: String },
    /// Change a setting; VALUE is JSON, or else a text
    Set {
        key: String,
        #[arg(required_unless_present = "value_stdin")]
        value: Option<String>,
        /// Read the value, a text, from the first line of standard input: for secrets
        #[arg(long, conflicts_with = "value")]
        value_stdin: bool,
    },
}

const COLUMNS: &[Column] = &[
    ("KEY", "key"),
    ("VALUE", "value"),
    ("DEFAULT", "default"),
    ("HELP", "help"),
];

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let api = Api::new(&args.api)?;
    match args.command {
        Command::List => {
            let items = api.list(&["settings"], &Vec::new(), usize::MAX).await?;
            show_items(output, COLUMNS, &items)
        }
        Command::Get { key } => show(output, &api.get(&["settings", &key]).await?),
        Command::Set { key, value, .. } => {
            let value = match value.as_deref().map(json_or_text) {
                Some(value) if key == "smtp.password" && !value.is_null() => {
                    return Err(Failure::usage(
                        "smtp.password is a secret: an argument would show in the process list; use --value-stdin",
                    ));
                }
                Some(value) => value,
                None => Value::from(secret::from_stdin()?.expose_secret()),
            };
            let answer = api.put(&["settings", &key], &json!({"value": value})).await?;
            done(output, &format!("set {key}"), &answer)
        }
    }
}
