//! One SSH session with an SFTP server.
//!
//! ```text
//! callers ── Command ──▶ pump ──▶ russh session ◀──▶ socket
//!    ▲                    │            │
//!    └───── Reply ◀───── Core ◀── data callback
//! ```
//!
//! Each session has a thread of its own with a current-thread runtime ([`thread`]). There, the answers of
//! the server are dispatched inside russh's data callback ([`handler`]): what a [`Download`] gets is written
//! to its sink from there, and what goes out next leaves from there, with no queue and no copy in between.
//! Callers, on whatever runtime, send commands, which the pump carries out between callbacks.
//! Everything that is known about answers and transfers is in [`Core`](core::Core), without I/O.

mod core;
mod download;
mod exec;
mod handle;
mod handler;
mod limits;
mod pace;
mod places;
mod plan;

mod reply;
mod slot;
#[cfg(test)]
mod tests;
mod thread;
mod upload;
mod wire;

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use courier_transfer::{Error, ErrorKind, Fetch, RemotePath, Result, Retry, Store};
use tokio::sync::{mpsc, oneshot, watch};

use self::{
    download::Download,
    exec::Shell,
    limits::{SizeLimits, Told},
    places::{Place, Places},
    slot::Slot,
    upload::Upload,
    wire::{Call, Ids, Quickest, Wire},
};
pub(crate) use self::{
    handle::OpenHandle,
    handler::Fault,
    reply::{Entry, Failed, NoHandle, Reply},
    thread::open,
};
use crate::codec::{OpenFlags, Request};

/// The window of the SSH channel: what a server may send before it must wait.
const WINDOW: u32 = 32 * 1024 * 1024;

/// How a transfer ends: the offset reached.
type Outcome = oneshot::Receiver<Result<u64, Failed>>;

/// What callers want of a session.
#[derive(Debug)]
enum Command {
    /// Send one request that the caller encoded under that id.
    Call {
        id: u32,
        packet: Bytes,
        call: Call,
    },
    Download {
        id: u32,
        download: Box<Download>,
    },
    Upload {
        id: u32,
        upload: Box<Upload>,
    },
    /// The caller of that transfer has gone.
    Cancel {
        id: u32,
    },
    /// Nobody wants that handle any more.
    Close {
        handle: Bytes,
        place: Option<Place>,
    },
}

/// Why a session ended, for everybody who asks from then on.
#[derive(Debug, Default)]
struct State(OnceLock<(ErrorKind, String)>);

impl State {
    /// The first reason stays.
    fn end(&self, kind: ErrorKind, message: impl Into<String>) {
        let _ = self.0.set((kind, message.into()));
    }

    fn has_ended(&self) -> bool {
        self.0.get().is_some()
    }

    fn error(&self) -> Error {
        match self.0.get() {
            Some((kind, message)) => Error::new(*kind, message.clone()),
            None => Error::new(ErrorKind::Lost, "the connection to the server ended"),
        }
    }
}

/// The way to the session's thread.
#[derive(Clone, Debug)]
struct Link {
    queue: mpsc::UnboundedSender<Command>,
    ids: Ids,
    state: Arc<State>,
}

impl Link {
    /// Sends a request; the answer comes from what is returned.
    fn call(
        &self,
        request: &Request<'_>,
        place: Option<Place>,
    ) -> impl Future<Output = Result<Reply>> + Send + use<> {
        let (id, max_data) = match request {
            Request::Read { len, .. } => (self.ids.next(), *len),
            _ => (self.ids.next(), 0),
        };
        let mut packet = BytesMut::new();
        request.encode(id, &mut packet);
        let (reply, answer) = oneshot::channel();
        let call = Call {
            sent: Instant::now(),
            reply,
            place,
            max_data,
            data: BytesMut::new(),
        };
        // Where the session has ended, the answer's sender is dropped with the command.
        let _ = self.queue.send(Command::Call {
            id,
            packet: packet.freeze(),
            call,
        });
        let state = Arc::clone(&self.state);
        async move { answer.await.map_err(|_| state.error()) }
    }
}

/// A session with an SFTP server. Dropping it ends the connection.
#[derive(Debug)]
pub(crate) struct Session {
    link: Link,
    limits: Told,
    places: Places,
    quickest: Quickest,
    shell: Shell,
    stop: watch::Sender<bool>,
    /// Closes when the thread is through.
    finished: watch::Receiver<()>,
}

impl Session {
    /// How much is read and written at once.
    pub(crate) fn limits(&self) -> SizeLimits {
        self.limits.get().copied().unwrap_or_default()
    }

    /// Why it has ended.
    pub(crate) fn error(&self) -> Error {
        self.link.state.error()
    }

    /// False once the session is known to be broken or closed.
    pub(crate) fn is_connected(&self) -> bool {
        !self.link.state.has_ended()
    }

