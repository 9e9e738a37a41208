//! The API from the shell: a small client of a running server.

use std::time::Duration;

use futures::{Stream, StreamExt, TryStreamExt};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use uuid::Uuid;

use crate::exit::{Code, Failure, Result};
use crate::output::Output;

mod events;
mod problem;
mod transport;

pub(crate) use events::{Event, Parser};
pub(crate) use problem::code_of;

/// Which server, and as whom.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct ApiArgs {
    /// The server's address
    #[arg(
        id = "api_server",
        long = "server",
        global = true,
        env = "COURIER_SERVER",
        value_name = "URL",
        default_value = "http://127.0.0.1:8440"
    )]
    server: String,

    /// A session or API token; `courier login` prints one. Better in COURIER_TOKEN, where no process list shows it
    #[arg(
        id = "api_token",
        long = "token",
        global = true,
        env = "COURIER_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true
    )]
    token: Option<SecretToken>,
}

/// A token that `Debug` does not show.
#[derive(Clone, Debug)]
pub(crate) struct SecretToken(SecretString);

impl std::str::FromStr for SecretToken {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("a token is one word of printable characters");
        }
        Ok(Self(SecretString::from(text)))
    }
}

/// How long the server may take to answer a request.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);
/// How long a stream of events may be silent; the server sends at least a comment every 15 seconds.
const SILENCE: Duration = Duration::from_secs(45);
/// The largest page that the server gives.
const PAGE: usize = 1000;

/// A client of one server.
#[derive(Debug)]
pub(crate) struct Api {
    http: reqwest::Client,
    base: Url,
    token: Option<SecretString>,
}

