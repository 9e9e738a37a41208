//! Connections: kept, checked, tested, browsed.

mod certificates;
mod changes;
mod describe;
mod fields;
mod health;
mod host;
mod host_keys;
mod keys;
mod parse;
mod save;
mod warnings;

use courier_store::connections as store;
pub use courier_store::{connections::ConnectionFilter, known_hosts::KnownHost};
use courier_transfer::{Entry, Listed, RemotePath};
use futures::StreamExt;
use jiff::Timestamp;
use secrecy::SecretString;
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

pub use describe::{Field, ProtocolDescription};
pub(crate) use fields::{Effective, SECRETS, Shape};
use health::AilingMappings;
pub(crate) use host::problem as host_problem;
pub use keys::{AddKey, ConnectionKey};
pub(crate) use save::{endpoint, receivers};
use warnings::Warnings;

use crate::{
    Actor, Engine, Error, Page, PageRequest, Result,
    audit::Entry as Record,
    open::{Opening, open},
    test_connection::{self, TestReport},
    trust::Purpose,
};

/// Connections.
#[derive(Clone, Copy, Debug)]
pub struct Connections<'a>(pub(crate) &'a Engine);

/// A connection as it is shown: never a secret, always its warnings.
#[derive(Clone, Debug, Serialize)]
pub struct Connection {
    /// Its id.
    pub id: Uuid,
    /// Every field that this protocol's connections have and that is no secret, defaults filled in, under the names of
    /// the API: the common ones (`name`, `protocol`, `host`, …) and the protocol's own side by side.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
    /// Is a password set?
    pub has_password: bool,
    /// Is a client secret set?
    pub has_client_secret: bool,
    /// Is a client certificate set?
    pub has_client_certificate: bool,
    /// When that ends.
    pub client_certificate_not_after: Option<Timestamp>,
    /// The certificate that its server presented last.
    pub server_certificate: Option<ServerCertificate>,
    /// Its active keys, newest first.
    pub ssh_key_ids: Vec<Uuid>,
    /// Has it an active key?
    pub has_ssh_key: bool,
    /// The newest pin.
    pub stored_host_fingerprint: Option<String>,
    /// How the last uses went, its own or those of its folder mappings that pull by themselves, whichever is graver.
    pub health: store::Health,
    /// Why.
    pub health_detail: Option<String>,
    /// The last success.
    pub last_ok_at: Option<Timestamp>,
    /// Every insecure or weak choice, in words.
    pub warnings: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// A server's certificate as it was seen last.
#[derive(Clone, Debug, Serialize)]
pub struct ServerCertificate {
    /// Whom it is for.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Its SHA-256.
    pub thumbprint_sha256: String,
    /// When it ends.
    pub not_after: Timestamp,
}

/// Entries that a folder shows to somebody who browses; more are cut off.
const BROWSED: usize = 10_000;

impl Connections<'_> {
    /// The protocols, each with the fields that its connections take, sorted by name.
    pub fn protocols(&self) -> Vec<ProtocolDescription> {
        let protocols = &self.0.0.protocols;
        let all = protocols.names().into_iter();
        all.filter_map(|name| protocols.get(name))
            .map(describe::describe)
            .collect()
    }

    /// Makes a connection.
    ///
    /// # Errors
    /// [`Error::Validation`], [`Error::ProtocolConfig`], [`Error::Duplicate`], [`Error::KeyNotActive`], and what trust
    /// forbids: [`Error::InsecureHostKeyNeedsAdmin`], [`Error::InsecureHostKeyInFips`],
    /// [`Error::InsecureTlsNeedsAdmin`], [`Error::InsecureTlsInFips`], [`Error::InsecureTrustInProduction`],
    /// [`Error::FipsOverrideNeedsAdmin`], [`Error::NotFips`], [`Error::Forbidden`] for a fingerprint.
    pub async fn create(&self, actor: &Actor, input: Map<String, Value>) -> Result<Connection> {
        let saved = save::create(self.0, actor, input).await?;
        self.view(saved).await
    }

