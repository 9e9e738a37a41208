//! How a whole file gets its final name, once.

use std::path::Path;

use super::{Sending, Upload, source::LocalSource, target::with_suffix};
use crate::{
    Entry, ErrorKind, RemotePath, Result,
    ops::{
        FinalName, Naming, OnExisting, Outcome, Replace, Transferred, Verified, Version,
        directories::is_broken, lost::is_lost, partial::WORTH_NOTING, rename::rename_guarded,
    },
};

impl Upload<'_> {
    /// Gives a whole partial its final name.
    pub(super) async fn name(
        &self,
        sending: &Sending<'_>,
        target: &RemotePath,
        known: Option<&Entry>,
    ) -> Result<()> {
        let replace = match self.options.on_existing {
            _ if !self.options.atomic => return Ok(()),
            OnExisting::Skip | OnExisting::Fail | OnExisting::Rename if self.own.is_none() => Replace::Never,
            _ if self.options.replace_non_atomically => Replace::NonAtomically,
            _ => Replace::Atomically,
        };
        let (context, local) = (self.context, sending.local);
        let noted = replace == Replace::Never || sending.source.size >= WORTH_NOTING;
        if noted {
            let naming = Naming {
                source: sending.identity.clone(),
                target: target.to_text(),
                modified: known.and_then(|entry| entry.modified),
            };
            context
                .partials
                .note_naming(self.remote, local, Some(naming))
                .await?;
        }
        let guard = &*context.guard;
        let named = rename_guarded(&**self.client, sending.part, target, replace, known, guard).await;
        if let Err(e) = &named
            && noted
            && !is_lost(e)
            && !is_broken(e)
        {
            // What becomes of the partial now is not its naming.
            context.partials.note_naming(self.remote, local, None).await?;
        }
        named
    }

    /// What was sent and named by an attempt that was interrupted right then: the file lies there, as it was noted, and the
    /// partial is gone.
    pub(super) async fn named_before(
        &self,
        local: &Path,
        source: &LocalSource,
    ) -> Result<Option<Transferred>> {
        if !self.options.atomic {
            return Ok(None);
        }
        let Some(naming) = self.context.partials.naming(self.remote, local).await? else {
            return Ok(None);
        };
        let target = RemotePath::new(&naming.target)?;
        let part = with_suffix(&target, &self.options.atomic_suffix)?;
        let is_ours = naming.source.is_same_source(&source.identity(local))
            && self.look(&part).await?.is_none()
            && self.look(&target).await?.is_some_and(|there| {
                there.is_file() && there.size == Some(source.size) && !differ(there.modified, naming.modified)
            });
        if !is_ours {
            return Ok(None);
        }
        tracing::info!(remote_path = %target, "an upload was whole when it was interrupted");
        Ok(Some(Transferred {
            outcome: Outcome::Done,
            bytes: 0,
            size: source.size,
            resumed_from: Some(source.size).filter(|&size| size > 0),
            target: FinalName::Remote(target),
            verified: Verified::Size,
            source: Some(Version::Local(source.version.clone())),
        }))
    }

    async fn look(&self, path: &RemotePath) -> Result<Option<Entry>> {
        match self.client.stat(path).await {
            Ok(entry) => Ok(Some(entry)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }
}

fn differ<T: PartialEq>(a: Option<T>, b: Option<T>) -> bool {
    a.zip(b).is_some_and(|(a, b)| a != b)
}
