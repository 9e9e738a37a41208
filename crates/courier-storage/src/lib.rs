//! Where pulled files arrive: a folder, or a bucket of an object store.
//!
//! A [`Storage`] promises what "each file once" stands on, and every one keeps it in its own way:
//!
//! - **Whole or absent.** Nothing partial is ever seen under a final name.
//! - **Created if absent.** Nothing is overwritten; a name that is taken is [`ErrorKind::Exists`].
//! - **Marked.** Each object carries the id that its maker gave it, so that after a crash the maker can tell what is its own.
//!
//! ```
//! # async fn demo(folder: &str) -> Result<(), courier_storage::Error> {
//! use courier_storage::{ObjectKey, StorageUrl, always};
//! # use uuid::Uuid;
//!
//! let url: StorageUrl = folder.parse()?;
//! let storage = courier_storage::open(&url, None)?;
//! let (key, mark) = (ObjectKey::new("in/report.csv")?, Uuid::now_v7());
//! storage.put(&key, mark, "a;b\n".into(), &always()).await?;
//! storage.sync(&[(key.clone(), mark)]).await?;
//! storage.settle(&[(key, mark)]).await
//! # }
//! ```

use std::sync::Arc;

mod check;
mod credentials;
mod error;
mod files;
mod key;
mod location;
mod objects;
mod service_account;
mod storage;
#[cfg(feature = "testkit")]
pub mod testkit;

pub use credentials::{CredentialField, Credentials};
pub use error::{Error, ErrorKind, Result};
pub use key::ObjectKey;
pub use location::{Scheme, StorageUrl};
pub use storage::{Concurrency, Found, Guard, Storage, Upload, always};

/// Opens a storage. Nothing is asked of it yet: [`Storage::check`] does.
///
/// # Errors
/// [`ErrorKind::Invalid`] where credentials are missing, or are of another kind of storage.
pub fn open(url: &StorageUrl, credentials: Option<&Credentials>) -> Result<Arc<dyn Storage>> {
    if let Some(other) = credentials.filter(|credentials| credentials.scheme() != url.scheme()) {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!(
                "the credentials are those of {}://, the URL is {}://",
                other.scheme(),
                url.scheme()
            ),
        ));
    }
    match url.folder() {
        Some(folder) => Ok(Arc::new(files::Files::new(url.clone(), folder))),
        None => Ok(Arc::new(objects::Objects::new(url.clone(), credentials)?)),
    }
}
