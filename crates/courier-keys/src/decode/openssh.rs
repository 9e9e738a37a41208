//! OpenSSH's own format (`PROTOCOL.key`).

use ::openssl::symm;
use russh::keys::Algorithm;
use russh::keys::ssh_key::private::KeypairData;
use russh::keys::ssh_key::{self, Cipher, Kdf, PrivateKey};
use zeroize::Zeroizing;

use super::numbers::{self, Rsa, Wire};
use super::{openssl, too_much_work};
use crate::error::{Error, Result};
use crate::key_type::{self, KeyType};
use crate::sniff::{CONVERT, printable};

const MAGIC: &[u8] = b"openssh-key-v1\0";

/// The ciphers that `ssh-keygen -Z` offers.
const CIPHERS: [&str; 9] = [
    "aes128-cbc",
    "aes192-cbc",
    "aes256-cbc",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
];

/// What it offers beyond those, and the sizes of its key and vector, bytes.
const TRIPLE_DES: (&str, usize, usize) = ("3des-cbc", 24, 8);

/// The most bcrypt rounds that are computed: some seconds. `ssh-keygen` does 16 or 24 unless told otherwise.
const MAX_ROUNDS: u32 = 1024;

/// The most padding behind the key. OpenSSH has less than a block, PuTTYgen a whole one.
const MAX_PADDING: usize = 16;

/// The file's parts.
struct File<'a> {
    lock: Option<Lock<'a>>,
    /// Of a type that can be used.
    public: ssh_key::PublicKey,
    /// The private half; under the lock, where there is one.
    section: &'a [u8],
    /// What an authenticated cipher has behind it.
    tag: &'a [u8],
}

struct Lock<'a> {
    cipher: &'a str,
    kdf: Kdf,
}

/// The public half, which needs no passphrase.
pub(crate) fn public(data: &[u8]) -> Option<ssh_key::PublicKey> {
    File::read(data).ok().map(|file| file.public)
}

pub(super) fn decode(data: &[u8], passphrase: Option<&str>) -> Result<PrivateKey> {
    let file = File::read(data)?;
    let key = match &file.lock {
        None => section(file.section)?.ok_or_else(|| malformed("its check numbers differ"))?,
        Some(lock) => {
            let passphrase = passphrase.ok_or(Error::PassphraseNeeded)?;
            let plain = lock.open(passphrase, file.section, file.tag)?;
            section(&plain)?.ok_or(Error::PassphraseWrong)?
        }
    };
    let key = PrivateKey::new(key, "").map_err(|_| Error::Mismatch)?;
    if key.public_key().key_data() == file.public.key_data() {
        Ok(key)
    } else {
        Err(Error::Mismatch)
    }
}

impl<'a> File<'a> {
    fn read(data: &'a [u8]) -> Result<Self> {
        let rest = data
            .strip_prefix(MAGIC)
            .ok_or_else(|| malformed("it does not start with openssh-key-v1"))?;
        let cut = || malformed("its header is cut off");
        let mut wire = Wire(rest);
        let cipher = wire.text().ok_or_else(cut)?;
        let kdf = wire.text().ok_or_else(cut)?;
        let options = wire.bytes().ok_or_else(cut)?;
        let keys = wire.u32().ok_or_else(cut)?;
        let lock = Lock::read(cipher, kdf, options)?;
        if keys != 1 {
            return Err(malformed(&format!("it holds {keys} keys and not one")));
        }
        // Before anybody is asked for the passphrase of a key that is refused anyhow.
        let public = public_half(wire.bytes().ok_or_else(cut)?)?;
        let section = wire.bytes().ok_or_else(|| malformed("it is cut off"))?;
        Ok(Self {
            lock,
            public,
            section,
            tag: wire.0,
        })
    }
}

impl<'a> Lock<'a> {
    /// What locks the private half, if anything does.
    fn read(cipher: &'a str, kdf: &str, options: &[u8]) -> Result<Option<Self>> {
        let unsupported = |what: String| Error::Unsupported { what, fix: CONVERT };
        if cipher == "none" {
            return Ok(None);
        }
        if !CIPHERS.contains(&cipher) && cipher != TRIPLE_DES.0 {
            let what = format!("the cipher {} of an OpenSSH private key", printable(cipher));
            return Err(unsupported(what));
        }
        if kdf != "bcrypt" {
            let kdf = printable(kdf);
            return Err(unsupported(format!(
                "the key derivation {kdf} of an OpenSSH private key"
            )));
        }
        let mut options = Wire(options);
        let read = options
            .bytes()
            .and_then(|salt| Some((salt.to_vec(), options.u32()?)));
        let (salt, rounds) =
            read.ok_or_else(|| malformed("the parameters of its passphrase can't be read"))?;
        if rounds > MAX_ROUNDS {
            return Err(too_much_work(format!(
                "a key with {rounds} bcrypt rounds (over {MAX_ROUNDS})"
            )));
        }
        let kdf = Kdf::Bcrypt { salt, rounds };
        Ok(Some(Self { cipher, kdf }))
    }

