//! One transfer that several sessions share.

use std::{fmt, io, sync::Arc, sync::atomic::AtomicBool, sync::atomic::Ordering, time::Duration};

use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use crate::{Client, Connector, Error, ErrorKind, Parts, Result, Sink, Source};

/// How long the last lanes may take to close their files when every byte has been moved.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long whoever waits for a session has to take one that was given back, before another one is.
pub(super) const HANDOVER: Duration = Duration::from_millis(200);

/// How often somebody looks whether more sessions would be of use.
const LOOK: Duration = Duration::from_secs(1);
/// With less than this to go they would not: they need about a second to log in and to warm up.
const WORTHWHILE: Duration = Duration::from_secs(3);

/// Which session of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The one that makes the file.
    First,
    /// One that joined in.
    Beside,
}

/// How one session's transfer ended, and whether the end on this machine failed.
pub(super) type Done = (Result<u64>, bool);

/// Transfers over one session.
type Work = Arc<dyn Fn(Arc<dyn Client>, Role) -> BoxFuture<'static, Done> + Send + Sync>;

pub(super) struct Shared {
    pub(super) parts: Arc<Parts>,
    pub(super) connector: Arc<dyn Connector>,
    pub(super) work: Work,
    /// Does the first session make the file that the others join?
    pub(super) creates: bool,
    /// Do the others join at once? Else when they are of use.
    pub(super) at_once: bool,
}

/// What the lanes beside the first one hear.
#[derive(Clone)]
struct Signals {
    /// It is too late to join.
    late: watch::Sender<bool>,
    /// One of them, whichever hears it, is to leave.
    leave: Arc<Notify>,
}

impl Shared {
    pub(super) async fn run(self, first: Arc<dyn Client>, more: usize) -> Result<u64> {
        let signals = Signals {
            late: watch::Sender::new(false),
            leave: Arc::new(Notify::new()),
        };
        let mut lanes: FuturesUnordered<_> = (0..more).map(|_| self.lane(signals.clone())).collect();
        let mut first = (self.work)(first, Role::First);
        let mut ended: Option<Result<u64>> = None;
        let mut leaving = false;
        let mut listen_from = Instant::now();
        loop {
            let wanted = async {
                tokio::time::sleep_until(listen_from).await;
                self.connector.wanted().await;
            };
            tokio::select! {
                (result, local) = &mut first, if ended.is_none() => {
                    signals.late.send_replace(true);
                    match result {
                        Err(e) if local || !self.has_begun() && e.kind() != ErrorKind::Lost => return Err(e),
                        result => ended = Some(result),
                    }
                }
                Some(done) = lanes.next() => {
                    if std::mem::take(&mut leaving) {
                        listen_from = Instant::now() + HANDOVER;
                    }
                    match done {
                        Some((Err(e), true)) => return Err(e),
                        Some((Err(error), false)) => {
                            tracing::info!(%error, "a session that shared a file failed; the others go on");
                        }
                        _ => {}
                    }
                }
                () = wanted, if !leaving && !lanes.is_empty() => {
                    leaving = true;
                    signals.leave.notify_one();
                }
                () = tokio::time::sleep(PATIENCE), if ended.is_some() && self.parts.is_complete() => break,
            }
            if ended.is_some() && lanes.is_empty() {
                break;
            }
        }
        match ended {
            Some(Err(e)) if !self.parts.is_complete() => Err(e),
            _ => Ok(self.parts.reached()),
        }
    }

    fn has_begun(&self) -> bool {
        futures::FutureExt::now_or_never(self.parts.begun()).is_some()
    }

    /// One more session, as long as it is of use. `None` where there was none, or it left.
    fn lane(&self, signals: Signals) -> BoxFuture<'static, Option<Done>> {
        let (parts, connector, work) = (self.parts.clone(), self.connector.clone(), self.work.clone());
        let (creates, at_once) = (self.creates, self.at_once);
        Box::pin(async move {
            let late = async || {
                // Fails only where the sender is dropped.
                let _ = signals.late.subscribe().wait_for(|late| *late).await;
            };
            let join = async {
                if !at_once {
                    worthwhile(&parts).await;
                }
                connector.another().await
            };
            let client = tokio::select! {
                joined = join => match joined {
                    Ok(client) => client?,
                    Err(e) => return Some((Err(e), false)),
                },
                () = late() => return None,
            };
            let lent = Lent::new(connector, client.clone());
            let is_there = tokio::select! {
                () = parts.begun(), if creates => true,
                () = late(), if creates => false,
                else => true,
            };
            let done = tokio::select! {
                done = work(client, Role::Beside), if is_there => Some(done),
                () = signals.leave.notified(), if is_there => None,
                else => None,
            };
            lent.give_back().await;
            done
        })
    }
}

/// Waits until another session would be of use: where one alone still has a while to go. A server sends as fast as the line
/// carries it once the line is warm, so most are through before; what an upload is limited by shows at once, since servers
/// take little without an answer.
async fn worthwhile(parts: &Parts) {
    let (began, from) = (Instant::now(), parts.reached());
    loop {
        tokio::time::sleep(LOOK).await;
        let moved = parts.reached().saturating_sub(from) as f64;
        let left = parts.left() as f64;
        if left * began.elapsed().as_secs_f64() > moved * WORTHWHILE.as_secs_f64() {
            return;
        }
    }
}

/// A session that goes back to where it came from, also where it is only dropped.
#[derive(Debug)]
pub(super) struct Lent {
    connector: Arc<dyn Connector>,
    client: Option<Arc<dyn Client>>,
}

impl Lent {
    pub(super) fn new(connector: Arc<dyn Connector>, client: Arc<dyn Client>) -> Self {
        Self {
            connector,
            client: Some(client),
        }
    }

    async fn give_back(mut self) {
        if let Some(client) = self.client.take() {
            self.connector.release(client).await;
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(client) = self.client.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let connector = self.connector.clone();
            runtime.spawn(async move { connector.release(client).await });
        }
    }
}

/// A sink or a source that notes whether it failed: then no other session can help.
#[derive(Debug)]
pub(super) struct LocalEnd<T: ?Sized> {
    failed: AtomicBool,
    inner: Arc<T>,
}

impl<T: ?Sized> LocalEnd<T> {
    pub(super) fn new(inner: Arc<T>) -> Arc<Self> {
        Arc::new(Self {
            failed: AtomicBool::new(false),
            inner,
        })
    }

    pub(super) fn failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }
}

impl<T: Sink + ?Sized + fmt::Debug> Sink for LocalEnd<T> {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.inner.write_at(bytes, offset)
    }

    fn advance(&self, offset: u64) {
        self.inner.advance(offset);
    }

    fn waits(&self) {
        self.inner.waits();
    }

    fn error(&self, error: io::Error) -> Error {
        self.failed.store(true, Ordering::Relaxed);
        self.inner.error(error)
    }
}

impl<T: Source + ?Sized + fmt::Debug> Source for LocalEnd<T> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_at(buffer, offset)
    }

    fn advance(&self, offset: u64) {
        self.inner.advance(offset);
    }

    fn waits(&self) {
        self.inner.waits();
    }

    fn error(&self, error: io::Error) -> Error {
        self.failed.store(true, Ordering::Relaxed);
        self.inner.error(error)
    }
}
