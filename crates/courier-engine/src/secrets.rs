//! The one place that seals secrets and opens them, at the moment of use.
//!
//! A sealed value is bound to the record and the field that it belongs to, and a connection's secret to its server too:
//! copied elsewhere, or its connection led to another server, it doesn't open.

mod app;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use courier_store::{
    connections::{AuthMethod, Connection, Secret},
    sealed::{Place, SMTP_PASSWORD, SealedValue},
};
use courier_transfer::{Credentials, Error as TransferError, ErrorKind, KeyCredential};
use courier_vault::{Binding, Error as VaultError, Vault};
use secrecy::SecretString;
use serde_json::json;
use uuid::Uuid;

pub(crate) use app::{AppSecrets, of_app};

use crate::{
    Engine, Result,
    audit::Entry,
    connections::{endpoint, receivers},
    trust::changed_meanwhile,
    vault_check::VAULT_CHECK,
};

/// A connection's secret, sealed without its server as in earlier versions.
const CONNECTION: &str = "connection";
/// The same with its server. A kind of its own, so that no field's name makes one out of the other.
const CONNECTION_AT: &str = "connection_at";
const SSH_KEY: &str = "ssh_key";
const PRIVATE_KEY: &str = "private_key";
const ALERT: &str = "alert";
const STORAGE_AT: &str = "storage_at";
const SETTING_AT: &str = "setting_at";

/// The binding of the key that the audit log is authenticated with.
pub(crate) fn audit_key() -> Binding {
    Binding::new("audit", "chain", "key")
}

/// Does this value open where it is? For looking after what is stored: what it is, is wiped at once.
///
/// # Errors
/// Those of [`Vault::open`].
pub(crate) async fn opens(vault: &Vault, value: &SealedValue) -> courier_vault::Result<()> {
    let binding = match &value.place {
        Place::Setting(key) if key == VAULT_CHECK => return vault.verify_check(&value.blob).await,
        Place::Setting(key) if key == SMTP_PASSWORD => {
            smtp_password(value.endpoint.as_deref().unwrap_or_default())
        }
        Place::Setting(_) => audit_key(),
        Place::Connection { id, field } => match &value.endpoint {
            Some(endpoint) => at(*id, field, endpoint),
            None => Binding::new(CONNECTION, id, field.as_str()),
        },
        Place::SshKey(id) => Binding::new(SSH_KEY, id, PRIVATE_KEY),
        Place::Alert(id) => of_alert(*id),
        Place::Storage(id) => of_storage(*id, value.endpoint.as_deref().unwrap_or_default()),
    };
    vault.open(&binding, &value.blob).await.map(drop)
}

/// The binding of a secret that was entered for this server. No field's name has a space.
fn at(connection: Uuid, field: &str, endpoint: &str) -> Binding {
    Binding::new(CONNECTION_AT, connection, format!("{field} for {endpoint}"))
}

/// Seals a secret field of a connection, for those whom it is sent to.
pub(crate) async fn seal_field(
    engine: &Engine,
    connection: &Connection,
    field: &str,
    secret: &SecretString,
) -> Result<Secret> {
    let endpoint = receivers(engine, connection, field);
    let binding = at(connection.id, field, &endpoint);
    Ok(Secret {
        sealed: engine.0.vault.seal_str(&binding, secret).await?,
        endpoint: Some(endpoint),
    })
}

/// Seals a private key, as OpenSSH text.
pub(crate) async fn seal_key(engine: &Engine, key: Uuid, private_key: &SecretString) -> Result<Vec<u8>> {
    Ok(engine
        .0
        .vault
        .seal_str(&Binding::new(SSH_KEY, key, PRIVATE_KEY), private_key)
        .await?)
}

/// The binding of what an alert's webhooks are signed with.
fn of_alert(alert: Uuid) -> Binding {
    Binding::new(ALERT, alert, "secret")
}

/// Seals what an alert's webhooks are signed with.
pub(crate) async fn seal_alert(engine: &Engine, alert: Uuid, secret: &SecretString) -> Result<Vec<u8>> {
    Ok(engine.0.vault.seal_str(&of_alert(alert), secret).await?)
}

