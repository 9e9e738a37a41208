//! Downloads of one file.

mod naming;

use std::{path::Path, sync::Arc};

use crate::{Client, Entry, Error, ErrorKind, Fetch, FileSink, Parts, RemotePath, Result, Retry, Sink};

use super::{
    Context, DownloadOptions, FinalName, Found, Identity, OnExisting, Outcome, SMALL, Transferred, Verified,
    Version,
    beginning::begin_alike,
    blocking::quickly,
    local::Part,
    lost::{is_lost, may_go_on},
    partial::WORTH_NOTING,
    verify::verify,
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
    let downloaded = async {
        let own = context.partials.fetched(remote, local).await?;
        let on_existing = match own {
            Some(_) => OnExisting::Replace,
            None => options.on_existing,
        };
        let download = Download {
            client: &**client,
            remote,
            local: own.as_deref().unwrap_or(local),
            options: &DownloadOptions {
                on_existing,
                ..options.clone()
            },
            context,
        };
        download.run().await
    };
    downloaded
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
        let mut identity = Identity {
            source: self.remote.to_text(),
            size: source.as_ref().and_then(|s| s.size),
            modified: source.as_ref().and_then(|s| s.modified),
            scattered: false,
        };
        let version = Version::Remote {
            size: source.as_ref().and_then(|s| s.size),
            modified: source.as_ref().and_then(|s| s.modified),
        };
        if let Some(target) = self.named_before(&identity).await? {
            tracing::info!(remote_path = %self.remote, "a download was whole when it was interrupted");
            let size = identity.size.unwrap_or(0);
            return Ok(Transferred {
                outcome: Outcome::Done,
                bytes: 0,
                size,
                resumed_from: Some(size).filter(|&at| at > 0),
                target: FinalName::Local(target),
                verified: Verified::Size,
                source: Some(version),
            });
        }
        let large = identity.size.is_some_and(|size| size >= SMALL);
        let mut options = self.options.clone();
        options.resume &= large;

        let (target, opening) = (self.local.to_owned(), options.clone());
        let locals = self.context.locals.clone();
        let Some(mut part) = quickly(move || Part::open(&target, &locals, &opening)).await? else {
            return Ok(Transferred::skipped(FinalName::Local(self.local.to_owned())));
        };
        let key = key(self.local);
        let offset = self.resume_at(&mut part, &key, &identity).await?;
        // Without resume, too: a partial whose process was killed stays behind.
        if large {
            self.context.partials.save(&key, &identity).await?;
        }

        let mut moved = 0;
        let fetched = self
            .fetch_all(&mut part, &key, &mut identity, source.as_ref(), &mut moved)
            .await;
        let verified = match fetched {
            Ok(size) => self.verify(&part, size, source.as_ref()).await.map(|v| (size, v)),
            Err(e) => Err(e),
        };
        let (size, verified) = match verified {
            Ok(done) => done,
            Err(e) => {
                if e.kind() == ErrorKind::Integrity {
                    part.keep = false;
                }
                // One that is empty is not kept.
                if large && (!part.keep || part.len == 0) {
                    self.context.partials.forget(&key).await?;
                }
                return Err(e);
            }
        };

        if size >= WORTH_NOTING {
            self.context.partials.ready().await?;
        }
        self.note_naming(&part, &identity).await?;
        let guard = self.context.guard.clone();
        let target = quickly(move || part.finish(size, source.as_ref(), &options, &*guard)).await?;
        if large {
            self.context.partials.forget(&key).await?;
        }
        let Some(target) = target else {
            return Ok(Transferred::skipped(FinalName::Local(self.local.to_owned())));
        };
        Ok(Transferred {
            outcome: Outcome::Done,
            bytes: moved,
            size,
            resumed_from: Some(offset).filter(|&at| at > 0),
            target: FinalName::Local(target),
            verified,
            source: Some(version),
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
            Err(e) if is_refusal(&e) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Where to go on. What doesn't belong to this version of the source is thrown away.
    async fn resume_at(&self, part: &mut Part, key: &str, identity: &Identity) -> Result<u64> {
        if part.len == 0 {
            return Ok(0);
        }
        let partial = Found {
            len: part.len,
            modified: part.modified,
            has_holes: part.has_holes,
        };
        let known = self.context.partials.load(key).await?;
        let capabilities = self.client.capabilities();
        let mut at = partial
            .resumes_at(identity, known.as_ref(), capabilities.parts)
            .filter(|_| capabilities.resume_download)
            .unwrap_or(0);
        if known.is_none()
            && at > 0
            && !begin_alike(self.client, self.remote, part.handle()?, part.path(), at).await?
        {
            at = 0;
        }
        if at < part.len {
            part.cut(at)?;
        }
        Ok(at)
    }

    /// Moves the bytes that are missing, over as many sessions as break meanwhile, and returns the size of the whole when
    /// it is that of the source.
    async fn fetch_all(
        &self,
        part: &mut Part,
        key: &str,
        identity: &mut Identity,
        source: Option<&Entry>,
        moved: &mut u64,
    ) -> Result<u64> {
        loop {
            let offset = part.len;
            let fetched = self.fetch(part, key, identity, source).await;
            *moved += part.len - offset;
            let lost = match fetched {
                Ok(size) => return self.compare(size, offset, source).await.map(|()| size),
                Err(e) if may_go_on(self.client, &e) => e,
                Err(e) if is_lost(&e) => return Err(e.with("arrived_bytes", part.len)),
                Err(e) => return Err(e),
            };
            tracing::info!(remote_path = %self.remote, arrived_bytes = part.len, %lost, "going on with a download");
            match (self.client.stat(self.remote).await, source) {
                (Ok(now), Some(source)) => unchanged(source, &now)?,
                (Ok(_), None) => {}
                (Err(e), None) if is_refusal(&e) => {}
                (Err(e), _) => return Err(e.with("arrived_bytes", part.len)),
            }
            let resumes = self.options.go_on && self.client.capabilities().resume_download;
            // Of a source that doesn't tell its size and time nothing is known to be the same.
            if !resumes || identity.size.is_none_or(|size| size < SMALL) || identity.modified.is_none() {
                part.start_over()?;
            }
        }
    }

    /// Moves the bytes over one session, or several that share them. The partial's length is how far that came.
    async fn fetch(
        &self,
        part: &mut Part,
        key: &str,
        identity: &mut Identity,
        source: Option<&Entry>,
    ) -> Result<u64> {
        let (offset, size) = (part.len, source.and_then(|s| s.size));
        let rest = size.and_then(|size| size.checked_sub(offset));
        let shared = rest.filter(|&rest| self.client.lanes(rest) > 1);
        self.note(key, identity, shared.is_some()).await?;
        self.context.progress.begin(offset, size);
        let progress = self.context.progress.clone();
        let sink = FileSink::new(part.handle()?, part.path(), offset, progress).at_most(size);
        let sink = Arc::new(sink);
        let request = Fetch {
            parts: shared.map(|rest| Parts::new(offset, offset + rest)),
            rate: self.context.rate.clone(),
            ..Fetch::new(sink.clone(), offset, size)
        };
        let fetched = self.client.fetch(self.remote, request).await;
        part.len = sink.close().map_err(|e| sink.error(e))?;
        self.note(key, identity, false).await?;
        fetched
    }

    /// Notes whether the partial may have holes, before there can be any, and when there are none any more.
    async fn note(&self, key: &str, identity: &mut Identity, scattered: bool) -> Result<()> {
        if identity.scattered != scattered {
            identity.scattered = scattered;
            self.context.partials.save(key, identity).await?;
        }
        Ok(())
    }

    /// Is what came the whole source, in one version of it?
    async fn compare(&self, reached: u64, offset: u64, source: Option<&Entry>) -> Result<()> {
        let Some(source) = source else {
            return Ok(());
        };
        // Bytes read in one go are of one version; for more, look whether the source is still the same.
        if reached >= SMALL || offset > 0 {
            unchanged(source, &self.client.stat(self.remote).await?)?;
        }
        match source.size {
            Some(size) if size != reached => Err(Error::new(
                ErrorKind::Integrity,
                format!("expected {size} bytes, as the server told before, and got {reached}"),
            )
            .with_retry(Retry::Later)),
            _ => Ok(()),
        }
    }

    async fn verify(&self, part: &Part, size: u64, source: Option<&Entry>) -> Result<Verified> {
        if source.is_none_or(|source| source.size.is_none()) {
            return Ok(Verified::Nothing);
        }
        let (file, path) = (part.handle()?, part.path());
        verify(self.client, self.remote, file, path, size, self.options.verify).await
    }
}

/// Does a server that doesn't tell what lies there let it be read nevertheless?
fn is_refusal(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Denied)
}

fn unchanged(source: &Entry, now: &Entry) -> Result<()> {
    if now.size == source.size && now.modified == source.modified {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Integrity,
        format!(
            "the source changed while it was read (size {} then {}, modified {} then {})",
            told(source.size),
            told(now.size),
            told(source.modified),
            told(now.modified)
        ),
    )
    .with_retry(Retry::Later))
}

fn key(local: &Path) -> String {
    let local = std::path::absolute(local).unwrap_or_else(|_| local.to_owned());
    format!("local:{}", local.display())
}

fn told<T: std::fmt::Display>(value: Option<T>) -> String {
    value.map_or_else(|| "unknown".into(), |v| v.to_string())
}
