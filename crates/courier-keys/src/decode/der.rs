//! Enough of DER (X.690) to see how a PKCS#8 key is encrypted before it is decrypted.

use super::too_much_work;
use crate::error::{Error, Result};
use crate::sniff::CONVERT;

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// 1.2.840.113549.1.5.13
const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
/// 1.2.840.113549.1.5.12
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
/// 1.3.6.1.4.1.11591.4.11
const SCRYPT: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b];
/// 1.2.840.113549.2, under which the HMACs are: 7 is SHA-1, 8 to 11 are the sizes of SHA-2.
const DIGESTS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02];
/// 2.16.840.1.101.3.4.1, under which the AES modes are.
const AES: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01];
/// 1.2.840.113549.3.7
const TRIPLE_DES: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x07];

/// The most PBKDF2 iterations that are computed: some seconds. OpenSSL does 2048, current advice is 600,000.
const MAX_ITERATIONS: u64 = 5_000_000;

/// The most memory for scrypt, bytes: 128 · N · r (RFC 7914 section 2).
const MAX_SCRYPT_BYTES: u64 = 256 << 20;

/// Checks that the library can decrypt this `EncryptedPrivateKeyInfo` (RFC 5958 section 3, RFC 8018), and within
/// reason.
///
/// # Errors
/// [`Error::Unsupported`] names the scheme, [`Error::Malformed`] if it can't be read.
pub(super) fn check_encryption(der: &[u8]) -> Result<()> {
    let cut = || Error::Malformed {
        format: "PKCS#8",
        reason: "its encryption parameters can't be read".into(),
    };
    let (scheme, parameters) = algorithm(&mut Der(Der(der).sequence().ok_or_else(cut)?)).ok_or_else(cut)?;
    if scheme != PBES2 {
        return Err(unsupported("a scheme older than PBES2, such as PBE-SHA1-3DES"));
    }
    let mut parameters = Der(Der(parameters).sequence().ok_or_else(cut)?);
    let (kdf, kdf_parameters) = algorithm(&mut parameters).ok_or_else(cut)?;
    let (cipher, _) = algorithm(&mut parameters).ok_or_else(cut)?;
    check_cipher(cipher)?;

    let mut kdf_parameters = Der(Der(kdf_parameters).sequence().ok_or_else(cut)?);
    kdf_parameters.value(OCTET_STRING).ok_or_else(cut)?;
    match kdf {
        PBKDF2 => {
            let iterations = kdf_parameters.integer().ok_or_else(cut)?;
            if iterations > MAX_ITERATIONS {
                return Err(too_much_work(format!(
                    "a key with {iterations} PBKDF2 iterations (over {MAX_ITERATIONS})"
                )));
            }
            check_prf(kdf_parameters)
        }
        SCRYPT => {
            let [n, r, p] = [(); 3].map(|()| kdf_parameters.integer().unwrap_or(u64::MAX));
            let bytes = n.saturating_mul(r).saturating_mul(128);
            if bytes > MAX_SCRYPT_BYTES || p > 16 {
                return Err(too_much_work("a key with scrypt parameters this large".into()));
            }
            Ok(())
        }
        _ => Err(unsupported("a key derivation other than PBKDF2 and scrypt")),
    }
}

fn check_cipher(oid: &[u8]) -> Result<()> {
    match (oid.strip_prefix(AES), oid) {
        // CBC and GCM with 128 and 256 bits, CBC with 192.
        (Some([0x02 | 0x16 | 0x2a | 0x06 | 0x2e]), _) => Ok(()),
        (_, TRIPLE_DES) => Err(unsupported("3DES")),
        _ => Err(unsupported("a cipher other than AES")),
    }
}

/// The optional length of the key, then the optional pseudo-random function; without one it is HMAC-SHA1.
fn check_prf(mut rest: Der<'_>) -> Result<()> {
    let mut peek = Der(rest.0);
    if peek.integer().is_some() {
        rest = peek;
    }
    match algorithm(&mut rest).and_then(|(oid, _)| oid.strip_prefix(DIGESTS)) {
        Some([0x08..=0x0b]) => Ok(()),
        _ => Err(unsupported(
            "PBKDF2 with HMAC-SHA1 (the default of OpenSSL before 1.1)",
        )),
    }
}

fn unsupported(how: &str) -> Error {
    Error::Unsupported {
        what: format!("a PKCS#8 private key encrypted with {how}"),
        fix: CONVERT,
    }
}

/// `AlgorithmIdentifier`: its OID, and its parameters still encoded.
fn algorithm<'a>(der: &mut Der<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let mut inner = Der(der.sequence()?);
    let oid = inner.value(OID)?;
    Some((oid, inner.0))
}

/// A cursor over values with definite lengths.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The content of the next value if it has this tag; the cursor moves past it only then.
    fn value(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (found, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match *first {
            short @ 0..0x80 => (usize::from(short), rest),
            long => {
                let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
                // Four bytes hold the length of anything that comes here.
                let fits = (1..=4).contains(&digits.len());
                (
                    fits.then(|| {
                        digits
                            .iter()
                            .fold(0, |sum, digit| (sum << 8) | usize::from(*digit))
                    })?,
                    rest,
                )
            }
        };
        let (content, rest) = rest.split_at_checked(length)?;
        if *found != tag {
            return None;
        }
        self.0 = rest;
        Some(content)
    }

    fn sequence(&mut self) -> Option<&'a [u8]> {
        self.value(SEQUENCE)
    }

    /// A non-negative integer; one that doesn't fit counts as the largest.
    fn integer(&mut self) -> Option<u64> {
        let digits = self.value(INTEGER)?;
        if digits.len() > 8 {
            return Some(u64::MAX);
        }
        Some(digits.iter().fold(0, |sum, digit| (sum << 8) | u64::from(*digit)))
    }
}
