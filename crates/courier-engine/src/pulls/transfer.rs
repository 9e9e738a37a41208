//! The bytes of one file, from the server into its object.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use courier_storage::{Error as StorageError, ErrorKind as StorageKind, Found, ObjectKey, Storage, Upload};
use courier_transfer::{Client, Error as TransferError, ErrorKind, Fetch, OpenOptions, Retry};
use futures::StreamExt;
use uuid::Uuid;

use super::{
    buffer::Buffer,
    file::{Begun, File},
    run::Pull,
    stages,
};
use crate::{Error, Result, live::Moving};

/// Sessions in a row that may break over one file before that is the file's fault.
const LOSSES: u32 = 5;
/// How often a file is tried again where the storage can't be had for a moment, or the server gives no rest.
const TRIES: u32 = 3;
/// The first wait for the storage, which doubles.
const STORAGE_WAIT: Duration = Duration::from_millis(500);

/// The SHA-256 of a file.
pub(super) type Sha256 = [u8; 32];

/// What came of a file.
#[derive(Debug)]
pub(super) enum Moved {
    /// Its object is whole.
    Stored(Sha256),
    /// Its name belongs to something else.
    Taken,
    /// The file is gone.
    Vanished,
    /// It changed while it was read. Nothing of it is stored.
    Changed,
    /// It failed, and others may not.
    Failed(Error),
}

/// Why a file ends early.
#[derive(Debug)]
enum End {
    File(Moved),
    /// The storage's error, of this file or of all.
    Storage(StorageError),
    /// The server gives no rest of a file: all of it has to be read once more.
    Again(TransferError),
    /// All other files would meet the same.
    All(Error),
}

