//! What goes out to a server, and who waits for which answer.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::BytesMut;
use tokio::sync::{Notify, oneshot};

use super::{Reply, download::Part, limits::SizeLimits, places::Place};
use crate::codec::Request;

/// Numbers requests; shared with the callers, who encode theirs themselves.
#[derive(Clone, Debug, Default)]
pub(super) struct Ids(Arc<AtomicU32>);

impl Ids {
    pub(super) fn next(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// The shortest time that an answer took; shared with whoever asks.
#[derive(Clone, Debug)]
pub(super) struct Quickest(Arc<AtomicU64>);

impl Default for Quickest {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(u64::MAX)))
    }
}

impl Quickest {
    pub(super) fn note(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.0.fetch_min(micros, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> Option<Duration> {
        let micros = self.0.load(Ordering::Relaxed);
        (micros < u64::MAX).then(|| Duration::from_micros(micros))
    }
}

/// What a request of a transfer was for.
#[derive(Debug)]
pub(super) enum Step {
    Open,
    Stat,
    Read(Part),
    Write {
        offset: u64,
        len: u32,
    },
    Close,
    /// What lies there after the CLOSE.
    Look,
}

/// Who waits for an answer.
#[derive(Debug)]
pub(super) enum Pending {
    /// A caller.
    Call(Call),
    /// A transfer.
    Transfer { transfer: u32, step: Step },
    /// Everybody: the server's limits.
    Limits,
    /// Nobody; the handle's place is free when the answer comes.
    Close { _place: Option<Place> },
}

/// A caller that waits for an answer.
#[derive(Debug)]
pub(crate) struct Call {
    pub(super) sent: Instant,
    pub(super) reply: oneshot::Sender<Reply>,
    /// The place among the open handles that an answering handle takes.
    pub(super) place: Option<Place>,
    /// The longest payload that a READ may be answered with.
    pub(super) max_data: u32,
    /// The payload until now.
    pub(super) data: BytesMut,
}

/// What goes out, and who waits for what.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) ids: Ids,
    pub(super) pending: HashMap<u32, Pending>,
    /// What is to be sent.
    pub(super) out: BytesMut,
    pub(super) limits: SizeLimits,
    pub(super) alarm: Arc<Notify>,
}

impl Wire {
    pub(super) fn new(ids: Ids) -> Self {
        Self {
            ids,
            pending: HashMap::new(),
            out: BytesMut::new(),
            limits: SizeLimits::default(),
            alarm: Arc::default(),
        }
    }

    /// Somebody has to be woken at a time that the session's thread does not know of yet.
    pub(super) fn set_alarm(&self) {
        self.alarm.notify_one();
    }

    /// A number for a request of a transfer that the caller encodes itself.
    pub(super) fn expect(&mut self, transfer: u32, step: Step) -> u32 {
        let id = self.ids.next();
        self.pending.insert(id, Pending::Transfer { transfer, step });
        id
    }

    pub(super) fn transfer_request(&mut self, transfer: u32, step: Step, request: &Request<'_>) {
        let id = self.expect(transfer, step);
        request.encode(id, &mut self.out);
    }

    /// Closes a handle that nobody wants any more.
    pub(super) fn close(&mut self, handle: &[u8], mut place: Option<Place>) {
        let id = self.ids.next();
        if let Some(place) = &mut place {
            place.close();
        }
        self.pending.insert(id, Pending::Close { _place: place });
        Request::Close { handle }.encode(id, &mut self.out);
    }
}
