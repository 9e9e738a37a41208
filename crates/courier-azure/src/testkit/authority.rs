//! Who gives tokens: Entra ID, the metadata service of virtual machines, App Service.

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::hash::{MessageDigest, hash};
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Verifier};
use openssl::x509::X509;
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use super::http::{Reply, Request};
use crate::entra::{Application, Identity};

/// The tenant.
pub const TENANT_ID: &str = "11111111-2222-4333-8444-555555555555";

/// The application that is registered there, and the user-assigned identity.
pub const CLIENT_ID: &str = "99999999-8888-4777-8666-555555555555";

/// The application's secret.
pub const CLIENT_SECRET: &str = "fake-Client~Secret&+";

/// What the application's workload proves itself by.
pub const FEDERATED_TOKEN: &str = "fake.federated.token";

/// What an app proves itself by to the service that manages its identity.
pub const IDENTITY_HEADER: &str = "fake-identity-header";

/// Gives tokens to one application of one tenant.
pub struct Authority {
    /// What tokens are given for, e.g. `https://localhost`.
    pub resource: String,
    /// The application's secret.
    pub client_secret: String,
    /// How long further tokens live, seconds.
    pub lifetime: u64,
    /// The application's certificate, as it was registered.
    pub certificate: Option<X509>,
    /// Nobody gets a token from Entra ID, with these words, e.g. `AADSTS7000222: …`.
    pub refusing: Option<String>,
    given: Vec<(String, Instant)>,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("resource", &self.resource)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

impl Authority {
    /// One that gives tokens for this.
    #[must_use]
    pub fn new(resource: &str) -> Self {
        Self {
            resource: resource.to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
            lifetime: 3600,
            certificate: None,
            refusing: None,
            given: Vec::new(),
        }
    }

    /// The application, where an authority has this address.
    #[must_use]
    pub fn application(url: &Url) -> Application {
        Application {
            authority_host: url.clone(),
            tenant_id: TENANT_ID.into(),
            client_id: CLIENT_ID.into(),
        }
    }

    /// The same, with its secret.
    #[must_use]
    pub fn by_secret(url: &Url) -> Identity {
        Identity::ClientSecret {
            application: Self::application(url),
            secret: SecretString::from(CLIENT_SECRET),
        }
    }

    /// Did it give this token, and is it still good?
    #[must_use]
    pub fn gave(&self, token: &str) -> bool {
        let now = Instant::now();
        self.given
            .iter()
            .any(|(given, ends)| given == token && now < *ends)
    }

    /// How many tokens were given, whatever became of them, since they were last revoked.
    #[must_use]
    pub fn count(&self) -> usize {
        self.given.len()
    }

    /// Takes no token any more that was given until now.
    pub fn revoke(&mut self) {
        self.given.clear();
    }

    fn give(&mut self) -> String {
        let token = format!("token-{}", Uuid::new_v4().simple());
        let ends = Instant::now() + Duration::from_secs(self.lifetime);
        self.given.push((token.clone(), ends));
        token
    }

    /// Entra ID's token endpoint: `POST /TENANT/oauth2/v2.0/token`.
    pub fn token(&mut self, tenant: &str, request: &Request) -> Reply {
        let form = |name: &str| request.form(name).unwrap_or_default();
        let problem = if let Some(words) = &self.refusing {
            Some(words.clone())
        } else if tenant != TENANT_ID {
            Some(format!("AADSTS90002: Tenant '{tenant}' not found."))
        } else if form("client_id") != CLIENT_ID {
            Some(format!(
                "AADSTS700016: Application with identifier '{}' was not found in the directory.",
                form("client_id")
            ))
        } else if form("grant_type") != "client_credentials" {
            Some("AADSTS70003: The app requested an unsupported grant type.".to_owned())
        } else if form("scope") != format!("{}/.default", self.resource) {
            Some(format!(
                "AADSTS500011: The resource principal named {} was not found in the tenant.",
                form("scope").trim_end_matches("/.default")
            ))
        } else if form("client_assertion").is_empty() {
            (form("client_secret") != self.client_secret)
                .then(|| "AADSTS7000215: Invalid client secret provided.".to_owned())
        } else if form("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
            Some("AADSTS50027: JWT token is invalid or malformed.".to_owned())
        } else if form("client_assertion") == FEDERATED_TOKEN {
            None
        } else {
            let audience = format!("{}/{TENANT_ID}/oauth2/v2.0/token", request.origin());
            self.check(&form("client_assertion"), &audience)
                .err()
                .map(|what| format!("AADSTS700027: The certificate's {what} is wrong."))
        };
        match problem {
            None => {
                let token = self.give();
                let lifetime = self.lifetime;
                Reply::new(
                    200,
                    json!({ "token_type": "Bearer", "expires_in": lifetime, "access_token": token }),
                )
            }
            Some(words) => {
                let description =
                    format!("{words} Trace ID: 1234 Correlation ID: 5678 Timestamp: 2026-11-22");
                let (status, error) = match words.starts_with("AADSTS70002") {
                    true => (401, "invalid_client"),
                    false => (400, "invalid_request"),
                };
                Reply::new(
                    status,
                    json!({ "error": error, "error_description": description }),
                )
            }
        }
    }

