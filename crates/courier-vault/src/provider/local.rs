//! Key-encryption keys in a file or in the environment.

mod file;
mod ring;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use parking_lot::RwLock;
use secrecy::{ExposeSecret, SecretString};

use crate::blob::{NONCE_LEN, TAG_LEN};
use crate::error::{Error, Result};
use crate::provider::{DataKey, KeyProvider, KeyVersion, Wrapped};
use crate::vault::{decrypt, encrypt, fill_random};
use file::Stamp;
use ring::{Key, Ring};

/// What a wrapped data key is authenticated with, beside the key's identifier.
const WRAP_LABEL: &[u8] = b"courier local wrap v1 ";

/// The only version of a local key: a new key has a new identifier.
const VERSION: &str = "1";

/// Where the keys are from that come from no file.
const GIVEN_TEXT: &str = "the given text";

/// A ring of key-encryption keys that this process holds in memory, from the data folder or from the environment. The
/// first one wraps, all unwrap.
///
/// A data key is wrapped with AES-256-GCM: a fresh nonce, 12 bytes, then ciphertext, then tag.
///
/// A ring from a file follows the file: a key that is put in front there wraps from the next value on, in every process
/// that uses the file. A key that a process has read stays in its memory, so that it opens until the process ends.
pub struct LocalKey {
    state: RwLock<State>,
    /// The file, where the ring is from one.
    file: Option<PathBuf>,
}

struct State {
    ring: Ring,
    /// What the file was when it was read.
    stamp: Option<Stamp>,
}

impl LocalKey {
    /// Reads the key file: one key or more, one a line, each 32 bytes as base64 (either alphabet) or hex.
    ///
    /// # Errors
    /// [`Error::KeyFile`] if there is none or it can't be read, [`Error::KeyFileOpenToOthers`] if group or others have
    /// any access, [`Error::BadKey`] if it holds something else.
    pub fn load(path: &Path) -> Result<Self> {
        let (ring, stamp) = file::read(path)?;
        let stamp = Some(stamp);
        Ok(Self {
            state: RwLock::new(State { ring, stamp }),
            file: Some(path.to_owned()),
        })
    }

    /// Reads the key file, or makes it with a new key (mode 0600, on disk before this returns). Of several processes
    /// that start at once, one makes the file and all read the same key.
    ///
    /// # Errors
    /// As [`LocalKey::load`], and [`Error::KeyFile`] if it can't be made.
    pub fn load_or_create(path: &Path) -> Result<Self> {
        match Self::load(path) {
            Err(Error::KeyFile { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                file::create(path)?;
                Self::load(path)
            }
            loaded => loaded,
        }
    }

    /// Takes the keys from text, e.g. the value of `COURIER_KEK`: as in a file, separated by white space or commas.
    ///
    /// # Errors
    /// [`Error::BadKey`].
    pub fn from_text(text: &SecretString) -> Result<Self> {
        let ring = Ring::parse(text.expose_secret(), GIVEN_TEXT)?;
        let stamp = None;
        Ok(Self {
            state: RwLock::new(State { ring, stamp }),
            file: None,
        })
    }

    /// Puts a new key in front of those in the file, atomically: from then on every process that uses the file wraps with
    /// it. The others stay, and open.
    ///
    /// # Errors
    /// As [`LocalKey::load`], and [`Error::KeyFile`] if it can't be changed. Then it is as it was.
    pub fn add_first(path: &Path) -> Result<Self> {
        let key = Key::generate()?;
        file::change(path, |ring| Ok(ring.behind(key)))?;
        Self::load(path)
    }

    /// Drops every key from the file but the first one, atomically. What is sealed under the others opens no more, once
    /// the processes that have read them end: see to it first that nothing is left under them.
    ///
    /// `id` is the first one's identifier, so that nothing is dropped where somebody else has put another one in front.
    ///
    /// # Errors
    /// As [`LocalKey::load`], and [`Error::KeyFile`] if it can't be changed or another key is the first one. Then it is as
    /// it was.
    pub fn keep_first(path: &Path, id: &str) -> Result<Self> {
        file::change(path, |ring| {
            if ring.first.id == id {
                return Ok(Ring::new(ring.first));
            }
            let source = io::Error::other(format!("its first key is no longer {id}"));
            Err(file::failed(path, "changed", source))
        })?;
        Self::load(path)
    }

    /// The public identifier of the key that wraps: 16 hex digits, the same wherever the key is.
    #[must_use]
    pub fn id(&self) -> String {
        self.follow_file();
        self.state.read().ring.first.id.clone()
    }

    /// The public identifiers of all keys that this process has, the one that wraps first.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        self.follow_file();
        self.state.read().ring.all().map(|key| key.id.clone()).collect()
    }

