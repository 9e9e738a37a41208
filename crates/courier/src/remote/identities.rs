//! The private keys that a one-off command may use.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use courier_keys::{Error, Identity, PrivateKey, PublicKey};
use courier_transfer::KeyCredential;
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;

use super::SessionArgs;
use super::agent::Held;
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
    /// The keys that the flags name and no others; else the agent's and the user's default ones, in OpenSSH's order.
    pub(crate) async fn read(args: &SessionArgs, output: Output) -> Result<Self> {
        let held = Held::ask(Duration::from_secs(args.timeout), output).await;
        if args.ssh.identity.is_empty() {
            return Ok(Self::defaults(&held, output));
        }
        let mut identities = Self::default();
        for path in &args.ssh.identity {
            identities.keys.extend(named(path, &held)?);
        }
        Ok(identities)
    }

    /// First the default keys that the agent holds, then its others, then the other default keys.
    fn defaults(held: &Held, output: Output) -> Self {
        let (mut first, mut last, mut locked) = (Vec::new(), Vec::new(), Vec::new());
        let mut seen = Vec::new();
        let home = std::env::home_dir().unwrap_or_default();
        for path in DEFAULTS.map(|name| home.join(name)) {
            let bytes = match fs::read(&path).map(Zeroizing::new) {
                Ok(bytes) => bytes,
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) => {
                    output.note(format!("{} is not used: {e}", path.display()));
                    continue;
                }
            };
            match keys_of(&path, &bytes, held) {
                Ok((key, credentials)) if held.holds(&key) => {
                    first.extend(credentials);
                    seen.push(key);
                }
                Ok((_, credentials)) => last.extend(credentials),
                Err(Error::PassphraseNeeded) => locked.push(path),
                Err(error) => output.note(format!("{} is not used: {error}", path.display())),
            }
        }
        let mut keys = first;
        keys.extend(held.others(&seen));
        keys.extend(last);
        Self { keys, locked }
    }
}

/// A key that a flag names: a private key, or the public half of one that the agent holds.
fn named(path: &Path, held: &Held) -> Result<Vec<KeyCredential>> {
    let bytes = read(path)?;
    if let Some(public) = public(&bytes) {
        let certificate = match public.certificate() {
            Some(_) => public.to_openssh().ok(),
            None => certificate_beside(path),
        };
        let keys = held.key(&path.display().to_string(), &public, certificate);
        return match keys.is_empty() {
            false => Ok(keys),
            true => Err(Failure::usage(format!(
                "the identity {} is a public key, and no SSH agent holds the private key that belongs to it; name the \
                 file of the private key, or add that to the agent with ssh-add",
                path.display()
            ))),
        };
    }
    match keys_of(path, &bytes, held) {
        Ok((_, keys)) => Ok(keys),
        Err(Error::PassphraseNeeded) => Ok(vec![unlock(path)?]),
        Err(error) => Err(unusable(path, &error)),
    }
}

/// The key in a file, without asking anybody: one that can't be opened is used where the agent holds it.
fn keys_of(path: &Path, bytes: &[u8], held: &Held) -> courier_keys::Result<(Identity, Vec<KeyCredential>)> {
    match PrivateKey::import(bytes, None) {
        Ok(key) => {
            let identity = Identity::from(key.public());
            let keys = held.with_certificates(credential(path, &key)?, &identity);
            Ok((identity, keys))
        }
        Err(error) => match public_half(path, bytes).filter(|public| held.holds(public)) {
            Some(public) => {
                let keys = held.key(&path.display().to_string(), &public, certificate_beside(path));
                Ok((public, keys))
            }
            None => Err(error),
        },
    }
}

/// Opens an encrypted key with `COURIER_KEY_PASSPHRASE`, or by asking.
pub(crate) fn unlock(path: &Path) -> Result<KeyCredential> {
    let bytes = read(path)?;
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

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    fs::read(path)
        .map(Zeroizing::new)
        .map_err(|e| Failure::usage(format!("could not read the identity {}: {e}", path.display())))
}

fn credential(path: &Path, key: &PrivateKey) -> courier_keys::Result<KeyCredential> {
    Ok(KeyCredential {
        certificate: certificate_beside(path),
        ..KeyCredential::new(path.display().to_string(), key.to_openssh()?)
    })
}

/// The certificate in `FILE-cert.pub`, for `FILE` as for `FILE.pub`.
fn certificate_beside(path: &Path) -> Option<String> {
    let mut name = match path.extension() {
        Some(extension) if extension == "pub" => path.with_extension(""),
        _ => path.to_owned(),
    }
    .into_os_string();
    name.push("-cert.pub");
    fs::read_to_string(name).ok()
}

/// The public half of an encrypted key: from its own file where that tells it, else from `FILE.pub`.
fn public_half(path: &Path, bytes: &[u8]) -> Option<Identity> {
    if let Some(key) = PublicKey::beside_private(bytes) {
        return Some(Identity::from(&key));
    }
    let mut name = path.to_owned().into_os_string();
    name.push(".pub");
    public(&fs::read(name).ok()?)
}

/// What a `.pub` or `-cert.pub` file holds.
fn public(bytes: &[u8]) -> Option<Identity> {
    Identity::from_openssh(std::str::from_utf8(bytes).ok()?).ok()
}

fn unusable(path: &Path, error: &Error) -> Failure {
    Failure::usage(format!("the identity {} can't be used: {error}", path.display()))
}
