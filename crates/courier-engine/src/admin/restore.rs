//! A backup put back, into a database of its own.

use std::{fs::File, io::BufReader, path::Path};

use courier_store::{Error as StoreError, backup::Restored};
use serde::Serialize;
use serde_json::json;

use super::{Admin, backup::PURPOSE};
use crate::{Error, Result, audit, vault_check::Census};

/// What was restored.
#[derive(Clone, Debug, Serialize)]
pub struct RestoreReport {
    /// What was in the backup, and what became of it.
    #[serde(flatten)]
    pub restored: Restored,
    /// Audit records that are as they were written.
    pub audit_records: u64,
    /// What is wrong with the audit log; as it was when the backup was made.
    pub audit_findings: Vec<String>,
    /// The key that the backup was sealed under.
    pub key_id: String,
    /// That key's version.
    pub key_version: String,
}

impl Admin {
    /// Fills the database, which must have no tables yet, from a backup: all of it or nothing. The keys at hand must open
    /// both the backup and all that is sealed in it. Executions that waited or ran are paused.
    ///
    /// # Errors
    /// [`Error::File`] where the file can't be read, [`Error::Vault`] where the key doesn't open it, [`Error::KeysMissing`]
    /// where what is sealed in it needs others, [`Error::Store`] where it was cut off or damaged, and where the database
    /// has tables.
    pub async fn restore(&self, path: &Path) -> Result<RestoreReport> {
        let failed = |error| Error::File(format!("{} can't be read: {error}", path.display()));
        let file = BufReader::with_capacity(256 * 1024, File::open(path).map_err(failed)?);
        let opened = self.vault.open_stream(PURPOSE, file).await?;
        let under = opened.sealed_under().clone();
        let mut lines = BufReader::with_capacity(64 * 1024, opened);
        let mut census = Census::default();
        let mut missing = None;
        let restored = self
            .store
            .restore(&mut lines, async |values| {
                if !values.is_empty() {
                    census.add(values);
                    return Ok(());
                }
                census.check(&self.vault).await.map_err(|error| {
                    let reason = error.to_string();
                    missing = Some(error);
                    StoreError::Backup(reason)
                })
            })
            .await;
        let restored = match (restored, missing) {
            (Err(_), Some(error)) => return Err(error),
            (restored, _) => restored?,
        };
        // A backup of before there were chains has no key: it is made, and all records are chained with it.
        audit::open(&self.store, &self.vault).await?;
        let audit = audit::verify(&self.store, &self.vault, None).await?;
        let report = RestoreReport {
            restored,
            audit_records: audit.records,
            audit_findings: audit.findings.iter().map(ToString::to_string).collect(),
            key_id: under.key_id,
            key_version: under.key_version,
        };
        let details = json!({
            "file": path,
            "made_at": report.restored.contents.made_at,
            "rows": report.restored.contents.rows,
            "version": report.restored.version,
            "paused": report.restored.paused,
            "audit_findings": report.audit_findings.len(),
        });
        self.record("restored", details).await?;
        Ok(report)
    }
}
