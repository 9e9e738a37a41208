//! Tokens of Microsoft Entra ID, for each kind of identity.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::{Client, RequestBuilder, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::{Url, form_urlencoded};

use super::answers::{TokenAnswer, token_error};
use super::assertion::{Certificate, federated_token};
use super::http::{self, Answer, Limits};
use super::settings::{Application, Identity, ManagedEndpoint};

/// How long before its end a token is replaced.
const EARLY: Duration = Duration::from_secs(300);

/// A token that has less than this left is not used.
const LEAST: Duration = Duration::from_secs(30);

/// The kind of proof that isn't a secret.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Gets tokens, and keeps the newest until shortly before it ends.
pub(super) struct Tokens {
    identity: Identity,
    client: Client,
    kept: Mutex<Option<Token>>,
}

struct Token {
    resource: String,
    secret: SecretString,
    ends: Instant,
}

impl Tokens {
    /// For this identity. `client` speaks https; who manages an identity is a neighbour, without.
    pub(super) fn new(identity: Identity, client: &Client, limits: Limits) -> Result<Self, String> {
        let client = match identity {
            Identity::ManagedIdentity { .. } => http::build(http::client(limits).no_proxy())?,
            _ => client.clone(),
        };
        Ok(Self {
            identity,
            client,
            kept: Mutex::new(None),
        })
    }

    /// A token for the resource. Many who ask at once wait for one that is being fetched.
    pub(super) async fn get(&self, resource: &str, deadline: Instant) -> Result<SecretString, String> {
        let mut kept = http::lock(&self.kept, deadline).await?;
        let now = Instant::now();
        let good = kept
            .as_ref()
            .filter(|token| token.resource == resource && token.ends > now + LEAST)
            .map(|token| (token.secret.clone(), token.ends > now + EARLY));
        if let Some((secret, true)) = good {
            return Ok(secret);
        }
        match self.fetch(resource, deadline).await {
            Ok(token) => Ok(kept.insert(token).secret.clone()),
            // The one at hand is good for some minutes more.
            Err(reason) => good.map(|(secret, _)| secret).ok_or(reason),
        }
    }

    /// Takes no more of this token: it was refused.
    pub(super) async fn forget(&self, refused: &SecretString, deadline: Instant) -> Result<(), String> {
        let mut kept = http::lock(&self.kept, deadline).await?;
        if kept
            .as_ref()
            .is_some_and(|token| token.secret.expose_secret() == refused.expose_secret())
        {
            *kept = None;
        }
        Ok(())
    }

    async fn fetch(&self, resource: &str, deadline: Instant) -> Result<Token, String> {
        let answer = match &self.identity {
            Identity::ClientSecret { application, secret } => {
                let proof = [("client_secret", secret.expose_secret())];
                self.ask(application, resource, &proof, deadline).await?
            }
            Identity::ClientCertificate {
                application,
                certificate,
            } => {
                let assertion = Certificate::load(certificate)?.assertion(
                    token_url(application)?.as_str(),
                    &application.client_id,
                    since_1970().as_secs(),
                )?;
                self.ask_by_assertion(application, resource, &assertion, deadline)
                    .await?
            }
            Identity::WorkloadIdentity {
                application,
                token_file,
            } => {
                let assertion = federated_token(token_file)?;
                self.ask_by_assertion(application, resource, &assertion, deadline)
                    .await?
            }
            Identity::ManagedIdentity { client_id, endpoint } => {
                self.ask_neighbour(endpoint, client_id.as_deref(), resource, deadline)
                    .await?
            }
        };
        let asked = Instant::now();
        let token: TokenAnswer = match answer.status {
            StatusCode::OK => serde_json::from_slice(&answer.body)
                .map_err(|_| format!("{} gave an answer without a token", self.whom()))?,
            status => {
                let words = token_error(&answer.body).unwrap_or_else(|| status.to_string());
                return Err(format!("{} gave no token: {words}", self.whom()));
            }
        };
        Ok(Token {
            ends: asked + Duration::from_secs_f64(token.lifetime(since_1970().as_secs_f64())),
            resource: resource.to_owned(),
            secret: token.access_token.into(),
        })
    }

    async fn ask_by_assertion(
        &self,
        application: &Application,
        resource: &str,
        assertion: &str,
        deadline: Instant,
    ) -> Result<Answer, String> {
        let proof = [
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", assertion),
        ];
        self.ask(application, resource, &proof, deadline).await
    }

    /// OAuth 2.0's client credentials grant (RFC 6749, section 4.4).
    async fn ask(
        &self,
        application: &Application,
        resource: &str,
        proof: &[(&str, &str)],
        deadline: Instant,
    ) -> Result<Answer, String> {
        let url = token_url(application)?;
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &application.client_id)
            .append_pair("scope", &format!("{resource}/.default"))
            .extend_pairs(proof)
            .finish();
        let request = || {
            self.client
                .post(url.clone())
                .header("content-type", "application/x-www-form-urlencoded")
                .body(body.clone())
        };
        http::send(&self.whom(), deadline, &[], request).await
    }

    async fn ask_neighbour(
        &self,
        endpoint: &ManagedEndpoint,
        client_id: Option<&str>,
        resource: &str,
        deadline: Instant,
    ) -> Result<Answer, String> {
        let request = || -> RequestBuilder {
            let with_query = |mut url: Url, version: &str| {
                let mut query = url.query_pairs_mut();
                query
                    .append_pair("api-version", version)
                    .append_pair("resource", resource);
                if let Some(id) = client_id {
                    query.append_pair("client_id", id);
                }
                drop(query);
                url
            };
            match endpoint {
                ManagedEndpoint::Metadata(base) => {
                    let mut url = base.clone();
                    url.set_path("/metadata/identity/oauth2/token");
                    self.client
                        .get(with_query(url, "2018-02-01"))
                        .header("metadata", "true")
                }
                ManagedEndpoint::AppService { url, header } => self
                    .client
                    .get(with_query(url.clone(), "2019-08-01"))
                    .header("x-identity-header", header.expose_secret()),
            }
        };
        // While a machine's identity is being set up, the metadata service doesn't know it, or is restarting.
        let starting = [StatusCode::NOT_FOUND, StatusCode::GONE];
        http::send(&self.whom(), deadline, &starting, request).await
    }

    /// Who gives the tokens, for errors.
    fn whom(&self) -> String {
        match &self.identity {
            Identity::ManagedIdentity {
                endpoint: ManagedEndpoint::Metadata(url),
                ..
            } => format!("the metadata service ({url}) for the managed identity"),
            Identity::ManagedIdentity { .. } => "the app's service for its managed identity".to_owned(),
            Identity::ClientSecret { application, .. }
            | Identity::ClientCertificate { application, .. }
            | Identity::WorkloadIdentity { application, .. } => format!(
                "{} (tenant {}, client {})",
                application.authority_host.host_str().unwrap_or_default(),
                application.tenant_id,
                application.client_id
            ),
        }
    }
}

fn token_url(application: &Application) -> Result<Url, String> {
    let mut url = application.authority_host.clone();
    url.path_segments_mut()
        .map_err(|()| format!("{} is no address of a token service", application.authority_host))?
        .pop_if_empty()
        .extend([&application.tenant_id, "oauth2", "v2.0", "token"]);
    Ok(url)
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
