//! The session of the moment, and what became of those before it.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::{Client, Connector, Error, ErrorKind, RemotePath, Result, Retry};

use crate::layers::{loss, told_of};

/// The longest wait before a reconnect.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How long a session that was given up may take to end.
const FAREWELL: Duration = Duration::from_secs(5);

/// One session, and the how manieth it is.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) client: Arc<dyn Client>,
    number: u64,
}

#[derive(Debug)]
pub(super) struct State {
    connector: Arc<dyn Connector>,
    retries: u32,
    inner: Mutex<Inner>,
    /// Whoever opens a session holds it; the others wait for that session.
    opening: tokio::sync::Mutex<()>,
    closed: watch::Sender<bool>,
}

#[derive(Debug)]
struct Inner {
    session: Session,
    given_up: bool,
    /// Reconnects in a row that brought nothing new.
    barren: u32,
    /// What broke the session, and what the last attempt to open one met.
    lost: Option<String>,
    last: Option<String>,
    /// It is over: what the connector said.
    refused: Option<(ErrorKind, String)>,
    /// How far interrupted transfers had come. What is moved again is nothing new.
    marks: HashMap<(&'static str, RemotePath), u64>,
}

/// How far one transfer has come.
#[derive(Debug)]
pub(super) struct Mark {
    state: Arc<State>,
    key: (&'static str, RemotePath),
    furthest: AtomicU64,
}

impl Mark {
    /// Everything before `offset` has been moved.
    pub(super) fn reached(&self, offset: u64) {
        if self.furthest.fetch_max(offset, Ordering::Relaxed) < offset {
            self.state.progress();
        }
    }
}

impl State {
    pub(super) fn new(first: Arc<dyn Client>, connector: Arc<dyn Connector>, retries: u32) -> Self {
        Self {
            connector,
            retries,
            inner: Mutex::new(Inner {
                session: Session {
                    client: first,
                    number: 0,
                },
                given_up: false,
                barren: 0,
                lost: None,
                last: None,
                refused: None,
                marks: HashMap::new(),
            }),
            opening: tokio::sync::Mutex::default(),
            closed: watch::Sender::new(false),
        }
    }

    /// The session of the moment, broken or not.
    pub(super) fn current(&self) -> Session {
        self.inner.lock().session.clone()
    }

    /// Something new came: reconnects are counted anew.
    pub(super) fn progress(&self) {
        self.inner.lock().barren = 0;
    }

    /// Is there a session, or may another one be opened?
    pub(super) fn is_usable(&self) -> bool {
        let inner = self.inner.lock();
        !*self.closed.borrow() && inner.refused.is_none() && (inner.is_whole() || inner.barren < self.retries)
    }

    /// A session that is not known to be broken; opens one where there is none.
    pub(super) async fn session(&self) -> Result<Session> {
        if let Some(session) = self.ready()? {
            return Ok(session);
        }
        let _opening = self.opening.lock().await;
        loop {
            if let Some(session) = self.ready()? {
                return Ok(session);
            }
            let Some(wait) = self.next_attempt() else {
                return Err(self.over());
            };
            let attempt = async {
                tokio::time::sleep(wait).await;
                self.connector.connect().await
            };
            let opened = tokio::select! {
                () = self.closed() => continue,
                opened = attempt => opened,
            };
            match opened {
                Ok(client) => self.install(client),
                Err(error) => self.note_failure(&error),
            }
        }
    }

    async fn closed(&self) {
        // Fails only where this is dropped.
        let _ = self.closed.subscribe().wait_for(|closed| *closed).await;
    }

    fn ready(&self) -> Result<Option<Session>> {
        let inner = self.inner.lock();
        if *self.closed.borrow() {
            return Err(Error::new(ErrorKind::Lost, "the session has ended"));
        }
        Ok(inner.is_whole().then(|| inner.session.clone()))
    }

    /// Counts one more attempt: how long to wait before it. `None` where it is over.
    fn next_attempt(&self) -> Option<Duration> {
        let mut inner = self.inner.lock();
        if inner.refused.is_some() || inner.barren >= self.retries {
            return None;
        }
        let doublings = inner.barren.checked_sub(1);
        inner.barren += 1;
        tracing::info!(
            lost = inner.lost,
            attempt = inner.barren,
            "the connection broke; opening it again"
        );
        Some(doublings.map_or(Duration::ZERO, |n| {
            Duration::from_secs(1 << n.min(6)).min(LONGEST_WAIT)
        }))
    }

    fn install(&self, client: Arc<dyn Client>) {
        let mut inner = self.inner.lock();
        let number = inner.session.number + 1;
        inner.session = Session { client, number };
        inner.given_up = false;
        inner.last = None;
        if *self.closed.borrow() {
            part_from(inner.session.client.clone());
        }
    }

