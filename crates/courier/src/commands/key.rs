//! `courier key`: the SSH keys that connections authenticate with.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use courier_api::{GenerateKey, ImportKey, KeyStatus, KeyType, Secret, SshKeyInput};
use courier_keys::{Error, PrivateKey};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{ListArgs, body, done, show, show_items};
use crate::api::{Api, ApiArgs};
use crate::exit::{Code, Failure, Result};
use crate::output::Output;
use crate::output::table::Column;
use crate::secret;

/// SSH keys
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  courier key generate partner-2026 --key-type ed25519
  courier key public partner-2026 >> authorized_keys
  courier key import old-key -f id_rsa
  courier key import windows-key -f partner.ppk
  courier key list")]
pub(crate) struct Args {
    #[command(flatten)]
    api: ApiArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show the keys, the connections that use them and when a server last accepted them
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
    ///
    /// Reads the formats of OpenSSH, OpenSSL (PKCS#1, SEC1, PKCS#8, as text or DER) and PuTTY (version 2 and 3), encrypted or
    /// not.
    Import {
        name: String,
        /// The private key's file; - is standard input
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
        /// A new name
        #[arg(long)]
        name: Option<String>,
        /// New notes; an empty text clears them
        #[arg(long)]
        notes: Option<String>,
    },
    /// Take a key out of use; connections go without it until it is activated again
    Retire { key: String },
    /// Put a retired key back into use
    Activate { key: String },
    /// Delete a key that no connection uses; its private half is gone for good
    Delete { key: String },
}

const COLUMNS: &[Column] = &[
    ("NAME", "name"),
    ("TYPE", "key_type"),
    ("STATUS", "status"),
    ("USED BY", "used_by"),
    ("LAST USED", "last_used_at"),
    ("FINGERPRINT", "fingerprint"),
    ("ID", "id"),
];

/// How often a passphrase is asked for.
const ASKED: usize = 3;

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let api = Api::new(&args.api)?;
    match args.command {
        Command::List { status, list } => {
            let query = status
                .map(|status| ("status", status.to_string()))
                .into_iter()
                .collect();
            let mut keys = api.list(&["ssh-keys"], &query, list.limit as usize).await?;
            if !output.json {
                name_connections(&api, &mut keys).await;
            }
            show_items(output, COLUMNS, &keys)
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
            let mut key = api.get(&["ssh-keys", &id]).await?;
            if !output.json {
                name_connections(&api, std::slice::from_mut(&mut key)).await;
            }
            show(output, &key)
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
            if name.is_none() && notes.is_none() {
                return Err(Failure::usage("nothing to change; give --name or --notes"));
            }
            let id = api.resolve("ssh-keys", &key).await?;
            let request = body(&SshKeyInput {
                name,
                notes: notes.map(|notes| Some(notes).filter(|notes| !notes.is_empty())),
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

/// Puts the names of connections in the place of their ids, for people. A token that may not see connections leaves the ids.
async fn name_connections(api: &Api, keys: &mut [Value]) {
    let used = |key: &Value| {
        key.get("used_by")
            .and_then(Value::as_array)
            .is_some_and(|ids| !ids.is_empty())
    };
    if !keys.iter().any(used) {
        return;
    }
    let Ok(connections) = api.list(&["connections"], &Vec::new(), usize::MAX).await else {
        return;
    };
    let names: HashMap<&str, &Value> = connections
        .iter()
        .filter_map(|one| Some((one.get("id")?.as_str()?, one.get("name")?)))
        .collect();
    let ids = keys
        .iter_mut()
        .filter_map(|key| key.get_mut("used_by")?.as_array_mut())
        .flatten();
    for id in ids {
        if let Some(name) = id.as_str().and_then(|id| names.get(id)) {
            *id = (*name).clone();
        }
    }
}

fn import(name: String, path: &Path, notes: Option<String>) -> Result<Value> {
    let file = secret::file(path)?;
    let mut passphrase = secret::from_env(secret::KEY_PASSPHRASE)?;
    match PrivateKey::import(&file, None) {
        // Whatever else it is, it isn't sent to anybody.
        Err(error @ Error::NotAPrivateKey { .. }) => {
            return Err(Failure::usage(format!("{}: {error}", path.display())));
        }
        // Told by the key itself, so that nobody has to answer a prompt for a key that has no passphrase.
        Err(Error::PassphraseNeeded) if passphrase.is_none() => passphrase = Some(ask(&file)?),
        _ => {}
    }
    let text = courier_keys::file_as_text(&file);
    body(&ImportKey {
        name,
        private_key: Secret::from(text.expose_secret()),
        passphrase: passphrase.map(|passphrase| Secret::from(passphrase.expose_secret())),
        notes,
    })
}

/// Asks for the passphrase until it opens the key, a few times.
fn ask(file: &[u8]) -> Result<SecretString> {
    let mut question = "Passphrase of the private key";
    for _ in 0..ASKED {
        let passphrase = secret::ask(question)?.filter(|passphrase| !passphrase.expose_secret().is_empty());
        let Some(passphrase) = passphrase else {
            let message = format!("the private key is encrypted; set {}", secret::KEY_PASSPHRASE);
            return Err(Failure::usage(message));
        };
        match PrivateKey::import(file, Some(&passphrase)) {
            Err(Error::PassphraseWrong) => {
                question = "It does not open the key. Passphrase of the private key"
            }
            _ => return Ok(passphrase),
        }
    }
    Err(Failure::new(Code::Failed, Error::PassphraseWrong.to_string()))
}
