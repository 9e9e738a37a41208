//! What a pull would take now, told without taking it: nothing is written, neither here nor on the server.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use courier_store::{
    connections::Connection,
    pulls::{AfterState, Modified},
};
use courier_transfer::RemotePath;
use futures::StreamExt;
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    file::File,
    find::{Batch, Find, Looked, NotYet, Purpose, Verdict},
    keys,
};
use crate::{
    Actor, Engine, Result,
    folder_mappings::MappingDefinition,
    open::{Opening, open},
    trust,
};

/// Files that are told one by one, at most, of those that are to be pulled or wait for something.
const TOLD: usize = 1_000;
/// The same of those that nothing is to become of.
const TOLD_BESIDES: usize = 200;
/// Lines and folders that can't be read, at most.
const TOLD_UNREADABLE: usize = 100;
/// It ends after this, wherever it is.
const LONGEST: Duration = Duration::from_secs(30);

/// What a pull would take now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DryRun {
    /// Files, those first that would be pulled or wait for something.
    pub files: Vec<DryRunFile>,
    /// How many of each verdict there are, also of files that aren't told one by one.
    pub counts: BTreeMap<&'static str, u64>,
    /// What would be pulled, bytes.
    pub bytes: u64,
    /// What is in listings and can't be used, in words.
    pub unreadable: Vec<String>,
    /// Folders that couldn't be listed, and why.
    pub refused: Vec<(RemotePath, String)>,
    /// Are there more files than were told, or more than were looked at?
    pub truncated: bool,
    /// Was it ended before all folders were looked into?
    pub timed_out: bool,
}

/// What would become of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DryRunFile {
    /// Its path, as the connection names it.
    pub path: RemotePath,
    /// Its size, bytes; none where the server doesn't tell.
    pub size: Option<u64>,
    /// When it was changed, as far as the server tells.
    pub modified: Option<Timestamp>,
    /// What would become of it, as a word for programs: `pull`, `known`, `begun`, `too_young`, `unstable`, `no_marker`,
    /// `ignored`, `marker`, `not_matching`, `link`, `other`, `not_told`.
    pub verdict: &'static str,
    /// Why, in words.
    pub reason: String,
    /// The key that its object would get, where it would be pulled and no other object has that.
    pub key: Option<String>,
}

/// Tells what a pull by this definition would take now: the first thousand files of interest, and how many there are of each
/// verdict. Takes half a minute at most. Opens a session of its own; what that may change is as with
/// [`browse`](crate::connections::Connections::browse). `mapping` is whose files are told as begun or seen before.
///
/// # Errors
/// [`Error::ConnectionNotUsable`](crate::Error::ConnectionNotUsable); [`Error::Transfer`](crate::Error::Transfer) also where
/// the mapped folder is missing, may not be listed, or leads out of the connection's base path.
pub(crate) async fn dry_run(
    engine: &Engine,
    actor: &Actor,
    connection: &Connection,
    mapping: Uuid,
    definition: &MappingDefinition,
) -> Result<DryRun> {
    let opening = Opening {
        purpose: match actor.only_looks("connections") {
            true => trust::Purpose::Look,
            false => trust::Purpose::Browse,
        },
        performed_by: &actor.name,
        draft: None,
        others: None,
        permit: None,
    };
    let mut session = open(engine, connection, opening).await.1?;
    let find = Find {
        store: &engine.0.store,
        client: session.client().clone(),
        connection: connection.id,
        mapping,
        definition,
        purpose: Purpose::Tell,
    };
    let told = tell(find, definition, Instant::now() + LONGEST).await;
    session.close().await;
    told
}

/// Takes batches until the deadline.
async fn tell(find: Find<'_>, definition: &MappingDefinition, deadline: Instant) -> Result<DryRun> {
    let mut telling = Telling::new(definition);
    let mut batches = find.batches();
    loop {
        match tokio::time::timeout_at(deadline.into(), batches.next()).await {
            Ok(Some(batch)) => telling.batch(batch?),
            Ok(None) => return Ok(telling.end(false)),
            Err(_) => return Ok(telling.end(true)),
        }
    }
}

struct Telling<'a> {
    definition: &'a MappingDefinition,
    now: Timestamp,
    told: DryRun,
    besides: Vec<DryRunFile>,
}

impl<'a> Telling<'a> {
    fn new(definition: &'a MappingDefinition) -> Self {
        Self {
            definition,
            now: Timestamp::now(),
            told: DryRun::default(),
            besides: Vec::new(),
        }
    }

    fn batch(&mut self, batch: Batch) {
        for looked in batch.looked {
            self.looked(looked);
        }
        for line in batch.unreadable {
            if self.told.unreadable.len() < TOLD_UNREADABLE {
                let words = format!("{}: \"{}\": {}", line.folder, line.raw, line.reason);
                self.told.unreadable.push(words);
            }
            *self.told.counts.entry("unreadable").or_default() += 1;
        }
        for (folder, error) in batch.refused {
            if self.told.refused.len() < TOLD_UNREADABLE {
                self.told.refused.push((folder, error.to_string()));
            }
            *self.told.counts.entry("refused").or_default() += 1;
        }
    }