    /// Sends a request; the answer comes from what is returned, which need not be awaited at once.
    ///
    /// # Errors
    /// [`ErrorKind::Lost`] or [`ErrorKind::Protocol`] where the session ended. A refusal is a [`Reply`].
    pub(crate) fn call(&self, request: &Request<'_>) -> impl Future<Output = Result<Reply>> + Send + use<> {
        self.link.call(request, None)
    }

    /// As [`call`](Self::call), for what answers with a handle: waits until one more may be open.
    pub(crate) async fn open(&self, request: &Request<'_>) -> Result<Reply> {
        let place = self.place(|| {}).await?;
        self.link.call(request, Some(place)).await
    }

    /// Closes a handle and waits for the answer, which may tell that earlier writes were lost.
    pub(crate) async fn close(&self, handle: OpenHandle) -> Result<Reply> {
        let (handle, place) = handle.into_parts();
        let reply = self.link.call(&Request::Close { handle: &handle }, None).await;
        drop(place);
        reply
    }

    /// The shortest time that an answer has taken.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.quickest.get()
    }

    /// Moves a file, or what it gets of it, into a sink; returns the offset reached.
    pub(crate) async fn download(&self, path: &RemotePath, request: Fetch) -> Result<u64, Failed> {
        let sink = Slot::new(Arc::clone(&request.sink));
        // Whoever waits for a place moves nothing, and is no dead transfer either.
        let waiting = || request.sink.waits();
        let (owner, guard, result) = self.owner(&sink, waiting).await?;
        let download = Box::new(Download::new(path.clone(), request, sink, owner));
        self.transfer(
            Command::Download {
                id: guard.id,
                download,
            },
            guard,
            result,
        )
        .await
    }

    /// Moves a source, or what it gets of it, into a file; returns the offset reached.
    pub(crate) async fn upload(
        &self,
        path: &RemotePath,
        flags: OpenFlags,
        request: Store,
    ) -> Result<u64, Failed> {
        let source = Slot::new(Arc::clone(&request.source));
        let waiting = || request.source.waits();
        let (owner, guard, result) = self.owner(&source, waiting).await?;
        let upload = Box::new(Upload::new(path.clone(), flags, request, source, owner));
        self.transfer(Command::Upload { id: guard.id, upload }, guard, result)
            .await
    }

    async fn transfer<T: ?Sized>(
        &self,
        command: Command,
        mut guard: CancelGuard<T>,
        result: Outcome,
    ) -> Result<u64, Failed> {
        // Where the session has ended, the sender of the result is dropped with the command.
        let _ = self.link.queue.send(command);
        let result = result
            .await
            .unwrap_or_else(|_| Err(self.link.state.error().into()));
        guard.is_over = true;
        result
    }

    /// Both sides of a transfer, once one more handle may be open.
    async fn owner<T: ?Sized>(
        &self,
        end: &Slot<T>,
        waiting: impl Fn(),
    ) -> Result<(Owner, CancelGuard<T>, Outcome)> {
        let place = self.place(waiting).await?;
        let (done, outcome) = oneshot::channel();
        let guard = CancelGuard {
            id: self.link.ids.next(),
            queue: self.link.queue.clone(),
            end: end.clone(),
            is_over: false,
        };
        Ok((Owner { done, place }, guard, outcome))
    }

    async fn place(&self, waiting: impl Fn()) -> Result<Place> {
        self.places
            .take(waiting)
            .await
            .ok_or_else(|| self.link.state.error())
    }

    /// How many handles may be open at once, as far as is known.
    pub(crate) fn places(&self) -> usize {
        self.places.total()
    }

    /// It was refused for another reason: there are as many places as before.
    pub(crate) fn restore_places(&self, before: usize) {
        self.places.restore(before);
    }

    /// Ends once it is known that the server allows fewer handles than were wanted.
    pub(crate) async fn is_short_of_places(&self) {
        self.places.are_short().await;
    }

    /// Ends the session and waits until the connection is closed.
    pub(crate) async fn disconnect(&self) {
        // Fails only where the thread is through already.
        let _ = self.stop.send(true);
        let mut finished = self.finished.clone();
        while finished.changed().await.is_ok() {}
    }
}

/// The caller's side of a transfer.
#[derive(Debug)]
struct Owner {
    done: oneshot::Sender<Result<u64, Failed>>,
    /// The transfer's place among the open handles.
    place: Place,
}

/// Ends the use of the local file when the caller's future ends, and cancels a transfer that is not over then.
#[derive(Debug)]
struct CancelGuard<T: ?Sized> {
    id: u32,
    queue: mpsc::UnboundedSender<Command>,
    end: Slot<T>,
    is_over: bool,
}

impl<T: ?Sized> Drop for CancelGuard<T> {
    fn drop(&mut self) {
        self.end.clear();
        if !self.is_over {
            // Fails only where the session has ended, and the transfer with it.
            let _ = self.queue.send(Command::Cancel { id: self.id });
        }
    }
}

/// A connection that broke, with the words of whoever noticed.
fn lost(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Lost, message).with_retry(Retry::Later)
}
