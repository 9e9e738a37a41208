//! The sessions of a real server that has a process for each, counted where they are served.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::processes;

/// Counts them. Clones count together.
#[derive(Clone, Default)]
pub(crate) struct Visits(Arc<Mutex<Count>>);

#[derive(Default)]
struct Count {
    opened: usize,
    /// The processes of those that are open.
    open: BTreeSet<u32>,
}

impl Visits {
    /// Has a process serve a session; it is open until that ends.
    pub(super) fn serve(&self, command: &mut Command) {
        let mut count = self.count();
        let mut server = command.spawn().unwrap();
        let id = server.id();
        count.opened += 1;
        count.open.insert(id);
        let visits = self.clone();
        std::thread::spawn(move || {
            let _ = server.wait();
            visits.count().open.remove(&id);
        });
    }

    /// So many were opened.
    pub(crate) fn opened(&self) -> usize {
        self.count().opened
    }

    /// So many are open.
    pub(crate) fn open(&self) -> usize {
        self.count().open.len()
    }

    /// From now on those that are open answer nothing.
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
    }

    /// They go on.
    pub(crate) fn thaw(&self) {
        self.signal("CONT");
    }

    /// Waits until none is open; fails after a second.
    #[track_caller]
    pub(crate) fn all_end(&self, what: &str) {
        self.all_end_within(Duration::from_secs(1), what);
    }

    /// Waits until none is open; fails after that time.
    #[track_caller]
    pub(crate) fn all_end_within(&self, patience: Duration, what: &str) {
        let began = Instant::now();
        while self.open() > 0 {
            let (open, waited) = (self.open(), began.elapsed());
            assert!(
                waited < patience,
                "{what}: {open} sessions are open after {waited:?}"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Kills what serves those that are open, without a word to anybody; how many those were.
    pub(crate) fn kill(&self) -> usize {
        self.signal("KILL")
    }

    fn signal(&self, name: &str) -> usize {
        let open = self.count().open.clone();
        let all: Vec<u32> = open.iter().flat_map(|id| processes::family(*id)).collect();
        processes::send(name, &all);
        open.len()
    }

    fn count(&self) -> MutexGuard<'_, Count> {
        self.0.lock().unwrap()
    }
}
