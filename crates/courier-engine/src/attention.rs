//! What somebody should look at, the gravest first: each with its reason, and what helps.

use courier_store::now;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::{Engine, Failure, Result};

/// So many are told at most.
pub const AT_MOST: u64 = 50;

/// What somebody should look at.
#[derive(Clone, Debug, Default)]
pub struct Attention {
    /// The gravest first, [`AT_MOST`] at most.
    pub items: Vec<Item>,
    /// How much there is.
    pub total: u64,
}

/// Something that somebody should look at.
#[derive(Clone, Debug)]
pub struct Item {
    /// What it is, as a word: `connection`, `folder_mapping`, `job`, `alert`, `certificate`.
    pub kind: &'static str,
    /// Its id.
    pub id: Uuid,
    /// The connection that it is, or belongs to.
    pub connection_id: Option<Uuid>,
    /// Its name.
    pub name: String,
    /// The word for what is wrong ([`Failure::kind`]), where it is known.
    pub code: Option<String>,
    /// What is wrong, in words.
    pub reason: String,
    /// Since when, where it is known.
    pub since: Option<Timestamp>,
    /// What helps, or begins to: `approve_host_key`, `test`, `run`, `open`.
    pub action: &'static str,
}

/// Where health has no words of its own.
const NO_WORDS: &str = "The last attempt failed.";

/// Looks through everything.
///
/// # Errors
/// [`Error::Store`](crate::Error::Store).
pub(crate) async fn attention(engine: &Engine) -> Result<Attention> {
    let mut attention = Attention::default();
    connections(engine, &mut attention).await?;
    certificates(engine, &mut attention).await?;
    mappings(engine, &mut attention).await?;
    jobs(engine, &mut attention).await?;
    alerts(engine, &mut attention).await?;
    unverified(engine, &mut attention).await?;
    attention
        .items
        .truncate(usize::try_from(AT_MOST).unwrap_or(usize::MAX));
    Ok(attention)
}

impl Attention {
    fn add(&mut self, total: u64, items: impl Iterator<Item = Item>) {
        self.total += total;
        self.items.extend(items);
    }
}

async fn connections(engine: &Engine, attention: &mut Attention) -> Result<()> {
    let ailing = engine.0.store.connections().ailing(AT_MOST).await?;
    let items = ailing.items.into_iter().map(|connection| {
        let (code, action) = match (connection.host_key_changed, connection.host_key_presented) {
            (true, _) => (Some("host_key"), "approve_host_key"),
            (false, true) => (Some("host_key_not_approved"), "approve_host_key"),
            (false, false) => (None, "test"),
        };
        Item {
            kind: "connection",
            id: connection.id,
            connection_id: Some(connection.id),
            name: connection.name,
            code: code.map(str::to_owned),
            reason: connection.detail.unwrap_or_else(|| NO_WORDS.to_owned()),
            since: None,
            action,
        }
    });
    attention.add(ailing.total, items);
    Ok(())
}

/// Those that have ended, and keep their connections from working sooner or later.
async fn certificates(engine: &Engine, attention: &mut Attention) -> Result<()> {
    let ended = engine.0.store.connections().ending(now(), AT_MOST).await?;
    let total = u64::try_from(ended.len()).unwrap_or_default();
    let items = ended.into_iter().map(|certificate| Item {
        kind: "certificate",
        id: certificate.connection_id,
        connection_id: Some(certificate.connection_id),
        name: certificate.connection_name,
        code: None,
        reason: match certificate.server {
            Some(subject) => format!("The certificate of its server ({subject}) has ended."),
            None => "The client certificate has ended.".to_owned(),
        },
        since: Some(certificate.at),
        action: "open",
    });
    attention.add(total, items);
    Ok(())
}

async fn mappings(engine: &Engine, attention: &mut Attention) -> Result<()> {
    let ailing = engine.0.store.folder_mappings().ailing_alone(AT_MOST).await?;
    let items = ailing.items.into_iter().map(|mapping| Item {
        kind: "folder_mapping",
        id: mapping.id,
        connection_id: Some(mapping.connection_id),
        name: mapping.name,
        code: None,
        reason: mapping.detail.unwrap_or_else(|| NO_WORDS.to_owned()),
        since: mapping.since,
        action: "open",
    });
    attention.add(ailing.total, items);
    Ok(())
}

async fn jobs(engine: &Engine, attention: &mut Attention) -> Result<()> {
    let failing = engine.0.store.jobs().failing(AT_MOST).await?;
    let items = failing.items.into_iter().map(|job| {
        let failure = job
            .error
            .and_then(|error| serde_json::from_value::<Failure>(error).ok());
        let (code, reason) = failure.map_or_else(
            || (None, NO_WORDS.to_owned()),
            |failure| (Some(failure.kind), failure.message),
        );
        Item {
            kind: "job",
            id: job.id,
            connection_id: None,
            name: job.name,
            code,
            reason,
            since: job.ended_at,
            action: "run",
        }
    });
    attention.add(failing.total, items);
    Ok(())
}

async fn alerts(engine: &Engine, attention: &mut Attention) -> Result<()> {
    let day = now() - SignedDuration::from_hours(24);
    let undelivered = engine.0.store.alerts().undelivered(day, AT_MOST).await?;
    let items = undelivered.items.into_iter().map(|alert| Item {
        kind: "alert",
        id: alert.alert_id,
        connection_id: None,
        name: alert.name,
        code: None,
        reason: match alert.messages {
            1 => "A message could not be delivered in the last 24 hours.".to_owned(),
            messages => format!("{messages} messages could not be delivered in the last 24 hours."),
        },
        since: alert.last_at,
        action: "open",
    });
    attention.add(undelivered.total, items);
    Ok(())
}

/// Somebody chose it, and it may be forgotten: whoever is between Courier and the server reads and changes what passes.
async fn unverified(engine: &Engine, attention: &mut Attention) -> Result<()> {
    let unverified = engine.0.store.connections().unverified(AT_MOST).await?;
    let items = unverified.items.into_iter().map(|connection| Item {
        kind: "connection",
        id: connection.id,
        connection_id: Some(connection.id),
        name: connection.name,
        code: None,
        reason: match connection.host_key {
            true => "Host key verification disabled — this connection is vulnerable to man-in-the-middle attacks.",
            false => "Certificate verification disabled — this connection is vulnerable to man-in-the-middle attacks.",
        }
        .to_owned(),
        since: None,
        action: "open",
    });
    attention.add(unverified.total, items);
    Ok(())
}
