//! `courier storage`: where pulled files go.

use std::path::PathBuf;

use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::{DocumentArgs, ListArgs, done, fields, note_warnings, show, show_list, text};
use crate::api::{Api, ApiArgs};
use crate::exit::{Code, Failure, Result};
use crate::output::Output;
use crate::output::table::Column;
use crate::secret;

/// What credentials are read from where no flag says otherwise.
const CREDENTIALS: &str = "COURIER_STORAGE_CREDENTIALS";

/// Storages: the folders and buckets that pulled files go to
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Credentials are a JSON object, read from a file, from COURIER_STORAGE_CREDENTIALS, or asked for:
  s3      {\"access_key_id\": …, \"secret_access_key\": …}, and \"session_token\" for temporary keys
  azblob  {\"account_name\": …, \"account_key\": …}, or \"sas_token\" instead of the key
  gcs     {\"service_account\": …}, or the service account's key file as it is

Examples:
  courier storage add archive file:///srv/archive
  courier storage add lake 's3://lake/inbox?region=eu-central-1' --credentials-file lake.json
  courier storage test lake")]
pub(crate) struct Args {
    #[command(flatten)]
    api: ApiArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show the storages
    List {
        #[command(flatten)]
        list: ListArgs,
    },
    /// Show one storage
    Show { storage: String },
    /// Make a storage
    Add {
        /// Its name; may stand in the document instead
        name: Option<String>,
        /// file:///folder, s3://bucket/prefix, azblob://container/prefix or gcs://bucket/prefix
        url: Option<String>,
        #[command(flatten)]
        credentials: CredentialArgs,
        #[command(flatten)]
        document: DocumentArgs,
    },
    /// Change what is given; the rest stays
    Edit {
        storage: String,
        /// Its new name
        #[arg(long)]
        name: Option<String>,
        /// Where it is from now on. Credentials for another place are forgotten, unless new ones are given
        #[arg(long)]
        url: Option<String>,
        #[command(flatten)]
        credentials: CredentialArgs,
        /// Forget the credentials
        #[arg(long, conflicts_with_all = ["credentials_file", "ask_credentials"])]
        no_credentials: bool,
        #[command(flatten)]
        document: DocumentArgs,
    },
    /// Remove a storage; what is stored there stays
    #[command(visible_alias = "delete")]
    Remove { storage: String },
    /// Write, read and remove a small object: of a storage, or of one that isn't made yet, by its URL
    Test {
        /// A name or an id, or a URL
        storage: String,
        #[command(flatten)]
        credentials: CredentialArgs,
    },
}

/// Where credentials come from.
#[derive(Debug, clap::Args)]
struct CredentialArgs {
    /// Read the credentials from a file with a JSON object; - is standard input
    #[arg(long, value_name = "FILE")]
    credentials_file: Option<PathBuf>,
    /// Ask for the credentials on the terminal
    #[arg(long, conflicts_with = "credentials_file")]
    ask_credentials: bool,
}

impl CredentialArgs {
    /// The credentials that the flags or the variable point to, if any do.
    fn given(&self, url: Option<&str>) -> Result<Option<Value>> {
        if let Some(path) = &self.credentials_file {
            let text = secret::text_file(path)?;
            return object(&text, &path.display().to_string()).map(Some);
        }
        if self.ask_credentials {
            return asked(url).map(Some);
        }
        match secret::from_env(CREDENTIALS)? {
            Some(text) => object(text.expose_secret(), CREDENTIALS).map(Some),
            None => Ok(None),
        }
    }
}

/// What the error of a parser shows of a secret is nothing.
fn object(text: &str, name: &str) -> Result<Value> {
    match serde_json::from_str(text) {
        // Google's key file as it is downloaded.
        Ok(Value::Object(key)) if key.get("type").is_some_and(|kind| kind == "service_account") => {
            Ok(json!({"service_account": key}))
        }
        Ok(Value::Object(credentials)) => Ok(Value::Object(credentials)),
        _ => Err(Failure::usage(format!(
            "{name} holds no JSON object; expected credentials, such as {{\"access_key_id\": …, \"secret_access_key\": …}}"
        ))),
    }
}

/// Asks for what each kind of storage is opened with most often.
fn asked(url: Option<&str>) -> Result<Value> {
    let scheme = url.and_then(|url| url.split_once(':')).map(|(scheme, _)| scheme);
    let wanted = match scheme {
        Some("s3") => ["access_key_id", "secret_access_key"],
        Some("azblob") => ["account_name", "account_key"],
        _ => {
            let message = "only what s3:// and azblob:// are opened with can be asked for, and the URL says which; use \
                           --credentials-file";
            return Err(Failure::usage(message));
        }
    };
    let mut credentials = Map::new();
    for field in wanted {
        let answer = secret::ask(&format!("{field} (not shown)"))?.ok_or_else(|| {
            Failure::usage(format!(
                "there is no terminal to ask for credentials on; use --credentials-file or {CREDENTIALS}"
            ))
        })?;
        credentials.insert(field.into(), json!(answer.expose_secret()));
    }
    Ok(Value::Object(credentials))
}

const COLUMNS: &[Column] = &[
    ("NAME", "name"),
    ("SCHEME", "scheme"),
    ("URL", "url"),
    ("CREDENTIALS", "has_credentials"),
    ("ID", "id"),
];

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let api = Api::new(&args.api)?;
    let id = async |storage: &str| api.resolve("storages", storage).await;
    match args.command {
        Command::List { list } => show_list(&api, output, &["storages"], &Vec::new(), COLUMNS, &list).await,
        Command::Show { storage } => show(output, &api.get(&["storages", &id(&storage).await?]).await?),
        Command::Add {
            name,
            url,
            credentials,
            document,
        } => {
            let given = fields([("name", text(name.as_ref())), ("url", text(url.as_ref()))]);
            let mut request = document.document(given)?;
            if !["name", "url"].iter().all(|field| request.contains_key(*field)) {
                let message = "a storage needs a name and a URL: courier storage add NAME URL, or a document: -f FILE.json";
                return Err(Failure::usage(message));
            }
            let url = request.get("url").and_then(Value::as_str).map(str::to_owned);
            // The variable is meant for storages that have credentials.
            if !url.as_deref().is_some_and(is_folder) || credentials.credentials_file.is_some() {
                let credentials = credentials.given(url.as_deref())?;
                request.extend(fields([("credentials", credentials)]));
            }
            done(
                output,
                "created",
                &api.post(&["storages"], &request.into()).await?,
            )
        }
        Command::Edit {
            storage,
            name,
            url,
            credentials,
            no_credentials,
            document,
        } => {
            let id = id(&storage).await?;
            let mut given = fields([("name", text(name.as_ref())), ("url", text(url.as_ref()))]);
            if no_credentials {
                given.insert("credentials".into(), Value::Null);
            } else if credentials.credentials_file.is_some() || credentials.ask_credentials {
                let url = match url {
                    Some(url) => Some(url),
                    None => url_of(&api, &id).await?,
                };
                given.extend(fields([("credentials", credentials.given(url.as_deref())?)]));
            }
            let changes = document.document(given)?;
            if changes.is_empty() {
                return Err(Failure::usage(
                    "nothing to change; give a flag, -f FILE.json or --set FIELD=VALUE",
                ));
            }
            done(
                output,
                "changed",
                &api.patch(&["storages", &id], &changes.into()).await?,
            )
        }
        Command::Remove { storage } => {
            let id = id(&storage).await?;
            api.delete(&["storages", &id]).await?;
            done(output, "removed", &json!({"name": storage, "id": id}))
        }
        Command::Test { storage, credentials } => {
            let trial = if storage.contains("://") {
                let given = match is_folder(&storage) {
                    true => None,
                    false => credentials.given(Some(&storage))?,
                };
                let request = fields([("url", Some(json!(storage))), ("credentials", given)]);
                api.post(&["storages", "test"], &request.into()).await?
            } else {
                if credentials.credentials_file.is_some() || credentials.ask_credentials {
                    return Err(Failure::usage(
                        "a storage is tested with its own credentials; credentials are for the test of a URL",
                    ));
                }
                let path = ["storages", &id(&storage).await?, "test"];
                api.post(&path, &Value::Null).await?
            };
            tested(output, &trial)
        }
    }
}

fn is_folder(url: &str) -> bool {
    url.starts_with("file:")
}

async fn url_of(api: &Api, id: &str) -> Result<Option<String>> {
    let storage = api.get(&["storages", id]).await?;
    Ok(storage.get("url").and_then(Value::as_str).map(str::to_owned))
}

/// What a test has shown; one that failed is a failure.
fn tested(output: Output, trial: &Value) -> Result<()> {
    let works = trial.get("success") == Some(&Value::Bool(true));
    if output.json {
        output.document(trial)?;
    } else {
        note_warnings(output, trial);
    }
    let message = trial.get("error_message").and_then(Value::as_str);
    match (works, output.json) {
        (true, true) => Ok(()),
        (true, false) => output.info("works: a small object was written, read and removed".to_owned()),
        (false, true) => Err(Failure::silent(Code::Failed)),
        (false, false) => Err(Failure::new(Code::Failed, message.unwrap_or("the test failed"))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_an_object_and_never_shown() {
        let given = object(r#"{"access_key_id": "AK"}"#, "x.json").unwrap();
        assert_eq!(given, json!({"access_key_id": "AK"}));
        let key = object(r#"{"type": "service_account", "project_id": "p"}"#, "x.json").unwrap();
        assert_eq!(key["service_account"]["project_id"], "p");
        for wrong in ["hunter2", "[\"hunter2\"]", "{\"a\": \"hunter2\""] {
            let error = object(wrong, "x.json").unwrap_err().to_string();
            assert!(error.contains("x.json") && !error.contains("hunter2"), "{error}");
        }
        assert!(asked(Some("gcs://bucket")).is_err());
    }
}
