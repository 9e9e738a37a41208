//! Tokens of Microsoft Entra ID, for each kind of identity.

mod answers;
mod assertion;
mod identity;

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::{Method, RequestBuilder, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::http::{self, Answer, Http};
use crate::words;
use answers::{Cause, Refusal, TokenAnswer};
use assertion::{Certificate, federated_token};
pub use identity::{Application, Identity, ManagedEndpoint};

/// How long before its end a token is replaced.
const EARLY: Duration = Duration::from_secs(300);

/// A token that has less than this left is not used.
const LEAST: Duration = Duration::from_secs(30);

/// The kind of proof that isn't a secret.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Gets tokens, and keeps the newest until shortly before it ends.
pub struct Tokens {
    identity: Identity,
    http: Http,
    kept: Mutex<Option<Token>>,
}

struct Token {
    resource: String,
    secret: SecretString,
    ends: Instant,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

impl Tokens {
    /// For this identity. Asks nobody yet.
    ///
    /// Who manages an identity of a machine is a neighbour, and is asked without TLS and proxy, within `http`'s limits.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the authority's address can't be right, or requests can't be made here.
    pub fn new(identity: Identity, http: Http) -> Result<Self> {
        if let Some(application) = identity.application() {
            application.token_url()?;
        }
        let http = match identity {
            Identity::ManagedIdentity { .. } => Http::neighbour(http.limits())?,
            _ => http,
        };
        Ok(Self {
            identity,
            http,
            kept: Mutex::new(None),
        })
    }

    /// A token for the resource, e.g. `https://api.loganalytics.io`. Many who ask at once wait for one that is being fetched.
    ///
    /// # Errors
    /// [`ErrorKind::Auth`] with cause and remedy where the token service refuses; what came between where it isn't reached.
    pub async fn get(&self, resource: &str, deadline: Instant) -> Result<SecretString> {
        let mut kept = http::lock(&self.kept, deadline).await?;
        let now = Instant::now();
        let good = kept
            .as_ref()
            .filter(|token| token.resource == resource && token.ends > now + LEAST)
            .map(|token| (token.secret.clone(), token.ends > now + EARLY));
        if let Some((secret, true)) = good {
            return Ok(secret);
        }
        // Who has one that still serves keeps time to use it.
        let until = match good {
            Some(_) => now + deadline.saturating_duration_since(now) / 2,
            None => deadline,
        };
        match self.fetch(resource, until).await {
            Ok(token) => Ok(kept.insert(token).secret.clone()),
            // The one at hand is good for some minutes more.
            Err(reason) => good.map(|(secret, _)| secret).ok_or(reason),
        }
    }

    /// Takes no more of this token: it was refused. The next that is asked for is a new one.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] where one is being fetched, and not there by the deadline.
    pub async fn forget(&self, refused: &SecretString, deadline: Instant) -> Result<()> {
        let mut kept = http::lock(&self.kept, deadline).await?;
        if kept
            .as_ref()
            .is_some_and(|token| token.secret.expose_secret() == refused.expose_secret())
        {
            *kept = None;
        }
        Ok(())
    }

    async fn fetch(&self, resource: &str, deadline: Instant) -> Result<Token> {
        let asked = Instant::now();
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
                    application.token_url()?.as_str(),
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
        if answer.status != StatusCode::OK {
            return Err(self.refusal(&answer, resource));
        }
        let token = TokenAnswer::parse(&answer.body).ok_or_else(|| {
            Error::new(
                ErrorKind::Protocol,
                format!(
                    "{} gave an answer without a token{}",
                    self.whom(),
                    self.see_address()
                ),
            )
        })?;
        Ok(Token {
            ends: asked + Duration::from_secs_f64(token.lifetime(since_1970().as_secs_f64())),
            resource: resource.to_owned(),
            secret: token.into_token(),
        })
    }

    async fn ask_by_assertion(
        &self,
        application: &Application,
        resource: &str,
        assertion: &str,
        deadline: Instant,
    ) -> Result<Answer> {
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
    ) -> Result<Answer> {
        let url = application.token_url()?;
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &application.client_id)
            .append_pair("scope", &format!("{resource}/.default"))
            .extend_pairs(proof)
            .finish();
        let body = Zeroizing::new(body);
        let request = || {
            self.http
                .request(Method::POST, url.clone())
                .header("content-type", "application/x-www-form-urlencoded")
                .body(String::clone(&body))
        };
        self.http.send(&self.whom(), deadline, &[], request).await
    }

    async fn ask_neighbour(
        &self,
        endpoint: &ManagedEndpoint,
        client_id: Option<&str>,
        resource: &str,
        deadline: Instant,
    ) -> Result<Answer> {
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
                    self.http
                        .request(Method::GET, with_query(url, "2018-02-01"))
                        .header("metadata", "true")
                }
                ManagedEndpoint::AppService { url, header } => self
                    .http
                    .request(Method::GET, with_query(url.clone(), "2019-08-01"))
                    .header("x-identity-header", header.expose_secret()),
            }
        };
        // While a machine's identity is being set up, the metadata service doesn't know it, or is restarting.
        let starting = [StatusCode::NOT_FOUND, StatusCode::GONE];
        self.http.send(&self.whom(), deadline, &starting, request).await
    }

    /// What an answer that isn't 200 means, and what to do about it.
    fn refusal(&self, answer: &Answer, resource: &str) -> Error {
        let whom = self.whom();
        let status = answer.status;
        let refusal = Refusal::parse(&answer.body);
        let cause = match (status.as_u16(), &refusal) {
            (429, _) => Cause::Throttled,
            (408 | 410 | 500.., _) => Cause::Failing,
            // What gives tokens to a machine says no in forms of its own.
            (_, Some(refusal)) if self.identity.application().is_none() => refusal.cause,
            (status, Some(refusal)) => refusal.of_application(status == 404),
            (_, None) => Cause::Other,
        };
        let proof = self.proof();
        let pause = http::retry_after(&answer.headers);
        let (kind, reason) = match cause {
            Cause::Throttled => (
                ErrorKind::Busy,
                match pause {
                    Some(pause) => format!("it is throttled, for {} seconds more", pause.as_secs()),
                    None => "it is throttled".to_owned(),
                },
            ),
            Cause::Failing => (ErrorKind::Failed, format!("it failed ({status})")),
            Cause::Other if self.identity.application().is_none() => {
                (ErrorKind::Auth, format!("it refuses ({status})"))
            }
            Cause::Other if refusal.is_some() => (
                ErrorKind::Auth,
                format!("it refuses ({status}); see tenant_id, client_id and {proof}"),
            ),
            Cause::Other => (
                ErrorKind::Protocol,
                format!(
                    "it answers {status}, as no token service does{}",
                    self.see_address()
                ),
            ),
            Cause::Settings(wrong) => (ErrorKind::Auth, wrong.remedy(resource, proof)),
        };
        let words = refusal.map(|refusal| refusal.words);
        let words = match words.filter(|words| !self.repeats_secret(words)) {
            Some(words) => format!("{whom} gave no token: {reason} ({words})"),
            None => format!("{whom} gave no token: {reason}"),
        };
        Error::new(kind, words).with_retry_after(pause)
    }

    /// What proves who asks, for errors.
    fn proof(&self) -> &'static str {
        match self.identity {
            Identity::ClientSecret { .. } => "client_secret",
            _ => "the application's certificates and federated credentials",
        }
    }

    /// Where to look when something else answers.
    fn see_address(&self) -> &'static str {
        match self.identity {
            Identity::ManagedIdentity { .. } => "",
            _ => "; see authority_host",
        }
    }

    /// Do these words hold the secret that was sent there? Then none of them is told.
    fn repeats_secret(&self, words: &str) -> bool {
        let secret = match &self.identity {
            Identity::ClientSecret { secret, .. } => secret,
            Identity::ManagedIdentity {
                endpoint: ManagedEndpoint::AppService { header, .. },
                ..
            } => header,
            _ => return false,
        };
        words::hold(words, secret.expose_secret())
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

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
