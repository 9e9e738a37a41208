//! Downloads of one file.

use std::{path::Path, sync::Arc};

use crate::{Client, Entry, Error, ErrorKind, Fetch, FileSink, RemotePath, Result, Retry};

use super::{
    Context, DownloadOptions, FinalName, Identity, Outcome, SMALL, Transferred, Verified, local::Part,
    plan::blocking,
};

/// Downloads one file to `local`.
///
/// The bytes go to `<local>.part` beside it, which is renamed when it is whole; under the final name
/// nothing half-made ever lies. A `.part` of the same source version is continued with
/// [`resume`](DownloadOptions::resume).
///
/// Errors: those of the session; [`Integrity`](crate::ErrorKind::Integrity) where the source changed meanwhile or the
/// sizes differ at the end; [`AlreadyExists`](crate::ErrorKind::AlreadyExists); those of the local file system.
pub async fn download(
    client: &Arc<dyn Client>,
    remote: &RemotePath,
    local: &Path,
    options: &DownloadOptions,
    context: &Context,
) -> Result<Transferred> {
    Download {
        client: &**client,
        remote,
        local,
        options,
        context,
    }
    .run()
    .await
    .map_err(|e| e.in_operation("download").with("remote_path", remote))
}

struct Download<'a> {
    client: &'a dyn Client,
    remote: &'a RemotePath,
    local: &'a Path,
    options: &'a DownloadOptions,
    context: &'a Context,
}

impl Download<'_> {
    async fn run(&self) -> Result<Transferred> {
        let source = self.source().await?;
        let identity = Identity {
            source: self.remote.to_text(),
            size: source.as_ref().and_then(|s| s.size),
            modified: source.as_ref().and_then(|s| s.modified),
            scattered: false,
        };
        let large = identity.size.is_some_and(|size| size >= SMALL);
        let mut options = self.options.clone();
        options.resume &= large;

        let (target, opening) = (self.local.to_owned(), options.clone());
        let Some(mut part) = blocking(move || Part::open(&target, &opening)).await? else {
            return Ok(Transferred::skipped(FinalName::Local(self.local.to_owned())));
        };
        let key = key(self.local);
        let offset = self.resume_at(&mut part, &key, &identity).await?;
        // Without resume, too: a partial whose process was killed stays behind.
        if large {
            self.context.partials.save(&key, &identity).await?;
        }

        let size = match self.fetch(&part, offset, source.as_ref()).await {
            Ok(size) => size,
            Err(e) => {
                if e.kind() == ErrorKind::Integrity {
                    part.keep = false;
                }
                if large && !part.keep {
                    self.context.partials.forget(&key).await?;
                }
                return Err(e);
            }
        };

        let verified = match identity.size {
            Some(_) => Verified::Size,
            None => Verified::Nothing,
        };
        let target = blocking(move || part.finish(size, source.as_ref(), &options)).await?;
        if large {
            self.context.partials.forget(&key).await?;
        }
        let Some(target) = target else {
            return Ok(Transferred::skipped(FinalName::Local(self.local.to_owned())));
        };
        Ok(Transferred {
            outcome: Outcome::Done,
            bytes: size.saturating_sub(offset),
            size,
            resumed_from: Some(offset).filter(|&at| at > 0),
            target: FinalName::Local(target),
            verified,
            source: None,
        })
    }

    /// What the source is; `None` where the server refuses to tell.
    async fn source(&self) -> Result<Option<Entry>> {
        // What a listing told is good enough for a file that is read in one go.
        let listed = self.context.entry.as_ref();
        if let Some(entry) = listed.filter(|e| e.is_file() && e.size.is_some_and(|size| size < SMALL)) {
            return Ok(Some(entry.clone()));
        }
        match self.client.stat(self.remote).await {
            Ok(entry) if entry.is_dir() => Err(Error::new(
                ErrorKind::WrongKind,
                format!("{} is a directory, not a file", self.remote),
            )),
            Ok(entry) => Ok(Some(entry)),
            Err(e) if matches!(e.kind(), ErrorKind::Unsupported | ErrorKind::Denied) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Where to go on. What doesn't belong to this version of the source is thrown away.
    async fn resume_at(&self, part: &mut Part, key: &str, identity: &Identity) -> Result<u64> {
        if part.len == 0 {
            return Ok(0);
        }
        let partial = super::Found {
            len: part.len,
            modified: part.modified,
        };
        let known = self.context.partials.load(key).await?;
        if self.client.capabilities().resume_download && partial.continues(identity, known.as_ref()) {
            return Ok(part.len);
        }
        part.start_over()?;
        Ok(0)
    }

    /// Moves the bytes, and returns the size of the whole when it is that of the source.
    async fn fetch(&self, part: &Part, offset: u64, source: Option<&Entry>) -> Result<u64> {
        let size = source.and_then(|s| s.size);
        self.context.progress.begin(offset, size);
        let sink = FileSink::new(part.writer()?, part.path(), offset, self.context.progress.clone());
        let request = Fetch::new(Arc::new(sink), offset, size);
        let reached = self.client.fetch(self.remote, request).await?;
        let Some(source) = source else {
            return Ok(reached);
        };
        // Bytes read in one go are of one version; for more, look whether the source is still the same.
        let now = if reached >= SMALL || offset > 0 {
            self.client.stat(self.remote).await?
        } else {
            source.clone()
        };
        if now.size != source.size || now.modified != source.modified {
            return Err(Error::new(
                ErrorKind::Integrity,
                format!(
                    "the source changed while it was read (size {} then {}, modified {} then {})",
                    told(source.size),
                    told(now.size),
                    told(source.modified),
                    told(now.modified)
                ),
            )
            .with_retry(Retry::Later));
        }
        match size {
            Some(size) if size != reached => Err(Error::new(
                ErrorKind::Integrity,
                format!("expected {size} bytes, as the server told before, and got {reached}"),
            )
            .with_retry(Retry::Later)),
            _ => Ok(reached),
        }
    }
}

fn key(local: &Path) -> String {
    let local = std::path::absolute(local).unwrap_or_else(|_| local.to_owned());
    format!("local:{}", local.display())
}

fn told<T: std::fmt::Display>(value: Option<T>) -> String {
    value.map_or_else(|| "unknown".into(), |v| v.to_string())
}
