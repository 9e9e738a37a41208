//! What somebody wants a folder mapping to be, read with every problem at once.

use courier_storage::ObjectKey;
use courier_transfer::{
    RemotePath,
    ops::Pattern,
    settings::{Problem, Setting},
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    definition::{AfterPull, MappingDefinition, MappingIdentity, Timing},
    fields::{
        AFTER_PULL, CRON, ENABLED, IDENTITY, IGNORE, INTERVAL_SEC, MARKER_SUFFIX, MIN_AGE_SEC, MOVE_TO, NAME,
        PATTERN, PREFIX, READ_ONLY, RECURSIVE, REMOTE_PATH, REQUIRE_STABLE, STORAGE_ID, TIMEZONE,
    },
};
use crate::{
    Error, Result,
    definition::schedule::zone,
    input::{Input, name_problem, uuid},
    schedules::Timetable,
};

/// What is never pulled where nothing is said.
const IGNORED: [&str; 10] = [
    ".*",
    "*.tmp",
    "*.temp",
    "*.part",
    "*.partial",
    "*.filepart",
    "*.crdownload",
    "*.swp",
    "~*",
    "*~",
];

/// Seconds from one look to the next where nothing is said.
const INTERVAL: u64 = 300;

/// The most patterns of what is never pulled.
const MOST_IGNORED: usize = 100;
/// The longest pattern, bytes.
const LONGEST_PATTERN: usize = 1024;
/// The longest prefix, bytes: keys have 1,024 at most.
const LONGEST_PREFIX: usize = 512;

/// A mapping as somebody wants it.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) enabled: bool,
    pub(super) definition: MappingDefinition,
}

/// What a mapping is read for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// The connection that it is of.
    pub(super) connection: Uuid,
    /// Does the connection have a base path? Then a folder has one name only: the absolute one.
    pub(super) has_base_path: bool,
    /// The mapped folder until now, which stays as it is written.
    pub(super) folder: Option<&'a RemotePath>,
    /// The storage where none is given.
    pub(super) storage: Option<Uuid>,
    pub(super) now: Timestamp,
}

/// Reads a mapping.
///
/// # Errors
/// [`Error::Validation`]; [`Error::Schedule`] where nothing but the cron expression or the time zone is wrong.
pub(super) fn read(values: Map<String, Value>, place: Place<'_>) -> Result<Wanted> {
    let mut input = Input::new("", values);
    input.ignore(READ_ONLY);
    if let Some(id) = input.raw("connection_id")
        && uuid(&id) != Some(place.connection)
    {
        input.problem(
            "connection_id",
            "is another connection: a folder mapping stays with its own; make a new one there",
        );
    }
    let folder = folder(&mut input, place);
    let name = name(&mut input, folder.as_ref());
    let (pattern, recursive) = pattern(&mut input);
    let storage_id = storage(&mut input, place.storage);
    let prefix = prefix(&mut input);
    let ignore = ignore(&mut input);
    let min_age = input
        .integer(&MIN_AGE_SEC)
        .and_then(|seconds| u64::try_from(seconds).ok());
    let require_stable = input.bool(&REQUIRE_STABLE).unwrap_or(false);
    let marker_suffix = marker(&mut input);
    let identity = match input.text(&IDENTITY).as_deref() {
        Some("path") => MappingIdentity::Path,
        _ => MappingIdentity::PathAndVersion,
    };
    let (after_pull, move_to) = after_pull(&mut input, folder.as_ref());
    let enabled = input.bool(&ENABLED).unwrap_or(true);
    let (timing, times) = timing(&mut input, place.now);
    let mut problems = input.finish();
    if problems.is_empty() && !times.is_empty() {
        return Err(Error::Schedule { fields: times });
    }
    problems.extend(times);
    match (folder, storage_id, timing) {
        (Some(remote_path), Some(storage_id), Some(timing)) if problems.is_empty() => Ok(Wanted {
            name,
            enabled,
            definition: MappingDefinition {
                remote_path,
                pattern,
                recursive,
                storage_id,
                prefix,
                timing,
                ignore,
                min_age_sec: min_age.unwrap_or_default(),
                require_stable,
                marker_suffix,
                identity,
                after_pull,
                move_to,
            },
        }),
        _ => Err(Error::Validation { fields: problems }),
    }
}

