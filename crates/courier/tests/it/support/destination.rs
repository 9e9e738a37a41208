//! Where pulled files arrive: a folder, moto or Azurite.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use courier_storage::testkit::Store;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::Cli;

/// A place for files, each test's own.
pub(crate) enum Destination {
    Folder(TempDir),
    Store(Runtime, Box<Store>),
}

/// Files by name: how long each is, and the SHA-256 of its bytes.
pub(crate) type Arrived = BTreeMap<String, (u64, String)>;

/// What a file of these bytes has in [`Arrived`].
pub(crate) fn arrived(bytes: &[u8]) -> (u64, String) {
    let digits = digest(&SHA256, bytes)
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    (bytes.len() as u64, digits)
}

impl Destination {
    pub(crate) fn folder() -> Self {
        Self::Folder(tempfile::tempdir().unwrap())
    }

    pub(crate) fn s3() -> Self {
        let runtime = Runtime::new().unwrap();
        let store = runtime.block_on(Store::s3());
        Self::Store(runtime, Box::new(store))
    }

    pub(crate) fn azblob() -> Self {
        let runtime = Runtime::new().unwrap();
        let store = runtime.block_on(Store::azblob());
        Self::Store(runtime, Box::new(store))
    }

    /// Makes a storage of it.
    pub(crate) fn add(&self, admin: &Cli, name: &str) {
        match self {
            Self::Folder(folder) => {
                let url = format!("file://{}", folder.path().display());
                admin.ok(["storage", "add", name, &url]);
            }
            Self::Store(_, store) => {
                let credentials = admin.path("credentials.json");
                fs::write(&credentials, store.credentials().to_string()).unwrap();
                let add = ["storage", "add", name, &store.url(""), "--credentials-file"];
                admin.ok(add.into_iter().chain([credentials.to_str().unwrap()]));
            }
        }
    }

    /// The files there, which are read for it. A folder's marks are none.
    pub(crate) fn files(&self) -> Arrived {
        match self {
            Self::Folder(folder) => {
                let mut found = Arrived::new();
                walk(folder.path(), "", &mut found);
                found.retain(|name, _| !name.starts_with(".courier/"));
                found
            }
            Self::Store(runtime, store) => runtime.block_on(store.each(arrived)),
        }
    }

    /// How many marks a folder holds of files that are not yet in the history.
    pub(crate) fn marks(&self) -> usize {
        match self {
            Self::Folder(folder) => {
                let marks = fs::read_dir(folder.path().join(".courier"));
                marks.map_or(0, Iterator::count)
            }
            Self::Store(..) => 0,
        }
    }
}

fn walk(folder: &Path, prefix: &str, found: &mut Arrived) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().into_string().unwrap());
        match entry.file_type().unwrap().is_dir() {
            true => walk(&entry.path(), &format!("{name}/"), found),
            false => {
                let bytes = fs::read(entry.path()).unwrap();
                assert!(found.insert(name, arrived(&bytes)).is_none());
            }
        }
    }
}
