//! Uploads of one file.

mod moved;
mod naming;
mod part;
mod sending;
mod source;
mod target;

use std::{path::Path, sync::Arc};

use crate::{Client, ErrorKind, RemotePath, Result, Retry};

use super::{
    Context, FinalName, OnExisting, Outcome, SMALL, Transferred, UploadOptions, Version, blocking::quickly,
    directories::is_broken, names::NUMBERED,
};
pub use moved::move_version;
use part::{Reach, RemotePart};
use sending::Sending;
use source::LocalSource;
pub use source::{LocalVersion, remove_version};
use target::with_suffix;

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
    let uploaded = async {
        let own = context.partials.sent(remote, local).await?;
        let upload = Upload {
            client,
            remote,
            options,
            context,
            own,
        };
        upload.run(local).await
    };
    uploaded
        .await
        .map_err(|e| e.in_operation("upload").with("remote_path", remote))
}

struct Upload<'a> {
    client: &'a Arc<dyn Client>,
    remote: &'a RemotePath,
    options: &'a UploadOptions,
    context: &'a Context,
    /// Where an earlier try has put it.
    own: Option<RemotePath>,
}

impl Upload<'_> {
    async fn run(&self, local: &Path) -> Result<Transferred> {
        let (path, locals) = (local.to_owned(), self.context.locals.clone());
        let source = quickly(move || LocalSource::open(&path, &locals)).await?;
        if let Some(done) = self.named_before(local, &source).await? {
            return Ok(done);
        }
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

    async fn send(&self, local: &Path, source: &LocalSource, target: RemotePath) -> Result<Transferred> {
        let part = if self.options.atomic {
            with_suffix(&target, &self.options.atomic_suffix)?
        } else {
            target.clone()
        };
        let mut identity = source.identity(local);
        let key = format!("remote:{part}");
        let _claim = self.context.partials.claim(&key).await;
        let offset = self.resume_at(local, source, &part, &key, &mut identity).await?;
        let large = source.size >= SMALL;
        let resume = self.options.resume && large;
        if large && !resume {
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
        let mut sending = Sending {
            local,
            source,
            part: &part,
            key: &key,
            identity,
            reach,
            resumes: resume,
            noted: None,
            after: Arc::default(),
            begun_at: offset,
            moved: 0,
        };
        let result = match self.store_and_verify(&mut sending).await {
            Ok(whole) => self
                .name(&sending, &target, whole.entry.as_ref())
                .await
                .map(|()| whole.verified),
            Err(e) => Err(e),
        };
        guard.armed = false;
        let is_gone = match &result {
            Ok(_) => true,
            // Nobody can remove it now, or somebody is to continue it.
            Err(e) if is_broken(e) => false,
            Err(e) if resume && e.kind() != ErrorKind::Integrity && e.retry() == Retry::Later => false,
            Err(_) => {
                guard.remove().await;
                true
            }
        };
        if is_gone && (resume || sending.noted.is_some()) {
            self.context.partials.forget(&key).await?;
        }
        Ok(Transferred {
            outcome: Outcome::Done,
            bytes: sending.moved,
            size: source.size,
            resumed_from: Some(sending.begun_at).filter(|&at| at > 0),
            verified: result?,
            target: FinalName::Remote(target),
            source: Some(Version::Local(source.version.clone())),
        })
    }
}
