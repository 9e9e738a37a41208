//! The conformance suite that every protocol crate runs against real servers.
//!
//! A protocol writes one async function that gives a [`Fixture`]: a fresh session and an empty folder of its own.
//! [`conformance!`](crate::conformance) turns it into one test a case; cases skip themselves by the session's
//! capabilities.
//!
//! ```text
//! async fn fixture() -> Fixture { … }
//! courier_transfer::conformance!(fixture);
//! ```

// The suite is made of assertions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod directories;
mod ends;
mod files;
mod names;
mod proxy;
mod sessions;
mod shared;
mod transfers;

use std::{any::Any, sync::Arc};

use futures::StreamExt;

use crate::{Client, CreateOptions, Entry, ErrorKind, Listed, OpenOptions, RemoteName, RemotePath, Result};

pub use ends::{BytesSink, BytesSource};
pub use proxy::{Direction, Fault, Proxy};

/// The cases, by name; [`conformance!`](crate::conformance) lists them.
pub mod cases {
    pub use super::{directories::*, files::*, names::*, sessions::*, shared::*, transfers::*};
}

/// What one case runs in.
#[derive(Debug)]
pub struct Fixture {
    /// A fresh session.
    pub client: Arc<dyn Client>,
    /// An empty folder that no other case uses.
    pub folder: RemotePath,
    /// What must live as long as the case: a server, a temporary folder.
    pub keep: Box<dyn Any + Send + Sync>,
}

/// One test for each case of the suite. The argument is the path of an `async fn() -> Fixture`.
#[macro_export]
macro_rules! conformance {
    ($fixture:path) => {
        $crate::conformance! { @cases $fixture;
            stat_tells_kind_size_and_time, stat_of_nothing_is_not_found, listings_tell_what_is_there,
            listings_of_what_is_no_folder_fail, a_listing_of_3000_is_complete, folders_are_made_once,
            removal_wants_the_right_kind, a_full_folder_is_not_removed,
            reads_start_at_offsets, writes_continue_at_offsets, creating_cuts_or_refuses,
            opening_what_is_no_file_fails, sizes_around_blocks_survive, empty_files_survive,
            fetch_and_store_move_whole_files, fetch_and_store_move_rests, a_full_sink_fails_the_fetch,
            an_unreadable_source_fails_the_store, renames_keep_or_replace, renames_of_nothing_fail,
            times_are_utc, permissions_are_set, checksums_are_those_of_the_bytes,
            odd_names_survive, names_of_bytes_survive, names_like_patterns_are_no_patterns,
            operations_run_side_by_side, dropped_futures_leave_the_session_usable,
            dropped_files_leave_the_session_usable, canonical_paths_are_absolute, a_session_stays_alive,
            after_the_end_all_is_lost,
            parts_are_fetched_by_several, parts_are_stored_by_several,
            files_go_up_and_down, downloads_resume, uploads_resume, uploads_replace_atomically,
            uploads_keep_what_exists, trees_go_up_down_and_away, many_small_files_move_at_once,
        }
    };
    (@cases $fixture:path; $($case:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let fixture: $crate::testkit::Fixture = $fixture().await;
                $crate::testkit::cases::$case(&fixture).await;
                let _ = fixture.client.disconnect().await;
            }
        )*
    };
}

impl Fixture {
    /// A path in the folder.
    fn path(&self, name: impl AsRef<[u8]>) -> RemotePath {
        self.folder.join(&RemoteName::new(name).unwrap())
    }

    async fn write(&self, path: &RemotePath, bytes: &[u8]) {
        let mut writer = self.client.create(path, CreateOptions::default()).await.unwrap();
        for chunk in bytes.chunks(100_000) {
            writer.write(chunk.to_vec().into()).await.unwrap();
        }
        writer.finish().await.unwrap();
    }

    async fn read_from(&self, path: &RemotePath, offset: u64) -> Result<Vec<u8>> {
        let mut reader = self.client.open(path, OpenOptions { offset }).await?;
        let mut all = Vec::new();
        while let Some(bytes) = reader.read().await? {
            assert!(!bytes.is_empty(), "a read gives bytes or the end");
            all.extend_from_slice(&bytes);
        }
        Ok(all)
    }

    async fn read(&self, path: &RemotePath) -> Vec<u8> {
        self.read_from(path, 0).await.unwrap()
    }

    /// The entries of a folder, sorted by path.
    async fn list(&self, dir: &RemotePath) -> Vec<Entry> {
        let listing: Vec<_> = self.client.list(dir).await.unwrap().collect().await;
        let mut entries: Vec<Entry> = listing
            .into_iter()
            .map(|listed| match listed.unwrap() {
                Listed::Entry(entry) => entry,
                Listed::Unreadable { raw, reason } => panic!("unreadable: {raw}: {reason}"),
            })
            .collect();
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        entries
    }

    async fn exists(&self, path: &RemotePath) -> bool {
        match self.client.stat(path).await {
            Ok(_) => true,
            Err(e) if e.kind() == ErrorKind::NotFound => false,
            Err(e) => panic!("{e:?}"),
        }
    }
}

/// Bytes that look like no others at any offset.
fn pattern(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ len as u64;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// The kind that an operation must fail with.
#[track_caller]
fn kind<T>(result: Result<T>) -> ErrorKind {
    match result {
        Ok(_) => panic!("must fail"),
        Err(e) => e.kind(),
    }
}