    /// Is this assertion signed by the application's certificate, for here and now?
    fn check(&self, assertion: &str, audience: &str) -> Result<(), &'static str> {
        let certificate = self.certificate.as_ref().ok_or("registration")?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| "encoding");
        let (signed, signature) = assertion.rsplit_once('.').ok_or("form")?;
        let (header, claims) = signed.split_once('.').ok_or("form")?;
        let header: Value = serde_json::from_slice(&decode(header)?).map_err(|_| "header")?;
        let claims: Value = serde_json::from_slice(&decode(claims)?).map_err(|_| "claims")?;

        let thumbprint = hash(MessageDigest::sha256(), &certificate.to_der().unwrap()).unwrap();
        if header["alg"] != "PS256" || header["x5t#S256"] != URL_SAFE_NO_PAD.encode(thumbprint) {
            return Err("header");
        }
        let key = certificate.public_key().unwrap();
        let mut verifier = Verifier::new(MessageDigest::sha256(), &key).unwrap();
        verifier.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
        verifier
            .set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)
            .unwrap();
        verifier.set_rsa_mgf1_md(MessageDigest::sha256()).unwrap();
        if !verifier
            .verify_oneshot(&decode(signature)?, signed.as_bytes())
            .is_ok_and(|good| good)
        {
            return Err("signature");
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let time = |name: &str| claims[name].as_u64().ok_or("time");
        if time("nbf")? > now || time("exp")? <= now || time("exp")? > now + 86_400 {
            return Err("time");
        }
        if claims["aud"] != audience || claims["iss"] != CLIENT_ID || claims["sub"] != CLIENT_ID {
            return Err("claims");
        }
        claims["jti"].as_str().map(|_| ()).ok_or("claims")
    }

    /// The metadata service: `GET /metadata/identity/oauth2/token`. It sends numbers as text.
    pub fn metadata(&mut self, request: &Request) -> Reply {
        let refused =
            |error: &str, words: &str| Reply::new(400, json!({ "error": error, "error_description": words }));
        if request.header("metadata") != Some("true")
            || request.query("api-version").as_deref() != Some("2018-02-01")
        {
            return refused("bad_request_102", "Required metadata header not specified");
        }
        if request.query("resource").as_deref() != Some(&*self.resource) {
            return refused(
                "invalid_resource",
                "AADSTS500011: The resource principal was not found.",
            );
        }
        if request.query("client_id").is_some_and(|id| id != CLIENT_ID) {
            return refused("invalid_request", "Identity not found");
        }
        let token = self.give();
        Reply::new(
            200,
            json!({ "access_token": token, "expires_in": self.lifetime.to_string() }),
        )
    }

    /// App Service: `GET` at its endpoint. It says when a token ends and not how long it lives.
    pub fn app_service(&mut self, request: &Request) -> Reply {
        if request.header("x-identity-header") != Some(IDENTITY_HEADER) {
            return Reply::new(401, json!({ "statusCode": 401, "message": "Unauthorized" }));
        }
        if request.query("resource").as_deref() != Some(&*self.resource)
            || request.query("api-version").as_deref() != Some("2019-08-01")
        {
            return Reply::new(400, json!({ "statusCode": 400, "message": "Bad Request" }));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let token = self.give();
        let ends = (now + self.lifetime).to_string();
        Reply::new(
            200,
            json!({ "access_token": token, "expires_on": ends, "token_type": "Bearer" }),
        )
    }
}
