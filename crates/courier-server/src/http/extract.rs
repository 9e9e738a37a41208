//! What routes take from a request. Whatever doesn't fit is a problem document that names the field.

use std::{ops::ControlFlow, time::Duration};

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request, rejection::BytesRejection},
    http::{HeaderMap, header, request::Parts},
    response::{IntoResponse, Response},
};
use courier_api::ErrorCode;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use zeroize::Zeroize;

use super::{BodyLimit, problem::ApiError};

/// A JSON body, in requests and in answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<T>(pub(crate) T);

/// A JSON body that may be absent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OptionalJson<T>(pub(crate) T);

/// The parameters of the query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query<T>(pub(crate) T);

/// The parameters of the path. An id that is no UUID is 400, code 1000.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let is_json = declares_json(request.headers());
        let body = read(request, state).await?;
        if !is_json {
            return Err(not_json());
        }
        parse_and_wipe(body).map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let is_json = declares_json(request.headers());
        let body = read(request, state).await?;
        match (body.is_empty(), is_json) {
            (true, _) => Ok(Self(T::default())),
            (false, true) => parse_and_wipe(body).map(Self),
            (false, false) => Err(not_json()),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = axum::extract::Query::<T>::try_from_uri(&parts.uri).map_err(|rejection| {
            let text = rejection.body_text();
            let text = text
                .strip_prefix("Failed to deserialize query string: ")
                .unwrap_or(&text);
            match text.split_once(": ") {
                Some((field, "invalid digit found in string")) => {
                    ApiError::field(field, "must be a whole number, not negative")
                }
                Some((field, message)) if !field.contains(' ') => ApiError::field(field, message),
                _ => field_error("", text),
            }
        })?;
        Ok(Self(query.0))
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        use axum::extract::{path::ErrorKind, rejection::PathRejection};
        let rejection = match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(path) => return Ok(Self(path.0)),
            Err(rejection) => rejection,
        };
        let kind = match rejection {
            PathRejection::FailedToDeserializePathParams(failed) => failed.into_kind(),
            other => return Err(ApiError::internal(other.body_text())),
        };
        Err(match kind {
            ErrorKind::DeserializeError { key, message, .. } => ApiError::field(key, message),
            other => ApiError::field("id", other.to_string()),
        })
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
            Err(error) => ApiError::internal(error).into_response(),
        }
    }
}

fn declares_json(headers: &HeaderMap) -> bool {
    let declared = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media_type = declared
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    media_type == "application/json"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

fn not_json() -> ApiError {
    ApiError::new(
        ErrorCode::UnsupportedMediaType,
        "the body must be JSON, with content-type: application/json",
    )
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
    read_within(request, state, super::BODY_TIME).await
}

async fn read_within<S: Send + Sync>(request: Request, state: &S, time: Duration) -> Result<Bytes, ApiError> {
    let limit = request
        .extensions()
        .get()
        .map_or(super::MAX_BODY, |BodyLimit(bytes)| *bytes);
    tokio::time::timeout(time, Bytes::from_request(request, state))
        .await
        .map_err(|_| {
            ApiError::new(
                ErrorCode::Validation,
                format!("the body did not arrive within {} seconds", time.as_secs()),
            )
        })?
        .map_err(|rejection| match rejection {
            BytesRejection::FailedToBufferBody(error) if error.status() == 413 => ApiError::new(
                ErrorCode::BodyTooLarge,
                format!("the body is longer than the {limit} bytes that are read here"),
            ),
            other => ApiError::new(ErrorCode::Validation, other.body_text()),
        })
}

/// A body whose read-only fields are ignored, and whose unknown ones are not.
pub(crate) fn typed<T: DeserializeOwned>(
    mut body: Map<String, Value>,
    read_only: &[&str],
) -> Result<T, ApiError> {
    body.retain(|name, _| !read_only.contains(&name.as_str()));
    serde_path_to_error::deserialize(Value::Object(body)).map_err(|error| {
        let path = error.path().to_string();
        data_error(&path, error.into_inner())
    })
}

/// A body may hold a password or a private key. One that came in several pieces was put together in memory of its own,
/// which is wiped; one that came in a single piece lies in the connection's buffer, which is not ours.
fn parse_and_wipe<T: DeserializeOwned>(body: Bytes) -> Result<T, ApiError> {
    let parsed = parse(&body);
    if let Ok(mut body) = body.try_into_mut() {
        body.as_mut().zeroize();
    }
    parsed
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let not_json = |error| ApiError::new(ErrorCode::Validation, format!("the body is not JSON: {error}"));
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let inner: serde_json::Error = error.into_inner();
        if inner.is_data() {
            data_error(&path, inner)
        } else {
            not_json(inner)
        }
    })?;
    deserializer.end().map_err(not_json)?;
    Ok(value)
}

