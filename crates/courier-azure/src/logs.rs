//! What Log Analytics knows of the runs of functions (specification 6.3.4).

pub mod answer;
pub mod kql;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::time::Instant;
use url::Url;

use crate::http::{self, Answer, Http};
use crate::{Error, ErrorKind, FunctionName, Result, Tokens, words};
use answer::LogsError;

/// The longest answer to a query that is read, bytes.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// What a query is about, and the tables that have it in either vocabulary.
const RUNS: &str = "runs, AppRequests or requests";
const TRACES: &str = "traces, AppTraces or traces";

/// What a query found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<T> {
    /// In the order of their times.
    pub rows: Vec<T>,
    /// The workspace answered only for a part of what it holds.
    pub partial: bool,
}

/// A run of a function that has ended: the logs don't know of it before.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// When it began.
    pub started_at: Timestamp,
    /// The id of the request that stands for it.
    pub id: String,
    /// The function's name, as the app writes it.
    pub name: String,
    /// Did it end well?
    pub success: bool,
    /// What it ended with: `0` for most that ended well, an HTTP status, a code of its own, or nothing.
    pub result_code: String,
    /// How long it ran, milliseconds.
    pub duration_ms: f64,
    /// The trace (W3C) that it belongs to: the caller's, where the app takes it over.
    pub operation_id: Option<String>,
    /// The id that the Functions host gave it. Apps that log by OpenTelemetry have none.
    pub invocation_id: Option<String>,
}

impl Run {
    /// What tells it from all others: the invocation's id, or, where there is none, the request's.
    #[must_use]
    pub fn key(&self) -> &str {
        self.invocation_id.as_deref().unwrap_or(&self.id)
    }

    /// By what its traces are found.
    #[must_use]
    pub fn traces_by(&self) -> Option<RunId> {
        let invocation = self.invocation_id.clone().map(RunId::Invocation);
        invocation.or_else(|| self.operation_id.clone().map(RunId::Operation))
    }
}

/// By what the traces of a run are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunId {
    /// The invocation's id.
    Invocation(String),
    /// The operation's id, which whatever the run called shares.
    Operation(String),
}

/// A line that a run wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// When it was written.
    pub timestamp: Timestamp,
    /// What it says.
    pub message: String,
    /// From 0 (verbose) to 4 (critical), where it has one.
    pub severity_level: Option<i64>,
}

/// A Log Analytics workspace, asked with tokens of an application that may read it.
#[derive(Clone)]
pub struct Workspace {
    query: Url,
    /// Whom tokens are for: the endpoint's scheme, host and port.
    resource: String,
    id: String,
    tokens: Arc<Tokens>,
    http: Http,
}

impl Workspace {
    /// The workspace with this id at this endpoint, e.g. `https://api.loganalytics.io`, with or without `/v1`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where the endpoint can't be one.
    pub fn new(endpoint: Url, workspace_id: &str, tokens: Arc<Tokens>, http: Http) -> Result<Self> {
        let resource = endpoint.origin().ascii_serialization();
        let invalid = || {
            let words = format!(
                "{endpoint} can't be the address of Log Analytics; it is like https://api.loganalytics.io"
            );
            Error::new(ErrorKind::Invalid, words)
        };
        if endpoint.scheme() != "https" || !matches!(endpoint.path().trim_end_matches('/'), "" | "/v1") {
            return Err(invalid());
        }
        let mut query = Url::parse(&resource).map_err(|_| invalid())?;
        query
            .path_segments_mut()
            .map_err(|()| invalid())?
            .pop_if_empty()
            .extend(["v1", "workspaces", workspace_id, "query"]);
        Ok(Self {
            query,
            resource,
            id: workspace_id.to_owned(),
            tokens,
            http: http.with_max_answer(MAX_ANSWER),
        })
    }

    /// May the application read the workspace, and has it the tables for runs?
    ///
    /// # Errors
    /// As [`runs`](Self::runs)'.
    pub async fn check(&self, deadline: Instant) -> Result<()> {
        answer::check(&self.ask(&kql::check(), RUNS, deadline).await?.body)
    }

    /// A token for the workspace, to learn whether there is one.
    ///
    /// # Errors
    /// Those of who gives it.
    pub async fn token(&self, deadline: Instant) -> Result<()> {
        self.tokens.get(&self.resource, deadline).await.map(|_| ())
    }

