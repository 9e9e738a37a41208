//! Files that go up: straight from a source, or through a writer that writes a little behind.

use std::{
    fmt, io,
    sync::{Arc, OnceLock, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use bytes::{Buf, Bytes};
use courier_transfer::{
    CreateOptions, Entry, Error, ErrorKind, RemotePath, Result, Retry, Source, Store, Writer,
};
use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use super::{
    change::below_nothing,
    error::of_kind,
    look::{found, look, look_after, told},
    read::check_offset,
};
use crate::{
    control::Control,
    data::{self, Outgoing},
    session::{Cancelled, Session},
    transfer::{Failed, Order, Transfer, cancelled},
};

/// Pieces that wait to be sent.
const BEHIND: usize = 4;
/// A size that stays the same for so long is taken for that of a file which nobody writes to.
const STILL: Duration = Duration::from_millis(300);

/// Moves what the source of the request gives into a file.
pub(super) async fn store(session: &Arc<Session>, path: &RemotePath, request: Store) -> Result<u64> {
    let outgoing = Outgoing {
        source: request.source,
        offset: request.options.offset,
        rate: request.rate,
        ascii: session.options.ascii,
    };
    let nothing_left = match request.options.offset {
        0 => false,
        offset => is_at_end(Arc::clone(&outgoing.source), offset).await?,
    };
    let request = Request {
        options: request.options,
        outgoing,
        nothing_left,
        begun: None,
        after: request.after,
    };
    send(Arc::clone(session), path.clone(), request).await
}

/// Has the source no byte from there on?
async fn is_at_end(source: Arc<dyn Source>, offset: u64) -> Result<bool> {
    let look = move || match source.read_at(&mut [0], offset) {
        Ok(read) => Ok(read == 0),
        Err(e) => Err(source.error(e)),
    };
    let looked = tokio::task::spawn_blocking(look).await;
    looked.unwrap_or_else(|e| {
        Err(Error::new(ErrorKind::Failed, "reading the source was broken off").with_source(e))
    })
}

/// Opens a file; what is written is a transfer that goes on behind the writer.
pub(super) async fn create(
    session: &Arc<Session>,
    path: &RemotePath,
    options: CreateOptions,
) -> Result<Box<dyn Writer>> {
    let (pieces, source) = mpsc::channel(BEHIND);
    let outgoing = Outgoing {
        source: Arc::new(Pieces(Mutex::new(Taking {
            pieces: source,
            piece: Bytes::new(),
            is_finished: false,
        }))),
        offset: options.offset,
        rate: None,
        ascii: session.options.ascii,
    };
    let (begun, has_begun) = oneshot::channel();
    let request = Request {
        options,
        outgoing,
        nothing_left: false,
        begun: Some(begun),
        after: None,
    };
    let mut work = send(Arc::clone(session), path.clone(), request).boxed();
    tokio::select! {
        biased;
        done = &mut work => {
            done?;
            Err(Error::new(ErrorKind::Protocol, "the server confirmed a file before it was sent").with("path", path))
        }
        // Dropped where it doesn't begin, and then the work says why.
        Ok(()) = has_begun => Ok(Box::new(FtpWriter {
            path: path.clone(),
            pieces,
            work: Some(work),
        })),
    }
}

/// What is to be written.
struct Request {
    options: CreateOptions,
    outgoing: Outgoing,
    /// There are no bytes to write, only to be sure that all are there.
    nothing_left: bool,
    begun: Option<oneshot::Sender<()>>,
    /// Takes what the server tells of the file afterwards.
    after: Option<Arc<OnceLock<Entry>>>,
}

async fn send(session: Arc<Session>, path: RemotePath, request: Request) -> Result<u64> {
    check_offset(&session, request.options.offset, &path)?;
    let wire = session.wire(&path)?;
    let own = Arc::clone(&session);
    session
        .run(move |mut control, cancelled| async move {
            let mut sending = Sending {
                session: &own,
                control: &mut control,
                cancelled: &cancelled,
                path: &path,
                wire: &wire,
                outgoing: request.outgoing,
                begun: request.begun,
            };
            let reached = match request.options.offset {
                0 => sending.anew(request.options.create_new).await,
                offset => sending.rest(offset, request.nothing_left).await,
            }?;
            // The file is there already, whatever becomes of the question: also where the line breaks over it.
            if let Some(after) = request.after
                && let Some(entry) = told(&mut control, &own, &path, &wire).await
            {
                let _ = after.set(entry);
            }
            Ok(reached)
        })
        .await
}

/// One file on its way up.
struct Sending<'a> {
    session: &'a Session,
    control: &'a mut Control,
    cancelled: &'a Cancelled,
    path: &'a RemotePath,
    wire: &'a [u8],
    outgoing: Outgoing,
    begun: Option<oneshot::Sender<()>>,
}

impl Sending<'_> {
    /// The whole file. FTP has no way to make one only where there is none, so that is looked at before.
    async fn anew(&mut self, create_new: bool) -> Result<u64> {
        if create_new && look(self.control, self.session, self.path).await?.is_some() {
            return Err(
                Error::new(ErrorKind::AlreadyExists, "something has that name already")
                    .with("path", self.path),
            );
        }
        match self.transfer("STOR", 0).await {
            Ok(reached) => Ok(reached),
            Err(failed) => Err(self.explain(failed).await?),
        }
    }

    /// What follows a beginning that is there: REST and STOR, or APPE where the server doesn't take these.
    async fn rest(&mut self, offset: u64, nothing_left: bool) -> Result<u64> {
        let size = self.size().await?;
        if nothing_left && size == offset {
            return Ok(offset);
        }
        if size < offset {
            return Err(Error::new(
                ErrorKind::Integrity,
                format!("nothing can be written at {offset}: the file on the server has only {size} bytes"),
            )
            .with_retry(Retry::Later)
            .with("path", self.path));
        }
        let (features, learnt) = (&self.session.features, &self.session.learnt);
        let mut refused = None;
        if !learnt.no_restart.load(Ordering::Relaxed) && (features.rest_stream || !features.is_known) {
            match self.transfer("STOR", offset).await {
                Ok(reached) => return Ok(reached),
                Err(failed @ (Failed::NoRestart(_) | Failed::Refused(_))) => {
                    refused = Some(failed.into_error(self.path));
                }
                Err(failed) => return Err(failed.into_error(self.path)),
            }
        }
        let only_here = self.appendable(offset, size, refused).await?;
        match self.transfer("APPE", 0).await {
            Ok(reached) => {
                learnt.no_restart.store(true, Ordering::Relaxed);
                Ok(reached)
            }
            Err(failed) => Err(only_here.unwrap_or(self.explain(failed).await?)),
        }
    }

    /// Does the file end at the offset, so that APPE writes there? Another session may still write its tail, so it is
    /// looked at twice. Gives back why nothing else is possible, if something was tried.
    async fn appendable(&mut self, offset: u64, size: u64, refused: Option<Error>) -> Result<Option<Error>> {
        let path = self.path;
        let denied = |size: u64| {
            let before = refused
                .as_ref()
                .map_or_else(String::new, |e| format!(" ({})", e.message()));
            Error::new(
                ErrorKind::Denied,
                format!(
                    "the server writes only at the start or at the end of a file{before}, and its {size} bytes do not end \
                     at {offset}"
                ),
            )
            .with("path", path)
        };
        if size != offset {
            return Err(denied(size));
        }
        tokio::time::sleep(STILL).await;
        match self.size().await? {
            still if still == offset => Ok(refused),
            grown => Err(denied(grown).with_retry(Retry::Later)),
        }
    }

    async fn size(&mut self) -> Result<u64> {
        let there = found(self.control, self.session, self.path).await?;
        if there.is_dir() {
            return Err(Error::new(ErrorKind::WrongKind, "a directory is there").with("path", self.path));
        }
        there.size.ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                "the server does not tell how long the file is, so that nothing can be added to it",
            )
            .with("path", self.path)
        })
    }

    async fn transfer(&mut self, verb: &'static str, restart: u64) -> Result<u64, Failed> {
        let mut order = Order::new(verb, Some(self.wire))?;
        order.restart = restart;
        order.begun = self.begun.take();
        let mut transfer = Transfer {
            session: self.session,
            control: self.control,
            cancelled: self.cancelled,
        };
        let result = transfer
            .run(&mut order, data::Bytes::Out(self.outgoing.clone()))
            .await;
        // Still there where nothing has begun.
        self.begun = order.begun;
        result
    }

    /// Why a file could not be written.
    async fn explain(&mut self, failed: Failed) -> Result<Error> {
        let is_of_path = matches!(&failed, Failed::Refused(reply) if reply.code != 425);
        let error = failed.into_error(self.path);
        if !is_of_path {
            return Ok(error);
        }
        match look_after(&error, self.control, self.session, self.path).await? {
            Some(Some(there)) if there.is_dir() => Ok(of_kind(ErrorKind::WrongKind, &error, self.path)),
            Some(None) => below_nothing(self.control, self.session, error, self.path).await,
            _ => Ok(error),
        }
    }
}