/// The definition with these changes in it; `null` puts a field back to what it is where nothing is said. What can't stand
/// beside a change goes with it.
pub(super) fn merged(
    name: &str,
    enabled: bool,
    definition: &MappingDefinition,
    changes: Map<String, Value>,
) -> Result<Map<String, Value>> {
    let Value::Object(mut values) = json!(definition) else {
        return Err(Error::Internal("a folder mapping is no object".into()));
    };
    values.insert("name".into(), name.into());
    values.insert("enabled".into(), enabled.into());
    let sets = |field: &str| changes.get(field).is_some_and(|value| !value.is_null());
    if sets("cron") {
        values.remove("interval_sec");
    }
    if sets("interval_sec") || changes.get("cron") == Some(&Value::Null) {
        values.remove("cron");
        values.remove("timezone");
    }
    if sets("after_pull") && changes.get("after_pull") != Some(&json!("move")) {
        values.remove("move_to");
    }
    // "No folders" was said of a pattern that needs none.
    if changes.contains_key("pattern") && !definition.recursive {
        values.remove("recursive");
    }
    values.extend(changes);
    Ok(values)
}

fn folder(input: &mut Input, place: Place<'_>) -> Option<RemotePath> {
    let path = remote_path(input, &REMOTE_PATH)?;
    if place.has_base_path && !path.is_absolute() && place.folder != Some(&path) {
        return Some(RemotePath::root().join_below(&path));
    }
    Some(path)
}

/// A path that no server takes for another one than we do.
fn remote_path(input: &mut Input, setting: &Setting) -> Option<RemotePath> {
    let text = input.text(setting)?;
    if let Some(why) = odd_character(&text) {
        input.problem(setting.name, why);
        return None;
    }
    match RemotePath::new(&text) {
        Ok(path) => Some(path),
        Err(error) => {
            input.problem(setting.name, error.to_string());
            None
        }
    }
}

fn odd_character(path: &str) -> Option<&'static str> {
    if path.contains('\\') {
        Some("has a backslash, which some servers take for a separator; folders are separated by \"/\"")
    } else if path.chars().any(char::is_control) {
        Some("has a control character in it")
    } else {
        None
    }
}

fn name(input: &mut Input, folder: Option<&RemotePath>) -> String {
    let given = input.text(&NAME);
    if let Some(message) = given.as_deref().and_then(name_problem) {
        input.problem("name", message);
    }
    let standard = || {
        let text = folder.map(RemotePath::to_text).unwrap_or_default();
        // The end tells more than the beginning.
        let skipped = text.chars().count().saturating_sub(200);
        text.chars().skip(skipped).collect::<String>().trim().to_owned()
    };
    given.unwrap_or_else(standard)
}

fn pattern(input: &mut Input) -> (String, bool) {
    let text = input.text(&PATTERN).unwrap_or_default();
    let read = match input.has_problem("pattern") {
        true => None,
        false => match compiled(&text) {
            Ok(pattern) => Some(pattern),
            Err(message) => {
                input.problem("pattern", message);
                None
            }
        },
    };
    let needs_folders = read.is_some_and(|pattern| !pattern.is_base_name());
    let recursive = input.bool(&RECURSIVE);
    if needs_folders && recursive == Some(false) {
        input.problem(
            "recursive",
            format!("can't be false: the pattern \"{text}\" is about folders in the folder"),
        );
    }
    (text, recursive.unwrap_or(needs_folders))
}

/// A pattern below the mapped folder.
fn compiled(text: &str) -> Result<Pattern, String> {
    if text.len() > LONGEST_PATTERN {
        return Err(format!("must have {LONGEST_PATTERN} bytes at most"));
    }
    if text.chars().any(char::is_control) {
        return Err("has a control character in it".into());
    }
    if text.starts_with('/') {
        return Err("must not start with \"/\": it is matched below the mapped folder".into());
    }
    if text.ends_with('/') {
        return Err("must not end with \"/\": files are pulled, not folders".into());
    }
    if text.split(['/', '{', '}', ',']).any(|part| part == "..") {
        return Err("has a segment \"..\", which could leave its folder".into());
    }
    Pattern::new(text).map_err(|error| error.to_string())
}

fn storage(input: &mut Input, standard: Option<Uuid>) -> Option<Uuid> {
    match input.take(&STORAGE_ID) {
        Some(value) => {
            let id = uuid(&value);
            if id.is_none() {
                input.problem("storage_id", "must be the id of a storage");
            }
            id
        }
        None if input.has_problem("storage_id") => None,
        None => {
            if standard.is_none() {
                input.problem(
                    "storage_id",
                    "is required: there is no storage called \"default\"",
                );
            }
            standard
        }
    }
}