    fn open(&self, passphrase: &str, section: &[u8], tag: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let bad = || malformed("its encrypted part has a wrong length, or no salt");
        let (name, key_size, iv_size) = TRIPLE_DES;
        if self.cipher == name {
            let mut key = Zeroizing::new(vec![0; key_size + iv_size]);
            self.kdf.derive(passphrase, &mut key).map_err(|_| bad())?;
            let (key, iv) = key.split_at_checked(key_size).ok_or_else(bad)?;
            let cipher = symm::Cipher::des_ede3_cbc();
            return openssl::decrypt_cbc(cipher, key, iv, section, false).ok_or_else(bad);
        }
        let cipher: Cipher = self.cipher.parse().map_err(|_| bad())?;
        let (key, iv) = self
            .kdf
            .derive_key_and_iv(cipher, passphrase)
            .map_err(|_| bad())?;
        let tag = match cipher.has_tag() {
            true => Some(tag.try_into().map_err(|_| bad())?),
            false => None,
        };
        let mut plain = Zeroizing::new(section.to_vec());
        if !plain.len().is_multiple_of(cipher.block_size()) {
            return Err(bad());
        }
        cipher
            .decrypt(&key, &iv, &mut plain, tag)
            .map_err(|_| Error::PassphraseWrong)?;
        Ok(plain)
    }
}

/// Reads the public half, of a type that can be used.
fn public_half(blob: &[u8]) -> Result<ssh_key::PublicKey> {
    let unreadable = || malformed("its public half can't be read");
    let name = Wire(blob).text().ok_or_else(unreadable)?;
    match Algorithm::new(name) {
        Ok(Algorithm::Rsa { .. } | Algorithm::Ed25519 | Algorithm::Ecdsa { .. }) => {}
        Ok(other) => return Err(key_type::unsupported(&other)),
        Err(_) => return Err(unreadable()),
    }
    let key = ssh_key::PublicKey::from_bytes(blob).map_err(|_| unreadable())?;
    KeyType::of(key.key_data())?;
    Ok(key)
}

/// The private half in the clear; `None` if it isn't, which is told by two numbers that should be the same.
fn section(plain: &[u8]) -> Result<Option<KeypairData>> {
    let mut wire = Wire(plain);
    let checks = (wire.u32(), wire.u32());
    if checks.0.is_none() || checks.0 != checks.1 {
        return Ok(None);
    }
    let key = pair(&mut wire).ok_or_else(|| malformed("its private half can't be read"))?;
    let padding = wire.bytes().map(|_comment| wire.0);
    let sound = padding.is_some_and(|padding| {
        padding.len() <= MAX_PADDING && padding.iter().zip(1..).all(|(byte, count)| *byte == count)
    });
    if sound {
        Ok(Some(key))
    } else {
        Err(malformed("its private half is cut off"))
    }
}

fn pair(wire: &mut Wire<'_>) -> Option<KeypairData> {
    match Algorithm::new(wire.text()?).ok()? {
        Algorithm::Rsa { .. } => {
            let [n, e, d, iqmp, p, q] = [(); 6].map(|()| wire.number());
            let (n, e, d, iqmp, p, q) = (n?, e?, d?, iqmp?, p?, q?);
            Rsa { n, e, d, iqmp, p, q }.pair()
        }
        Algorithm::Ed25519 => {
            let public = wire.bytes()?;
            let (seed, again) = wire.bytes()?.split_first_chunk()?;
            (public == again).then(|| numbers::ed25519(seed))
        }
        Algorithm::Ecdsa { .. } => {
            let _curve = wire.bytes()?;
            let point = wire.bytes()?;
            numbers::ecdsa(point, wire.number()?)
        }
        _ => None,
    }
}

fn malformed(reason: &str) -> Error {
    Error::Malformed {
        format: "OpenSSH",
        reason: reason.into(),
    }
}
