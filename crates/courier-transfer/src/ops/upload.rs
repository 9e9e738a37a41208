//! Uploads of one file.

mod part;
mod source;

use std::{path::Path, sync::Arc};

use crate::{
    Client, CreateOptions, Entry, EntryKind, Error, ErrorKind, FileSource, Progress, RemoteName, RemotePath,
    Result, Retry, Store,
};

use super::{
    Context, FinalName, Found, Identity, OnExisting, Outcome, Replace, SMALL, Transferred, UploadOptions,
    Verified,
    directories::{is_broken, make_dir_all},
    names::{NUMBERED, numbered_remote},
    plan::blocking,
    rename::{cannot_replace, rename},
};
use part::{Reach, RemotePart};
use source::LocalSource;
pub use source::{LocalVersion, remove_version};

/// Uploads one file to `remote`.
///
/// With [`atomic`](UploadOptions::atomic) the bytes go to a temporary name beside it, which is renamed when the server has
/// all of them (specification 6.6); without, they go under the final name at once.
///
/// Errors: those of the session; [`Integrity`](crate::ErrorKind::Integrity) where the source changed meanwhile or
/// the sizes differ at the end; [`AlreadyExists`](crate::ErrorKind::AlreadyExists) also where the target exists
/// and the server cannot replace it in one step; those of the local file system.
pub async fn upload(
    client: &Arc<dyn Client>,
    local: &Path,
    remote: &RemotePath,
    options: &UploadOptions,
    context: &Context,
) -> Result<Transferred> {
    Upload {
        client,
        remote,
        options,
        context,
    }
    .run(local)
    .await
    .map_err(|e| e.in_operation("upload").with("remote_path", remote))
}

struct Upload<'a> {
    client: &'a Arc<dyn Client>,
    remote: &'a RemotePath,
    options: &'a UploadOptions,
    context: &'a Context,
}

