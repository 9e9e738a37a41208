//! Audit records (specification 6.15).

use std::time::Duration;

use courier_store::audit::NewAudit;
pub use courier_store::audit::{AuditFilter, AuditRecord};
use serde_json::Value;
use uuid::Uuid;

use crate::{Engine, Page, PageRequest, Result};

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

    /// Writes one record.
    pub(crate) async fn record(&self, entry: Entry<'_>) -> Result<()> {
        Ok(self.0.0.store.audit().append(vec![entry.into()]).await?)
    }
}