/// What a writer gives out of its hands.
enum Piece {
    Bytes(Bytes),
    /// That was all. Without it, whoever wrote has gone away.
    End,
}

/// Takes what a writer gives.
#[derive(Debug)]
struct Pieces(Mutex<Taking>);

struct Taking {
    pieces: mpsc::Receiver<Piece>,
    /// What is left of the last one.
    piece: Bytes,
    is_finished: bool,
}

impl fmt::Debug for Taking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Taking")
            .field("is_finished", &self.is_finished)
            .finish_non_exhaustive()
    }
}

impl Source for Pieces {
    /// Fills as much as there is, and waits only for the first byte.
    fn read_at(&self, buffer: &mut [u8], _: u64) -> io::Result<usize> {
        let mut taking = self.0.lock();
        let mut filled = 0;
        loop {
            let room = buffer.get_mut(filled..).unwrap_or_default();
            let len = room.len().min(taking.piece.len());
            taking
                .piece
                .copy_to_slice(room.get_mut(..len).unwrap_or_default());
            filled += len;
            if filled == buffer.len() || taking.is_finished {
                return Ok(filled);
            }
            let next = match filled {
                0 => taking.pieces.blocking_recv(),
                _ => match taking.pieces.try_recv() {
                    Ok(piece) => Some(piece),
                    Err(_) => return Ok(filled),
                },
            };
            match next {
                Some(Piece::Bytes(bytes)) => taking.piece = bytes,
                Some(Piece::End) => taking.is_finished = true,
                None => return Err(io::ErrorKind::BrokenPipe.into()),
            }
        }
    }

