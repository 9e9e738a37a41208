//! The narrow trait that a protocol implements. Its docs are the contract; the conformance suite
//! (`testkit`) holds every implementation to it.

use std::{
    fmt, io,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use jiff::Timestamp;

use crate::{
    Capabilities, Checksum, ChecksumBy, Entry, EntryKind, Error, ErrorKind, Listed, Parts, Rate, RemotePath,
    Result, ServerInfo,
    piecewise::{fetch_piecewise, store_piecewise},
};

/// A listing, as it comes in. An `Err` ends it; what is merely unreadable is a [`Listed::Unreadable`].
pub type EntryStream = BoxStream<'static, Result<Listed>>;

/// One session with one server.
///
/// Operations take `&self` and may run at the same time, up to
/// [`Capabilities::concurrency`]; a protocol that can only do one thing at a time queues them.
/// A future that is dropped cancels its operation: what it held on the server is released, and the
/// session stays usable or reports that it is no longer connected.
///
/// Relative paths start at the login folder. Errors carry their kind ([`ErrorKind`]); a session
/// that broke gives [`ErrorKind::Lost`] on every operation from then on. No operation is retried in here,
/// and none has a timeout of its own: [`layers`](crate::layers) add both.
#[async_trait]
pub trait Client: Send + Sync + fmt::Debug {
    /// What this session can do.
    fn capabilities(&self) -> Capabilities;

    /// What the server told of itself.
    fn server(&self) -> &ServerInfo;

    /// False once the session is known to be broken or closed.
    fn is_connected(&self) -> bool;

    /// The shortest time that an answer has taken until now: about the round trip. `None` where nobody measures it.
    fn round_trip(&self) -> Option<Duration> {
        None
    }

    /// How many sessions would share the transfer of that many bytes of one file: 1 for a single session. More is an
    /// invitation to give [`Fetch::parts`] or [`Store::parts`].
    fn lanes(&self, bytes: u64) -> usize {
        let _ = bytes;
        1
    }

    /// Tells what lies at `path`, following links. [`ErrorKind::NotFound`] where nothing does.
    async fn stat(&self, path: &RemotePath) -> Result<Entry>;

    /// Lists a directory as a stream in bounded memory, in the server's order, without `.` and `..`.
    ///
    /// [`ErrorKind::NotFound`] or [`ErrorKind::WrongKind`] (some servers say [`ErrorKind::NotFound`]
    /// for a file, too) come from the call itself, not from the stream.
    async fn list(&self, dir: &RemotePath) -> Result<EntryStream>;

    /// Opens a file for reading, from an offset. An offset at the end reads nothing.
    async fn open(&self, path: &RemotePath, options: OpenOptions) -> Result<Box<dyn Reader>>;

    /// Opens a file for writing, at an offset. The parent must exist.
    ///
    /// With offset 0 the file is created, or cut to nothing where it exists (unless `create_new`). With an
    /// offset above 0 the file must exist and is written from there on; what lay before stays.
    async fn create(&self, path: &RemotePath, options: CreateOptions) -> Result<Box<dyn Writer>>;

    /// Moves the bytes of a file, from `request.offset` to its end, into `request.sink`, and returns the
    /// offset reached. A protocol overrides this where it has a shorter way than a [`Reader`].
    ///
    /// With [`Fetch::parts`] (only where [`Capabilities::parts`] says so) it moves what it gets from there, and returns
    /// once every byte of the file was moved, by whomever. What it took and could not move goes back.
    async fn fetch(&self, path: &RemotePath, request: Fetch) -> Result<u64> {
        fetch_piecewise(self, path, request).await
    }

    /// Moves the bytes of `request.source`, from `request.options.offset` to its end, into a file that is
    /// finished when this returns, and returns the offset reached. A protocol overrides this where it has a
    /// shorter way than a [`Writer`].
    ///
    /// With [`Store::parts`] as [`fetch`](Self::fetch). The first session creates the file; the others join it once
    /// [`Parts::begun`] says that it is there, with an offset above 0.
    async fn store(&self, path: &RemotePath, request: Store) -> Result<u64> {
        store_piecewise(self, path, request).await
    }

    /// Renames a file or a directory. The mode says what happens to an existing target.
    async fn rename(&self, from: &RemotePath, to: &RemotePath, mode: RenameMode) -> Result<()>;

    /// Makes one directory; its parent must exist. [`ErrorKind::AlreadyExists`] where anything has the name.
    async fn make_dir(&self, path: &RemotePath) -> Result<()>;

    /// Removes a file, a link, or an empty directory ([`ErrorKind::NotEmpty`] otherwise).
    async fn remove(&self, path: &RemotePath, kind: EntryKind) -> Result<()>;

    /// Sets a modification time. [`ErrorKind::Unsupported`] where the capability is missing.
    async fn set_modified(&self, path: &RemotePath, modified: Timestamp) -> Result<()> {
        let _ = modified;
        Err(Error::new(
            ErrorKind::Unsupported,
            "this server cannot set modification times",
        )
        .with("path", path))
    }

    /// Sets permission bits. [`ErrorKind::Unsupported`] where the protocol has none.
    async fn set_permissions(&self, path: &RemotePath, mode: u32) -> Result<()> {
        let _ = mode;
        Err(Error::new(ErrorKind::Unsupported, "this server cannot set permissions").with("path", path))
    }

    /// The checksum of a whole file, computed by the server. [`ErrorKind::Unsupported`] where it can't.
    async fn checksum(&self, path: &RemotePath, by: ChecksumBy) -> Result<Checksum> {
        let _ = by;
        Err(Error::new(ErrorKind::Unsupported, "this server computes no checksums").with("path", path))
    }

    /// Turns a path into the absolute one that the server knows it by.
    async fn canonicalize(&self, path: &RemotePath) -> Result<RemotePath>;

    /// One cheap round trip that keeps the session from idling out.
    async fn keepalive(&self) -> Result<()>;

    /// Ends the session in order. Further operations fail with [`ErrorKind::Lost`]; a second call does nothing.
    async fn disconnect(&self) -> Result<()>;
}

/// How to open a file for reading.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenOptions {
    /// The first byte to read.
    pub offset: u64,
}

