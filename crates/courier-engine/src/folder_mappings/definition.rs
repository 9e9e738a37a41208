//! What a folder mapping says.

use courier_transfer::{InvalidPath, RemotePath};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use super::input::moved_to;
use crate::{definition::schedule::zone, schedules::Timetable};

/// What a folder mapping says: which files are pulled, when, and what becomes of them. In JSON as the API has it.
///
/// Paths are as safe as [`RemotePath`] makes them, also where somebody has changed the database by hand; patterns are read
/// when they are used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingDefinition {
    /// The mapped folder, as the connection's client names it: below the base path, where there is one.
    #[serde(deserialize_with = "path")]
    pub remote_path: RemotePath,
    /// Which files are pulled; with a `/` in it, it is matched against paths relative to the mapped folder.
    pub pattern: String,
    /// Are files of folders in the mapped folder pulled?
    pub recursive: bool,
    /// The storage that files go to.
    pub storage_id: Uuid,
    /// What stands before the relative path in an object's key: segments joined by `/`, or nothing.
    pub prefix: String,
    /// When files are looked for.
    #[serde(flatten)]
    pub timing: Timing,
    /// Patterns of what is never pulled, such as temporary names.
    pub ignore: Vec<String>,
    /// A file must be this old, seconds.
    pub min_age_sec: u64,
    /// A file must have looked the same twice.
    pub require_stable: bool,
    /// A file is ready when one of its name with this behind it is there.
    pub marker_suffix: Option<String>,
    /// What makes a file another one.
    pub identity: MappingIdentity,
    /// What becomes of a file on the server when it was pulled.
    pub after_pull: AfterPull,
    /// The folder that pulled files are moved to: absolute, or relative to the mapped one.
    #[serde(deserialize_with = "maybe_path")]
    pub move_to: Option<RemotePath>,
}

/// When a mapping looks for files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Times", into = "Times")]
pub enum Timing {
    /// So many seconds after the last time.
    Interval(u64),
    /// At these times.
    Cron {
        /// The cron expression.
        cron: String,
        /// The time zone whose clocks count, by IANA's name.
        timezone: String,
    },
}

/// What makes a file another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MappingIdentity {
    /// Its path, its size or its modification time: a new version is pulled, too.
    PathAndVersion,
    /// Its path: what comes later under the same path is never pulled.
    Path,
}

/// What becomes of a file on the server when it was pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterPull {
    /// It stays.
    Keep,
    /// It is deleted.
    Delete,
    /// It is moved to another folder.
    Move,
}

impl MappingDefinition {
    /// When it is due after this moment; none where its times are over or can't be read.
    pub(crate) fn next_after(&self, at: Timestamp) -> Option<Timestamp> {
        match &self.timing {
            Timing::Interval(seconds) => {
                let interval = SignedDuration::from_secs(i64::try_from(*seconds).ok()?);
                at.checked_add(interval).ok()
            }
            Timing::Cron { cron, timezone } => {
                let zone = zone(Some(timezone)).ok()?;
                Timetable::new(cron, zone).ok()?.after(at)
            }
        }
    }

    /// The folder that pulled files are moved to, as the connection's client names it; none where they aren't.
    pub(crate) fn moved_to(&self) -> Option<RemotePath> {
        let to = self.move_to.as_ref()?;
        Some(moved_to(&self.remote_path, to))
    }
}

/// [`Timing`] in JSON.
#[derive(Serialize, Deserialize)]
struct Times {
    #[serde(skip_serializing_if = "Option::is_none")]
    interval_sec: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cron: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timezone: Option<String>,
}

impl From<Timing> for Times {
    fn from(timing: Timing) -> Self {
        let (interval_sec, cron, timezone) = match timing {
            Timing::Interval(seconds) => (Some(seconds), None, None),
            Timing::Cron { cron, timezone } => (None, Some(cron), Some(timezone)),
        };
        Self {
            interval_sec,
            cron,
            timezone,
        }
    }
}

impl TryFrom<Times> for Timing {
    type Error = &'static str;

    fn try_from(times: Times) -> Result<Self, &'static str> {
        match (times.interval_sec, times.cron, times.timezone) {
            (Some(seconds), None, None) => Ok(Self::Interval(seconds)),
            (None, Some(cron), Some(timezone)) => Ok(Self::Cron { cron, timezone }),
            _ => Err("either interval_sec or cron and timezone are needed"),
        }
    }
}

fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RemotePath, D::Error> {
    let text = String::deserialize(deserializer)?;
    RemotePath::new(&text).map_err(serde::de::Error::custom)
}

fn maybe_path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RemotePath>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let path = text.map(|text| RemotePath::new(&text)).transpose();
    path.map_err(|error: InvalidPath| serde::de::Error::custom(error))
}
