//! PuTTY's keys, versions 2 and 3 (PuTTY manual, appendix C).

use argon2::Argon2;
use aws_lc_rs::{digest, hmac};
use openssl::symm::Cipher;
use russh::keys::Algorithm;
use russh::keys::ssh_key::private::KeypairData;
use russh::keys::ssh_key::{self, PrivateKey};
use zeroize::Zeroizing;

use super::numbers::{self, Rsa, Wire};
use super::openssl as cipher;
use super::ppk_file::{Argon2Lines, PpkFile};
use super::too_much_work;
use crate::error::{Error, Result};
use crate::key_type::{self, KeyType};
use crate::sniff::printable;

const FIX: &str = "load it in PuTTYgen and save it again, or export it as an OpenSSH key there";

/// The most memory that Argon2 may take, KiB. PuTTY takes 8192.
const MAX_ARGON2_KIB: u32 = 256 * 1024;

/// The most memory that Argon2 may pass over, KiB: some seconds.
const MAX_ARGON2_WORK_KIB: u64 = 16 * 1024 * 1024;

const KEY_BYTES: usize = 32;
const IV_BYTES: usize = 16;
const MAC_BYTES: usize = 32;

pub(super) fn decode(file: &[u8], passphrase: Option<&str>) -> Result<PrivateKey> {
    let file = PpkFile::read(file).map_err(malformed)?;
    if !matches!(file.version, "2" | "3") {
        return Err(unsupported(format!(
            "version {} of PuTTY's key format",
            printable(file.version)
        )));
    }
    let public = public_half(&file)?;
    let encrypted = match file.encryption {
        "none" => false,
        "aes256-cbc" => true,
        other => {
            return Err(unsupported(format!(
                "the cipher {} of a PuTTY key",
                printable(other)
            )));
        }
    };
    let keys = match (encrypted, file.version) {
        (false, _) => Keys::of_none(file.version),
        (true, version) => {
            let argon2 = file.argon2.as_ref().map(argon2).transpose()?;
            let passphrase = passphrase.ok_or(Error::PassphraseNeeded)?;
            match (version, argon2) {
                ("2", _) => Keys::of_version_2(passphrase),
                (_, Some((argon2, salt))) => Keys::of_version_3(passphrase, &argon2, salt)?,
                (_, None) => return Err(malformed("it has no Key-Derivation line")),
            }
        }
    };
    let blob = keys.decrypt(&file.private)?;
    if !keys.prove(&file, &blob) {
        return Err(match encrypted {
            true => Error::PassphraseWrong,
            false => malformed("its authentication code (Private-MAC) doesn't match"),
        });
    }
    let pair = pair(&public, &file.public, &blob).ok_or_else(|| malformed("its numbers can't be read"))?;
    let key = PrivateKey::new(pair, "").map_err(|_| Error::Mismatch)?;
    if key.public_key().key_data() == public.key_data() {
        Ok(key)
    } else {
        Err(Error::Mismatch)
    }
}

/// What a passphrase becomes.
struct Keys {
    /// The cipher's key and vector.
    cipher: Option<(Zeroizing<[u8; KEY_BYTES]>, [u8; IV_BYTES])>,
    mac: hmac::Key,
}

impl Keys {
    fn of_none(version: &str) -> Self {
        let mac = match version {
            "2" => version_2_mac(""),
            _ => hmac::Key::new(hmac::HMAC_SHA256, &[]),
        };
        Self { cipher: None, mac }
    }

    fn of_version_2(passphrase: &str) -> Self {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let hashes = [0_u32, 1].map(|count| sha1(&[&count.to_be_bytes(), passphrase.as_bytes()]));
        for (byte, hash) in key.iter_mut().zip(hashes.iter().flat_map(AsRef::as_ref)) {
            *byte = *hash;
        }
        Self {
            cipher: Some((key, [0; IV_BYTES])),
            mac: version_2_mac(passphrase),
        }
    }

    fn of_version_3(passphrase: &str, argon2: &Argon2<'_>, salt: &[u8]) -> Result<Self> {
        let mut made = Zeroizing::new([0; KEY_BYTES + IV_BYTES + MAC_BYTES]);
        argon2
            .hash_password_into(passphrase.as_bytes(), salt, &mut *made)
            .map_err(|_| malformed("its Argon2 parameters don't fit each other"))?;
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let mut iv = [0; IV_BYTES];
        let (first, rest) = made.split_at(KEY_BYTES);
        let (second, mac) = rest.split_at(IV_BYTES);
        key.copy_from_slice(first);
        iv.copy_from_slice(second);
        Ok(Self {
            cipher: Some((key, iv)),
            mac: hmac::Key::new(hmac::HMAC_SHA256, mac),
        })
    }

    fn decrypt(&self, private: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        match &self.cipher {
            None => Ok(Zeroizing::new(private.to_vec())),
            Some((key, iv)) => cipher::decrypt_cbc(Cipher::aes_256_cbc(), &key[..], iv, private, false)
                .ok_or_else(|| malformed("its private half has a wrong length")),
        }
    }

