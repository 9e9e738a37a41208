//! What a file that should hold a private key really holds, told from its first bytes.
//!
//! Decoders given the wrong format answer with ASN.1 errors that help nobody, so the format is settled here and only
//! its own decoder is asked.

mod instead;
mod pem;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use crate::asn1::{self, Form};
use crate::error::{Error, Result};
use crate::key_type;

/// The longest input looked at, bytes. An encrypted RSA key of 8192 bits has about 7000; certificates may stand before
/// it, UTF-16 doubles it, and base64 adds a third.
const MAX_INPUT_BYTES: usize = 64 * 1024;

/// How to get out of a format that isn't read.
pub(crate) const CONVERT: &str =
    "convert a copy of it with: ssh-keygen -p -f FILE, which writes the OpenSSH format";

/// Padding is optional: it goes missing when text is copied by hand.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const OPENSSH: &[u8] = b"openssh-key-v1\0";
const PUTTY: &[u8] = b"PuTTY-User-Key-File-";
const UTF_8_MARK: &[u8] = b"\xef\xbb\xbf";

/// A private key in its container, still encoded.
pub(crate) enum Container {
    /// OpenSSH's `PROTOCOL.key`.
    OpenSsh(Zeroizing<Vec<u8>>),
    /// PKCS#1 (RFC 8017 appendix A.1.2), SEC 1 (RFC 5915) or PKCS#8 (RFC 5958).
    Clear(ClearForm, Zeroizing<Vec<u8>>),
    /// PKCS#8, encrypted.
    Pkcs8Encrypted(Zeroizing<Vec<u8>>),
    /// PEM with a `DEK-Info` header: encrypted as a whole (RFC 1421).
    LegacyEncrypted {
        /// The cipher, e.g. `AES-128-CBC`.
        cipher: String,
        /// The initialisation vector, hex.
        iv: String,
        /// The ciphertext.
        data: Zeroizing<Vec<u8>>,
    },
    /// `PuTTY-User-Key-File-2` or `-3`, from that word on. Its comment may be in any encoding.
    Ppk(Zeroizing<Vec<u8>>),
}

/// The ASN.1 forms of a private key that isn't encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClearForm {
    Pkcs1,
    Sec1,
    Pkcs8,
}

impl ClearForm {
    /// What it is called in errors.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pkcs1 => "PKCS#1",
            Self::Sec1 => "SEC1",
            Self::Pkcs8 => "PKCS#8",
        }
    }
}

/// Tells the container of a private key: of a file as it is, or of the base64 of one.
///
/// # Errors
/// [`Error::NotAPrivateKey`], [`Error::Unsupported`] for containers known and not read, [`Error::Malformed`] if the
/// end is missing or the base64 is bad.
pub(crate) fn sniff(bytes: &[u8]) -> Result<Container> {
    if bytes.len() > MAX_INPUT_BYTES {
        return Err(not_a_key(format!(
            "it has {} bytes, and no private key has over {MAX_INPUT_BYTES}",
            bytes.len()
        )));
    }
    let error = match sniff_file(bytes) {
        Err(error @ Error::NotAPrivateKey { .. }) => error,
        result => return result,
    };
    // A binary file travels as text, and the text between the lines of a PEM file is pasted without them.
    let file = std::str::from_utf8(bytes).ok().and_then(base64_of_a_file);
    match file.map(|file| sniff_file(&file)) {
        Some(Err(Error::NotAPrivateKey { found })) if found == instead::UNKNOWN => Err(error),
        Some(result) => result,
        None => Err(error),
    }
}

fn base64_of_a_file(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    // The smallest key has more, and a password that somebody pasted here has less.
    const SMALLEST: usize = 40;
    let text = text.trim_start_matches('\u{feff}');
    let mut encoded = Zeroizing::new(String::with_capacity(text.len()));
    encoded.extend(text.split_ascii_whitespace());
    let file = decode_base64(&encoded)?;
    (file.len() >= SMALLEST).then_some(file)
}

fn decode_base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    // With room from the start, so that growing leaves no copies behind.
    let mut data = Zeroizing::new(Vec::with_capacity(text.len()));
    BASE64.decode_vec(text.as_bytes(), &mut data).ok()?;
    Some(data)
}

