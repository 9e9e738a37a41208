//! A record in the context, and read from it again.
//!
//! One file is shown as itself, several with their sums. Beyond [`SHOWN`] files, those of which there is nothing to tell but
//! that they are whole take one short line each in `done`, folder by folder: they must still be known after a crash, and
//! the context is written as a whole.

use std::sync::atomic::Ordering;

use serde_json::{Map, Value, json};

use super::{Ends, FileRecord, Reach, Record};

/// So many files are shown with all that is known of them.
pub(in crate::steps) const SHOWN: usize = 1000;
/// As [`SHOWN`], while the step runs, and what it has reached is written often.
pub(in crate::steps) const SHOWN_RUNNING: usize = 100;

impl Record {
    /// What an interrupted attempt had reached.
    pub(in crate::steps) fn resumed(state: Option<&Value>) -> Self {
        let mut record = Self::default();
        let Some(state) = state else { return record };
        let files = match state.get("files") {
            Some(Value::Array(files)) => files.as_slice(),
            _ => std::slice::from_ref(state),
        };
        let known = record.files.get_mut();
        known.extend(files.iter().filter_map(read_file));
        known.extend(list(state, "done").iter().flat_map(read_group));
        if let Some(partials) = read(state, "partials") {
            *record.partials.get_mut() = partials;
        }
        if let Some(sent) = read::<Vec<_>>(state, "sent") {
            record.sent = sent.into_iter().collect();
        }
        if let Some(namings) = read::<Vec<_>>(state, "namings") {
            *record.namings.get_mut() = namings.into_iter().collect();
        }
        record
    }

    /// What is left of it where the whole job is tried again: which files have got which names.
    pub(in crate::steps) fn of_next_try(state: &Value) -> Option<Value> {
        let record = Self::resumed(Some(state));
        let mut sent = record.sent;
        for (ends, file) in record.files.into_inner() {
            sent.extend(
                file.target
                    .filter(|_| file.completed)
                    .map(|target| (ends, target)),
            );
        }
        let sent: Vec<_> = sent.into_iter().collect();
        (!sent.is_empty()).then(|| json!({ "sent": sent }))
    }

    /// As the context shows it: so many files with all that is known of them.
    pub(in crate::steps) fn to_json(&self, shown: usize) -> Value {
        let files = self.files.lock();
        let mut state = match files.iter().next() {
            Some(((remote, local), file)) if files.len() == 1 => file.to_json(remote, local),
            _ => {
                let count = |is: fn(&FileRecord) -> bool| files.values().filter(|f| is(f)).count();
                let mut state = Map::new();
                let mut put = |name: &str, value: Value| state.insert(name.into(), value);
                put(
                    "bytes_transferred",
                    json!(files.values().map(|f| f.reach.now()).sum::<u64>()),
                );
                put(
                    "total_bytes",
                    json!(files.values().filter_map(|f| f.total).sum::<u64>()),
                );
                put(
                    "completed",
                    json!(
                        self.is_through.load(Ordering::Relaxed)
                            && files.values().all(|f| f.completed || f.skipped)
                    ),
                );
                put("files_total", json!(files.len()));
                put("files_completed", json!(count(|f| f.completed)));
                put("files_skipped", json!(count(|f| f.skipped)));
                put("files_failed", json!(count(|f| f.error.is_some())));
                let is_large = files.len() > shown;
                let (plain, told): (Vec<_>, Vec<_>) =
                    files.iter().partition(|(_, file)| is_large && file.is_plain());
                // Sources that something is still to become of are not forgotten, however many there are.
                let told = told
                    .into_iter()
                    .enumerate()
                    .filter(|(i, (_, file))| *i < shown || file.source.is_some())
                    .map(|(_, ((remote, local), file))| Value::Object(file.to_json(remote, local)));
                put("files", told.collect());
                if is_large {
                    put("done", groups(&plain));
                }
                state
            }
        };
        let (partials, namings) = (self.partials.lock(), self.namings.lock());
        if !partials.is_empty() {
            state.insert("partials".into(), json!(&*partials));
        }
        if !self.sent.is_empty() {
            state.insert("sent".into(), json!(self.sent.iter().collect::<Vec<_>>()));
        }
        if !namings.is_empty() {
            state.insert("namings".into(), json!(namings.iter().collect::<Vec<_>>()));
        }
        Value::Object(state)
    }
}

