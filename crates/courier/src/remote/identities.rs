//! The private keys that a one-off command may use.

use std::fs;
use std::path::{Path, PathBuf};

use courier_keys::{Error, PrivateKey};
use courier_transfer::KeyCredential;
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;

use super::SessionArgs;
use crate::exit::{Failure, Result};
use crate::output::Output;
use crate::secret;

/// Where OpenSSH's own tools look, too.
const DEFAULTS: [&str; 3] = [".ssh/id_ed25519", ".ssh/id_ecdsa", ".ssh/id_rsa"];

/// What there is to authenticate with.
#[derive(Debug, Default)]
pub(crate) struct Identities {
    /// Keys that are open.
    pub(crate) keys: Vec<KeyCredential>,
    /// Default keys that need a passphrase; asked for only when nothing else was accepted.
    pub(crate) locked: Vec<PathBuf>,
}

impl Identities {
    /// The keys that the flags name, else the user's default ones.
    pub(crate) fn read(args: &SessionArgs, output: Output) -> Result<Self> {
        let mut identities = Self::default();
        for path in &args.identity {
            let bytes = fs::read(path).map(Zeroizing::new).map_err(|e| {
                Failure::usage(format!("could not read the identity {}: {e}", path.display()))
            })?;
            match open(path, &bytes) {
                Err(Error::PassphraseNeeded) => identities.keys.push(unlock(path)?),
                key => identities.keys.push(key.map_err(|e| unusable(path, &e))?),
            }
        }
        if !args.identity.is_empty() {
            return Ok(identities);
        }
        let home = std::env::home_dir().unwrap_or_default();
        for path in DEFAULTS.map(|name| home.join(name)) {
            let Ok(bytes) = fs::read(&path).map(Zeroizing::new) else {
                continue;
            };
            match open(&path, &bytes) {
                Ok(key) => identities.keys.push(key),
                Err(Error::PassphraseNeeded) => identities.locked.push(path),
                Err(error) => output.note(format!("{} is not used: {error}", path.display())),
            }
        }
        Ok(identities)
    }
}

/// Opens a key without asking anybody.
fn open(path: &Path, bytes: &[u8]) -> courier_keys::Result<KeyCredential> {
    credential(path, &PrivateKey::import(bytes, None)?)
}

/// Opens an encrypted key with `COURIER_KEY_PASSPHRASE`, or by asking.
pub(crate) fn unlock(path: &Path) -> Result<KeyCredential> {
    let bytes = fs::read(path)
        .map(Zeroizing::new)
        .map_err(|e| Failure::usage(format!("could not read the identity {}: {e}", path.display())))?;
    let with = |passphrase: &SecretString| {
        let key = PrivateKey::import(&bytes, Some(passphrase)).map_err(|e| unusable(path, &e))?;
        credential(path, &key).map_err(|e| unusable(path, &e))
    };
    if let Some(passphrase) = secret::from_env(secret::KEY_PASSPHRASE)? {
        return with(&passphrase);
    }
    match secret::ask(&format!("Passphrase of {}", path.display()))? {
        Some(passphrase) => with(&passphrase),
        None => Err(Failure::usage(format!(
            "the identity {} is encrypted, and there is no terminal to ask on; set {}",
            path.display(),
            secret::KEY_PASSPHRASE
        ))),
    }
}

fn credential(path: &Path, key: &PrivateKey) -> courier_keys::Result<KeyCredential> {
    Ok(KeyCredential::new(path.display().to_string(), key.to_openssh()?))
}

fn unusable(path: &Path, error: &Error) -> Failure {
    Failure::usage(format!("the identity {} can't be used: {error}", path.display()))
}
