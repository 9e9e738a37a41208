//! The admin interface of a function app (specification 6.3.4): what there is, and how to begin a run.

pub mod answer;

use std::fmt;
use std::net::Ipv6Addr;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::time::{Instant, sleep};
use url::{Host, Url};
use uuid::Uuid;

use crate::http::{self, Answer, Http};
use crate::{Error, ErrorKind, FunctionName, Result, words};

/// The longest list of functions that is read, bytes.
const MAX_LIST: usize = 4 * 1024 * 1024;

/// How many names of functions an error shows.
const NAMES_SHOWN: usize = 20;

/// How often a call is made at most that surely began nothing.
const ATTEMPTS: u32 = 4;

/// The first pause between two attempts, where the app names none; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// A function app, by its master key. Copies share their connections.
#[derive(Clone)]
pub struct FunctionApp {
    base: Url,
    /// `host:port`, for errors.
    address: String,
    key: HeaderValue,
    http: Http,
}

/// A function app as it answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostStatus {
    /// `Running`, most of the time. Some apps don't show it.
    pub state: Option<String>,
    /// The version of the Functions runtime, e.g. `4.25.2.2`.
    pub version: Option<String>,
    /// How long the answer took, repetitions included.
    pub took: Duration,
}

/// What came of an attempt to begin a run, where it may have begun.
#[derive(Clone, Debug)]
pub enum Trigger {
    /// The app took it (2xx). It doesn't say which run it will be.
    Accepted {
        /// What the app's clock showed, where it showed it.
        server_time: Option<Timestamp>,
    },
    /// Nobody knows whether it has begun: there was no clear answer. Only the logs can tell.
    Unclear(Error),
}

impl FunctionApp {
    /// A function app at this host and port, by https.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where the host can't be one, or the key can't be sent.
    pub fn new(host: &str, port: u16, key: SecretString, http: Http) -> Result<Self> {
        let invalid = |words: String| Error::new(ErrorKind::Invalid, words);
        let host = match host.parse::<Ipv6Addr>() {
            Ok(address) => Ok(Host::Ipv6(address)),
            Err(_) => Host::parse(host),
        }
        .map_err(|_| {
            invalid(format!(
                "{host:?} can't be the host of a function app: it is a name such as \"myapp.azurewebsites.net\", without https://"
            ))
        })?;
        let address = format!("{host}:{port}");
        let base = Url::parse(&format!("https://{address}/")).map_err(|error| {
            invalid(format!(
                "{address} can't be the address of a function app: {error}"
            ))
        })?;
        let mut key = HeaderValue::from_str(key.expose_secret()).map_err(|_| {
            invalid(
                "the master key can't be sent: it has characters that no key has; copy it anew".to_owned(),
            )
        })?;
        key.set_sensitive(true);
        Ok(Self {
            base,
            address,
            key,
            http,
        })
    }

    /// Does the app answer, and take the key? Begins nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Auth`] for a wrong key, [`ErrorKind::Failed`] where the host doesn't run, others as they come.
    pub async fn status(&self, deadline: Instant) -> Result<HostStatus> {
        let began = Instant::now();
        let answer = self.get(&["admin", "host", "status"], deadline).await?;
        let took = began.elapsed();
        let known = match answer.status {
            StatusCode::OK => answer::status(&answer.body),
            StatusCode::NOT_FOUND => None,
            _ => return Err(self.refusal(&answer)),
        };
        let Some(known) = known else {
            // Some apps hide their state, and one without the key gets an empty answer: what only the key opens decides.
            match self.functions(deadline).await {
                // Where only calls are let through, it has to do that a key is asked for, and there is nothing against this one.
                Err(error)
                    if error.kind() == ErrorKind::NotFound && self.asks_for_a_key(deadline).await? => {}
                listed => _ = listed?,
            }
            return Ok(HostStatus {
                state: None,
                version: None,
                took,
            });
        };
        match known.state.as_deref() {
            Some(state @ ("Error" | "Offline" | "Stopped" | "Stopping")) => {
                let errors = match words::in_one_line(&known.errors.join("; ")) {
                    errors if errors.is_empty() || self.hold_key(&errors) => String::new(),
                    errors => format!(" ({errors})"),
                };
                Err(Error::new(
                    ErrorKind::Failed,
                    format!(
                        "the function app at {} answers, but its host is in state {state}{errors}",
                        self.address
                    ),
                ))
            }
            _ => Ok(HostStatus {
                state: known.state,
                version: known.version,
                took,
            }),
        }
    }

    /// Does the admin interface turn away who shows no key?
    async fn asks_for_a_key(&self, deadline: Instant) -> Result<bool> {
        let url = self.url(&["admin", "host", "status"]);
        let request = || self.http.request(Method::GET, url.clone());
        let answer = self.http.send(&self.whom(), deadline, &[], request).await?;
        Ok(answer.status == StatusCode::UNAUTHORIZED)
    }

