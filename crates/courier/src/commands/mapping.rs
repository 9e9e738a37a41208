//! `courier mapping`: folders from which each file is pulled once.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{DocumentArgs, ListArgs, done, execution, fields, show, show_items, text};
use crate::api::{Api, ApiArgs, Query};
use crate::exit::{Code, Failure, Result};
use crate::output::Output;
use crate::output::table::Column;
use crate::output::text::{bytes, cell};

/// Folder mappings: folders of connections from which each file is pulled once, into a storage
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A mapping is named by its id, by its name, or, where several connections have one of that name, by CONNECTION:NAME.

Examples:
  courier mapping add partner /outbox --pattern '*.{csv,xml}' --every 1m
  courier mapping add partner /reports --pattern '2026/**' --to lake --prefix partner/reports
  courier mapping dry-run partner:/outbox
  courier mapping run partner:/outbox --watch
  courier mapping edit partner:/outbox --cron '*/5 6-20 * * MON-FRI' --timezone Europe/Berlin
  courier mapping list --connection partner")]
pub(crate) struct Args {
    #[command(flatten)]
    api: ApiArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show the folder mappings and how they fare
    List {
        /// Only those of this connection (name or id)
        #[arg(long, value_name = "CONNECTION")]
        connection: Option<String>,
        /// Only those in this health: unknown, healthy, failing, requires_attention
        #[arg(long, value_name = "HEALTH")]
        health: Option<String>,
        /// Only with this in their name
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Show one folder mapping
    Show { mapping: String },
    /// Map a folder: from then on each of its files is pulled once
    Add {
        /// The connection, by name or id
        connection: String,
        /// The folder on the server; may stand in the document instead
        remote_path: Option<String>,
        #[command(flatten)]
        fields: FieldArgs,
        #[command(flatten)]
        document: DocumentArgs,
    },
    /// Change what is given; the rest stays. Nothing that was pulled is pulled again
    Edit {
        mapping: String,
        /// Another folder on the server
        #[arg(long, value_name = "PATH")]
        remote_path: Option<String>,
        #[command(flatten)]
        fields: FieldArgs,
        #[command(flatten)]
        document: DocumentArgs,
    },
    /// Remove a folder mapping; what it has pulled stays
    #[command(visible_alias = "delete")]
    Remove { mapping: String },
    /// Let a folder mapping pull by itself
    Enable { mapping: String },
    /// Let a folder mapping pull only when somebody runs it
    Disable { mapping: String },
    /// Pull now, and print the execution's id
    Run {
        mapping: String,
        /// Follow it to its end; the exit code tells how it went
        #[arg(long, short)]
        watch: bool,
    },
    /// Show what a pull would take now, and why not the rest
    DryRun { mapping: String },
}

/// What is said most often of a folder mapping.
#[derive(Debug, clap::Args)]
struct FieldArgs {
    /// Its name; the remote path where none is given
    #[arg(long)]
    name: Option<String>,
    /// Which files: *, ?, […], {a,b}, **. With a / it is matched against paths below the folder, else against names
    #[arg(long, value_name = "PATTERN")]
    pattern: Option<String>,
    /// Are files of folders in the folder pulled?
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    recursive: Option<bool>,
    /// The storage that files go to, by name or id; the one called default where none is given
    #[arg(long = "to", value_name = "STORAGE")]
    storage: Option<String>,
    /// What stands before a file's path in the storage
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
    /// Look for files this often: 30s, 5m, 1h, 1d
    #[arg(long, value_name = "TIME", conflicts_with_all = ["cron", "timezone"], value_parser = seconds)]
    every: Option<u64>,
    /// Look for files at the times of a cron expression: minute, hour, day, month, weekday
    #[arg(long, value_name = "EXPRESSION")]
    cron: Option<String>,
    /// The time zone whose clocks count for --cron (Europe/Berlin); UTC where none is given
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    /// Never pull what matches, instead of the usual names of temporary files. Repeatable
    #[arg(long, value_name = "PATTERN")]
    ignore: Vec<String>,
    /// How old a file must be: 0s, 2s, 5m
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    min_age: Option<u64>,
    /// Must a file have the same size and time on two looks?
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    require_stable: Option<bool>,
    /// A file is ready when one of its name with this behind it is there (.done)
    #[arg(long, value_name = "SUFFIX")]
    marker_suffix: Option<String>,
    /// What makes a file another one: path_and_version, or path alone
    #[arg(long, value_name = "IDENTITY", value_parser = ["path_and_version", "path"])]
    identity: Option<String>,
    /// What becomes of a file on the server when it was pulled
    #[arg(long, value_name = "WHAT", value_parser = ["keep", "delete", "move"])]
    after_pull: Option<String>,
    /// Move pulled files to this folder: absolute, or relative to the mapped one
    #[arg(long, value_name = "FOLDER")]
    move_to: Option<String>,
}

impl FieldArgs {
    async fn document(&self, api: &Api) -> Result<Map<String, Value>> {
        let storage = match &self.storage {
            Some(storage) => Some(api.resolve("storages", storage).await?),
            None => None,
        };
        let after = match (&self.after_pull, &self.move_to) {
            (None, Some(_)) => Some("move".to_owned()),
            (after, _) => after.clone(),
        };
        Ok(fields([
            ("name", text(self.name.as_ref())),
            ("pattern", text(self.pattern.as_ref())),
            ("recursive", self.recursive.map(Value::from)),
            ("storage_id", text(storage.as_ref())),
            ("prefix", text(self.prefix.as_ref())),
            ("interval_sec", self.every.map(Value::from)),
            ("cron", text(self.cron.as_ref())),
            ("timezone", text(self.timezone.as_ref())),
            ("ignore", (!self.ignore.is_empty()).then(|| json!(self.ignore))),
            ("min_age_sec", self.min_age.map(Value::from)),
            ("require_stable", self.require_stable.map(Value::from)),
            ("marker_suffix", text(self.marker_suffix.as_ref())),
            ("identity", text(self.identity.as_ref())),
            ("after_pull", text(after.as_ref())),
            ("move_to", text(self.move_to.as_ref())),
        ]))
    }
}

/// `90`, `90s`, `5m`, `12h`, `7d` in seconds.
fn seconds(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.strip_prefix(digits).unwrap_or_default() {
        "" | "s" => Some(1),
        "m" => Some(60),
        "h" => Some(60 * 60),
        "d" => Some(24 * 60 * 60),
        _ => None,
    };
    let number = digits.parse::<u64>().ok();
    let seconds = unit
        .zip(number)
        .and_then(|(unit, number)| number.checked_mul(unit));
    seconds.ok_or_else(|| "expected a time such as 30s, 5m, 12h or 7d".to_owned())
}

const COLUMNS: &[Column] = &[
    ("CONNECTION", "connection"),
    ("NAME", "name"),
    ("PATTERN", "pattern"),
    ("TO", "storage"),
    ("ENABLED", "enabled"),
    ("HEALTH", "health"),
    ("NEXT RUN", "next_run_at"),
    ("LAST OK", "last_ok_at"),
    ("ID", "id"),
];

const DRY_RUN_COLUMNS: &[Column] = &[
    ("PATH", "path"),
    ("SIZE", "size"),
    ("CHANGED", "modified"),
    ("VERDICT", "verdict"),
    ("KEY", "key"),
    ("WHY", "reason"),
];

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let api = Api::new(&args.api)?;
    let set_enabled = async |mapping: &str, enabled: bool| {
        let id = resolve(&api, mapping).await?;
        let changes = json!({"enabled": enabled});
        let changed = api.patch(&["folder-mappings", &id], &changes).await?;
        done(output, if enabled { "enabled" } else { "disabled" }, &changed)
    };
    match args.command {
        Command::List {
            connection,
            health,
            search,
            list,
        } => {
            let connection = match &connection {
                Some(connection) => Some(api.resolve("connections", connection).await?),
                None => None,
            };
            let given = [
                ("connection_id", connection),
                ("health", health),
                ("search", search),
            ];
            let query: Query = given
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?)))
                .collect();
            let mut items = api
                .list(&["folder-mappings"], &query, list.limit as usize)
                .await?;
            if !output.json && !items.is_empty() {
                name_all(&api, &mut items).await?;
            }
            show_items(output, COLUMNS, &items)
        }
        Command::Show { mapping } => {
            let id = resolve(&api, &mapping).await?;
            show(output, &api.get(&["folder-mappings", &id]).await?)
        }
        Command::Add {
            connection,
            remote_path,
            fields: args,
            document,
        } => {
            let mut given = args.document(&api).await?;
            given.extend(remote_path.map(|path| ("remote_path".to_owned(), path.into())));
            let request = document.document(given)?;
            if !request.contains_key("remote_path") {
                return Err(Failure::usage(
                    "which folder? give a REMOTE_PATH, or a document: -f FILE.json",
                ));
            }
            let connection = api.resolve("connections", &connection).await?;
            let path = ["connections", &connection, "folder-mappings"];
            done(output, "added", &api.post(&path, &request.into()).await?)
        }
        Command::Edit {
            mapping,
            remote_path,
            fields: args,
            document,
        } => {
            let mut given = args.document(&api).await?;
            given.extend(remote_path.map(|path| ("remote_path".to_owned(), path.into())));
            let changes = document.document(given)?;
            if changes.is_empty() {
                return Err(Failure::usage(
                    "nothing to change; give a flag, -f FILE.json or --set FIELD=VALUE",
                ));
            }
            let id = resolve(&api, &mapping).await?;
            let changed = api.patch(&["folder-mappings", &id], &changes.into()).await?;
            done(output, "changed", &changed)
        }
        Command::Remove { mapping } => {
            let id = resolve(&api, &mapping).await?;
            api.delete(&["folder-mappings", &id]).await?;
            done(output, "removed", &json!({"name": mapping, "id": id}))
        }
        Command::Enable { mapping } => set_enabled(&mapping, true).await,
        Command::Disable { mapping } => set_enabled(&mapping, false).await,
        Command::Run { mapping, watch } => {
            let id = resolve(&api, &mapping).await?;
            let started = api.post(&["folder-mappings", &id, "run"], &Value::Null).await?;
            let execution = started.get("id").and_then(Value::as_str);
            let execution =
                execution.ok_or_else(|| Failure::new(Code::Failed, "the server's answer is no execution"))?;
            if watch {
                return execution::watch(&api, output, execution).await;
            }
            match output.json {
                true => output.document(&started),
                false => output.line(execution),
            }
        }
        Command::DryRun { mapping } => {
            let path = ["folder-mappings", &resolve(&api, &mapping).await?, "dry-run"];
            tell(output, &api.post(&path, &Value::Null).await?)
        }
    }
}

