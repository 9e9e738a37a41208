//! How the async side ends what a blocking thread does.

use std::{
    net::{Shutdown, TcpStream},
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use courier_transfer::Rate;
use parking_lot::{Condvar, Mutex};
use socket2::SockRef;

/// How long a call may block before the thread looks whether it is to stop.
pub(super) const LOOK: Duration = Duration::from_millis(200);
/// How often somebody who waits for a turn says so.
const SAY: Duration = Duration::from_secs(1);

/// Shared by the thread that moves the bytes of one data connection and the task that watches over it.
#[derive(Debug)]
pub(crate) struct Stop {
    /// Closed as soon as the thread is done with it.
    socket: Weak<TcpStream>,
    state: Mutex<State>,
    changed: Condvar,
    sent: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    begun: Option<Instant>,
    stopped: bool,
    cut: bool,
}

impl Stop {
    pub(super) fn new(socket: &Arc<TcpStream>) -> Self {
        Self {
            socket: Arc::downgrade(socket),
            state: Mutex::default(),
            changed: Condvar::new(),
            sent: AtomicBool::new(false),
        }
    }

    /// The server has begun: bytes may move.
    pub(crate) fn begin(&self) {
        self.state.lock().begun.get_or_insert_with(Instant::now);
        self.changed.notify_all();
    }

    /// When the server began.
    pub(super) fn begun(&self) -> Option<Instant> {
        self.state.lock().begun
    }

    /// Waits until the server has begun. False where the work is to end instead.
    pub(super) fn wait_begun(&self) -> bool {
        let mut state = self.state.lock();
        while state.begun.is_none() && !state.stopped {
            self.changed.wait(&mut state);
        }
        !state.stopped
    }

    /// Nothing more is to be moved. The connection stays, and what comes is thrown away, until [`cut`](Self::cut).
    pub(crate) fn stop(&self) {
        self.state.lock().stopped = true;
        self.changed.notify_all();
    }

    /// Ends the connection, too, wherever the thread is.
    ///
    /// It is not shut for writing: the server would take the end of an upload that broke off for the end of the file. Once
    /// it is closed it is reset, and the server hears that something went wrong.
    pub(crate) fn cut(&self) {
        {
            let mut state = self.state.lock();
            (state.stopped, state.cut) = (true, true);
        }
        self.changed.notify_all();
        if let Some(socket) = self.socket.upgrade() {
            // Fails only where the connection is gone already.
            let _ = SockRef::from(&*socket).set_linger(Some(Duration::ZERO));
        }
        self.wake();
    }

    /// Wakes a thread that reads, as if the stream had ended.
    pub(crate) fn wake(&self) {
        if let Some(socket) = self.socket.upgrade() {
            // Fails only where the connection is gone already.
            let _ = socket.shutdown(Shutdown::Read);
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.state.lock().stopped
    }

    pub(super) fn is_cut(&self) -> bool {
        self.state.lock().cut
    }

    /// All has been written, and the end was told.
    pub(super) fn set_sent(&self) {
        self.sent.store(true, Ordering::Release);
    }

    /// Has all been written?
    pub(crate) fn is_sent(&self) -> bool {
        self.sent.load(Ordering::Acquire)
    }

    /// Waits for the turn of `bytes` within the rate; `say` hears from time to time that this is what is waited for.
    /// False where the work is to end instead.
    pub(super) fn wait_turn(&self, rate: &Rate, bytes: usize, say: impl Fn()) -> bool {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let turn = rate.turn(bytes, Instant::now());
        let mut state = self.state.lock();
        while !state.stopped {
            let now = Instant::now();
            if turn <= now {
                return true;
            }
            if self
                .changed
                .wait_until(&mut state, turn.min(now + SAY))
                .timed_out()
            {
                say();
            }
        }
        rate.give_back(bytes);
        false
    }
}
