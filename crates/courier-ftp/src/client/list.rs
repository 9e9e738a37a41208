//! Listings, as they come in: MLSD, else LIST.
//!
//! The transfer reads a little ahead of whoever takes the entries, so that a short listing keeps nobody from the control
//! line. While another operation waits for that, it does not wait for the taker any more.

use std::{
    collections::VecDeque,
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use courier_transfer::{EntryStream, Error, ErrorKind, Listed, RemotePath, Result, Sink};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
};

use super::{
    error::{is_vague, of_kind},
    lines::{Form, Lines},
    look::found,
};
use crate::{
    codec::Command,
    control::Control,
    data::{Bytes, Incoming},
    session::{Cancelled, Session},
    transfer::{Failed, Order, Transfer, cancelled},
};

/// Text that waits to be taken, in bytes.
const AHEAD: usize = 4 * 1024 * 1024;
/// The same while another operation waits for the control line.
const MOST_WAITING: usize = 128 * 1024 * 1024;
/// The most entries of one directory: no real one has so many.
const MOST_ENTRIES: usize = 20_000_000;

/// Lists a directory.
///
/// Where the text doesn't tell whether it is of a directory at all, that is looked at before anything is given out.
pub(super) async fn listing(session: &Arc<Session>, dir: &RemotePath) -> Result<EntryStream> {
    let (sink, pieces) = mpsc::unbounded_channel();
    let mut entries = Entries {
        session: Arc::clone(session),
        dir: dir.clone(),
        pieces,
        lines: None,
        ready: VecDeque::new(),
        given: 0,
        work: Some(list(Arc::clone(session), dir.clone(), sink).boxed()),
    };
    entries.begin().await?;
    let entries = stream::unfold(Some(entries), |entries| async move {
        let mut entries = entries?;
        match entries.next().await {
            Ok(listed) => Some((Ok(listed?), Some(entries))),
            Err(e) => Some((Err(e), None)),
        }
    });
    Ok(entries.boxed())
}

/// The listing as whoever takes the entries sees it.
struct Entries {
    session: Arc<Session>,
    dir: RemotePath,
    pieces: mpsc::UnboundedReceiver<Piece>,
    /// `None` until there is text.
    lines: Option<Lines>,
    ready: VecDeque<Listed>,
    given: usize,
    /// The transfer, which ends where this is dropped. `None` once it has ended.
    work: Option<BoxFuture<'static, Result<()>>>,
}