/// Shows what a pull would take: the files, and what else is to be said.
fn tell(output: Output, run: &Value) -> Result<()> {
    if output.json {
        return output.document(run);
    }
    let empty = Vec::new();
    let list = |name: &str| run.get(name).and_then(Value::as_array).unwrap_or(&empty);
    let is = |name: &str| run.get(name) == Some(&Value::Bool(true));
    let counts = run.get("counts").and_then(Value::as_object);
    let counts: Vec<String> = counts
        .into_iter()
        .flatten()
        .map(|(verdict, count)| format!("{} {count}", verdict.replace('_', " ")))
        .collect();
    match counts.is_empty() {
        true => output.note("the folder is empty"),
        false => show_items(output, DRY_RUN_COLUMNS, list("files"))?,
    }
    for folder in list("refused") {
        let text = |name: &str| folder.get(name).map(cell).unwrap_or_default();
        output.note(format!(
            "could not look into {}: {}",
            text("path"),
            text("reason")
        ));
    }
    for line in list("unreadable") {
        output.note(format!("unreadable: {}", cell(line)));
    }
    if is("timed_out") {
        output.note("not all folders were looked into within the time that a dry-run has");
    } else if is("truncated") {
        output.note("there are more files than shown");
    }
    if !counts.is_empty() {
        let size = run.get("bytes").and_then(Value::as_u64).unwrap_or_default();
        output.note(format!("{}; {} would be pulled", counts.join(", "), bytes(size)));
    }
    Ok(())
}

