//! What is insecure or doesn't work about a storage, in words.

use courier_storage::{Scheme, StorageUrl};
use courier_store::{Kind, storages::Storage};

/// About this one, kept in a database of this kind.
pub(crate) fn of(kind: Kind, storage: &Storage) -> Vec<String> {
    match storage.url.parse() {
        Ok(url) => of_url(kind, &url, storage.has_credentials),
        Err(error) => vec![format!("The address can't be read: {error}.")],
    }
}

/// About one at this address.
pub(super) fn of_url(kind: Kind, url: &StorageUrl, has_credentials: bool) -> Vec<String> {
    let mut warnings = url.warnings();
    if url.scheme() == Scheme::File {
        if kind == Kind::Postgres {
            warnings.push(
                "A folder is each node's own: with several nodes it must be one file system that all of them mount."
                    .into(),
            );
        }
    } else if !has_credentials && !url.environment() {
        warnings.push("There are no credentials, so nothing can be stored until some are given.".into());
    }
    warnings
}
