//! Trust in servers: which host keys and certificates are accepted, what is pinned, and what is written down about it
//! (specification 6.3.2 and 6.7).

mod certificates;
mod insecure;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use courier_store::connections::{Connection, HostKeyPolicy, Outcome};
use courier_transfer::{
    AuthMethod, Certificate, Error as TransferError, ErrorKind, Fingerprint, HostKey, Observer, Retry,
    ServerInfo, TrustDecider, host_key_mismatch,
};
use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) use insecure::Insecure;

use crate::{
    Actor, Engine, Error, Result,
    audit::Entry,
    fips::{Ruling, foreign_pins},
    settings::HOST_KEY_APPROVAL_REQUIRE_ADMIN,
};

/// Refuses to let somebody decide about a host key who may not.
///
/// # Errors
/// [`Error::Forbidden`].
pub(crate) async fn check_may_approve(engine: &Engine, actor: &Actor) -> Result<()> {
    if actor.is_admin() || !engine.settings().flag(&HOST_KEY_APPROVAL_REQUIRE_ADMIN).await? {
        return Ok(());
    }
    Err(Error::Forbidden(
        "only an admin may decide which host key a connection trusts; ask one, or have them turn off \
         security.host_key_approval_require_admin"
            .into(),
    ))
}

/// Why a session is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// For a step of this execution.
    Job(Uuid),
    /// For a step of this execution, beside a session that is open.
    Lane(Uuid),
    /// To test a saved connection.
    Test,
    /// To test one that is not saved: nothing is pinned or kept.
    TestUnsaved,
    /// To look at a folder.
    Browse,
    /// The same, for somebody who may change nothing: nothing is pinned, and nothing said of the connection's health.
    Look,
}

impl Purpose {
    pub(crate) fn execution(self) -> Option<Uuid> {
        match self {
            Self::Job(id) | Self::Lane(id) => Some(id),
            _ => None,
        }
    }

    fn is_saved(self) -> bool {
        self != Self::TestUnsaved
    }

    /// May what comes out change what is known of the connection: its host keys and its health?
    pub(crate) fn notes(self) -> bool {
        !matches!(self, Self::TestUnsaved | Self::Look)
    }
}

/// Decides about the host key or certificate of one connection, and writes down what happens while it comes up.
#[derive(Debug)]
pub(crate) struct Trust {
    engine: Engine,
    connection: Connection,
    purpose: Purpose,
    performed_by: String,
    ruling: Ruling,
    /// For a connection that is not saved: the fingerprint that its draft names.
    draft_pin: Option<Fingerprint>,
    learnt: Mutex<ServerInfo>,
}

impl Trust {
    pub(crate) fn new(
        engine: &Engine,
        connection: &Connection,
        purpose: Purpose,
        performed_by: &str,
        ruling: Ruling,
        draft_pin: Option<Fingerprint>,
    ) -> Arc<Self> {
        Arc::new(Self {
            engine: engine.clone(),
            connection: connection.clone(),
            purpose,
            performed_by: performed_by.into(),
            ruling,
            draft_pin,
            learnt: Mutex::default(),
        })
    }

    pub(crate) fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// What FIPS mode said to the connection as the session was begun.
    pub(crate) fn ruling(&self) -> Ruling {
        self.ruling
    }

    /// When the connection was changed last before it was looked at.
    pub(crate) fn version(&self) -> Timestamp {
        self.connection.updated_at
    }

    /// What the server has told of itself until now.
    pub(crate) fn learnt(&self) -> ServerInfo {
        self.learnt.lock().clone()
    }

    /// The fingerprints that are trusted, with their key types where known.
    async fn pins(&self) -> Result<Vec<(Fingerprint, Option<String>)>> {
        if !self.purpose.is_saved() {
            return Ok(self.draft_pin.map(|pin| (pin, None)).into_iter().collect());
        }
        let pins = self.engine.0.store.known_hosts().pins(self.connection.id).await?;
        Ok(pins
            .into_iter()
            .filter_map(|pin| Some((pin.fingerprint.parse().ok()?, pin.key_type)))
            .collect())
    }