fn read<T: serde::de::DeserializeOwned>(state: &Value, name: &str) -> Option<T> {
    serde_json::from_value(state.get(name)?.clone()).ok()
}

fn list<'a>(state: &'a Value, name: &str) -> &'a [Value] {
    state
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn read_file(file: &Value) -> Option<(Ends, FileRecord)> {
    let text = |name: &str| file.get(name).and_then(Value::as_str).map(String::from);
    let number = |name: &str| file.get(name).and_then(Value::as_u64);
    let is = |name: &str| file.get(name) == Some(&Value::Bool(true));
    let known = FileRecord {
        began: None,
        reach: Reach::at(number("bytes_transferred").unwrap_or(0)),
        total: number("total_bytes"),
        completed: is("completed"),
        skipped: is("skipped"),
        resumed_from: number("resumed_from"),
        target: text("target"),
        verified: file.get("verified").cloned(),
        error: None,
        warning: text("warning"),
        source: read(file, "source"),
        moved_to: text("moved_to"),
    };
    Some(((text("remote_path")?, text("local_path")?), known))
}

/// Files that are whole, folder by folder: `[name, size]` where both ends have that name, else
/// `[remote name, local name, size, final name]`.
fn groups(files: &[(&Ends, &FileRecord)]) -> Value {
    let mut groups: Vec<(&str, &str, &str, Vec<Value>)> = Vec::new();
    for ((remote, local), file) in files {
        let (remote_folder, remote_name) = split(remote);
        let (local_folder, local_name) = split(local);
        let target = file.target.as_deref().unwrap_or_default();
        let (side, line) = match remote_name == local_name {
            true if target == remote => ("remote", json!([remote_name, file.total])),
            true if target == local => ("local", json!([remote_name, file.total])),
            _ => ("own", json!([remote_name, local_name, file.total, target])),
        };
        match groups.last_mut() {
            Some((r, l, s, lines)) if (*r, *l, *s) == (remote_folder, local_folder, side) => lines.push(line),
            _ => groups.push((remote_folder, local_folder, side, vec![line])),
        }
    }
    let shown = groups.into_iter().map(|(remote, local, target, files)| {
        json!({"remote_folder": remote, "local_folder": local, "target": target, "files": files})
    });
    shown.collect()
}

/// A path's folder with its slash, and its last name.
fn split(path: &str) -> (&str, &str) {
    path.split_at(path.rfind('/').map_or(0, |at| at + 1))
}

fn read_group(group: &Value) -> Vec<(Ends, FileRecord)> {
    let text = |name: &str| group.get(name).and_then(Value::as_str).unwrap_or_default();
    let read = |line: &Value| {
        let line = line.as_array()?;
        let at = |i: usize| line.get(i).and_then(Value::as_str);
        let (remote, local, size) = match line.as_slice() {
            [name, size] => (name.as_str()?, name.as_str()?, size),
            [_, _, size, _] => (at(0)?, at(1)?, size),
            _ => return None,
        };
        let ends = (
            format!("{}{remote}", text("remote_folder")),
            format!("{}{local}", text("local_folder")),
        );
        let target = match text("target") {
            "remote" => ends.0.clone(),
            "local" => ends.1.clone(),
            _ => at(3)?.to_owned(),
        };
        let size = size.as_u64();
        let known = FileRecord {
            reach: Reach::at(size.unwrap_or(0)),
            total: size,
            completed: true,
            target: Some(target),
            ..FileRecord::default()
        };
        Some((ends, known))
    };
    list(group, "files").iter().filter_map(read).collect()
}

