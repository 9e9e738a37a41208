//! The unified interface over a session: paths in, entries and clear errors out.

mod checksum;
mod error;
mod list;
mod read;
mod write;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use courier_transfer::{
    Capabilities, Checksum, ChecksumBy, Client, ConnectOptions, CreateOptions, Entry, EntryKind, EntryStream,
    Error, ErrorKind, Fetch, OpenOptions, Reader, RemotePath, RenameMode, Result, ServerInfo, Store, Target,
    Writer,
};
use jiff::Timestamp;

use self::{
    error::{of_kind, refusal, unexpected},
    list::entry_of,
};
use crate::{
    codec::{Attributes, FileType, OpenFlags, Request, StatusCode, extension_name},
    connect::Dial,
    session::{self, Failed, OpenHandle, Reply, Session},
};

/// Operations that run at once.
const CONCURRENCY: usize = 64;

/// A session with an SFTP server.
#[derive(Debug)]
pub(crate) struct SftpClient {
    session: Arc<Session>,
    server: ServerInfo,
    has_posix_rename: bool,
}

impl SftpClient {
    pub(crate) async fn connect(target: Target, options: ConnectOptions) -> Result<Self> {
        let dial = Dial::new(target, options).await;
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
            has_posix_rename,
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

    /// A request that is answered with a handle.
    async fn handle(&self, request: &Request<'_>, path: &RemotePath) -> Result<OpenHandle> {
        match self.session.open(request).await? {
            Reply::Handle(handle) => Ok(handle),
            Reply::Status(status) => Err(refusal(&status, path)),
            _ => Err(unexpected("OPEN", path)),
        }
    }

    /// What lies at `path`, links not followed; `None` where that cannot be told.
    async fn look(&self, path: &RemotePath) -> Option<Attributes> {
        attributes(&self.session, &Request::Lstat { path: path.as_wire() }, path)
            .await
            .ok()
    }

    /// As OPEN refuses, with the kind that a look tells.
    async fn of_create(&self, error: Error, path: &RemotePath, create_new: bool) -> Error {
        if error.kind() != ErrorKind::Failed {
            return error;
        }
        match self.look(path).await.map(|a| a.file_type()) {
            Some(_) if create_new => of_kind(ErrorKind::AlreadyExists, &error, path),
            Some(Some(FileType::Directory)) => of_kind(ErrorKind::WrongKind, &error, path),
            _ => error,
        }
    }

    /// As RMDIR or REMOVE refuses, with the kind that a look tells. OpenSSH says "no such file" for what is
    /// no directory.
    async fn of_remove(&self, error: Error, path: &RemotePath, is_dir: bool) -> Error {
        if !matches!(
            error.kind(),
            ErrorKind::Failed | ErrorKind::NotFound | ErrorKind::Denied
        ) {
            return error;
        }
        let found = self.look(path).await.and_then(|a| a.file_type());
        match (found, is_dir) {
            (Some(FileType::Directory), false) => of_kind(ErrorKind::WrongKind, &error, path),
            (Some(FileType::Directory), true) if error.kind() == ErrorKind::Failed => {
                match self.has_entries(path).await {
                    Ok(true) => of_kind(ErrorKind::NotEmpty, &error, path),
                    _ => error,
                }
            }
            (Some(_), true) => of_kind(ErrorKind::WrongKind, &error, path),
            _ => error,
        }
    }

    async fn has_entries(&self, dir: &RemotePath) -> Result<bool> {
        use futures::StreamExt;
        Ok(self.list(dir).await?.next().await.transpose()?.is_some())
    }
}

/// A request that is answered with attributes.
async fn attributes(session: &Session, request: &Request<'_>, path: &RemotePath) -> Result<Attributes> {
    match session.call(request).await? {
        Reply::Attributes(attributes) => Ok(attributes),
        Reply::Status(status) => Err(refusal(&status, path)),
        _ => Err(unexpected("STAT", path)),
    }
}

/// As READ or OPEN refuses, with the kind that a look tells: some servers open directories, and fail then.
async fn of_open_file(session: &Session, error: Error, path: &RemotePath) -> Error {
    if error.kind() != ErrorKind::Failed {
        return error;
    }
    match attributes(session, &Request::Stat { path: path.as_wire() }, path).await {
        Ok(found) if found.file_type() == Some(FileType::Directory) => {
            of_kind(ErrorKind::WrongKind, &error, path)
        }
        _ => error,
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
            atomic_replace: self.has_posix_rename,
            set_times: true,
            checksum: self.computes_checksums(),
            parts: true,
            permissions: true,
            concurrency: CONCURRENCY,
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
        let found = attributes(&self.session, &Request::Stat { path: path.as_wire() }, path).await?;
        Ok(entry_of(path.clone(), &found))
    }

    async fn list(&self, dir: &RemotePath) -> Result<EntryStream> {
        match self.handle(&Request::OpenDir { path: dir.as_wire() }, dir).await {
            Ok(handle) => Ok(list::listing(Arc::clone(&self.session), handle, dir)),
            Err(e) if matches!(e.kind(), ErrorKind::Failed | ErrorKind::NotFound) => {
                match self.stat(dir).await {
                    Ok(found) if !found.is_dir() => Err(of_kind(ErrorKind::WrongKind, &e, dir)),
                    _ => Err(e),
                }
            }
            Err(e) => Err(e),
        }
    }

    async fn open(&self, path: &RemotePath, options: OpenOptions) -> Result<Box<dyn Reader>> {
        let open = Request::Open {
            path: path.as_wire(),
            flags: OpenFlags::READ,
            attributes: Attributes::default(),
        };
        match self.handle(&open, path).await {
            Ok(handle) => {
                let session = Arc::clone(&self.session);
                Ok(Box::new(read::SftpReader::new(
                    session,
                    handle,
                    path.clone(),
                    options.offset,
                )))
            }
            Err(e) => Err(of_open_file(&self.session, e, path).await),
        }
    }

    async fn create(&self, path: &RemotePath, options: CreateOptions) -> Result<Box<dyn Writer>> {
        let flags = create_flags(options);
        let open = Request::Open {
            path: path.as_wire(),
            flags,
            attributes: Attributes::default(),
        };
        match self.handle(&open, path).await {
            Ok(handle) => {
                let session = Arc::clone(&self.session);
                Ok(Box::new(write::SftpWriter::new(
                    session,
                    handle,
                    path.clone(),
                    options.offset,
                )))
            }
            Err(e) => Err(self.of_create(e, path, options.create_new).await),
        }
    }

    async fn fetch(&self, path: &RemotePath, request: Fetch) -> Result<u64> {
        match self.session.download(path, request).await {
            Ok(reached) => Ok(reached),
            Err(Failed::Status(status)) => {
                Err(of_open_file(&self.session, refusal(&status, path), path).await)
            }
            Err(Failed::Error(e)) => Err(e.with("path", path)),
        }
    }

    async fn store(&self, path: &RemotePath, request: Store) -> Result<u64> {
        let options = request.options;
        match self.session.upload(path, create_flags(options), request).await {
            Ok(reached) => Ok(reached),
            Err(Failed::Status(status)) => Err(self
                .of_create(refusal(&status, path), path, options.create_new)
                .await),
            Err(Failed::Error(e)) => Err(e.with("path", path)),
        }
    }

    async fn rename(&self, from: &RemotePath, to: &RemotePath, mode: RenameMode) -> Result<()> {
        let (from_wire, to_wire) = (from.as_wire(), to.as_wire());
        match mode {
            RenameMode::Replace if self.has_posix_rename => {
                self.status(
                    &Request::PosixRename {
                        from: from_wire,
                        to: to_wire,
                    },
                    from,
                )
                .await
            }
            RenameMode::Replace => Err(Error::new(
                ErrorKind::Unsupported,
                "this server cannot replace a file in one step (it lacks posix-rename@openssh.com)",
            )
            .with("path", to)),
            RenameMode::KeepTarget => {
                // Some servers overwrite silently.
                if self.look(to).await.is_some() {
                    return Err(
                        Error::new(ErrorKind::AlreadyExists, "something has the new name already")
                            .with("path", to),
                    );
                }
                self.status(
                    &Request::Rename {
                        from: from_wire,
                        to: to_wire,
                    },
                    from,
                )
                .await
            }
        }
    }

    async fn make_dir(&self, path: &RemotePath) -> Result<()> {
        let attributes = Attributes::default();
        match self
            .status(
                &Request::MakeDir {
                    path: path.as_wire(),
                    attributes,
                },
                path,
            )
            .await
        {
            Err(e) if matches!(e.kind(), ErrorKind::Failed | ErrorKind::Denied) => {
                match self.look(path).await {
                    Some(_) => Err(of_kind(ErrorKind::AlreadyExists, &e, path)),
                    None => Err(e),
                }
            }
            result => result,
        }
    }

    async fn remove(&self, path: &RemotePath, kind: EntryKind) -> Result<()> {
        let is_dir = kind == EntryKind::Directory;
        let wire = path.as_wire();
        let request = if is_dir {
            Request::RemoveDir { path: wire }
        } else {
            Request::Remove { path: wire }
        };
        match self.status(&request, path).await {
            Ok(()) => Ok(()),
            Err(e) => Err(self.of_remove(e, path, is_dir).await),
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
        self.status(
            &Request::SetStat {
                path: path.as_wire(),
                attributes,
            },
            path,
        )
        .await
    }

    async fn set_permissions(&self, path: &RemotePath, mode: u32) -> Result<()> {
        let attributes = Attributes {
            permissions: Some(mode & 0o7777),
            ..Attributes::default()
        };
        self.status(
            &Request::SetStat {
                path: path.as_wire(),
                attributes,
            },
            path,
        )
        .await
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