    async fn decide(&self, presented: &HostKey) -> Result<()> {
        if self.connection.host_key_policy == HostKeyPolicy::AlwaysTrust {
            let details = json!({"host": self.connection.host, "fingerprint": presented.fingerprint, "key_type": presented.key_type});
            return self.record("insecure_host_key_policy_used", details).await;
        }
        let pins = self.pins().await?;
        if pins.iter().any(|(pin, _)| *pin == presented.fingerprint) {
            return Ok(());
        }
        if pins.is_empty() {
            return match (self.connection.host_key_policy, self.purpose) {
                (HostKeyPolicy::Manual, _) | (_, Purpose::Look) => {
                    let reason = "not approved yet".to_owned();
                    self.refuse_unapproved(presented, reason).await
                }
                _ => Ok(()),
            };
        }
        if self.ruling == Ruling::On
            && let Some(types) = foreign_pins(pins.iter().map(|(_, key_type)| key_type.as_deref()))
        {
            let reason = format!(
                "not approved yet, and FIPS mode does not allow the type of the pinned one ({})",
                types.join(", ")
            );
            return self.refuse_unapproved(presented, reason).await;
        }
        let pins: Vec<Fingerprint> = pins.into_iter().map(|(pin, _)| pin).collect();
        self.refuse_changed(&pins, presented).await
    }

    /// No pin that counts, where one is needed: the key is kept so that somebody can approve it.
    async fn refuse_unapproved(&self, presented: &HostKey, reason: String) -> Result<()> {
        self.remember(presented).await?;
        self.tell_watchers();
        let message = format!(
            "The host key {} ({}) is {reason}. No credential was sent. Compare it with the server's operator, then \
             approve it",
            presented.fingerprint, presented.key_type
        );
        self.record(
            "host_key_rejected",
            json!({"presented": presented.fingerprint, "key_type": presented.key_type, "reason": reason}),
        )
        .await?;
        Err(TransferError::new(ErrorKind::HostKeyNotApproved, message).into())
    }

    async fn refuse_changed(&self, pins: &[Fingerprint], presented: &HostKey) -> Result<()> {
        self.remember(presented).await?;
        let expected = pins.iter().map(Fingerprint::to_string).collect::<Vec<_>>();
        let details =
            json!({"expected": expected, "presented": presented.fingerprint, "key_type": presented.key_type});
        let record = self.entry("host_key_rejected", details).into();
        if self.purpose.notes() {
            let detail = format!(
                "Host key changed: expected {}, got {}",
                expected.join(" or "),
                presented.fingerprint
            );
            let connections = self.engine.0.store.connections();
            connections
                .note_recorded(self.connection.seen(), Outcome::HostKeyChanged(&detail), record)
                .await?;
        } else {
            self.engine.0.store.audit().append(vec![record]).await?;
        }
        self.tell_watchers();
        Err(host_key_mismatch(pins, presented).into())
    }

    async fn remember(&self, presented: &HostKey) -> Result<()> {
        if self.purpose.notes() {
            let fingerprint = presented.fingerprint.to_string();
            let hosts = self.engine.0.store.known_hosts();
            hosts
                .record_presented(self.connection.seen(), &presented.key_type, &fingerprint)
                .await?;
        }
        Ok(())
    }

    /// What is known of the connection's host keys is another by now.
    fn tell_watchers(&self) {
        if self.purpose.notes() {
            self.engine.changed("connections", Some(self.connection.id));
        }
    }

    /// Pins the key on first use, by compare-and-set: of two first connections at once the later one is compared.
    async fn pin(&self, key: &HostKey) -> Result<()> {
        let hosts = self.engine.0.store.known_hosts();
        let fingerprint = key.fingerprint.to_string();
        let (id, policy) = (self.connection.id, self.connection.host_key_policy);
        let details = json!({"fingerprint": fingerprint, "key_type": key.key_type});
        let pinned = self.entry("host_key_pinned", details).into();
        if policy == HostKeyPolicy::TrustOnFirstUse {
            if hosts
                .pin_first(self.connection.seen(), &key.key_type, &fingerprint, pinned)
                .await?
            {
                self.tell_watchers();
            } else {
                let pins: Vec<Fingerprint> = self.pins().await?.into_iter().map(|(pin, _)| pin).collect();
                if !pins.contains(&key.fingerprint) {
                    return self.refuse_changed(&pins, key).await;
                }
            }
        }
        if policy == HostKeyPolicy::AlwaysTrust {
            return self.remember(key).await;
        }
        Ok(hosts.touch(id, &key.key_type, &fingerprint).await?)
    }