fn data_error(path: &str, error: serde_json::Error) -> ApiError {
    field_error(
        if path == "." { "" } else { path },
        &without_value(&without_position(&error.to_string())),
    )
}

/// "invalid type: string \"…\", expected …" without the value, which may be a secret in a place where none belongs.
fn without_value(message: &str) -> String {
    let told = ["invalid type: ", "invalid value: "].iter().find_map(|what| {
        // The last one: a value may hold anything.
        let (value, expected) = message.strip_prefix(what)?.rsplit_once(", expected ")?;
        let kind = value.split(['`', '"']).next().unwrap_or_default().trim_end();
        Some(format!("{what}{kind}, expected {expected}"))
    });
    told.unwrap_or_else(|| message.to_owned())
}

/// An error at that path. Where the message itself names a field below it (``unknown field `x` ``), that is the field.
fn field_error(path: &str, message: &str) -> ApiError {
    let named = ["unknown field `", "missing field `", "duplicate field `"]
        .iter()
        .try_for_each(
            |prefix| match message.strip_prefix(prefix).and_then(|rest| rest.split_once('`')) {
                Some((name, _)) => ControlFlow::Break(name),
                None => ControlFlow::Continue(()),
            },
        );
    match (named, path) {
        (ControlFlow::Break(name), "") => ApiError::field(name, message),
        // The path may end with the name already.
        (ControlFlow::Break(name), path) if path == name || path.ends_with(&format!(".{name}")) => {
            ApiError::field(path, message)
        }
        (ControlFlow::Break(name), path) => ApiError::field(format!("{path}.{name}"), message),
        (ControlFlow::Continue(()), "") => ApiError::field("body", message),
        (ControlFlow::Continue(()), path) => ApiError::field(path, message),
    }
}

/// `serde_json` ends its messages with a position, which says nothing beside a path.
fn without_position(message: &str) -> String {
    message
        .rsplit_once(" at line ")
        .map_or(message, |(text, _)| text)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use futures::{StreamExt, stream};

    use super::*;

    #[test]
    fn values_are_not_repeated() {
        #[derive(Debug, serde::Deserialize)]
        struct Login {
            password: String,
        }
        let good: Login = serde_json::from_str(r#"{"password": "p"}"#).unwrap();
        assert_eq!(good.password, "p");
        for (body, says) in [
            (
                r#"{"password": 123456}"#,
                "invalid type: integer, expected a string",
            ),
            (
                r#"{"password": 1.5}"#,
                "invalid type: floating point, expected a string",
            ),
            (
                r#"{"password": ["secret"]}"#,
                "invalid type: sequence, expected a string",
            ),
            (
                r#""se`cr\", expected et""#,
                "invalid type: string, expected struct Login",
            ),
        ] {
            let error = serde_json::from_str::<Login>(body).unwrap_err();
            assert_eq!(without_value(&without_position(&error.to_string())), says);
        }
        assert_eq!(
            without_value("missing field `password`"),
            "missing field `password`"
        );
    }

    #[tokio::test]
    async fn a_body_that_does_not_end_is_not_waited_for() {
        let half = stream::iter([Ok::<_, std::io::Error>("{")]);
        let request = Request::new(Body::from_stream(half.chain(stream::pending())));
        let error = read_within(request, &(), Duration::from_millis(10))
            .await
            .unwrap_err();
        assert_eq!(error.into_response().status(), 400);
    }
}
