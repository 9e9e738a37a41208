//! What an administrator does on the machine itself: over the store and the vault, beside a running server or without
//! one, and without an engine of its own.

mod backup;
mod doctor;
mod restore;
mod rewrap;

use std::path::Path;

use courier_store::{Store, audit::NewAudit};
use courier_vault::Vault;
use serde_json::{Value, json};

use crate::{Result, audit};

pub use crate::audit::{ANCHOR_FILE, Finding as AuditFinding, Report};
pub use backup::BackupReport;
pub use courier_store::backup::{Contents, Restored};
pub use doctor::{Finding, Status};
pub use restore::RestoreReport;
pub use rewrap::{KeyUse, RewrapReport, Unmoved};

/// Store and vault, for the commands of `courier admin`.
#[derive(Clone, Debug)]
pub struct Admin {
    store: Store,
    vault: Vault,
}

impl Admin {
    /// Over this store and this vault.
    #[must_use]
    pub fn new(store: Store, vault: Vault) -> Self {
        Self { store, vault }
    }

    /// Looks at every record of the audit log; `anchor` is where a server keeps the newest seal.
    ///
    /// # Errors
    /// As [`audit::verify`].
    pub async fn verify_audit(&self, anchor: &Path) -> Result<Report> {
        audit::verify(&self.store, &self.vault, Some(anchor)).await
    }

    /// Closes the database.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store).
    pub async fn close(&self) -> Result<()> {
        Ok(self.store.close().await?)
    }

    /// Records what was done, by whom as far as this machine knows. The audit log's key must have been opened.
    async fn record(&self, operation: &str, mut details: Value) -> Result<()> {
        if let Some(details) = details.as_object_mut() {
            details.insert("by_uid".into(), json!(rustix::process::getuid().as_raw()));
        }
        let record = NewAudit {
            details,
            ..NewAudit::new(operation, "system")
        };
        Ok(self.store.audit().append(vec![record]).await?)
    }
}
