//! Trying a storage out.

use std::future::Future;

use bytes::Bytes;
use futures::TryStreamExt;
use uuid::Uuid;

use crate::{Error, ErrorKind, ObjectKey, Result, Storage, always};

/// The name that the objects of a check begin with: hidden, so that whoever waits for files leaves them alone.
const NAME: &str = ".courier-check-";

const TEXT: &[u8] = b"Courier tries whether it can write here. This file is removed at once.\n";

/// Writes an object in both ways, sees that it can't be overwritten, reads it, removes it by `remove`, and sees that it is gone.
pub(crate) async fn round<F, R>(storage: &dyn Storage, remove: F) -> Result<()>
where
    F: Fn(ObjectKey, Uuid) -> R,
    R: Future<Output = Result<()>>,
{
    for piecewise in [false, true] {
        let mark = Uuid::now_v7();
        let key = ObjectKey::new(&format!("{NAME}{mark}"))?;
        write(storage, &key, mark, piecewise)
            .await
            .map_err(|error| failed("see that something can be written", error))?;
        let read = look(storage, &key, mark).await;
        let removed = remove(key.clone(), mark).await;
        read.and(removed.map_err(|error| failed("leave nothing behind", error)))?;
        // Some stores say only to whom may list that there is none.
        let gone = storage.find(&key, mark).await;
        gone.map_err(|error| failed("see that an object is not there", error))?;
    }
    Ok(())
}

async fn write(storage: &dyn Storage, key: &ObjectKey, mark: Uuid, piecewise: bool) -> Result<()> {
    if !piecewise {
        return storage.put(key, mark, TEXT.into(), &always()).await;
    }
    let mut upload = storage.begin(key, mark, None).await?;
    upload.write(TEXT.into()).await?;
    upload.finish(&always()).await
}

async fn look(storage: &dyn Storage, key: &ObjectKey, mark: Uuid) -> Result<()> {
    let again = storage.put(key, Uuid::now_v7(), "\n".into(), &always()).await;
    match again {
        Err(error) if error.kind() == ErrorKind::Exists => {}
        Err(error) => return Err(failed("see that an object can't be overwritten", error)),
        Ok(()) => {
            return Err(Error::new(
                ErrorKind::Invalid,
                "the store overwrote an object that it was told to create only where none is (`If-None-Match: *`): files could be \
                 lost there; use a store, or a version of it, that has conditional writes",
            ));
        }
    }
    let read = async {
        let chunks: Vec<Bytes> = storage.read(key, mark).await?.try_collect().await?;
        Ok(chunks.concat())
    };
    let bytes = read
        .await
        .map_err(|error| failed("see that it can be read", error))?;
    if bytes == TEXT {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Failed,
        format!(
            "what was read is not what was written: {} bytes, {} expected",
            bytes.len(),
            TEXT.len()
        ),
    ))
}

fn failed(doing: &str, error: Error) -> Error {
    Error::new(error.kind(), format!("{error} (tried in order to {doing})")).with_source(error)
}
