//! Checksums of whole files, on both sides of a transfer.

use std::{fmt, io};

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

/// Who computes a checksum on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChecksumBy {
    /// The protocol's own means, such as SFTP's `check-file`.
    Protocol,
    /// A command in the server's shell. Some servers take this for an attack, so somebody must have asked for it.
    Command,
}

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
    /// SHA-384.
    Sha384,
    /// SHA-1: tells accidents, not attacks.
    Sha1,
}

impl Algorithm {
    /// The ones that are asked for, the best first.
    pub const ALL: [Self; 4] = [Self::Sha256, Self::Sha512, Self::Sha384, Self::Sha1];

    /// Its name (`sha256`), as in the draft of `check-file` and of the command that computes it, without `sum`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
            Self::Sha384 => "sha384",
            Self::Sha1 => "sha1",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// How many bytes its checksums have.
    pub fn output_len(self) -> usize {
        self.digest().output_len()
    }

    /// The checksum of what `input` holds from here on. Blocks.
    ///
    /// # Errors
    /// Those of `input`.
    pub fn of(self, input: &mut impl io::Read) -> io::Result<Checksum> {
        let mut hash = digest::Context::new(self.digest());
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match input.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => hash.update(buffer.get(..read).unwrap_or_default()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(Checksum {
            algorithm: self,
            bytes: hash.finish().as_ref().to_vec(),
        })
    }

    fn digest(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha512 => &digest::SHA512,
            Self::Sha384 => &digest::SHA384,
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        }
    }
}

/// The checksum of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    /// What it was computed with.
    pub algorithm: Algorithm,
    /// Its value.
    pub bytes: Vec<u8>,
}

/// `sha256:` and the value in hexadecimal.
impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.algorithm.name())?;
        self.bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_published_values() {
        let of = |algorithm: Algorithm| algorithm.of(&mut &b"abc"[..]).unwrap().to_string();
        assert_eq!(
            of(Algorithm::Sha256),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            of(Algorithm::Sha1),
            "sha1:a9993e364706816aba3e25717850c26c9cd0d89d"
        );
    }
}
