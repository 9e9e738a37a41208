//! Requests with a limit: how long one may take, how often it is repeated, and what is said when it fails.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, RequestBuilder, StatusCode};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep, timeout_at};
use zeroize::Zeroizing;

use crate::vault::fill_random;

/// How long to connect, how long one call may take, and how long an operation may take with all its calls and pauses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) connect: Duration,
    pub(super) call: Duration,
    pub(super) operation: Duration,
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

/// How often one call is made at most.
const ATTEMPTS: u32 = 5;

/// The first pause between two attempts, where the server names none; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Longer than any answer that is read here, bytes.
const MAX_BODY: usize = 256 * 1024;

/// An answer, whatever its status.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Zeroizing<Vec<u8>>,
}

/// Sends a request, and again where that may help: throttled (429), a failing server, a broken or impossible connection.
/// `whom` is for the error, which is words.
pub(super) async fn send(
    whom: &str,
    deadline: Instant,
    also_again: &[StatusCode],
    request: impl Fn() -> RequestBuilder,
) -> Result<Answer, String> {
    let mut attempt = 1;
    loop {
        let outcome = match timeout_at(deadline, call(request())).await {
            Ok(outcome) => outcome.map_err(|error| Trouble::of(whom, &error)),
            Err(_) => return Err(format!("{whom} did not answer in time")),
        };
        let pause = match &outcome {
            Ok(answer) if again(answer.status) || also_again.contains(&answer.status) => {
                retry_after(&answer.headers)
            }
            Err(trouble) if trouble.again => None,
            _ => return outcome.map_err(|trouble| trouble.words),
        };
        let pause = pause.unwrap_or_else(|| backoff(attempt));
        if attempt == ATTEMPTS || pause > deadline.saturating_duration_since(Instant::now()) {
            return outcome.map_err(|trouble| trouble.words);
        }
        sleep(pause).await;
        attempt += 1;
    }
}

/// Waits for what somebody else may be asking for just now, no longer than oneself may take.
pub(super) async fn lock<T>(mutex: &Mutex<T>, deadline: Instant) -> Result<MutexGuard<'_, T>, String> {
    timeout_at(deadline, mutex.lock())
        .await
        .map_err(|_| "what others asked for before was not answered in time".to_owned())
}

async fn call(request: RequestBuilder) -> reqwest::Result<Answer> {
    let mut response = request.send().await?;
    let (status, headers) = (response.status(), response.headers().clone());
    // One allocation for what is usual: growing it would leave copies of secrets behind.
    let mut body = Zeroizing::new(Vec::with_capacity(16 * 1024));
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_BODY {
            break;
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        status,
        headers,
        body,
    })
}

fn again(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// How long a server wants to be left alone.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get("retry-after")?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Twice as long each time, and up to half more by chance, so that many that were refused together don't come back
/// together.
fn backoff(attempt: u32) -> Duration {
    let pause = FIRST_PAUSE * 2_u32.saturating_pow(attempt.saturating_sub(1));
    let mut chance = [0];
    // Without randomness there is none.
    let _ = fill_random(&mut chance);
    pause + pause * u32::from(chance[0]) / 512
}

/// Why there is no answer.
struct Trouble {
    words: String,
    again: bool,
}

impl Trouble {
    fn of(whom: &str, error: &reqwest::Error) -> Self {
        let cause = innermost(error);
        if cause.contains("certificate") {
            let words = format!(
                "the certificate of {whom} was rejected ({cause}); if the address is right and it has certificates of an authority of your own, name that one's file by SSL_CERT_FILE"
            );
            return Self { words, again: false };
        }
        let words = if error.is_timeout() {
            format!("{whom} did not answer in time")
        } else if error.is_connect() {
            format!("{whom} can't be reached: {cause}")
        } else if error.is_builder() {
            let words = format!("the request to {whom} can't be made: {cause}");
            return Self { words, again: false };
        } else {
            format!("the connection to {whom} broke: {cause}")
        };
        Self { words, again: true }
    }
}

/// What is at the bottom of an error: each layer repeats the one below it, and the innermost says it best.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// Makes the client, for which there must be authorities to trust.
pub(super) fn build(builder: reqwest::ClientBuilder) -> Result<Client, String> {
    builder.build().map_err(|error| {
        let cause = innermost(&error);
        format!("https can't be spoken here: {cause}; see whether SSL_CERT_FILE, where it is set, holds certificates")
    })
}

/// A client that follows no redirections: they could lead a token elsewhere.
pub(super) fn client(limits: Limits) -> reqwest::ClientBuilder {
    Client::builder()
        .user_agent(concat!("courier/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(limits.connect)
        .timeout(limits.call)
}
