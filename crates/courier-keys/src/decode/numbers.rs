//! The numbers of a key, and how SSH writes them down (RFC 4251 section 5).
//!
//! The library that keeps keys reads these too, but not all that programs write: it refuses scalars of P-256 that begin
//! with a zero byte, which one key in 256 has, where they stand without it.

use russh::keys::ssh_key::Mpint;
use russh::keys::ssh_key::private::{
    EcdsaKeypair, EcdsaPrivateKey, Ed25519Keypair, KeypairData, RsaKeypair, RsaPrivateKey,
};
use russh::keys::ssh_key::public::{EcdsaPublicKey, RsaPublicKey};
use zeroize::Zeroizing;

/// A cursor over SSH's data types.
pub(super) struct Wire<'a>(pub(super) &'a [u8]);

impl<'a> Wire<'a> {
    pub(super) fn u32(&mut self) -> Option<u32> {
        let (number, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*number))
    }

    /// A `string`.
    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let mut rest = Wire(self.0);
        let length = usize::try_from(rest.u32()?).ok()?;
        let (bytes, rest) = rest.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    /// An `mpint` that isn't negative, without its leading zeros.
    pub(super) fn number(&mut self) -> Option<&'a [u8]> {
        let bytes = self.bytes()?;
        if bytes.first().is_some_and(|first| *first >= 0x80) {
            return None;
        }
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        bytes.get(zeros..)
    }
}

/// The numbers of an RSA key, big-endian.
pub(super) struct Rsa<'a> {
    pub(super) n: &'a [u8],
    pub(super) e: &'a [u8],
    pub(super) d: &'a [u8],
    pub(super) iqmp: &'a [u8],
    pub(super) p: &'a [u8],
    pub(super) q: &'a [u8],
}

impl Rsa<'_> {
    pub(super) fn pair(&self) -> Option<KeypairData> {
        let number = |bytes: &[u8]| (bytes.len() <= self.n.len()).then(|| Mpint::from_positive_bytes(bytes));
        let public = RsaPublicKey::new(number(self.e)?, number(self.n)?).ok()?;
        let private = RsaPrivateKey::new(
            number(self.d)?,
            number(self.iqmp)?,
            number(self.p)?,
            number(self.q)?,
        )
        .ok()?;
        RsaKeypair::new(public, private).ok().map(KeypairData::Rsa)
    }
}

/// From the seed (RFC 8032 section 5.1.5), which gives the public half as well.
pub(super) fn ed25519(seed: &[u8; 32]) -> KeypairData {
    KeypairData::Ed25519(Ed25519Keypair::from_seed(seed))
}

/// From the public point, not compressed, and the scalar, big-endian, of any length that fits its curve.
pub(super) fn ecdsa(point: &[u8], scalar: &[u8]) -> Option<KeypairData> {
    const NOT_COMPRESSED: u8 = 4;
    if point.first() != Some(&NOT_COMPRESSED) {
        return None;
    }
    Some(KeypairData::Ecdsa(
        match EcdsaPublicKey::from_sec1_bytes(point).ok()? {
            EcdsaPublicKey::NistP256(public) => EcdsaKeypair::NistP256 {
                public,
                private: padded(scalar)?,
            },
            EcdsaPublicKey::NistP384(public) => EcdsaKeypair::NistP384 {
                public,
                private: padded(scalar)?,
            },
            EcdsaPublicKey::NistP521(public) => EcdsaKeypair::NistP521 {
                public,
                private: padded(scalar)?,
            },
        },
    ))
}

fn padded<const SIZE: usize>(scalar: &[u8]) -> Option<EcdsaPrivateKey<SIZE>> {
    let mut bytes = Zeroizing::new([0; SIZE]);
    let zeros = SIZE.checked_sub(scalar.len())?;
    bytes.get_mut(zeros..)?.copy_from_slice(scalar);
    Some(EcdsaPrivateKey::from(*bytes))
}