    /// One connection.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&self, id: Uuid) -> Result<Connection> {
        self.view(self.record(id).await?).await
    }

    /// Connections, oldest first.
    ///
    /// # Errors
    /// [`Error::Store`], also for a cursor that no list gave out.
    pub async fn list(&self, filter: ConnectionFilter, page: PageRequest) -> Result<Page<Connection>> {
        let page = self.0.0.store.connections().list(&filter, &page).await?;
        let warnings = Warnings::about(self.0, &page.items).await?;
        let ailing = AilingMappings::of(self.0, &page.items).await?;
        Ok(page.map(|record| self.shown(record, &warnings, &ailing)))
    }

    /// Replaces all fields (PUT). Secrets, keys and the pin stay where the input doesn't name them, and go where the
    /// host, port or protocol changes.
    ///
    /// # Errors
    /// As [`Self::create`], and [`Error::NotFound`].
    pub async fn replace(&self, actor: &Actor, id: Uuid, input: Map<String, Value>) -> Result<Connection> {
        let saved = save::update(self.0, actor, id, input, save::Mode::Replace).await?;
        self.view(saved).await
    }

    /// Changes the fields that the input names (PATCH); `null` clears. Else as [`Self::replace`].
    ///
    /// # Errors
    /// As [`Self::replace`].
    pub async fn patch(&self, actor: &Actor, id: Uuid, input: Map<String, Value>) -> Result<Connection> {
        let saved = save::update(self.0, actor, id, input, save::Mode::Patch).await?;
        self.view(saved).await
    }

    /// Deletes a connection with its secrets and pins.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::ConnectionInUse`].
    pub async fn delete(&self, actor: &Actor, id: Uuid) -> Result<()> {
        let record = self.record(id).await?;
        let details = json!({"name": record.name, "protocol": record.protocol, "host": record.host});
        let audit = Record::new("connection_deleted", &actor.name, details).on(id);
        match self.0.0.store.connections().delete(id, vec![audit.into()]).await {
            Err(courier_store::Error::InUse { by, .. }) => Err(Error::ConnectionInUse { jobs: by }),
            result => Ok(result?),
        }
    }

    /// Tests a connection (specification 6.11). A failed test is a report, not an error.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn test(&self, actor: &Actor, id: Uuid) -> Result<TestReport> {
        test_connection::saved(self.0, actor, &self.record(id).await?).await
    }

    /// Tests a connection before it is saved. Nothing is pinned or kept.
    ///
    /// # Errors
    /// As [`Self::create`]; a failed test is a report.
    pub async fn test_unsaved(&self, actor: &Actor, mut input: Map<String, Value>) -> Result<TestReport> {
        // Only what is saved needs a name.
        input.entry("name").or_insert_with(|| json!("unsaved"));
        let (record, secrets) = save::draft(self.0, actor, input).await?;
        test_connection::unsaved(self.0, actor, &record, secrets).await
    }

    /// Lists a folder on the server; without a path the base path or the login folder. In the server's order, cut after
    /// 10,000 entries; what is unreadable is left out. For a viewer, and by a token that is for looking only,
    /// only where a host key is pinned already, or certificates are verified: that pins nothing, and changes no health.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::ConnectionNotUsable`], [`Error::Transfer`].
    pub async fn browse(&self, actor: &Actor, id: Uuid, path: Option<&str>) -> Result<Vec<Entry>> {
        let path = match path.filter(|p| !p.is_empty()) {
            Some(path) => RemotePath::new(path).map_err(|e| Error::field("path", e.to_string()))?,
            None => RemotePath::home(),
        };
        let record = self.record(id).await?;
        let opening = Opening {
            purpose: match actor.only_looks("connections") {
                true => Purpose::Look,
                false => Purpose::Browse,
            },
            performed_by: &actor.name,
            draft: None,
            others: None,
            permit: None,
        };
        let mut session = open(self.0, &record, opening).await.1?;
        let listed = async {
            let mut listing = session.client().list(&path).await?;
            let mut entries = Vec::new();
            while let Some(listed) = listing.next().await {
                if let Listed::Entry(entry) = listed? {
                    entries.push(entry);
                }
                if entries.len() >= BROWSED {
                    break;
                }
            }
            Ok(entries)
        }
        .await;
        session.close().await;
        listed
    }

    /// The host keys that its server has presented, trusted or not.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn known_hosts(&self, id: Uuid) -> Result<Vec<KnownHost>> {
        self.record(id).await?;
        Ok(self.0.0.store.known_hosts().all(id).await?)
    }

    /// Trusts a host key that the server has presented: it replaces the pins of its type, or with `add` stands beside
    /// them. Health goes back to unknown.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Validation`] for a fingerprint that is none or was never presented,
    /// [`Error::Forbidden`].
    pub async fn approve_host_key(
        &self,
        actor: &Actor,
        id: Uuid,
        fingerprint: &str,
        add: bool,
    ) -> Result<KnownHost> {
        host_keys::approve(self.0, actor, &self.record(id).await?, fingerprint, add).await
    }

    /// The keys that it uses or has used, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn keys(&self, id: Uuid) -> Result<Vec<ConnectionKey>> {
        self.record(id).await?;
        keys::list(self.0, id).await
    }

    /// Gives it a key more.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::KeyNotActive`], [`Error::Duplicate`], and those of making a key.
    pub async fn add_key(&self, actor: &Actor, id: Uuid, key: AddKey) -> Result<ConnectionKey> {
        keys::add(self.0, actor, &self.record(id).await?, key).await
    }

    /// Takes a key from it. The last active one only with `force`.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`] that warns for the last one.
    pub async fn revoke_key(&self, actor: &Actor, id: Uuid, key: Uuid, force: bool) -> Result<ConnectionKey> {
        keys::revoke(self.0, actor, &self.record(id).await?, key, force).await
    }

    async fn record(&self, id: Uuid) -> Result<store::Connection> {
        found(self.0.0.store.connections().get(id).await, id)
    }

    async fn view(&self, record: store::Connection) -> Result<Connection> {
        let warnings = Warnings::about(self.0, std::slice::from_ref(&record)).await?;
        let ailing = AilingMappings::of(self.0, std::slice::from_ref(&record)).await?;
        Ok(self.shown(record, &warnings, &ailing))
    }

    fn shown(&self, record: store::Connection, warnings: &Warnings, ailing: &AilingMappings) -> Connection {
        let (fields, warnings) = match self.0.0.protocols.get(&record.protocol) {
            Some(protocol) => {
                let shape = Shape::of(protocol);
                (fields::shown(&shape, &record), warnings.of(&shape, &record))
            }
            None => (
                fields::stored(None, &record),
                vec![format!(
                    "This installation has no protocol \"{}\".",
                    record.protocol
                )],
            ),
        };
        let (health, health_detail) = ailing.with(&record);
        let has = |field: &str| record.secrets.iter().any(|s| s == field);
        Connection {
            id: record.id,
            has_password: has("password"),
            has_client_secret: has("client_secret"),
            has_client_certificate: has("client_certificate"),
            client_certificate_not_after: record.client_certificate_not_after,
            server_certificate: record.server_certificate.map(|seen| ServerCertificate {
                subject: seen.subject,
                issuer: seen.issuer,
                thumbprint_sha256: seen.thumbprint,
                not_after: seen.not_after,
            }),
            has_ssh_key: !record.ssh_key_ids.is_empty(),
            fields,
            ssh_key_ids: record.ssh_key_ids,
            stored_host_fingerprint: record.pinned_fingerprint,
            health,
            health_detail,
            last_ok_at: record.last_ok_at,
            warnings,
            created_at: record.created_at,
            updated_at: record.updated_at,
        }
    }
}

/// What is insecure or weak about a connection, saved or not, in words.
pub(crate) async fn warnings_of(engine: &Engine, connection: &store::Connection) -> Result<Vec<String>> {
    let Some(protocol) = engine.0.protocols.get(&connection.protocol) else {
        return Ok(Vec::new());
    };
    let warnings = Warnings::about(engine, std::slice::from_ref(connection)).await?;
    Ok(warnings.of(&Shape::of(protocol), connection))
}

/// A record, or the error that names it.
fn found<T>(result: courier_store::Result<T>, id: Uuid) -> Result<T> {
    match result {
        Err(courier_store::Error::NotFound { what: "connection" }) => Err(Error::not_found("connection", id)),
        result => Ok(result?),
    }
}

/// Secrets of a connection that is not saved, and its pin.
#[derive(Debug)]
pub(crate) struct DraftSecrets {
    pub(crate) password: Option<SecretString>,
    pub(crate) client_secret: Option<SecretString>,
    pub(crate) client_certificate: Option<SecretString>,
    pub(crate) keys: Vec<Uuid>,
    pub(crate) pin: Option<courier_transfer::Fingerprint>,
}