impl Upload<'_> {
    async fn run(&self, local: &Path) -> Result<Transferred> {
        let path = local.to_owned();
        let source = blocking(move || LocalSource::open(&path)).await?;
        let mut number = 0;
        loop {
            let Some(target) = self.target(&mut number).await? else {
                return Ok(Transferred::skipped(FinalName::Remote(self.remote.clone())));
            };
            match self.send(local, &source, target).await {
                // Somebody took the name between the look and the end.
                Err(e) if e.kind() == ErrorKind::AlreadyExists => match self.options.on_existing {
                    OnExisting::Skip => {
                        return Ok(Transferred::skipped(FinalName::Remote(self.remote.clone())));
                    }
                    OnExisting::Rename if number < NUMBERED => number += 1,
                    _ => return Err(e),
                },
                result => return result,
            }
        }
    }

    /// The final name; `None` where it is taken and to be left alone.
    async fn target(&self, number: &mut u32) -> Result<Option<RemotePath>> {
        let options = self.options;
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

    async fn send(&self, local: &Path, source: &LocalSource, target: RemotePath) -> Result<Transferred> {
        let part = if self.options.atomic {
            with_suffix(&target, &self.options.atomic_suffix)?
        } else {
            target.clone()
        };
        let identity = source.identity(local);
        let key = format!("remote:{part}");
        let _claim = self.context.partials.claim(&key).await;
        let mut offset = self.resume_at(&part, &key, &identity).await?;
        let large = source.size >= SMALL;
        let resume = self.options.resume && large;
        if resume {
            self.context.partials.save(&key, &identity).await?;
        } else if large {
            self.context.partials.forget(&key).await?;
        }
        let reach = Reach::new(self.context.progress.clone());
        let mut guard = RemotePart {
            client: self.client.clone(),
            path: part.clone(),
            reach: reach.clone(),
            atomic: self.options.atomic,
            armed: !resume,
        };
        let mut result = self.store_and_verify(local, source, &part, offset, &reach).await;
        if matches!(&result, Err(e) if e.kind() == ErrorKind::Denied) && guard.clear().await {
            offset = 0;
            result = self.store_and_verify(local, source, &part, offset, &reach).await;
        }
        let result = match result {
            Ok(verified) => self.name(&part, &target).await.map(|()| verified),
            Err(e) => Err(e),
        };
        guard.armed = false;
        let forget = match &result {
            Ok(_) => true,
            Err(e) if resume && e.kind() != ErrorKind::Integrity && may_pass(e) => false,
            Err(e) => {
                if !is_broken(e) {
                    guard.remove().await;
                }
                true
            }
        };
        if resume && forget {
            self.context.partials.forget(&key).await?;
        }
        Ok(Transferred {
            outcome: Outcome::Done,
            bytes: source.size.saturating_sub(offset),
            size: source.size,
            resumed_from: Some(offset).filter(|&at| at > 0),
            verified: result?,
            target: FinalName::Remote(target),
            source: Some(source.version.clone()),
        })
    }

    /// Where to go on: what lies on the server already, if it belongs to this version of the source.
    async fn resume_at(&self, part: &RemotePath, key: &str, identity: &Identity) -> Result<u64> {
        let size = identity.size.unwrap_or(0);
        let wanted = self.options.resume && size >= SMALL && self.client.capabilities().resume_upload;
        // A file under the final name is a partial only if it is known as one.
        if !wanted || !self.options.atomic && self.options.on_existing != OnExisting::Replace {
            return Ok(0);
        }
        let found = match self.client.stat(part).await {
            Ok(entry) => entry,
            Err(e) if is_broken(&e) || e.kind() == ErrorKind::Timeout => return Err(e),
            Err(_) => return Ok(0),
        };
        let known = self.context.partials.load(key).await?;
        if known.is_none() && !self.options.atomic || !found.is_file() {
            return Ok(0);
        }
        let partial = Found {
            len: found.size.unwrap_or(u64::MAX),
            modified: found.modified,
        };
        if partial.len > size {
            self.client.remove(part, EntryKind::File).await?;
            return Ok(0);
        }
        Ok(if partial.continues(identity, known.as_ref()) {
            partial.len
        } else {
            0
        })
    }

    async fn store_and_verify(
        &self,
        local: &Path,
        source: &LocalSource,
        part: &RemotePath,
        offset: u64,
        reach: &Arc<Reach>,
    ) -> Result<Verified> {
        let options = CreateOptions {
            offset,
            create_new: !self.options.atomic && self.options.on_existing != OnExisting::Replace,
        };
        let store = async || {
            reach.begin(offset, Some(source.size));
            let file = source.reader(local)?;
            let bytes = Arc::new(FileSource::new(file, local, reach.clone()));
            let request = Store::new(bytes, options, Some(source.size));
            self.client.store(part, request).await
        };
        let reached = match store().await {
            Err(e)
                if self.options.create_parents
                    && matches!(e.kind(), ErrorKind::NotFound | ErrorKind::Failed) =>
            {
                match part.parent() {
                    Some(parent) if make_dir_all(&**self.client, &parent).await? > 0 => store().await?,
                    _ => return Err(e),
                }
            }
            result => result?,
        };
        if reached != source.size || source.size >= SMALL && source.changed(local).await? {
            return Err(Error::new(
                ErrorKind::Integrity,
                format!(
                    "the local path {} changed while it was read: it had {} bytes, and {reached} were sent",
                    local.display(),
                    source.size
                ),
            )
            .with_retry(Retry::Later));
        }
        let verified = match self.client.stat(part).await {
            Ok(Entry { size: Some(size), .. }) if size != source.size => {
                return Err(Error::new(
                    ErrorKind::Integrity,
                    format!("{} bytes were sent, and the server has {size}", source.size),
                )
                .with_retry(Retry::Later));
            }
            Ok(entry) if entry.size.is_some() => Verified::Size,
            Ok(_) => Verified::Nothing,
            // A write-only drop box shows nothing.
            Err(e)
                if matches!(
                    e.kind(),
                    ErrorKind::Denied | ErrorKind::NotFound | ErrorKind::Unsupported
                ) =>
            {
                Verified::Nothing
            }
            Err(e) => return Err(e),
        };
        self.set_attributes(source, part).await?;
        Ok(verified)
    }

    async fn set_attributes(&self, source: &LocalSource, part: &RemotePath) -> Result<()> {
        let capabilities = self.client.capabilities();
        if self.options.preserve_permissions && capabilities.permissions {
            tolerate(self.client.set_permissions(part, source.mode & 0o777).await, part)?;
        }
        if let Some(modified) = source
            .modified
            .filter(|_| self.options.preserve_times && capabilities.set_times)
        {
            tolerate(self.client.set_modified(part, modified).await, part)?;
        }
        Ok(())
    }

    /// Gives a whole partial its final name.
    async fn name(&self, part: &RemotePath, target: &RemotePath) -> Result<()> {
        let replace = match self.options.on_existing {
            _ if !self.options.atomic => return Ok(()),
            OnExisting::Replace if self.options.replace_non_atomically => Replace::NonAtomically,
            OnExisting::Replace => Replace::Atomically,
            OnExisting::Skip | OnExisting::Fail | OnExisting::Rename => Replace::Never,
        };
        rename(&**self.client, part, target, replace, None).await
    }
}

/// Is another attempt, which would continue the partial, of use?
fn may_pass(error: &Error) -> bool {
    error.retry() == Retry::Later || error.kind() == ErrorKind::Cancelled
}

/// The file is whole; that a server refuses its attributes doesn't undo that.
fn tolerate(result: Result<()>, path: &RemotePath) -> Result<()> {
    match result {
        Err(e) if !is_broken(&e) && e.kind() != ErrorKind::Timeout => {
            tracing::warn!(%path, error = %e, "the server did not take an attribute of an uploaded file");
            Ok(())
        }
        result => result,
    }
}

fn with_suffix(target: &RemotePath, suffix: &str) -> Result<RemotePath> {
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
