//! Requests with a limit: how long one may take, how often it is repeated, and what is said when it fails.

mod tls;
mod trouble;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use reqwest::{Client, ClientBuilder, Method, RequestBuilder, Response, StatusCode};
use serde::de::IgnoredAny;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
#[cfg(feature = "testkit")]
pub(crate) use tls::trust;

/// How long to connect, how long one call may take, and how long an operation may take with all its calls and pauses.
///
/// The first two hold for every request. The third is for who makes deadlines of it: [`Limits::deadline`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Until there is a TLS connection.
    pub connect: Duration,
    /// Until an answer is read to its end, connecting included.
    pub call: Duration,
    /// Until an operation of several calls, repetitions and pauses is over.
    pub operation: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            call: Duration::from_secs(10),
            operation: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// When an operation that begins now must be over.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.operation
    }
}

/// How often one call is made at most.
const ATTEMPTS: u32 = 5;

/// The first pause between two attempts, where the server names none; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// The longest answer that is read where nobody says otherwise, bytes.
const MAX_ANSWER: usize = 256 * 1024;

/// How long an idle connection is kept. Azure's servers keep it longer, so that a request seldom meets one that they are
/// about to close.
const IDLE: Duration = Duration::from_secs(30);

/// An answer, whatever its status.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its header fields.
    pub headers: HeaderMap,
    /// Its body. Where the status is no success it is as much as came, and as is read.
    pub body: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Answer {
    /// Without header fields and body: they may hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Sends requests by https. Copies share their connections.
///
/// It trusts what the system trusts, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` name, and follows no redirections: they
/// could lead a key or a token elsewhere.
#[derive(Clone, Debug)]
pub struct Http {
    client: Client,
    limits: Limits,
    fips: bool,
    max_answer: usize,
}

impl Http {
    /// With `fips`, TLS is held to what FIPS mode allows: AES-GCM over P-256 and P-384, certificates with RSA and ECDSA.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if no trusted certificates are found.
    pub fn new(limits: Limits, fips: bool) -> Result<Self> {
        Self::with_authorities(limits, fips, &[])
    }

    /// For tests: trusts the authorities in this PEM text, too.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if there are none in it.
    #[cfg(feature = "testkit")]
    pub fn trusting(limits: Limits, fips: bool, authorities_pem: &[u8]) -> Result<Self> {
        Self::with_authorities(limits, fips, authorities_pem)
    }

    fn with_authorities(limits: Limits, fips: bool, authorities_pem: &[u8]) -> Result<Self> {
        let tls = tls::config(fips, authorities_pem)?;
        let client = client(limits).tls_backend_preconfigured(tls).https_only(true);
        Self::build(client, limits, fips)
    }

    /// Without TLS and proxy: for a neighbour on the same machine or its link, such as the service that knows the
    /// machine's identity.
    pub(crate) fn neighbour(limits: Limits) -> Result<Self> {
        Self::build(
            client(limits)
                .tls_backend_preconfigured(tls::config(false, &[])?)
                .no_proxy(),
            limits,
            false,
        )
    }

    fn build(client: ClientBuilder, limits: Limits, fips: bool) -> Result<Self> {
        let client = client.build().map_err(|error| {
            let cause = trouble::innermost(&error);
            Error::new(ErrorKind::Invalid, format!("https can't be spoken here: {cause}"))
        })?;
        Ok(Self {
            client,
            limits,
            fips,
            max_answer: MAX_ANSWER,
        })
    }

    /// The same, for answers of up to so many bytes. By default they are 256 KiB.
    #[must_use]
    pub fn with_max_answer(mut self, bytes: usize) -> Self {
        self.max_answer = bytes;
        self
    }

    /// How long things may take.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// A request, to be completed and given to [`send_once`](Self::send_once), or made anew each time by what is given to
    /// [`send`](Self::send).
    pub fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// Sends a request once. An answer is `Ok` whatever its status. `whom` is for the error.
    ///
    /// # Errors
    /// Where there is no answer by the deadline, or within the limit of a call. [`ErrorKind::nothing_sent`] tells those
    /// after which the server surely knows nothing of it.
    pub async fn send_once(&self, whom: &str, deadline: Instant, request: RequestBuilder) -> Result<Answer> {
        match self.head(whom, deadline, request).await {
            Ok(head) => self.body(whom, deadline, head).await.into_result(),
            Err(error) => Err(error),
        }
    }

    /// The same for what is known by its status: of an answer whose body breaks there is as much as came, and 202 and 204
    /// are not read on.
    ///
    /// # Errors
    /// As [`send_once`](Self::send_once)'s, where not even the head of an answer came.
    pub async fn send_for_status(
        &self,
        whom: &str,
        deadline: Instant,
        request: RequestBuilder,
    ) -> Result<Answer> {
        let head = self.head(whom, deadline, request).await?;
        Ok(match head.status() {
            StatusCode::ACCEPTED | StatusCode::NO_CONTENT => Received::of(&head).answer,
            _ => self.body(whom, deadline, head).await.answer,
        })
    }

    /// Sends a request, and again where that may help: throttled (429), a failing server (408, 500, 502, 503, 504), one of
    /// `also_again`, a broken or impossible connection. What the last attempt came to is the result.
    ///
    /// Only for requests that may be repeated: after a broken connection nobody knows whether the server did it.
    ///
    /// # Errors
    /// As [`send_once`](Self::send_once)'s.
    pub async fn send(
        &self,
        whom: &str,
        deadline: Instant,
        also_again: &[StatusCode],
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Answer> {
        let mut attempt = 1;
        loop {
            let outcome = self.send_once(whom, deadline, request()).await;
            let pause = match &outcome {
                Ok(answer) if again(answer.status) || also_again.contains(&answer.status) => {
                    retry_after(&answer.headers)
                }
                Err(error) if error.kind().may_pass() => None,
                _ => return outcome,
            };
            let pause = pause.unwrap_or_else(|| backoff(attempt));
            if attempt == ATTEMPTS || pause >= deadline.saturating_duration_since(Instant::now()) {
                return outcome;
            }
            sleep(pause).await;
            attempt += 1;
        }
    }

    async fn head(&self, whom: &str, deadline: Instant, request: RequestBuilder) -> Result<Response> {
        match timeout_at(deadline, request.send()).await {
            Ok(sent) => sent.map_err(|error| self.trouble(whom, &error)),
            Err(_) => Err(too_late(whom)),
        }
    }

    async fn body(&self, whom: &str, deadline: Instant, mut head: Response) -> Received {
        let mut received = Received::of(&head);
        let body = &mut received.answer.body;
        received.broken = loop {
            match timeout_at(deadline, head.chunk()).await {
                Ok(Ok(Some(chunk))) if body.len() + chunk.len() > self.max_answer => {
                    let most = self.max_answer;
                    break Some(Error::new(
                        ErrorKind::Protocol,
                        format!("the answer of {whom} is longer than {most} bytes, and should not be"),
                    ));
                }
                Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
                Ok(Ok(None)) => break None,
                Ok(Err(error)) if trouble::is_end(&error) && is_whole(&received.answer.headers, body) => {
                    break None;
                }
                Ok(Err(error)) => break Some(self.trouble(whom, &error)),
                Err(_) => break Some(too_late(whom)),
            }
        };
        received
    }

    fn trouble(&self, whom: &str, error: &reqwest::Error) -> Error {
        trouble::of(whom, error, self.limits, self.fips)
    }
}

/// As much of an answer as came, and why it is not more.
struct Received {
    answer: Answer,
    broken: Option<Error>,
}

impl Received {
    fn of(head: &Response) -> Self {
        let answer = Answer {
            status: head.status(),
            headers: head.headers().clone(),
            // One allocation for what is usual: growing it would leave copies of secrets behind.
            body: Zeroizing::new(Vec::with_capacity(16 * 1024)),
        };
        Self { answer, broken: None }
    }

    /// A refusal is one, however little of it came.
    fn into_result(self) -> Result<Answer> {
        match self.broken {
            Some(error) if self.answer.status.is_success() => Err(error),
            _ => Ok(self.answer),
        }
    }
}

/// Is an answer whole at whose end the connection broke? Small servers neither say how long theirs is nor tell TLS that they
/// are done (RFC 9112, section 9.8, wants both): JSON shows its end itself.
fn is_whole(headers: &HeaderMap, body: &[u8]) -> bool {
    !headers.contains_key(CONTENT_LENGTH)
        && !headers.contains_key(TRANSFER_ENCODING)
        && matches!(body.trim_ascii_start().first(), Some(b'{' | b'['))
        && serde_json::from_slice::<IgnoredAny>(body).is_ok()
}

fn too_late(whom: &str) -> Error {
    Error::new(ErrorKind::Timeout, format!("{whom} did not answer in time"))
}

fn client(limits: Limits) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("courier/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(limits.connect)
        .timeout(limits.call)
        .pool_idle_timeout(IDLE)
}

/// Waits for what somebody else may be asking for just now, no longer than oneself may take.
///
/// # Errors
/// [`ErrorKind::Timeout`] when the deadline is there first.
pub async fn lock<T>(mutex: &Mutex<T>, deadline: Instant) -> Result<MutexGuard<'_, T>> {
    timeout_at(deadline, mutex.lock()).await.map_err(|_| {
        Error::new(
            ErrorKind::Timeout,
            "what others asked for before was not answered in time",
        )
    })
}

fn again(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// How long a server wants to be left alone: `Retry-After`, in seconds or as a date (RFC 9110, section 10.2.3). A date is
/// taken by the server's own clock, where the answer shows it.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let now = date(headers).unwrap_or_else(Timestamp::now);
    // One that has passed already wants no pause.
    Some(Duration::try_from(parse_date(text)?.duration_since(now)).unwrap_or_default())
}

/// What the server's clock showed when it answered: `Date` (RFC 9110, section 6.6.1).
#[must_use]
pub fn date(headers: &HeaderMap) -> Option<Timestamp> {
    parse_date(headers.get("date")?.to_str().ok()?)
}

fn parse_date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// Twice as long each time, and up to half more by chance, so that many that were refused together don't come back
/// together.
fn backoff(attempt: u32) -> Duration {
    let pause = FIRST_PAUSE * 2_u32.saturating_pow(attempt.saturating_sub(1));
    let mut chance = [0];
    // Without randomness there is none.
    let _ = aws_lc_rs::rand::fill(&mut chance);
    let [chance] = chance;
    pause + pause * u32::from(chance) / 512
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn how_long_to_wait() {
        let wait = |retry_after: &'static str, date: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", retry_after.parse().unwrap());
            if let Some(date) = date {
                headers.insert("date", date.parse().unwrap());
            }
            super::retry_after(&headers).map(|pause| pause.as_secs())
        };
        let now = Some("Sun, 22 Nov 2026 20:00:00 GMT");
        assert_eq!(wait("17", now), Some(17));
        assert_eq!(wait(" 0 ", None), Some(0));
        assert_eq!(wait("18446744073709551615", None), Some(u64::MAX));
        assert_eq!(wait("Sun, 22 Nov 2026 20:01:30 GMT", now), Some(90));
        assert_eq!(wait("Sun, 22 Nov 2026 19:01:30 GMT", now), Some(0));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT", None), Some(0));
        for odd in ["", "soon", "-1", "1.5", "Sun, 99 Nov 2026 20:01:30 GMT"] {
            assert_eq!(wait(odd, now), None, "{odd:?}");
        }
        assert_eq!(super::retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn pauses_grow() {
        for attempt in 1..ATTEMPTS {
            let least = FIRST_PAUSE * 2_u32.pow(attempt - 1);
            let pause = backoff(attempt);
            assert!(least <= pause && pause < least * 3 / 2, "{attempt}: {pause:?}");
        }
    }
}
