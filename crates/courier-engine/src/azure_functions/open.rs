//! Opening a connection to a function app: who may, with which secrets, and what is written down about it.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Weak},
    time::Duration,
};

use courier_azure::{
    Application, Error as AzureError, ErrorKind as AzureErrorKind, FunctionApp, Http, Identity, Limits,
    Tokens, Workspace,
};
use courier_store::{
    audit::NewAudit,
    connections::{Connection, Seen},
};
use courier_transfer::{Error as TransferError, ErrorKind, Retry};
use parking_lot::Mutex;
use secrecy::SecretString;
use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

use super::{AzureFunction, properties::Properties};
use crate::{
    Engine, Error, Failure, Result,
    audit::Entry,
    connections::{Effective, Shape},
    fips::Ruling,
    open::{check_usable, outcome_of, write_down},
    secrets::{self, AppSecrets},
    trust::Purpose,
};

/// A function app and the workspace that knows of its runs, as one version of a connection names them. Holds secrets.
#[derive(Debug)]
pub(crate) struct Opened {
    /// Triggers functions.
    pub(crate) app: FunctionApp,
    /// Knows what became of them.
    pub(crate) workspace: Workspace,
    /// What tells that from all others.
    pub(crate) workspace_name: String,
    seen: Seen,
    ruling: Ruling,
    patience: Duration,
    /// Executions whose use of it is recorded, where that is exempt from FIPS mode.
    recorded: Mutex<HashSet<Uuid>>,
}

impl Opened {
    fn new(connection: &Connection, ruling: Ruling, secrets: AppSecrets, patience: Duration) -> Result<Self> {
        let limits = Limits {
            // What ends while it connects has surely triggered nothing; so there is time left when it does.
            connect: seconds(connection, "connect_timeout_sec").min(patience * 3 / 4),
            call: patience,
            operation: patience,
        };
        let parts = Parts::new(connection, ruling, secrets, limits)?;
        Ok(Self {
            app: parts.app?,
            workspace: parts.workspace?,
            workspace_name: parts.workspace_name,
            seen: connection.seen(),
            ruling,
            patience,
            recorded: Mutex::default(),
        })
    }

    /// Until when a request that begins now has its answer, or is given up.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.patience
    }

    fn is_of(&self, connection: &Connection, ruling: Ruling) -> bool {
        self.seen == connection.seen() && self.ruling == ruling
    }

    /// Was it recorded already that this execution uses it? Who isn't one asks once, and is recorded each time.
    fn is_recorded(&self, purpose: Purpose) -> bool {
        let recorded = self.recorded.lock();
        purpose.execution().is_some_and(|id| recorded.contains(&id))
    }
}

/// Those that somebody uses now, by their connections, so that executions that wait at once share a token. What nobody uses
/// any more is gone with its secrets.
#[derive(Debug, Default)]
pub(crate) struct OpenApps(Mutex<HashMap<Uuid, Weak<Opened>>>);

impl OpenApps {
    fn get(&self, connection: &Connection, ruling: Ruling) -> Option<Arc<Opened>> {
        let opened = self.0.lock().get(&connection.id)?.upgrade()?;
        opened.is_of(connection, ruling).then_some(opened)
    }

    /// Keeps it for others, or gives the one that somebody has put there meanwhile.
    fn share(&self, connection: &Connection, opened: Opened) -> Arc<Opened> {
        let mut all = self.0.lock();
        all.retain(|_, opened| opened.strong_count() > 0);
        let there = all.get(&connection.id).and_then(Weak::upgrade);
        if let Some(there) = there.filter(|there| there.is_of(connection, opened.ruling)) {
            return there;
        }
        let opened = Arc::new(opened);
        all.insert(connection.id, Arc::downgrade(&opened));
        opened
    }
}

/// Opens a connection to a function app; nothing is sent yet. Whoever goes on using it opens it anew for each request, and keeps
/// the last one until then: as long as the connection is unchanged, it is the same one.
///
/// # Errors
/// [`Error::ConnectionNotUsable`], one of authentication where a secret is missing or was entered for another server, one
/// that may pass where the connection was changed meanwhile, [`Error::Vault`], [`Error::Store`].
pub(crate) async fn open(
    engine: &Engine,
    connection: &Connection,
    purpose: Purpose,
    performed_by: &str,
) -> Result<Arc<Opened>> {
    check_usable(connection, purpose)?;
    let ruling = Ruling::of(engine, connection).await?;
    let opened = match engine.0.function_apps.get(connection, ruling) {
        Some(opened) => opened,
        None => {
            let secrets = secrets::of_app(engine, connection).await?;
            let patience = seconds(connection, "operation_timeout_sec");
            let opened = Opened::new(connection, ruling, secrets, patience)?;
            engine.0.function_apps.share(connection, opened)
        }
    };
    if ruling == Ruling::Overridden && !opened.is_recorded(purpose) {
        record_override(engine, connection, purpose, performed_by, ruling).await?;
        opened.recorded.lock().extend(purpose.execution());
    }
    Ok(opened)
}

