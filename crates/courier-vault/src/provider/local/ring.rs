//! The text of local keys: several, the first of which is the newest.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::vault::fill_random;

/// What a key's public identifier is derived over.
const ID_LABEL: &[u8] = b"courier local key id v1";

/// The length of a key as padded base64, characters.
const TEXT_LEN: usize = 44;

/// One key, with its public identifier: 16 hex digits, the same wherever the key is.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) id: String,
    pub(super) secret: Zeroizing<[u8; 32]>,
}

impl Key {
    pub(super) fn generate() -> Result<Self> {
        let mut secret = Zeroizing::new([0; 32]);
        fill_random(&mut *secret)?;
        Ok(Self::new(secret))
    }

    fn new(secret: Zeroizing<[u8; 32]>) -> Self {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &*secret), ID_LABEL);
        let id = tag
            .as_ref()
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self { id, secret }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Keys in their order: the first one wraps, all unwrap. No key is there twice.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    pub(super) first: Key,
    others: Vec<Key>,
}

impl Ring {
    pub(super) fn new(first: Key) -> Self {
        let others = Vec::new();
        Self { first, others }
    }

    /// Reads one key or more, separated by white space or commas. A key that is there twice counts once.
    pub(super) fn parse(text: &str, origin: &str) -> Result<Self> {
        let mut words = text
            .split(|c: char| c.is_whitespace() || c == ',')
            .filter(|word| !word.is_empty());
        let bad = |found| Error::BadKey {
            origin: origin.to_owned(),
            found,
        };
        let read = |word: &str| {
            decode(word)
                .map(Key::new)
                .ok_or_else(|| format!("{} characters that are neither", word.chars().count()))
        };
        let first = words.next().ok_or_else(|| bad("nothing".to_owned()))?;
        let mut ring = Self::new(read(first).map_err(bad)?);
        for (word, number) in words.zip(2..) {
            ring.add_last(read(word).map_err(|found| bad(format!("{found} as key {number}")))?);
        }
        Ok(ring)
    }

    /// The text of the keys, one a line.
    pub(super) fn print(&self) -> Result<Zeroizing<Vec<u8>>> {
        // One allocation: growing it would leave copies of the keys behind.
        let mut text = Zeroizing::new(Vec::with_capacity(self.len() * (TEXT_LEN + 1)));
        let mut line = Zeroizing::new([b'\n'; TEXT_LEN + 1]);
        for key in self.all() {
            STANDARD
                .encode_slice(key.secret.as_slice(), line.as_mut_slice())
                .map_err(|_| Error::Crypto {
                    operation: "write a key as text",
                })?;
            text.extend_from_slice(&*line);
        }
        Ok(text)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.first).chain(&self.others)
    }

    pub(super) fn len(&self) -> usize {
        1 + self.others.len()
    }

    pub(super) fn get(&self, id: &str) -> Option<&Key> {
        self.all().find(|key| key.id == id)
    }

    /// This key, then those of the ring.
    pub(super) fn behind(&self, first: Key) -> Self {
        let mut ring = Self::new(first);
        self.all().cloned().for_each(|key| ring.add_last(key));
        ring
    }

    /// The ring's keys, then those of another one.
    pub(super) fn add_all(&mut self, ring: &Self) {
        ring.all().cloned().for_each(|key| self.add_last(key));
    }

    fn add_last(&mut self, key: Key) {
        if self.get(&key.id).is_none() {
            self.others.push(key);
        }
    }
}

/// 64 hex digits, or base64 of either alphabet with or without padding. The lengths tell them apart.
fn decode(text: &str) -> Option<Zeroizing<[u8; 32]>> {
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
