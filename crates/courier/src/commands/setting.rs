//! `courier setting`: what an admin decides.

use serde_json::json;

use super::{done, json_or_text, show, show_items};
use crate::api::{Api, ApiArgs};
use crate::exit::Result;
use crate::output::Output;
use crate::output::table::Column;

/// Settings of the server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  courier setting list
  courier setting set security.fips_mode_enabled true")]
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
    Set { key: String, value: String },
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
        Command::Set { key, value } => {
            let answer = api
                .put(&["settings", &key], &json!({"value": json_or_text(&value)}))
                .await?;
            done(output, &format!("set {key}"), &answer)
        }
    }
}
