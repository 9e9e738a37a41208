//! A backup: everything in the database, in one sealed file.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use courier_store::backup::Contents;
use serde::Serialize;
use serde_json::json;

use super::Admin;
use crate::{Error, Result, audit};

/// What the file is sealed for.
pub(super) const PURPOSE: &str = "courier backup";

/// What was backed up.
#[derive(Clone, Debug, Serialize)]
pub struct BackupReport {
    /// Where it is.
    pub file: PathBuf,
    /// Its size, bytes.
    pub bytes: u64,
    /// What is in it.
    #[serde(flatten)]
    pub contents: Contents,
    /// The key that opens it.
    pub key_id: String,
    /// That key's version.
    pub key_version: String,
}

impl Admin {
    /// Writes everything as it is at one moment into a new file that only the vault opens: whole, with mode 0600, or not
    /// at all. Servers may run meanwhile.
    ///
    /// # Errors
    /// [`Error::Conflict`] where the file exists, [`Error::File`] where it can't be made, [`Error::Store`],
    /// [`Error::Vault`].
    pub async fn backup(&self, path: &Path) -> Result<BackupReport> {
        if fs::symlink_metadata(path).is_ok() {
            return Err(exists(path));
        }
        let failed = |error| Error::File(format!("{} can't be written: {error}", path.display()));
        // Before the work: what can't be recorded isn't done.
        audit::open(&self.store, &self.vault).await?;
        let under = self.vault.newest().await?;
        let partial = Partial::create(path).map_err(failed)?;
        let out = BufWriter::with_capacity(256 * 1024, &partial.file);
        let mut sealed = self.vault.seal_stream(PURPOSE, out).await?;
        let contents = self.store.back_up(&mut sealed).await?;
        let out = sealed.finish().map_err(failed)?;
        out.into_inner().map_err(|error| failed(error.into_error()))?;
        let bytes = partial.publish(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => exists(path),
            _ => failed(error),
        })?;
        let report = BackupReport {
            file: path.to_owned(),
            bytes,
            contents,
            key_id: under.key_id,
            key_version: under.key_version,
        };
        let details = json!({
            "file": report.file,
            "made_at": report.contents.made_at,
            "rows": report.contents.rows,
            "key_id": report.key_id,
            "key_version": report.key_version,
        });
        self.record("backup_made", details).await?;
        Ok(report)
    }
}

fn exists(path: &Path) -> Error {
    Error::Conflict(format!(
        "{} exists already; choose another name, a backup replaces nothing",
        path.display()
    ))
}

/// A file that isn't whole yet, under another name. Removed on every way out but one.
struct Partial {
    path: PathBuf,
    file: File,
}

impl Partial {
    fn create(beside: &Path) -> io::Result<Self> {
        let mut name = beside.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
        name.push(format!(".{}.partial", uuid::Uuid::new_v4().simple()));
        let path = beside.with_file_name(name);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        Ok(Self { path, file })
    }

    /// Gives the whole file its name, unless that is taken, and says how long it is.
    fn publish(self, path: &Path) -> io::Result<u64> {
        self.file.sync_all()?;
        let length = self.file.metadata()?.len();
        match fs::hard_link(&self.path, path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
            // Network drives and sticks have no links. Renaming would replace what is there.
            Err(_) if fs::symlink_metadata(path).is_err() => fs::rename(&self.path, path)?,
            Err(_) => return Err(io::ErrorKind::AlreadyExists.into()),
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        File::open(folder)?.sync_all()?;
        Ok(length)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // What can't be removed is sealed.
        let _ = fs::remove_file(&self.path);
    }
}
