//! The first start: the user that it makes, and the file with the password that it made up.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use courier_engine::{
    Engine, PageRequest,
    users::{BOOTSTRAPPED, User},
};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{config::Config, serve::StartError};

/// The file in the data folder that the first start writes admin's password to, unless it was given.
pub const INITIAL_PASSWORD_FILE: &str = "initial-admin-password";

/// The file with the password that the first start made up, while it is there.
#[derive(Clone, Debug)]
pub(crate) struct InitialPassword(PathBuf);

impl InitialPassword {
    pub(crate) fn of(data_dir: &Path) -> Self {
        Self(data_dir.join(INITIAL_PASSWORD_FILE))
    }

    /// Whose password the file holds: the user's who was made first.
    ///
    /// # Errors
    /// [`courier_engine::Error::Store`].
    pub(crate) async fn owner(&self, engine: &Engine) -> Result<Option<User>, courier_engine::Error> {
        if !self.0.exists() {
            return Ok(None);
        }
        let first = engine.users().list(PageRequest::first(1)).await?.items.pop();
        Ok(first.filter(|user| user.username == BOOTSTRAPPED))
    }

    /// Takes the file away, where it held the password of this user, who has another one now.
    ///
    /// # Errors
    /// [`courier_engine::Error::Store`].
    pub(crate) async fn replaced(&self, engine: &Engine, user: Uuid) -> Result<(), courier_engine::Error> {
        if self.owner(engine).await?.is_some_and(|owner| owner.id == user)
            && let Err(error) = fs::remove_file(&self.0)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(file = %self.0.display(), %error, "the file with a password that is over can't be removed; remove it");
        }
        Ok(())
    }
}

/// Makes the user `admin` where there is no user at all. A password made up here is written to a file first, so that
/// it is never lost; the file of a start that made no user is taken away again.
///
/// # Errors
/// [`StartError`].
pub(crate) async fn first_user(engine: &Engine, config: &Config) -> Result<(), StartError> {
    if let Some(password) = &config.admin_password {
        if engine.users().bootstrap_admin(password.clone()).await? {
            tracing::info!("made the user admin with the password from COURIER_ADMIN_PASSWORD");
        }
        return Ok(());
    }
    if !engine.users().list(PageRequest::first(1)).await?.items.is_empty() {
        return Ok(());
    }
    let InitialPassword(path) = InitialPassword::of(&config.data_dir);
    let password = random_password()?;
    write_secret(&path, &password).map_err(|source| StartError::Folder {
        path: path.clone(),
        source,
    })?;
    if engine.users().bootstrap_admin(password).await? {
        tracing::info!(file = %path.display(), "made the user admin; its password is in the file");
    } else {
        // Another node on the same database was first.
        let _ = fs::remove_file(&path);
    }
    Ok(())
}

fn random_password() -> Result<SecretString, StartError> {
    let mut bytes = Zeroizing::new([0; 18]);
    aws_lc_rs::rand::fill(&mut *bytes)
        .map_err(|_| StartError::Internal("the system gives no random bytes".into()))?;
    Ok(URL_SAFE_NO_PAD.encode(*bytes).into())
}

/// Writes the file whole, for its owner only.
fn write_secret(path: &Path, secret: &SecretString) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(secret.expose_secret().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}
