//! What a key in Azure Key Vault is, and as whom it is asked for.

use courier_azure::Identity;
use url::Url;

/// How data keys are wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA-OAEP with SHA-256: keys of type RSA and RSA-HSM.
    RsaOaep256,
    /// AES key wrap (RFC 3394) with 256 bits: keys of type oct-HSM, in a managed HSM.
    A256Kw,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::RsaOaep256, Self::A256Kw];

    /// The name that Key Vault knows it by.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RsaOaep256 => "RSA-OAEP-256",
            Self::A256Kw => "A256KW",
        }
    }

    /// The one for keys of this type (`kty`).
    pub(super) fn of_key_type(kty: &str) -> Option<Self> {
        match kty {
            "RSA" | "RSA-HSM" => Some(Self::RsaOaep256),
            "oct" | "oct-HSM" => Some(Self::A256Kw),
            _ => None,
        }
    }

    /// What stands for it in a wrapped data key.
    pub(super) fn mark(self) -> u8 {
        match self {
            Self::RsaOaep256 => 1,
            Self::A256Kw => 2,
        }
    }

    pub(super) fn of_mark(mark: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.mark() == mark)
    }
}

/// A key in a key vault or a managed HSM.
#[derive(Clone, Debug)]
pub struct AzureSettings {
    /// `https://NAME.vault.azure.net`, or its like in a sovereign cloud or of a managed HSM.
    pub vault_url: Url,
    /// The key's name there.
    pub key_name: String,
    /// What it must be used with; by default what suits its type.
    pub algorithm: Option<Algorithm>,
    /// As whom it is asked for.
    pub identity: Identity,
}