    /// Reads the file again if it has changed. A file that is gone or wrong changes nothing here: the next start tells.
    fn follow_file(&self) {
        let Some(path) = &self.file else { return };
        let Ok(stamp) = Stamp::of(path) else { return };
        if self.state.read().stamp == Some(stamp) {
            return;
        }
        let read = file::read(path);
        let mut state = self.state.write();
        match read {
            Ok((mut ring, stamp)) => {
                ring.add_all(&state.ring);
                tracing::info!(file = %path.display(), key = ring.first.id, "the key file has changed and was read again");
                let stamp = Some(stamp);
                *state = State { ring, stamp };
            }
            Err(error) => {
                tracing::error!(%error, "the key file has changed and can't be used; the keys that were read before stay in use");
                state.stamp = Some(stamp);
            }
        }
    }

    fn get(&self, id: &str) -> Option<Key> {
        let known = self.state.read().ring.get(id).cloned();
        known.or_else(|| {
            self.follow_file();
            self.state.read().ring.get(id).cloned()
        })
    }

    fn origin(&self) -> String {
        match &self.file {
            Some(path) => path.display().to_string(),
            None => GIVEN_TEXT.to_owned(),
        }
    }
}

impl fmt::Debug for LocalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey")
            .field(
                "keys",
                &self
                    .state
                    .read()
                    .ring
                    .all()
                    .map(|key| &key.id)
                    .collect::<Vec<_>>(),
            )
            .field("origin", &self.origin())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl KeyProvider for LocalKey {
    fn describe(&self) -> String {
        let state = self.state.read();
        let older = match state.ring.len() {
            1 => String::new(),
            count => format!(", and {} older", count - 1),
        };
        format!("local key {} ({}{older})", state.ring.first.id, self.origin())
    }

    async fn newest(&self) -> Result<KeyVersion> {
        Ok(KeyVersion {
            key_id: self.id(),
            key_version: VERSION.into(),
        })
    }

    fn holds(&self, key_id: &str) -> bool {
        self.get(key_id).is_some()
    }

    async fn wrap(&self, data_key: &DataKey) -> Result<Wrapped> {
        self.follow_file();
        let key = self.state.read().ring.first.clone();
        let mut nonce = [0; NONCE_LEN];
        fill_random(&mut nonce)?;
        let mut encrypted = data_key.clone();
        let tag = encrypt(&key.secret, nonce, &associated_data(&key), &mut *encrypted)?;
        let bytes = [&nonce[..], &encrypted[..], &tag[..]].concat();
        Ok(Wrapped {
            key_id: key.id,
            key_version: VERSION.into(),
            bytes,
        })
    }

    async fn unwrap(&self, wrapped: &Wrapped) -> Result<DataKey> {
        let key = self.get(&wrapped.key_id).ok_or_else(|| Error::WrongKey {
            sealed_under: wrapped.key_id.clone(),
            this: self.id(),
        })?;
        unwrap(&key, &wrapped.bytes)
            .filter(|_| wrapped.key_version == VERSION)
            .ok_or_else(|| Error::Provider {
                provider: self.describe(),
                operation: "unwrap a data key",
                reason: "the wrapped key was altered".into(),
            })
    }
}

fn associated_data(key: &Key) -> Vec<u8> {
    [WRAP_LABEL, key.id.as_bytes()].concat()
}

fn unwrap(key: &Key, bytes: &[u8]) -> Option<DataKey> {
    let (nonce, rest) = bytes.split_first_chunk::<NONCE_LEN>()?;
    let (encrypted, tag) = rest.split_last_chunk::<TAG_LEN>()?;
    let plain = decrypt(&key.secret, *nonce, &associated_data(key), encrypted, tag)?;
    let mut data_key = DataKey::default();
    if plain.len() != data_key.len() {
        return None;
    }
    data_key.copy_from_slice(&plain);
    Some(data_key)
}
