//! `courier alert`: whom to tell of what.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::{DocumentArgs, ListArgs, done, fields, mapping, show, show_list};
use crate::api::{Api, ApiArgs};
use crate::exit::{Code, Failure, Result};
use crate::output::Output;
use crate::output::table::Column;
use crate::secret;

/// Alerts: whom to tell of failures, and how
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Kinds of events: execution_failed, execution_completed, execution_late (with --late-after-sec), file_missing (with a
document that has \"expect\"), connection_health, file_pulled (a message for each file that a folder mapping pulls).

Examples:
  courier alert create ops --on execution_failed --on connection_health --webhook https://chat.example.com/hook
  courier alert create night --on execution_late --late-after-sec 900 --email ops@example.com
  courier alert create arrivals --on file_pulled --connection sales --webhook https://lake.example.com/arrivals
  courier alert test ops
  courier alert deliveries ops

A file that must come: {\"name\": \"orders\", \"on\": [\"file_missing\"],
  \"channel\": {\"type\": \"email\", \"to\": [\"ops@example.com\"]},
  \"expect\": {\"pattern\": \"orders_*.csv\", \"by\": \"06:30\", \"timezone\": \"Europe/Berlin\"}}")]
pub(crate) struct Args {
    #[command(flatten)]
    api: ApiArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show the alerts
    List {
        #[command(flatten)]
        list: ListArgs,
    },
    /// Show one alert
    Show { alert: String },
    /// Make an alert
    Create {
        /// Its name; may stand in the document instead
        name: Option<String>,
        #[command(flatten)]
        rule: RuleArgs,
        #[command(flatten)]
        document: DocumentArgs,
    },
    /// Change what is given; the rest stays
    Update {
        alert: String,
        #[command(flatten)]
        rule: RuleArgs,
        #[command(flatten)]
        document: DocumentArgs,
    },
    /// Delete an alert, with its messages
    Delete { alert: String },
    /// Send a message now, and print what the other side said
    Test { alert: String },
    /// Show the messages of an alert and what became of them
    Deliveries {
        alert: String,
        #[command(flatten)]
        list: ListArgs,
    },
}

/// What is said most often of an alert.
#[derive(Debug, clap::Args)]
struct RuleArgs {
    /// Of what it tells. Repeatable
    #[arg(long, value_name = "KIND")]
    on: Vec<String>,
    /// Post messages to this address
    #[arg(long, value_name = "URL", conflicts_with = "email")]
    webhook: Option<String>,
    /// Sign webhooks with the secret on the first line of standard input
    #[arg(long, conflicts_with = "email")]
    secret_stdin: bool,
    /// Mail messages to this address. Repeatable
    #[arg(long, value_name = "ADDRESS")]
    email: Vec<String>,
    /// Only for this job, by name or id. Repeatable
    #[arg(long, value_name = "JOB")]
    job: Vec<String>,
    /// Only for this connection, by name or id. Repeatable
    #[arg(long, value_name = "CONNECTION")]
    connection: Vec<String>,
    /// Only for this folder mapping, by name, CONNECTION:NAME or id. Repeatable
    #[arg(long, value_name = "MAPPING")]
    mapping: Vec<String>,
    /// How long an execution may take from the time that it was due
    #[arg(long, value_name = "SECONDS")]
    late_after_sec: Option<u32>,
    /// No more than one message about the same in this time
    #[arg(long, value_name = "SECONDS")]
    repeat_after_sec: Option<u32>,
}