impl Entries {
    /// Waits until it is sure that this is a listing of a directory.
    async fn begin(&mut self) -> Result<()> {
        let mut form = Form::List;
        while let Some(of_text) = self.more().await? {
            form = of_text;
            if form == Form::Mlsd || self.ready.len() > 1 {
                return Ok(());
            }
        }
        // LIST of a file tells its name, and LIST of nothing is an empty listing.
        let is_open = match self.ready.front() {
            _ if form == Form::Mlsd => false,
            None => true,
            Some(Listed::Entry(entry)) => entry.name() == self.dir.name(),
            Some(Listed::Unreadable { .. }) => true,
        };
        if !is_open {
            return Ok(());
        }
        let (session, dir) = (Arc::clone(&self.session), self.dir.clone());
        let looked = self
            .session
            .run(|mut control, _| async move { found(&mut control, &session, &dir).await });
        match looked.await {
            Ok(there) if there.is_dir() => Ok(()),
            Ok(_) => Err(Error::new(ErrorKind::WrongKind, "it is not a directory").with("path", &self.dir)),
            Err(_) if !self.ready.is_empty() => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// Reads on, and tells the form of what came; `None` once there is no more.
    async fn more(&mut self) -> Result<Option<Form>> {
        let piece = tokio::select! {
            biased;
            piece = self.pieces.recv() => piece,
            result = Self::end(&mut self.work) => {
                result?;
                // What is in the queue was put there before.
                self.pieces.recv().await
            }
        };
        let Some(piece) = piece else {
            Self::end(&mut self.work).await?;
            if let Some(mut lines) = self.lines.take() {
                lines.end(&mut self.ready);
            }
            return Ok(None);
        };
        let new = || Lines::new(&self.session, &self.dir, piece.form);
        self.lines
            .get_or_insert_with(new)
            .push(&piece.text, &mut self.ready);
        Ok(Some(piece.form))
    }

    /// Waits for the end of the transfer.
    async fn end(work: &mut Option<BoxFuture<'static, Result<()>>>) -> Result<()> {
        match work {
            Some(running) => {
                let result = running.await;
                *work = None;
                result
            }
            None => Ok(()),
        }
    }

    async fn next(&mut self) -> Result<Option<Listed>> {
        loop {
            if let Some(listed) = self.ready.pop_front() {
                self.given += 1;
                if self.given > MOST_ENTRIES {
                    let endless = format!("the listing has no end: {MOST_ENTRIES} entries until now");
                    return Err(Error::new(ErrorKind::Protocol, endless).with("path", &self.dir));
                }
                return Ok(Some(listed));
            }
            if self.work.is_none() && self.lines.is_none() {
                return Ok(None);
            }
            self.more().await?;
        }
    }
}

/// The transfer behind a listing.
async fn list(session: Arc<Session>, dir: RemotePath, pieces: mpsc::UnboundedSender<Piece>) -> Result<()> {
    let own = Arc::clone(&session);
    session
        .run(move |mut control, cancelled| async move {
            let mut listing = Listing {
                session: &own,
                control: &mut control,
                cancelled: &cancelled,
                dir: &dir,
            };
            let text = |form| {
                Arc::new(Text {
                    session: Arc::clone(&own),
                    pieces: pieces.clone(),
                    form,
                    room: Arc::new(Semaphore::new(AHEAD)),
                    waiting: AtomicUsize::new(0),
                })
            };
            let has_mlsd = own.features.mlst.is_some()
                && !own.options.quirks.no_mlsd
                && !own.learnt.no_mlsd.load(Ordering::Relaxed);
            if has_mlsd {
                match listing.transfer(text(Form::Mlsd)).await {
                    Err(Failed::Refused(reply)) if reply.is_unknown_command() => {
                        own.learnt.no_mlsd.store(true, Ordering::Relaxed);
                    }
                    result => return listing.judge(result).await,
                }
            }
            let result = listing.transfer(text(Form::List)).await;
            listing.judge(result).await
        })
        .await
}

/// One listing, on the control line.
struct Listing<'a> {
    session: &'a Arc<Session>,
    control: &'a mut Control,
    cancelled: &'a Cancelled,
    dir: &'a RemotePath,
}

impl Listing<'_> {
    async fn transfer(&mut self, text: Arc<Text>) -> Result<(), Failed> {
        let quirks = self.session.options.quirks;
        let wire = self.session.wire(self.dir)?;
        let mut argument = Vec::new();
        if text.form == Form::List && quirks.list_all {
            argument.extend_from_slice(b"-a");
        }
        if quirks.cwd_listing {
            if self.session.home.is_none() && self.session.raw_home.is_empty() {
                return Err(no_way_back(self.dir).into());
            }
            let reply = self.control.command(&Command::new("CWD").path(&wire)?).await?;
            if !reply.is_done() {
                return Err(Failed::Refused(reply));
            }
        } else if !(self.dir.is_top() && wire == b".") {
            if !argument.is_empty() {
                argument.push(b' ');
            }
            // What begins with a dash would be taken for options.
            if wire.starts_with(b"-") {
                argument.extend_from_slice(b"./");
            }
            argument.extend_from_slice(&wire);
        }
        let verb = match text.form {
            Form::Mlsd => "MLSD",
            Form::List => "LIST",
        };
        let is_list = text.form == Form::List;
        let mut order = Order::new(verb, Some(argument.as_slice()).filter(|a| !a.is_empty()))?;
        let incoming = Incoming {
            sink: text,
            offset: 0,
            rate: None,
            ascii: false,
        };
        // Hosts that are none of Unix may print it in a code of their own (EBCDIC) where bytes go as they are.
        let as_text = is_list && self.session.home.is_none() && !self.session.options.ascii;
        if as_text {
            self.control.command(&Command::new("TYPE").arg("A")?).await?;
        }
        let mut transfer = Transfer {
            session: self.session,
            control: self.control,
            cancelled: self.cancelled,
        };
        let result = transfer.run(&mut order, Bytes::In(incoming)).await.map(drop);
        if as_text && self.session.health().is_alive() {
            let reply = self.control.command(&Command::new("TYPE").arg("I")?).await?;
            if !reply.is_done() {
                // Files would be changed on the way.
                let health = self.session.health();
                health.lose(format!(
                    "the server did not go back to binary transfers behind a listing: {reply}"
                ));
                return Err(health.error().into());
            }
        }
        if quirks.cwd_listing && self.session.home.is_none() && self.session.health().is_alive() {
            let home = Command::new("CWD").path(&self.session.raw_home)?;
            let reply = self.control.command(&home).await?;
            if !reply.is_done() {
                // Every path would be of another folder.
                let health = self.session.health();
                health.lose("the server did not let the session back into its login folder");
                return Err(health.error().into());
            }
        }
        result
    }