/// What a connection leads to, each by itself.
pub(super) struct Parts {
    pub(super) app: Result<FunctionApp>,
    pub(super) workspace: Result<Workspace>,
    workspace_name: String,
}

impl Parts {
    pub(super) fn new(
        connection: &Connection,
        ruling: Ruling,
        secrets: AppSecrets,
        limits: Limits,
    ) -> Result<Self> {
        let shape = Shape::of(&AzureFunction);
        let effective = Effective::of(&shape, connection);
        let properties = Properties::of(&connection.settings).ok_or_else(|| {
            Error::ConnectionNotUsable(format!(
                "the properties of the connection \"{}\" are not what they must be; enter them anew",
                connection.name
            ))
        })?;
        let http = Http::new(limits, ruling == Ruling::On).map_err(|error| azure_error(&error))?;
        let host = connection.host.as_deref().unwrap_or_default();
        let port = effective.port(&shape, connection).unwrap_or_default();
        Ok(Self {
            workspace_name: properties.workspace(),
            app: secrets.master_key.and_then(|key| {
                FunctionApp::new(host, port, key, http.clone()).map_err(|error| azure_error(&error))
            }),
            workspace: secrets.client_secret.and_then(|secret| {
                workspace(properties, secret, http.clone()).map_err(|error| azure_error(&error))
            }),
        })
    }
}

/// The workspace, which is asked with tokens of the service principal.
fn workspace(properties: Properties, secret: SecretString, http: Http) -> courier_azure::Result<Workspace> {
    let application = Application {
        authority_host: properties.authority,
        tenant_id: properties.tenant_id,
        client_id: properties.client_id,
    };
    let tokens = Tokens::new(Identity::ClientSecret { application, secret }, http.clone())?;
    Workspace::new(properties.logs, &properties.workspace_id, Arc::new(tokens), http)
}

/// A time that a connection's settings name.
pub(super) fn seconds(connection: &Connection, name: &str) -> Duration {
    Effective::of(&Shape::of(&AzureFunction), connection).seconds(name)
}

/// Writes down that a connection is used that is exempt from FIPS mode. Before anything is sent: whatever comes of it, it was
/// used.
pub(super) async fn record_override(
    engine: &Engine,
    connection: &Connection,
    purpose: Purpose,
    performed_by: &str,
    ruling: Ruling,
) -> Result<()> {
    if ruling != Ruling::Overridden {
        return Ok(());
    }
    let details = json!({"host": connection.host, "protocol": connection.protocol});
    let record = entry(connection, purpose, "fips_override_used", performed_by, details);
    engine.audit().record(record).await
}

/// Writes down what an answer, or this error in its place, says of the connection: its health, and that it was not let in. Who is
/// asked to wait for a while is let in. Not to be called with what the connection can't help, such as a function that there isn't.
///
/// # Errors
/// [`Error::Store`].
pub(crate) async fn note(
    engine: &Engine,
    connection: &Connection,
    purpose: Purpose,
    performed_by: &str,
    error: Option<&Error>,
) -> Result<()> {
    if error.and_then(Error::transfer_kind) == Some(ErrorKind::Busy) {
        return Ok(());
    }
    let text = error.map(Error::to_string).unwrap_or_default();
    let outcome = outcome_of(connection, purpose, error, &text).filter(|_| purpose.notes());
    let refused = error.filter(|error| error.transfer_kind() == Some(ErrorKind::Auth));
    let record = refused.map(|error| {
        let details = json!({"host": connection.host, "error": Failure::from(error)});
        NewAudit::from(entry(connection, purpose, "auth_failed", performed_by, details))
    });
    write_down(engine, connection, outcome, record).await
}

