use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use courier_azure::testkit::{
    Authority, CLIENT_ID, CLIENT_SECRET, IDENTITY_HEADER, Issued, Reply, Request, Server, Service, TENANT_ID,
};
use courier_azure::{Application, ErrorKind, Http, Identity, Limits, ManagedEndpoint, Tokens};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;

use crate::scripted::{Scripted, soon};

const RESOURCE: &str = "https://api.loganalytics.test";

/// Entra ID with one application.
struct Entra {
    server: Server,
    authority_pem: Vec<u8>,
    state: Arc<State>,
}

struct State(Mutex<Inner>);

struct Inner {
    authority: Authority,
    asked: usize,
    down: bool,
}

impl Service for State {
    fn reply(&self, request: &Request) -> Option<Reply> {
        let mut inner = self.0.lock().unwrap();
        inner.asked += 1;
        if inner.down {
            return Some(Reply::raw(503, "<html>"));
        }
        let tenant = request.path.split('/').nth(1).unwrap();
        assert_eq!(request.path, format!("/{tenant}/oauth2/v2.0/token"));
        Some(inner.authority.token(tenant, request))
    }
}

impl Entra {
    fn start() -> Self {
        let certificate = Issued::for_loopback();
        let state = Arc::new(State(Mutex::new(Inner {
            authority: Authority::new(RESOURCE),
            asked: 0,
            down: false,
        })));
        Self {
            server: Server::start(Some(certificate.acceptor()), state.clone()),
            authority_pem: certificate.authority_pem(),
            state,
        }
    }

    fn url(&self) -> Url {
        Url::parse(&format!("https://localhost:{}", self.server.port())).unwrap()
    }

    fn with<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        change(&mut self.state.0.lock().unwrap())
    }

    fn asked(&self) -> usize {
        self.with(|inner| inner.asked)
    }

    fn tokens(&self, identity: Identity) -> Tokens {
        let http = Http::trusting(Limits::default(), false, &self.authority_pem).unwrap();
        Tokens::new(identity, http).unwrap()
    }

    fn right(&self) -> Tokens {
        self.tokens(Authority::by_secret(&self.url()))
    }
}

fn with_secret(application: Application, secret: &str) -> Identity {
    Identity::ClientSecret {
        application,
        secret: secret.into(),
    }
}

async fn token(tokens: &Tokens) -> String {
    let token = tokens.get(RESOURCE, soon()).await.unwrap();
    token.expose_secret().to_owned()
}

#[tokio::test]
async fn a_token_is_kept_until_shortly_before_its_end() {
    let entra = Entra::start();
    let tokens = entra.right();
    let first = token(&tokens).await;
    assert_eq!(token(&tokens).await, first);
    assert_eq!(entra.asked(), 1);
    // For something else there is another.
    entra.with(|inner| inner.authority.resource = "https://other.test".into());
    let other = tokens.get("https://other.test", soon()).await.unwrap();
    assert_ne!(other.expose_secret(), first);
    assert!(!format!("{tokens:?} {other:?}").contains("token-"));
}

#[tokio::test]
async fn a_token_near_its_end_is_replaced_and_serves_while_that_fails() {
    let entra = Entra::start();
    entra.with(|inner| inner.authority.lifetime = 200);
    let tokens = entra.right();
    let first = token(&tokens).await;
    let second = token(&tokens).await;
    assert_ne!(first, second);
    entra.with(|inner| inner.authority.refusing = Some("AADSTS7000222: expired.".into()));
    assert_eq!(token(&tokens).await, second);
    assert_eq!(entra.asked(), 3);

    // While nobody answers, there is time left to use it.
    entra.with(|inner| inner.down = true);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(2);
    let kept = tokens.get(RESOURCE, deadline).await.unwrap();
    assert_eq!(kept.expose_secret(), second);
    assert!(tokio::time::Instant::now() < deadline - Duration::from_millis(500));
    entra.with(|inner| inner.down = false);

    // One that has half a minute left is not used any more.
    entra.with(|inner| {
        inner.authority.refusing = None;
        inner.authority.lifetime = 29;
    });
    assert_ne!(token(&tokens).await, second);
    entra.with(|inner| inner.authority.refusing = Some("AADSTS7000222: expired.".into()));
    let error = tokens.get(RESOURCE, soon()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth, "{error}");
}