impl FileRecord {
    /// Is there nothing to tell but that it is whole?
    fn is_plain(&self) -> bool {
        self.completed && self.source.is_none() && self.warning.is_none() && self.error.is_none()
    }

    fn to_json(&self, remote: &str, local: &str) -> Map<String, Value> {
        let mut map = Map::new();
        let mut put = |name: &str, value: Value| {
            map.insert(name.into(), value);
        };
        put("remote_path", json!(remote));
        put("local_path", json!(local));
        put("bytes_transferred", json!(self.reach.now()));
        put("total_bytes", json!(self.total));
        put("completed", json!(self.completed));
        put("resumed_from", json!(self.resumed_from.unwrap_or(0)));
        if let Some(target) = &self.target {
            put("target", json!(target));
        }
        if let Some(verified) = &self.verified {
            put("verified", verified.clone());
        }
        if self.skipped {
            put("skipped", json!(true));
        }
        if let Some(error) = &self.error {
            put("error", json!(error));
        }
        if let Some(warning) = &self.warning {
            put("warning", json!(warning));
        }
        if let Some(source) = &self.source {
            put("source", json!(source));
        }
        if let Some(moved_to) = &self.moved_to {
            put("moved_to", json!(moved_to));
        }
        map
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn whole(target: &str, size: u64) -> FileRecord {
        FileRecord {
            reach: Reach::at(size),
            total: Some(size),
            completed: true,
            target: Some(target.into()),
            ..FileRecord::default()
        }
    }

    #[test]
    fn many_files_take_little_room_and_are_all_known_again() {
        let mut record = Record::default();
        let files = record.files.get_mut();
        for n in 0..5000u64 {
            let (remote, local) = (format!("/out/{}/f{n}", n % 3), format!("/work/{n}/f{n}"));
            files.insert((remote, local.clone()), whole(&local, n));
        }
        files.insert(("r".into(), "/a".into()), whole("/a (1)", 3));
        files.insert(("/r".into(), "/r".into()), whole("/r", 3));
        let failed = FileRecord {
            error: Some(crate::Failure {
                kind: "denied".into(),
                message: "no".into(),
            }),
            ..FileRecord::default()
        };
        files.insert(("/x".into(), "/x".into()), failed);
        let warned = FileRecord {
            warning: Some("is kept".into()),
            ..whole("/w", 1)
        };
        files.insert(("/w".into(), "/w".into()), warned);
        let shown = record.to_json(SHOWN);
        assert_eq!(shown["files"].as_array().unwrap().len(), 2);
        assert_eq!(
            (&shown["files_completed"], &shown["files_failed"]),
            (&json!(5003), &json!(1))
        );

        let again = Record::resumed(Some(&shown));
        assert_eq!(again.targets(), record.targets());
        let whole = |record: &Record| -> Vec<Ends> {
            let files = record.files.lock();
            files
                .iter()
                .filter(|(_, f)| f.completed)
                .map(|(ends, _)| ends.clone())
                .collect()
        };
        assert_eq!(whole(&again), whole(&record));
        let mut once_more = again.to_json(SHOWN);
        once_more["files_failed"] = json!(1);
        assert_eq!(once_more["done"], shown["done"]);
        assert_eq!(once_more["bytes_transferred"], shown["bytes_transferred"]);
        assert_eq!(once_more["total_bytes"], shown["total_bytes"]);
    }

    #[test]
    fn files_of_one_folder_share_its_name() {
        let mut record = Record::default();
        for n in 0..2000u64 {
            let (remote, local) = (format!("/out/file-{n}.csv"), format!("/work/file-{n}.csv"));
            record
                .files
                .get_mut()
                .insert((remote, local.clone()), whole(&local, n));
        }
        let text = record.to_json(SHOWN)["done"].to_string();
        assert!(text.len() < 2000 * 30, "{}", text.len());
    }
}
