//! What callers do with a session, written once above [`Client`](crate::Client): uploads and downloads with
//! resume, atomic names and verification (specification 6.5, 6.6), globs, recursive listings, `mkdir -p`, recursive
//! delete, and many files at once.
//!
//! Transfers take the session as `&Arc<dyn Client>`, since what they leave behind when dropped is cleaned up
//! by a task of its own. All of them are cancelled by dropping their future or stream.

mod batch;
mod beginning;
mod blocking;
mod directories;
mod download;
mod find;
mod folders;
mod glob;
mod guard;
mod local;
mod locals;
mod lost;
mod names;
mod options;
mod partial;
mod plan;
mod remove;
mod rename;
mod upload;
mod verify;
mod waiting;
mod walk;

pub use batch::{BatchContext, BatchProgress, FileResult, Job, Totals, download_all, upload_all};
pub use directories::{Removed, make_dir_all, remove_tree};
pub use download::download;
pub use find::{FindOptions, find, glob};
pub use glob::{Pattern, RemoteGlob};
pub use guard::{Guard, NoGuard};
pub use locals::{Confine, LocalPath, Locals, open_folder};
pub use options::{
    Context, DownloadOptions, FinalName, OnExisting, Outcome, Transferred, UploadOptions, Verified, Verify,
    Version,
};
use partial::Found;
pub use partial::{Claim, Identity, Naming, NoPartials, Partials};
pub use plan::{PlanOptions, plan_downloads, plan_uploads};
pub use remove::{make_dir, remove};
pub use rename::{Replace, rename, rename_guarded, rename_to_free_name};
pub use upload::{LocalVersion, move_version, remove_version, upload};
pub use walk::{LocalFile, walk};

/// Files below this many bytes move in one go: what would take another look at either end costs more than
/// moving them again, so their partials are neither kept nor continued.
const SMALL: u64 = 64 * 1024;