#[tokio::test]
async fn a_refused_token_is_forgotten_and_no_other() {
    let entra = Entra::start();
    let tokens = entra.right();
    let first = tokens.get(RESOURCE, soon()).await.unwrap();
    tokens
        .forget(&SecretString::from("another"), soon())
        .await
        .unwrap();
    assert_eq!(token(&tokens).await, first.expose_secret());
    tokens.forget(&first, soon()).await.unwrap();
    assert_ne!(token(&tokens).await, first.expose_secret());
}

#[tokio::test]
async fn many_at_once_ask_once() {
    let entra = Entra::start();
    let tokens = Arc::new(entra.right());
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let tokens = Arc::clone(&tokens);
            tokio::spawn(async move { token(&tokens).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(entra.asked(), 1);
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_remedy_and_without_the_secret() {
    let entra = Entra::start();
    let right = Authority::application(&entra.url());
    let tenant = Application {
        tenant_id: "nobody.example".into(),
        ..right.clone()
    };
    let client = Application {
        client_id: TENANT_ID.into(),
        ..right.clone()
    };
    for (identity, number, remedy) in [
        (with_secret(tenant, CLIENT_SECRET), "AADSTS90002", "see tenant_id"),
        (
            with_secret(client, CLIENT_SECRET),
            "AADSTS700016",
            "see client_id",
        ),
        (
            with_secret(right.clone(), "hunter2"),
            "AADSTS7000215",
            "see client_secret",
        ),
    ] {
        let error = entra.tokens(identity).get(RESOURCE, soon()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth, "{error}");
        let words = format!("{error} {error:?}");
        assert!(words.contains(number) && words.contains(remedy), "{words}");
        assert!(words.contains("localhost (tenant "), "{words}");
        for never in [CLIENT_SECRET, "hunter2", "Trace ID"] {
            assert!(!words.contains(never), "{words}");
        }
    }
    for (refusal, remedy) in [
        (
            "AADSTS7000222: The provided client secret keys are expired.",
            "has expired; make a new one",
        ),
        (
            "AADSTS7000112: Application is disabled.",
            "the application is disabled",
        ),
        (
            "AADSTS53003: Access has been blocked.",
            "conditional access policy",
        ),
        (
            "AADSTS99: Something new.",
            "it refuses (400 Bad Request); see tenant_id, client_id and client_secret (AADSTS99: Something new.)",
        ),
    ] {
        entra.with(|inner| inner.authority.refusing = Some(refusal.into()));
        let error = entra.right().get(RESOURCE, soon()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth, "{error}");
        assert!(error.message().contains(remedy), "{error}");
        assert!(!error.kind().may_pass());
    }
    entra.with(|inner| inner.authority.refusing = None);
    let error = entra
        .right()
        .get("https://elsewhere.test", soon())
        .await
        .unwrap_err();
    let words = error.message();
    assert!(
        words.contains("gives no tokens for https://elsewhere.test"),
        "{words}"
    );
    // Nothing of it was asked twice.
    assert_eq!(entra.asked(), 8);
}

#[tokio::test]
async fn refusals_without_a_number_have_a_remedy_too() {
    for (status, error, remedy) in [
        (401, "invalid_client", "see client_id and client_secret"),
        (400, "invalid_client", "see client_id and client_secret"),
        (400, "unauthorized_client", "see client_id"),
        (404, "invalid_tenant", "see tenant_id, and authority_host"),
        (400, "x", "see tenant_id, client_id and client_secret"),
    ] {
        let server = Scripted::new([Some(Reply::new(status, json!({ "error": error })))]);
        let identity = Authority::by_secret(&server.url());
        let tokens = Tokens::new(identity, server.http(Limits::default(), false)).unwrap();
        let refusal = tokens.get(RESOURCE, soon()).await.unwrap_err();
        assert_eq!(refusal.kind(), ErrorKind::Auth, "{refusal}");
        let words = refusal.message();
        assert!(words.contains(remedy) && words.contains(error), "{words}");
    }
}

#[tokio::test]
async fn words_that_repeat_the_secret_are_not_told() {
    let entra = Entra::start();
    let encoded = "fake-Client%7ESecret%26%2B";
    for words in [CLIENT_SECRET, encoded] {
        entra.with(|inner| inner.authority.refusing = Some(format!("AADSTS7000215: {words} is wrong")));
        let error = entra.right().get(RESOURCE, soon()).await.unwrap_err();
        assert!(error.message().contains("the client secret is wrong"), "{error}");
        assert!(
            !error.message().contains("AADSTS") && !error.message().contains("%26"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn throttling_is_waited_for_or_told() {
    let good = || Reply::new(200, json!({ "access_token": "t", "expires_in": 3600 }));
    let throttled = |seconds: &str| {
        Reply::new(429, json!({ "error": "temporarily_unavailable" })).header("Retry-After", seconds)
    };
    let tokens = |server: &Scripted| {
        let identity = Authority::by_secret(&server.url());
        Tokens::new(identity, server.http(Limits::default(), false)).unwrap()
    };
    let server = Scripted::new([Some(throttled("1")), Some(good())]);
    let started = Instant::now();
    assert_eq!(token(&tokens(&server)).await, "t");
    assert!(started.elapsed() >= Duration::from_secs(1));

    let server = Scripted::new([Some(throttled("600"))]);
    let started = Instant::now();
    let error = tokens(&server).get(RESOURCE, soon()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(600)));
    assert!(
        error.message().contains("throttled, for 600 seconds more"),
        "{error}"
    );
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn an_outage_may_pass() {
    let entra = Entra::start();
    entra.with(|inner| inner.down = true);
    let error = entra.right().get(RESOURCE, soon()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed, "{error}");
    assert!(
        error.message().contains("it failed (503 Service Unavailable)"),
        "{error}"
    );
    assert_eq!(entra.asked(), 5);
}

#[tokio::test]
async fn something_else_at_the_address_is_recognised() {
    for reply in [
        Reply::raw(200, "<html>"),
        Reply::new(200, json!({ "access_token": "" })),
        Reply::new(200, json!({ "access_token": "a\r\nb", "expires_in": 1 })),
        Reply::raw(404, "no"),
        Reply::raw(302, "").header("Location", "/login"),
        Reply::raw(204, ""),
    ] {
        let server = Scripted::new([Some(reply.clone())]);
        let identity = Authority::by_secret(&server.url());
        let tokens = Tokens::new(identity, server.http(Limits::default(), false)).unwrap();
        let error = tokens.get(RESOURCE, soon()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{reply:?}: {error}");
        assert!(error.message().contains("see authority_host"), "{error}");
        let [request] = &server.asked()[..] else {
            panic!("asked more than once");
        };
        assert_eq!(request.form("client_id").as_deref(), Some(CLIENT_ID));
        assert_eq!(request.form("scope"), Some(format!("{RESOURCE}/.default")));
    }
}

#[tokio::test]
async fn the_tenant_stays_one_segment_of_the_path() {
    let server = Scripted::new([]);
    let application = Application {
        tenant_id: "../admin?x#y".into(),
        ..Authority::application(&server.url())
    };
    let identity = with_secret(application, CLIENT_SECRET);
    let tokens = Tokens::new(identity, server.http(Limits::default(), false)).unwrap();
    tokens.get(RESOURCE, soon()).await.unwrap_err();
    assert_eq!(server.asked()[0].path, "/..%2Fadmin%3Fx%23y/oauth2/v2.0/token");

    let application = Application {
        authority_host: Url::parse("mailto:nobody").unwrap(),
        ..Authority::application(&server.url())
    };
    let http = server.http(Limits::default(), false);
    let error = Tokens::new(with_secret(application, CLIENT_SECRET), http).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
}

/// The service of an app, which knows its identity.
struct Neighbour(Mutex<Authority>);

impl Service for Neighbour {
    fn reply(&self, request: &Request) -> Option<Reply> {
        Some(self.0.lock().unwrap().app_service(request))
    }
}

#[tokio::test]
async fn a_managed_identity_is_asked_for_without_tls() {
    let server = Server::start(None, Arc::new(Neighbour(Mutex::new(Authority::new(RESOURCE)))));
    let tokens = |header: &str| {
        let identity = Identity::ManagedIdentity {
            client_id: None,
            endpoint: ManagedEndpoint::AppService {
                url: Url::parse(&format!("http://127.0.0.1:{}/msi/token", server.port())).unwrap(),
                header: header.into(),
            },
        };
        Tokens::new(identity, Http::new(Limits::default(), true).unwrap()).unwrap()
    };
    assert!(token(&tokens(IDENTITY_HEADER)).await.starts_with("token-"));
    let error = tokens("hunter2").get(RESOURCE, soon()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth, "{error}");
    assert!(
        error.message().contains("it refuses (401 Unauthorized)"),
        "{error}"
    );
}