    /// What a refusal means, by a look where its words don't tell.
    async fn judge(&mut self, result: Result<(), Failed>) -> Result<()> {
        let (failed, text) = match result {
            Ok(()) => return Ok(()),
            Err(Failed::Refused(reply)) if reply.code != 425 => {
                let text = reply.text().to_lowercase();
                (Failed::Refused(reply), text)
            }
            Err(failed) => return Err(failed.into_error(self.dir)),
        };
        let error = failed.into_error(self.dir);
        if !is_vague(&error) {
            return Err(error);
        }
        match found(self.control, self.session, self.dir).await {
            // Some hosts refuse to list what is empty.
            Ok(there) if there.is_dir() && (text.contains("no files") || text.contains("empty")) => Ok(()),
            Ok(there) if there.is_dir() => Err(error),
            Ok(_) => Err(of_kind(ErrorKind::WrongKind, &error, self.dir)),
            Err(e) if e.kind() == ErrorKind::NotFound => Err(of_kind(ErrorKind::NotFound, &error, self.dir)),
            Err(e) if e.kind() == ErrorKind::Lost => Err(e),
            Err(_) => Err(error),
        }
    }
}

/// The server told no login folder, so that whoever leaves it can't return.
fn no_way_back(dir: &RemotePath) -> Error {
    let message = "the server does not tell its login folder (PWD), so that no other one can be entered to be listed; remove \
                   the quirk cwd_listing";
    Error::new(ErrorKind::Unsupported, message).with("path", dir)
}

/// Text of a listing, and its place in memory.
struct Piece {
    form: Form,
    text: Vec<u8>,
    _place: Option<OwnedSemaphorePermit>,
}

/// Where the text of a listing waits to be taken.
struct Text {
    session: Arc<Session>,
    pieces: mpsc::UnboundedSender<Piece>,
    form: Form,
    room: Arc<Semaphore>,
    /// Bytes that were put there in a row without a place.
    waiting: AtomicUsize,
}

impl Text {
    /// A place for the bytes; `None` where there is none, and another operation waits for the control line.
    async fn place(&self, bytes: usize) -> io::Result<Option<OwnedSemaphorePermit>> {
        let bytes = u32::try_from(bytes.min(AHEAD)).unwrap_or(u32::MAX);
        tokio::select! {
            biased;
            place = Arc::clone(&self.room).acquire_many_owned(bytes) => Ok(place.ok()),
            () = self.pieces.closed() => Err(io::ErrorKind::BrokenPipe.into()),
            () = self.session.health().ended() => Err(io::ErrorKind::BrokenPipe.into()),
            () = self.session.wanted() => Ok(None),
        }
    }
}

impl Sink for Text {
    fn write_at(&self, bytes: &[u8], _: u64) -> io::Result<()> {
        let place = Handle::current().block_on(self.place(bytes.len()))?;
        let waiting = match place {
            Some(_) => 0,
            None => self.waiting.load(Ordering::Relaxed) + bytes.len(),
        };
        self.waiting.store(waiting, Ordering::Relaxed);
        if waiting > MOST_WAITING {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        let piece = Piece {
            form: self.form,
            text: bytes.to_vec(),
            _place: place,
        };
        self.pieces
            .send(piece)
            .map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn advance(&self, _: u64) {}

    fn error(&self, error: io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::OutOfMemory => Error::new(
                ErrorKind::Failed,
                "the directory is too large to be listed while the same session does something else",
            ),
            _ if !self.session.health().is_alive() => self.session.health().error(),
            _ => cancelled(),
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Text")
            .field("form", &self.form)
            .finish_non_exhaustive()
    }
}
