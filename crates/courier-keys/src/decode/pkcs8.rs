//! PKCS#8 under a passphrase: `EncryptedPrivateKeyInfo` (RFC 5958 section 3) with the schemes of RFC 8018 and RFC 7292.

use ::openssl::hash::MessageDigest;
use ::openssl::pkcs5;
use ::openssl::symm::Cipher;
use russh::keys::ssh_key::PrivateKey;
use zeroize::Zeroizing;

use super::pbes1::{Kind, Pbes1};
use super::{clear, openssl, too_much_work};
use crate::asn1::Der;
use crate::error::{Error, Result};
use crate::sniff::{self, CONVERT};

/// 1.2.840.113549.1.5, under which are the schemes of PKCS#5.
const PKCS5: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05];
/// 1.2.840.113549.1.12.1, under which are the schemes of PKCS#12.
const PKCS12: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01];
/// 1.3.6.1.4.1.11591.4.11
const SCRYPT: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b];
/// 1.2.840.113549.2, under which the HMACs are: 7 is SHA-1, 8 to 11 are the sizes of SHA-2.
const DIGESTS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02];
/// 2.16.840.1.101.3.4.1, under which the AES modes are.
const AES: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01];
/// 1.2.840.113549.3.7
const TRIPLE_DES: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x07];

/// The most iterations that are computed: some seconds. OpenSSL does 2048, current advice is 600,000.
const MAX_ITERATIONS: u64 = 5_000_000;

/// The most memory for scrypt, bytes: 128 · N · r (RFC 7914 section 2).
const MAX_SCRYPT_BYTES: u64 = 256 << 20;

/// The most lanes of scrypt, each of which takes as long as one.
const MAX_SCRYPT_LANES: u64 = 16;

pub(super) fn decode(der: &[u8], passphrase: Option<&str>) -> Result<PrivateKey> {
    let scheme = Scheme::of(der)?;
    let passphrase = passphrase.ok_or(Error::PassphraseNeeded)?;
    let plain = match &scheme {
        Scheme::Pbes2(scheme) => scheme.decrypt(passphrase),
        Scheme::Pbes1(scheme) => scheme.decrypt(passphrase),
    };
    let plain = plain.ok_or(Error::PassphraseWrong)?;
    // Nothing tells a damaged file from a wrong passphrase, and the passphrase is wrong more often.
    let (form, key) = sniff::decrypted(&plain).ok_or(Error::PassphraseWrong)??;
    clear::decode(form, key)
}

/// How a key is encrypted, checked to be something that can be decrypted, and within reason.
enum Scheme<'a> {
    Pbes2(Pbes2<'a>),
    Pbes1(Pbes1<'a>),
}

/// Today's scheme (RFC 8018 section 6.2).
struct Pbes2<'a> {
    kdf: Kdf,
    salt: &'a [u8],
    cipher: Cipher,
    iv: &'a [u8],
    data: &'a [u8],
}

enum Kdf {
    Pbkdf2 {
        iterations: usize,
        digest: MessageDigest,
    },
    Scrypt {
        n: u64,
        r: u64,
        p: u64,
    },
}

impl Pbes2<'_> {
    fn decrypt(&self, passphrase: &str) -> Option<Zeroizing<Vec<u8>>> {
        let mut key = Zeroizing::new(vec![0; self.cipher.key_len()]);
        let (text, salt) = (passphrase.as_bytes(), self.salt);
        openssl::quietly(|| match self.kdf {
            Kdf::Pbkdf2 { iterations, digest } => {
                pkcs5::pbkdf2_hmac(text, salt, iterations, digest, &mut key)
            }
            // The limit is above what was checked, since OpenSSL counts a few blocks beside those of the algorithm.
            Kdf::Scrypt { n, r, p } => pkcs5::scrypt(text, salt, n, r, p, 2 * MAX_SCRYPT_BYTES, &mut key),
        })?;
        openssl::decrypt_cbc(self.cipher, &key, self.iv, self.data, true)
    }
}

impl<'a> Scheme<'a> {
    /// # Errors
    /// [`Error::Unsupported`] names the scheme, [`Error::Malformed`] if it can't be read.
    fn of(der: &'a [u8]) -> Result<Self> {
        let mut content = Der::new(der).sequence().ok_or_else(cut)?;
        let (scheme, mut parameters) = content.algorithm().ok_or_else(cut)?;
        let data = content.octets().ok_or_else(cut)?;
        let mut parameters = parameters.sequence().ok_or_else(cut)?;
        let kind = match (scheme.strip_prefix(PKCS5), scheme.strip_prefix(PKCS12)) {
            (Some([13]), _) => return pbes2(parameters, data).map(Self::Pbes2),
            (Some([3]), _) => Kind::Md5,
            (Some([10]), _) => Kind::Sha1,
            (_, Some([3])) => Kind::ThreeKeys,
            (_, Some([4])) => Kind::TwoKeys,
            (_, Some([1 | 2])) => return Err(left_out("RC4")),
            (Some([4 | 6 | 11]), _) | (_, Some([5 | 6])) => return Err(left_out("RC2")),
            _ => return Err(unsupported("a scheme that nobody uses")),
        };
        let salt = parameters.octets().ok_or_else(cut)?;
        if matches!(kind, Kind::Md5 | Kind::Sha1) && salt.len() != 8 {
            return Err(cut());
        }
        Ok(Self::Pbes1(Pbes1 {
            kind,
            salt,
            iterations: check_iterations(parameters.integer().ok_or_else(cut)?)?,
            data,
        }))
    }
}

