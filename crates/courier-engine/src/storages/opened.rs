//! Storages that are open on this node.

use std::{collections::HashMap, sync::Arc};

use courier_storage::{Credentials, Error as StorageError, ErrorKind, Storage as Backend, StorageUrl};
use courier_store::storages::Storage;
use courier_vault::Error as VaultError;
use jiff::Timestamp;
use parking_lot::Mutex;
use secrecy::ExposeSecret;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::{StorageInfo, named};
use crate::{Engine, Error, Result, secrets};

/// Storages that were opened, each as it was when it was changed last.
#[derive(Debug, Default)]
pub(crate) struct OpenStorages(Mutex<HashMap<Uuid, Opened>>);

#[derive(Clone, Debug)]
struct Opened {
    updated_at: Timestamp,
    info: StorageInfo,
    backend: Arc<dyn Backend>,
}

impl OpenStorages {
    /// Opens it anew the next time, if it is there then.
    pub(super) fn forget(&self, id: Uuid) {
        self.0.lock().remove(&id);
    }

    fn at(&self, id: Uuid, updated_at: Timestamp) -> Option<Opened> {
        let opened = self.0.lock();
        opened
            .get(&id)
            .filter(|opened| opened.updated_at == updated_at)
            .cloned()
    }
}

/// See [`Storages::open`](super::Storages::open).
pub(super) async fn open(engine: &Engine, id: Uuid) -> Result<(StorageInfo, Arc<dyn Backend>)> {
    let known = &engine.0.storages;
    let found = engine.0.store.storages().with_credentials(id).await;
    if let Err(courier_store::Error::NotFound { .. }) = found {
        known.forget(id);
    }
    let (storage, sealed) = named(found, "", id)?;
    if let Some(opened) = known.at(id, storage.updated_at) {
        allowed(engine, &opened.info.url).await?;
        return Ok((opened.info, opened.backend));
    }
    let (url, credentials) = unsealed(engine, &storage, sealed.as_deref()).await?;
    let opened = Opened {
        updated_at: storage.updated_at,
        backend: backend(engine, &url, credentials.as_ref()).await?,
        info: StorageInfo {
            id,
            name: storage.name,
            url,
        },
    };
    known.0.lock().insert(id, opened.clone());
    Ok((opened.info, opened.backend))
}

/// What writes to this address. The folder's place is looked at once more: links may have changed since it was saved.
///
/// # Errors
/// [`Error::Storage`].
pub(super) async fn backend(
    engine: &Engine,
    url: &StorageUrl,
    credentials: Option<&Credentials>,
) -> Result<Arc<dyn Backend>> {
    allowed(engine, url).await?;
    Ok(courier_storage::open(url, credentials)?)
}

async fn allowed(engine: &Engine, url: &StorageUrl) -> Result<()> {
    let Some(folder) = url.folder() else {
        return Ok(());
    };
    let (paths, folder) = (engine.clone(), folder.to_owned());
    // The folder may lie on a file system that is slow, or doesn't answer at all.
    let looked = spawn_blocking(move || paths.0.paths.check_storage(&folder)).await;
    let allowed =
        looked.unwrap_or_else(|_| Err("the folder was not looked at: the process is ending".into()));
    Ok(allowed.map_err(|message| StorageError::new(ErrorKind::Denied, message))?)
}

/// The address of a storage and the credentials that were entered for it. They are for nobody else: who can write the
/// database, and not open the vault, can lead a storage elsewhere, but not its credentials.
///
/// # Errors
/// [`Error::Storage`] with what to do; [`Error::Vault`] where the key can't be had.
pub(super) async fn unsealed(
    engine: &Engine,
    storage: &Storage,
    sealed: Option<&[u8]>,
) -> Result<(StorageUrl, Option<Credentials>)> {
    let name = &storage.name;
    let url: StorageUrl = storage.url.parse().map_err(|error| {
        let message = format!("the address of the storage \"{name}\" can't be read: {error}; enter it anew");
        StorageError::new(ErrorKind::Invalid, message)
    })?;
    let Some(sealed) = sealed else {
        return Ok((url, None));
    };
    let unusable = |why: &str| {
        let message =
            format!("the credentials of the storage \"{name}\" {why}; check its url, and enter them anew");
        Error::Storage(StorageError::new(ErrorKind::Auth, message))
    };
    if url.endpoint() != storage.endpoint {
        return Err(unusable("were entered for another place"));
    }
    let text = match secrets::open_storage(engine, storage.id, &storage.endpoint, sealed).await {
        Err(VaultError::Tampered { .. }) => {
            return Err(unusable(
                "were altered in the database, or entered for another place",
            ));
        }
        opened => opened?,
    };
    let value = serde_json::from_str(text.expose_secret()).ok();
    let credentials = value.and_then(|value| Credentials::parse(url.scheme(), &value).ok());
    match credentials {
        Some(credentials) => Ok((url, Some(credentials))),
        None => Err(unusable("are not those of this version")),
    }
}