/// Opens what an alert's webhooks are signed with.
pub(crate) async fn open_alert(
    engine: &Engine,
    alert: Uuid,
    sealed: &[u8],
) -> courier_vault::Result<SecretString> {
    engine.0.vault.open_str(&of_alert(alert), sealed).await
}

/// The binding of what a storage at this place is opened with.
fn of_storage(storage: Uuid, endpoint: &str) -> Binding {
    Binding::new(STORAGE_AT, storage, format!("credentials for {endpoint}"))
}

/// Seals what a storage is opened with, for the place that it was entered for.
pub(crate) async fn seal_storage(
    engine: &Engine,
    storage: Uuid,
    endpoint: &str,
    credentials: &SecretString,
) -> Result<Vec<u8>> {
    let binding = of_storage(storage, endpoint);
    Ok(engine.0.vault.seal_str(&binding, credentials).await?)
}

/// Opens what a storage is opened with.
pub(crate) async fn open_storage(
    engine: &Engine,
    storage: Uuid,
    endpoint: &str,
    sealed: &[u8],
) -> courier_vault::Result<SecretString> {
    engine
        .0
        .vault
        .open_str(&of_storage(storage, endpoint), sealed)
        .await
}

/// The binding of the password for this mail server, which no other gets.
fn smtp_password(host: &str) -> Binding {
    Binding::new(SETTING_AT, SMTP_PASSWORD, host)
}

/// Seals the password for this mail server, as text.
pub(crate) async fn seal_smtp_password(engine: &Engine, host: &str, secret: &SecretString) -> Result<String> {
    let sealed = engine.0.vault.seal_str(&smtp_password(host), secret).await?;
    Ok(BASE64_STANDARD.encode(sealed))
}

/// Opens the password for this mail server.
pub(crate) async fn open_smtp_password(
    engine: &Engine,
    host: &str,
    sealed: &[u8],
) -> courier_vault::Result<SecretString> {
    engine.0.vault.open_str(&smtp_password(host), sealed).await
}

/// A sealed value that is kept as text.
pub(crate) fn from_text(text: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(text).ok()
}

/// Opens what a saved connection proves itself with. It is this connection's, as it was looked at, or nobody's: a secret
/// that was entered for another server must not be sent to this one.
///
/// # Errors
/// [`changed_meanwhile`] where the connection was changed since.
pub(crate) async fn credentials(engine: &Engine, connection: &Connection) -> Result<Credentials> {
    let password = match uses_password(connection.auth_method) {
        true => open_field(engine, connection, "password").await?,
        false => None,
    };
    let keys = match uses_keys(connection.auth_method) {
        true => {
            open_keys(
                engine,
                &engine.0.store.connection_keys().usable(connection.id).await?,
            )
            .await?
        }
        false => Vec::new(),
    };
    let client_certificate = match connection
        .secrets
        .iter()
        .any(|field| field == "client_certificate")
    {
        true => open_field(engine, connection, "client_certificate").await?,
        false => None,
    };
    check_unchanged(engine, connection).await?;
    complete(
        connection,
        Credentials {
            password,
            keys,
            client_certificate,
        },
    )
}

/// Whatever was read before this was there before any change that this doesn't see.
async fn check_unchanged(engine: &Engine, connection: &Connection) -> Result<()> {
    let connections = engine.0.store.connections();
    match connections.is_unchanged(connection.seen()).await? {
        true => Ok(()),
        false => Err(changed_meanwhile().into()),
    }
}

/// A login without what it is made with would only count as a failed one.
fn complete(connection: &Connection, credentials: Credentials) -> Result<Credentials> {
    let missing = match connection.auth_method {
        method if uses_password(method) && credentials.password.is_none() => "a password; set one",
        method if uses_keys(method) && credentials.keys.is_empty() => {
            "an active SSH key; add one, or activate one that is retired"
        }
        _ => return Ok(credentials),
    };
    Err(not_tried(&format!("the connection lacks {missing}")).into())
}

fn not_tried(why: &str) -> TransferError {
    let message = format!("Authentication failed: no login was tried, since {why}");
    TransferError::new(ErrorKind::Auth, message)
}

