//! What `courier admin` works on: store and vault as the configuration names them, without a server.

mod doctor;

use std::time::Duration;

use courier_store::Store;
use courier_vault::LocalKey;
use secrecy::ExposeSecret;

use crate::{
    Config, StartError,
    serve::{lock, make_folders},
};

pub use courier_engine::admin::{
    ANCHOR_FILE, Admin, AuditFinding, BackupReport, Finding, KeyUse, Report, RestoreReport, RewrapReport,
    Status,
};
pub use doctor::doctor;

/// Opens what a server has made, and makes nothing: a wrong path shall leave nothing behind. The server may run.
///
/// # Errors
/// [`StartError`]: the key can't be had, there is no database, or it is that of another version.
pub async fn open(config: &Config) -> Result<Admin, StartError> {
    let vault = config.kek.vault().await?;
    let store = Store::open_existing(config.database_url.expose_secret()).await?;
    Ok(Admin::new(store, vault))
}

/// Restores a backup into the configured database, which must have no tables yet, by the configured key, which must be
/// there. No server starts on it meanwhile.
///
/// # Errors
/// [`StartError`], also where a server runs on the data folder.
pub async fn restore(config: &Config, backup: &std::path::Path) -> Result<RestoreReport, StartError> {
    let vault = config.kek.vault().await?;
    make_folders(&config.data_dir)?;
    let _lock = lock(config)?;
    let store = Store::open_bare(config.database_url.expose_secret()).await?;
    let admin = Admin::new(store, vault);
    let restored = admin.restore(backup).await;
    admin.close().await?;
    Ok(restored?)
}

/// Puts a new key in front of the local key file. From then on it wraps, in running servers too.
///
/// # Errors
/// [`StartError::Internal`] where the configured key is in no file, [`StartError::Vault`] where the file can't be changed.
pub fn add_key(config: &Config) -> Result<(), StartError> {
    let Some(file) = config.kek.wrapping_file() else {
        return Err(StartError::Internal(
            "a new key is only made in the local key file, and the configured key is not in it: in a key vault, make a new \
             version of the key there; in COURIER_KEK, put a new one before the others, separated by a comma; then run \
             this without --new-key"
                .into(),
        ));
    };
    LocalKey::add_first(file)?;
    Ok(())
}

/// Refuses where the local key file was changed a moment ago: a server that wrapped a secret under the key before may
/// still be writing it down, and nobody would see it when what is stored is looked through.
///
/// # Errors
/// [`StartError::Internal`], with how long to wait.
pub fn check_settled(config: &Config) -> Result<(), StartError> {
    let changed = config
        .kek
        .wrapping_file()
        .and_then(|file| file.metadata().ok()?.modified().ok());
    let age = changed.and_then(|at| at.elapsed().ok()).unwrap_or(SETTLED);
    match SETTLED.checked_sub(age) {
        Some(rest) if !rest.is_zero() => Err(StartError::Internal(format!(
            "the key file was changed {} seconds ago, and a server may still be writing a secret under an older key; run \
             this again in {} seconds",
            age.as_secs(),
            rest.as_secs() + 1
        ))),
        _ => Ok(()),
    }
}

/// How long after a new key nothing is written under the one before: longer than a transaction may wait.
const SETTLED: Duration = Duration::from_secs(60);

/// Takes all keys but the first from the local key file, if that is this one.
///
/// # Errors
/// [`StartError::Internal`] where the configured key is in no file, [`StartError::Vault`] where the file can't be changed.
pub fn drop_old_keys(config: &Config, first: &str) -> Result<(), StartError> {
    let Some(file) = config.kek.wrapping_file() else {
        return Err(StartError::Internal(
            "old keys are only dropped from the local key file, and the configured key is not in it: take them out of \
             COURIER_KEK, or disable them in the key vault, yourself"
                .into(),
        ));
    };
    LocalKey::keep_first(file, first)?;
    Ok(())
}
