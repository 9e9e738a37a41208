//! `courier connection`: servers, their keys, pins and files.

mod ftp;
mod function_app;
mod history;
mod tested;

use courier_api::{AddConnectionKey, ApproveHostKey, AuthMethod, Health, HostKeyPolicy, KeyType, RevokeKey};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use self::ftp::FtpArgs;
use self::function_app::FunctionAppArgs;
use super::{DocumentArgs, ListArgs, body, done, fields, show, show_items, text};
use crate::api::{Api, ApiArgs};
use crate::exit::{Failure, Result};
use crate::output::Output;
use crate::output::table::Column;
use crate::secret::{self, PasswordArgs};

/// Connections to servers
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  courier connection create partner --host sftp.partner.com --username acme --ssh-key partner-2026
  courier connection create drop --host 10.0.0.5 --username in --auth-method password --password-stdin
  courier connection create bank --protocol ftps --host ftp.bank.com --username acme --tls-pin AB:CD:… --ask-password
  courier connection create billing --protocol azure_function --host billing.azurewebsites.net --ask-password \
      --workspace-id … --tenant-id … --client-id … --ask-client-secret
  courier connection test partner
  courier connection approve-host-key partner SHA256:…
  courier connection files partner /inbox
  courier connection history partner --prefix /outbox/ --since 24h
  courier connection replay partner --since 2026-03-01T00:00:00Z --until 2026-03-02T00:00:00Z --watch")]
