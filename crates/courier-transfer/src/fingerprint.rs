//! SHA-256 fingerprints of host keys, as OpenSSH writes them.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

/// The SHA-256 fingerprint of a public key: `SHA256:` and 43 characters of unpadded base64.
///
/// Read with or without the prefix and padding, and also as 64 hexadecimal digits with or without
/// colons, since people paste what their tools print.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

/// The text is no SHA-256 fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a SHA-256 fingerprint: expected \"SHA256:\" and 43 base64 characters, or 64 hexadecimal digits \
     (ssh-keygen -lf prints the first form)"
)]
pub struct InvalidFingerprint;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

impl Fingerprint {
    /// Of a digest.
    pub fn from_digest(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The digest.
    pub fn digest(&self) -> &[u8; 32] {
        &self.0
    }
}

fn from_base64(text: &str) -> Option<[u8; 32]> {
    let text = text.trim_end_matches('=');
    if text.len() != 43 {
        return None;
    }
    let mut out = Vec::with_capacity(33);
    let (mut bits, mut count) = (0u32, 0u32);
    for byte in text.bytes() {
        let value = u32::try_from(ALPHABET.iter().position(|&a| a == byte)?).ok()?;
        bits = (bits << 6) | value;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from((bits >> count) & 0xff).ok()?);
        }
    }
    out.try_into().ok()
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|&c| c != ':')
        .map(|c| c.to_digit(16))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(high * 16 + low).ok(),
            _ => None,
        })
        .collect::<Option<_>>()?;
    bytes.try_into().ok()
}

impl FromStr for Fingerprint {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, InvalidFingerprint> {
        let text = text.trim();
        let bare = match text.split_at_checked(7) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case("SHA256:") => rest,
            _ => text,
        };
        from_base64(bare)
            .or_else(|| from_hex(bare))
            .map(Self)
            .ok_or(InvalidFingerprint)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SHA256:")?;
        for chunk in self.0.chunks(3) {
            let bits = chunk
                .iter()
                .enumerate()
                .fold(0u32, |bits, (i, &b)| bits | u32::from(b) << (16 - 8 * i));
            for i in 0..=chunk.len() {
                let index = (bits >> (18 - 6 * i)) & 63;
                let byte = ALPHABET.get(index as usize).copied().unwrap_or(b'A');
                write!(f, "{}", char::from(byte))?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_tools_print() {
        let text = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let colons: Vec<String> = hex
            .to_uppercase()
            .as_bytes()
            .chunks(2)
            .map(|c| String::from_utf8_lossy(c).into())
            .collect();
        let print: Fingerprint = text.parse().unwrap();
        assert_eq!(print.to_string(), text);
        for same in [
            &text[7..],
            &format!("sha256:{}=", &text[7..]),
            hex,
            &colons.join(":"),
            &format!(" {text} "),
        ] {
            assert_eq!(same.parse(), Ok(print), "{same}");
        }
        for not in ["", "SHA256:", "MD5:00:11", "SHA256:47DEQpj8HBSa", &hex[1..]] {
            assert_eq!(not.parse::<Fingerprint>(), Err(InvalidFingerprint), "{not}");
        }
    }
}
