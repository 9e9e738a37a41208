//! What a pull comes to: counts and outputs.

use std::sync::Arc;

use courier_storage::Error as StorageError;
use courier_store::{
    PageRequest,
    pulls::{Entry, HistoryFilter, Puller},
};
use courier_transfer::{Error as TransferError, Retry};
use serde_json::{Map, Value, json};

use crate::{Error, Failure, Result, steps::StepState};

/// So many files, and so many warnings, are in the outputs; the history has all files.
const SHOWN: usize = 1_000;
const WARNINGS: usize = 100;

/// What a pull has come to. Its outputs are written when it goes, however the step ends.
#[derive(Debug)]
pub(super) struct Tally {
    state: Arc<StepState>,
    /// Over all attempts of the step.
    pulled: u64,
    bytes: u64,
    files: Vec<Value>,
    not_found: Vec<Value>,
    warnings: Vec<Value>,
    /// Of this attempt.
    pub(super) seen: Seen,
    pub(super) changed: u64,
    pub(super) vanished: u64,
    failed: u64,
    first: Option<Error>,
    may_pass: bool,
    /// What can never be pulled as it is, and the first of it in words.
    left_out: u64,
    first_left_out: Option<String>,
}

/// What a look at the folder has shown, besides what it takes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// Files that aren't ready.
    pub(super) waiting: u64,
    /// Files that the history has, or another pull has begun with.
    pub(super) known: u64,
    /// Names that nobody can use.
    pub(super) unreadable: u64,
    /// Pulled files that the server has refused to delete or move, and that are still there.
    pub(super) refused: u64,
}

impl Tally {
    /// Goes on where an interrupted attempt of this execution came to: the history knows.
    pub(super) async fn resumed(state: &Arc<StepState>, puller: Puller) -> Result<Self> {
        let list = |name| {
            let list = state.earlier(name).and_then(Value::as_array);
            list.cloned().unwrap_or_default()
        };
        let mut tally = Self {
            pulled: 0,
            bytes: 0,
            files: Vec::new(),
            not_found: list("not_found"),
            warnings: list("warnings"),
            seen: Seen::default(),
            changed: 0,
            vanished: 0,
            failed: 0,
            first: None,
            may_pass: false,
            left_out: 0,
            first_left_out: None,
            state: state.clone(),
        };
        let filter = HistoryFilter {
            mapping_id: Some(puller.mapping),
            execution_id: Some(puller.claim.execution),
            ..HistoryFilter::default()
        };
        let mut page = PageRequest::first(SHOWN as u64);
        if !state.is_again() {
            return Ok(tally);
        }
        loop {
            let entries = state
                .engine
                .0
                .store
                .pulls()
                .list(puller.connection, &filter, &page)
                .await?;
            for entry in &entries.items {
                tally.add(&Shown::of(entry));
            }
            match entries.next_cursor {
                Some(next) => page.cursor = Some(next),
                None => return Ok(tally),
            }
        }
    }

    /// A file is in the history.
    pub(super) fn pulled(&mut self, file: &Shown) {
        self.add(file);
        self.state.engine.0.live.count_pulled(file.size);
        self.state.file_done();
    }

    fn add(&mut self, entry: &Shown) {
        self.pulled += 1;
        self.bytes += entry.size;
        if self.files.len() < SHOWN {
            self.files.push(json!({
                "path": entry.path, "size": entry.size, "sha256": entry.sha256, "destination": entry.destination,
            }));
        }
    }

    /// A file that was to be pulled anew is gone.
    pub(super) fn not_found(&mut self, entry: &Entry) {
        let path = String::from_utf8_lossy(&entry.path);
        self.warn(format!(
            "{path} was to be pulled anew, and is not on the server any more"
        ));
        if self.not_found.len() < SHOWN {
            self.not_found.push(json!({"entry": entry.id, "path": path}));
        }
    }

    /// Something that is no failure.
    pub(super) fn warn(&mut self, warning: String) {
        tracing::warn!(execution = %self.state.execution, "{warning}");
        if self.warnings.len() < WARNINGS {
            self.warnings.push(warning.into());
        }
    }

    /// Something can't be pulled as it is, which is no failure: it says why, beginning with its path.
    pub(super) fn left_out(&mut self, why: String) {
        self.left_out += 1;
        self.first_left_out.get_or_insert_with(|| why.clone());
        self.warn(why);
    }