fn pbes2<'a>(mut parameters: Der<'a>, data: &'a [u8]) -> Result<Pbes2<'a>> {
    let (kdf, mut kdf_parameters) = parameters.algorithm().ok_or_else(cut)?;
    let (cipher, mut cipher_parameters) = parameters.algorithm().ok_or_else(cut)?;
    let cipher = match (cipher.strip_prefix(AES), cipher) {
        (Some([0x02]), _) => Cipher::aes_128_cbc(),
        (Some([0x16]), _) => Cipher::aes_192_cbc(),
        (Some([0x2a]), _) => Cipher::aes_256_cbc(),
        (_, TRIPLE_DES) => Cipher::des_ede3_cbc(),
        _ => return Err(unsupported("a cipher other than AES and 3DES in CBC mode")),
    };
    let mut kdf_parameters = kdf_parameters.sequence().ok_or_else(cut)?;
    let salt = kdf_parameters.octets().ok_or_else(cut)?;
    let kdf = if kdf.strip_prefix(PKCS5) == Some(&[12]) {
        pbkdf2(kdf_parameters)?
    } else if kdf == SCRYPT {
        scrypt(kdf_parameters)?
    } else {
        return Err(unsupported("a key derivation other than PBKDF2 and scrypt"));
    };
    Ok(Pbes2 {
        kdf,
        salt,
        cipher,
        iv: cipher_parameters.octets().ok_or_else(cut)?,
        data,
    })
}

/// The iterations, the optional length of the key, and the optional pseudo-random function; without one it is HMAC-SHA1.
fn pbkdf2(mut parameters: Der<'_>) -> Result<Kdf> {
    let iterations = check_iterations(parameters.integer().ok_or_else(cut)?)?;
    let _length = parameters.integer();
    let digest = match parameters
        .algorithm()
        .map(|(oid, _)| oid.strip_prefix(DIGESTS).unwrap_or_default())
    {
        None | Some([7]) => MessageDigest::sha1(),
        Some([8]) => MessageDigest::sha224(),
        Some([9]) => MessageDigest::sha256(),
        Some([10]) => MessageDigest::sha384(),
        Some([11]) => MessageDigest::sha512(),
        Some(_) => return Err(unsupported("PBKDF2 over a hash other than SHA-1 and SHA-2")),
    };
    let iterations = usize::try_from(iterations).map_err(|_| cut())?;
    Ok(Kdf::Pbkdf2 { iterations, digest })
}

fn scrypt(mut parameters: Der<'_>) -> Result<Kdf> {
    let [n, r, p] = [(); 3].map(|()| parameters.integer().unwrap_or(u64::MAX));
    let bytes = n.saturating_mul(r).saturating_mul(128);
    if bytes > MAX_SCRYPT_BYTES || p > MAX_SCRYPT_LANES {
        return Err(too_much_work("a key with scrypt parameters this large".into()));
    }
    Ok(Kdf::Scrypt { n, r, p })
}

fn check_iterations(iterations: u64) -> Result<i32> {
    i32::try_from(iterations)
        .ok()
        .filter(|_| iterations <= MAX_ITERATIONS)
        .ok_or_else(|| {
            too_much_work(format!(
                "a key with {iterations} iterations of its key derivation (over {MAX_ITERATIONS})"
            ))
        })
}

fn unsupported(how: &str) -> Error {
    Error::Unsupported {
        what: format!("a PKCS#8 private key encrypted with {how}"),
        fix: CONVERT,
    }
}

/// Too weak even for OpenSSL's usual build, so that `ssh-keygen` doesn't read it either.
fn left_out(how: &str) -> Error {
    Error::Unsupported {
        what: format!("a PKCS#8 private key encrypted with {how}"),
        fix: "convert a copy of it with: openssl pkcs8 -provider legacy -provider default -in FILE -topk8 -out KEY.pem",
    }
}

fn cut() -> Error {
    Error::Malformed {
        format: "PKCS#8",
        reason: "its encryption parameters can't be read".into(),
    }
}
