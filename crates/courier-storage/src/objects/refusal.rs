//! What stores say when they refuse something, read and put into words.

use std::{error::Error as StdError, fmt, time::Duration};

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::{ErrorKind, Scheme};

/// The longest text of a store that is repeated, in characters.
const LONGEST: usize = 300;

/// A store's answer that isn't what was asked for.
#[derive(Debug)]
pub(crate) struct Refusal {
    scheme: Scheme,
    status: StatusCode,
    /// The store's own name for it; empty where it gives none, as in answers without a body.
    code: String,
    message: String,
    /// How long the store wants to be left alone.
    pub(super) pause: Option<Duration>,
}

impl Refusal {
    pub(crate) fn read(scheme: Scheme, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let (code, message) = match scheme {
            Scheme::Gcs => google(&text),
            _ => (element(&text, "Code"), element(&text, "Message")),
        };
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let code = code.or_else(|| header("x-ms-error-code").map(str::to_owned));
        Self {
            scheme,
            status,
            code: plain(&code.unwrap_or_default()),
            message: plain(&message.unwrap_or_default()),
            pause: header("retry-after")
                .and_then(|text| text.trim().parse().ok())
                .map(Duration::from_secs),
        }
    }

    /// May it go away by itself, within seconds?
    pub(super) fn passing(&self) -> bool {
        matches!(self.status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
            || matches!(
                self.code.as_str(),
                "ConditionalRequestConflict" | "OperationAborted" | "RequestTimeout"
            )
    }

    pub(super) fn kind(&self) -> ErrorKind {
        match self.code.as_str() {
            // Also what Azure says of networks that may not come in.
            "AuthorizationFailure" if self.message.contains("authenticate") => ErrorKind::Auth,
            "PreconditionFailed"
            | "BlobAlreadyExists"
            | "ConditionNotMet"
            | "UploadPreconditionFailed"
            | "conditionNotMet" => ErrorKind::Exists,
            "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "ExpiredToken"
            | "InvalidToken"
            | "TokenRefreshRequired"
            | "RequestTimeTooSkewed"
            | "RequestExpired"
            | "AuthenticationFailed"
            | "InvalidAuthenticationInfo"
            | "invalid_grant"
            | "invalid_client"
            | "authError" => ErrorKind::Auth,
            "NoSuchBucket" | "ContainerNotFound" | "ResourceNotFound" | "NoSuchKey" | "BlobNotFound" => {
                ErrorKind::NotFound
            }
            "PermanentRedirect"
            | "TemporaryRedirect"
            | "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException"
            | "NotImplemented"
            | "InvalidBucketName"
            | "InvalidResourceName"
            | "InvalidUri" => ErrorKind::Invalid,
            "KeyTooLongError" | "InvalidObjectName" | "XMinioInvalidObjectName" => ErrorKind::Key,
            "QuotaExceeded"
            | "XMinioStorageFull"
            | "InsufficientCapacity"
            | "quotaExceeded"
            | "XMinioAdminBucketQuotaExceeded" => ErrorKind::Full,
            "SlowDown"
            | "ServerBusy"
            | "ConditionalRequestConflict"
            | "OperationAborted"
            | "rateLimitExceeded"
            | "userRateLimitExceeded" => ErrorKind::Busy,
            _ => match self.status.as_u16() {
                301 | 307 | 501 => ErrorKind::Invalid,
                401 => ErrorKind::Auth,
                402 | 403 => ErrorKind::Denied,
                404 => ErrorKind::NotFound,
                412 => ErrorKind::Exists,
                408 | 500 | 502 | 504 => ErrorKind::Unreachable,
                429 | 503 => ErrorKind::Busy,
                507 => ErrorKind::Full,
                _ => ErrorKind::Failed,
            },
        }
    }

    /// What it means and what helps, for somebody who sees only this. `doing` is like "write s3://bucket/key".
    pub(super) fn words(&self, doing: &str, bucket: &str) -> String {
        let said = self.said();
        let place = if self.scheme == Scheme::Azblob {
            "container"
        } else {
            "bucket"
        };
        let why = match (self.kind(), self.code.as_str()) {
            (ErrorKind::Exists, _) => format!("could not {doing}: there is an object of that name already"),
            (ErrorKind::Auth, "RequestTimeTooSkewed" | "RequestExpired") => {
                format!(
                    "could not {doing}: this machine's clock and the store's differ too much; set the clock"
                )
            }
            (ErrorKind::Auth, "ExpiredToken" | "TokenRefreshRequired") => {
                format!("could not {doing}: the temporary credentials have expired; give new ones")
            }
            (ErrorKind::Auth, _) => {
                format!("could not {doing}: the store rejected the credentials; check and replace them")
            }
            (ErrorKind::Denied, _) => format!(
                "could not {doing}: the credentials are good, but may not do this; allow it in the {place}'s or the account's policy"
            ),
            (ErrorKind::NotFound, "NoSuchBucket" | "ContainerNotFound") => {
                format!("there is no {place} {bucket}; make it, or correct the URL of the storage")
            }
            (ErrorKind::NotFound, _) => {
                format!("could not {doing}: it is not there, or the {place} {bucket} isn't")
            }
            (ErrorKind::Invalid, "NotImplemented") | (ErrorKind::Invalid, "")
                if self.status == StatusCode::NOT_IMPLEMENTED =>
            {
                format!(
                    "could not {doing}: the store lacks something that is needed, most likely conditional writes (`If-None-Match`)"
                )
            }
            (ErrorKind::Invalid, _) => {
                format!("could not {doing}: check region, endpoint and {place} in the URL of the storage")
            }
            (ErrorKind::Full, _) => {
                format!("could not {doing}: the store is full, or a quota of it is used up")
            }
            (ErrorKind::Busy, _) => {
                format!("could not {doing}: the store asks to be called less often; it is tried again later")
            }
            (ErrorKind::Unreachable, _) => {
                format!("could not {doing}: the store has a trouble of its own; it is tried again later")
            }
            _ => format!("could not {doing}"),
        };
        format!("{why} ({said})")
    }

    fn said(&self) -> String {
        let mut said = format!("it answered {}", self.status.as_u16());
        for text in [&self.code, &self.message] {
            if !text.is_empty() {
                said.push_str(if text == &self.code { " " } else { ": " });
                said.push_str(text);
            }
        }
        said
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said())
    }
}

