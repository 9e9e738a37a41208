//! How one file is moved, and what came of it.

use std::{path::PathBuf, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Entry, NoProgress, Progress, Rate, RemotePath};

use super::{Guard, LocalVersion, Locals, NoGuard, NoPartials, Partials};

/// What to do where the target's name is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnExisting {
    /// Replace it.
    #[default]
    Replace,
    /// Leave it, and count the file as [`Outcome::Skipped`].
    Skip,
    /// Fail with [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists).
    Fail,
    /// Take the first free name of `name (1).ext`, `name (2).ext`, …
    Rename,
}

/// How a file is compared with its source when all bytes have moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verify {
    /// By its size.
    Size,
    /// By its size, and by a checksum where the protocol offers one.
    #[default]
    Checksum,
    /// As [`Checksum`](Self::Checksum); where the protocol offers none, by a command in the server's shell.
    Command,
}

/// How a file is downloaded. The defaults are those of the command line.
#[derive(Clone, Debug)]
pub struct DownloadOptions {
    /// Continue a `<name>.part` of the same source, and keep one when the transfer breaks off.
    pub resume: bool,
    /// When the session breaks, go on where it broke (specification 6.4.2); else the file is moved from its beginning.
    pub go_on: bool,
    /// What to do where the local name is taken.
    pub on_existing: OnExisting,
    /// Make missing local folders above the target.
    pub create_parents: bool,
    /// Give the local file the source's modification time, where the server tells it.
    pub preserve_times: bool,
    /// Give the local file the source's permission bits (`rwx` only), where the server tells them.
    pub preserve_permissions: bool,
    /// Have file and name on the disk (`fsync`) before the download counts as done. Jobs set it.
    pub durable: bool,
    /// How to compare it with the source.
    pub verify: Verify,
}

impl Default for DownloadOptions {
    fn default() -> Self {
        Self {
            resume: true,
            go_on: true,
            on_existing: OnExisting::Replace,
            create_parents: false,
            preserve_times: false,
            preserve_permissions: false,
            durable: false,
            verify: Verify::Checksum,
        }
    }
}

/// How a file is uploaded. The defaults are those of the command line; jobs set `atomic`.
#[derive(Clone, Debug)]
pub struct UploadOptions {
    /// Upload under a temporary name and rename when whole (specification 6.6).
    pub atomic: bool,
    /// What the temporary name has behind the final one.
    pub atomic_suffix: String,
    /// Continue a partial of the same source, and keep one when the transfer breaks off.
    pub resume: bool,
    /// When the session breaks, go on where it broke (specification 6.4.2); else the file is moved from its beginning.
    pub go_on: bool,
    /// What to do where the remote name is taken.
    pub on_existing: OnExisting,
    /// Where the server cannot replace a file in one step
    /// ([`Capabilities::atomic_replace`](crate::Capabilities::atomic_replace)), remove it first and rename then. For
    /// a moment there is no file of that name, and if the session breaks in that moment, only the temporary one.
    pub replace_non_atomically: bool,
    /// Make missing remote folders above the target.
    pub create_parents: bool,
    /// Give the remote file the source's modification time, where the server allows it.
    pub preserve_times: bool,
    /// Give the remote file the source's permission bits (`rwx` only), where the server allows it.
    pub preserve_permissions: bool,
    /// How to compare it with the source.
    pub verify: Verify,
}

impl Default for UploadOptions {
    fn default() -> Self {
        Self {
            atomic: false,
            atomic_suffix: ".tmp".into(),
            resume: true,
            go_on: true,
            on_existing: OnExisting::Replace,
            replace_non_atomically: false,
            create_parents: false,
            preserve_times: false,
            preserve_permissions: false,
            verify: Verify::Checksum,
        }
    }
}

/// What surrounds the transfer of one file.
#[derive(Clone, Debug)]
pub struct Context {
    /// Hears how far it has come.
    pub progress: Arc<dyn Progress>,
    /// Remembers which source a partial file is a part of.
    pub partials: Arc<dyn Partials>,
    /// Of a download: what a listing has told of the source. It saves a round trip for small files.
    pub entry: Option<Entry>,
    /// How fast its bytes may move; shared with other transfers, they keep it together.
    pub rate: Option<Arc<Rate>>,
    /// Where its local end may lie.
    pub locals: Locals,
    /// Asked before the file gets its final name.
    pub guard: Arc<dyn Guard>,
}

impl Default for Context {
    fn default() -> Self {
        Self {
            progress: Arc::new(NoProgress),
            partials: Arc::new(NoPartials),
            entry: None,
            rate: None,
            locals: Locals::Anywhere,
            guard: Arc::new(NoGuard),
        }
    }
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is whole, under the name told.
    Done,
    /// The name was taken and [`OnExisting::Skip`] asked for; nothing was moved.
    Skipped,
}

/// What was compared when all bytes had moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verified {
    /// Sizes and checksums; the server computed its one by the protocol's own means.
    Checksum,
    /// Sizes and checksums; the server's one came from a command in its shell.
    Command,
    /// The sizes of source and target.
    Size,
    /// Nothing: the server doesn't tell sizes (write-only drop boxes refuse `stat`), or the file was skipped.
    Nothing,
}

/// Where the file lies now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FinalName {
    /// After a download.
    Local(PathBuf),
    /// After an upload.
    Remote(RemotePath),
}

/// One version of a source, by what is told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Version {
    /// Of a local file.
    Local(LocalVersion),
    /// Of a file on a server, as far as it tells.
    Remote {
        /// Its size in bytes.
        size: Option<u64>,
        /// Its modification time.
        modified: Option<Timestamp>,
    },
}

/// What came of the transfer of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transferred {
    /// Done or skipped.
    pub outcome: Outcome,
    /// Bytes that this transfer moved; a resumed part is not counted.
    pub bytes: u64,
    /// Size of the whole file in bytes; 0 for a skipped one.
    pub size: u64,
    /// The offset it was resumed at.
    pub resumed_from: Option<u64>,
    /// Its final name; with [`OnExisting::Rename`] not always the one asked for.
    pub target: FinalName,
    /// What was compared at the end.
    pub verified: Verified,
    /// Which version of the source was moved; none of a skipped file.
    pub source: Option<Version>,
}

impl Transferred {
    pub(super) fn skipped(target: FinalName) -> Self {
        Self {
            outcome: Outcome::Skipped,
            bytes: 0,
            size: 0,
            resumed_from: None,
            target,
            verified: Verified::Nothing,
            source: None,
        }
    }
}
