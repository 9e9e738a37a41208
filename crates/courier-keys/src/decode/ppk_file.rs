//! The lines of PuTTY's format (PuTTY manual, appendix C), still encoded.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::from_hex;

/// What stands in a file. The words are as they were written: the authentication code covers them.
pub(super) struct PpkFile<'a> {
    pub(super) version: &'a str,
    pub(super) algorithm: &'a str,
    pub(super) encryption: &'a str,
    /// In the encoding of whoever made the key.
    pub(super) comment: &'a [u8],
    pub(super) public: Vec<u8>,
    pub(super) argon2: Option<Argon2Lines<'a>>,
    pub(super) private: Zeroizing<Vec<u8>>,
    pub(super) mac: Vec<u8>,
}

/// How version 3 makes a key of a passphrase.
pub(super) struct Argon2Lines<'a> {
    pub(super) flavour: &'a str,
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) parallelism: u32,
    pub(super) salt: Vec<u8>,
}

/// Why a file can't be read: what is wrong with which line.
pub(super) type Reason = &'static str;

impl<'a> PpkFile<'a> {
    pub(super) fn read(file: &'a [u8]) -> Result<Self, Reason> {
        let mut lines = Lines::new(file);
        let first = lines
            .value("PuTTY-User-Key-File-")
            .ok_or("its first line can't be read")?;
        let (version, algorithm) = first.split_once(": ").ok_or("its first line can't be read")?;
        let encryption = lines
            .value("Encryption: ")
            .ok_or("it has no Encryption line behind the first")?;
        let comment = lines
            .bytes("Comment:")
            .ok_or("it has no Comment line where one belongs")?;
        let public = lines
            .block("Public-Lines: ")
            .ok_or("its public half can't be read")?;
        let argon2 = match lines.value("Key-Derivation: ") {
            Some(flavour) => {
                Some(Argon2Lines::read(flavour, &mut lines).ok_or("its Argon2 parameters can't be read")?)
            }
            None => None,
        };
        let private = lines
            .block("Private-Lines: ")
            .ok_or("its private half can't be read")?;
        let mac = lines
            .value("Private-MAC: ")
            .and_then(from_hex)
            .ok_or("it has no Private-MAC line, which is the last one, so it may be cut off")?;
        Ok(Self {
            version,
            algorithm,
            encryption,
            comment,
            public: public.to_vec(),
            argon2,
            private,
            mac,
        })
    }
}

impl<'a> Argon2Lines<'a> {
    fn read(flavour: &'a str, lines: &mut Lines<'a>) -> Option<Self> {
        Some(Self {
            flavour,
            memory_kib: lines.value("Argon2-Memory: ")?.parse().ok()?,
            passes: lines.value("Argon2-Passes: ")?.parse().ok()?,
            parallelism: lines.value("Argon2-Parallelism: ")?.parse().ok()?,
            salt: from_hex(lines.value("Argon2-Salt: ")?)?,
        })
    }
}

/// The lines, in the order in which PuTTY writes and wants them. They end in any way, and blank ones, spaces in front and
/// spaces behind were added by hands on the way.
struct Lines<'a>(std::vec::IntoIter<&'a [u8]>);

impl<'a> Lines<'a> {
    fn new(file: &'a [u8]) -> Self {
        let lines: Vec<&[u8]> = file
            .split(|byte| matches!(byte, b'\n' | b'\r'))
            .map(<[u8]>::trim_ascii_start)
            .filter(|line| !line.is_empty())
            .collect();
        Self(lines.into_iter())
    }

    /// The rest of the next line if it starts so; it stays where it doesn't. One space is what PuTTY writes behind a colon.
    fn bytes(&mut self, start: &str) -> Option<&'a [u8]> {
        let line = self.0.as_slice().first()?.strip_prefix(start.as_bytes())?;
        self.0.next();
        Some(line.strip_prefix(b" ").unwrap_or(line))
    }

    fn value(&mut self, start: &str) -> Option<&'a str> {
        std::str::from_utf8(self.bytes(start)?).ok().map(str::trim_end)
    }

    /// The base64 of so many lines.
    fn block(&mut self, start: &str) -> Option<Zeroizing<Vec<u8>>> {
        let count: usize = self.value(start)?.parse().ok()?;
        let lines = self.0.as_slice().get(..count)?;
        // With room from the start, so that growing leaves no copies behind.
        let mut encoded = Zeroizing::new(Vec::with_capacity(lines.iter().map(|line| line.len()).sum()));
        for line in self.0.by_ref().take(count) {
            encoded.extend_from_slice(line.trim_ascii_end());
        }
        let mut data = Zeroizing::new(Vec::with_capacity(encoded.len()));
        STANDARD.decode_vec(&*encoded, &mut data).ok()?;
        Some(data)
    }
}
