//! How a session's opening went: what is recorded of it, and what it says of the connection's health. Both are written in
//! one transaction.

use courier_store::{
    audit::NewAudit,
    connections::{Connection, Outcome},
};
use courier_transfer::{CertificatePolicy, ErrorKind};
use serde_json::json;

use super::Session;
use crate::{
    Engine, Error, Failure, Result,
    trust::{Purpose, Trust},
};

/// Writes down how it went: audit and health.
pub(super) async fn note(
    engine: &Engine,
    connection: &Connection,
    purpose: Purpose,
    trust: &Trust,
    result: &Result<Session>,
) -> Result<()> {
    let record = match result {
        Ok(_) => {
            let details = json!({"host": connection.host, "protocol": connection.protocol});
            Some(trust.entry("connected", details))
        }
        Err(error) if error.transfer_kind() == Some(ErrorKind::Auth) => {
            let details = json!({"username": connection.username, "error": Failure::from(error)});
            Some(trust.entry("auth_failed", details))
        }
        Err(_) => None,
    };
    let error = result.as_ref().err();
    let text = error.map(Error::to_string).unwrap_or_default();
    let outcome = match error {
        _ if !purpose.notes() => None,
        // A test does more than connect, and says itself how it went.
        _ if purpose == Purpose::Test => None,
        error => outcome_of(connection, purpose, error, &text),
    };
    write_down(engine, connection, outcome, record.map(NewAudit::from)).await
}

/// What a success, or this error in these words, says of the health of a connection; nothing, where the connection
/// couldn't help it.
pub(crate) fn outcome_of<'a>(
    connection: &Connection,
    purpose: Purpose,
    error: Option<&Error>,
    text: &'a str,
) -> Option<Outcome<'a>> {
    let transfer = match error {
        // It authenticated with a trusted server. That doesn't end a wait for a decision about its host key, which the store
        // sees to: that the old key is back does not say what happened in between.
        None => return Some(Outcome::Healthy),
        Some(Error::Transfer(transfer)) => transfer,
        Some(_) => return None,
    };
    match (transfer.kind(), purpose) {
        // Nor does a server that takes one session only say anything.
        (_, Purpose::Lane(_)) => None,
        // Noted by the decision itself.
        (ErrorKind::HostKey, _) => None,
        // Somebody changed the certificate: no further attempt until somebody has looked.
        (ErrorKind::Certificate, Purpose::Job(_) | Purpose::Browse) if is_pinned(connection) => {
            Some(Outcome::RequiresAttention(text))
        }
        // That it has no place for one more says that it runs.
        (ErrorKind::Busy, Purpose::Job(_)) => None,
        // One failure, and no further attempt until somebody has looked: repeated ones lock accounts.
        (ErrorKind::Auth, Purpose::Job(_) | Purpose::Browse) => Some(Outcome::RequiresAttention(text)),
        _ => Some(Outcome::Failing(text)),
    }
}

/// Is one certificate expected, and no other?
fn is_pinned(connection: &Connection) -> bool {
    matches!(
        CertificatePolicy::of(&connection.settings),
        CertificatePolicy::Pinned(Some(_))
    )
}

/// Writes what there is to write, at once.
pub(crate) async fn write_down(
    engine: &Engine,
    connection: &Connection,
    outcome: Option<Outcome<'_>>,
    record: Option<NewAudit>,
) -> Result<()> {
    let (store, seen) = (&engine.0.store, connection.seen());
    match (outcome, record) {
        (Some(outcome), Some(record)) => {
            store.connections().note_recorded(seen, outcome, record).await?;
        }
        (Some(outcome), None) => {
            store.connections().note(seen, outcome).await?;
        }
        (None, Some(record)) => store.audit().append(vec![record]).await?,
        (None, None) => {}
    }
    Ok(())
}