    /// Something failed, and others may not.
    pub(super) fn failed(&mut self, what: impl std::fmt::Display, error: Error) {
        let what = readable(&what.to_string());
        self.failed += 1;
        self.state.engine.0.live.count_not_pulled();
        self.may_pass |= error.may_pass();
        tracing::warn!(execution = %self.state.execution, "{what} could not be pulled: {error}");
        if self.first.is_none() {
            self.first = Some(named(&what, error));
        }
    }

    /// What of all that was found did not go well.
    pub(super) fn outcome(&mut self) -> Outcome {
        match self.first.take() {
            Some(first) => Outcome::SomeFailed(Failures {
                failed: self.failed,
                first,
                may_pass: self.may_pass,
            }),
            None => Outcome::Well(self.left()),
        }
    }

    /// What stays as it is on the server, though nothing failed.
    fn left(&self) -> Option<Left> {
        if let Some(first) = &self.first_left_out {
            let number = self.left_out;
            return Some(Left {
                code: "files_left_out",
                detail: format!(
                    "{number} {} be pulled as the server shows that; the first: {first}. All others are. What to do: rename \
                     what is named so, and ask the server's owner about the rest",
                    if number == 1 { "file can't" } else { "files can't" }
                ),
            });
        }
        let number = self.seen.refused;
        (number > 0).then(|| Left {
            code: "after_pull_refused",
            detail: format!(
                "{number} {} pulled and still on the server, which refused to delete or move what was pulled: the \
                 connection's history says why. It is not asked again. What to do: clear that by hand, and give the login \
                 the right to delete or move files, or set the mapping's after_pull to keep",
                if number == 1 { "file is" } else { "files are" }
            ),
        })
    }

    fn outputs(&self) -> Map<String, Value> {
        let outputs = json!({
            "files": self.files,
            "pulled": self.pulled,
            "bytes": self.bytes,
            "waiting": self.seen.waiting,
            "known": self.seen.known,
            "unreadable": self.seen.unreadable,
            "changed": self.changed,
            "vanished": self.vanished,
            "failed": self.failed,
            "warnings": self.warnings,
            "not_found": self.not_found,
        });
        match outputs {
            Value::Object(outputs) => outputs,
            _ => Map::new(),
        }
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        for (name, value) in self.outputs() {
            self.state.output(&name, value);
        }
    }
}

/// How a pull came to its end.
#[derive(Debug)]
pub(super) enum Outcome {
    /// All that can be pulled and was ready is.
    Well(Option<Left>),
    /// Some files and folders failed.
    SomeFailed(Failures),
}

/// What a mapping that is well leaves on the server.
#[derive(Debug)]
pub(crate) struct Left {
    /// As a word for programs.
    pub(super) code: &'static str,
    /// In words, with what to do.
    pub(super) detail: String,
}

/// Files and folders that failed, where others did not.
#[derive(Debug)]
pub(super) struct Failures {
    pub(super) failed: u64,
    pub(super) first: Error,
    may_pass: bool,
}

impl From<Failures> for Error {
    fn from(failures: Failures) -> Self {
        let Failures {
            failed,
            first,
            may_pass,
        } = failures;
        if failed == 1 {
            return first;
        }
        let message = format!("{failed} files or folders failed; the first: {first}");
        let retry = if may_pass { Retry::Later } else { Retry::Never };
        match first {
            Error::Storage(error) => StorageError::new(error.kind(), message).into(),
            Error::Transfer(error) => TransferError::new(error.kind(), message).with_retry(retry).into(),
            error => error,
        }
    }
}

/// A pulled file, as the outputs show it.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) path: String,
    pub(super) size: u64,
    pub(super) sha256: String,
    pub(super) destination: String,
}

impl Shown {
    fn of(entry: &Entry) -> Self {
        Self {
            path: String::from_utf8_lossy(&entry.path).into_owned(),
            size: entry.size,
            sha256: hex(&entry.sha256),
            destination: entry.destination.clone(),
        }
    }
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The error with what it is about.
fn named(what: &str, error: Error) -> Error {
    match error {
        Error::Transfer(error) => error.with("path", what).into(),
        Error::Storage(error) => StorageError::new(error.kind(), format!("{what}: {error}")).into(),
        error => Error::Internal(format!("{what}: {}", Failure::from(&error).message)),
    }
}

/// A foreign name as people can read it: without characters that control what shows it.
fn readable(text: &str) -> String {
    let shown = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    text.chars().map(shown).collect()
}
