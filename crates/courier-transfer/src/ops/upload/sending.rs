//! The bytes: how they get into the partial on the server, over as many sessions as break meanwhile.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
};

use crate::{
    CreateOptions, Entry, EntryKind, Error, ErrorKind, FileSource, Parts, Progress, RemotePath, Result,
    Retry, Store,
};

use super::{Upload, part::Reach, source::LocalSource};
use crate::ops::{
    Found, Identity, OnExisting, SMALL, Verified,
    beginning::begin_alike,
    directories::{is_broken, make_dir_all},
    lost::{is_lost, may_go_on},
    remove::remove,
    verify::verify,
};

/// What is sent where.
pub(super) struct Sending<'a> {
    pub(super) local: &'a Path,
    pub(super) source: &'a LocalSource,
    pub(super) part: &'a RemotePath,
    pub(super) key: &'a str,
    pub(super) identity: Identity,
    pub(super) reach: Arc<Reach>,
    /// May the partial be continued by another attempt?
    pub(super) resumes: bool,
    /// What is noted of the partial, as this upload's: whether it may have holes.
    pub(super) noted: Option<bool>,
    /// What the server told of it in the same go as the last byte.
    pub(super) after: Arc<OnceLock<Entry>>,
    /// Where it was continued.
    pub(super) begun_at: u64,
    /// Bytes that the server has taken, over all sessions.
    pub(super) moved: u64,
}

/// A whole partial.
pub(super) struct Whole {
    pub(super) verified: Verified,
    /// What the server tells of it; `None` where it doesn't.
    pub(super) entry: Option<Entry>,
}

