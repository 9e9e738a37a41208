//! A key-encryption key in Azure Key Vault, or in a managed HSM, that never leaves it.
//!
//! Data keys are sent there to be wrapped and unwrapped (REST, version 7.4). Each call proves itself by a token for the
//! resource that the vault names in its challenge; nothing is sent before that but the wish for the challenge.

mod answers;
mod settings;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use courier_azure::{Answer, Http, Limits, Tokens, http};
use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::provider::{DataKey, KeyProvider, KeyVersion, Wrapped};
use answers::{Challenge, KeyBundle, KeyOperation, VaultError, is_name, version_of};
pub use settings::{Algorithm, AzureSettings};

const API_VERSION: &str = "7.4";

/// How long the newest version of the key is believed to be the newest.
const NEWEST_FOR: Duration = Duration::from_secs(60);

/// A key in a key vault.
///
/// A wrapped data key is one byte for the algorithm ([`Algorithm`]) and what the key vault returned. Its `key_id` is
/// `HOST/keys/NAME`, its version the key vault's. Every key of the same key vault unwraps, so that a change of the key's
/// name needs nothing but [`Vault::rewrap`](crate::Vault::rewrap).
pub struct AzureKeyVault {
    vault_url: Url,
    key_name: String,
    algorithm: Option<Algorithm>,
    tenant_id: Option<String>,
    http: Http,
    tokens: Tokens,
    resource: Mutex<Option<String>>,
    newest: Mutex<Option<(Instant, Newest)>>,
}

/// The newest version of the key.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Newest {
    version: String,
    algorithm: Algorithm,
}

/// Why the key vault did not do it.
struct Refusal {
    words: String,
    /// It concerns the version of the key.
    version: bool,
}

impl From<String> for Refusal {
    fn from(words: String) -> Self {
        Self {
            words,
            version: false,
        }
    }
}

impl From<courier_azure::Error> for Refusal {
    fn from(error: courier_azure::Error) -> Self {
        error.message().to_owned().into()
    }
}

type Asked<T> = std::result::Result<T, Refusal>;

impl AzureKeyVault {
    /// For a key. Asks nobody yet.
    ///
    /// # Errors
    /// [`Error::Provider`] if the settings can't be right, or there are no trusted certificates.
    pub fn new(settings: AzureSettings) -> Result<Self> {
        Self::with_http(settings, Http::new(Limits::default(), false))
    }

    /// For tests: trusts this authority too, and gives an operation no more than this.
    #[cfg(feature = "testkit")]
    #[allow(clippy::unwrap_used)]
    pub(crate) fn impatient(settings: AzureSettings, authority_pem: &[u8], operation: Duration) -> Self {
        let limits = Limits {
            operation,
            ..Limits::default()
        };
        Self::with_http(settings, Http::trusting(limits, false, authority_pem)).unwrap()
    }

    fn with_http(settings: AzureSettings, http: courier_azure::Result<Http>) -> Result<Self> {
        let AzureSettings {
            vault_url,
            key_name,
            algorithm,
            identity,
        } = settings;
        let failed = |reason: String| Error::Provider {
            provider: describe(&key_name, &vault_url),
            operation: "be used",
            reason,
        };
        if vault_url.scheme() != "https" || vault_url.host().is_none() {
            return Err(failed("its address must start with https://".into()));
        }
        if !is_name(&key_name) {
            return Err(failed("a key's name is letters, digits and hyphens".into()));
        }
        let unusable = |error: courier_azure::Error| failed(error.message().to_owned());
        let http = http.map_err(unusable)?;
        Ok(Self {
            tenant_id: identity
                .application()
                .map(|application| application.tenant_id.clone()),
            tokens: Tokens::new(identity, http.clone()).map_err(unusable)?,
            vault_url,
            key_name,
            algorithm,
            http,
            resource: Mutex::new(None),
            newest: Mutex::new(None),
        })
    }

    /// What the identifiers of this key vault's keys start with: `HOST/keys/`.
    fn prefix(&self) -> String {
        let host = self.vault_url.host_str().unwrap_or_default();
        match self.vault_url.port() {
            Some(port) => format!("{host}:{port}/keys/"),
            None => format!("{host}/keys/"),
        }
    }

    fn key_id(&self) -> String {
        self.prefix() + &self.key_name.to_ascii_lowercase()
    }

    fn deadline(&self) -> Instant {
        self.http.limits().deadline()
    }

    fn error(&self, operation: &'static str) -> impl Fn(Refusal) -> Error {
        let provider = self.describe();
        move |refusal| Error::Provider {
            provider: provider.clone(),
            operation,
            reason: refusal.words,
        }
    }

    /// The newest version, as the key vault said within the last minute.
    async fn current(&self, deadline: Instant) -> Asked<Newest> {
        let mut kept = http::lock(&self.newest, deadline).await?;
        if let Some((asked, newest)) = &*kept
            && asked.elapsed() < NEWEST_FOR
        {
            return Ok(newest.clone());
        }
        let newest = self.ask_newest(deadline).await?;
        *kept = Some((Instant::now(), newest.clone()));
        Ok(newest)
    }