fn sniff_file(bytes: &[u8]) -> Result<Container> {
    if let Some(form) = Form::of(bytes) {
        let value = asn1::first_value(bytes).unwrap_or(bytes);
        return clear(form, value.to_vec().into()).ok_or_else(|| instead::of_form(form));
    }
    if bytes.starts_with(OPENSSH) {
        return Ok(Container::OpenSsh(bytes.to_vec().into()));
    }
    if let Some(text) = from_utf16(bytes) {
        return sniff_text(text.as_bytes(), &text);
    }
    sniff_text(
        bytes,
        &Zeroizing::new(String::from_utf8_lossy(bytes).into_owned()),
    )
}

/// `text` is what can be read of the file; where it isn't UTF-8, only names and comments are lost.
fn sniff_text(bytes: &[u8], text: &str) -> Result<Container> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(not_a_key("it is empty"));
    }
    if let Some(file) = putty(bytes) {
        return Ok(Container::Ppk(file.to_vec().into()));
    }
    match pem::private_block(text) {
        Some((label, rest)) => pem::container(label, rest),
        None => Err(instead::of_text(text, bytes)),
    }
}

/// From where a line starts as a PuTTY key does.
fn putty(bytes: &[u8]) -> Option<&[u8]> {
    let bytes = bytes.strip_prefix(UTF_8_MARK).unwrap_or(bytes);
    let at = bytes.windows(PUTTY.len()).position(|window| window == PUTTY)?;
    let (before, file) = bytes.split_at_checked(at)?;
    let line_starts = before
        .iter()
        .rev()
        .find(|byte| !matches!(byte, b' ' | b'\t'))
        .is_none_or(|byte| matches!(byte, b'\n' | b'\r'));
    line_starts.then_some(file)
}

/// What Windows calls "Unicode" when it saves text: UTF-16 with a mark in front.
fn from_utf16(bytes: &[u8]) -> Option<Zeroizing<String>> {
    let (mark, rest) = bytes.split_at_checked(2)?;
    let unit: fn([u8; 2]) -> u16 = match mark {
        [0xff, 0xfe] => u16::from_le_bytes,
        [0xfe, 0xff] => u16::from_be_bytes,
        _ => return None,
    };
    let units = rest.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
    let mut text = Zeroizing::new(String::with_capacity(bytes.len() * 2));
    text.extend(char::decode_utf16(units).map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER)));
    Some(text)
}

/// The container for what isn't encrypted in OpenSSL's old way; `None` where it is no private key that is read.
fn clear(form: Form, data: Zeroizing<Vec<u8>>) -> Option<Container> {
    let form = match form {
        Form::Pkcs1 => ClearForm::Pkcs1,
        Form::Sec1 => ClearForm::Sec1,
        Form::Pkcs8 => ClearForm::Pkcs8,
        Form::Pkcs8Encrypted => return Some(Container::Pkcs8Encrypted(data)),
        Form::Dsa | Form::Pkcs12 | Form::Public | Form::Signed => return None,
    };
    Some(Container::Clear(form, data))
}

/// The form of a key that was decrypted.
///
/// # Errors
/// `None` if these bytes hold no key, as after a wrong passphrase.
pub(crate) fn decrypted(data: &[u8]) -> Option<Result<(ClearForm, &[u8])>> {
    let value = asn1::first_value(data)?;
    Some(Ok(match Form::of(value)? {
        Form::Pkcs1 => (ClearForm::Pkcs1, value),
        Form::Sec1 => (ClearForm::Sec1, value),
        Form::Pkcs8 => (ClearForm::Pkcs8, value),
        Form::Dsa => return Some(Err(key_type::dsa())),
        Form::Pkcs8Encrypted | Form::Pkcs12 | Form::Public | Form::Signed => return None,
    }))
}

fn not_a_key(found: impl Into<String>) -> Error {
    Error::NotAPrivateKey { found: found.into() }
}

/// A name out of a foreign file, fit for an error message.
pub(crate) fn printable(name: &str) -> String {
    name.chars().take(40).flat_map(char::escape_default).collect()
}
