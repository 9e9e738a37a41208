//! What lies at a path, also on servers that refuse the plain question, and what a refusal means.

use courier_transfer::{Client, EntryKind, Error, ErrorKind, RemotePath, Result};
use futures::StreamExt;

use super::{
    SftpClient,
    error::{of_kind, refusal, unexpected},
};
use crate::{
    codec::{Attributes, FileType, OpenFlags, Request},
    session::{Reply, Session},
};

impl SftpClient {
    /// What lies at `path`, links followed. A server without STAT is asked by LSTAT, and by opening what is there.
    pub(super) async fn found(&self, path: &RemotePath) -> Result<Attributes> {
        let wire = path.as_wire();
        let refused = match attributes(&self.session, &Request::Stat { path: wire }, path).await {
            Err(e) if e.kind() == ErrorKind::Unsupported => e,
            result => return result,
        };
        match attributes(&self.session, &Request::Lstat { path: wire }, path).await {
            Err(e) if e.kind() == ErrorKind::Unsupported => {}
            // What it leads to is not known yet.
            Ok(found) if found.file_type() == Some(FileType::Link) => {}
            result => return result,
        }
        match self.handle_in_time(&open_to_read(path), path).await {
            Ok(handle) => {
                let fstat = Request::Fstat {
                    handle: handle.bytes(),
                };
                match attributes(&self.session, &fstat, path).await {
                    Err(e) if e.kind() == ErrorKind::Unsupported => Ok(of_type(0o100_000)),
                    result => result,
                }
            }
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::Lost) => Err(e),
            Err(_) => match self.handle_in_time(&Request::OpenDir { path: wire }, path).await {
                Ok(_) => Ok(of_type(0o040_000)),
                Err(_) => Err(refused),
            },
        }
    }

    /// What lies at `path`, links not followed; `None` where that cannot be told.
    pub(super) async fn look(&self, path: &RemotePath) -> Option<Attributes> {
        match attributes(&self.session, &Request::Lstat { path: path.as_wire() }, path).await {
            Err(e) if e.kind() == ErrorKind::Unsupported => self.found(path).await.ok(),
            result => result.ok(),
        }
    }

    /// As OPEN refuses, with the kind that a look tells.
    pub(super) async fn of_create(&self, error: Error, path: &RemotePath, create_new: bool) -> Error {
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
    pub(super) async fn of_remove(&self, error: Error, path: &RemotePath, kind: EntryKind) -> Error {
        if !matches!(
            error.kind(),
            ErrorKind::Failed | ErrorKind::NotFound | ErrorKind::Denied
        ) {
            return error;
        }
        let found = self.look(path).await.and_then(|a| a.file_type());
        match (found, kind == EntryKind::Directory) {
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
        Ok(self.list(dir).await?.next().await.transpose()?.is_some())
    }
}

/// A request that is answered with attributes.
pub(super) async fn attributes(
    session: &Session,
    request: &Request<'_>,
    path: &RemotePath,
) -> Result<Attributes> {
    match session.call(request).await? {
        Reply::Attributes(attributes) => Ok(attributes),
        Reply::Status(status) => Err(refusal(&status, path)),
        _ => Err(unexpected("STAT", path)),
    }
}

/// As READ or OPEN refuses, with the kind that a look tells: some servers open directories, and fail then.
pub(super) async fn of_open_file(session: &Session, error: Error, path: &RemotePath) -> Error {
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

pub(super) fn open_to_read(path: &RemotePath) -> Request<'_> {
    Request::Open {
        path: path.as_wire(),
        flags: OpenFlags::READ,
        attributes: Attributes::default(),
    }
}

fn of_type(mode: u32) -> Attributes {
    Attributes {
        permissions: Some(mode),
        ..Attributes::default()
    }
}
