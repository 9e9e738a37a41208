//! The one place that seals secrets and opens them, at the moment of use.
//!
//! A sealed value is bound to the record and the field that it belongs to: copied elsewhere, it doesn't open.

use courier_store::{
    connections::{AuthMethod, Connection},
    sealed::{Place, SealedValue},
};
use courier_transfer::{Credentials, Error as TransferError, ErrorKind, KeyCredential};
use courier_vault::{Binding, Vault};
use secrecy::SecretString;
use uuid::Uuid;

use crate::{Engine, Result, trust::changed_meanwhile, vault_check::VAULT_CHECK};

const CONNECTION: &str = "connection";
const SSH_KEY: &str = "ssh_key";
const PRIVATE_KEY: &str = "private_key";

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
        Place::Setting(_) => audit_key(),
        Place::Connection { id, field } => Binding::new(CONNECTION, id, field.as_str()),
        Place::SshKey(id) => Binding::new(SSH_KEY, id, PRIVATE_KEY),
    };
    vault.open(&binding, &value.blob).await.map(drop)
}

/// Seals a secret field of a connection.
pub(crate) async fn seal_field(
    engine: &Engine,
    connection: Uuid,
    field: &str,
    secret: &SecretString,
) -> Result<Vec<u8>> {
    Ok(engine
        .0
        .vault
        .seal_str(&Binding::new(CONNECTION, connection, field), secret)
        .await?)
}

/// Seals a private key, as OpenSSH text.
pub(crate) async fn seal_key(engine: &Engine, key: Uuid, private_key: &SecretString) -> Result<Vec<u8>> {
    Ok(engine
        .0
        .vault
        .seal_str(&Binding::new(SSH_KEY, key, PRIVATE_KEY), private_key)
        .await?)
}

/// Opens what a saved connection proves itself with. It is this connection's, as it was looked at, or nobody's: a secret
/// that was entered for another server must not be sent to this one.
///
/// # Errors
/// [`changed_meanwhile`] where the connection was changed since.
pub(crate) async fn credentials(engine: &Engine, connection: &Connection) -> Result<Credentials> {
    let password = match uses_password(connection.auth_method) {
        true => open_field(engine, connection.id, "password").await?,
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
        true => open_field(engine, connection.id, "client_certificate").await?,
        false => None,
    };
    // Whatever was read before this was there before any change that this doesn't see.
    match engine
        .0
        .store
        .connections()
        .is_unchanged(connection.seen())
        .await?
    {
        true => complete(
            connection,
            Credentials {
                password,
                keys,
                client_certificate,
            },
        ),
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
    let message = format!("Authentication failed: no login was tried, since the connection lacks {missing}");
    Err(TransferError::new(ErrorKind::Auth, message).into())
}

/// Opens a secret field of a saved connection; none where it isn't set.
pub(crate) async fn open_field(
    engine: &Engine,
    connection: Uuid,
    field: &str,
) -> Result<Option<SecretString>> {
    let Some(sealed) = engine.0.store.connections().secret(connection, field).await? else {
        return Ok(None);
    };
    Ok(Some(
        engine
            .0
            .vault
            .open_str(&Binding::new(CONNECTION, connection, field), &sealed)
            .await?,
    ))
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
