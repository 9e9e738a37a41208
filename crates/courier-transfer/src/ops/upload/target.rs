//! The names on the server: which one is free.

use crate::{Error, ErrorKind, RemoteName, RemotePath, Result};

use super::Upload;
use crate::ops::{
    OnExisting,
    names::{NUMBERED, numbered_remote},
    rename::cannot_replace,
};

impl Upload<'_> {
    /// The final name; `None` where it is taken and to be left alone.
    pub(super) async fn target(&self, number: &mut u32) -> Result<Option<RemotePath>> {
        let options = self.options;
        if let Some(own) = &self.own {
            return Ok(Some(own.clone()));
        }
        match options.on_existing {
            OnExisting::Replace => {
                let asks_first = options.atomic
                    && !options.replace_non_atomically
                    && !self.client.capabilities().atomic_replace;
                if asks_first && self.exists(self.remote).await? {
                    return Err(cannot_replace(self.remote));
                }
                Ok(Some(self.remote.clone()))
            }
            OnExisting::Skip if self.exists(self.remote).await? => Ok(None),
            OnExisting::Fail if self.exists(self.remote).await? => Err(Error::new(
                ErrorKind::AlreadyExists,
                format!("{} exists already", self.remote),
            )),
            OnExisting::Skip | OnExisting::Fail => Ok(Some(self.remote.clone())),
            OnExisting::Rename => {
                while *number < NUMBERED {
                    let target = numbered_remote(self.remote, *number)?;
                    if !self.exists(&target).await? {
                        return Ok(Some(target));
                    }
                    *number += 1;
                }
                Err(Error::new(
                    ErrorKind::AlreadyExists,
                    format!(
                        "{} and its first {NUMBERED} numbered names exist already",
                        self.remote
                    ),
                ))
            }
        }
    }

    /// Does something lie there? A server that refuses to tell is taken for a no: the last step keeps what exists.
    async fn exists(&self, path: &RemotePath) -> Result<bool> {
        match self.client.stat(path).await {
            Ok(_) => Ok(true),
            Err(e)
                if matches!(
                    e.kind(),
                    ErrorKind::NotFound | ErrorKind::Denied | ErrorKind::Unsupported
                ) =>
            {
                Ok(false)
            }
            Err(e) => Err(e),
        }
    }
}

pub(super) fn with_suffix(target: &RemotePath, suffix: &str) -> Result<RemotePath> {
    let (Some(parent), Some(name)) = (target.parent(), target.name()) else {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!("the remote path {target} names no file"),
        ));
    };
    if suffix.is_empty() {
        return Err(Error::new(
            ErrorKind::Invalid,
            "the suffix of the temporary name is empty; give one, or upload without a temporary name",
        ));
    }
    Ok(parent.join(&RemoteName::new([name.as_bytes(), suffix.as_bytes()].concat())?))
}
