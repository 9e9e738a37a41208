//! A line to a server in memory, over which sessions are opened again and beside one another.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use courier_transfer::{
    Client, Connector, Error, ErrorKind, Result, Retry,
    layers::{Lanes, Parallel, Reconnecting, Timeouts},
    memory::{Memory, MemoryClient},
};
use tokio::sync::Notify;

#[derive(Debug)]
pub(crate) struct Line {
    memory: Memory,
    /// How many sessions it has given in place of broken ones, and beside others.
    pub(crate) connects: AtomicUsize,
    pub(crate) lent: Mutex<Vec<Arc<MemoryClient>>>,
    pub(crate) released: AtomicUsize,
    /// What the next attempts meet.
    pub(crate) refusals: Mutex<VecDeque<ErrorKind>>,
    /// How many sessions there may be beside the first one.
    pub(crate) most_beside: usize,
    pub(crate) somebody_waits: Notify,
    /// With so many sessions beside the first one, further ones are refused like that.
    pub(crate) refuses_beside: Mutex<Option<(usize, ErrorKind, Retry)>>,
    /// The time limit on operations, if there is one.
    pub(crate) limit: Mutex<Option<Duration>>,
    /// How many such attempts there were, and how long each takes.
    pub(crate) asked: AtomicUsize,
    pub(crate) login: Mutex<Duration>,
}

impl Line {
    pub(crate) fn new(memory: &Memory) -> Arc<Self> {
        Self::with_beside(memory, usize::MAX)
    }

    pub(crate) fn with_beside(memory: &Memory, most_beside: usize) -> Arc<Self> {
        Arc::new(Self {
            memory: memory.clone(),
            connects: AtomicUsize::new(0),
            lent: Mutex::default(),
            released: AtomicUsize::new(0),
            refusals: Mutex::default(),
            most_beside,
            somebody_waits: Notify::new(),
            refuses_beside: Mutex::default(),
            limit: Mutex::default(),
            asked: AtomicUsize::new(0),
            login: Mutex::default(),
        })
    }

    fn timed(&self, session: Arc<MemoryClient>) -> Arc<dyn Client> {
        match *self.limit.lock().unwrap() {
            Some(limit) => Arc::new(Timeouts::new(session, limit)),
            None => session,
        }
    }

    pub(crate) fn reconnecting(self: &Arc<Self>, retries: u32) -> Arc<dyn Client> {
        let first = self.timed(self.memory.connect());
        Arc::new(Reconnecting::new(first, self.clone(), retries))
    }

    pub(crate) fn parallel(self: &Arc<Self>, lanes: usize) -> Arc<dyn Client> {
        Arc::new(Parallel::new(
            self.reconnecting(3),
            self.clone(),
            Lanes::Exactly(lanes),
        ))
    }

    pub(crate) fn connects(&self) -> usize {
        self.connects.load(Ordering::Relaxed)
    }

    pub(crate) fn lent(&self) -> usize {
        self.lent.lock().unwrap().len()
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    pub(crate) fn released(&self) -> usize {
        self.released.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Connector for Line {
    async fn connect(&self) -> Result<Arc<dyn Client>> {
        self.connects.fetch_add(1, Ordering::Relaxed);
        if let Some(kind) = self.refusals.lock().unwrap().pop_front() {
            return Err(Error::new(kind, "the server hangs up"));
        }
        Ok(self.timed(self.memory.connect()))
    }

    async fn another(&self) -> Result<Option<Arc<dyn Client>>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let login = *self.login.lock().unwrap();
        if !login.is_zero() {
            tokio::time::sleep(login).await;
        }
        let mut lent = self.lent.lock().unwrap();
        if let Some((from, kind, retry)) = *self.refuses_beside.lock().unwrap()
            && lent.len() >= from
        {
            return Err(Error::new(kind, "too many connections").with_retry(retry));
        }
        if lent.len() >= self.most_beside {
            return Ok(None);
        }
        let client = self.memory.connect();
        lent.push(client.clone());
        Ok(Some(self.timed(client)))
    }

    async fn release(&self, client: Arc<dyn Client>) {
        self.released.fetch_add(1, Ordering::Relaxed);
        let _ = client.disconnect().await;
    }

    async fn wanted(&self) {
        self.somebody_waits.notified().await;
    }
}
