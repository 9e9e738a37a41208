//! A key-encryption key in a file or in the environment.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::blob::{NONCE_LEN, TAG_LEN};
use crate::error::{Error, Result};
use crate::provider::{DataKey, KeyProvider, KeyVersion, Wrapped};
use crate::vault::{decrypt, encrypt, fill_random};

/// What the key's public identifier is derived over.
const ID_LABEL: &[u8] = b"courier local key id v1";

/// What a wrapped data key is authenticated with, beside the key's identifier.
const WRAP_LABEL: &[u8] = b"courier local wrap v1 ";

/// The only version of a local key: a new key has a new identifier.
const VERSION: &str = "1";

/// Longer than any form of a key with white space around it, bytes.
const MAX_FILE_BYTES: usize = 1024;

/// A key-encryption key that this process holds in memory, from the data folder or from the environment.
///
/// A data key is wrapped with AES-256-GCM: a fresh nonce, 12 bytes, then ciphertext, then tag.
pub struct LocalKey {
    key: Zeroizing<[u8; 32]>,
    id: String,
    origin: String,
}

impl LocalKey {
    /// Reads the key file, or makes it with a new key (mode 0600, on disk before this returns). Of several processes
    /// that start at once, one makes the file and all read the same key.
    ///
    /// # Errors
    /// [`Error::KeyFileOpenToOthers`] if group or others have any access, [`Error::BadKey`] if it holds no key,
    /// [`Error::KeyFile`] if it can't be read or made.
    pub fn load_or_create(path: &Path) -> Result<Self> {
        match Self::load(path) {
            Err(Error::KeyFile { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                create(path).map_err(|source| key_file(path, "created", source))?;
                Self::load(path)
            }
            loaded => loaded,
        }
    }

    /// Takes the key from text, e.g. the value of `COURIER_KEK`: 32 bytes as base64 (either alphabet) or hex.
    ///
    /// # Errors
    /// [`Error::BadKey`].
    pub fn from_text(text: &SecretString) -> Result<Self> {
        Self::parse(text.expose_secret(), "the given text".into())
    }

    /// The public identifier of the key: 16 hex digits, the same wherever the key is.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    fn load(path: &Path) -> Result<Self> {
        let failed = |source| key_file(path, "read", source);
        let file = File::open(path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(Error::KeyFileOpenToOthers {
                path: path.to_owned(),
                mode,
            });
        }
        // One allocation: growing it would leave copies of the key behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(2 * MAX_FILE_BYTES));
        file.take(MAX_FILE_BYTES as u64)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        let origin = path.display().to_string();
        match std::str::from_utf8(&bytes) {
            Ok(text) => Self::parse(text, origin),
            Err(_) => Err(Error::BadKey {
                origin,
                found: format!("{} bytes that are no text", bytes.len()),
            }),
        }
    }

    fn parse(text: &str, origin: String) -> Result<Self> {
        let text = text.trim();
        let Some(key) = decode_key(text) else {
            let found = match text.chars().count() {
                0 => "nothing".to_owned(),
                length => format!("{length} characters that are neither"),
            };
            return Err(Error::BadKey { origin, found });
        };
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &*key), ID_LABEL);
        let id = tag
            .as_ref()
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Ok(Self { key, id, origin })
    }

    fn associated_data(&self) -> Vec<u8> {
        [WRAP_LABEL, self.id.as_bytes()].concat()
    }
}

impl fmt::Debug for LocalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey")
            .field("id", &self.id)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl KeyProvider for LocalKey {
    fn describe(&self) -> String {
        format!("local key {} ({})", self.id, self.origin)
    }

    async fn newest(&self) -> Result<KeyVersion> {
        Ok(KeyVersion {
            key_id: self.id.clone(),
            key_version: VERSION.into(),
        })
    }

    fn holds(&self, key_id: &str) -> bool {
        key_id == self.id
    }

    async fn wrap(&self, data_key: &DataKey) -> Result<Wrapped> {
        let mut nonce = [0; NONCE_LEN];
        fill_random(&mut nonce)?;
        let mut encrypted = data_key.clone();
        let tag = encrypt(&self.key, nonce, &self.associated_data(), &mut *encrypted)?;
        let bytes = [&nonce[..], &encrypted[..], &tag[..]].concat();
        Ok(Wrapped {
            key_id: self.id.clone(),
            key_version: VERSION.into(),
            bytes,
        })
    }

    async fn unwrap(&self, wrapped: &Wrapped) -> Result<DataKey> {
        if wrapped.key_id != self.id {
            return Err(Error::WrongKey {
                sealed_under: wrapped.key_id.clone(),
                this: self.id.clone(),
            });
        }
        self.decrypt(&wrapped.bytes)
            .filter(|_| wrapped.key_version == VERSION)
            .ok_or_else(|| Error::Provider {
                provider: self.describe(),
                operation: "unwrap a data key",
                reason: "the wrapped key was altered".into(),
            })
    }
}

impl LocalKey {
    fn decrypt(&self, bytes: &[u8]) -> Option<DataKey> {
        let (nonce, rest) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let (encrypted, tag) = rest.split_last_chunk::<TAG_LEN>()?;
        let plain = decrypt(&self.key, *nonce, &self.associated_data(), encrypted, tag)?;
        let mut data_key = DataKey::default();
        if plain.len() != data_key.len() {
            return None;
        }
        data_key.copy_from_slice(&plain);
        Some(data_key)
    }
}

fn key_file(path: &Path, operation: &'static str, source: io::Error) -> Error {
    Error::KeyFile {
        path: path.to_owned(),
        operation,
        source,
    }
}

/// 64 hex digits, or base64 of either alphabet with or without padding. The lengths tell them apart.
fn decode_key(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    if text.len() == 64 {
        for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits)
                .ok()
                .filter(|digits| !digits.starts_with('+'))?;
            *byte = u8::from_str_radix(digits, 16).ok()?;
        }
        return Some(key);
    }
    // A little larger than a key, as the decoder asks for room by its estimate.
    let mut buffer = Zeroizing::new([0; 48]);
    let decoded = [STANDARD, URL_SAFE, STANDARD_NO_PAD, URL_SAFE_NO_PAD]
        .iter()
        .find_map(|engine| engine.decode_slice(text, &mut *buffer).ok());
    if decoded != Some(key.len()) {
        return None;
    }
    key.copy_from_slice(buffer.get(..32)?);
    Some(key)
}

/// Makes the key file, whole or not at all: it is written and synced under another name and then linked to its own,
/// which fails if somebody else was first. Then theirs is the key.
fn create(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let random = |bytes: &mut [u8]| fill_random(bytes).map_err(io::Error::other);
    let mut suffix = [0; 8];
    random(&mut suffix)?;
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".{:016x}", u64::from_be_bytes(suffix)));
    let temporary = Temporary(folder.join(name));

    let mut key = Zeroizing::new([0; 32]);
    random(&mut *key)?;
    let mut text = Zeroizing::new([b'\n'; 45]);
    STANDARD
        .encode_slice(key.as_slice(), text.as_mut_slice())
        .map_err(io::Error::other)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary.0)?;
    file.write_all(&*text)?;
    file.sync_all()?;

    match fs::hard_link(&temporary.0, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => drop(temporary),
    }
    File::open(folder)?.sync_all()
}

/// A file that is removed again, on every way out.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // What can't be removed is a second name of the key file, as private as the first.
        let _ = fs::remove_file(&self.0);
    }
}