impl From<StorageError> for End {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

/// Reads a file and makes its object.
///
/// # Errors
/// What every other file would meet, too: the line or the storage is gone.
pub(super) async fn transfer(pull: &Pull, begun: &Begun) -> Result<Moved> {
    let mut wait = STORAGE_WAIT;
    // Has the storage failed, so that the object may be there nevertheless?
    let mut is_doubtful = false;
    for tries in 0.. {
        let last = tries >= TRIES;
        let moved = match attempt(pull, begun).await {
            Ok(moved) | Err(End::File(moved)) => moved,
            Err(End::All(error)) => return Err(error),
            Err(End::Again(error)) if last => Moved::Failed(error.into()),
            Err(End::Again(_)) => continue,
            Err(End::Storage(error)) if error.retry() && !last => {
                tracing::info!(path = %begun.file.path, %error, "trying the storage again");
                is_doubtful = true;
                tokio::time::sleep(wait).await;
                wait *= 2;
                continue;
            }
            Err(End::Storage(error)) if error.hits_all() => return Err(error.into()),
            Err(End::Storage(error)) => {
                is_doubtful |= error.kind() == StorageKind::Failed;
                Moved::Failed(error.into())
            }
        };
        return match moved {
            Moved::Stored(_) | Moved::Taken => Ok(moved),
            _ if is_doubtful => made_after_all(pull, begun, moved).await,
            _ => Ok(moved),
        };
    }
    Err(Error::Internal("a file was tried without an end".into()))
}

/// Before the intent of a file is dropped: without it, nobody would know its object again.
async fn made_after_all(pull: &Pull, begun: &Begun, moved: Moved) -> Result<Moved> {
    match whose(pull, begun).await {
        Ok(Some(stored @ Moved::Stored(_))) => Ok(stored),
        Ok(_) | Err(End::File(_) | End::Again(_)) => Ok(moved),
        Err(End::Storage(error)) => Err(error.into()),
        Err(End::All(error)) => Err(error),
    }
}

async fn attempt(pull: &Pull, begun: &Begun) -> Result<Moved, End> {
    match begun.file.size <= pull.storage.small() {
        true => small(pull, begun).await,
        false => big(pull, begun).await,
    }
}

/// A file that is read whole before its object is begun.
async fn small(pull: &Pull, begun: &Begun) -> Result<Moved, End> {
    let bytes = {
        let _place = pull.reads.acquire().await;
        let bytes = read(pull, &begun.file).await?;
        unchanged(pull, &begun.file).await?;
        bytes
    };
    let sha256 = sha256(&bytes);
    stages::reached("pull::object_begun");
    let put = pull.storage.put(&begun.key, begun.id, bytes, &pull.guard).await;
    finished(pull, begun, sha256, put).await
}

/// A file that is read and written piece by piece.
async fn big(pull: &Pull, begun: &Begun) -> Result<Moved, End> {
    // Before all of it moves for nothing.
    if let Some(moved) = whose(pull, begun).await? {
        return Ok(moved);
    }
    let _place = pull.reads.acquire().await;
    let mut upload = pull
        .storage
        .begin(&begun.key, begun.id, Some(begun.file.size))
        .await?;
    stages::reached("pull::object_begun");
    match pour(pull, &begun.file, &mut *upload).await {
        Ok(sha256) => finished(pull, begun, sha256, upload.finish(&pull.guard).await).await,
        Err(end) => {
            upload.abort().await;
            Err(end)
        }
    }
}

/// What the storage said when the object was to get its name.
async fn finished(
    pull: &Pull,
    begun: &Begun,
    sha256: Sha256,
    result: courier_storage::Result<()>,
) -> Result<Moved, End> {
    match result {
        Ok(()) => {
            stages::reached("pull::object_done");
            Ok(Moved::Stored(sha256))
        }
        Err(error) if error.kind() == StorageKind::Exists => {
            Ok(whose(pull, begun).await?.unwrap_or(Moved::Taken))
        }
        Err(error) => Err(error.into()),
    }
}

/// Whose object has the name? None: nobody's. One that this file's pull made before its answer was lost, or that a process
/// which was thought dead has made of the same version after all, is the file's.
async fn whose(pull: &Pull, begun: &Begun) -> Result<Option<Moved>, End> {
    let mut found = None;
    for mark in [Some(begun.id), begun.file.ghost].into_iter().flatten() {
        match pull.storage.find(&begun.key, mark).await? {
            Found::Ours { size } if size == begun.file.size => {
                let sha256 = stored_sha256(pull, &*pull.storage, &begun.key, mark).await?;
                return Ok(Some(Moved::Stored(sha256)));
            }
            Found::Absent => {}
            Found::Ours { .. } | Found::Foreign => found = Some(Moved::Taken),
        }
    }
    Ok(found)
}

/// The SHA-256 of an object, which is read back for it.
///
/// # Errors
/// Those of the storage.
pub(super) async fn stored_sha256(
    pull: &Pull,
    storage: &dyn Storage,
    key: &ObjectKey,
    mark: Uuid,
) -> courier_storage::Result<Sha256> {
    let mut bytes = storage.read(key, mark).await?;
    let mut context = Context::new(&SHA256);
    while let Some(bytes) = bytes.next().await {
        context.update(&bytes?);
        pull.state.progressed();
    }
    Ok(finish(context))
}

/// All bytes of a small file, which are as many as were told.
async fn read(pull: &Pull, file: &File) -> Result<Bytes, End> {
    let size = usize::try_from(file.size).unwrap_or(usize::MAX);
    let moving = moving(pull, file);
    for losses in 1.. {
        let buffer = Arc::new(Buffer::new(size, pull.state.clone(), moving.clone()));
        let request = Fetch::new(buffer.clone(), 0, Some(file.size));
        match pull.client.fetch(&file.path, request).await {
            Ok(reached) if reached == file.size => return Ok(buffer.take()),
            Ok(_) => return Err(End::File(Moved::Changed)),
            Err(error) => may_go_on(&*pull.client, error, losses)?,
        }
    }
    Err(End::File(Moved::Changed))
}

/// Reads all bytes of a file into its object, over as many sessions as break meanwhile.
async fn pour(pull: &Pull, file: &File, upload: &mut dyn Upload) -> Result<Sha256, End> {
    let moving = moving(pull, file);
    let mut context = Context::new(&SHA256);
    let (mut offset, mut losses) = (0, 0);
    loop {
        let before = offset;
        let read = async {
            let mut reader = pull.client.open(&file.path, OpenOptions { offset }).await?;
            while let Some(bytes) = reader.read().await? {
                let after = offset.saturating_add(bytes.len() as u64);
                if after > file.size {
                    return Ok(Err(End::File(Moved::Changed)));
                }
                context.update(&bytes);
                pull.state.moved(bytes.len() as u64);
                if let Err(error) = upload.write(bytes).await {
                    return Ok(Err(error.into()));
                }
                moving.reached(after, offset);
                offset = after;
            }
            Ok(Ok(()))
        };
        match read.await {
            Ok(read) => read?,
            Err(error) => {
                losses = if offset > before { 1 } else { losses + 1 };
                may_go_on(&*pull.client, error, losses)?;
                if offset > 0 && !pull.client.capabilities().resume_download {
                    return Err(End::Again(no_rest()));
                }
                unchanged(pull, file).await?;
                moving.again(offset, Some(file.size));
                continue;
            }
        }
        if offset != file.size {
            return Err(End::File(Moved::Changed));
        }
        unchanged(pull, file).await?;
        return Ok(finish(context));
    }
}

/// A file that only ever came in parts, on a server that gives no rest of one.
fn no_rest() -> TransferError {
    let message = "the connection broke each time while this file was read, and the server can't go on in the middle of one";
    TransferError::new(ErrorKind::Failed, message).with_retry(Retry::Later)
}

/// Is it the version that was listed, as far as the server tells?
async fn unchanged(pull: &Pull, file: &File) -> Result<(), End> {
    match pull.client.stat(&file.path).await {
        Ok(now) if file.is_still(&now) => Ok(()),
        Ok(_) => Err(End::File(Moved::Changed)),
        // Deleted when all of it was read, or it is a server that tells nothing.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::Denied | ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        Err(error) => Err(judged(error)),
    }
}

/// Is there another session to go on with after this error?
fn may_go_on(client: &dyn Client, error: TransferError, losses: u32) -> Result<(), End> {
    if error.kind() != ErrorKind::Lost || !client.is_connected() {
        return Err(judged(error));
    }
    if losses < LOSSES {
        return Ok(());
    }
    let message = format!("the connection broke {losses} times in a row while this file was read: {error}");
    let error = TransferError::new(ErrorKind::Failed, message).with_retry(Retry::Later);
    Err(End::File(Moved::Failed(error.into())))
}

/// What an error of the server says of this file, or of all.
fn judged(error: TransferError) -> End {
    match error.kind() {
        ErrorKind::NotFound => End::File(Moved::Vanished),
        ErrorKind::Integrity | ErrorKind::WrongKind => End::File(Moved::Changed),
        _ if hits_all(&error) => End::All(error.into()),
        _ => End::File(Moved::Failed(error.in_operation("pull").into())),
    }
}

/// Would every other file meet the same error?
pub(super) fn hits_all(error: &TransferError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Lost
            | ErrorKind::Timeout
            | ErrorKind::Unreachable
            | ErrorKind::Busy
            | ErrorKind::Auth
            | ErrorKind::HostKey
            | ErrorKind::HostKeyNotApproved
            | ErrorKind::Certificate
            | ErrorKind::Negotiation
            | ErrorKind::NotFips
            | ErrorKind::Cancelled
    )
}

fn moving(pull: &Pull, file: &File) -> Arc<Moving> {
    pull.state.file_moves(file.path.to_text(), 0, Some(file.size))
}

fn sha256(bytes: &[u8]) -> Sha256 {
    let mut context = Context::new(&SHA256);
    context.update(bytes);
    finish(context)
}

fn finish(context: Context) -> Sha256 {
    let digest = context.finish();
    let mut sha256 = Sha256::default();
    for (to, from) in sha256.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    sha256
}