impl RuleArgs {
    async fn fields(&self, api: &Api) -> Result<Map<String, Value>> {
        let secret: Option<SecretString> = match self.secret_stdin {
            true => Some(secret::from_stdin()?),
            false => None,
        };
        let mut channel = Map::new();
        if self.webhook.is_some() || secret.is_some() {
            channel.insert("type".into(), json!("webhook"));
        }
        channel.extend(fields([
            ("url", self.webhook.clone().map(Value::from)),
            ("secret", secret.map(|secret| json!(secret.expose_secret()))),
        ]));
        if !self.email.is_empty() {
            channel = fields([("type", Some(json!("email"))), ("to", Some(json!(self.email)))]);
        }
        let given = |list: &[String]| (!list.is_empty()).then(|| json!(list));
        let jobs = ids(api, "jobs", &self.job).await?;
        let connections = ids(api, "connections", &self.connection).await?;
        let mut mappings = Vec::with_capacity(self.mapping.len());
        for given in &self.mapping {
            mappings.push(mapping::resolve(api, given).await?);
        }
        Ok(fields([
            ("on", given(&self.on)),
            ("channel", (!channel.is_empty()).then_some(Value::Object(channel))),
            ("jobs", given(&jobs)),
            ("connections", given(&connections)),
            ("mappings", given(&mappings)),
            ("late_after_sec", self.late_after_sec.map(Value::from)),
            ("repeat_after_sec", self.repeat_after_sec.map(Value::from)),
        ]))
    }
}

async fn ids(api: &Api, kind: &str, given: &[String]) -> Result<Vec<String>> {
    let mut ids = Vec::with_capacity(given.len());
    for name in given {
        ids.push(api.resolve(kind, name).await?);
    }
    Ok(ids)
}

const COLUMNS: &[Column] = &[
    ("NAME", "name"),
    ("ENABLED", "enabled"),
    ("ON", "on"),
    ("CHANNEL", "channel"),
    ("ID", "id"),
];
const DELIVERY_COLUMNS: &[Column] = &[
    ("WHEN", "at"),
    ("TYPE", "type"),
    ("RECOVERED", "recovered"),
    ("STATE", "state"),
    ("ATTEMPTS", "attempts"),
    ("ANSWER", "answer"),
    ("ID", "id"),
];

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let api = Api::new(&args.api)?;
    let id = async |alert: &str| api.resolve("alerts", alert).await;
    match args.command {
        Command::List { list } => show_list(&api, output, &["alerts"], &Vec::new(), COLUMNS, &list).await,
        Command::Show { alert } => show(output, &api.get(&["alerts", &id(&alert).await?]).await?),
        Command::Create { name, rule, document } => {
            let mut given = rule.fields(&api).await?;
            given.extend(name.map(|name| ("name".to_owned(), json!(name))));
            let request = document.document(given)?;
            if request.is_empty() {
                let message =
                    "an alert needs a name, --on and --webhook or --email, or a document: -f FILE.json";
                return Err(Failure::usage(message));
            }
            done(output, "created", &api.post(&["alerts"], &request.into()).await?)
        }
        Command::Update {
            alert,
            rule,
            document,
        } => {
            let changes = document.document(rule.fields(&api).await?)?;
            if changes.is_empty() {
                return Err(Failure::usage(
                    "nothing to change; give a flag, -f FILE.json or --set FIELD=VALUE",
                ));
            }
            let path = ["alerts", &id(&alert).await?];
            done(output, "changed", &api.patch(&path, &changes.into()).await?)
        }
        Command::Delete { alert } => {
            let id = id(&alert).await?;
            api.delete(&["alerts", &id]).await?;
            done(output, "deleted", &json!({"name": alert, "id": id}))
        }
        Command::Test { alert } => {
            let trial = api
                .post(&["alerts", &id(&alert).await?, "test"], &Value::Null)
                .await?;
            tried(output, &trial)
        }
        Command::Deliveries { alert, list } => {
            let path = ["alerts", &id(&alert).await?, "deliveries"];
            show_list(&api, output, &path, &Vec::new(), DELIVERY_COLUMNS, &list).await
        }
    }
}

/// What the other side said; a message that it has not taken is a failure.
fn tried(output: Output, trial: &Value) -> Result<()> {
    let answer = trial.get("answer").and_then(Value::as_str).unwrap_or_default();
    if trial.get("delivered") != Some(&Value::Bool(true)) {
        if output.json {
            output.document(trial)?;
            return Err(Failure::silent(Code::Failed));
        }
        return Err(Failure::new(Code::Failed, format!("not delivered: {answer}")));
    }
    match output.json {
        true => output.document(trial),
        false => output.info(format!("delivered: {answer}")),
    }
}
