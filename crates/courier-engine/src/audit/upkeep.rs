//! What is done to the audit log from time to time: it is sealed, and trimmed.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use courier_store::audit::Seal;
use jiff::{SignedDuration, Timestamp};

use super::ANCHOR_FILE;
use crate::{Engine, Error, Result, settings::AUDIT_RETENTION_DAYS};

/// How often the log is sealed, where something was recorded.
const SEAL: Duration = Duration::from_secs(60);

/// How often is looked for records that are too old.
const TRIM: Duration = Duration::from_secs(60 * 60);

/// Seals until the engine shuts down, which seals once more.
pub(crate) async fn keep_sealed(engine: Engine) {
    loop {
        seal(&engine).await;
        tokio::select! {
            () = engine.0.stopping.cancelled() => return,
            () = tokio::time::sleep(SEAL) => {}
        }
    }
}

/// Trims until the engine shuts down.
pub(crate) async fn keep_trimmed(engine: Engine) {
    loop {
        match trim(&engine).await {
            Ok(0) => {}
            Ok(records) => tracing::info!(
                records,
                "audit records were older than their retention, and are gone"
            ),
            Err(error) => tracing::error!(%error, "the audit log could not be trimmed"),
        }
        tokio::select! {
            () = engine.0.stopping.cancelled() => return,
            () = tokio::time::sleep(TRIM) => {}
        }
    }
}

/// Seals what was recorded since the last time. The log gets the seal as well, and a file of each node the newest one, since
/// who can write the database can't write those.
pub(crate) async fn seal(engine: &Engine) {
    match try_to_seal(engine).await {
        Ok(()) => {}
        Err(error) => tracing::error!(%error, "the audit log could not be sealed"),
    }
}

async fn try_to_seal(engine: &Engine) -> Result<()> {
    let audit = engine.0.store.audit();
    if let Some(seal) = audit.seal().await? {
        tracing::info!(seq = seal.seq, mac = %seal.mac, "the audit log is sealed");
    }
    // Another node may have made the newest one.
    let Some(newest) = audit.newest_seal().await? else {
        return Ok(());
    };
    let path = anchor_of(engine);
    if let Some(kept) = read_anchor(&path)? {
        // A database that was set back doesn't have the seal that is kept: that is the proof of it, and stays.
        if !audit.holds(&kept).await? {
            tracing::error!(
                path = %path.display(), seq = kept.seq, mac = %kept.mac,
                "the database doesn't have the audit log's seal that this file keeps: records were removed, or an old copy \
                 of the database put in its place; remove the file if that was meant so"
            );
            return Ok(());
        }
        if kept.seq == newest.seq {
            return Ok(());
        }
    }
    let text = serde_json::to_string(&newest).map_err(|e| Error::Internal(e.to_string()))?;
    tokio::task::spawn_blocking(move || write_anchor(&path, &text))
        .await
        .map_err(|e| Error::Internal(e.to_string()))?
        .map_err(|e| Error::Internal(format!("{}: {e}", anchor_of(engine).display())))
}

async fn trim(engine: &Engine) -> Result<u64> {
    let days = engine.settings().number(&AUDIT_RETENTION_DAYS).await?;
    let age = SignedDuration::from_hours(days.saturating_mul(24));
    match Timestamp::now().checked_sub(age) {
        Ok(until) if days > 0 => Ok(engine.0.store.audit().trim(until).await?),
        _ => Ok(0),
    }
}

fn anchor_of(engine: &Engine) -> PathBuf {
    engine.config().data_dir.join(ANCHOR_FILE)
}

/// The seal that is kept outside of the database; none where none was kept yet.
///
/// # Errors
/// [`Error::Internal`] where the file can't be read or understood.
pub(super) fn read_anchor(path: &Path) -> Result<Option<Seal>> {
    let failed = |e: &dyn std::fmt::Display| Error::Internal(format!("{}: {e}", path.display()));
    match fs::read(path) {
        Ok(text) => Ok(Some(serde_json::from_slice(&text).map_err(|e| failed(&e))?)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(failed(&e)),
    }
}

/// The old file or the new one, never half of it.
fn write_anchor(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    path.parent()
        .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