    fn looked(&mut self, looked: Looked) {
        let (verdict, reason) = words(&looked, self.definition, self.now);
        *self.told.counts.entry(verdict).or_default() += 1;
        let is_pulled = matches!(looked.verdict, Verdict::Pull { .. });
        if is_pulled {
            self.told.bytes = self.told.bytes.saturating_add(looked.size);
        }
        let is_of_interest = is_pulled || matches!(looked.verdict, Verdict::NotYet(_) | Verdict::NotTold);
        let is_full = match is_of_interest {
            true => self.told.files.len() >= TOLD,
            false => self.besides.len() >= TOLD_BESIDES,
        };
        if is_full {
            self.told.truncated = true;
            return;
        }
        let size = match looked.verdict {
            Verdict::NotTold | Verdict::Link | Verdict::Other => None,
            _ => Some(looked.size),
        };
        let file = DryRunFile {
            size,
            modified: looked.modified.at,
            verdict,
            reason,
            key: None,
            path: looked.path.clone(),
        };
        let key = self.key(looked);
        let files = match is_of_interest {
            true => &mut self.told.files,
            false => &mut self.besides,
        };
        files.push(DryRunFile { key, ..file });
    }
}

impl Telling<'_> {
    /// The key of a file's object; none where its path can't be one, which is a reason of its own.
    fn key(&self, looked: Looked) -> Option<String> {
        let Verdict::Pull { versions } = looked.verdict else {
            return None;
        };
        let file = File {
            path: looked.path,
            relative: looked.relative,
            size: looked.size,
            modified: looked.modified,
            marker: looked.marker,
            versions,
            replay: None,
            ghost: None,
        };
        let key = keys::key(&self.definition.prefix, &file, 0, self.now).ok()?;
        Some(key.as_str().to_owned())
    }

    fn end(mut self, timed_out: bool) -> DryRun {
        self.told.timed_out = timed_out;
        self.told.truncated |= timed_out;
        self.told.files.append(&mut self.besides);
        self.told
    }
}

/// A verdict as a word for programs, and why, for people.
fn words(looked: &Looked, definition: &MappingDefinition, now: Timestamp) -> (&'static str, String) {
    match &looked.verdict {
        Verdict::Pull { versions: 0 } => ("pull", "it is ready, and was never pulled".into()),
        Verdict::Pull { versions } => (
            "pull",
            format!("it is ready, and another version than the {versions} of its name that were pulled"),
        ),
        Verdict::Known { after, .. } => ("known", known(*after).into()),
        Verdict::Begun { .. } => (
            "begun",
            "a pull has begun with it, and will end that first".into(),
        ),
        Verdict::NotYet(NotYet::TooYoung { until }) => ("too_young", too_young(looked.modified, *until, now)),
        Verdict::NotYet(NotYet::Unstable { until }) => {
            let reason = match *until > now {
                true => format!(
                    "it must look the same twice (require_stable), in runs {} apart",
                    wait(*until, now)
                ),
                false => "it must look the same twice (require_stable); the next run will see".into(),
            };
            ("unstable", reason)
        }
        Verdict::NotYet(NotYet::NoMarker) => {
            let name = looked.path.name().map(|name| name.to_text()).unwrap_or_default();
            let suffix = definition.marker_suffix.as_deref().unwrap_or_default();
            ("no_marker", format!("its marker {name}{suffix} is not there"))
        }
        Verdict::Ignored { by } => ("ignored", format!("the mapping ignores {by}")),
        Verdict::Marker => ("marker", "it tells that another file is ready".into()),
        Verdict::NotMatching => (
            "not_matching",
            format!("the pattern {} doesn't match it", definition.pattern),
        ),
        Verdict::Link => ("link", "symbolic links are not followed".into()),
        Verdict::Other => ("other", "it is neither a file nor a folder".into()),
        Verdict::NotTold => (
            "not_told",
            "the server doesn't tell its size, so that nobody could say whether it came whole".into(),
        ),
    }
}

fn known(after: AfterState) -> &'static str {
    match after {
        AfterState::None => "it was pulled",
        AfterState::Pending => "it was pulled; the next run deletes or moves it",
        AfterState::Done => "it was pulled, and then deleted or moved; now it is there again as it was",
        AfterState::Refused => {
            "it was pulled; the server refused to delete or move it, and is not asked again"
        }
        AfterState::Left => "it was pulled; it was another version by then, and so was left alone",
    }
}

fn too_young(modified: Modified, until: Timestamp, now: Timestamp) -> String {
    let why = match modified.at {
        None => "the server tells no time of it, so it counts from when it was first seen",
        Some(at) if at > now => "its time lies in the future, so it counts from when it was first seen",
        Some(_) => "it was changed just now",
    };
    match until > now {
        true => format!("{why} (min_age_sec); ready in {}", wait(until, now)),
        false => format!("{why} (min_age_sec)"),
    }
}

fn wait(until: Timestamp, now: Timestamp) -> String {
    let seconds = until.duration_since(now).as_secs().saturating_add(1);
    match seconds {
        1 => "1 second".into(),
        ..600 => format!("{seconds} seconds"),
        600..36_000 => format!("{} minutes", seconds / 60),
        _ => format!("{} hours", seconds / 3600),
    }
}
