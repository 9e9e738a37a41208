//! What the tests share.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use courier_transfer::{
    Client, RemotePath, Result,
    memory::Memory,
    ops::{Context, Identity, Partials},
};

pub(crate) fn path(text: &str) -> RemotePath {
    RemotePath::new(text).unwrap()
}

/// Bytes that differ at every offset.
pub(crate) fn bytes(len: usize, seed: u32) -> Vec<u8> {
    (0..len as u32)
        .map(|i| (i.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 13) as u8)
        .collect()
}

/// A server, a session, and a folder of this machine.
pub(crate) struct Setup {
    pub(crate) memory: Memory,
    pub(crate) client: Arc<dyn Client>,
    pub(crate) temp: tempfile::TempDir,
    pub(crate) partials: Arc<Remembered>,
}

impl Setup {
    pub(crate) fn new() -> Self {
        let memory = Memory::default();
        Self {
            client: memory.connect(),
            memory,
            temp: tempfile::tempdir().unwrap(),
            partials: Arc::default(),
        }
    }

    pub(crate) fn reconnect(&mut self) {
        self.memory.heal();
        self.client = self.memory.connect();
    }

    pub(crate) fn local(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    pub(crate) fn context(&self) -> Context {
        Context {
            partials: self.partials.clone(),
            ..Context::default()
        }
    }

    /// The names in the local folder.
    pub(crate) fn names(&self) -> Vec<String> {
        names(self.temp.path())
    }
}

pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Remembers identities as a job does.
#[derive(Debug, Default)]
pub(crate) struct Remembered(pub(crate) Mutex<HashMap<String, Identity>>);

impl Remembered {
    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

#[async_trait]
impl Partials for Remembered {
    async fn load(&self, key: &str) -> Result<Option<Identity>> {
        Ok(self.0.lock().unwrap().get(key).cloned())
    }

    async fn save(&self, key: &str, identity: &Identity) -> Result<()> {
        self.0.lock().unwrap().insert(key.to_owned(), identity.clone());
        Ok(())
    }

    async fn forget(&self, key: &str) -> Result<()> {
        self.0.lock().unwrap().remove(key);
        Ok(())
    }
}

/// Polls until it holds: for what a task of its own does after the call has ended.
pub(crate) async fn eventually(holds: impl Fn() -> bool) {
    tokio::time::timeout(std::time::Duration::from_secs(10), async {
        while !holds() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    })
    .await
    .expect("must come to hold");
}