    async fn ask_newest(&self, deadline: Instant) -> Asked<Newest> {
        let answer = self.call(Method::GET, &[&self.key_name], None, deadline).await?;
        let KeyBundle { key, attributes } = self.read(answer, "get")?;
        let version = version_of(&key.kid).ok_or_else(|| self.senseless())?;
        if attributes.enabled == Some(false) {
            return Err(format!(
                "its newest version {version} is disabled; enable it, or make a new version"
            )
            .into());
        }
        let suits = Algorithm::of_key_type(&key.kty);
        let algorithm = match (self.algorithm, suits) {
            (None, Some(suits)) => suits,
            (Some(wanted), Some(suits)) if wanted == suits => wanted,
            (Some(wanted), _) => {
                return Err(format!(
                    "it is a key of type {:?}, which can't do {}",
                    key.kty,
                    wanted.name()
                )
                .into());
            }
            (None, None) => {
                return Err(format!(
                    "it is a key of type {:?}, and one of RSA, RSA-HSM, oct-HSM is needed",
                    key.kty
                )
                .into());
            }
        };
        Ok(Newest { version, algorithm })
    }

    async fn try_wrap(&self, data_key: &DataKey, deadline: Instant) -> Asked<Wrapped> {
        let newest = self.current(deadline).await?;
        let body = operation_body(newest.algorithm, data_key.as_slice());
        let path = [&*self.key_name, &newest.version, "wrapkey"];
        let answer = self.call(Method::POST, &path, Some(&body), deadline).await?;
        let KeyOperation { kid, value } = self.read(answer, "wrapKey")?;
        let mut bytes = vec![newest.algorithm.mark()];
        bytes.extend(decode(&value).ok_or_else(|| self.senseless())?.iter());
        Ok(Wrapped {
            key_id: self.key_id(),
            key_version: version_of(&kid).ok_or_else(|| self.senseless())?,
            bytes,
        })
    }

    async fn try_unwrap(&self, name: &str, wrapped: &Wrapped) -> Asked<DataKey> {
        let altered = || Refusal::from("the wrapped key was altered".to_owned());
        let (mark, bytes) = wrapped.bytes.split_first().ok_or_else(altered)?;
        let algorithm = Algorithm::of_mark(*mark).ok_or_else(altered)?;
        if !is_name(name) || !is_name(&wrapped.key_version) {
            return Err(altered());
        }
        let body = operation_body(algorithm, bytes);
        let path = [name, &wrapped.key_version, "unwrapkey"];
        let answer = self
            .call(Method::POST, &path, Some(&body), self.deadline())
            .await?;
        let KeyOperation { value, .. } = self.read(answer, "unwrapKey")?;
        let value = Zeroizing::new(value);
        let plain = decode(&value).ok_or_else(|| self.senseless())?;
        let mut data_key = DataKey::default();
        if plain.len() != data_key.len() {
            return Err(altered());
        }
        data_key.copy_from_slice(&plain);
        Ok(data_key)
    }

    /// Makes a call with a token, and with another one where the first is refused.
    async fn call(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&str>,
        deadline: Instant,
    ) -> Asked<Answer> {
        let mut resource = self.resource(deadline).await?;
        let mut first = true;
        loop {
            let token = self.tokens.get(&resource, deadline).await?;
            let answer = self
                .send(method.clone(), path, body, Some(token.expose_secret()), deadline)
                .await?;
            if answer.status != StatusCode::UNAUTHORIZED || !first {
                return Ok(answer);
            }
            first = false;
            self.tokens.forget(&token, deadline).await?;
            resource = self.challenge(&answer)?.resource;
            *http::lock(&self.resource, deadline).await? = Some(resource.clone());
        }
    }

