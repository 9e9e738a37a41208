//! As whom tokens are asked for.

use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use crate::error::{Error, ErrorKind, Result};

/// As whom tokens are asked for.
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
    #[must_use]
    pub fn application(&self) -> Option<&Application> {
        match self {
            Self::ClientSecret { application, .. }
            | Self::ClientCertificate { application, .. }
            | Self::WorkloadIdentity { application, .. } => Some(application),
            Self::ManagedIdentity { .. } => None,
        }
    }
}

impl Application {
    /// Where it asks for tokens (Microsoft identity platform, version 2.0).
    pub(super) fn token_url(&self) -> Result<Url> {
        let mut url = self.authority_host.clone();
        url.path_segments_mut()
            .map_err(|()| {
                Error::new(
                    ErrorKind::Invalid,
                    format!(
                        "{} is no address of a token service; see authority_host",
                        self.authority_host
                    ),
                )
            })?
            .pop_if_empty()
            .extend([&self.tenant_id, "oauth2", "v2.0", "token"]);
        Ok(url)
    }
}