fn prefix(input: &mut Input) -> String {
    let text = input.text(&PREFIX).unwrap_or_default();
    let prefix = text.strip_suffix('/').unwrap_or(&text);
    if prefix.is_empty() && text.is_empty() {
        return text;
    }
    let problem = if text.starts_with('/') {
        Some("must not start with \"/\": it lies below the storage's own prefix".to_owned())
    } else if prefix.len() > LONGEST_PREFIX {
        Some(format!("must have {LONGEST_PREFIX} bytes at most"))
    } else if let Some(why) = odd_character(prefix) {
        Some(why.to_owned())
    } else {
        let odd = prefix.split('/').find(|part| matches!(*part, "" | "." | ".."));
        let named = odd.map(|part| format!("has the segment \"{part}\", which is no name"));
        // What no key begins with would fail with every file.
        named.or_else(|| ObjectKey::of(prefix, b"x").err().map(|error| error.to_string()))
    };
    if let Some(problem) = problem {
        input.problem("prefix", problem);
    }
    prefix.to_owned()
}

fn ignore(input: &mut Input) -> Vec<String> {
    let patterns: Vec<String> = match input.take(&IGNORE) {
        Some(Value::Array(items)) => {
            let texts = items.into_iter().filter_map(|item| match item {
                Value::String(text) => Some(text),
                _ => None,
            });
            texts.collect()
        }
        _ => IGNORED.map(str::to_owned).to_vec(),
    };
    if patterns.len() > MOST_IGNORED {
        input.problem("ignore", format!("must be {MOST_IGNORED} patterns at most"));
        return patterns;
    }
    for (i, pattern) in patterns.iter().enumerate() {
        if let Err(message) = compiled(pattern) {
            input.problem(&format!("ignore[{i}]"), message);
        }
    }
    patterns
}

fn marker(input: &mut Input) -> Option<String> {
    let suffix = input.text(&MARKER_SUFFIX)?;
    let problem = if suffix.contains('/') {
        Some("must not have a \"/\" in it: a marker lies beside its file")
    } else if let Some(why) = odd_character(&suffix) {
        Some(why)
    } else if suffix.len() > 64 {
        Some("must have 64 bytes at most")
    } else {
        None
    };
    if let Some(problem) = problem {
        input.problem("marker_suffix", problem);
    }
    Some(suffix)
}

fn after_pull(input: &mut Input, folder: Option<&RemotePath>) -> (AfterPull, Option<RemotePath>) {
    let after = match input.text(&AFTER_PULL).as_deref() {
        Some("delete") => AfterPull::Delete,
        Some("move") => AfterPull::Move,
        _ => AfterPull::Keep,
    };
    let is_known = !input.has_problem("after_pull");
    let move_to = remote_path(input, &MOVE_TO);
    if is_known && !input.has_problem("move_to") {
        match (after, &move_to) {
            (AfterPull::Move, None) => {
                input.problem("move_to", "is required where after_pull is move");
            }
            (AfterPull::Keep | AfterPull::Delete, Some(_)) => {
                input.problem("move_to", "is for after_pull move only");
            }
            (AfterPull::Move, Some(to)) => {
                if let Some(folder) = folder
                    && moved_to(folder, to) == *folder
                {
                    input.problem(
                        "move_to",
                        "is the mapped folder itself: files would stay where they are",
                    );
                }
            }
            _ => {}
        }
    }
    (after, move_to)
}

/// Where pulled files are moved to, as the connection's client names it.
pub(super) fn moved_to(folder: &RemotePath, to: &RemotePath) -> RemotePath {
    match to.is_absolute() {
        true => to.clone(),
        false => folder.join_below(to),
    }
}

/// When it is due, and what is wrong with the expression or the time zone.
fn timing(input: &mut Input, now: Timestamp) -> (Option<Timing>, Vec<Problem>) {
    let seconds = input
        .integer(&INTERVAL_SEC)
        .and_then(|seconds| u64::try_from(seconds).ok());
    let cron = input.text(&CRON).map(|cron| cron.trim().to_owned());
    let timezone = input.text(&TIMEZONE);
    let Some(cron) = cron else {
        if timezone.is_some() && !input.has_problem("cron") {
            input.problem("timezone", "is for cron only: an interval knows no time zone");
        }
        return (Some(Timing::Interval(seconds.unwrap_or(INTERVAL))), Vec::new());
    };
    if seconds.is_some() {
        input.problem("cron", "either interval_sec or cron must be given, and not both");
    }
    let zone = match zone(timezone.as_deref()) {
        Ok(zone) => zone,
        Err(message) => return (None, vec![Problem::new("timezone", message)]),
    };
    let timezone = zone.iana_name().unwrap_or("UTC").to_owned();
    match Timetable::new(&cron, zone) {
        Ok(table) if table.after(now).is_none() => {
            let message = format!("\"{cron}\" matches no day: it would never run");
            (None, vec![Problem::new("cron", message)])
        }
        Ok(_) => (Some(Timing::Cron { cron, timezone }), Vec::new()),
        Err(message) => (None, vec![Problem::new("cron", message)]),
    }
}
