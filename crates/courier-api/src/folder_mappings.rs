//! Folder mappings: folders of connections from which each file is pulled once.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{Health, words::words};

words! {
    /// What makes a file another one.
    pub enum MappingIdentity {
        /// Its path, its size or its modification time: a new version of a name is a new file, with a key of its own.
        PathAndVersion = "path_and_version",
        /// Its path: what comes later under the same path is never pulled.
        Path = "path",
    }
}

words! {
    /// What becomes of a file on the server when it was pulled.
    pub enum AfterPull {
        /// It stays.
        Keep = "keep",
        /// It is deleted.
        Delete = "delete",
        /// It is moved to `move_to`.
        Move = "move",
    }
}

/// A folder mapping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FolderMapping {
    /// Its id.
    pub id: Uuid,
    /// The connection.
    pub connection_id: Uuid,
    /// Its name, unique within the connection.
    pub name: String,
    /// The mapped folder on the server; below the connection's base path, where it has one.
    pub remote_path: String,
    /// Which files are pulled.
    pub pattern: String,
    /// Are files of folders in the folder pulled?
    pub recursive: bool,
    /// The storage that files go to.
    pub storage_id: Uuid,
    /// What stands before the path relative to the mapped folder in an object's key.
    pub prefix: String,
    /// Seconds from one look for files to the next, unless there is a cron expression.
    pub interval_sec: Option<u64>,
    /// The cron expression.
    pub cron: Option<String>,
    /// The time zone whose clocks count for the cron expression, by its IANA name.
    pub timezone: Option<String>,
    /// Patterns of what is never pulled.
    pub ignore: Vec<String>,
    /// How old a file must be, seconds.
    pub min_age_sec: u64,
    /// Must a file have the same size and time on two looks?
    pub require_stable: bool,
    /// A file is ready when one of its name with this behind it is there.
    pub marker_suffix: Option<String>,
    /// What makes a file another one.
    pub identity: MappingIdentity,
    /// What becomes of a file on the server when it was pulled.
    pub after_pull: AfterPull,
    /// The folder that pulled files are moved to: absolute, or relative to the mapped one.
    pub move_to: Option<String>,
    /// Does it pull by itself?
    pub enabled: bool,
    /// When it is due; none where it is not enabled, or waits for its connection.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_run_at: Option<Timestamp>,
    /// When its last pull was queued.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_run_at: Option<Timestamp>,
    /// The execution of that pull.
    pub last_execution: Option<Uuid>,
    /// How many pulls in a row have failed.
    pub failures: u32,
    /// How the last pull went.
    pub health: Health,
    /// Why, as a word for programs: `host_key_changed`, `folder_missing`, …
    pub health_code: Option<String>,
    /// Why, what to do, and what the next try does, in words.
    pub health_detail: Option<String>,
    /// When a pull went well last.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_ok_at: Option<Timestamp>,
    /// Since when none has.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub failing_since: Option<Timestamp>,
    /// What may not be meant so, in words.
    pub warnings: Vec<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was changed last.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// A folder mapping to make.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FolderMappingInput {
    /// Its name, unique within the connection; the remote path where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The mapped folder on the server; below the connection's base path, where it has one. No `..`, and no `\`.
    pub remote_path: String,
    /// Which files are pulled: `*`, `?`, `[…]`, `{a,b}` and `**`. Without a `/` it is matched against names, else against
    /// paths relative to the mapped folder. `*` where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Are files of folders in the folder pulled? Where it isn't said, they are if the pattern is about folders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recursive: Option<bool>,
    /// The storage that files go to; the one called `default` where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_id: Option<Uuid>,
    /// What stands before the path relative to the mapped folder in an object's key: names joined by `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Seconds from one look for files to the next, up to a week: 300 where neither this nor `cron` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 604_800)]
    pub interval_sec: Option<u64>,
    /// Instead of an interval, a cron expression: minute, hour, day of the month, month, day of the week; or six fields with
    /// the seconds first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    /// The time zone whose clocks count for `cron`, by its IANA name; UTC where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Patterns of what is never pulled; where nothing is said `.*`, `*.tmp`, `*.temp`, `*.part`, `*.partial`, `*.filepart`,
    /// `*.crdownload`, `*.swp`, `~*` and `*~`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore: Option<Vec<String>>,
    /// How old a file must be, seconds: 2 where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 2_592_000)]
    pub min_age_sec: Option<u64>,
    /// Must a file have the same size and time on two looks? Not where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_stable: Option<bool>,
    /// A file is ready when one of its name with this behind it is there: with `.done`, `x.csv` when `x.csv.done` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker_suffix: Option<String>,
    /// What makes a file another one: `path_and_version` where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<MappingIdentity>,
    /// What becomes of a file on the server when it was pulled: `keep` where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_pull: Option<AfterPull>,
    /// The folder that pulled files are moved to, for `after_pull` `move`: absolute, or relative to the mapped one. It is made
    /// where it is missing, and never looked into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub move_to: Option<String>,
    /// Does it pull by itself? It does where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// What a pull would take now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MappingDryRun {
    /// Files: those that would be pulled or wait for something, and some of the others.
    pub files: Vec<MappingDryRunFile>,
    /// How many of each verdict there are, also of files that aren't in the list.
    pub counts: BTreeMap<String, u64>,
    /// What would be pulled, bytes.
    pub bytes: u64,
    /// What is in listings and can't be used, in words.
    pub unreadable: Vec<String>,
    /// Folders that couldn't be listed.
    pub refused: Vec<RefusedFolder>,
    /// Are there more files than the list has, or more than were looked at?
    pub truncated: bool,
    /// Was the look ended before it had seen all folders? It takes half a minute at most.
    pub timed_out: bool,
}

/// What would become of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MappingDryRunFile {
    /// Its path.
    pub path: String,
    /// Its size, bytes; none where the server doesn't tell.
    pub size: Option<u64>,
    /// When it was changed, as far as the server tells.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub modified: Option<Timestamp>,
    /// What would become of it: `pull`, `known`, `begun`, `too_young`, `unstable`, `no_marker`, `ignored`, `marker`,
    /// `not_matching`, `link`, `other`, `not_told`.
    pub verdict: String,
    /// Why, in words.
    pub reason: String,
    /// The key of its object, where it would be pulled and nothing else has that.
    pub key: Option<String>,
}

/// A folder that couldn't be listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedFolder {
    /// The folder.
    pub path: String,
    /// Why, in words.
    pub reason: String,
}

/// Which folder mappings are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct FolderMappingQuery {
    /// Folder mappings on the page: 50 by default, 1000 at most.
    #[param(minimum = 1)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Only those of this connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<Uuid>,
    /// Only those whose files go to this storage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_id: Option<Uuid>,
    /// Only those in this health.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// Only those that pull by themselves, or don't.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Only with this in their name, in either case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
}
