//! Enough of DER (X.690) to tell the ASN.1 forms of keys apart, and to read their parameters before anything is computed
//! with them.

// Tags.
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// 1.2.840.113549.1.1.1
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// 1.2.840.10045.2.1
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// What a DER sequence is, told from the types of its first elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `RSAPrivateKey` (RFC 8017 appendix A.1.2).
    Pkcs1,
    /// `ECPrivateKey` (RFC 5915).
    Sec1,
    /// `PrivateKeyInfo` or `OneAsymmetricKey` (RFC 5958).
    Pkcs8,
    /// `EncryptedPrivateKeyInfo` (RFC 5958 section 3).
    Pkcs8Encrypted,
    /// The six numbers of OpenSSL's DSA key.
    Dsa,
    /// `PFX` (RFC 7292): certificates and keys under a password.
    Pkcs12,
    /// `SubjectPublicKeyInfo` (RFC 5280), or `RSAPublicKey` (RFC 8017).
    Public,
    /// A certificate, a request for one, or a revocation list: something, then who signed it and how.
    Signed,
}

impl Form {
    /// Tells the form of what these bytes begin with.
    pub(crate) fn of(der: &[u8]) -> Option<Self> {
        let mut content = Der::new(der).sequence()?;
        if let Some(version) = content.integer() {
            if content.octets().is_some() {
                return Some(Self::Sec1);
            }
            if content.sequence().is_some() {
                return Some(if version == 3 { Self::Pkcs12 } else { Self::Pkcs8 });
            }
            let mut numbers = 1;
            while content.value(INTEGER).is_some() {
                numbers += 1;
            }
            return match numbers {
                2 => Some(Self::Public),
                6 => Some(Self::Dsa),
                9 => Some(Self::Pkcs1),
                _ => None,
            };
        }
        let mut first = content.sequence()?;
        if first.value(OID).is_some() {
            if content.octets().is_some() {
                return Some(Self::Pkcs8Encrypted);
            }
            return content.value(BIT_STRING).map(|_| Self::Public);
        }
        content.sequence()?;
        content.value(BIT_STRING).map(|_| Self::Signed)
    }
}

/// The bytes of the first value, without what may follow it.
pub(crate) fn first_value(der: &[u8]) -> Option<&[u8]> {
    let mut rest = Der::new(der);
    rest.sequence()?;
    der.get(..der.len() - rest.0.len())
}

/// Is it PKCS#8 around a key of an elliptic curve?
pub(crate) fn is_ec(der: &[u8]) -> bool {
    let algorithm = || {
        let mut content = Der::new(der).sequence()?;
        content.integer()?;
        content.algorithm()
    };
    algorithm().is_some_and(|(oid, _)| oid == EC_PUBLIC_KEY)
}

/// The numbers of an RSA key in PKCS#1, or in PKCS#8 around it, without leading zeros; `None` where it is no RSA key.
pub(crate) fn rsa_numbers(der: &[u8]) -> Option<Vec<&[u8]>> {
    let mut content = Der::new(der).sequence()?;
    content.integer()?;
    let mut peek = content.clone();
    if let Some((algorithm, _)) = peek.algorithm() {
        if algorithm != RSA_ENCRYPTION {
            return None;
        }
        content = Der::new(peek.octets()?).sequence()?;
        content.integer()?;
    }
    let mut numbers = Vec::new();
    while let Some(number) = content.value(INTEGER) {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        numbers.push(number.get(zeros..)?);
    }
    (numbers.len() >= 8).then_some(numbers)
}

/// A cursor over values with definite lengths.
#[derive(Clone)]
pub(crate) struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

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
                let length = || {
                    digits
                        .iter()
                        .fold(0, |sum, digit| (sum << 8) | usize::from(*digit))
                };
                (fits.then(length)?, rest)
            }
        };
        let (content, rest) = rest.split_at_checked(length)?;
        if *found != tag {
            return None;
        }
        self.0 = rest;
        Some(content)
    }

    pub(crate) fn sequence(&mut self) -> Option<Self> {
        self.value(SEQUENCE).map(Self)
    }

    pub(crate) fn octets(&mut self) -> Option<&'a [u8]> {
        self.value(OCTET_STRING)
    }

    /// A non-negative integer; one that doesn't fit counts as the largest.
    pub(crate) fn integer(&mut self) -> Option<u64> {
        let digits = self.value(INTEGER)?;
        if digits.len() > 8 {
            return Some(u64::MAX);
        }
        Some(digits.iter().fold(0, |sum, digit| (sum << 8) | u64::from(*digit)))
    }

    /// `AlgorithmIdentifier`: its OID, and its parameters still encoded.
    pub(crate) fn algorithm(&mut self) -> Option<(&'a [u8], Self)> {
        let mut inner = self.sequence()?;
        let oid = inner.value(OID)?;
        Some((oid, inner))
    }
}