impl StdError for Refusal {}

/// A store that gave no answer, or lost the line in the middle of one.
#[derive(Debug)]
pub(crate) struct Unreachable {
    pub(super) cause: String,
    /// May it go away by itself, within seconds?
    pub(super) passing: bool,
}

impl Unreachable {
    /// The innermost cause; URLs, which may hold a signature, are not in it.
    pub(crate) fn new(error: &reqwest::Error) -> Self {
        let mut cause: &dyn StdError = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        let outermost = std::ptr::addr_eq(cause, std::ptr::from_ref(error));
        let certificate = cause.to_string().to_lowercase().contains("certificate");
        Self {
            cause: if outermost {
                "the request failed".to_owned()
            } else {
                plain(&cause.to_string())
            },
            passing: !error.is_builder() && !certificate,
        }
    }

    pub(crate) fn because(cause: &str) -> Self {
        Self {
            cause: cause.to_owned(),
            passing: true,
        }
    }

    /// Of another server than the store itself.
    pub(crate) fn of(self, server: &str) -> Self {
        Self {
            cause: format!("{server}: {}", self.cause),
            ..self
        }
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cause)
    }
}

impl StdError for Unreachable {}

/// The text of the first element of this name. The answers of S3 and Azure are flat enough for that.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once('<')?;
    let text = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'");
    Some(text.replace("&amp;", "&"))
}

/// Google has two forms: that of its stores, and that of whoever gives tokens.
fn google(text: &str) -> (Option<String>, Option<String>) {
    let Ok(answer) = serde_json::from_str::<Value>(text) else {
        // The part of its interface that is like S3 answers in XML.
        return (element(text, "Code"), element(text, "Message"));
    };
    let owned = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    match answer.get("error") {
        Some(Value::String(code)) => (Some(code.clone()), owned(answer.get("error_description"))),
        Some(error) => (
            owned(error.pointer("/errors/0/reason")),
            owned(error.get("message")),
        ),
        None => (None, None),
    }
}

/// One line, not too long.
fn plain(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST)
        .collect();
    line.trim().to_owned()
}
