//! Argon2id in one piece of memory.
//!
//! A hash works in many MiB. Taken from the allocator for every login, and in differing threads, they would stay with the
//! process several times over; so they are taken once.

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};

use crate::{Error, PasswordCost, Result};

/// Bytes of salt (RFC 9106 section 3.1).
const SALT_LEN: usize = 16;

/// Computes hashes, one at a time.
#[derive(Debug, Default)]
pub(crate) struct Argon {
    memory: Vec<Block>,
}

impl Argon {
    /// The hash of a password under a new salt, as PHC text.
    pub(crate) fn hash(&mut self, cost: PasswordCost, password: &[u8]) -> Result<String> {
        let params = Params::new(cost.memory_kib, cost.passes, 1, Some(Params::DEFAULT_OUTPUT_LEN))
            .map_err(|e| failed("the password cost is not possible", e))?;
        let mut salt = [0; SALT_LEN];
        aws_lc_rs::rand::fill(&mut salt).map_err(|e| failed("the system gave no random bytes", e))?;
        let text = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params).map_err(|e| failed("the cost can't be written", e))?,
            salt: Some(Salt::new(&salt).map_err(|e| failed("the salt can't be written", e))?),
            hash: Some(self.compute(Version::V0x13, params, password, &salt)?),
        };
        Ok(text.to_string())
    }

    /// Does the password belong to the hash?
    pub(crate) fn verify(&mut self, hash: &str, password: &[u8]) -> Result<bool> {
        let hash = PasswordHash::new(hash).map_err(|e| failed("a stored hash is damaged", e))?;
        let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else {
            return Err(Error::Internal("a stored hash is cut short".into()));
        };
        if hash.algorithm != Algorithm::Argon2id.ident() {
            return Err(Error::Internal(format!(
                "a stored hash is of the kind {}",
                hash.algorithm
            )));
        }
        let version = match hash.version {
            Some(version) => Version::try_from(version).map_err(|e| failed("a stored hash is damaged", e))?,
            None => Version::default(),
        };
        let params = Params::try_from(&hash).map_err(|e| failed("a stored hash is damaged", e))?;
        let computed = self.compute(version, params, password, salt)?;
        // Takes as long wherever they differ.
        Ok(computed == *expected)
    }

    fn compute(&mut self, version: Version, params: Params, password: &[u8], salt: &[u8]) -> Result<Output> {
        self.memory.resize(params.block_count(), Block::new());
        let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
        let result = Argon2::new(Algorithm::Argon2id, version, params).hash_password_into_with_memory(
            password,
            salt,
            &mut output,
            &mut self.memory,
        );
        self.memory.fill(Block::new());
        result.map_err(|e| failed("a password could not be hashed", e))?;
        Output::new(&output).map_err(|e| failed("a hash can't be written", e))
    }
}

fn failed(what: &str, error: impl std::fmt::Display) -> Error {
    Error::Internal(format!("{what}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: PasswordCost = PasswordCost {
        memory_kib: 64,
        passes: 1,
    };

    #[test]
    fn a_hash_knows_its_password_and_no_other() {
        let mut argon = Argon::default();
        let hash = argon.hash(CHEAP, b"right").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
        assert_ne!(hash, argon.hash(CHEAP, b"right").unwrap());
        assert!(argon.verify(&hash, b"right").unwrap());
        assert!(!argon.verify(&hash, b"wrong").unwrap());
    }

    /// Made by the reference implementation: `echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 32 -e`.
    #[test]
    fn hashes_of_other_costs_are_read() {
        let hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(Argon::default().verify(hash, b"password").unwrap());
        assert!(
            Argon::default()
                .verify(
                    "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
                    b"x"
                )
                .is_err()
        );
        assert!(Argon::default().verify("nonsense", b"x").is_err());
    }
}
