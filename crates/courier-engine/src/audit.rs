//! Audit records (specification 6.15).

mod key;
mod upkeep;

use std::{path::Path, time::Duration};

use courier_store::{Store, audit::NewAudit};
use courier_vault::Vault;
use futures::{Stream, stream::try_unfold};
use serde_json::Value;
use uuid::Uuid;

use crate::{Engine, Page, PageRequest, Result};

pub use courier_store::audit::{AuditFilter, AuditRecord, Finding, Link, Report, What};
pub use key::open;
pub(crate) use upkeep::{keep_sealed, keep_trimmed, seal};

/// The file in the data folder that keeps the newest seal of the audit log outside of the database.
pub const ANCHOR_FILE: &str = "audit-seal";

/// Records of a page of [`Audit::all`].
const PAGE: u64 = 500;

/// Audit records.
#[derive(Clone, Copy, Debug)]
pub struct Audit<'a>(pub(crate) &'a Engine);

/// What to record.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) operation: &'a str,
    pub(crate) performed_by: &'a str,
    pub(crate) connection: Option<Uuid>,
    pub(crate) execution: Option<Uuid>,
    pub(crate) bytes: Option<u64>,
    pub(crate) duration: Option<Duration>,
    /// An object: paths, fingerprints, error texts. Never a secret.
    pub(crate) details: Value,
}

impl<'a> Entry<'a> {
    pub(crate) fn new(operation: &'a str, performed_by: &'a str, details: Value) -> Self {
        Self {
            operation,
            performed_by,
            connection: None,
            execution: None,
            bytes: None,
            duration: None,
            details,
        }
    }

    /// On a connection.
    pub(crate) fn on(mut self, connection: Uuid) -> Self {
        self.connection = Some(connection);
        self
    }
}

impl From<Entry<'_>> for NewAudit {
    fn from(entry: Entry<'_>) -> Self {
        NewAudit {
            connection_id: entry.connection,
            job_execution_id: entry.execution,
            bytes_transferred: entry.bytes,
            duration_ms: entry
                .duration
                .map(|d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX)),
            details: entry.details,
            ..NewAudit::new(entry.operation, entry.performed_by)
        }
    }
}

impl Audit<'_> {
    /// Records, newest first.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store), also for a cursor that no list gave out.
    pub async fn list(&self, filter: AuditFilter, page: PageRequest) -> Result<Page<AuditRecord>> {
        Ok(self.0.0.store.audit().list(&filter, &page).await?)
    }

    /// Every record, oldest first, in pages.
    pub fn all(&self, filter: AuditFilter) -> impl Stream<Item = Result<Vec<AuditRecord>>> + Send + use<> {
        let store = self.0.0.store.clone();
        try_unfold(None, move |after| {
            let (store, filter) = (store.clone(), filter.clone());
            async move {
                let records = store.audit().oldest(&filter, after, PAGE).await?;
                let last = records.last().map(|record| record.id);
                Ok(last.map(|last| (records, Some(last))))
            }
        })
    }

    /// Is every record as it was written, and none missing? One looks at a time, others wait.
    ///
    /// # Errors
    /// As [`verify`].
    pub async fn verify(&self) -> Result<Report> {
        let engine = &self.0.0;
        let _one = engine.verifying.lock().await;
        let anchor = engine.config.data_dir.join(ANCHOR_FILE);
        verify(&engine.store, &engine.vault, Some(&anchor)).await
    }

    /// Writes one record.
    pub(crate) async fn record(&self, entry: Entry<'_>) -> Result<()> {
        Ok(self.0.0.store.audit().append(vec![entry.into()]).await?)
    }
}

/// Looks at every record of the audit log, in whichever process: is it as it was written, and is none missing? `anchor`
/// is where the newest seal is kept; a file that isn't there is no finding.
///
/// # Errors
/// [`Error::Vault`](crate::Error::Vault) where the log's key can't be opened, [`Error::Store`](crate::Error::Store), also
/// where there is no key, [`Error::Internal`](crate::Error::Internal) where the anchor can't be read.
pub async fn verify(store: &Store, vault: &Vault, anchor: Option<&Path>) -> Result<Report> {
    let key = key::existing(store, vault).await?;
    let kept = anchor.map(upkeep::read_anchor).transpose()?.flatten();
    Ok(store.audit().verify(&key, kept.as_ref()).await?)
}

/// Looks at the ends of the audit log's chains only, in an instant.
///
/// # Errors
/// As [`verify`].
pub async fn verify_heads(store: &Store, vault: &Vault, anchor: Option<&Path>) -> Result<Report> {
    let key = key::existing(store, vault).await?;
    let kept = anchor.map(upkeep::read_anchor).transpose()?.flatten();
    Ok(store.audit().verify_heads(&key, kept.as_ref()).await?)
}