impl Upload<'_> {
    /// Can a partial be continued?
    fn resumes(&self, size: u64) -> bool {
        size >= SMALL && self.client.capabilities().resume_upload
    }

    /// Where to begin: at the end of what lies on the server already, if it belongs to this version of the source.
    pub(super) async fn resume_at(
        &self,
        local: &Path,
        source: &LocalSource,
        part: &RemotePath,
        key: &str,
        identity: &mut Identity,
    ) -> Result<u64> {
        let size = identity.size.unwrap_or(0);
        // A file under the final name is a partial only if it is known as one.
        let resumes = self.options.resume && self.resumes(size);
        if !resumes || !self.options.atomic && self.options.on_existing != OnExisting::Replace {
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
            // A server doesn't show them.
            has_holes: false,
        };
        if partial.len > size {
            self.take_away(part, &found).await?;
            return Ok(0);
        }
        let parts = self.client.capabilities().parts;
        let mut at = partial.resumes_at(identity, known.as_ref(), parts).unwrap_or(0);
        if known.is_none()
            && at > 0
            && !begin_alike(&**self.client, part, source.reader(local)?, local, at).await?
        {
            at = 0;
        }
        // What lies behind is still there, holes and all.
        identity.scattered = (1..partial.len).contains(&at);
        Ok(at)
    }

    async fn take_away(&self, part: &RemotePath, found: &Entry) -> Result<()> {
        match remove(&**self.client, part, EntryKind::File, Some(found)).await {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }

    /// Sends what is missing, and compares both ends.
    pub(super) async fn store_and_verify(&self, sending: &mut Sending<'_>) -> Result<Whole> {
        let (local, source) = (sending.local, sending.source);
        let reached = self.store_all(sending).await?;
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
        let mut whole = match sending.after.get() {
            Some(entry) if entry.size == Some(source.size) => Whole {
                verified: Verified::Size,
                entry: Some(Entry {
                    path: sending.part.clone(),
                    ..entry.clone()
                }),
            },
            // Whatever else was told on the way is looked at anew.
            _ => self.compare(source.size, sending.part).await?,
        };
        if whole.verified == Verified::Size {
            let (file, size) = (source.reader(local)?, source.size);
            whole.verified = verify(
                &**self.client,
                sending.part,
                file,
                local,
                size,
                self.options.verify,
            )
            .await?;
        }
        if self.set_attributes(source, sending.part).await?
            && let Some(entry) = &mut whole.entry
        {
            entry.modified = None;
        }
        Ok(whole)
    }

    async fn store_all(&self, sending: &mut Sending<'_>) -> Result<u64> {
        let mut options = CreateOptions {
            offset: sending.begun_at,
            create_new: !self.options.atomic && self.options.on_existing != OnExisting::Replace,
        };
        let mut cleared = false;
        loop {
            let stored = self.store_making_parents(sending, options).await;
            let acknowledged = sending.reach.acknowledged();
            sending.moved += acknowledged.saturating_sub(options.offset);
            let error = match stored {
                Ok(reached) => return Ok(reached),
                Err(e) => e,
            };
            let nothing = acknowledged == options.offset;
            if may_go_on(&**self.client, &error) {
                tracing::info!(path = %sending.part, acknowledged_bytes = acknowledged, %error, "going on with an upload");
                options = self
                    .after_loss(sending, options)
                    .await
                    .map_err(|e| e.with("acknowledged_bytes", acknowledged))?;
            } else if error.kind() == ErrorKind::Denied
                && nothing
                && !cleared
                && self.clear(sending.part).await
            {
                cleared = true;
                options.offset = 0;
                sending.begun_at = 0;
            } else if is_lost(&error) {
                return Err(error.with("acknowledged_bytes", acknowledged));
            } else {
                return Err(error);
            }
        }
    }

    /// Takes a partial away that the server doesn't let be opened again for writing, as ProFTPD without
    /// `AllowOverwrite`. Was there one?
    async fn clear(&self, part: &RemotePath) -> bool {
        self.options.atomic && self.client.remove(part, EntryKind::File).await.is_ok()
    }

    /// How to go on when the session broke: looks how far the partial really is.
    async fn after_loss(&self, sending: &mut Sending<'_>, before: CreateOptions) -> Result<CreateOptions> {
        let size = sending.source.size;
        let acknowledged = sending.reach.acknowledged();
        // Before the first answer nothing tells whether the file that must be new was made.
        let anew = CreateOptions {
            offset: 0,
            create_new: before.create_new,
        };
        let there = match self.client.stat(sending.part).await {
            Ok(found) if found.size.is_some_and(|there| there > size) => {
                if acknowledged == 0 {
                    return Ok(anew);
                }
                self.take_away(sending.part, &found).await?;
                return Ok(CreateOptions::default());
            }
            Ok(found) => found.size.unwrap_or(acknowledged),
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(anew),
            // A write-only drop box shows nothing.
            Err(e) if matches!(e.kind(), ErrorKind::Denied | ErrorKind::Unsupported) => {
                if acknowledged == 0 {
                    return Ok(anew);
                }
                acknowledged
            }
            Err(e) => return Err(e),
        };
        if before.create_new {
            // It wasn't there when the upload began.
            sending.reach.own();
        }
        // Beyond what was acknowledged there may be holes, and before the first answer what lies there may still be
        // another file: what was under way is sent again.
        let offset = match self.options.go_on && self.resumes(size) {
            true => there.min(acknowledged),
            false => 0,
        };
        Ok(CreateOptions {
            offset,
            create_new: false,
        })
    }

    async fn store_making_parents(&self, sending: &mut Sending<'_>, options: CreateOptions) -> Result<u64> {
        match self.store(sending, options).await {
            Err(e)
                if self.options.create_parents
                    && matches!(e.kind(), ErrorKind::NotFound | ErrorKind::Failed) =>
            {
                match sending.part.parent() {
                    Some(parent) if make_dir_all(&**self.client, &parent).await? > 0 => {
                        self.store(sending, options).await
                    }
                    _ => Err(e),
                }
            }
            result => result,
        }
    }

    /// Sends the bytes over one session, or several that share them.
    async fn store(&self, sending: &mut Sending<'_>, options: CreateOptions) -> Result<u64> {
        let size = sending.source.size;
        let shared = self.client.lanes(size.saturating_sub(options.offset)) > 1;
        // A file that is begun anew has no holes from before.
        sending.identity.scattered = shared || sending.identity.scattered && options.offset > 0;
        if options.offset > 0 {
            self.note(sending).await?;
        }
        sending.reach.begin(options.offset, Some(size));
        let file = sending.source.reader(sending.local)?;
        let after = Arc::<OnceLock<Entry>>::default();
        sending.after = after.clone();
        let request = Store {
            after: Some(after),
            parts: shared.then(|| Parts::new(options.offset, size)),
            rate: self.context.rate.clone(),
            ..Store::new(
                Arc::new(FileSource::new(file, sending.local, sending.reach.clone())),
                options,
                Some(size),
            )
        };
        if !self.options.atomic {
            self.context.guard.check()?;
        }
        let mut storing = self.client.store(sending.part, request);
        if options.offset > 0 {
            return storing.await;
        }
        // Until the first bytes are there another file's partial may be, which must not be taken for this one's. Other
        // sessions join only behind them, so that it is noted before there are holes.
        let reach = sending.reach.clone();
        tokio::select! {
            biased;
            () = reach.begun() => {}
            stored = &mut storing => {
                if stored.is_err() && reach.has_begun() {
                    self.note(sending).await?;
                }
                return stored;
            }
        }
        self.note(sending).await?;
        storing.await
    }

    /// Notes what the partial is a part of, where it may be continued, or have holes, and that is not noted yet.
    async fn note(&self, sending: &mut Sending<'_>) -> Result<()> {
        let scattered = sending.identity.scattered;
        if (sending.resumes || scattered) && sending.noted != Some(scattered) {
            self.context.partials.save(sending.key, &sending.identity).await?;
            sending.noted = Some(scattered);
        }
        Ok(())
    }

    /// Does the server have all that was sent?
    async fn compare(&self, sent: u64, part: &RemotePath) -> Result<Whole> {
        match self.client.stat(part).await {
            Ok(Entry { size: Some(size), .. }) if size != sent => Err(Error::new(
                ErrorKind::Integrity,
                format!("{sent} bytes were sent, and the server has {size}"),
            )
            .with_retry(Retry::Later)),
            Ok(entry) => Ok(Whole {
                verified: entry.size.map_or(Verified::Nothing, |_| Verified::Size),
                entry: Some(entry),
            }),
            // A write-only drop box shows nothing.
            Err(e)
                if matches!(
                    e.kind(),
                    ErrorKind::Denied | ErrorKind::NotFound | ErrorKind::Unsupported
                ) =>
            {
                Ok(Whole {
                    verified: Verified::Nothing,
                    entry: None,
                })
            }
            Err(e) => Err(e),
        }
    }

    /// Gives the file the source's attributes; answers whether its time may have changed.
    async fn set_attributes(&self, source: &LocalSource, part: &RemotePath) -> Result<bool> {
        let capabilities = self.client.capabilities();
        if self.options.preserve_permissions && capabilities.permissions {
            tolerate(self.client.set_permissions(part, source.mode & 0o777).await, part)?;
        }
        let modified = source
            .modified
            .filter(|_| self.options.preserve_times && capabilities.set_times);
        if let Some(modified) = modified {
            tolerate(self.client.set_modified(part, modified).await, part)?;
        }
        Ok(modified.is_some())
    }
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
