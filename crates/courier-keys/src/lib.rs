//! SSH keys: read, write, generate, and sign with them (specification 6.8).
//!
//! A [`PrivateKey`] comes from [`PrivateKey::generate`] or [`PrivateKey::import`], travels to the vault and back as
//! OpenSSH text ([`PrivateKey::to_openssh`], [`PrivateKey::from_openssh`]), and proves itself to a server through
//! [`AuthSigner`]. Every key that exists as a [`PrivateKey`] has a [`KeyType`] that Courier can use, is strong enough,
//! and has private and public halves that belong together: an unusable key can't be imported.
//!
//! Keys that an SSH [`Agent`] keeps sign through [`AgentSigner`]. What is shown to a server is an [`Identity`]: a public
//! key, or a certificate for one.
//!
//! Signing with RSA runs in aws-lc, not in the `rsa` crate, whose private-key operations leak timing
//! (RUSTSEC-2023-0071); [`SignatureAlgorithm`] names the exceptions.

mod agent;
mod asn1;
mod decode;
mod error;
mod fingerprint;
mod generate;
mod identity;
mod import;
mod key;
mod key_type;
mod sign;
mod sniff;

pub use agent::{Agent, AgentError, AgentSigner};
pub use error::{Error, Result};
pub use identity::Identity;
pub use import::file_as_text;
pub use key::{PrivateKey, PublicKey};
pub use key_type::{KeyType, MAX_RSA_BITS, MIN_RSA_BITS};
pub use sign::{AuthSigner, SignError, SignatureAlgorithm};
