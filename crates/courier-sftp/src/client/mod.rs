//! The unified interface over a session: paths in, entries and clear errors out.

mod change;
mod checksum;
mod error;
mod list;
mod look;
mod read;
mod write;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use courier_transfer::{
    Capabilities, Checksum, ChecksumBy, Client, ConnectOptions, CreateOptions, Entry, EntryKind, EntryStream,
    Error, ErrorKind, Fetch, OpenOptions, Reader, RemotePath, RenameMode, Result, ServerInfo, Store, Target,
    Writer,
};
use jiff::Timestamp;

use self::{
    error::{of_kind, refusal, unexpected},
    look::of_open_file,
};
use crate::{
    codec::{Attributes, OpenFlags, Request, StatusCode, extension_name},
    connect::Dial,
    entry::entry_of,
    session::{self, Failed, NoHandle, OpenHandle, Reply, Session},
};

/// Operations that run at once.
const CONCURRENCY: usize = 64;
/// How often a handle that was refused is asked for again.
const TRIES: u32 = 3;

/// A session with an SFTP server.
#[derive(Debug)]
pub(crate) struct SftpClient {
    session: Arc<Session>,
    server: ServerInfo,
    has_posix_rename: AtomicBool,
}

impl SftpClient {
    pub(crate) async fn connect(target: Target, options: ConnectOptions) -> Result<Self> {
        let dial = Dial::new(target, options).await?;
        let peer = Arc::clone(&dial.peer);
        let session = Arc::new(session::open(dial).await?);
        let server = peer.info();
        let has_posix_rename = server
            .extensions
            .iter()
            .any(|e| e == extension_name::POSIX_RENAME);
        Ok(Self {
            session,
            server,
            has_posix_rename: AtomicBool::new(has_posix_rename),
        })
    }

    /// Did the server announce that extension?
    fn has(&self, extension: &str) -> bool {
        self.server.extensions.iter().any(|e| e == extension)
    }

    /// A request that is answered with a status.
    async fn status(&self, request: &Request<'_>, path: &RemotePath) -> Result<()> {
        match self.session.call(request).await? {
            Reply::Status(status) if status.code == StatusCode::OK => Ok(()),
            Reply::Status(status) => Err(refusal(&status, path)),
            _ => Err(unexpected("a request", path)),
        }
    }

    /// A request that is answered with a handle, with further tries where it may be for want of a place.
    async fn handle_in_time(&self, request: &Request<'_>, path: &RemotePath) -> Result<OpenHandle> {
        let mut tries = Tries::new(&self.session);
        loop {
            match handle(&self.session, request, path).await {
                Ok(handle) => return Ok(handle),
                Err(Refused { error, may_pass }) => tries.go_on(error, may_pass)?,
            }
        }
    }
}

/// A request that is answered with a handle.
async fn handle(session: &Session, request: &Request<'_>, path: &RemotePath) -> Result<OpenHandle, Refused> {
    match session.open(request).await? {
        Reply::Handle(handle) => Ok(handle),
        Reply::NoHandle(refused) => Err(Refused::new(&refused, path)),
        _ => Err(unexpected("OPEN", path).into()),
    }
}

/// A handle that there is not.
#[derive(Debug)]
struct Refused {
    error: Error,
    /// It is worth another try.
    may_pass: bool,
}

impl Refused {
    fn new(refused: &NoHandle, path: &RemotePath) -> Self {
        Self {
            error: refusal(&refused.status, path),
            may_pass: refused.may_pass,
        }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        let may_pass = false;
        Self { error, may_pass }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        refused.error
    }
}

/// Other tries where a server refuses one open handle more. Each waits for a place.
struct Tries<'a> {
    session: &'a Session,
    places: usize,
    left: u32,
}

impl<'a> Tries<'a> {
    fn new(session: &'a Session) -> Self {
        Self {
            session,
            places: session.places(),
            left: TRIES,
        }
    }

