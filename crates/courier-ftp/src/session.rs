//! One session: who may use the control line, what is known of the server, and what happens to an operation that nobody
//! waits for any more.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use courier_transfer::{Error, ErrorKind, RemotePath, Result};
use tokio::{
    sync::{Mutex, OwnedMutexGuard, watch},
    time::{Instant, sleep_until, timeout},
};

use crate::{
    codec::{Command, Features},
    config::Options,
    control::{Control, Health},
    data::Learnt,
    names::Names,
    tls::Tls,
};

/// How long an operation that nobody waits for may take to bring the line back in step; the session is closed then.
const TO_COME_BACK: Duration = Duration::from_secs(5);
/// How long the server may take to answer when it is asked for a sign of life.
const SIGN_OF_LIFE: Duration = Duration::from_secs(60);
/// How long the server may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// A session with a server, after the login.
#[derive(Debug)]
pub(crate) struct Session {
    control: Arc<Mutex<Control>>,
    health: Arc<Health>,
    /// Operations that wait for the control line.
    waiting: watch::Sender<usize>,
    /// The connection's settings.
    pub(crate) options: Options,
    /// What the server can do.
    pub(crate) features: Features,
    /// How names go over the wire.
    pub(crate) names: Names,
    /// TLS for data; `None` where data goes in clear.
    pub(crate) data_tls: Option<Tls>,
    /// The login folder, where the server's paths are those of Unix.
    pub(crate) home: Option<RemotePath>,
    /// The login folder as the server writes it.
    pub(crate) raw_home: Vec<u8>,
    /// The time for everything until a session is ready; so long may a data connection take to be made, too.
    pub(crate) connect_timeout: Duration,
    /// What was learnt about its data connections.
    pub(crate) learnt: Learnt,
    /// When it was ready.
    pub(crate) since: Instant,
    /// MDTM with a time sets it.
    pub(crate) sets_times_by_mdtm: bool,
    /// Commands are answered one after another, whatever the server is busy with (vsFTPd).
    answers_in_turn: bool,
    /// Blanks at the end of a command are not heard, and control characters in it are taken for `_` (Pure-FTPd).
    bends_names: bool,
    has_mlst: AtomicBool,
    replaces: AtomicBool,
}

/// What is known of a session once its login is done.
#[derive(Debug)]
pub(crate) struct LoggedIn {
    pub(crate) control: Control,
    pub(crate) options: Options,
    pub(crate) features: Features,
    pub(crate) names: Names,
    pub(crate) data_tls: Option<Tls>,
    pub(crate) home: Option<RemotePath>,
    pub(crate) raw_home: Vec<u8>,
    pub(crate) connect_timeout: Duration,
    pub(crate) sets_times_by_mdtm: bool,
    pub(crate) answers_in_turn: bool,
    pub(crate) bends_names: bool,
}

/// Tells an operation that nobody waits for it any more.
#[derive(Clone, Debug)]
pub(crate) struct Cancelled(watch::Receiver<()>);

impl Cancelled {
    /// Waits until nobody waits for the operation any more.
    pub(crate) async fn wait(&self) {
        // Nothing is ever sent: an error says that the other end is gone.
        while self.0.clone().changed().await.is_ok() {}
    }
}

/// Closes the session when it is dropped: an operation panicked, and nobody knows which replies are still to come.
struct Unfinished<'a>(&'a Health);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        self.0.lose("an operation ended in the middle");
    }
}

impl Session {
    /// From here on a silent session is asked for a sign of life after each `keepalive`.
    pub(crate) fn new(made: LoggedIn, keepalive: Duration) -> Arc<Self> {
        let session = Arc::new(Self {
            health: Arc::clone(made.control.health()),
            control: Arc::new(Mutex::new(made.control)),
            waiting: watch::Sender::new(0),
            has_mlst: AtomicBool::new(made.features.mlst.is_some() && !made.options.quirks.no_mlst),
            replaces: AtomicBool::new(true),
            options: made.options,
            features: made.features,
            names: made.names,
            data_tls: made.data_tls,
            home: made.home,
            raw_home: made.raw_home,
            connect_timeout: made.connect_timeout,
            learnt: Learnt::default(),
            since: Instant::now(),
            sets_times_by_mdtm: made.sets_times_by_mdtm,
            answers_in_turn: made.answers_in_turn,
            bends_names: made.bends_names,
        });
        let waiting = session.waiting.subscribe();
        tokio::spawn(stay_alive(Arc::downgrade(&session), waiting, keepalive));
        session
    }

    /// Is the session alive, and who ended it?
    pub(crate) fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// Does MLST tell what lies at a path?
    pub(crate) fn has_mlst(&self) -> bool {
        self.has_mlst.load(Ordering::Relaxed)
    }

    /// The server announced MLST and does not know it.
    pub(crate) fn forget_mlst(&self) {
        self.has_mlst.store(false, Ordering::Relaxed);
    }

    /// Does a rename replace its target, as far as that is known?
    pub(crate) fn replaces(&self) -> bool {
        self.replaces.load(Ordering::Relaxed)
    }

    /// The server refused to replace a target.
    pub(crate) fn forget_replacing(&self) {
        self.replaces.store(false, Ordering::Relaxed);
    }