/// Opens a secret field of a saved connection; none where it isn't set.
///
/// # Errors
/// One of authentication where it was entered for another server than the connection's: who can write the database, and
/// not open the vault, can lead a connection elsewhere, but not its secrets.
async fn open_field(engine: &Engine, connection: &Connection, field: &str) -> Result<Option<SecretString>> {
    let Some(secret) = engine.0.store.connections().secret(connection.id, field).await? else {
        return Ok(None);
    };
    let (what, here) = (field.replace('_', " "), receivers(engine, connection, field));
    let server = endpoint(engine, connection);
    let why = match &secret.endpoint {
        Some(there) if *there == here => {
            let binding = at(connection.id, field, &here);
            match engine.0.vault.open_str(&binding, &secret.sealed).await {
                Ok(secret) => return Ok(Some(secret)),
                Err(VaultError::Tampered { .. }) => {
                    format!(
                        "the {what} was altered in the database, or entered for another server than {here}"
                    )
                }
                Err(error) => return Err(error.into()),
            }
        }
        Some(there) => format!("the {what} was entered for another server: {there}, and this is {here}"),
        None => format!("it isn't known which server the {what} was entered for"),
    };
    let leading = match here == server {
        true => "host, port and protocol",
        false => "host, port, protocol and properties",
    };
    Err(not_tried(&format!(
        "{why}; check the connection's {leading}, and enter it anew"
    ))
    .into())
}

/// Seals what earlier versions sealed without a server for the one that its connection has now. What doesn't open is left
/// as it is, and isn't used.
///
/// # Errors
/// [`Error::Store`](crate::Error::Store), [`Error::Vault`](crate::Error::Vault) where the key can't be had.
pub(crate) async fn bind_older(engine: &Engine) -> Result<()> {
    let (store, vault) = (&engine.0.store, &engine.0.vault);
    for value in store.sealed().without_endpoint().await? {
        let Place::Connection { id, field } = &value.place else {
            continue;
        };
        let connection = match store.connections().get(*id).await {
            Err(courier_store::Error::NotFound { .. }) => continue,
            found => found?,
        };
        // Its port isn't known without its protocol.
        if engine.0.protocols.get(&connection.protocol).is_none() {
            continue;
        }
        let binding = Binding::new(CONNECTION, id, field.as_str());
        let secret = match vault.open_str(&binding, &value.blob).await {
            Ok(secret) => secret,
            Err(error @ VaultError::Provider { .. }) => return Err(error.into()),
            Err(error) => {
                tracing::error!(place = %value.place, %error, "a stored secret does not open, and is not used; enter it anew");
                continue;
            }
        };
        let new = seal_field(engine, &connection, field, &secret).await?;
        let endpoint = new.endpoint.as_deref().unwrap_or_default();
        let details = json!({"name": connection.name, "field": field, "endpoint": endpoint});
        let record = Entry::new("secret_bound", "system", details).on(*id).into();
        if store.sealed().bind(&value, endpoint, new.sealed, record).await? {
            tracing::info!(place = %value.place, %endpoint, "a stored secret is bound to its server from now on");
        }
    }
    Ok(())
}

/// Opens these keys, in this order.
pub(crate) async fn open_keys(engine: &Engine, ids: &[Uuid]) -> Result<Vec<KeyCredential>> {
    let mut keys = Vec::with_capacity(ids.len());
    for id in ids {
        let sealed = engine.0.store.ssh_keys().private_key(*id).await?;
        let private_key = engine
            .0
            .vault
            .open_str(&Binding::new(SSH_KEY, *id, PRIVATE_KEY), &sealed)
            .await?;
        keys.push(KeyCredential::new(id.to_string(), private_key));
    }
    Ok(keys)
}

pub(crate) fn uses_password(method: AuthMethod) -> bool {
    matches!(method, AuthMethod::Password | AuthMethod::PasswordAndSshKey)
}

pub(crate) fn uses_keys(method: AuthMethod) -> bool {
    matches!(method, AuthMethod::SshKey | AuthMethod::PasswordAndSshKey)
}
