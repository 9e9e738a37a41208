//! Names and attributes that change, with the second ways where a server refuses the first.

use std::sync::atomic::Ordering;

use courier_transfer::{Error, ErrorKind, RemotePath, Result};

use super::{SftpClient, error::of_kind};
use crate::codec::{Attributes, OpenFlags, Request};

impl SftpClient {
    /// A rename that replaces its target in one step. A server that announces it and refuses it then is not asked again.
    pub(super) async fn replace(&self, from: &RemotePath, to: &RemotePath) -> Result<()> {
        let lacking = || {
            Error::new(
                ErrorKind::Unsupported,
                "this server cannot replace a file in one step (it lacks posix-rename@openssh.com)",
            )
            .with("path", to)
        };
        if !self.has_posix_rename.load(Ordering::Relaxed) {
            return Err(lacking());
        }
        let request = Request::PosixRename {
            from: from.as_wire(),
            to: to.as_wire(),
        };
        match self.status(&request, from).await {
            // The latter is what old servers say to a packet that they do not know.
            Err(e)
                if matches!(e.kind(), ErrorKind::Unsupported | ErrorKind::Protocol)
                    && self.session.is_connected() =>
            {
                self.has_posix_rename.store(false, Ordering::Relaxed);
                Err(lacking().with_source(e))
            }
            result => result,
        }
    }

    /// A rename that keeps its target. Some servers overwrite silently, so they are asked first.
    pub(super) async fn rename_beside(&self, from: &RemotePath, to: &RemotePath) -> Result<()> {
        if self.look(to).await.is_some() {
            return Err(
                Error::new(ErrorKind::AlreadyExists, "something has the new name already").with("path", to),
            );
        }
        let request = Request::Rename {
            from: from.as_wire(),
            to: to.as_wire(),
        };
        self.status(&request, from).await
    }

    pub(super) async fn make_one_dir(&self, path: &RemotePath) -> Result<()> {
        let request = Request::MakeDir {
            path: path.as_wire(),
            attributes: Attributes::default(),
        };
        match self.status(&request, path).await {
            Err(e) if matches!(e.kind(), ErrorKind::Failed | ErrorKind::Denied) => {
                match self.look(path).await {
                    Some(_) => Err(of_kind(ErrorKind::AlreadyExists, &e, path)),
                    None => Err(e),
                }
            }
            result => result,
        }
    }

    /// Sets attributes, by the path or, where the server refuses that, by a handle.
    pub(super) async fn set(&self, path: &RemotePath, attributes: Attributes) -> Result<()> {
        let request = Request::SetStat {
            path: path.as_wire(),
            attributes,
        };
        let refused = match self.status(&request, path).await {
            Err(e) if matches!(e.kind(), ErrorKind::Failed | ErrorKind::Unsupported) => e,
            result => return result,
        };
        let open = Request::Open {
            path: path.as_wire(),
            flags: OpenFlags::WRITE,
            attributes: Attributes::default(),
        };
        let Ok(handle) = self.handle_in_time(&open, path).await else {
            return Err(refused);
        };
        let request = Request::FSetStat {
            handle: handle.bytes(),
            attributes,
        };
        self.status(&request, path).await.map_err(|_| refused)
    }
}