    /// Asks the app something, once: it wakes up, and the connection stays open for the next request. What comes back is what its
    /// clock showed, where it showed it. Whatever else is the matter, the next request tells.
    pub async fn greet(&self, deadline: Instant) -> Option<Timestamp> {
        let request = self.request(Method::GET, &["admin", "host", "status"]);
        let answer = self.http.send_once(&self.whom(), deadline, request).await;
        http::date(&answer.ok()?.headers)
    }

    /// The names of the app's functions.
    ///
    /// # Errors
    /// [`ErrorKind::Auth`] for a wrong key, [`ErrorKind::NotFound`] where no function app answers, others as they come.
    pub async fn functions(&self, deadline: Instant) -> Result<Vec<String>> {
        let answer = self.get(&["admin", "functions"], deadline).await?;
        match answer.status {
            StatusCode::OK => {
                answer::names(&answer.body).ok_or_else(|| self.no_app("its answer is no list of functions"))
            }
            StatusCode::NOT_FOUND => Err(Error::new(
                ErrorKind::NotFound,
                format!(
                    "what answers at {} has no admin interface of a function app (404): see `host` and `port`",
                    self.address
                ),
            )),
            _ => Err(self.refusal(&answer)),
        }
    }

    /// Begins a run of a function, at most once. `input` goes to its trigger; `trace_id` (W3C, 32 hexadecimal digits) goes
    /// with it, and where the app takes it over, the logs show it as the run's operation.
    ///
    /// Repeats only what surely began nothing: where the app can't be reached, throttles, or its host doesn't run yet.
    ///
    /// # Errors
    /// Surely nothing has begun: [`ErrorKind::NotFound`] with the names that there are, [`ErrorKind::Auth`],
    /// [`ErrorKind::Denied`], [`ErrorKind::Busy`], [`ErrorKind::Unreachable`], [`ErrorKind::Failed`] where the host doesn't run,
    /// others as they come.
    pub async fn trigger(
        &self,
        function: &FunctionName,
        input: Option<&str>,
        trace_id: &str,
        deadline: Instant,
    ) -> Result<Trigger> {
        let mut body = json!({});
        if let (Some(input), Some(body)) = (input, body.as_object_mut()) {
            body.insert("input".to_owned(), input.into());
        }
        let parent = traceparent(trace_id);
        let request = || {
            self.request(Method::POST, &["admin", "functions", function.as_str()])
                .header("traceparent", &parent)
                .json(&body)
        };
        let whom = self.whom();
        let mut pause = FIRST_PAUSE;
        let mut attempt = 1;
        loop {
            let refused = match self.http.send_for_status(&whom, deadline, request()).await {
                Ok(answer) => match self.outcome(function, &answer) {
                    Ok(trigger) => return Ok(trigger),
                    Err(error) if error.kind() == ErrorKind::NotFound => {
                        return Err(self.unknown(function, deadline).await);
                    }
                    Err(error) => error,
                },
                Err(error) if error.kind().nothing_sent() || error.kind() == ErrorKind::Invalid => error,
                Err(error) => return Ok(Trigger::Unclear(error)),
            };
            let wait = refused.retry_after().unwrap_or(pause);
            let again = matches!(
                refused.kind(),
                ErrorKind::Unreachable | ErrorKind::Busy | ErrorKind::Failed
            );
            // One that the deadline ended while it connects would count as unclear.
            let needed = wait.saturating_add(self.http.limits().connect);
            if !again || attempt == ATTEMPTS || needed >= deadline.saturating_duration_since(Instant::now()) {
                return Err(refused);
            }
            sleep(wait).await;
            pause *= 2;
            attempt += 1;
        }
    }

    /// What an answer to the call means; an error where surely nothing has begun.
    fn outcome(&self, function: &FunctionName, answer: &Answer) -> Result<Trigger> {
        match answer.status.as_u16() {
            // 202, says the documentation; what stands in for the app may put it otherwise, but not as a page.
            200..=202 | 204 if !answer::is_page(&answer.body) => Ok(Trigger::Accepted {
                server_time: http::date(&answer.headers),
            }),
            // It was read, and refused: redirections, and all errors of the caller's but one that is none.
            300..=399 | 400..=407 | 409..=499 => {
                let refusal = self.refusal(answer);
                Err(match refusal.kind() {
                    ErrorKind::Invalid => Error::new(
                        ErrorKind::Invalid,
                        format!(
                            "{}; see whether the function \"{function}\" has an HTTP trigger, which can't be called so, and whether `input` is what its trigger takes",
                            refusal.message()
                        ),
                    ),
                    _ => refusal,
                })
            }
            // Other failures may be a gateway's, behind which the call arrived.
            503 if answer::is_down(&answer.body) => Err(self.refusal(answer)),
            _ => Ok(Trigger::Unclear(self.refusal(answer))),
        }
    }

