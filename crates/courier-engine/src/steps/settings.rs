//! Settings that several steps have, and how they are read.

use courier_transfer::{
    ops::{OnExisting, Pattern, Verify},
    settings::{Default as Standard, Kind, Setting},
};
use serde_json::Value;

use super::Step;
use crate::Result;

pub(super) const CONNECTION: Setting =
    Setting::required("connection_id", Kind::Connection, "The connection.");
pub(super) const RESUME_PARTIAL: Setting = Setting::optional(
    "resume_partial",
    Kind::Bool,
    "Continue a partial file of the same source.",
)
.or(Standard::Bool(true));
pub(super) const ON_EXISTING: Setting = Setting::optional(
    "on_existing",
    Kind::Choice {
        choices: &["replace", "skip", "fail", "rename"],
    },
    "What to do where the target's name is taken; `rename` takes the first free name of `name (1).ext`, …",
)
.or(Standard::Text("replace"));
pub(super) const PRESERVE_TIMES: Setting = Setting::optional(
    "preserve_times",
    Kind::Bool,
    "Give the target the source's modification time.",
)
.or(Standard::Bool(false));
pub(super) const PRESERVE_PERMISSIONS: Setting = Setting::optional(
    "preserve_permissions",
    Kind::Bool,
    "Give the target the source's permission bits (read, write and execute), where both sides have them.",
)
.or(Standard::Bool(false));
pub(super) const VERIFY: Setting = Setting::optional(
    "verify",
    Kind::Choice {
        choices: &["size", "checksum", "command"],
    },
    "What is compared when all bytes have moved: the sizes, always; with `checksum` also the checksums, where the protocol \
     has them (SFTP's `check-file`); with `command` also where only a command in the server's shell can compute them. The \
     result says what was compared.",
)
.or(Standard::Text("checksum"));
pub(super) const AFTER: Setting = Setting::optional(
    "after",
    Kind::Choice {
        choices: &["keep", "delete", "move"],
    },
    "What becomes of the source when its file is whole at the target. With `move` it goes to `move_to`.",
)
.or(Standard::Text("keep"));

pub(super) const MIN_FILES: Setting = Setting::optional(
    "min_files",
    Kind::Integer {
        min: 0,
        max: 1_000_000,
    },
    "So many files are expected at least, those included that an earlier attempt has moved. Where there are fewer, nothing is \
     moved, and the step fails by `not_found`, which a failure policy tries again. Not given: one where one file is named; none \
     for a pattern, which completes when there is nothing to do. 0 makes a file that is named one that may be missing.",
);
pub(super) const RECURSIVE: Setting = Setting::optional(
    "recursive",
    Kind::Bool,
    "Take folders with all that lies in them. A folder that is named with a slash at its end gives its contents, else \
     itself.",
)
.or(Standard::Bool(false));
pub(super) const IGNORE: Setting = Setting::optional(
    "ignore",
    Kind::TextList,
    "Patterns of what to leave out (`*.tmp`), folders with all that lies in them. One with a slash is matched against the path \
     below the folder that is searched.",
);

/// What `on_existing` says.
pub(super) fn on_existing(step: &Step<'_>) -> OnExisting {
    match step.optional_text("on_existing") {
        Some("skip") => OnExisting::Skip,
        Some("fail") => OnExisting::Fail,
        Some("rename") => OnExisting::Rename,
        _ => OnExisting::Replace,
    }
}

/// What `verify` says.
pub(super) fn verify(step: &Step<'_>) -> Verify {
    match step.optional_text("verify") {
        Some("size") => Verify::Size,
        Some("command") => Verify::Command,
        _ => Verify::Checksum,
    }
}

/// The patterns in a list of them.
pub(super) fn patterns(step: &Step<'_>, field: &str) -> Result<Vec<Pattern>> {
    let texts = step.config.get(field).and_then(Value::as_array);
    let texts = texts.into_iter().flatten().filter_map(Value::as_str);
    Ok(texts.map(Pattern::new).collect::<courier_transfer::Result<_>>()?)
}
