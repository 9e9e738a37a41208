//! What a key in Azure Key Vault is, and as whom it is asked for.

use std::path::PathBuf;

use secrecy::SecretString;
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

/// As whom the key vault is asked.
#[derive(Clone, Debug)]
pub enum Identity {
    /// An application with a secret.
    ClientSecret {
        /// The application.
        application: Application,
        /// Its secret.
        secret: SecretString,
    },
    /// An application with a certificate.
    ClientCertificate {
        /// The application.
        application: Application,
        /// A PEM file with the certificate and its RSA key, read anew for every token.
        certificate: PathBuf,
    },
    /// An application that trusts who signed a token, e.g. a Kubernetes cluster.
    WorkloadIdentity {
        /// The application.
        application: Application,
        /// The file with that token, read anew for every token of Azure's.
        token_file: PathBuf,
    },
    /// The identity that Azure gave the machine or the app.
    ManagedIdentity {
        /// Which one, where there are several: the client id of a user-assigned one.
        client_id: Option<String>,
        /// Who gives its tokens.
        endpoint: ManagedEndpoint,
    },
}

/// An application that is registered with Microsoft Entra ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Who gives tokens: `https://login.microsoftonline.com`, or its like in a sovereign cloud.
    pub authority_host: Url,
    /// The tenant, by its id or by a domain.
    pub tenant_id: String,
    /// The application's id.
    pub client_id: String,
}

/// Who gives the tokens of managed identities.
#[derive(Clone, Debug)]
pub enum ManagedEndpoint {
    /// The metadata service of virtual machines: `http://169.254.169.254`.
    Metadata(Url),
    /// The service of App Service, Functions and Container Apps.
    AppService {
        /// `IDENTITY_ENDPOINT`.
        url: Url,
        /// `IDENTITY_HEADER`: proves that who asks runs in the app.
        header: SecretString,
    },
}

impl Identity {
    /// The application that asks, where it isn't Azure that knows.
    pub(super) fn application(&self) -> Option<&Application> {
        match self {
            Self::ClientSecret { application, .. }
            | Self::ClientCertificate { application, .. }
            | Self::WorkloadIdentity { application, .. } => Some(application),
            Self::ManagedIdentity { .. } => None,
        }
    }
}