    /// Whom tokens are for: asked once, by a request that proves nothing and is refused.
    async fn resource(&self, deadline: Instant) -> Asked<String> {
        let mut kept = http::lock(&self.resource, deadline).await?;
        if let Some(resource) = &*kept {
            return Ok(resource.clone());
        }
        let answer = self
            .send(Method::GET, &[&self.key_name], None, None, deadline)
            .await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Err(self.refusal(&answer, "get"));
        }
        let resource = self.challenge(&answer)?.resource;
        Ok(kept.insert(resource).clone())
    }

    fn challenge(&self, answer: &Answer) -> Asked<Challenge> {
        let header = answer
            .headers
            .get("www-authenticate")
            .and_then(|value| value.to_str().ok());
        let challenge = Challenge::parse(header.unwrap_or_default(), &self.vault_url)?;
        // Tenants that are named by a domain can't be compared.
        let id = |tenant: &Option<String>| tenant.as_deref().and_then(|tenant| Uuid::parse_str(tenant).ok());
        if let (Some(theirs), Some(ours)) = (id(&challenge.tenant), id(&self.tenant_id))
            && theirs != ours
        {
            return Err(format!("it belongs to tenant {theirs}, and tenant_id is {ours}").into());
        }
        Ok(challenge)
    }

    async fn send(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&str>,
        token: Option<&str>,
        deadline: Instant,
    ) -> Asked<Answer> {
        let mut url = self.vault_url.clone();
        url.set_path(&["/keys", &path.join("/")].join("/"));
        url.set_query(Some(&format!("api-version={API_VERSION}")));
        let request = || {
            let mut request = self.http.request(method.clone(), url.clone());
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            match body {
                Some(body) => request
                    .header("content-type", "application/json")
                    .body(body.to_owned()),
                None => request,
            }
        };
        let host = self.vault_url.host_str().unwrap_or_default();
        Ok(self.http.send(host, deadline, &[], request).await?)
    }

    fn read<T: DeserializeOwned>(&self, answer: Answer, permission: &str) -> Asked<T> {
        if answer.status != StatusCode::OK {
            return Err(self.refusal(&answer, permission));
        }
        serde_json::from_slice(&answer.body).map_err(|_| self.senseless())
    }

    fn senseless(&self) -> Refusal {
        let host = self.vault_url.host_str().unwrap_or_default();
        format!("{host} does not answer as a key vault does; see vault_url").into()
    }

    /// What an answer that isn't 200 means, and what to do about it. `permission` is what the call needs.
    fn refusal(&self, answer: &Answer, permission: &str) -> Refusal {
        let error = VaultError::parse(&answer.body);
        let reason = match answer.status.as_u16() {
            401 => "the key vault refuses the token; see tenant_id, and whether the vault trusts that tenant"
                .to_owned(),
            403 if error.is("ForbiddenByFirewall") => {
                "its firewall refuses this machine's address; allow it in the vault's network settings"
                    .to_owned()
            }
            403 if error.concerns_version() => {
                "this version of the key is disabled, expired or not yet valid; enable it".to_owned()
            }
            403 => format!(
                "the identity may not {permission}; give it the role \"Key Vault Crypto Service Encryption User\", or the key permissions get, wrapKey and unwrapKey"
            ),
            404 => "there is no such key or version; where it was deleted, recover it".to_owned(),
            409 => "the key is being deleted or recovered".to_owned(),
            429 => match http::retry_after(&answer.headers) {
                Some(pause) => format!("the key vault is throttled, for {} seconds more", pause.as_secs()),
                None => "the key vault is throttled".to_owned(),
            },
            500..600 => format!("the key vault failed ({})", answer.status),
            _ => format!("the key vault answered {}", answer.status),
        };
        let words = match (&*error.inner, &*error.message) {
            (_, "") => reason,
            ("", message) => format!("{reason} ({}: {message})", error.code),
            (inner, message) => format!("{reason} ({inner}: {message})"),
        };
        let version = error.concerns_version() || answer.status == StatusCode::NOT_FOUND;
        Refusal { words, version }
    }
}

fn operation_body(algorithm: Algorithm, value: &[u8]) -> Zeroizing<String> {
    let value = Zeroizing::new(URL_SAFE_NO_PAD.encode(value));
    Zeroizing::new(json!({ "alg": algorithm.name(), "value": *value }).to_string())
}

fn decode(value: &str) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = URL_SAFE_NO_PAD.decode(value.trim_end_matches('=')).ok()?;
    Some(Zeroizing::new(bytes))
}

fn describe(key_name: &str, vault_url: &Url) -> String {
    format!(
        "key {key_name} of {} (Azure Key Vault)",
        vault_url.host_str().unwrap_or_default()
    )
}

impl fmt::Debug for AzureKeyVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureKeyVault")
            .field("key_id", &self.key_id())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl KeyProvider for AzureKeyVault {
    fn describe(&self) -> String {
        describe(&self.key_name, &self.vault_url)
    }

    async fn newest(&self) -> Result<KeyVersion> {
        let newest = self
            .current(self.deadline())
            .await
            .map_err(self.error("tell its newest version"))?;
        Ok(KeyVersion {
            key_id: self.key_id(),
            key_version: newest.version,
        })
    }

    fn holds(&self, key_id: &str) -> bool {
        key_id.starts_with(&self.prefix())
    }

    async fn wrap(&self, data_key: &DataKey) -> Result<Wrapped> {
        let failed = self.error("wrap a data key");
        let deadline = self.deadline();
        match self.try_wrap(data_key, deadline).await {
            // The version was the newest a moment ago; there may be a newer one.
            Err(refusal) if refusal.version => {
                if let Ok(mut newest) = http::lock(&self.newest, deadline).await {
                    *newest = None;
                }
                self.try_wrap(data_key, deadline).await.map_err(failed)
            }
            wrapped => wrapped.map_err(failed),
        }
    }

    async fn unwrap(&self, wrapped: &Wrapped) -> Result<DataKey> {
        let name = wrapped
            .key_id
            .strip_prefix(&self.prefix())
            .ok_or_else(|| Error::WrongKey {
                sealed_under: wrapped.key_id.clone(),
                this: self.key_id(),
            })?;
        self.try_unwrap(name, wrapped)
            .await
            .map_err(self.error("unwrap a data key"))
    }
}