fn entry<'a>(
    connection: &Connection,
    purpose: Purpose,
    operation: &'a str,
    performed_by: &'a str,
    details: serde_json::Value,
) -> Entry<'a> {
    Entry {
        connection: Some(connection.id).filter(|_| purpose != Purpose::TestUnsaved),
        execution: purpose.execution(),
        ..Entry::new(operation, performed_by, details)
    }
}

/// Azure's error as one of the engine's.
pub(crate) fn azure_error(error: &AzureError) -> Error {
    let kind = match error.kind() {
        AzureErrorKind::Unreachable => ErrorKind::Unreachable,
        AzureErrorKind::Timeout => ErrorKind::Timeout,
        AzureErrorKind::Lost => ErrorKind::Lost,
        AzureErrorKind::Certificate => ErrorKind::Certificate,
        AzureErrorKind::NotFips => ErrorKind::NotFips,
        AzureErrorKind::Busy => ErrorKind::Busy,
        AzureErrorKind::Failed => ErrorKind::Failed,
        AzureErrorKind::Auth => ErrorKind::Auth,
        AzureErrorKind::Denied => ErrorKind::Denied,
        AzureErrorKind::NotFound => ErrorKind::NotFound,
        AzureErrorKind::NoTable => ErrorKind::Unsupported,
        AzureErrorKind::Protocol => ErrorKind::Protocol,
        AzureErrorKind::Invalid => ErrorKind::Invalid,
    };
    let retry = match error.kind().may_pass() {
        true => Retry::Later,
        false => Retry::Never,
    };
    TransferError::new(kind, error.message()).with_retry(retry).into()
}

/// The same where nothing was asked for by a name of the caller's: what doesn't exist then is what the connection names, and the
/// caller's own thing does.
pub(super) fn of_connection(error: &AzureError) -> Error {
    match error.kind() {
        AzureErrorKind::NotFound => TransferError::new(ErrorKind::Failed, error.message()).into(),
        _ => azure_error(error),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn connection() -> Connection {
        let mut connection = Connection::new("billing", "azure_function");
        connection.host = Some("billing.example".into());
        let properties = json!({"workspace_id": "w", "tenant_id": "t", "client_id": "c"});
        connection.settings.insert("properties".into(), properties);
        connection
    }

    fn opened(connection: &Connection, ruling: Ruling) -> Opened {
        let secrets = AppSecrets {
            master_key: Ok("key".into()),
            client_secret: Ok("secret".into()),
        };
        Opened::new(connection, ruling, secrets, Duration::from_secs(1)).unwrap()
    }

    #[test]
    fn it_is_shared_while_somebody_uses_it_and_nothing_changes() {
        let apps = OpenApps::default();
        let mut connection = connection();
        assert!(apps.get(&connection, Ruling::Off).is_none());
        let first = apps.share(&connection, opened(&connection, Ruling::Off));
        let late = apps.share(&connection, opened(&connection, Ruling::Off));
        assert!(Arc::ptr_eq(&first, &late), "of two at once there is one");
        assert!(Arc::ptr_eq(&first, &apps.get(&connection, Ruling::Off).unwrap()));
        assert!(
            apps.get(&connection, Ruling::On).is_none(),
            "it was opened without FIPS mode"
        );

        let before = connection.clone();
        connection.updated_at += Duration::from_secs(1);
        assert!(apps.get(&connection, Ruling::Off).is_none());
        let changed = apps.share(&connection, opened(&connection, Ruling::Off));
        assert!(Arc::ptr_eq(
            &changed,
            &apps.get(&connection, Ruling::Off).unwrap()
        ));
        assert!(apps.get(&before, Ruling::Off).is_none());

        drop((first, late, changed));
        assert!(
            apps.get(&connection, Ruling::Off).is_none(),
            "its secrets are gone with it"
        );
        assert!(!format!("{:?}", opened(&connection, Ruling::Off)).contains("secret"));
    }

    #[test]
    fn errors_keep_their_words_and_whether_they_pass() {
        let error = |kind| azure_error(&AzureError::new(kind, "why"));
        assert_eq!(error(AzureErrorKind::NoTable).kind(), "unsupported");
        assert_eq!(error(AzureErrorKind::NotFound).to_string(), "why");
        assert!(error(AzureErrorKind::Busy).may_pass() && !error(AzureErrorKind::Denied).may_pass());
        assert!(!error(AzureErrorKind::Auth).may_pass());
        let missing = AzureError::new(AzureErrorKind::NotFound, "why");
        assert_eq!(of_connection(&missing).kind(), "failed");
    }
}
