//! One of several sessions with a server.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;

use crate::{Client, Connector, ErrorKind, Result};

use super::{pool::Pool, shared::Lent};
use crate::layers::{Reconnecting, loss};

/// A session of a [`Pool`].
#[derive(Debug)]
pub(super) struct Member {
    client: Arc<dyn Client>,
    beside: Option<Beside>,
    /// A token for each listing that somebody still reads.
    listings: Arc<()>,
}

/// What a session has that was opened beside the main one. It isn't opened again where it breaks: the main session takes
/// over what it was about.
#[derive(Debug)]
struct Beside {
    /// Goes back when this is dropped.
    _lent: Lent,
    /// The session, for what only looks, and what may be done twice: where it breaks, that goes on over the main one.
    looks: Arc<Reconnecting>,
    fallback: Arc<Fallback>,
    broken: AtomicBool,
    /// It has moved or changed something.
    useful: AtomicBool,
}

/// Gives the main session in place of one that broke.
#[derive(Debug)]
struct Fallback {
    main: Arc<dyn Client>,
    used: AtomicBool,
}

#[async_trait]
impl Connector for Fallback {
    async fn connect(&self) -> Result<Arc<dyn Client>> {
        self.used.store(true, Ordering::Relaxed);
        Ok(self.main.clone())
    }

    async fn another(&self) -> Result<Option<Arc<dyn Client>>> {
        Ok(None)
    }

    async fn release(&self, _client: Arc<dyn Client>) {}
}

impl Member {
    pub(super) fn main(client: Arc<dyn Client>) -> Arc<Self> {
        Arc::new(Self {
            client,
            beside: None,
            listings: Arc::new(()),
        })
    }

    /// A session that `connector` gave.
    pub(super) fn beside(
        client: Arc<dyn Client>,
        connector: Arc<dyn Connector>,
        main: &Arc<dyn Client>,
    ) -> Arc<Self> {
        let fallback = Arc::new(Fallback {
            main: main.clone(),
            used: AtomicBool::new(false),
        });
        Arc::new(Self {
            beside: Some(Beside {
                _lent: Lent::new(connector, client.clone()),
                looks: Arc::new(Reconnecting::new(client.clone(), fallback.clone(), 1)),
                fallback,
                broken: AtomicBool::new(false),
                useful: AtomicBool::new(false),
            }),
            client,
            listings: Arc::new(()),
        })
    }

    pub(super) fn client(&self) -> &Arc<dyn Client> {
        &self.client
    }

    pub(super) fn is_beside(&self) -> bool {
        self.beside.is_some()
    }

    /// Is it of no use any more? The main session never is: it is opened again where it breaks.
    pub(super) fn is_broken(&self) -> bool {
        self.beside.as_ref().is_some_and(|beside| {
            beside.broken.load(Ordering::Relaxed)
                || beside.fallback.used.load(Ordering::Relaxed)
                || !self.client.is_connected()
        })
    }

    pub(super) fn was_useful(&self) -> bool {
        let beside = self.beside.as_ref();
        beside.is_none_or(|beside| beside.useful.load(Ordering::Relaxed))
    }

    /// How many listings somebody still reads.
    pub(super) fn listings(&self) -> usize {
        Arc::strong_count(&self.listings) - 1
    }
}

/// The right to an operation on one of the sessions. Dropped, it is somebody else's turn.
#[derive(Debug)]
pub(super) struct Place {
    pool: Arc<Pool>,
    member: Arc<Member>,
}

impl Place {
    pub(super) fn new(pool: Arc<Pool>, member: Arc<Member>) -> Self {
        Self { pool, member }
    }

    /// The session as it is, for what moves bytes or changes names; the result goes through [`judge`](Self::judge).
    pub(super) fn client(&self) -> &dyn Client {
        &*self.member.client
    }

    /// The session for what only looks, and what may be done twice.
    pub(super) fn looks(&self) -> &dyn Client {
        match &self.member.beside {
            Some(beside) => &*beside.looks,
            None => &*self.member.client,
        }
    }

    /// The place is kept, and others may be about its paths: a file that is open.
    pub(super) fn forget_paths(&self) {
        self.pool.forget_paths(&self.member);
    }

    /// Notes that somebody reads a listing of the session until what this gives is dropped.
    pub(super) fn listing(&self) -> Arc<()> {
        self.member.listings.clone()
    }

    /// Gives up a session beside the main one where the operation's error says that it broke: it is a loss then, and the main
    /// session there to go on with.
    pub(super) fn judge<T>(&self, result: Result<T>) -> Result<T> {
        let Some(beside) = &self.member.beside else {
            return result;
        };
        match result {
            Err(e) if matches!(e.kind(), ErrorKind::Lost | ErrorKind::Timeout) => {
                beside.broken.store(true, Ordering::Relaxed);
                Err(loss(e))
            }
            result => result,
        }
    }

    /// As [`judge`](Self::judge), of what was moved or changed.
    pub(super) fn judge_change<T>(&self, result: Result<T>) -> Result<T> {
        if let (Some(beside), Ok(_)) = (&self.member.beside, &result)
            && !beside.useful.swap(true, Ordering::Relaxed)
        {
            self.pool.progress();
        }
        self.judge(result)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.pool.give_back(&self.member);
    }
}
