//! Testing a connection to a function app: the host and its key, the token, and the workspace, each by itself
//! (specification 6.11). No function is called.

use std::iter;

use courier_azure::{HostStatus, Limits};
use courier_store::connections::Connection;
use courier_transfer::Error as TransferError;
use tokio::time::Instant;

use super::open::{Parts, of_connection, record_override, seconds};
use crate::{
    Engine, Error, Failure, Result,
    fips::Ruling,
    secrets::AppSecrets,
    test_connection::{Check, TestReport},
    trust::Purpose,
};

/// Makes every check, and reports what each found. The error is that of the first one that failed.
pub(crate) async fn run(
    engine: &Engine,
    connection: &Connection,
    purpose: Purpose,
    performed_by: &str,
    secrets: Result<AppSecrets>,
) -> (TestReport, Option<Error>) {
    let mut report = TestReport::default();
    let patience = seconds(connection, "connect_timeout_sec");
    let limits = Limits {
        connect: patience,
        call: patience,
        operation: patience,
    };
    let parts = async {
        let ruling = Ruling::of(engine, connection).await?;
        let parts = Parts::new(connection, ruling, secrets?, limits)?;
        record_override(engine, connection, purpose, performed_by, ruling).await?;
        Ok(parts)
    };
    let error = match parts.await {
        Ok(parts) => check(parts, Instant::now() + patience, &mut report).await,
        Err(error) => Some(error),
    };
    report.success = error.is_none();
    report.error = error.as_ref().map(Failure::from);
    (report, error)
}

async fn check(parts: Parts, deadline: Instant, report: &mut TestReport) -> Option<Error> {
    let host = async {
        let status = parts.app?.status(deadline).await;
        status.map_err(|error| of_connection(&error))
    };
    let logs = async {
        let workspace = match parts.workspace {
            Ok(workspace) => workspace,
            Err(error) => return (Err(error), None),
        };
        match workspace.token(deadline).await {
            Ok(()) => (Ok(()), Some(workspace.check(deadline).await)),
            Err(error) => (Err(of_connection(&error)), None),
        }
    };
    let (host, (token, workspace)) = tokio::join!(host, logs);
    if let Ok(status) = &host {
        report.server_banner = Some(banner(status));
        // Rounded up: no answer comes in no time.
        report.latency_ms = Some(u64::try_from(status.took.as_micros().div_ceil(1000)).unwrap_or(u64::MAX));
    }
    let host = host.map(|status| format!("{} answers, and takes the key", banner(&status)));
    let token = token.map(|()| "the service principal gets a token".to_owned());
    let workspace = match workspace {
        Some(Ok(())) => {
            Ok("the service principal may read the workspace, which has the tables for runs".to_owned())
        }
        Some(Err(error)) => Err(of_connection(&error)),
        None => Err(Error::ConnectionNotUsable(
            "it was not asked, since there is no token for it".into(),
        )),
    };
    let mut first = None;
    for (name, words, found) in [
        ("host", "host and key", host),
        ("token", "token", token),
        ("workspace", "workspace", workspace),
    ] {
        report.checks.push(Check {
            name,
            success: found.is_ok(),
            message: match &found {
                Ok(message) => message.clone(),
                Err(error) => error.to_string(),
            },
        });
        let failed = found.err().map(|error| naming(words, error));
        first = first.or(failed);
    }
    first
}

/// `Azure Functions 4.1037.0.0 (Running)`, as far as the app shows it.
fn banner(status: &HostStatus) -> String {
    let version = status.version.iter().map(|version| format!(" {version}"));
    let state = status.state.iter().map(|state| format!(" ({state})"));
    iter::once("Azure Functions".to_owned())
        .chain(version)
        .chain(state)
        .collect()
}

/// The error of a check, saying which one it was.
fn naming(check: &str, error: Error) -> Error {
    match error {
        Error::Transfer(error) => TransferError::new(error.kind(), format!("{check}: {error}"))
            .with_retry(error.retry())
            .into(),
        Error::ConnectionNotUsable(message) => Error::ConnectionNotUsable(format!("{check}: {message}")),
        other => other,
    }
}