    /// The runs of a function that began at `since` or later and have ended, oldest first, [`kql::MAX_RUNS`] at most.
    ///
    /// # Errors
    /// [`ErrorKind::Auth`] where there is no token or it is refused, [`ErrorKind::Denied`], [`ErrorKind::NotFound`] for
    /// the workspace, [`ErrorKind::NoTable`], [`ErrorKind::Busy`] with the pause that it wants, others as they come.
    pub async fn runs(
        &self,
        function: &FunctionName,
        since: Timestamp,
        deadline: Instant,
    ) -> Result<Found<Run>> {
        answer::runs(&self.ask(&kql::runs(function, since), RUNS, deadline).await?.body)
    }

    /// What a run wrote, oldest first: `limit` lines after the first `skip`.
    ///
    /// # Errors
    /// As [`runs`](Self::runs)', and [`ErrorKind::Invalid`] where the run's id can't be one.
    pub async fn traces(
        &self,
        run: &RunId,
        skip: u64,
        limit: u64,
        deadline: Instant,
    ) -> Result<Found<Trace>> {
        let query = kql::traces(run, skip, limit)?;
        let mut found = answer::traces(&self.ask(&query, TRACES, deadline).await?.body)?;
        // What stands in for Log Analytics may not count rows, and answers with all.
        let count = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
        if found.rows.len() > count(limit) {
            found.rows = found
                .rows
                .into_iter()
                .skip(count(skip))
                .take(count(limit))
                .collect();
        }
        Ok(found)
    }

    /// Asks, and once more with a new token where the one at hand is refused: it may have been revoked.
    async fn ask(&self, query: &str, tables: &str, deadline: Instant) -> Result<Answer> {
        let mut token = self.tokens.get(&self.resource, deadline).await?;
        let mut answer = self.ask_with(&token, query, deadline).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            self.tokens.forget(&token, deadline).await?;
            token = self.tokens.get(&self.resource, deadline).await?;
            answer = self.ask_with(&token, query, deadline).await?;
        }
        match answer.status {
            StatusCode::OK => Ok(answer),
            _ => Err(self.refusal(&answer, &token, tables)),
        }
    }

    async fn ask_with(&self, token: &SecretString, query: &str, deadline: Instant) -> Result<Answer> {
        let request = || {
            self.http
                .request(Method::POST, self.query.clone())
                .bearer_auth(token.expose_secret())
                .json(&json!({ "query": query }))
        };
        self.http.send(&self.whom(), deadline, &[], request).await
    }

    fn whom(&self) -> String {
        format!("Log Analytics at {}", self.query.host_str().unwrap_or_default())
    }

    /// An answer without results, in words.
    fn refusal(&self, answer: &Answer, token: &SecretString, tables: &str) -> Error {
        let (status, whom, id) = (answer.status.as_u16(), self.whom(), &self.id);
        let error = LogsError::parse(&answer.body);
        let told = |words: &&str| !words::hold(words, token.expose_secret());
        let code = error.codes.first().map(String::as_str).filter(told);
        let reason = match (code, Some(&*error.message).filter(told).unwrap_or_default()) {
            (None, "") => format!("({status})"),
            (Some(code), "") => format!("({status} {code})"),
            (None, message) => format!("({status}: {message})"),
            (Some(code), message) => format!("({status} {code}: {message})"),
        };
        let (kind, words) = match status {
            400 if error.lacks_tables() => (
                ErrorKind::NoTable,
                format!(
                    "the workspace {id} has no table of {tables} {reason}: see whether `workspace_id` is the workspace of the function app's Application Insights, and whether any of its functions has run since that was set up"
                ),
            ),
            400 => (
                ErrorKind::Protocol,
                format!("{whom} can't take the query {reason}"),
            ),
            401 => (
                ErrorKind::Auth,
                format!(
                    "{whom} refuses the token {reason}: see whether `logs_endpoint` and `authority_host` belong to one cloud"
                ),
            ),
            403 => (
                ErrorKind::Denied,
                format!(
                    "the application may not read the workspace {id} {reason}: give the service principal of `client_id` the role \"Log Analytics Reader\" on it; that takes some minutes to work"
                ),
            ),
            404 => (
                ErrorKind::NotFound,
                format!(
                    "{whom} knows no workspace {id} {reason}: `workspace_id` is the \"Workspace ID\" on its overview page, not its name"
                ),
            ),
            429 => (ErrorKind::Busy, format!("{whom} is throttling {reason}")),
            408 | 504 => (
                ErrorKind::Timeout,
                format!("{whom} did not answer in time {reason}"),
            ),
            500..=599 => (ErrorKind::Failed, format!("{whom} failed {reason}")),
            _ => (
                ErrorKind::Protocol,
                format!("what answers as {whom} is something else, it seems {reason}: see `logs_endpoint`"),
            ),
        };
        Error::new(kind, words).with_retry_after(http::retry_after(&answer.headers))
    }
}

impl fmt::Debug for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Workspace").field(&self.query.as_str()).finish()
    }
}