pub(crate) struct Args {
    #[command(flatten)]
    api: ApiArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show the connections
    List {
        /// Only of this group
        #[arg(long)]
        group: Option<String>,
        /// Only with this health: unknown, healthy, failing or requires_attention
        #[arg(long)]
        health: Option<Health>,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Show one connection
    Show { connection: String },
    /// Make a connection
    Create {
        name: Option<String>,
        #[command(flatten)]
        input: Box<InputArgs>,
    },
    /// Change what is given; another host, port or protocol clears secrets and pins
    Update {
        connection: String,
        /// A new name
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        input: Box<InputArgs>,
    },
    /// Delete a connection that no job uses
    Delete { connection: String },
    /// Connect, authenticate and list; pins the host key on first use, and shows the certificate
    Test { connection: String },
    /// Trust a host key that the server has presented
    ApproveHostKey {
        connection: String,
        fingerprint: String,
        /// Beside the pins of its key type, not instead of them
        #[arg(long)]
        add: bool,
    },
    /// Show the connection's keys
    Keys { connection: String },
    /// Give the connection a key of the store, or a new one
    AddKey {
        connection: String,
        /// A key of the store, by name or id
        #[arg(required_unless_present = "generate", conflicts_with = "generate")]
        key: Option<String>,
        /// Make one of this type, e.g. ed25519
        #[arg(long, value_name = "KEY_TYPE")]
        generate: Option<KeyType>,
    },
    /// Take a key from the connection
    RevokeKey {
        connection: String,
        /// The key, by name or id
        key: String,
        /// Even if it is the last one, or the one that last worked
        #[arg(long)]
        force: bool,
    },
    /// Show a folder on the server
    Files {
        connection: String,
        /// The folder; by default the base path or the login folder
        path: Option<String>,
    },
    /// Show the host keys that are trusted, or wait for approval
    KnownHosts { connection: String },
    /// Show the files that were pulled, the last one first
    History {
        connection: String,
        #[command(flatten)]
        which: history::Which,
        #[command(flatten)]
        export: history::Export,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Pull files anew, although they were pulled: one, or all that the options name, each once
    Replay {
        connection: String,
        /// The id of the file's entry in the history
        #[arg(conflicts_with_all = ["path", "prefix", "mapping", "execution", "since", "until", "sha256"])]
        entry: Option<Uuid>,
        #[command(flatten)]
        which: history::Which,
        /// Show how far it is, until it is over
        #[arg(long)]
        watch: bool,
    },
}

/// The fields of a connection.
#[derive(Debug, clap::Args)]
struct InputArgs {
    /// sftp, ftp, ftps, local or azure_function
    #[arg(long)]
    protocol: Option<String>,
    /// Host name or address
    #[arg(long)]
    host: Option<String>,
    /// Port; by default the protocol's
    #[arg(long)]
    port: Option<u16>,
    /// Login name
    #[arg(long)]
    username: Option<String>,
    /// password, ssh_key, password_and_ssh_key, service_principal or none
    #[arg(long)]
    auth_method: Option<AuthMethod>,
    /// A key of the store, by name or id. Repeatable
    #[arg(long, value_name = "KEY")]
    ssh_key: Vec<String>,
    /// A label to group connections by
    #[arg(long)]
    group: Option<String>,
    /// Every remote path lies below it
    #[arg(long, value_name = "PATH")]
    base_path: Option<String>,
    /// trust_on_first_use, manual or always_trust (insecure)
    #[arg(long)]
    host_key_policy: Option<HostKeyPolicy>,
    /// SSH algorithms: default, legacy (weak ones too) or fips
    #[arg(long, value_name = "PRESET")]
    ssh_algorithms: Option<String>,
    /// true: exempt from FIPS mode; each session in the mode is recorded. Only an admin may
    #[arg(long, value_name = "BOOL")]
    fips_override: Option<bool>,
    /// Free text
    #[arg(long)]
    notes: Option<String>,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    document: DocumentArgs,
    #[command(flatten)]
    ftp: FtpArgs,
    #[command(flatten)]
    function_app: FunctionAppArgs,
}

/// How many insecure or weak choices a connection has, for the table; `show` tells them.
const WARNING_COUNT: &str = "warning_count";

const COLUMNS: &[Column] = &[
    ("NAME", "name"),
    ("PROTOCOL", "protocol"),
    ("HOST", "host"),
    ("PORT", "port"),
    ("USER", "username"),
    ("HEALTH", "health"),
    ("LAST OK", "last_ok_at"),
    ("WARNINGS", WARNING_COUNT),
    ("ID", "id"),
];
const KEY_COLUMNS: &[Column] = &[
    ("NAME", "name"),
    ("TYPE", "key_type"),
    ("STATUS", "status"),
    ("FINGERPRINT", "fingerprint"),
    ("LAST USED", "last_used_at"),
    ("REVOKED", "revoked_at"),
    ("ID", "id"),
];
const HOST_COLUMNS: &[Column] = &[
    ("FINGERPRINT", "fingerprint"),
    ("TYPE", "key_type"),
    ("APPROVED", "approved"),
    ("BY", "approved_by"),
    ("FIRST SEEN", "first_seen"),
    ("LAST SEEN", "last_seen"),
];
const FILE_COLUMNS: &[Column] = &[
    ("SIZE", "size"),
    ("MODIFIED", "last_modified"),
    ("FOLDER", "is_directory"),
    ("NAME", "name"),
];

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let api = Api::new(&args.api)?;
    let id = async |connection: &str| api.resolve("connections", connection).await;
    match args.command {
        Command::List { group, health, list } => {
            let mut query = Vec::new();
            query.extend(group.map(|group| ("group", group)));
            query.extend(health.map(|health| ("health", health.to_string())));
            let mut items = api.list(&["connections"], &query, list.limit as usize).await?;
            if !output.json {
                items.iter_mut().for_each(count_warnings);
            }
            show_items(output, COLUMNS, &items)
        }
        Command::Show { connection } => {
            show(output, &api.get(&["connections", &id(&connection).await?]).await?)
        }
        Command::Create { name, input } => {
            let mut request = input.request(&api, name, None).await?;
            if request.get("protocol").is_none() {
                request.insert("protocol".to_owned(), json!("sftp"));
            }
            done(
                output,
                "created",
                &api.post(&["connections"], &request.into()).await?,
            )
        }
        Command::Update {
            connection,
            name,
            input,
        } => {
            let request = input.request(&api, name, Some(&connection)).await?;
            if request.is_empty() {
                return Err(Failure::usage(
                    "nothing to change; `courier connection update --help` shows what can be",
                ));
            }
            let path = ["connections", &id(&connection).await?];
            done(output, "changed", &api.patch(&path, &request.into()).await?)
        }
        Command::Delete { connection } => {
            let id = id(&connection).await?;
            api.delete(&["connections", &id]).await?;
            done(output, "deleted", &json!({"name": connection, "id": id}))
        }
        Command::Test { connection } => {
            let path = ["connections", &id(&connection).await?, "test"];
            tested::show(output, &connection, &api.post(&path, &Value::Null).await?)
        }
        Command::ApproveHostKey {
            connection,
            fingerprint,
            add,
        } => {
            let path = ["connections", &id(&connection).await?, "host-key", "approve"];
            let request = body(&ApproveHostKey {
                fingerprint: fingerprint.clone(),
                add,
            })?;
            let answer = api.post(&path, &request).await?;
            if output.json {
                return output.document(&answer);
            }
            output.info(format!("approved {fingerprint} for {connection}"))
        }
        Command::Keys { connection } => {
            let path = ["connections", &id(&connection).await?, "keys"];
            show_items(
                output,
                KEY_COLUMNS,
                &api.list(&path, &Vec::new(), usize::MAX).await?,
            )
        }
        Command::AddKey {
            connection,
            key,
            generate,
        } => {
            let ssh_key_id = match key {
                Some(key) => api.resolve("ssh-keys", &key).await?.parse().ok(),
                None => None,
            };
            let path = ["connections", &id(&connection).await?, "keys"];
            let answer = api
                .post(&path, &body(&AddConnectionKey { generate, ssh_key_id })?)
                .await?;
            done(output, "added", &answer)?;
            let line = answer
                .get("public_key")
                .and_then(Value::as_str)
                .unwrap_or_default();
            output.info(format!("install on the server: {}", line.trim_end()))
        }
        Command::RevokeKey {
            connection,
            key,
            force,
        } => {
            let key_id = api.resolve("ssh-keys", &key).await?;
            let path = ["connections", &id(&connection).await?, "keys", &key_id, "revoke"];
            api.post(&path, &body(&RevokeKey { force })?).await?;
            done(output, "revoked", &json!({"name": key, "id": key_id}))
        }
        Command::Files { connection, path } => {
            let query = path.map(|path| ("path", path)).into_iter().collect();
            let route = ["connections", &id(&connection).await?, "files"];
            show_items(output, FILE_COLUMNS, &items(api.query(&route, &query).await?))
        }
        Command::KnownHosts { connection } => {
            let route = ["connections", &id(&connection).await?, "known-hosts"];
            show_items(output, HOST_COLUMNS, &items(api.get(&route).await?))
        }
        Command::History {
            connection,
            which,
            export,
            list,
        } => history::show(&api, &id(&connection).await?, which, export, list, output).await,
        Command::Replay {
            connection,
            entry,
            which,
            watch,
        } => history::replay(&api, &id(&connection).await?, entry, which, watch, output).await,
    }
}

/// The items of a list that comes whole.
fn items(document: Value) -> Vec<Value> {
    match document {
        Value::Array(items) => items,
        Value::Object(mut page) => match page.remove("items") {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

impl InputArgs {
    fn needs_password(&self) -> bool {
        matches!(
            self.auth_method,
            Some(AuthMethod::Password | AuthMethod::PasswordAndSshKey)
        )
    }

    /// What is to be sent for a new connection, or a change of this one.
    async fn request(
        &self,
        api: &Api,
        name: Option<String>,
        changed: Option<&str>,
    ) -> Result<Map<String, Value>> {
        let new = changed.is_none();
        let mut keys = Vec::new();
        for key in &self.ssh_key {
            keys.push(Value::String(api.resolve("ssh-keys", key).await?));
        }
        let auth_method = self
            .auth_method
            .or((new && !keys.is_empty()).then_some(AuthMethod::SshKey));
        let mut given = fields([
            ("name", name.map(Value::String)),
            ("protocol", text(self.protocol.as_ref())),
            ("host", text(self.host.as_ref())),
            ("port", self.port.map(Value::from)),
            ("username", text(self.username.as_ref())),
            ("auth_method", auth_method.map(|method| json!(method))),
            ("ssh_key_ids", (!keys.is_empty()).then_some(Value::Array(keys))),
            ("group", text(self.group.as_ref())),
            ("base_path", text(self.base_path.as_ref())),
            (
                "host_key_policy",
                self.host_key_policy.map(|policy| json!(policy)),
            ),
            (
                "ssh_algorithms",
                self.ssh_algorithms
                    .as_ref()
                    .map(|preset| json!({ "preset": preset })),
            ),
            ("fips_override", self.fips_override.map(Value::Bool)),
            ("notes", text(self.notes.as_ref())),
        ]);
        given.extend(self.ftp.fields()?);
        let mut request = self.document.document(given)?;
        self.function_app.add_to(&mut request, api, changed).await?;
        if let Some(password) = self.password.given("Password for the connection")? {
            request.insert("password".to_owned(), Value::from(password.expose_secret()));
        } else if new && self.needs_password() && !request.contains_key("password") {
            let password = self.password.required("Password for the connection")?;
            request.insert("password".to_owned(), Value::from(password.expose_secret()));
        } else if new
            && !["auth_method", "password", "ssh_key_ids"]
                .iter()
                .any(|field| request.contains_key(*field))
            && let Some(password) = secret::from_env(secret::PASSWORD)?
        {
            request.insert("password".to_owned(), Value::from(password.expose_secret()));
        }
        Ok(request)
    }
}

fn count_warnings(connection: &mut Value) {
    let count = connection
        .get("warnings")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    if let (Some(fields), true) = (connection.as_object_mut(), count > 0) {
        fields.insert(WARNING_COUNT.to_owned(), json!(count));
    }
}
