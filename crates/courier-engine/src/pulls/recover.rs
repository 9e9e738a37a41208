//! What a pull that was interrupted has left.

use std::{collections::HashMap, sync::Arc, time::Duration};

use courier_storage::{Found, ObjectKey, Storage};
use courier_store::pulls::{Group, Intent, Modified, Pulled};
use courier_transfer::RemotePath;
use futures::{StreamExt, TryStreamExt, stream};
use uuid::Uuid;

use super::{
    file::File,
    record::{Writing, free, write},
    run::Pull,
    tally::{Shown, Tally, hex},
    transfer::{Sha256, stored_sha256},
};
use crate::{Error, Result};

/// Intents that are settled at once, and written together.
const AT_ONCE: usize = 8;
const GROUP: usize = 100;
/// A mark that is this old, and that nobody here knows, belongs to nothing that goes on now.
const OLD: Duration = Duration::from_hours(24);

/// Marks of objects that a process which was thought dead may still make: by the version that they would be of.
#[derive(Debug, Default)]
pub(super) struct Ghosts(HashMap<(Vec<u8>, u64, Modified), Uuid>);

impl Ghosts {
    /// The mark that an object of this file may have, other than its own.
    pub(super) fn of(&self, file: &File) -> Option<Uuid> {
        let version = (file.path.as_wire().to_owned(), file.size, file.modified);
        self.0.get(&version).copied()
    }
}

/// What became of an intent.
enum Settled {
    /// Its object is whole.
    Whole(Arc<dyn Storage>, ObjectKey, Sha256),
    /// There is none, and what was begun of it is gone.
    Nothing,
    /// It can't be told. The intent stays, and its file waits.
    Not(Error),
}

/// Settles what pulls of this mapping have left that were interrupted: whole objects become entries of the history, the rest
/// is discarded, and its files are found again.
///
/// # Errors
/// Those of the store, and of the mapping's storage: as long as it can't be told what is in it, nothing can be pulled. Where
/// that is so of another one, into which the mapping pulled before, the files that were on their way there fail alone.
pub(super) async fn settle(pull: &Arc<Pull>, tally: &mut Tally) -> Result<Ghosts> {
    let mut ghosts = Ghosts::default();
    let intents = pull.engine.0.store.pulls().open(pull.puller).await?;
    for intents in intents.chunks(GROUP) {
        let settled = stream::iter(intents.to_vec()).map(|intent| async {
            let settled = match settle_one(pull, &intent).await {
                Err(error) if is_of_one(pull, &intent, &error) => Settled::Not(error),
                settled => settled?,
            };
            pull.state.progressed();
            Ok::<_, Error>((intent, settled))
        });
        let settled: Vec<(Intent, Settled)> = settled.buffer_unordered(AT_ONCE).try_collect().await?;
        // One group for each storage, which is nearly always the mapping's.
        let mut groups: Vec<(Arc<dyn Storage>, Writing)> = vec![(pull.storage.clone(), Writing::default())];
        for (intent, settled) in settled {
            match settled {
                Settled::Not(error) => tally.failed(String::from_utf8_lossy(&intent.path), error),
                Settled::Nothing => {
                    if let Some((_, writing)) = groups.first_mut() {
                        writing.group.drop.push(intent.id);
                    }
                    ghosts
                        .0
                        .insert((intent.path, intent.size, intent.modified), intent.id);
                }
                Settled::Whole(storage, key, sha256) => {
                    let at = groups.iter().position(|(known, _)| Arc::ptr_eq(known, &storage));
                    let at = at.unwrap_or_else(|| {
                        groups.push((storage, Writing::default()));
                        groups.len() - 1
                    });
                    if let Some((_, writing)) = groups.get_mut(at) {
                        add(pull, writing, &intent, key, sha256);
                    }
                    tally.pulled(&Shown {
                        path: String::from_utf8_lossy(&intent.path).into_owned(),
                        size: intent.size,
                        sha256: hex(&sha256),
                        destination: intent.destination.clone(),
                    });
                }
            }
        }
        for (storage, writing) in groups {
            if !writing.group.is_empty() {
                write(pull, &*storage, &writing).await?;
                free(&*storage, &writing.objects).await;
            }
        }
    }
    forget_marks(pull).await;
    Ok(ghosts)
}

/// Is this an error of one file, rather than of all that are to be pulled?
fn is_of_one(pull: &Pull, intent: &Intent, error: &Error) -> bool {
    match error {
        Error::Store(_) => false,
        Error::Storage(error) if intent.storage_id == pull.storage_id => !error.hits_all(),
        _ => intent.storage_id != pull.storage_id,
    }
}

fn add(pull: &Pull, writing: &mut Writing, intent: &Intent, key: ObjectKey, sha256: Sha256) {
    let Group { record, .. } = &mut writing.group;
    record.push(Pulled {
        id: intent.id,
        sha256,
        after: pull.after_state(),
    });
    writing.objects.push((key, intent.id));
}

async fn settle_one(pull: &Pull, intent: &Intent) -> Result<Settled> {
    let path = || RemotePath::new(&intent.path).map_or_else(|_| "?".into(), |path| path.to_text());
    let storage = if intent.storage_id == pull.storage_id {
        pull.storage.clone()
    } else {
        match pull.engine.storages().open(intent.storage_id).await {
            Ok((_, storage)) => storage,
            Err(Error::NotFound { .. }) => {
                tracing::warn!(
                    path = path(),
                    "the storage is gone that a file was being pulled into"
                );
                return Ok(Settled::Nothing);
            }
            Err(error) => return Err(error),
        }
    };
    let Ok(key) = ObjectKey::new(&intent.key) else {
        return Ok(Settled::Nothing);
    };
    if storage.locate(&key) != intent.destination {
        tracing::warn!(
            path = path(),
            destination = intent.destination,
            "the storage leads elsewhere since a file was being pulled"
        );
        return Ok(Settled::Nothing);
    }
    // In this order: once what was begun is gone, who began it can't finish it any more.
    storage.discard(&key, intent.id).await?;
    match storage.find(&key, intent.id).await? {
        Found::Ours { size } if size == intent.size => {
            let sha256 = stored_sha256(pull, &*storage, &key, intent.id).await?;
            Ok(Settled::Whole(storage, key, sha256))
        }
        Found::Ours { .. } | Found::Foreign | Found::Absent => Ok(Settled::Nothing),
    }
}

/// Clears the storage of marks that nobody needs any more: a process died between writing an object down and freeing it.
async fn forget_marks(pull: &Pull) {
    let forgotten = async {
        let marks = pull.storage.marks(Duration::ZERO).await?;
        if marks.is_empty() {
            return Ok(());
        }
        let known = pull.engine.0.store.pulls().are_recorded(&marks).await?;
        // What isn't known may be of somebody who shares the folder, and is still writing.
        let old = pull.storage.marks(OLD).await?;
        let unknown = old.into_iter().filter(|mark| !known.contains_key(mark));
        let recorded = known.iter().filter(|(_, is_recorded)| **is_recorded);
        let needless: Vec<Uuid> = recorded.map(|(mark, _)| *mark).chain(unknown).collect();
        pull.storage.forget(&needless).await?;
        Ok::<_, Error>(())
    };
    if let Err(error) = forgotten.await {
        tracing::warn!(%error, "old marks stay in the storage");
    }
}
