//! A server to test, and a client that speaks to it.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use courier_server::{Config, Server};
use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle};

/// What admin logs in with.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// How long anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A server on a folder of its own, with a client that is admin.
pub(crate) struct TestServer {
    pub(crate) admin: Client,
    pub(crate) folder: TempDir,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

/// A client with a token, or without.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// An answer, read whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

/// A configuration for tests over this folder.
pub(crate) fn config(folder: &Path) -> Config {
    let mut config = Config::for_data_dir(folder).unwrap();
    config.listen = "127.0.0.1:0".into();
    config.environment = courier_engine::Environment::Development;
    config.admin_password = Some(PASSWORD.into());
    config.password_cost = courier_engine::PasswordCost {
        memory_kib: 8,
        passes: 1,
    };
    config
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap()).await
    }

    pub(crate) async fn start_in(folder: TempDir) -> Self {
        let config = config(folder.path());
        Self::start_with(folder, config).await
    }

    pub(crate) async fn start_with(folder: TempDir, config: Config) -> Self {
        Self::start_trusting(folder, config, None).await
    }

    /// With a client that trusts this certificate, where it is one of TLS.
    pub(crate) async fn start_trusting(folder: TempDir, config: Config, pem: Option<&[u8]>) -> Self {
        let password = config.admin_password.is_some();
        let server = Server::start(config).await.unwrap();
        let mut admin = Client {
            http: match pem {
                None => reqwest::Client::builder(),
                Some(pem) => {
                    reqwest::Client::builder().tls_certs_only([reqwest::Certificate::from_pem(pem).unwrap()])
                }
            }
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap(),
            base: server.url(),
            token: None,
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(async move {
            let shutdown = async move { drop(stopped.await) };
            server.run_until(shutdown).await.unwrap();
        });
        if password {
            admin = admin.login("admin", PASSWORD).await;
        }
        Self {
            admin,
            folder,
            stop: Some(stop),
            running,
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        self.admin.base.split_once("://").unwrap().1
    }

    /// Stops the server as a signal would, and gives its folder back.
    pub(crate) async fn stop(mut self) -> TempDir {
        drop(self.stop.take());
        tokio::time::timeout(PATIENCE, self.running)
            .await
            .expect("the server stops in time")
            .unwrap();
        self.folder
    }

    /// A client without a token.
    pub(crate) fn anybody(&self) -> Client {
        Client {
            token: None,
            ..self.admin.clone()
        }
    }

    /// A client with an API token of that role.
    pub(crate) async fn with_role(&self, role: &str) -> Client {
        let made = self
            .admin
            .post("/api/tokens", json!({"name": role, "role": role}))
            .await
            .created();
        self.admin.with_token(made["token"].as_str().unwrap())
    }
}

impl Client {
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// The token it sends.
    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().unwrap()
    }

    pub(crate) async fn login(&self, username: &str, password: &str) -> Self {
        let body = json!({"username": username, "password": password});
        let session = self.post("/api/auth/login", body).await.ok();
        self.with_token(session["token"].as_str().unwrap())
    }

    /// A request that is not sent yet.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .timeout(PATIENCE);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer(self.request(Method::GET, path)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        answer(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        answer(self.request(Method::POST, path).json(&body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        answer(self.request(Method::PUT, path).json(&body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        answer(self.request(Method::PATCH, path).json(&body)).await
    }

    /// The events of an execution until the server ends the stream: name and data.
    pub(crate) async fn events(&self, execution: &str) -> Vec<(String, Value)> {
        let answer = self.get(&format!("/api/executions/{execution}/events")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.headers["content-type"], "text/event-stream");
        let field = |event: &str, name: &str| {
            event
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
                .map(|v| v.trim().to_owned())
        };
        answer
            .text
            .split("\n\n")
            .filter_map(|event| {
                let data = field(event, "data")?;
                Some((field(event, "event")?, serde_json::from_str(&data).unwrap()))
            })
            .collect()
    }

    /// Makes a job of these steps, runs it, and gives the execution as it ended.
    pub(crate) async fn run_job(&self, name: &str, steps: &Value) -> Value {
        let job = self
            .post("/api/jobs", json!({"name": name, "steps": steps}))
            .await
            .created();
        let path = format!("/api/jobs/{}/run", job["id"].as_str().unwrap());
        let run = self.post(&path, json!({})).await.status(202).json();
        let id = run["id"].as_str().unwrap();
        self.events(id).await;
        self.get(&format!("/api/executions/{id}")).await.ok()
    }

    /// Asks again until the answer is as it should be.
    pub(crate) async fn until(&self, path: &str, mut is_so: impl FnMut(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let body = self.get(path).await.ok();
            if is_so(&body) {
                return body;
            }
            assert!(
                Instant::now() < deadline,
                "{path} did not become as it should: {body:#}"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Sends a request and reads the answer.
pub(crate) async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Answer {
        status,
        headers,
        text: response.text().await.unwrap(),
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {:?}", self.text))
    }

    #[track_caller]
    pub(crate) fn status(self, expected: u16) -> Self {
        assert_eq!(self.status.as_u16(), expected, "{}", self.text);
        self
    }

    /// The body of a 200.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        self.status(200).json()
    }

    /// The body of a 201, which says where the new thing is.
    #[track_caller]
    pub(crate) fn created(self) -> Value {
        let answer = self.status(201);
        assert!(answer.headers.contains_key("location"));
        answer.json()
    }

    /// A problem document with this status and code.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, code: u16) -> Value {
        let answer = self.status(status);
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        let problem = answer.json();
        assert_eq!(problem["code"], code, "{problem:#}");
        assert_eq!(problem["status"], status);
        assert!(
            problem["type"]
                .as_str()
                .is_some_and(|kind| kind.ends_with(&code.to_string()))
        );
        for field in ["title", "detail"] {
            assert!(
                problem[field].as_str().is_some_and(|text| !text.is_empty()),
                "{problem:#}"
            );
        }
        assert!(problem["errors"].is_array());
        problem
    }

    /// The fields that a problem document names.
    #[track_caller]
    pub(crate) fn fields(self, status: u16, code: u16) -> Vec<String> {
        let problem = self.problem(status, code);
        let errors = problem["errors"].as_array().unwrap();
        errors
            .iter()
            .map(|error| error["field"].as_str().unwrap().to_owned())
            .collect()
    }
}