/// Query parameters.
pub(crate) type Query = Vec<(&'static str, String)>;

impl Api {
    /// For the server that the arguments name; says so where what goes there can be read on the way. Connects to
    /// nothing yet.
    pub(crate) fn new(args: &ApiArgs) -> Result<Self> {
        let api = Self::with_token(&args.server, args.token.as_ref().map(|token| token.0.clone()))?;
        if transport::is_in_clear(&api.base) {
            let output = Output {
                json: false,
                quiet: false,
            };
            output.complain(format!(
                "{} is not https: passwords and tokens can be read on their way there",
                api.base
            ));
        }
        Ok(api)
    }

    /// For a server by its address.
    pub(crate) fn with_token(server: &str, token: Option<SecretString>) -> Result<Self> {
        let wrong = |why: &str| {
            Failure::usage(format!(
                "the server \"{server}\" is {why}; expected e.g. https://courier.example.com"
            ))
        };
        let base = Url::parse(server).map_err(|e| wrong(&format!("no URL ({e})")))?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(wrong("no http or https URL"));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(Failure::usage(
                "credentials in the server's URL are not used; set COURIER_TOKEN",
            ));
        }
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(10))
            // A token must not follow a redirect to somewhere else.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("courier/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| {
                let cause = transport::root(&e);
                Failure::new(Code::Failed, format!("could not set up the HTTP client: {cause}"))
            })?;
        Ok(Self { http, base, token })
    }

    fn request(&self, method: Method, path: &[&str], query: &Query) -> Result<RequestBuilder> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| Failure::usage("the server's URL can't have a path"))?
            .pop_if_empty()
            .push("api")
            .extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.http.request(method, url);
        Ok(match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        })
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let response = request.send().await.map_err(|e| self.unreachable(&e))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let bytes = response.bytes().await.map_err(|e| self.unreachable(&e))?;
        Err(problem::failure(status, &bytes))
    }

    async fn document(&self, request: RequestBuilder) -> Result<Value> {
        let response = self.send(request.timeout(ANSWER_WITHIN)).await?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        let bytes = response.bytes().await.map_err(|e| self.unreachable(&e))?;
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes).map_err(|e| {
            let message = format!("{} does not answer like a Courier server: {e}", self.base);
            Failure::new(Code::Failed, message)
        })
    }

    /// Reads a document.
    pub(crate) async fn get(&self, path: &[&str]) -> Result<Value> {
        self.document(self.request(Method::GET, path, &Vec::new())?).await
    }

    /// Reads a document, with query parameters.
    pub(crate) async fn query(&self, path: &[&str], query: &Query) -> Result<Value> {
        self.document(self.request(Method::GET, path, query)?).await
    }

    /// Reads a text.
    pub(crate) async fn text(&self, path: &[&str]) -> Result<String> {
        let request = self
            .request(Method::GET, path, &Vec::new())?
            .timeout(ANSWER_WITHIN);
        self.send(request)
            .await?
            .text()
            .await
            .map_err(|e| self.unreachable(&e))
    }

    /// Reads what is too long to be held, piece by piece.
    pub(crate) async fn download(
        &self,
        path: &[&str],
        query: &Query,
    ) -> Result<impl Stream<Item = Result<impl AsRef<[u8]>>>> {
        let response = self.send(self.request(Method::GET, path, query)?).await?;
        Ok(response.bytes_stream().map_err(|e| self.unreachable(&e)))
    }

    /// Asks for something to be done. No body where `body` is null.
    pub(crate) async fn post(&self, path: &[&str], body: &Value) -> Result<Value> {
        self.change(Method::POST, path, body).await
    }

    /// Changes some fields.
    pub(crate) async fn patch(&self, path: &[&str], body: &Value) -> Result<Value> {
        self.change(Method::PATCH, path, body).await
    }

    /// Replaces a document.
    pub(crate) async fn put(&self, path: &[&str], body: &Value) -> Result<Value> {
        self.change(Method::PUT, path, body).await
    }

    /// Deletes an object.
    pub(crate) async fn delete(&self, path: &[&str]) -> Result<()> {
        self.change(Method::DELETE, path, &Value::Null).await.map(drop)
    }

    async fn change(&self, method: Method, path: &[&str], body: &Value) -> Result<Value> {
        let request = self.request(method, path, &Vec::new())?;
        self.document(if body.is_null() {
            request
        } else {
            request.json(body)
        })
        .await
    }

    /// Reads a list, page by page, up to `limit` items.
    pub(crate) async fn list(&self, path: &[&str], query: &Query, limit: usize) -> Result<Vec<Value>> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut page = query.clone();
            page.push(("limit", limit.saturating_sub(items.len()).min(PAGE).to_string()));
            page.extend(cursor.take().map(|cursor| ("cursor", cursor)));
            let mut document = self.query(path, &page).await?;
            if let Some(Value::Array(more)) = document.get_mut("items").map(Value::take) {
                items.extend(more);
            }
            cursor = document
                .get("next_cursor")
                .and_then(Value::as_str)
                .map(str::to_owned);
            if cursor.is_none() || items.len() >= limit {
                items.truncate(limit);
                return Ok(items);
            }
        }
    }

    /// The id of an object that the user named by id or by name.
    pub(crate) async fn resolve(&self, kind: &str, given: &str) -> Result<String> {
        if given.parse::<Uuid>().is_ok() {
            return Ok(given.to_owned());
        }
        let items = self.list(&[kind], &Vec::new(), usize::MAX).await?;
        let name = |item: &&Value| {
            ["name", "username"]
                .iter()
                .any(|field| item.get(field).and_then(Value::as_str) == Some(given))
        };
        let found = items
            .iter()
            .find(name)
            .and_then(|item| item.get("id"))
            .and_then(Value::as_str);
        found.map(str::to_owned).ok_or_else(|| {
            let what = kind.trim_end_matches('s').replace('-', " ");
            Failure::new(
                Code::NotFound,
                format!("there is no {what} called \"{given}\"; `list` shows what there is"),
            )
        })
    }

    /// Follows server-sent events until the server ends them.
    pub(crate) async fn events(&self, path: &[&str]) -> Result<impl Stream<Item = Result<Event>> + use<'_>> {
        let request = self
            .request(Method::GET, path, &Vec::new())?
            .header("accept", "text/event-stream");
        let bytes = Box::pin(self.send(request).await?.bytes_stream());
        let mut parser = Parser::default();
        let events = futures::stream::try_unfold(bytes, async |mut bytes| {
            match tokio::time::timeout(SILENCE, bytes.next()).await {
                Ok(Some(Ok(chunk))) => Ok(Some((chunk, bytes))),
                Ok(Some(Err(e))) => Err(self.unreachable(&e)),
                Ok(None) => Ok(None),
                Err(_) => {
                    let message = format!("{} has fallen silent", self.base);
                    Err(Failure::new(Code::Lost, message))
                }
            }
        });
        let events = events
            .map_ok(move |chunk| futures::stream::iter(parser.push(&chunk)).map(Ok))
            .try_flatten();
        Ok(events)
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        transport::failure(&self.base, error)
    }
}
