//! Files that somebody wants to be pulled anew.

use courier_store::pulls::{Entry, Replay, ReplayOf};
use courier_transfer::{Error as TransferError, ErrorKind, RemotePath};
use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use uuid::Uuid;

use super::{file::File, find::modified, run::Pull, transfer::hits_all};
use crate::{Error, Result};

/// Wishes that are read at once.
const PAGE: u64 = 200;
/// Files that are looked at, at once.
const AT_ONCE: usize = 16;

/// What a wish leads to.
#[derive(Debug)]
pub(super) enum Wish {
    /// It is pulled anew, as it lies there now.
    File(File),
    /// It is not there any more; the wish is over.
    Gone(Uuid, Box<Entry>),
    /// It can't be looked at.
    Failed(RemotePath, Error),
}

/// What the mapping is to pull anew, as the server has it now, without a look at whether it is ready. What a call before this one
/// has told is left out.
pub(super) fn wishes(pull: &Pull) -> BoxStream<'_, Result<Vec<Wish>>> {
    let pages = stream::try_unfold((), move |()| async move {
        let after = *pull.last_wish.lock();
        let store = &pull.engine.0.store;
        let wishes = store
            .pulls()
            .open_replays(pull.puller.mapping, after, PAGE)
            .await?;
        let Some(last) = wishes.last() else {
            return Ok(None);
        };
        *pull.last_wish.lock() = Some(last.id);
        Ok(Some((wishes, ())))
    });
    pages
        .and_then(move |wishes| async move {
            let looks = stream::iter(wishes).map(move |wish| look(pull, wish));
            looks.buffered(AT_ONCE).try_collect().await
        })
        .boxed()
}

async fn look(pull: &Pull, wish: Replay) -> Result<Wish> {
    let Ok(path) = RemotePath::new(&wish.entry.path) else {
        return Ok(Wish::Gone(wish.id, Box::new(wish.entry)));
    };
    let now = match pull.client.stat(&path).await {
        Ok(now) if now.is_file() => now,
        Ok(_) => return Ok(Wish::Gone(wish.id, Box::new(wish.entry))),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(Wish::Gone(wish.id, Box::new(wish.entry)));
        }
        Err(error) if hits_all(&error) => return Err(error.into()),
        Err(error) => return Ok(Wish::Failed(path, error.into())),
    };
    if leads_out(pull, &path).await {
        let message = "it is a link by now that leads out of the mapped folder, and is not followed";
        let error = TransferError::new(ErrorKind::Denied, message);
        return Ok(Wish::Failed(path, error.into()));
    }
    let below = path.strip_base(&pull.definition.remote_path);
    let name = || path.name().map(|name| RemotePath::home().join(&name));
    Ok(Wish::File(File {
        relative: below.or_else(name).unwrap_or_else(|| path.clone()),
        path,
        size: now.size.unwrap_or(wish.entry.size),
        modified: modified(&now),
        marker: None,
        versions: 0,
        replay: Some(ReplayOf {
            replay: wish.id,
            entry: wish.entry.id,
        }),
        ghost: None,
    }))
}

/// Has a link come in the file's place, or in a folder's above it, that leads out of the mapped folder? A look at a file follows
/// links, which listings don't.
async fn leads_out(pull: &Pull, path: &RemotePath) -> bool {
    let folder = &pull.definition.remote_path;
    let real = pull.client.canonicalize(path).await;
    match (real, pull.client.canonicalize(folder).await) {
        (Ok(real), Ok(root)) => path.strip_base(folder).is_some() && real.strip_base(&root).is_none(),
        // A server that tells neither is believed.
        _ => false,
    }
}