    /// May EPSV be asked before its port is wanted?
    pub(crate) fn asks_ahead(&self) -> bool {
        let is_extended = !self.options.quirks.no_epsv && !self.learnt.no_epsv.load(Ordering::Relaxed);
        self.answers_in_turn && self.options.passive && is_extended
    }

    /// Waits until an operation waits for the control line.
    pub(crate) async fn wanted(&self) {
        // The sender lives as long as `self`.
        let _ = self.waiting.subscribe().wait_for(|waiting| *waiting > 0).await;
    }

    /// Runs one operation in a task of its own that owns the control line.
    ///
    /// Where the caller goes away, `Cancelled` tells the work, which then brings the line back in step: what it sent was
    /// answered. A session whose work has not done so within 5 seconds is closed.
    ///
    /// # Errors
    /// Those of the work; [`ErrorKind::Lost`] where the session is over.
    pub(crate) async fn run<T, F, Fut>(self: &Arc<Self>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(OwnedMutexGuard<Control>, Cancelled) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T>> + Send + 'static,
    {
        let (caller, gone) = watch::channel(());
        let cancelled = Cancelled(gone);
        let session = Arc::clone(self);
        let task = tokio::spawn(async move {
            // Waited for in here, too: a caller that isn't polled for a while would keep the line from those behind it.
            let control = tokio::select! {
                biased;
                () = cancelled.wait() => return Err(crate::transfer::cancelled()),
                control = session.line() => control?,
            };
            let health = Arc::clone(&session.health);
            let late = {
                let cancelled = cancelled.clone();
                async move {
                    cancelled.wait().await;
                    tokio::time::sleep(TO_COME_BACK).await;
                }
            };
            let unfinished = Unfinished(&health);
            let result = tokio::select! {
                result = work(control, cancelled) => result,
                () = late => {
                    health.lose("an operation was cancelled, and the server did not answer in time");
                    Err(health.error())
                }
            };
            std::mem::forget(unfinished);
            result
        });
        let result = task.await;
        drop(caller);
        result.unwrap_or_else(|e| Err(self.health.error().with_source(e)))
    }

    /// The control line, once nobody else has it.
    async fn line(&self) -> Result<OwnedMutexGuard<Control>> {
        let _waiting = Waiting::new(&self.waiting);
        let control = Arc::clone(&self.control).lock_owned().await;
        match self.health.is_alive() {
            true => Ok(control),
            false => Err(self.health.error()),
        }
    }

    /// The bytes of a path on the wire: in the server's encoding, and absolute where the login folder is known.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where the encoding lacks a character of it; [`ErrorKind::Unsupported`] where the server would
    /// take it for another one.
    pub(crate) fn wire(&self, path: &RemotePath) -> Result<Vec<u8>> {
        let name = path.as_wire();
        if self.bends_names && (name.ends_with(b" ") || name.iter().any(u8::is_ascii_control)) {
            let message = "this server takes the name for another one: it drops blanks at the end, and doesn't hear \
                           control characters";
            return Err(Error::new(ErrorKind::Unsupported, message).with("path", path));
        }
        match &self.home {
            Some(home) if !path.is_absolute() => self.names.encode(home.join_below(path).as_wire()),
            _ => self.names.encode(path.as_wire()),
        }
    }

    /// A sign of life, unless an operation under way is one.
    ///
    /// # Errors
    /// [`ErrorKind::Lost`].
    pub(crate) async fn keepalive(self: &Arc<Self>) -> Result<()> {
        if self.control.try_lock().is_err() {
            return match self.health.is_alive() {
                true => Ok(()),
                false => Err(self.health.error()),
            };
        }
        self.run(|mut control, _| async move { control.command(&Command::new("NOOP")).await.map(drop) })
            .await
    }

    /// Ends the session, and the operation that is under way.
    pub(crate) async fn disconnect(&self) {
        if let Ok(mut control) = self.control.try_lock()
            && self.health.is_alive()
        {
            // A server that does not answer is left all the same.
            let _ = timeout(GOODBYE, control.command(&Command::new("QUIT"))).await;
        }
        self.health.end();
    }
}

/// Gives a sign of life each time that the server was not heard for as long, until the session is over.
async fn stay_alive(session: Weak<Session>, mut waiting: watch::Receiver<usize>, every: Duration) {
    let mut next = Instant::now() + every;
    loop {
        tokio::select! {
            () = sleep_until(next) => {}
            // The sender is gone, and the session with it.
            () = async { while waiting.changed().await.is_ok() {} } => return,
        }
        let Some(session) = session.upgrade().filter(|session| session.health.is_alive()) else {
            return;
        };
        next = Instant::from_std(session.health.heard()) + every;
        if next <= Instant::now() {
            match timeout(SIGN_OF_LIFE, session.keepalive()).await {
                Ok(_) => next = Instant::now() + every,
                Err(_) => session.health.lose("the server stopped answering"),
            }
        }
    }
}

/// Ends the connection at once where nobody has ended the session.
impl Drop for Session {
    fn drop(&mut self) {
        self.health.end();
    }
}

/// Counts an operation among those that wait, as long as it does.
struct Waiting<'a>(&'a watch::Sender<usize>);

impl<'a> Waiting<'a> {
    fn new(waiting: &'a watch::Sender<usize>) -> Self {
        waiting.send_modify(|n| *n += 1);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|n| *n = n.saturating_sub(1));
    }
}