    async fn accepted(&self, info: &ServerInfo, method: &AuthMethod) -> Result<()> {
        if self.purpose.is_saved() {
            if let Some(key) = info.host_key.as_ref().filter(|_| self.purpose.notes()) {
                self.pin(key).await?;
            }
            if let AuthMethod::Key { id } | AuthMethod::KeyAndPassword { id } = method
                && let Ok(key) = Uuid::parse_str(id)
            {
                self.engine
                    .0
                    .store
                    .connection_keys()
                    .touch(self.connection.id, key)
                    .await?;
            }
        }
        let (method, key) = match method {
            AuthMethod::None => ("none", None),
            AuthMethod::Password => ("password", None),
            AuthMethod::Key { id } => ("ssh_key", Some(id)),
            AuthMethod::KeyAndPassword { id } => ("password_and_ssh_key", Some(id)),
        };
        self.record("auth_success", json!({"method": method, "ssh_key_id": key}))
            .await
    }

    /// Writes an audit record about this connection.
    pub(crate) async fn record(&self, operation: &str, details: Value) -> Result<()> {
        self.record_lasting(operation, None, details).await
    }

    /// The same of something that lasted.
    pub(crate) async fn record_lasting(
        &self,
        operation: &str,
        duration: Option<Duration>,
        details: Value,
    ) -> Result<()> {
        let entry = Entry {
            duration,
            ..self.entry(operation, details)
        };
        self.engine.audit().record(entry).await
    }

    /// An audit record about this connection, to be written.
    pub(crate) fn entry<'a>(&'a self, operation: &'a str, details: Value) -> Entry<'a> {
        Entry {
            connection: Some(self.connection.id).filter(|_| self.purpose.is_saved()),
            execution: self.purpose.execution(),
            ..Entry::new(operation, &self.performed_by, details)
        }
    }
}

/// The connection is not the one any more that a session was opened for. Again, with what is stored now, it may go well.
pub(crate) fn changed_meanwhile() -> TransferError {
    let message = "the connection was changed while a session was being opened; try again";
    TransferError::new(ErrorKind::Failed, message).with_retry(Retry::Later)
}

/// The transfer layer knows its own errors only.
pub(crate) fn for_transfer(error: Error) -> TransferError {
    match error {
        Error::Transfer(e) => e,
        Error::Store(courier_store::Error::Conflict(_)) => changed_meanwhile(),
        other => TransferError::new(
            ErrorKind::Failed,
            format!("the server's identity could not be checked: {other}"),
        )
        .with_source(other),
    }
}

#[async_trait]
impl TrustDecider for Trust {
    async fn pinned_key_types(&self) -> Vec<String> {
        match self.pins().await {
            Ok(pins) => pins.into_iter().filter_map(|(_, key_type)| key_type).collect(),
            // The decision itself asks again, and fails.
            Err(_) => Vec::new(),
        }
    }

    async fn host_key(&self, presented: &HostKey) -> courier_transfer::Result<()> {
        self.learnt.lock().host_key = Some(presented.clone());
        self.decide(presented).await.map_err(for_transfer)
    }

    async fn certificate(&self, presented: &Certificate) -> courier_transfer::Result<()> {
        self.learnt.lock().certificate = Some(presented.clone());
        self.decide_certificate(presented).await.map_err(for_transfer)
    }
}

#[async_trait]
impl Observer for Trust {
    fn learnt(&self, info: &ServerInfo) {
        *self.learnt.lock() = info.clone();
    }

    async fn authenticated(&self, info: &ServerInfo, method: &AuthMethod) -> courier_transfer::Result<()> {
        *self.learnt.lock() = info.clone();
        self.accepted(info, method).await.map_err(for_transfer)
    }
}