/// How to open a file for writing.
#[derive(Clone, Copy, Debug, Default)]
pub struct CreateOptions {
    /// The first byte to write; above 0 continues an existing file.
    pub offset: u64,
    /// Fail with [`ErrorKind::AlreadyExists`] where the file exists (only with offset 0).
    pub create_new: bool,
}

/// What a rename does to an existing target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenameMode {
    /// Fail with [`ErrorKind::AlreadyExists`]; the target is never touched. Servers that overwrite
    /// silently are asked first whether the target exists.
    KeepTarget,
    /// Replace it in one step, or fail with [`ErrorKind::Unsupported`] where the server cannot
    /// ([`Capabilities::atomic_replace`]).
    Replace,
}

/// A file opened for reading, with read-ahead inside. Dropping it releases it on the server.
#[async_trait]
pub trait Reader: Send + fmt::Debug {
    /// The next bytes, in order; `None` at the end of the file.
    async fn read(&mut self) -> Result<Option<Bytes>>;
}

/// A file opened for writing, with write-behind inside.
///
/// Dropped without [`finish`](Self::finish) it is a failed upload: what was written may remain, but no
/// one was told that it is whole.
#[async_trait]
pub trait Writer: Send + fmt::Debug {
    /// Queues bytes; waits while too many are under way. An earlier write's failure may show here.
    async fn write(&mut self, bytes: Bytes) -> Result<()>;

    /// Waits until the server has acknowledged every byte, and closes the file.
    async fn finish(self: Box<Self>) -> Result<()>;
}

/// Where fetched bytes land. Called from the protocol's own thread; may block for local I/O only.
pub trait Sink: Send + Sync + fmt::Debug {
    /// Writes all of `bytes` at `offset`. Ranges never overlap, but need not come in order.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Everything before `offset` has been written: what a resume may rely on, and what progress shows.
    fn advance(&self, offset: u64);

    /// Nothing moves now, since something other than the server is waited for: a turn within a rate, a place among the open
    /// files. Told from time to time, so that nobody takes the transfer for dead.
    fn waits(&self) {}

    /// Names the file in an error of [`write_at`](Self::write_at).
    fn error(&self, error: io::Error) -> Error;
}

/// Where stored bytes come from. Called from the protocol's own thread; may block for local I/O only.
pub trait Source: Send + Sync + fmt::Debug {
    /// Reads at `offset`; 0 only at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Everything before `offset` has been acknowledged by the server.
    fn advance(&self, offset: u64);

    /// Nothing moves now, since something other than the server is waited for: a turn within a rate, a place among the open
    /// files. Told from time to time, so that nobody takes the transfer for dead.
    fn waits(&self) {}

    /// Names the file in an error of [`read_at`](Self::read_at).
    fn error(&self, error: io::Error) -> Error;
}

/// What [`Client::fetch`] is asked for.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// The first byte wanted.
    pub offset: u64,
    /// The size that a `stat` or a listing told, if any: a hint for how much to ask at once, never
    /// trusted as the end of the file.
    pub size_hint: Option<u64>,
    /// Where the bytes land.
    pub sink: Arc<dyn Sink>,
    /// Which bytes to move, where several sessions share the file; then `offset` and `size_hint` say nothing.
    pub parts: Option<Arc<Parts>>,
    /// How fast, at most.
    pub rate: Option<Arc<Rate>>,
}

impl Fetch {
    /// The bytes from `offset` on, by one session and as fast as they come.
    pub fn new(sink: Arc<dyn Sink>, offset: u64, size_hint: Option<u64>) -> Self {
        Self {
            offset,
            size_hint,
            sink,
            parts: None,
            rate: None,
        }
    }
}

/// What [`Client::store`] is asked for.
#[derive(Clone, Debug)]
pub struct Store {
    /// How the remote file is opened.
    pub options: CreateOptions,
    /// The size of the source, if known: a hint for how much to read at once, never trusted as its end.
    pub size_hint: Option<u64>,
    /// Where the bytes come from.
    pub source: Arc<dyn Source>,
    /// Takes what the server tells of the file when all is done, where the protocol can ask for that in the same go; else it
    /// stays empty.
    pub after: Option<Arc<OnceLock<Entry>>>,
    /// Which bytes to move, where several sessions share the file; then the offset says only how it is opened.
    pub parts: Option<Arc<Parts>>,
    /// How fast, at most.
    pub rate: Option<Arc<Rate>>,
}

impl Store {
    /// The bytes from the offset of `options` on, by one session and as fast as they go.
    pub fn new(source: Arc<dyn Source>, options: CreateOptions, size_hint: Option<u64>) -> Self {
        Self {
            options,
            size_hint,
            source,
            after: None,
            parts: None,
            rate: None,
        }
    }
}
