//! Files that come down: straight into a sink, or through a reader that reads a little ahead.

use std::{fmt, io, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use courier_transfer::{Error, ErrorKind, Fetch, OpenOptions, Reader, RemotePath, Result, Sink};
use futures::{FutureExt, future::BoxFuture};
use tokio::sync::{mpsc, oneshot};

use super::{error::of_kind, look::look_after};
use crate::{
    control::Control,
    data::{self, Incoming},
    session::Session,
    transfer::{Failed, Order, Transfer},
};

/// Pieces that wait to be read.
const AHEAD: usize = 4;

/// Moves a file into the sink of the request.
pub(super) async fn fetch(session: &Arc<Session>, path: &RemotePath, request: Fetch) -> Result<u64> {
    let incoming = Incoming {
        sink: request.sink,
        offset: request.offset,
        rate: request.rate,
        ascii: session.options.ascii,
    };
    retrieve(Arc::clone(session), path.clone(), incoming, None).await
}

/// Opens a file; what is read of it is a transfer that goes on behind the reader.
pub(super) async fn open(
    session: &Arc<Session>,
    path: &RemotePath,
    options: OpenOptions,
) -> Result<Box<dyn Reader>> {
    let (sink, pieces) = mpsc::channel(AHEAD);
    let incoming = Incoming {
        sink: Arc::new(Pieces(sink)),
        offset: options.offset,
        rate: None,
        ascii: session.options.ascii,
    };
    let (begun, has_begun) = oneshot::channel();
    let mut work = retrieve(Arc::clone(session), path.clone(), incoming, Some(begun)).boxed();
    let state = tokio::select! {
        biased;
        done = &mut work => {
            done?;
            State::Done
        }
        // Dropped where it doesn't begin, and then the work says why.
        Ok(()) = has_begun => State::Working(work),
    };
    Ok(Box::new(FtpReader {
        path: path.clone(),
        pieces,
        state,
    }))
}

/// RETR. The error of a refusal is found out by a look where the server's words don't tell it.
async fn retrieve(
    session: Arc<Session>,
    path: RemotePath,
    incoming: Incoming,
    begun: Option<oneshot::Sender<()>>,
) -> Result<u64> {
    check_offset(&session, incoming.offset, &path)?;
    let mut order = Order::new("RETR", Some(&session.wire(&path)?))?;
    order.restart = incoming.offset;
    order.begun = begun;
    let own = Arc::clone(&session);
    session
        .run(|mut control, cancelled| async move {
            let mut transfer = Transfer {
                session: &own,
                control: &mut control,
                cancelled: &cancelled,
            };
            match transfer.run(&mut order, data::Bytes::In(incoming)).await {
                Ok(reached) => Ok(reached),
                Err(failed) => Err(explain(&mut control, &own, &path, failed).await?),
            }
        })
        .await
}

/// Where lines are translated, an offset here is none there.
pub(super) fn check_offset(session: &Session, offset: u64, path: &RemotePath) -> Result<()> {
    match offset > 0 && session.options.ascii {
        true => Err(Error::new(
            ErrorKind::Unsupported,
            "transfers of type ascii begin only at the start of a file; set transfer_type to binary to resume",
        )
        .with("path", path)),
        false => Ok(()),
    }
}

/// Why a file could not be read. Most servers say 550 for everything.
async fn explain(
    control: &mut Control,
    session: &Session,
    path: &RemotePath,
    failed: Failed,
) -> Result<Error> {
    let is_of_path = matches!(&failed, Failed::Refused(reply) if reply.code != 425);
    let error = failed.into_error(path);
    if !is_of_path {
        return Ok(error);
    }
    Ok(match look_after(&error, control, session, path).await? {
        Some(None) => of_kind(ErrorKind::NotFound, &error, path),
        Some(Some(there)) if there.is_dir() => of_kind(ErrorKind::WrongKind, &error, path),
        _ => error,
    })
}

/// Gives what comes to a reader.
#[derive(Debug)]
struct Pieces(mpsc::Sender<Bytes>);

impl Sink for Pieces {
    fn write_at(&self, bytes: &[u8], _: u64) -> io::Result<()> {
        let sent = self.0.blocking_send(Bytes::copy_from_slice(bytes));
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn advance(&self, _: u64) {}

    fn error(&self, _: io::Error) -> Error {
        crate::transfer::cancelled()
    }
}

/// A file opened for reading.
struct FtpReader {
    path: RemotePath,
    pieces: mpsc::Receiver<Bytes>,
    state: State,
}

enum State {
    /// Dropped, the transfer ends.
    Working(BoxFuture<'static, Result<u64>>),
    Done,
    Failed,
}

#[async_trait]
impl Reader for FtpReader {
    async fn read(&mut self) -> Result<Option<Bytes>> {
        if let Some(bytes) = self.pieces.recv().await {
            return Ok(Some(bytes));
        }
        match &mut self.state {
            State::Working(work) => {
                let result = work.await;
                self.state = match &result {
                    Ok(_) => State::Done,
                    Err(_) => State::Failed,
                };
                result.map(|_| None)
            }
            State::Done => Ok(None),
            State::Failed => {
                Err(Error::new(ErrorKind::Failed, "reading it has failed before").with("path", &self.path))
            }
        }
    }
}

impl fmt::Debug for FtpReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FtpReader")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