    fn note_failure(&self, error: &Error) {
        let mut inner = self.inner.lock();
        inner.last = Some(error.to_string());
        if error.retry() == Retry::Never {
            inner.refused = Some((error.kind(), error.to_string()));
        }
    }

    fn over(&self) -> Error {
        let inner = self.inner.lock();
        let lost = inner.lost.as_deref().unwrap_or("the session has ended");
        if let Some((kind, refusal)) = &inner.refused {
            return Error::new(
                *kind,
                format!("the connection broke ({lost}), and could not be opened again: {refusal}"),
            );
        }
        let message = match (&inner.last, inner.barren) {
            (_, 0) => format!("the connection broke ({lost}), and may not be opened again"),
            (None, tried) => {
                format!(
                    "the connection broke again ({lost}); {tried} reconnects in a row brought nothing new"
                )
            }
            (Some(last), tried) => format!(
                "the connection broke ({lost}), and {tried} attempts in a row to open it again failed; the last one: {last}"
            ),
        };
        Error::new(ErrorKind::Lost, message)
    }

    /// Gives the session up where the operation's error says that it broke. The error is a loss then, and says all where
    /// no other session may be opened any more.
    pub(super) fn judge<T>(&self, session: &Session, result: Result<T>) -> Result<T> {
        let error = match result {
            Err(e) if matches!(e.kind(), ErrorKind::Lost | ErrorKind::Timeout) => e,
            result => return result,
        };
        self.give_up(session, &error);
        if self.retries == 0 || *self.closed.borrow() {
            return Err(error);
        }
        Err(match self.is_usable() {
            true => loss(error),
            false => told_of(self.over(), error),
        })
    }

    fn give_up(&self, session: &Session, error: &Error) {
        let mut inner = self.inner.lock();
        if inner.session.number != session.number || inner.given_up {
            return;
        }
        inner.given_up = true;
        inner.lost = Some(error.to_string());
        part_from(session.client.clone());
    }

    /// How far a transfer of that path had come when it was interrupted, or where it starts.
    pub(super) fn mark(
        self: &Arc<Self>,
        operation: &'static str,
        path: &RemotePath,
        offset: u64,
    ) -> Arc<Mark> {
        let key = (operation, path.clone());
        let known = self.inner.lock().marks.remove(&key);
        Arc::new(Mark {
            state: self.clone(),
            key,
            furthest: known.unwrap_or(offset).max(offset).into(),
        })
    }

    /// As [`judge`](Self::judge), of what moved bytes.
    pub(super) fn judge_transfer(&self, session: &Session, mark: &Mark, result: Result<u64>) -> Result<u64> {
        let result = self.judge(session, result);
        match &result {
            Ok(_) => self.progress(),
            Err(e) if e.kind() == ErrorKind::Lost => {
                let furthest = mark.furthest.load(Ordering::Relaxed);
                self.inner.lock().marks.insert(mark.key.clone(), furthest);
            }
            Err(_) => {}
        }
        result
    }

    /// Carries out what may be done twice, again where the session breaks meanwhile.
    pub(super) async fn repeat<T, Fut>(&self, operation: impl Fn(Arc<dyn Client>) -> Fut + Send) -> Result<T>
    where
        Fut: Future<Output = Result<T>> + Send,
    {
        Ok(self.repeat_on(operation).await?.1)
    }

    /// As [`repeat`](Self::repeat); tells the session on which it was carried out, too.
    pub(super) async fn repeat_on<T, Fut>(
        &self,
        operation: impl Fn(Arc<dyn Client>) -> Fut + Send,
    ) -> Result<(Session, T)>
    where
        Fut: Future<Output = Result<T>> + Send,
    {
        // Others may make progress meanwhile, so that the count of the sessions need not end this.
        let mut again = self.retries;
        loop {
            let session = self.session().await?;
            match self.judge(&session, operation(session.client.clone()).await) {
                Err(e) if e.kind() == ErrorKind::Lost && again > 0 && self.is_usable() => again -= 1,
                result => return result.map(|value| (session, value)),
            }
        }
    }

    /// Ends the session for good.
    pub(super) async fn close(&self) -> Result<()> {
        self.closed.send_replace(true);
        let session = self.current();
        session.client.disconnect().await
    }
}

impl Inner {
    fn is_whole(&self) -> bool {
        !self.given_up && self.session.client.is_connected()
    }
}

/// Ends a session that nobody waits for.
fn part_from(client: Arc<dyn Client>) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(async move { tokio::time::timeout(FAREWELL, client.disconnect()).await });
    }
}
