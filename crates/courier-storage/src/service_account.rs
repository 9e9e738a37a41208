//! Google's service accounts: reading their key, and asking for tokens with it.
//!
//! The signed request for a token is that of RFC 7523, section 2.1, with RS256 (RFC 7518, section 3.3).

use std::{
    fmt,
    time::{Duration, Instant, SystemTime},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Client;
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use url::{Host, Url};

use crate::{
    Scheme,
    objects::{Refusal, Trouble, Unreachable},
};

const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";
const SCOPE: &str = "https://www.googleapis.com/auth/devstorage.read_write";
/// How long an answer may take.
const CALL: Duration = Duration::from_secs(30);
/// A token is renewed this long before it ends.
const EARLY: Duration = Duration::from_secs(300);
/// No token is used longer than this, whatever is said of it.
const LONGEST: Duration = Duration::from_secs(12 * 3600);

/// Is this the JSON of a service account's key?
///
/// # Errors
/// What is wrong, without a word of what is there.
pub(crate) fn check(text: &str) -> Result<(), String> {
    Tokens::new(text).map(drop)
}

/// Gives the tokens of a service account.
pub(crate) struct Tokens {
    email: String,
    key_id: Option<String>,
    key: RsaKeyPair,
    uri: Url,
    current: Mutex<Option<Token>>,
}

struct Token {
    text: SecretString,
    until: Instant,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("email", &self.email)
            .finish_non_exhaustive()
    }
}

impl Tokens {
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        let account: Value = serde_json::from_str(text).map_err(|_| "is not JSON".to_owned())?;
        let member = |name: &str| {
            account
                .get(name)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
        };
        if member("type") != Some("service_account") {
            return Err(
                "is not the key of a service account: its `type` must be `service_account`".to_owned(),
            );
        }
        let needed = |name: &str| member(name).ok_or_else(|| format!("has no `{name}`"));
        let (email, pem) = (needed("client_email")?, needed("private_key")?);
        let key = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes())
            .ok()
            .and_then(|der| RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).ok())
            .ok_or("has a `private_key` that is no RSA key in PKCS#8")?;
        Ok(Self {
            email: email.to_owned(),
            key_id: member("private_key_id").map(str::to_owned),
            key,
            uri: token_uri(member("token_uri").unwrap_or(TOKEN_URI))?,
            current: Mutex::default(),
        })
    }

    /// A token that is good for some minutes.
    pub(crate) async fn get(&self, client: &Client) -> Result<String, Trouble> {
        let mut current = self.current.lock().await;
        if let Some(token) = current.as_ref().filter(|token| token.until > Instant::now()) {
            return Ok(token.text.expose_secret().to_owned());
        }
        let broken =
            |error| Trouble::Broken(Unreachable::new(&error).of(self.uri.host_str().unwrap_or_default()));
        let assertion = self
            .assertion()
            .map_err(Unreachable::because)
            .map_err(Trouble::Broken)?;
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
            .append_pair("assertion", &assertion)
            .finish();
        let response = client
            .post(self.uri.clone())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .timeout(CALL)
            .send()
            .await
            .map_err(broken)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.map_err(broken)?;
        let answer: Option<Value> = serde_json::from_slice(&body).ok().filter(|_| status.is_success());
        let token = answer
            .as_ref()
            .and_then(|answer| answer.get("access_token"))
            .and_then(Value::as_str);
        let Some(token) = token else {
            return Err(Trouble::Refused(Refusal::read(
                Scheme::Gcs,
                status,
                &headers,
                &body,
            )));
        };
        let lasts = answer
            .as_ref()
            .and_then(|answer| answer.get("expires_in"))
            .and_then(Value::as_u64)
            .unwrap_or(0);
        *current = Some(Token {
            text: token.into(),
            until: Instant::now() + Duration::from_secs(lasts).min(LONGEST).saturating_sub(EARLY),
        });
        Ok(token.to_owned())
    }

    fn assertion(&self) -> Result<String, &'static str> {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let mut header = json!({"alg": "RS256", "typ": "JWT"});
        if let (Some(id), Some(header)) = (&self.key_id, header.as_object_mut()) {
            header.insert("kid".to_owned(), json!(id));
        }
        let claims = json!({
            "iss": self.email, "scope": SCOPE, "aud": self.uri.as_str(), "iat": now, "exp": now + 3600,
        });
        let mut text = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                text.as_bytes(),
                &mut signature,
            )
            .map_err(|_| "the request for a token could not be signed")?;
        text.push('.');
        text.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Ok(text)
    }
}

/// Where tokens are asked for: by https, and on this machine, as tests do, by http.
fn token_uri(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|_| "has a `token_uri` that is no URL".to_owned())?;
    let here = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    };
    if url.scheme() == "https" || (url.scheme() == "http" && here) {
        return Ok(url);
    }
    Err("has a `token_uri` that is not https".to_owned())
}
