//! What becomes of a source when its file is whole at the target.

use std::{collections::HashSet, path::PathBuf, sync::Arc};

use courier_transfer::{
    Client, EntryKind, Error, ErrorKind, RemotePath, Result,
    ops::{self, Guard, Job, Pattern, Version},
};
use futures::FutureExt;
use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::{OnceCell, Semaphore};

use super::{Step, record::Record, run::blocking, transfer::Direction};
use crate::placeholders::literal;

/// What becomes of sources.
#[derive(Debug)]
pub(super) enum After {
    /// Nothing.
    Keep,
    /// They are deleted.
    Delete,
    /// They go to another name, or into a folder, on the side where they lie.
    Move(Destination),
}

/// Where sources move, on the side where they lie.
#[derive(Debug)]
pub(super) enum Destination {
    /// On the server.
    Remote(Place<RemotePath>),
    /// On this machine.
    Local(Place<PathBuf>),
}

/// A name, or a folder.
#[derive(Debug)]
pub(super) struct Place<P> {
    pub(super) path: P,
    /// It is a folder, whether it exists or not; else it is one only where it lies there.
    pub(super) is_folder: bool,
    /// In a folder, the folders below this one are kept.
    pub(super) base: Option<P>,
}

impl After {
    /// What the step's settings say; `place` reads `move_to`, and hears whether it must be a folder.
    pub(super) fn new(
        step: &Step<'_>,
        several: bool,
        place: impl FnOnce(&str, bool) -> crate::Result<Destination>,
    ) -> crate::Result<Self> {
        Ok(match step.optional_text("after") {
            Some("delete") => Self::Delete,
            Some("move") => {
                let to = step.text("move_to")?;
                Self::Move(place(to, several || to.ends_with('/'))?)
            }
            _ => Self::Keep,
        })
    }

    /// Where sources move to, as a pattern of what to leave out below their base: what was moved is not found again.
    pub(super) fn ignored(&self) -> Result<Option<Pattern>> {
        let below = match self {
            Self::Move(Destination::Remote(place)) => {
                let base = place.base.as_ref();
                base.and_then(|base| Some(place.path.strip_base(base)?.to_text()))
            }
            Self::Move(Destination::Local(place)) => {
                let base = place.base.as_ref();
                base.and_then(|base| Some(place.path.strip_prefix(base).ok()?.to_str()?.to_owned()))
            }
            _ => None,
        };
        let below = below.filter(|below| !below.is_empty());
        below
            .map(|below| Pattern::new(&format!("/{}", literal(&below))))
            .transpose()
    }
}

/// The sources of a step.
pub(super) struct Sources<'a> {
    step: &'a Step<'a>,
    record: &'a Record,
    client: &'a Arc<dyn Client>,
    direction: Direction,
    after: &'a After,
    guard: Arc<dyn Guard>,
    /// How many are deleted or moved at once.
    at_once: Semaphore,
    /// Folders that were made for them.
    made: Mutex<HashSet<RemotePath>>,
    /// It is noted that files in the work folder are all that is left of them.
    taken: OnceCell<()>,
}

/// What has become of a source.
enum Settled {
    /// It is gone.
    Deleted,
    /// It lies there now.
    Moved(String),
    /// Another version has come in its place, which was not sent, and stays.
    Newer,
}

impl<'a> Sources<'a> {
    /// So many files may wait for their sources at once. They wait together for one write to the store.
    pub(super) const WAITING: usize = 512;
    const AT_ONCE: usize = 16;

    pub(super) fn new(
        step: &'a Step<'a>,
        direction: Direction,
        record: &'a Record,
        client: &'a Arc<dyn Client>,
        after: &'a After,
    ) -> Self {
        Self {
            step,
            record,
            client,
            direction,
            after,
            guard: step.state.guard(),
            at_once: Semaphore::new(Self::AT_ONCE),
            made: Mutex::default(),
            taken: OnceCell::new(),
        }
    }

    /// Does nothing become of them?
    pub(super) fn are_kept(&self) -> bool {
        matches!(self.after, After::Keep)
    }

    /// Deletes or moves the source of a file that is whole, if that version still lies there. For a file of an attempt that
    /// was `interrupted` it may have been done already, long ago.
    ///
    /// Errors: those of a session that broke, so that it is tried again; others are noted at the file, which is whole.
    pub(super) async fn settle(&self, job: &Job, source: &Version, interrupted: bool) -> Result<()> {
        if self.are_kept() {
            self.record.source_done(job, None);
            return Ok(());
        }
        // Noted first: after a crash in between the file counts as moved, and is not missed.
        let state = &self.step.state;
        let saved = self.step.engine().persist(|| state.save().boxed()).await;
        saved.map_err(|e| {
            Error::new(ErrorKind::Failed, format!("a moved file could not be noted: {e}"))
                .with_retry(courier_transfer::Retry::Later)
        })?;
        let _permit = self.at_once.acquire().await;
        self.guard.check()?;
        let settled = match source {
            Version::Local(version) => self.local(job, version.clone()).await,
            Version::Remote { size, modified } => {
                match self
                    .is_still((*size, *modified), &job.remote, interrupted)
                    .await?
                {
                    true => self.remote(job).await,
                    false => Ok(Settled::Newer),
                }
            }
        };
        self.step.state.note_unsaved();
        match settled {
            Ok(Settled::Deleted) => self.record.source_done(job, None),
            Ok(Settled::Moved(to)) => self.record.source_done(job, Some(to)),
            Ok(Settled::Newer) => self.keep(
                job,
                "the source was replaced or changed while it was moved; what lies there now was not sent, and is kept",
            ),
            // The attempt before had come so far.
            Err(e) if interrupted && e.kind() == ErrorKind::NotFound => self.record.source_done(job, None),
            Err(e)
                if matches!(
                    e.kind(),
                    ErrorKind::Lost | ErrorKind::Timeout | ErrorKind::Unreachable | ErrorKind::Cancelled
                ) =>
            {
                return Err(e);
            }
            Err(e) => self.keep(
                job,
                &format!("the source could not be {}: {e}", self.participle()),
            ),
        }
        Ok(())
    }