    /// There is no such function: which are there?
    async fn unknown(&self, function: &FunctionName, deadline: Instant) -> Error {
        let names = match self.functions(deadline).await {
            Err(error) if error.kind() == ErrorKind::NotFound && !self.is_app(deadline).await => {
                let words = format!(
                    "what answers at {} has no function \"{function}\", and no admin interface of a function app (404): see `host` and `port`",
                    self.address
                );
                return Error::new(ErrorKind::NotFound, words);
            }
            names => names.unwrap_or_default(),
        };
        let known = names
            .iter()
            .any(|name| name.eq_ignore_ascii_case(function.as_str()));
        let mut words = format!(
            "the function app at {} has no function \"{function}\" (404)",
            self.address
        );
        if known {
            words = format!(
                "the function app at {} doesn't run its function \"{function}\" (404): it is disabled, or could not be loaded",
                self.address
            );
        } else if names.is_empty() {
            words.push_str(": see `function_name`, and whether the app's functions are deployed");
        } else {
            let shown = names.get(..NAMES_SHOWN).unwrap_or(&names).join(", ");
            let more = match names.len().saturating_sub(NAMES_SHOWN) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            words.push_str(&format!("; it has {shown}{more}"));
        }
        Error::new(ErrorKind::NotFound, words)
    }

    /// Does a host show itself there? A gateway may let its state through, and not the list of its functions.
    async fn is_app(&self, deadline: Instant) -> bool {
        let answer = self.get(&["admin", "host", "status"], deadline).await;
        answer.is_ok_and(|answer| answer.status != StatusCode::NOT_FOUND && !answer::is_page(&answer.body))
    }

    async fn get(&self, path: &[&str], deadline: Instant) -> Result<Answer> {
        let http = self.http.clone().with_max_answer(MAX_LIST);
        let request = || self.request(Method::GET, path);
        http.send(&self.whom(), deadline, &[], request).await
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        self.http
            .request(method, self.url(path))
            .header("x-functions-key", self.key.clone())
    }

    fn hold_key(&self, words: &str) -> bool {
        self.key.to_str().is_ok_and(|key| words::hold(words, key))
    }

    fn whom(&self) -> String {
        format!("the function app at {}", self.address)
    }

    /// An answer that is not what was asked for, in words.
    fn refusal(&self, answer: &Answer) -> Error {
        let (status, whom) = (answer.status.as_u16(), self.whom());
        let reason = answer::reason(&answer.body).filter(|words| !self.hold_key(words));
        let reason = match reason {
            Some(reason) => format!(" ({status}: {reason})"),
            None => format!(" ({status})"),
        };
        let (kind, words) = match status {
            401 => (
                ErrorKind::Auth,
                format!(
                    "{whom} refuses the key (401): `password` must be its master key, \"_master\" among the app's host keys"
                ),
            ),
            403 => (
                ErrorKind::Denied,
                format!(
                    "{whom} refuses to answer{reason}: see whether the app is stopped, and whether its access restrictions let Courier's address in"
                ),
            ),
            404 => (
                ErrorKind::NotFound,
                format!("{whom} knows nothing of this{reason}"),
            ),
            408 => (
                ErrorKind::Timeout,
                format!("{whom} waited too long for the request{reason}"),
            ),
            429 => {
                let pause = match http::retry_after(&answer.headers) {
                    Some(pause) => format!(", and asks to be left alone for {} seconds", pause.as_secs()),
                    None => String::new(),
                };
                (
                    ErrorKind::Busy,
                    format!("{whom} is throttling{reason}{pause}; nothing was begun"),
                )
            }
            500..=599 => (ErrorKind::Failed, format!("{whom} failed{reason}")),
            300..=399 => return self.redirection(answer),
            400..=499 => (
                ErrorKind::Invalid,
                format!("{whom} can't take the request{reason}"),
            ),
            _ => return self.no_app(&format!("it answers {status}")),
        };
        Error::new(kind, words).with_retry_after(http::retry_after(&answer.headers))
    }

    fn redirection(&self, answer: &Answer) -> Error {
        let target = location(&answer.headers).unwrap_or_else(|| "elsewhere".to_owned());
        self.no_app(&format!(
            "it sends callers to {target} ({}); if the app has authentication switched on, it must let requests for /admin through",
            answer.status.as_u16()
        ))
    }

    fn no_app(&self, what: &str) -> Error {
        let words = format!(
            "what answers at {} is no function app, it seems: {what}",
            self.address
        );
        Error::new(ErrorKind::Protocol, words)
    }
}

impl fmt::Debug for FunctionApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FunctionApp").field(&self.address).finish()
    }
}

/// Where a redirection leads, without what may be private in it.
fn location(headers: &HeaderMap) -> Option<String> {
    let url = Url::parse(headers.get("location")?.to_str().ok()?).ok()?;
    Some(url.origin().ascii_serialization()).filter(|origin| origin != "null")
}

/// The header of W3C's Trace Context, with a parent of its own.
fn traceparent(trace_id: &str) -> String {
    // The variant in it keeps the lower half of such an id from being 0, which would be no parent.
    let (_, parent) = Uuid::new_v4().as_u64_pair();
    format!("00-{trace_id}-{parent:016x}-01")
}
