//! `courier token`: API tokens for scripts.

use courier_api::{Role, TokenInput};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{ListArgs, body, done, show_list};
use crate::api::{Api, ApiArgs};
use crate::exit::{Code, Failure, Result};
use crate::output::Output;
use crate::output::table::Column;

/// API tokens
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  courier token create nightly --role operator --expires-at 2027-01-01T00:00:00Z
  courier token create monitoring --role viewer --scope executions:read --scope overview:read
  courier token revoke nightly")]
pub(crate) struct Args {
    #[command(flatten)]
    api: ApiArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show the tokens, without their text
    List {
        #[command(flatten)]
        list: ListArgs,
    },
    /// Make a token; its text is printed once
    Create {
        name: String,
        /// viewer, operator or admin; at most, and by default, your own
        #[arg(long)]
        role: Option<Role>,
        /// A part of the API that it is for, such as jobs, or executions:read for looking only; repeatable, everything
        /// by default
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<String>,
        /// When it ends, e.g. 2027-01-01T00:00:00Z; never by default
        #[arg(long, value_name = "TIME")]
        expires_at: Option<Timestamp>,
    },
    /// End a token (name or id)
    Revoke { token: String },
}

const COLUMNS: &[Column] = &[
    ("NAME", "name"),
    ("ROLE", "role"),
    ("SCOPES", "scopes"),
    ("EXPIRES", "expires_at"),
    ("LAST USED", "last_used_at"),
    ("ID", "id"),
];

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let api = Api::new(&args.api)?;
    match args.command {
        Command::List { list } => show_list(&api, output, &["tokens"], &Vec::new(), COLUMNS, &list).await,
        Command::Create {
            name,
            role,
            scopes,
            expires_at,
        } => {
            let answer = api
                .post(
                    &["tokens"],
                    &body(&TokenInput {
                        name,
                        role,
                        scopes: Some(scopes).filter(|scopes| !scopes.is_empty()),
                        expires_at,
                    })?,
                )
                .await?;
            if output.json {
                return output.document(&answer);
            }
            let token = answer.get("token").and_then(Value::as_str);
            output
                .line(token.ok_or_else(|| Failure::new(Code::Failed, "the server's answer has no token"))?)?;
            output.note("keep it safe: it is not shown again");
            Ok(())
        }
        Command::Revoke { token } => {
            let id = api.resolve("tokens", &token).await?;
            api.delete(&["tokens", &id]).await?;
            done(output, "revoked", &json!({"name": token, "id": id}))
        }
    }
}
