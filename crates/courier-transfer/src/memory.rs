//! A server in memory, with faults on demand: what the tests of everything above [`Client`](crate::Client) run against.
//!
//! [`Memory`] is the server and outlives its sessions; [`Memory::connect`] gives one. The login folder is `/home`.

mod client;
mod file;
mod parts;
mod tree;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

use crate::{Capabilities, Error, ErrorKind, RemotePath, Result, TimePrecision};

pub use client::MemoryClient;
use tree::{Node, Tree};

/// A server in memory.
#[derive(Clone, Debug)]
pub struct Memory(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tree: Tree,
    capabilities: Capabilities,
    faults: Vec<Fault>,
    /// Bytes moved by all sessions since the last [`Memory::at_byte`].
    moved: u64,
    triggers: Vec<(u64, Event)>,
    slow: Option<Duration>,
    /// What listings show beside what is there: folder, raw name.
    hostile: Vec<(RemotePath, Vec<u8>)>,
    operations: Vec<&'static str>,
    /// Operations during which a session breaks, once: before or after they are carried out.
    losses: Vec<(&'static str, Carried)>,
    round_trip: Option<Duration>,
    /// Are there commands that compute checksums?
    shell: bool,
    /// How exactly listings tell times.
    listed: TimePrecision,
}

/// What became of an operation whose answer is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// It was carried out.
    Out,
    /// It never reached the server.
    Nowhere,
}

#[derive(Clone, Copy, Debug)]
struct Fault {
    operation: &'static str,
    kind: Option<ErrorKind>,
}

/// What happens when a number of bytes has moved.
pub enum Event {
    /// The operation fails with that kind.
    Fail(ErrorKind),
    /// The session breaks.
    Lose,
    /// The operation never ends.
    Hang,
    /// Something else happens to the server meanwhile.
    Call(Box<dyn FnOnce(&Memory) + Send>),
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fail(kind) => write!(f, "Fail({kind:?})"),
            Self::Lose => f.write_str("Lose"),
            Self::Hang => f.write_str("Hang"),
            Self::Call(_) => f.write_str("Call"),
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new(Capabilities {
            resume_download: true,
            resume_upload: true,
            atomic_replace: true,
            set_times: true,
            checksum: false,
            parts: true,
            permissions: true,
            concurrency: 16,
        })
    }
}

impl Memory {
    /// A server that can do this, with an empty login folder.
    pub fn new(capabilities: Capabilities) -> Self {
        Self(Arc::new(Inner {
            state: Mutex::new(State {
                tree: Tree::default(),
                capabilities,
                faults: Vec::new(),
                moved: 0,
                triggers: Vec::new(),
                slow: None,
                hostile: Vec::new(),
                operations: Vec::new(),
                losses: Vec::new(),
                round_trip: None,
                shell: false,
                listed: TimePrecision::Exact,
            }),
        }))
    }

    /// A new session.
    pub fn connect(&self) -> Arc<MemoryClient> {
        Arc::new(MemoryClient::new(self.clone()))
    }

    /// Changes what it can do.
    pub fn set_capabilities(&self, change: impl FnOnce(&mut Capabilities)) {
        change(&mut self.state().capabilities);
    }

    /// Puts a file there, with the folders above it.
    pub fn put(&self, path: &RemotePath, content: impl Into<Vec<u8>>) {
        self.place(path, Node::file(content.into()));
    }

    /// Puts a file there that was modified at that time.
    pub fn put_modified(&self, path: &RemotePath, content: impl Into<Vec<u8>>, modified: Timestamp) {
        let mut node = Node::file(content.into());
        node.modified = modified;
        self.place(path, node);
    }

    /// Puts a symbolic link there.
    pub fn link(&self, path: &RemotePath, target: &RemotePath) {
        self.place(path, Node::link(target.clone()));
    }

    fn place(&self, path: &RemotePath, node: Node) {
        let mut state = self.state();
        let path = state.tree.absolute(path);
        state.tree.place(&path, node);
    }

