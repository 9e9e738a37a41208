//! `courier key`: the SSH keys that connections authenticate with.

use std::path::PathBuf;

use courier_api::{GenerateKey, ImportKey, KeyStatus, KeyType, Secret, SshKeyInput};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{ListArgs, body, done, show, show_list};
use crate::api::{Api, ApiArgs};
use crate::exit::{Failure, Result};
use crate::output::Output;
use crate::output::table::Column;
use crate::secret;

/// SSH keys
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  courier key generate partner-2026 --key-type ed25519
  courier key public partner-2026 >> authorized_keys
  courier key import old-key -f id_rsa")]
pub(crate) struct Args {
    #[command(flatten)]
    api: ApiArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show the keys
    List {
        /// Only active, retired or deleted ones
        #[arg(long)]
        status: Option<KeyStatus>,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Make a key; its private half never leaves the server
    Generate {
        name: String,
        /// ed25519, ecdsa_256, ecdsa_384, ecdsa_521, rsa_2048, rsa_3072 or rsa_4096
        #[arg(long, default_value = "ed25519")]
        key_type: KeyType,
        #[arg(long)]
        notes: Option<String>,
    },
    /// Bring a private key; the passphrase comes from COURIER_KEY_PASSPHRASE or a prompt
    Import {
        name: String,
        /// The private key; - is standard input
        #[arg(short, long, value_name = "FILE")]
        file: PathBuf,
        #[arg(long)]
        notes: Option<String>,
    },
    /// Show one key
    Show { key: String },
    /// Print the public key, one authorized_keys line
    Public { key: String },
    /// Change name or notes
    Update {
        key: String,
        #[arg(long)]
        name: Option<String>,
        #[arg(long)]
        notes: Option<String>,
    },
    /// Take a key out of use
    Retire { key: String },
    /// Put a retired key back into use
    Activate { key: String },
    /// Delete a key that no connection uses
    Delete { key: String },
}

const COLUMNS: &[Column] = &[
    ("NAME", "name"),
    ("TYPE", "key_type"),
    ("STATUS", "status"),
    ("FINGERPRINT", "fingerprint"),
    ("CREATED", "created_at"),
    ("ID", "id"),
];

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let api = Api::new(&args.api)?;
    match args.command {
        Command::List { status, list } => {
            let query = status
                .map(|status| ("status", status.to_string()))
                .into_iter()
                .collect();
            show_list(&api, output, &["ssh-keys"], &query, COLUMNS, &list).await
        }
        Command::Generate {
            name,
            key_type,
            notes,
        } => {
            let request = body(&GenerateKey {
                name,
                key_type,
                notes,
            })?;
            made(
                output,
                "generated",
                &api.post(&["ssh-keys", "generate"], &request).await?,
            )
        }
        Command::Import { name, file, notes } => {
            let request = import(name, &file, notes)?;
            made(
                output,
                "imported",
                &api.post(&["ssh-keys", "import"], &request).await?,
            )
        }
        Command::Show { key } => {
            let id = api.resolve("ssh-keys", &key).await?;
            show(output, &api.get(&["ssh-keys", &id]).await?)
        }
        Command::Public { key } => {
            let id = api.resolve("ssh-keys", &key).await?;
            let line = api.text(&["ssh-keys", &id, "public-key"]).await?;
            if output.json {
                output.document(&json!({"public_key": line.trim_end()}))
            } else {
                output.line(line.trim_end())
            }
        }
        Command::Update { key, name, notes } => {
            let id = api.resolve("ssh-keys", &key).await?;
            let request = body(&SshKeyInput {
                name,
                notes: notes.map(Some),
            })?;
            done(output, "changed", &api.patch(&["ssh-keys", &id], &request).await?)
        }
        Command::Retire { key } => act(&api, output, &key, "retire", "retired").await,
        Command::Activate { key } => act(&api, output, &key, "activate", "activated").await,
        Command::Delete { key } => {
            let id = api.resolve("ssh-keys", &key).await?;
            api.delete(&["ssh-keys", &id]).await?;
            done(output, "deleted", &json!({"name": key, "id": id}))
        }
    }
}

async fn act(api: &Api, output: Output, key: &str, action: &str, did: &str) -> Result<()> {
    let id = api.resolve("ssh-keys", key).await?;
    done(
        output,
        did,
        &api.post(&["ssh-keys", &id, action], &Value::Null).await?,
    )
}

fn made(output: Output, what: &str, key: &Value) -> Result<()> {
    done(output, what, key)?;
    let line = key.get("public_key").and_then(Value::as_str).unwrap_or_default();
    output.info(line.trim_end())
}

fn import(name: String, file: &std::path::Path, notes: Option<String>) -> Result<Value> {
    let text = secret::text_file(file)?;
    let mut passphrase = secret::from_env(secret::KEY_PASSPHRASE)?;
    // Asked of the key itself, so that nobody has to answer a prompt for a key that has no passphrase.
    if passphrase.is_none()
        && matches!(
            courier_keys::PrivateKey::import(text.as_bytes(), None),
            Err(courier_keys::Error::PassphraseNeeded)
        )
    {
        passphrase = secret::ask("Passphrase of the private key")?;
        if passphrase.is_none() {
            let message = format!("the private key is encrypted; set {}", secret::KEY_PASSPHRASE);
            return Err(Failure::usage(message));
        }
    }
    body(&ImportKey {
        name,
        private_key: Secret::from(text.as_str()),
        passphrase: passphrase.map(|passphrase| Secret::from(passphrase.expose_secret())),
        notes,
    })
}