    fn participle(&self) -> &'static str {
        match self.after {
            After::Move(_) => "moved",
            _ => "deleted",
        }
    }

    fn keep(&self, job: &Job, warning: &str) {
        tracing::warn!(execution = %self.step.state.execution, remote_path = %job.remote, local_path = %job.local.display(), "{warning}");
        self.record.warn(job, warning.into());
        self.record.source_done(job, None);
    }

    /// Does this version still lie on the server? Where nothing lies, it is not a newer one. Right after its transfer a
    /// server is believed that tells nothing, or times only by the minute in its listings.
    async fn is_still(
        &self,
        (size, modified): (Option<u64>, Option<Timestamp>),
        path: &RemotePath,
        interrupted: bool,
    ) -> Result<bool> {
        if !interrupted && size.is_none() {
            return Ok(true);
        }
        let is_coarse = modified.is_some_and(|at| at.as_microsecond() % 60_000_000 == 0);
        match self.client.stat(path).await {
            Ok(now) => Ok(now.size == size && (now.modified == modified || (is_coarse && !interrupted))),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(true),
            Err(e) if !interrupted && matches!(e.kind(), ErrorKind::Denied | ErrorKind::Unsupported) => {
                Ok(true)
            }
            Err(e) => Err(e),
        }
    }

    async fn local(&self, job: &Job, version: ops::LocalVersion) -> Result<Settled> {
        let (path, locals) = (job.local.clone(), self.step.locals());
        let to = match self.after {
            After::Move(Destination::Local(to)) => {
                let below = to.base.as_ref().and_then(|base| path.strip_prefix(base).ok());
                let name = path.file_name().map(PathBuf::from).unwrap_or_default();
                let inside = to.path.join(below.map_or(name, PathBuf::from));
                Some((to.path.clone(), to.is_folder, inside))
            }
            _ => None,
        };
        let guard = self.guard.clone();
        blocking(move || {
            // It may have waited for a thread.
            guard.check()?;
            Ok(match to {
                Some((name, is_folder, inside)) => {
                    let to = if is_folder || name.is_dir() { inside } else { name };
                    match ops::move_version(&path, &locals, &version, &to)? {
                        Some(to) => Settled::Moved(to.display().to_string()),
                        None => Settled::Newer,
                    }
                }
                None if ops::remove_version(&path, &locals, &version)? => Settled::Deleted,
                None => Settled::Newer,
            })
        })
        .await
    }

    async fn remote(&self, job: &Job) -> Result<Settled> {
        let from = &job.remote;
        let to = match self.after {
            After::Move(Destination::Remote(to)) => {
                let is_folder =
                    to.is_folder || self.client.stat(&to.path).await.is_ok_and(|entry| entry.is_dir());
                let below = to.base.as_ref().and_then(|base| from.strip_base(base));
                let name = || from.name().map(|name| RemotePath::home().join(&name));
                match below.or_else(name).filter(|_| is_folder) {
                    Some(below) => to.path.join_below(&below),
                    None => to.path.clone(),
                }
            }
            _ => {
                self.note_taken(job).await?;
                let audit = self
                    .step
                    .audit("delete", json!({"path": from, "after": self.direction.verb()}));
                self.guard.check()?;
                let removed = ops::remove(&**self.client, from, EntryKind::File, None).await;
                return audit.finish(removed).map(|()| Settled::Deleted);
            }
        };
        self.make_folder_of(&to).await?;
        let details = json!({"path": from, "new_path": to, "after": self.direction.verb()});
        let audit = self.step.audit("rename", details);
        let moved = ops::rename_to_free_name(&**self.client, from, &to, &*self.guard).await;
        audit.finish(moved).map(|to| Settled::Moved(to.to_text()))
    }

    /// The file here is about to be the last one.
    async fn note_taken(&self, job: &Job) -> Result<()> {
        let (paths, execution) = (&self.step.engine().0.paths, self.step.state.execution);
        if self.direction == Direction::Download && job.local.starts_with(paths.work_dir(execution)) {
            self.taken.get_or_try_init(|| paths.note_taken(execution)).await?;
        }
        Ok(())
    }

    async fn make_folder_of(&self, path: &RemotePath) -> Result<()> {
        let Some(folder) = path.parent().filter(|folder| !folder.is_top()) else {
            return Ok(());
        };
        if !self.made.lock().contains(&folder) {
            ops::make_dir_all(&**self.client, &folder).await?;
            self.made.lock().insert(folder);
        }
        Ok(())
    }
}
