//! Storages: where pulled files go.
//!
//! An admin keeps them. Credentials are sealed for the server and bucket that they were entered for, and go where the
//! address changes to another one.

mod input;
mod opened;
mod trial;
mod warnings;

use std::sync::Arc;

use courier_storage::{Storage as Backend, StorageUrl};
use courier_store::{
    audit::NewAudit,
    new_id,
    storages::{self as store, StorageInput},
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{Actor, Engine, Error, Page, PageRequest, Result, audit::Entry, secrets};

use input::{Wanted, read};
pub(crate) use opened::OpenStorages;
pub use trial::StorageTrial;
pub(crate) use warnings::of as warnings_of;

/// The name of the storage that files go to where a mapping names none. It is there from the first start.
pub const DEFAULT: &str = "default";

/// Storages.
#[derive(Clone, Copy, Debug)]
pub struct Storages<'a>(pub(crate) &'a Engine);

/// A place where pulled files go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// What kind it is: `file`, `s3`, `azblob`, `gcs`.
    pub scheme: String,
    /// What only an admin sees.
    pub details: Option<Details>,
}

/// What of a storage only an admin sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    /// Where it is.
    pub url: String,
    /// Are there credentials?
    pub has_credentials: bool,
    /// What is insecure or doesn't work about it, in words.
    pub warnings: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// A storage that is opened, as whoever writes to it has to know it.
#[derive(Clone, Debug)]
pub struct StorageInfo {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub url: StorageUrl,
}

