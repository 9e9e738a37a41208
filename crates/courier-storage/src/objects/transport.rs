//! Requests to a store: with time limits, tried again where that helps, and refusals as values.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use opendal::{Buffer, HttpBody, HttpTransport};
use parking_lot::Mutex;
use reqwest::{Client, redirect::Policy};
use tokio::time::{sleep, timeout};

use super::refusal::{Refusal, Unreachable};
use crate::{Error, ErrorKind, Result, Scheme, service_account::Tokens};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(15);
/// How long an answer may take, and each piece of one, apart from the time for the request's own bytes.
const ANSWER: Duration = Duration::from_secs(60);
/// The slowest line that a part gets through, in bytes a second.
const SLOWEST: u64 = 32 << 10;
/// How often a request is made at most.
const ATTEMPTS: u32 = 4;
/// The first pause between two attempts; each further one is four times as long.
const PAUSE: Duration = Duration::from_millis(250);
/// The longest pause that a store may ask for and is given.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How much of a refusal is read, in bytes.
const REFUSAL: usize = 16 << 10;

pub(super) struct Transport {
    client: Client,
    scheme: Scheme,
    tokens: Option<Arc<Tokens>>,
}

impl Transport {
    pub(super) fn new(scheme: Scheme, tokens: Option<Arc<Tokens>>) -> Result<Self> {
        let client = Client::builder()
            .user_agent(concat!("courier/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .build()
            .map_err(|error| {
                let cause = Unreachable::new(&error).cause;
                Error::new(
                    ErrorKind::Failed,
                    format!("https can't be spoken here: {cause}; see whether SSL_CERT_FILE, where it is set, holds certificates"),
                )
            })?;
        Ok(Self {
            client,
            scheme,
            tokens,
        })
    }

    /// One attempt. What the store refuses is an error here already, so that all three of them are told apart in one place.
    async fn attempt(
        &self,
        parts: &http::request::Parts,
        body: Bytes,
    ) -> Result<Response<HttpBody>, Trouble> {
        let mut request = Request::new(reqwest::Body::from(body.clone()));
        *request.method_mut() = parts.method.clone();
        *request.uri_mut() = parts.uri.clone();
        *request.headers_mut() = parts.headers.clone();
        if let Some(tokens) = &self.tokens {
            let token = tokens.get(&self.client).await?;
            let value = HeaderValue::try_from(format!("Bearer {token}"))
                .map_err(|_| Trouble::Broken(Unreachable::because("the token that was given is none")))?;
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        let request = request
            .try_into()
            .map_err(|error| Trouble::Broken(Unreachable::new(&error)))?;
        let limit = ANSWER + Duration::from_secs(body.len() as u64 / SLOWEST);
        let mut response = match timeout(limit, self.client.execute(request)).await {
            Err(_) => return Err(Trouble::Broken(Unreachable::because("no answer in time"))),
            Ok(Err(error)) => return Err(Trouble::Broken(Unreachable::new(&error))),
            Ok(Ok(response)) => response,
        };
        let status = response.status();
        if is_answer(status) {
            return Ok(answer(response));
        }
        let headers = response.headers().clone();
        let mut text = Vec::new();
        while text.len() < REFUSAL
            && let Ok(Ok(Some(chunk))) = timeout(ANSWER, response.chunk()).await
        {
            text.extend_from_slice(&chunk);
        }
        Err(Trouble::Refused(Refusal::read(
            self.scheme,
            status,
            &headers,
            &text,
        )))
    }
}

impl HttpTransport for Transport {
    async fn fetch(&self, request: Request<Buffer>) -> opendal::Result<Response<HttpBody>> {
        let (parts, body) = request.into_parts();
        let body = body.to_bytes();
        let mut pause = PAUSE;
        let mut attempt = 1;
        loop {
            let trouble = match self.attempt(&parts, body.clone()).await {
                Ok(response) => return Ok(response),
                Err(trouble) => trouble,
            };
            let Some(asked) = trouble.again().filter(|_| attempt < ATTEMPTS) else {
                return Err(trouble.into());
            };
            // Half of it by chance, so that not all come back at once.
            let chance = u32::from(uuid::Uuid::new_v4().as_bytes()[0]);
            sleep(asked.unwrap_or(pause / 2 + pause * chance / 510)).await;
            pause *= 4;
            attempt += 1;
        }
    }
}

/// Why there is no answer that is one.
pub(crate) enum Trouble {
    Broken(Unreachable),
    Refused(Refusal),
}

impl Trouble {
    /// May it go away by itself? With the pause that the store asks for.
    fn again(&self) -> Option<Option<Duration>> {
        match self {
            Self::Broken(unreachable) => unreachable.passing.then_some(None),
            Self::Refused(refusal) => refusal
                .passing()
                .then(|| refusal.pause.map(|pause| pause.min(LONGEST_PAUSE))),
        }
    }
}

impl From<Trouble> for opendal::Error {
    fn from(trouble: Trouble) -> Self {
        let error = Self::new(opendal::ErrorKind::Unexpected, "the store did not do it");
        match trouble {
            Trouble::Broken(unreachable) => error.set_source(unreachable),
            Trouble::Refused(refusal) => error.set_source(refusal),
        }
    }
}

/// Google answers 308 where more of an upload is expected.
fn is_answer(status: StatusCode) -> bool {
    status.is_success() || status == StatusCode::PERMANENT_REDIRECT
}

fn answer(response: reqwest::Response) -> Response<HttpBody> {
    let status = response.status();
    let headers: HeaderMap = response.headers().clone();
    let size = response
        .content_length()
        .filter(|_| !headers.contains_key(header::CONTENT_ENCODING));
    let chunks = futures::stream::try_unfold(response, |mut response| async move {
        match timeout(ANSWER, response.chunk()).await {
            Ok(Ok(chunk)) => Ok(chunk.map(|chunk| (Buffer::from(chunk), response))),
            Ok(Err(error)) => Err(Trouble::Broken(Unreachable::new(&error)).into()),
            Err(_) => Err(Trouble::Broken(Unreachable::because("the line fell silent")).into()),
        }
    });
    let mut whole = Response::new(HttpBody::new(Alone(Mutex::new(chunks.boxed())), size));
    *whole.status_mut() = status;
    *whole.headers_mut() = headers;
    whole
}

/// A stream that is only ever used by one thread at a time, which its type doesn't show: the lock is never taken.
struct Alone<S>(Mutex<S>);

impl<S: Stream + Unpin> Stream for Alone<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        self.get_mut().0.get_mut().poll_next_unpin(context)
    }
}