/// The id of a folder mapping that the user named by id, by name, or by connection and name.
///
/// # Errors
/// [`Code::NotFound`]; [`Code::Usage`] where several connections have one of that name.
pub(crate) async fn resolve(api: &Api, given: &str) -> Result<String> {
    if given.parse::<Uuid>().is_ok() {
        return Ok(given.to_owned());
    }
    let field = |item: &Value, name: &str| item.get(name).and_then(Value::as_str).map(str::to_owned);
    let of_name = async |name: &str| -> Result<Vec<Value>> {
        let query = vec![("search", name.to_owned())];
        let mut items = api.list(&["folder-mappings"], &query, usize::MAX).await?;
        items.retain(|item| item.get("name").and_then(Value::as_str) == Some(name));
        Ok(items)
    };
    let mut found = of_name(given).await?;
    if found.is_empty()
        && let Some((connection, name)) = given.split_once(':')
    {
        let connection = api.resolve("connections", connection).await?;
        found = of_name(name).await?;
        found.retain(|item| field(item, "connection_id").as_deref() == Some(connection.as_str()));
    }
    match found.as_mut_slice() {
        [one] => field(one, "id").ok_or_else(|| Failure::new(Code::Failed, "the server's answer has no id")),
        [] => Err(Failure::new(
            Code::NotFound,
            format!(
                "there is no folder mapping called \"{given}\"; `courier mapping list` shows what there is"
            ),
        )),
        several => {
            name_all(api, several).await?;
            let names: Vec<String> = several
                .iter()
                .filter_map(|item| Some(format!("{}:{given}", field(item, "connection")?)))
                .collect();
            Err(Failure::usage(format!(
                "several connections have a folder mapping called \"{given}\"; say which: {}",
                names.join(", ")
            )))
        }
    }
}

/// Adds the names of connections and storages, for people.
async fn name_all(api: &Api, mappings: &mut [Value]) -> Result<()> {
    for (kind, id, field) in [
        ("connections", "connection_id", "connection"),
        ("storages", "storage_id", "storage"),
    ] {
        let items = api.list(&[kind], &Vec::new(), usize::MAX).await?;
        let names: HashMap<&str, &Value> = items
            .iter()
            .filter_map(|item| Some((item.get("id")?.as_str()?, item.get("name")?)))
            .collect();
        for mapping in &mut *mappings {
            let id = mapping.get(id).cloned().unwrap_or_default();
            let name = id.as_str().and_then(|id| names.get(id)).copied();
            if let Value::Object(mapping) = mapping {
                mapping.insert(field.into(), name.cloned().unwrap_or(id));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        for (text, expected) in [
            ("90", 90),
            ("0s", 0),
            ("5m", 300),
            ("12h", 43_200),
            ("7d", 604_800),
        ] {
            assert_eq!(seconds(text).unwrap(), expected, "{text}");
        }
        for text in [
            "",
            "m",
            "5w",
            "-5m",
            "1.5h",
            "5 m",
            "99999999999999999999d",
            "9999999999999999d",
        ] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