impl Storages<'_> {
    /// Storages, oldest first.
    ///
    /// # Errors
    /// [`Error::Store`], also for a cursor that no list gave out.
    pub async fn list(&self, actor: &Actor, page: PageRequest) -> Result<Page<Storage>> {
        let page = self.0.0.store.storages().list(&page).await?;
        Ok(page.map(|storage| self.shown(actor, storage)))
    }

    /// One.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&self, actor: &Actor, id: Uuid) -> Result<Storage> {
        Ok(self.shown(actor, self.stored(id).await?))
    }

    /// Makes one.
    ///
    /// # Errors
    /// [`Error::Validation`], [`Error::Duplicate`].
    pub async fn create(&self, actor: &Actor, values: Map<String, Value>) -> Result<Storage> {
        let wanted = read(self.0, values, None)?;
        let id = new_id();
        let (name, new) = (wanted.name.clone(), self.sealed(id, wanted, None).await?);
        let made = |storage: &store::Storage| self.record(actor, "storage_created", storage, None);
        let storage = named(self.0.0.store.storages().insert(new, made).await, &name, id)?;
        Ok(self.shown(actor, storage))
    }

    /// Changes what is given. Credentials stay where none are given, unless the storage becomes another one: then those
    /// that it had are forgotten. Somebody else's change in between is not lost.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Validation`], [`Error::Duplicate`].
    pub async fn patch(&self, actor: &Actor, id: Uuid, changes: Map<String, Value>) -> Result<Storage> {
        let mut tries = 0;
        loop {
            let before = self.stored(id).await?;
            let wanted = read(self.0, changes.clone(), Some(&before))?;
            let name = wanted.name.clone();
            let credentials = match (&wanted.credentials, wanted.forgets) {
                (Some(Some(_)), _) => Some("set"),
                (Some(None), true) => Some("forgotten: the storage is another one"),
                (Some(None), false) => Some("cleared"),
                (None, _) => None,
            };
            let change = self.sealed(id, wanted, Some(before.updated_at)).await?;
            let changed = |before: &store::Storage, after: &store::Storage| {
                self.record(actor, "storage_changed", after, Some((before, credentials)))
            };
            match self.0.0.store.storages().update(change, changed).await {
                Err(courier_store::Error::Conflict(_)) if tries < 5 => tries += 1,
                result => return Ok(self.shown(actor, named(result, &name, id)?)),
            }
        }
    }

    /// Deletes one, with its credentials. What is stored there stays.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] while folder mappings or files that are being pulled need it.
    pub async fn delete(&self, actor: &Actor, id: Uuid) -> Result<()> {
        let deleted = |storage: &store::Storage| self.record(actor, "storage_deleted", storage, None);
        match self.0.0.store.storages().delete(id, deleted).await {
            Err(courier_store::Error::InUse { by, .. }) => Err(Error::Conflict(format!(
                "the storage is used by {}; change or delete {} first",
                by.join(", "),
                if by.len() == 1 { "it" } else { "them" }
            ))),
            result => {
                named(result, "", id)?;
                self.0.0.storages.forget(id);
                Ok(())
            }
        }
    }

    /// Writes, reads and removes a small object. A failed test is a report, not an error.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn test(&self, actor: &Actor, id: Uuid) -> Result<StorageTrial> {
        trial::saved(self.0, actor, &self.stored(id).await?).await
    }

    /// The same before it is saved. Nothing is kept.
    ///
    /// # Errors
    /// [`Error::Validation`].
    pub async fn test_unsaved(&self, actor: &Actor, mut values: Map<String, Value>) -> Result<StorageTrial> {
        // Only what is saved needs a name.
        values.entry("name").or_insert_with(|| json!("unsaved"));
        trial::unsaved(self.0, actor, read(self.0, values, None)?).await
    }

    /// The storage that files go to where a mapping names none.
    ///
    /// # Errors
    /// [`Error::Validation`] of the field `storage_id` where nobody has one of that name any more.
    pub async fn default_id(&self) -> Result<Uuid> {
        let found = self.0.0.store.storages().by_name(DEFAULT).await?;
        let missing = || {
            Error::field(
                "storage_id",
                format!("is required: there is no storage named \"{DEFAULT}\""),
            )
        };
        Ok(found.ok_or_else(missing)?.id)
    }

    /// A storage, ready to be written to. No I/O but to the database: whether it answers is seen at its first use. One
    /// that hasn't changed is the same one that was opened before.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Storage`] where it can't be opened as it is kept, with what to do.
    pub async fn open(&self, id: Uuid) -> Result<(StorageInfo, Arc<dyn Backend>)> {
        opened::open(self.0, id).await
    }

    async fn stored(&self, id: Uuid) -> Result<store::Storage> {
        named(self.0.0.store.storages().get(id).await, "", id)
    }

    async fn sealed(
        &self,
        id: Uuid,
        wanted: Wanted,
        if_updated_at: Option<Timestamp>,
    ) -> Result<StorageInput> {
        let endpoint = wanted.url.endpoint();
        let credentials = match &wanted.credentials {
            Some(Some(given)) => Some(Some(
                secrets::seal_storage(self.0, id, &endpoint, &given.text).await?,
            )),
            Some(None) => Some(None),
            None => None,
        };
        Ok(StorageInput {
            id,
            name: wanted.name,
            url: wanted.url.to_string(),
            endpoint,
            credentials,
            if_updated_at,
        })
    }

    fn shown(&self, actor: &Actor, storage: store::Storage) -> Storage {
        let scheme = storage.url.split_once(':').map_or("", |(scheme, _)| scheme);
        Storage {
            id: storage.id,
            name: storage.name.clone(),
            scheme: scheme.into(),
            details: actor.is_admin().then(|| Details {
                warnings: warnings::of(self.0.0.store.kind(), &storage),
                has_credentials: storage.has_credentials,
                created_at: storage.created_at,
                updated_at: storage.updated_at,
                url: storage.url,
            }),
        }
    }

    /// What is recorded of a change: also what is insecure about the storage.
    fn record(
        &self,
        actor: &Actor,
        operation: &str,
        storage: &store::Storage,
        change: Option<(&store::Storage, Option<&str>)>,
    ) -> NewAudit {
        let told = |storage: &store::Storage| json!({"name": storage.name, "url": storage.url, "has_credentials": storage.has_credentials});
        let mut details = json!({
            "storage_id": storage.id, "name": storage.name, "after": told(storage), "warnings": warnings::of(self.0.0.store.kind(), storage),
        });
        if let (Some((before, credentials)), Value::Object(details)) = (change, &mut details) {
            details.insert("before".into(), told(before));
            if let Some(credentials) = credentials {
                details.insert("credentials".into(), json!(credentials));
            }
        }
        Entry::new(operation, &actor.name, details).into()
    }
}

/// Makes the storage [`DEFAULT`] in the data folder where there is no storage at all: at the first start.
///
/// # Errors
/// [`Error::Store`], [`Error::Validation`] where its folder can't be made.
pub(crate) async fn make_first(engine: &Engine) -> Result<()> {
    if engine.0.store.storages().count().await? > 0 {
        return Ok(());
    }
    let folder = engine.0.paths.first_storage();
    let url = reqwest::Url::from_file_path(&folder).ok();
    let Some(url) = url.filter(|url| url.as_str().parse::<StorageUrl>().is_ok()) else {
        tracing::warn!(folder = %folder.display(), "no address can name this folder, so there is no storage yet");
        return Ok(());
    };
    let values = [("name", DEFAULT), ("url", url.as_str())];
    let values = values
        .map(|(field, value)| (field.to_owned(), json!(value)))
        .into_iter()
        .collect();
    match engine.storages().create(&Actor::system(), values).await {
        // Another node was first.
        Err(Error::Duplicate { .. }) => Ok(()),
        made => made.map(drop),
    }
}

fn named<T>(result: courier_store::Result<T>, name: &str, id: Uuid) -> Result<T> {
    match result {
        Err(courier_store::Error::Duplicate { .. }) => Err(Error::Duplicate {
            what: "storage",
            name: name.into(),
        }),
        Err(courier_store::Error::NotFound { what: "storage" }) => Err(Error::not_found("storage", id)),
        result => Ok(result?),
    }
}
