//! The secrets of a connection to a function app.

use courier_store::connections::Connection;
use secrecy::SecretString;

use super::{check_unchanged, not_tried, open_field};
use crate::{Engine, Error, Result, azure_functions::CLIENT_SECRET, connections::DraftSecrets};

/// The secrets of a connection to a function app; instead of each, why it can't be had.
#[derive(Debug)]
pub(crate) struct AppSecrets {
    /// Calls functions.
    pub(crate) master_key: Result<SecretString>,
    /// Gets tokens for the workspace.
    pub(crate) client_secret: Result<SecretString>,
}

impl AppSecrets {
    /// Those of a connection that is not saved.
    pub(crate) fn of_draft(draft: &DraftSecrets) -> Self {
        Self {
            master_key: draft.password.clone().ok_or_else(no_master_key),
            client_secret: draft.client_secret.clone().ok_or_else(no_client_secret),
        }
    }
}

/// Opens those of a saved connection: this one's, as it was looked at, or nobody's. Inside, a secret that isn't set, or was
/// entered for others than it would be sent to now, is an error of authentication.
///
/// # Errors
/// [`changed_meanwhile`](crate::trust::changed_meanwhile) where the connection was changed since.
pub(crate) async fn of_app(engine: &Engine, connection: &Connection) -> Result<AppSecrets> {
    let master_key = open_field(engine, connection, "password").await;
    let client_secret = open_field(engine, connection, CLIENT_SECRET).await;
    check_unchanged(engine, connection).await?;
    Ok(AppSecrets {
        master_key: master_key.and_then(|key| key.ok_or_else(no_master_key)),
        client_secret: client_secret.and_then(|secret| secret.ok_or_else(no_client_secret)),
    })
}

fn no_master_key() -> Error {
    not_tried("the connection lacks the app's master key; set it as the password").into()
}

fn no_client_secret() -> Error {
    not_tried("the connection lacks a client secret; set the one of its service principal").into()
}