    /// Does the authentication code fit, which covers everything and depends on the passphrase?
    fn prove(&self, file: &PpkFile<'_>, blob: &[u8]) -> bool {
        // Pasted text is UTF-8, whatever the comment was in when PuTTYgen signed it: in Western Europe, mostly this.
        let latin = std::str::from_utf8(file.comment)
            .ok()
            .and_then(|comment| {
                comment
                    .chars()
                    .map(|char| u8::try_from(char).ok())
                    .collect::<Option<Vec<u8>>>()
            })
            .unwrap_or_default();
        [file.comment, &latin]
            .iter()
            .any(|comment| self.proves_with(file, comment, blob))
    }

    fn proves_with(&self, file: &PpkFile<'_>, comment: &[u8], blob: &[u8]) -> bool {
        let (algorithm, encryption) = (file.algorithm.as_bytes(), file.encryption.as_bytes());
        let parts = [algorithm, encryption, comment, &file.public, blob];
        let mut signed = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len() + 4).sum()));
        for part in parts {
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            signed.extend_from_slice(&length.to_be_bytes());
            signed.extend_from_slice(part);
        }
        hmac::verify(&self.mac, &signed, &file.mac).is_ok()
    }
}

fn version_2_mac(passphrase: &str) -> hmac::Key {
    let key = sha1(&[b"putty-private-key-file-mac-key", passphrase.as_bytes()]);
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_ref())
}

fn sha1(parts: &[&[u8]]) -> digest::Digest {
    let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    for part in parts {
        context.update(part);
    }
    context.finish()
}

/// The key derivation of version 3, within reason, and its salt.
fn argon2<'a>(lines: &'a Argon2Lines<'_>) -> Result<(Argon2<'static>, &'a [u8])> {
    let algorithm = match lines.flavour {
        "Argon2id" => argon2::Algorithm::Argon2id,
        "Argon2i" => argon2::Algorithm::Argon2i,
        "Argon2d" => argon2::Algorithm::Argon2d,
        other => {
            return Err(unsupported(format!(
                "the key derivation {} of a PuTTY key",
                printable(other)
            )));
        }
    };
    let (memory, passes) = (lines.memory_kib, lines.passes);
    if memory > MAX_ARGON2_KIB || u64::from(memory) * u64::from(passes) > MAX_ARGON2_WORK_KIB {
        return Err(too_much_work(format!(
            "a PuTTY key with {memory} KiB of Argon2 memory and {passes} passes"
        )));
    }
    let parameters = argon2::Params::new(memory, passes, lines.parallelism, None)
        .map_err(|_| malformed("its Argon2 parameters don't fit each other"))?;
    let argon2 = Argon2::new(algorithm, argon2::Version::V0x13, parameters);
    Ok((argon2, &lines.salt))
}

/// The public half, of a type that can be used.
fn public_half(file: &PpkFile<'_>) -> Result<ssh_key::PublicKey> {
    let name = file.algorithm;
    match Algorithm::new(name) {
        Ok(Algorithm::Rsa { .. } | Algorithm::Ed25519 | Algorithm::Ecdsa { .. }) => {}
        Ok(Algorithm::Other(_)) | Err(_) => {
            return Err(unsupported(format!(
                "the key type {} of a PuTTY key",
                printable(name)
            )));
        }
        Ok(other) => return Err(key_type::unsupported(&other)),
    }
    let unreadable = || malformed("its public half can't be read");
    // A certificate under the name of a key could hold others, as deep as it likes.
    if Wire(&file.public).text() != Some(name) {
        return Err(unreadable());
    }
    let key = ssh_key::PublicKey::from_bytes(&file.public).map_err(|_| unreadable())?;
    KeyType::of(key.key_data())?;
    Ok(key)
}

/// The private half stands alone, and doesn't repeat what the public one says.
fn pair(key: &ssh_key::PublicKey, public: &[u8], private: &[u8]) -> Option<KeypairData> {
    let mut public = Wire(public);
    let mut private = Wire(private);
    let _name = public.bytes()?;
    match key.algorithm() {
        Algorithm::Rsa { .. } => {
            let (e, n) = (public.number()?, public.number()?);
            let [d, p, q, iqmp] = [(); 4].map(|()| private.number());
            let (d, p, q, iqmp) = (d?, p?, q?, iqmp?);
            Rsa { n, e, d, iqmp, p, q }.pair()
        }
        Algorithm::Ed25519 => {
            // A number, its least byte first and without zeros at the end, which one key in 256 would have.
            let digits = private.bytes()?;
            let mut seed = Zeroizing::new([0; 32]);
            seed.get_mut(..digits.len())?.copy_from_slice(digits);
            Some(numbers::ed25519(&seed))
        }
        Algorithm::Ecdsa { .. } => {
            let _curve = public.bytes()?;
            numbers::ecdsa(public.bytes()?, private.number()?)
        }
        _ => None,
    }
}

fn unsupported(what: String) -> Error {
    Error::Unsupported { what, fix: FIX }
}

fn malformed(reason: &str) -> Error {
    Error::Malformed {
        format: "PuTTY",
        reason: reason.into(),
    }
}
