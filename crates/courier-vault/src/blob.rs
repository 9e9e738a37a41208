//! The form of a sealed value: bytes in, parts out, no I/O.
//!
//! | part | length, bytes |
//! |---|---|
//! | `CVLT` | 4 |
//! | format, 1 | 1 |
//! | length of the key's identifier, and it (UTF-8) | 1 + n |
//! | length of the key's version, and it (UTF-8) | 1 + n |
//! | length of the wrapped data key, and it | 2 + n |
//! | nonce | 12 |
//! | tag | 16 |
//! | length of the ciphertext, and it | 4 + n |
//!
//! Numbers are big-endian. Nothing may follow. The ciphertext doesn't depend on the wrapping, so that the data key can
//! be wrapped anew (a new key-encryption key, another provider) without touching it.

use std::fmt;

use crate::error::{Error, Result};
use crate::provider::Wrapped;

/// What every sealed value starts with.
pub const MAGIC: [u8; 4] = *b"CVLT";

/// The format that this version writes and reads.
pub const FORMAT: u8 = 1;

/// The length of an AES-GCM nonce, bytes.
pub const NONCE_LEN: usize = 12;

/// The length of an AES-GCM tag, bytes.
pub const TAG_LEN: usize = 16;

/// The parts of a sealed value.
#[derive(Clone, PartialEq, Eq)]
pub struct Blob {
    /// The data key, wrapped.
    pub wrapped: Wrapped,
    /// The nonce of the ciphertext.
    pub nonce: [u8; NONCE_LEN],
    /// The tag of the ciphertext.
    pub tag: [u8; TAG_LEN],
    /// The value, encrypted with the data key.
    pub ciphertext: Vec<u8>,
}

impl Blob {
    /// Writes the parts.
    ///
    /// # Errors
    /// [`Error::TooLong`] if a part doesn't fit its length field.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(256 + self.ciphertext.len());
        out.extend_from_slice(&MAGIC);
        out.push(FORMAT);
        put(&mut out, 1, "key identifier", self.wrapped.key_id.as_bytes())?;
        put(&mut out, 1, "key version", self.wrapped.key_version.as_bytes())?;
        put(&mut out, 2, "wrapped data key", &self.wrapped.bytes)?;
        out.extend_from_slice(&self.nonce);
        out.extend_from_slice(&self.tag);
        put(&mut out, 4, "value", &self.ciphertext)?;
        Ok(out)
    }

    /// Reads the parts. What comes back is well-formed, not yet authentic.
    ///
    /// # Errors
    /// [`Error::NotSealed`] or [`Error::Format`].
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut rest = Reader { rest: bytes };
        if rest.take(MAGIC.len(), "mark") != Ok(&MAGIC) {
            return Err(Error::NotSealed {
                reason: "it does not start with the mark of a sealed value".into(),
            });
        }
        let found = rest.number(1, "format")?;
        if found != usize::from(FORMAT) {
            return Err(Error::Format {
                found: u8::try_from(found).unwrap_or(u8::MAX),
                expected: FORMAT,
            });
        }
        let wrapped = Wrapped {
            key_id: rest.text("key identifier")?,
            key_version: rest.text("key version")?,
            bytes: rest.block(2, "wrapped data key")?.to_vec(),
        };
        let nonce = rest.array("nonce")?;
        let tag = rest.array("tag")?;
        let ciphertext = rest.block(4, "value")?.to_vec();
        if !rest.rest.is_empty() {
            let reason = format!("{} bytes follow its end", rest.rest.len());
            return Err(Error::NotSealed { reason });
        }
        Ok(Self {
            wrapped,
            nonce,
            tag,
            ciphertext,
        })
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Blob({:?}, {} bytes of ciphertext)",
            self.wrapped,
            self.ciphertext.len()
        )
    }
}

/// Appends a big-endian length of `width` bytes and the bytes.
fn put(out: &mut Vec<u8>, width: usize, part: &'static str, bytes: &[u8]) -> Result<()> {
    let length = (bytes.len() as u64).to_be_bytes();
    let (high, low) = length.split_at(length.len() - width);
    if high.iter().any(|byte| *byte != 0) {
        return Err(Error::TooLong {
            part,
            length: bytes.len(),
            max: (1_usize << (8 * width)) - 1,
        });
    }
    out.extend_from_slice(low);
    out.extend_from_slice(bytes);
    Ok(())
}

/// A cursor that can't run past the end.
struct Reader<'a> {
    rest: &'a [u8],
}

/// Which part was cut off.
#[derive(Debug, PartialEq)]
struct Cut(&'static str);

impl From<Cut> for Error {
    fn from(Cut(part): Cut) -> Self {
        Self::NotSealed {
            reason: format!("it ends within its {part}"),
        }
    }
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize, part: &'static str) -> std::result::Result<&'a [u8], Cut> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Cut(part))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, part: &'static str) -> std::result::Result<[u8; N], Cut> {
        self.take(N, part)?.try_into().map_err(|_| Cut(part))
    }

    /// A big-endian number of `width` bytes, at most 4.
    fn number(&mut self, width: usize, part: &'static str) -> std::result::Result<usize, Cut> {
        Ok(self
            .take(width, part)?
            .iter()
            .fold(0, |sum, byte| (sum << 8) | usize::from(*byte)))
    }

    fn block(&mut self, width: usize, part: &'static str) -> std::result::Result<&'a [u8], Cut> {
        let length = self.number(width, part)?;
        self.take(length, part)
    }

    fn text(&mut self, part: &'static str) -> Result<String> {
        let bytes = self.block(1, part)?;
        let text = std::str::from_utf8(bytes)
            .ok()
            .filter(|text| !text.contains(char::is_control))
            .ok_or_else(|| Error::NotSealed {
                reason: format!("its {part} is not printable text"),
            })?;
        Ok(text.to_owned())
    }
}
