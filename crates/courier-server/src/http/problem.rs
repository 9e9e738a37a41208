//! The one place where errors become problem documents.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use courier_api::{CONTENT_TYPE, ErrorCode, FieldError, Problem};
use courier_engine::{Error, Failure};

/// What a route answers when it can't do what was asked.
#[derive(Debug)]
pub(crate) struct ApiError {
    problem: Box<Problem>,
    retry_after_sec: Option<u64>,
}

/// The result of a route.
pub(crate) type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    pub(crate) fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            problem: Box::new(Problem::new(code, detail)),
            retry_after_sec: None,
        }
    }

    /// A validation error (1000) of one field.
    pub(crate) fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::fields(vec![FieldError::new(field, message)])
    }

    /// A validation error (1000) of several fields.
    pub(crate) fn fields(errors: Vec<FieldError>) -> Self {
        let details: Vec<String> = errors
            .iter()
            .map(|error| format!("{}: {}", error.field, error.message))
            .collect();
        Self::new(ErrorCode::Validation, details.join("; ")).with_errors(errors)
    }

    /// A fault of the server: logged here, and answered without what it was.
    pub(crate) fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(error = %cause, "the request failed");
        Self::new(
            ErrorCode::Internal,
            "something went wrong inside the server; its log has more, under the id in x-request-id",
        )
    }

    fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.problem.errors = errors;
        self
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.problem).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        if let Some(seconds) = self.retry_after_sec {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        if let Error::Store(courier_store::Error::BadCursor) = error {
            return Self::field("cursor", "is not the next_cursor of a page");
        }
        let code = code_of(error.kind());
        if code == ErrorCode::Internal {
            let mut answer = Self::internal(&error);
            // What a key provider says is for whoever runs it, and holds no secret.
            if let Error::Vault(_) = error {
                answer.problem.detail = error.to_string();
            }
            return answer;
        }
        let mut answer = Self::new(code, error.to_string());
        match error {
            Error::Validation { fields }
            | Error::StepType { fields }
            | Error::StepConfig { fields }
            | Error::Schedule { fields }
            | Error::ProtocolConfig { fields }
            | Error::NotFips { fields } => {
                answer.problem.errors = fields
                    .into_iter()
                    .map(|p| FieldError::new(p.field, p.message))
                    .collect();
            }
            Error::RateLimited { retry_after_sec } | Error::Busy { retry_after_sec } => {
                answer.retry_after_sec = Some(retry_after_sec)
            }
            _ => {}
        }
        answer
    }
}

/// The code of an error that is kept in the store, or in a test's report.
pub(crate) fn code_of_failure(failure: &Failure) -> ErrorCode {
    code_of(&failure.kind)
}

/// The code of each word of [`Error::kind`].
pub(crate) fn code_of(kind: &str) -> ErrorCode {
    match kind {
        "validation" | "invalid" | "wrong_kind" => ErrorCode::Validation,
        "unauthenticated" => ErrorCode::AuthenticationRequired,
        "forbidden" => ErrorCode::InsufficientPermissions,
        "no_such_record" | "not_found" => ErrorCode::NotFound,
        "conflict" | "connection_not_usable" | "already_exists" | "not_empty" | "cancelled" => {
            ErrorCode::StateConflict
        }
        "duplicate" => ErrorCode::Duplicate,
        "rate_limited" => ErrorCode::RateLimited,
        "step_type" => ErrorCode::StepType,
        "step_config" => ErrorCode::StepConfiguration,
        "cron_expression" => ErrorCode::CronExpression,
        "protocol_config" => ErrorCode::ProtocolConfiguration,
        "auth" | "storage_auth" => ErrorCode::AuthenticationFailed,
        "host_key" => ErrorCode::HostKeyMismatch,
        "host_key_not_approved" => ErrorCode::HostKeyNotApproved,
        "certificate" => ErrorCode::CertificateRejected,
        "unreachable" | "busy" | "timeout" | "lost" | "storage_unreachable" | "storage_busy" => {
            ErrorCode::Unreachable
        }
        "denied"
        | "negotiation"
        | "full"
        | "protocol"
        | "unsupported"
        | "integrity"
        | "local"
        | "failed"
        | "storage_not_found"
        | "storage_denied"
        | "storage_full"
        | "storage_exists"
        | "storage_invalid"
        | "storage_key"
        | "storage_stopped"
        | "storage_failed"
        | "function_failed"
        | "function_outcome_unknown" => ErrorCode::TestFailed,
        "insecure_host_key_needs_admin" => ErrorCode::InsecureHostKeyRequiresAdmin,
        "insecure_host_key_in_fips" => ErrorCode::InsecureHostKeyInFips,
        "insecure_tls_needs_admin" => ErrorCode::InsecureTlsRequiresAdmin,
        "insecure_tls_in_fips" => ErrorCode::InsecureTlsInFips,
        "insecure_trust_in_production" => ErrorCode::InsecureTrustInProduction,
        "fips_override_needs_admin" => ErrorCode::FipsOverrideRequiresAdmin,
        "connection_in_use" => ErrorCode::ConnectionInUse,
        "key_import" => ErrorCode::KeyImport,
        "passphrase" => ErrorCode::Passphrase,
        "key_exists" => ErrorCode::KeyExists,
        "key_not_active" => ErrorCode::KeyNotActive,
        "key_in_use" => ErrorCode::KeyInUse,
        "fips_key_type" | "not_fips" => ErrorCode::FipsAlgorithm,
        _ => ErrorCode::Internal,
    }
}