    /// The content of a file; `None` where there is none.
    pub fn content(&self, path: &RemotePath) -> Option<Vec<u8>> {
        let state = self.state();
        let path = state.tree.absolute(path);
        state.tree.get(&path).and_then(|node| node.content.clone())
    }

    /// The paths of everything that lies there, sorted.
    pub fn paths(&self) -> Vec<String> {
        self.state().tree.paths()
    }

    /// Has an operation (by the name of its method) fail with that kind until [`heal`](Self::heal).
    pub fn refuse(&self, operation: &'static str, kind: ErrorKind) {
        self.state().faults.push(Fault {
            operation,
            kind: Some(kind),
        });
    }

    /// Has an operation never answer until [`heal`](Self::heal).
    pub fn hang(&self, operation: &'static str) {
        self.state().faults.push(Fault {
            operation,
            kind: None,
        });
    }

    /// Has something happen once `bytes` have moved from now on.
    pub fn at_byte(&self, bytes: u64, event: Event) {
        let mut state = self.state();
        state.moved = 0;
        state.triggers.push((bytes, event));
    }

    /// Makes each operation and each block of bytes take this long.
    pub fn slow(&self, delay: Duration) {
        self.state().slow = Some(delay);
    }

    /// Has listings of a folder show a name that may be none.
    pub fn show(&self, folder: &RemotePath, name: &[u8]) {
        self.state().hostile.push((folder.clone(), name.to_owned()));
    }

    /// Breaks the session during the next operation of that name (of its method): once for each call. `Carried::Out` is
    /// for renames, removals and new folders only.
    pub fn lose_answer(&self, operation: &'static str, carried: Carried) {
        self.state().losses.push((operation, carried));
    }

    /// What sessions tell as their round trip.
    pub fn set_round_trip(&self, time: Duration) {
        self.state().round_trip = Some(time);
    }

    /// Gives it a shell with commands that compute checksums.
    pub fn give_shell(&self) {
        self.state().shell = true;
    }

    /// Has listings tell times that roughly, in UTC. `stat` stays exact.
    pub fn list_times(&self, precision: TimePrecision) {
        self.state().listed = precision;
    }

    /// Bytes moved by all sessions since the last [`at_byte`](Self::at_byte).
    pub fn moved(&self) -> u64 {
        self.state().moved
    }

    /// Ends all faults.
    pub fn heal(&self) {
        let mut state = self.state();
        state.faults.clear();
        state.triggers.clear();
        state.hostile.clear();
        state.losses.clear();
        state.slow = None;
    }

    /// The operations since the last call of this, by the names of their methods.
    pub fn operations(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.state().operations)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Delays, fails or stops an operation as the faults want it.
    async fn enter(&self, operation: &'static str) -> Result<()> {
        let (fault, slow) = {
            let mut state = self.state();
            state.operations.push(operation);
            let fault = state.faults.iter().find(|f| f.operation == operation).copied();
            (fault, state.slow)
        };
        if let Some(delay) = slow {
            tokio::time::sleep(delay).await;
        }
        match fault.map(|f| f.kind) {
            None => Ok(()),
            Some(Some(kind)) => Err(Error::new(kind, format!("the server refuses {operation}"))),
            Some(None) => std::future::pending().await,
        }
    }

    /// Is the session to break now?
    fn loses(&self, operation: &'static str, carried: Carried) -> bool {
        let losses = &mut self.state().losses;
        let due = losses.iter().position(|loss| *loss == (operation, carried));
        due.map(|at| losses.remove(at)).is_some()
    }

    /// Counts moved bytes; the event that they bring about, if any.
    fn count(&self, bytes: u64) -> Option<Event> {
        let mut state = self.state();
        state.moved = state.moved.saturating_add(bytes);
        let due = state.triggers.iter().position(|(at, _)| state.moved >= *at)?;
        Some(state.triggers.swap_remove(due).1)
    }
}
