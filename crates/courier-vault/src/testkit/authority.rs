//! Who gives tokens: Entra ID, the metadata service of virtual machines, App Service.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::hash::{MessageDigest, hash};
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Verifier};
use openssl::x509::X509;
use serde_json::{Value, json};
use uuid::Uuid;

use super::http::{Reply, Request};
use super::{CLIENT_ID, CLIENT_SECRET, FEDERATED_TOKEN, IDENTITY_HEADER, TENANT_ID};

pub(super) struct Authority {
    given: Vec<String>,
    pub(super) lifetime: u64,
    /// The application's certificate, as it was registered.
    pub(super) certificate: Option<X509>,
}

impl Default for Authority {
    fn default() -> Self {
        Self {
            given: Vec::new(),
            lifetime: 3600,
            certificate: None,
        }
    }
}

impl Authority {
    pub(super) fn gave(&self, token: &str) -> bool {
        self.given.iter().any(|given| given == token)
    }

    pub(super) fn revoke(&mut self) {
        self.given.clear();
    }

    fn give(&mut self) -> String {
        let token = format!("token-{}", Uuid::new_v4().simple());
        self.given.push(token.clone());
        token
    }

    /// Entra ID's token endpoint.
    pub(super) fn token(&mut self, tenant: &str, base: &str, request: &Request) -> Reply {
        let form = |name: &str| request.form(name).unwrap_or_default();
        let problem = if tenant != TENANT_ID {
            Some(format!("AADSTS90002: Tenant '{tenant}' not found."))
        } else if form("client_id") != CLIENT_ID {
            Some("AADSTS700016: Application was not found in the directory.".to_owned())
        } else if form("scope") != "https://localhost/.default" || form("grant_type") != "client_credentials"
        {
            Some("AADSTS70011: The provided value for scope is not valid.".to_owned())
        } else if form("client_assertion").is_empty() {
            (form("client_secret") != CLIENT_SECRET)
                .then(|| "AADSTS7000215: Invalid client secret provided.".to_owned())
        } else if form("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
            Some("AADSTS50027: JWT token is invalid or malformed.".to_owned())
        } else if form("client_assertion") == FEDERATED_TOKEN {
            None
        } else {
            let audience = format!("{base}/{TENANT_ID}/oauth2/v2.0/token");
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
                Reply::new(
                    401,
                    json!({ "error": "invalid_client", "error_description": description }),
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

    /// The metadata service. It sends numbers as text.
    pub(super) fn metadata(&mut self, request: &Request) -> Reply {
        let refused =
            |error: &str, words: &str| Reply::new(400, json!({ "error": error, "error_description": words }));
        if request.header("metadata") != Some("true")
            || request.query("api-version").as_deref() != Some("2018-02-01")
        {
            return refused("bad_request_102", "Required metadata header not specified");
        }
        if request.query("resource").as_deref() != Some("https://localhost") {
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

    /// App Service, which says when a token ends and not how long it lives.
    pub(super) fn app_service(&mut self, request: &Request) -> Reply {
        if request.header("x-identity-header") != Some(IDENTITY_HEADER) {
            return Reply::new(401, json!({ "statusCode": 401, "message": "Unauthorized" }));
        }
        if request.query("resource").as_deref() != Some("https://localhost")
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
