//! The schemes of old for PKCS#8: those of PKCS#5 (RFC 8018 section 6.1) and PKCS#12 (RFC 7292 appendix B and C) with DES and
//! 3DES.

use ::openssl::hash::MessageDigest;
use ::openssl::pkcs5;
use ::openssl::symm::Cipher;
use aws_lc_rs::digest;
use zeroize::Zeroizing;

use super::openssl;

/// The block and the output of SHA-1, bytes.
const BLOCK: usize = 64;
const HASH: usize = 20;

/// Which cipher, and how its key is made.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// `pbeWithMD5AndDES-CBC`, which OpenSSL wrote unless told otherwise until version 1.1.
    Md5,
    /// `pbeWithSHA1AndDES-CBC`.
    Sha1,
    /// `pbeWithSHAAnd3-KeyTripleDES-CBC`.
    ThreeKeys,
    /// `pbeWithSHAAnd2-KeyTripleDES-CBC`: the first key is the third as well.
    TwoKeys,
}

/// An encrypted key with its parameters, within reason.
pub(super) struct Pbes1<'a> {
    pub(super) kind: Kind,
    /// Of eight bytes in the schemes of PKCS#5.
    pub(super) salt: &'a [u8],
    pub(super) iterations: i32,
    pub(super) data: &'a [u8],
}

impl Pbes1<'_> {
    pub(super) fn decrypt(&self, passphrase: &str) -> Option<Zeroizing<Vec<u8>>> {
        match self.kind {
            Kind::Md5 => self.des(MessageDigest::md5(), passphrase),
            Kind::Sha1 => self.des(MessageDigest::sha1(), passphrase),
            Kind::ThreeKeys => self.triple_des(24, passphrase),
            Kind::TwoKeys => self.triple_des(16, passphrase),
        }
    }

    /// PBKDF1 (RFC 8018 section 5.1) gives key and vector.
    fn des(&self, digest: MessageDigest, passphrase: &str) -> Option<Zeroizing<Vec<u8>>> {
        let (text, salt) = (passphrase.as_bytes(), Some(self.salt));
        let pair =
            openssl::quietly(|| pkcs5::bytes_to_key(Cipher::des_cbc(), digest, text, salt, self.iterations))?;
        let key = Zeroizing::new(pair.key);
        openssl::decrypt_des(&key, &pair.iv?, self.data)
    }

    fn triple_des(&self, length: usize, passphrase: &str) -> Option<Zeroizing<Vec<u8>>> {
        const KEY: u8 = 1;
        const VECTOR: u8 = 2;
        let mut key = self.pkcs12(KEY, length, passphrase);
        key.extend_from_within(..24 - length);
        let iv = self.pkcs12(VECTOR, 8, passphrase);
        openssl::decrypt_cbc(Cipher::des_ede3_cbc(), &key, &iv, self.data, true)
    }

    /// The key derivation of RFC 7292 appendix B.2, for a purpose.
    fn pkcs12(&self, purpose: u8, length: usize, passphrase: &str) -> Zeroizing<Vec<u8>> {
        // UTF-16, its high byte first, with a zero at the end (appendix B.1).
        let mut text = Zeroizing::new(Vec::with_capacity(passphrase.len() * 2 + 2));
        text.extend(passphrase.encode_utf16().chain([0]).flat_map(u16::to_be_bytes));
        let blocks = |bytes: &[u8]| bytes.len().div_ceil(BLOCK) * BLOCK;
        let mut input = Zeroizing::new(Vec::with_capacity(blocks(self.salt) + blocks(&text)));
        input.extend(self.salt.iter().cycle().take(blocks(self.salt)));
        input.extend(text.iter().cycle().take(blocks(&text)));

        // With room from the start, so that growing leaves no copies behind.
        let mut made = Zeroizing::new(Vec::with_capacity(24 + HASH));
        while made.len() < length {
            let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
            context.update(&[purpose; BLOCK]);
            context.update(&input);
            let mut hash = context.finish();
            for _ in 1..self.iterations {
                hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, hash.as_ref());
            }
            made.extend_from_slice(hash.as_ref());
            for block in input.as_chunks_mut::<BLOCK>().0 {
                add(block, hash.as_ref());
            }
        }
        made.truncate(length);
        made
    }
}

/// Adds the repeated hash and one to a number of one block, its least byte last.
fn add(block: &mut [u8; BLOCK], hash: &[u8]) {
    let mut repeated = [0; BLOCK];
    for (byte, hash) in repeated.iter_mut().zip(hash.iter().cycle()) {
        *byte = *hash;
    }
    let mut carry = 1;
    for (byte, other) in block.iter_mut().zip(repeated).rev() {
        let sum = u16::from(*byte) + u16::from(other) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
}