    /// Ends with the error, as a look has found it, unless another try may help. Few servers say that it is for want of
    /// a place, so that any failure without a cause may be one.
    fn go_on(&mut self, error: Error, may_pass: bool) -> Result<()> {
        if may_pass && error.kind() == ErrorKind::Failed && self.left > 0 {
            self.left -= 1;
            return Ok(());
        }
        if may_pass || self.left < TRIES {
            self.session.restore_places(self.places);
        }
        Err(error)
    }
}

fn create_flags(options: CreateOptions) -> OpenFlags {
    match options {
        CreateOptions {
            offset: 0,
            create_new: true,
        } => OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUSIVE,
        CreateOptions {
            offset: 0,
            create_new: false,
        } => OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE,
        // The file must be there.
        CreateOptions { .. } => OpenFlags::WRITE,
    }
}

#[async_trait]
impl Client for SftpClient {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            resume_download: true,
            resume_upload: true,
            atomic_replace: self.has_posix_rename.load(Ordering::Relaxed),
            set_times: true,
            checksum: self.computes_checksums(),
            parts: true,
            permissions: true,
            concurrency: CONCURRENCY.min(self.session.places()),
        }
    }

    fn server(&self) -> &ServerInfo {
        &self.server
    }

    fn is_connected(&self) -> bool {
        self.session.is_connected()
    }

    fn round_trip(&self) -> Option<Duration> {
        self.session.round_trip()
    }

    async fn stat(&self, path: &RemotePath) -> Result<Entry> {
        let found = self.found(path).await?;
        Ok(entry_of(path.clone(), &found))
    }

    async fn list(&self, dir: &RemotePath) -> Result<EntryStream> {
        let mut tries = Tries::new(&self.session);
        loop {
            let refused = match list::listing(Arc::clone(&self.session), dir).await {
                Ok(listing) => return Ok(listing),
                Err(refused) => refused,
            };
            let error = match refused.error {
                e if matches!(e.kind(), ErrorKind::Failed | ErrorKind::NotFound) => {
                    match self.stat(dir).await {
                        Ok(found) if !found.is_dir() => of_kind(ErrorKind::WrongKind, &e, dir),
                        _ => e,
                    }
                }
                e => e,
            };
            tries.go_on(error, refused.may_pass)?;
        }
    }

    async fn open(&self, path: &RemotePath, options: OpenOptions) -> Result<Box<dyn Reader>> {
        let mut tries = Tries::new(&self.session);
        loop {
            match handle(&self.session, &look::open_to_read(path), path).await {
                Ok(handle) => {
                    let session = Arc::clone(&self.session);
                    let reader = read::SftpReader::new(session, handle, path.clone(), options.offset);
                    return Ok(Box::new(reader));
                }
                Err(Refused { error, may_pass }) => {
                    tries.go_on(of_open_file(&self.session, error, path).await, may_pass)?;
                }
            }
        }
    }

    async fn create(&self, path: &RemotePath, options: CreateOptions) -> Result<Box<dyn Writer>> {
        let open = Request::Open {
            path: path.as_wire(),
            flags: create_flags(options),
            attributes: Attributes::default(),
        };
        let mut tries = Tries::new(&self.session);
        loop {
            match handle(&self.session, &open, path).await {
                Ok(handle) => {
                    let session = Arc::clone(&self.session);
                    let writer = write::SftpWriter::new(session, handle, path.clone(), options.offset);
                    return Ok(Box::new(writer));
                }
                Err(Refused { error, may_pass }) => {
                    tries.go_on(self.of_create(error, path, options.create_new).await, may_pass)?;
                }
            }
        }
    }

    async fn fetch(&self, path: &RemotePath, request: Fetch) -> Result<u64> {
        let mut tries = Tries::new(&self.session);
        loop {
            let Refused { error, may_pass } = match self.session.download(path, request.clone()).await {
                Ok(reached) => return Ok(reached),
                Err(Failed::Error(e)) => return Err(e.with("path", path)),
                Err(Failed::Open(refused)) => Refused::new(&refused, path),
                Err(Failed::Status(status)) => refusal(&status, path).into(),
            };
            tries.go_on(of_open_file(&self.session, error, path).await, may_pass)?;
        }
    }

    async fn store(&self, path: &RemotePath, request: Store) -> Result<u64> {
        let options = request.options;
        let mut tries = Tries::new(&self.session);
        loop {
            let uploading = self.session.upload(path, create_flags(options), request.clone());
            let Refused { error, may_pass } = match uploading.await {
                Ok(reached) => return Ok(reached),
                Err(Failed::Error(e)) => return Err(e.with("path", path)),
                Err(Failed::Status(status)) => return Err(refusal(&status, path)),
                Err(Failed::Open(refused)) => Refused::new(&refused, path),
            };
            tries.go_on(self.of_create(error, path, options.create_new).await, may_pass)?;
        }
    }

    async fn rename(&self, from: &RemotePath, to: &RemotePath, mode: RenameMode) -> Result<()> {
        match mode {
            RenameMode::Replace => self.replace(from, to).await,
            RenameMode::KeepTarget => self.rename_beside(from, to).await,
        }
    }

    async fn make_dir(&self, path: &RemotePath) -> Result<()> {
        self.make_one_dir(path).await
    }

    async fn remove(&self, path: &RemotePath, kind: EntryKind) -> Result<()> {
        let path_on_wire = path.as_wire();
        let request = match kind {
            EntryKind::Directory => Request::RemoveDir { path: path_on_wire },
            _ => Request::Remove { path: path_on_wire },
        };
        match self.status(&request, path).await {
            Ok(()) => Ok(()),
            Err(e) => Err(self.of_remove(e, path, kind).await),
        }
    }

    async fn set_modified(&self, path: &RemotePath, modified: Timestamp) -> Result<()> {
        let seconds = u32::try_from(modified.as_second()).map_err(|_| {
            Error::new(
                ErrorKind::Invalid,
                format!("SFTP cannot express the time {modified}; it knows 1970 to 2106"),
            )
            .with("path", path)
        })?;
        // The protocol sets both times or none.
        let attributes = Attributes {
            times: Some((seconds, seconds)),
            ..Attributes::default()
        };
        self.set(path, attributes).await
    }

    async fn set_permissions(&self, path: &RemotePath, mode: u32) -> Result<()> {
        let attributes = Attributes {
            permissions: Some(mode & 0o7777),
            ..Attributes::default()
        };
        self.set(path, attributes).await
    }

    async fn checksum(&self, path: &RemotePath, by: ChecksumBy) -> Result<Checksum> {
        match by {
            ChecksumBy::Protocol if self.capabilities().checksum => self.checked(path).await,
            ChecksumBy::Protocol => Err(Error::new(
                ErrorKind::Unsupported,
                "this server computes no checksums (it lacks check-file)",
            )
            .with("path", path)),
            ChecksumBy::Command => self.computed(path).await,
        }
    }

    async fn canonicalize(&self, path: &RemotePath) -> Result<RemotePath> {
        match self
            .session
            .call(&Request::RealPath { path: path.as_wire() })
            .await?
        {
            Reply::Names(names) => match names.first().map(|first| RemotePath::new(&first.name)) {
                Some(Ok(absolute)) => Ok(absolute),
                _ => Err(unexpected("REALPATH", path)),
            },
            // It has no other name for what is absolute already.
            Reply::Status(status) if status.code == StatusCode::OP_UNSUPPORTED && path.is_absolute() => {
                Ok(path.clone())
            }
            Reply::Status(status) => Err(refusal(&status, path)),
            _ => Err(unexpected("REALPATH", path)),
        }
    }

    async fn keepalive(&self) -> Result<()> {
        // Through the SFTP server, not only through SSH.
        match self.session.call(&Request::RealPath { path: b"." }).await? {
            Reply::Names(_) | Reply::Status(_) => Ok(()),
            _ => Err(unexpected("REALPATH", &RemotePath::home())),
        }
    }

    async fn disconnect(&self) -> Result<()> {
        self.session.disconnect().await;
        Ok(())
    }
}
