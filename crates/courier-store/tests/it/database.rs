//! A database for one test.

use std::{hash::Hasher, ops::Deref, sync::Arc};

use courier_store::{Page, Store, audit::Authenticator};
use sea_orm::ConnectionTrait;
use tempfile::TempDir;

use crate::postgres;

/// An open store on a database of its own.
pub(crate) struct Database {
    pub(crate) store: Store,
    pub(crate) url: String,
    /// Where SQLite's file is.
    pub(crate) folder: Option<TempDir>,
}

impl Database {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/courier.db", folder.path().display());
        Self {
            store: open(&url).await,
            url,
            folder: Some(folder),
        }
    }

    pub(crate) async fn postgres() -> Self {
        let url = tokio::task::spawn_blocking(postgres::new_database).await.unwrap();
        Self {
            store: open(&url).await,
            url,
            folder: None,
        }
    }

    /// From now on nothing can be recorded.
    pub(crate) async fn break_audit(&self) {
        let database = sea_orm::Database::connect(&self.url).await.unwrap();
        let away = database.execute_unprepared("ALTER TABLE audit RENAME TO away");
        away.await.unwrap();
    }

    /// The same database as another process would open it.
    pub(crate) async fn again(&self) -> Store {
        open(&self.url).await
    }
}

/// A store that may record.
async fn open(url: &str) -> Store {
    let store = Store::open(url).await.unwrap();
    store.chain_audit_with(Arc::new(FixedKey)).unwrap();
    store
}

/// The same key for all tests. Nobody attacks it.
#[derive(Debug)]
pub(crate) struct FixedKey;

impl Authenticator for FixedKey {
    fn authenticate(&self, bytes: &[u8]) -> [u8; 32] {
        let mut code = [0; 32];
        for (n, part) in code.chunks_mut(8).enumerate() {
            let mut hasher = std::hash::DefaultHasher::new();
            hasher.write(b"the fixed key");
            hasher.write_usize(n);
            hasher.write(bytes);
            part.copy_from_slice(&hasher.finish().to_be_bytes());
        }
        code
    }
}

impl Deref for Database {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

/// Walks a list from its first page to its last, `limit` items at a time.
pub(crate) async fn walk<T, F>(limit: u64, page: impl Fn(courier_store::PageRequest) -> F) -> Vec<T>
where
    F: Future<Output = courier_store::Result<Page<T>>>,
{
    let (mut items, mut cursor) = (Vec::new(), None);
    loop {
        let Page {
            items: more,
            next_cursor,
        } = page(courier_store::PageRequest { limit, cursor }).await.unwrap();
        assert!(more.len() as u64 <= limit);
        items.extend(more);
        match next_cursor {
            Some(next) => cursor = Some(next),
            None => return items,
        }
    }
}

/// Text that breaks what isn't careful: several scripts, quotes, wildcards, a character beyond 16 bits.
pub(crate) const DIFFICULT: &str = "Ünïcødé 漢字 🗂 'quoted\" \\back% _under_; DROP TABLE jobs; --";
