//! What may be said of a folder mapping, field by field.

use courier_transfer::settings::{Default as Standard, Kind, Setting};

pub(super) const NAME: Setting = Setting::optional(
    "name",
    Kind::Text,
    "Its name, unique within the connection; the remote path where none is given.",
);
pub(super) const REMOTE_PATH: Setting = Setting::required(
    "remote_path",
    Kind::RemotePath,
    "The mapped folder on the server; below the connection's base path, where it has one.",
);
pub(super) const PATTERN: Setting = Setting::optional(
    "pattern",
    Kind::Text,
    "Which files are pulled: *, ?, […], {a,b} and **; with a / in it, it is matched against paths relative to the folder.",
)
.or(Standard::Text("*"));
pub(super) const RECURSIVE: Setting = Setting::optional(
    "recursive",
    Kind::Bool,
    "Are files of folders in the folder pulled? As the pattern has it where it isn't said.",
);
pub(super) const STORAGE_ID: Setting = Setting::optional(
    "storage_id",
    Kind::Text,
    "The storage that files go to; the one called default where none is given.",
);
pub(super) const PREFIX: Setting = Setting::optional(
    "prefix",
    Kind::LongText,
    "What stands before the relative path in an object's key.",
);
pub(super) const INTERVAL_SEC: Setting = Setting::optional(
    "interval_sec",
    Kind::Integer {
        min: 1,
        max: 7 * 24 * 60 * 60,
    },
    "How long from one look for files to the next.",
);
pub(super) const CRON: Setting = Setting::optional(
    "cron",
    Kind::Text,
    "Instead of an interval, a cron expression: minute, hour, day of the month, month, day of the week.",
);
pub(super) const TIMEZONE: Setting = Setting::optional(
    "timezone",
    Kind::Text,
    "The time zone whose clocks count for cron, by IANA's name; UTC where none is given.",
);
pub(super) const IGNORE: Setting = Setting::optional(
    "ignore",
    Kind::TextList,
    "Patterns of what is never pulled; names of temporary files where nothing is said.",
);
pub(super) const MIN_AGE_SEC: Setting = Setting::optional(
    "min_age_sec",
    Kind::Integer {
        min: 0,
        max: 30 * 24 * 60 * 60,
    },
    "How old a file must be.",
)
.or(Standard::Integer(2));
pub(super) const REQUIRE_STABLE: Setting = Setting::optional(
    "require_stable",
    Kind::Bool,
    "Must a file have the same size and time on two looks?",
)
.or(Standard::Bool(false));
pub(super) const MARKER_SUFFIX: Setting = Setting::optional(
    "marker_suffix",
    Kind::Text,
    "A file is ready when one of its name with this behind it is there.",
);
pub(super) const IDENTITY: Setting = Setting::optional(
    "identity",
    Kind::Choice {
        choices: &["path_and_version", "path"],
    },
    "What makes a file another one.",
)
.or(Standard::Text("path_and_version"));
pub(super) const AFTER_PULL: Setting = Setting::optional(
    "after_pull",
    Kind::Choice {
        choices: &["keep", "delete", "move"],
    },
    "What becomes of a file on the server when it was pulled.",
)
.or(Standard::Text("keep"));
pub(super) const MOVE_TO: Setting = Setting::optional(
    "move_to",
    Kind::RemotePath,
    "The folder that pulled files are moved to: absolute, or relative to the mapped one.",
);
pub(super) const ENABLED: Setting =
    Setting::optional("enabled", Kind::Bool, "Does it pull by itself?").or(Standard::Bool(true));

/// What clients may send back without meaning it.
pub(super) const READ_ONLY: &[&str] = &[
    "id",
    "next_run_at",
    "last_run_at",
    "last_execution",
    "failures",
    "health",
    "health_code",
    "health_detail",
    "last_ok_at",
    "failing_since",
    "warnings",
    "created_at",
    "updated_at",
];