    fn advance(&self, _: u64) {}

    fn error(&self, _: io::Error) -> Error {
        cancelled()
    }
}

/// A file opened for writing.
struct FtpWriter {
    path: RemotePath,
    pieces: mpsc::Sender<Piece>,
    /// Dropped, the transfer ends. `None` once it has failed.
    work: Option<BoxFuture<'static, Result<u64>>>,
}

impl FtpWriter {
    async fn give(&mut self, piece: Piece) -> Result<()> {
        match self.pieces.send(piece).await {
            Ok(()) => Ok(()),
            Err(_) => match self.end().await {
                Ok(()) => Err(Error::new(
                    ErrorKind::Protocol,
                    "the server confirmed the file before all of it was sent",
                )
                .with("path", &self.path)),
                Err(e) => Err(e),
            },
        }
    }

    /// What the transfer came to.
    async fn end(&mut self) -> Result<()> {
        let Some(work) = &mut self.work else {
            return Err(
                Error::new(ErrorKind::Failed, "writing it has failed before").with("path", &self.path)
            );
        };
        let result = work.await;
        self.work = None;
        result.map(drop)
    }
}

#[async_trait]
impl Writer for FtpWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        match bytes.is_empty() {
            true => Ok(()),
            false => self.give(Piece::Bytes(bytes)).await,
        }
    }

    async fn finish(mut self: Box<Self>) -> Result<()> {
        self.give(Piece::End).await?;
        self.end().await
    }
}

impl fmt::Debug for FtpWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FtpWriter")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
