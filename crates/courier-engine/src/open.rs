//! Opening a session with a connection's server: who may, with what, and what is written down about it.

mod admit;
mod full;
mod outcome;
mod places;
mod slots;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use courier_store::connections::Connection;
use courier_transfer::{
    Client, ConnectOptions, Credentials, Error as TransferError, ErrorKind, Fingerprint, Protocol,
    RemotePath, ServerInfo, Target,
    layers::{Rooted, Timeouts},
};
use jiff::Timestamp;
use serde_json::json;

use admit::admit;
pub(crate) use admit::{check_usable, spare};
use outcome::note;
pub(crate) use outcome::{outcome_of, write_down};
pub(crate) use places::hear_of_places;
pub(crate) use slots::{Permit, Slots};

use crate::{
    Engine, Error, Result, azure_functions,
    connections::{Effective, Shape},
    fips::Ruling,
    secrets,
    sessions::Sessions,
    trust::{Insecure, Purpose, Trust},
};

/// What a session is opened for, by whom, and with which secrets.
#[derive(Debug)]
pub(crate) struct Opening<'a> {
    pub(crate) purpose: Purpose,
    pub(crate) performed_by: &'a str,
    /// For a connection that is not saved: its secrets and its pin.
    pub(crate) draft: Option<(Credentials, Option<Fingerprint>)>,
    /// The execution's sessions: the idle ones are closed before it waits for another.
    pub(crate) others: Option<&'a Sessions>,
    /// One of the connection's `max_sessions` that it has already; else it waits for one.
    pub(crate) permit: Option<Permit>,
}

/// A session that is open. To be closed with [`Session::close`].
#[derive(Debug)]
pub(crate) struct Session {
    client: Arc<dyn Client>,
    trust: Arc<Trust>,
    keepalive: tokio::task::JoinHandle<()>,
    opened: Instant,
    /// One of the connection's `max_sessions`.
    permit: Option<Permit>,
    /// It was closed, and that is written down.
    closed: bool,
}

/// How long a session may take to end in order; then it is dropped.
pub(crate) const CLOSING: Duration = Duration::from_secs(1);

impl Session {
    /// The session, with timeouts and below the base path.
    pub(crate) fn client(&self) -> &Arc<dyn Client> {
        &self.client
    }

    /// When the connection was changed last before this was opened: sessions of one version lead to one server.
    pub(crate) fn version(&self) -> Timestamp {
        self.trust.version()
    }

    /// Ends it in order, or at least for good. A second call does nothing.
    pub(crate) async fn close(&mut self) {
        if self.closed {
            return;
        }
        self.keepalive.abort();
        let ended = tokio::time::timeout(CLOSING, self.client.disconnect()).await;
        let lasted = Some(self.opened.elapsed());
        if let Err(error) = self.trust.record_lasting("disconnected", lasted, json!({})).await {
            tracing::warn!(%error, "could not record that a session ended");
        }
        self.closed = true;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::debug!("a session did not end in order");
        }
    }

    /// What it counts as, for the one that comes in its place.
    pub(crate) fn take_permit(&mut self) -> Option<Permit> {
        let mut permit = self.permit.take();
        permit.iter_mut().for_each(|permit| permit.set_open(false));
        permit
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.keepalive.abort();
    }
}

/// Opens a session. What the server told of itself comes back in either case.
pub(crate) async fn open(
    engine: &Engine,
    connection: &Connection,
    mut opening: Opening<'_>,
) -> (ServerInfo, Result<Session>) {
    let mut wait = full::Wait::new();
    loop {
        let (connection, permit) = match admit(engine, connection, &mut opening).await {
            Ok(admitted) => admitted,
            Err(error) => return (ServerInfo::default(), Err(error)),
        };
        let login = match admit::login(engine, &connection, &opening, permit.as_ref()).await {
            Ok(login) => login,
            Err(error) => return (ServerInfo::default(), Err(error)),
        };
        let connect_timeout = match effective(engine, &connection) {
            Ok(effective) => effective.seconds("connect_timeout_sec"),
            Err(error) => return (ServerInfo::default(), Err(error)),
        };
        let ruling = match Ruling::of(engine, &connection).await {
            Ok(ruling) => ruling,
            Err(error) => return (ServerInfo::default(), Err(error)),
        };
        let (credentials, pin) = match opening.draft.take() {
            Some((credentials, pin)) => (Some(credentials), pin),
            None => (None, None),
        };
        let trust = Trust::new(
            engine,
            &connection,
            opening.purpose,
            opening.performed_by,
            ruling,
            pin,
        );
        let result = connect(engine, &connection, credentials, &trust).await;
        // Whose login was rejected keeps its turn until that is noted.
        let is_rejected = matches!(&result, Err(error) if error.transfer_kind() == Some(ErrorKind::Auth));
        let _turn = login.filter(|_| is_rejected);
        if let (Purpose::Job(_), Err(error), Some(taken), Some(sessions)) =
            (opening.purpose, &result, &permit, opening.others)
            && wait
                .again(error, &connection, connect_timeout, taken, sessions)
                .await
        {
            opening.permit = permit;
            continue;
        }
        return settle(engine, &connection, opening.purpose, permit, &trust, result).await;
    }
}

/// Writes down how it went, and gives the session its place.
async fn settle(
    engine: &Engine,
    connection: &Connection,
    purpose: Purpose,
    permit: Option<Permit>,
    trust: &Trust,
    mut result: Result<Session>,
) -> (ServerInfo, Result<Session>) {
    let learnt = trust.learnt();
    if let (Err(error), Some(permit)) = (&result, &permit)
        && error.transfer_kind() == Some(ErrorKind::Auth)
    {
        match purpose {
            Purpose::Look => permit.note_rejected(connection),
            Purpose::Lane(_) => permit.slot().note_alone(connection),
            _ => {}
        }
    }
    // Boxed, since the future of a transaction is large.
    let noted = Box::pin(note(engine, connection, purpose, trust, &result)).await;
    if let Ok(session) = &mut result {
        // Not before it was noted: whoever comes next must see that the credentials were rejected.
        session.permit = permit;
        session.permit.iter_mut().for_each(|permit| permit.set_open(true));
    }
    match noted {
        Err(error) if result.is_ok() => (learnt, Err(error)),
        Err(error) => {
            tracing::error!(%error, connection = %connection.id, "could not note how a connection went");
            (learnt, result)
        }
        Ok(()) => (learnt, result),
    }
}

/// The settings that count for a connection.
fn effective(engine: &Engine, connection: &Connection) -> Result<Effective> {
    Ok(Effective::of(
        &Shape::of(&**protocol(engine, connection)?),
        connection,
    ))
}

/// The protocol of a connection that is to move files.
fn protocol<'a>(engine: &'a Engine, connection: &Connection) -> Result<&'a Arc<dyn Protocol>> {
    let (name, protocols) = (&connection.protocol, &engine.0.protocols);
    protocols.files(name).ok_or_else(|| {
        Error::ConnectionNotUsable(match protocols.get(name) {
            Some(_) => azure_functions::no_files(connection),
            None => format!("this installation has no protocol \"{name}\""),
        })
    })
}

async fn connect(
    engine: &Engine,
    connection: &Connection,
    credentials: Option<Credentials>,
    trust: &Arc<Trust>,
) -> Result<Session> {
    let protocol = protocol(engine, connection)?;
    let shape = Shape::of(&**protocol);
    if shape.host_keys && trust.purpose() == Purpose::Look && connection.pinned_fingerprint.is_none() {
        return Err(Error::ConnectionNotUsable(format!(
            "who may only look may browse only a connection with a pinned host key, and \"{}\" has none; have somebody who \
             may change it test it first",
            connection.name
        )));
    }
    if let Some(insecure) = Insecure::of(connection) {
        check_insecure(engine, connection, insecure, trust.purpose()).await?;
    }
    let effective = Effective::of(&shape, connection);
    let credentials = match credentials {
        Some(credentials) => credentials,
        None => secrets::credentials(engine, connection).await?,
    };
    let local_root = match (shape.host, &connection.base_path) {
        (false, Some(base)) => Some(engine.0.paths.check_base(base).map_err(|message| {
            Error::Transfer(TransferError::new(
                ErrorKind::Denied,
                format!("base_path: {message}"),
            ))
        })?),
        _ => None,
    };
    let connect_timeout = effective.seconds("connect_timeout_sec");
    let interval = effective.seconds("keepalive_interval_sec");
    let target = Target {
        host: connection.host.clone().unwrap_or_default(),
        port: effective.port(&shape, connection).unwrap_or(0),
        username: connection.username.clone().unwrap_or_default(),
        credentials,
        settings: effective.0.clone(),
        local_root,
    };
    let options = ConnectOptions {
        trust: trust.clone(),
        observer: trust.clone(),
        connect_timeout,
        keepalive_interval: interval,
        fips: trust.ruling() == Ruling::On,
    };
    if trust.ruling() == Ruling::Overridden {
        // Before anything is sent: whatever comes of it, it was used.
        let details = json!({"host": connection.host, "protocol": connection.protocol});
        trust.record("fips_override_used", details).await?;
    }
    // A protocol keeps the time itself, and names the stage that took it; this one is the net below.
    let client = tokio::time::timeout(
        connect_timeout + Duration::from_secs(5),
        protocol.connect(target, options),
    )
    .await
    .map_err(|_| {
        TransferError::new(
            ErrorKind::Timeout,
            format!("Connection timed out after {} seconds", connect_timeout.as_secs()),
        )
    })??;
    let client: Arc<dyn Client> = match (&connection.base_path, shape.host) {
        (Some(base), true) => Arc::new(Rooted::new(
            client,
            RemotePath::new(base).map_err(TransferError::from)?,
        )),
        _ => client,
    };
    let client: Arc<dyn Client> = Arc::new(Timeouts::new(client, effective.seconds("operation_timeout_sec")));
    let keepalive = tokio::spawn(keep_alive(client.clone(), interval));
    Ok(Session {
        client,
        trust: trust.clone(),
        keepalive,
        opened: Instant::now(),
        permit: None,
        closed: false,
    })
}

/// Whatever it accepts without looking must be allowed at each use, and a viewer's look sends no credentials to a server
/// that nobody has looked at.
async fn check_insecure(
    engine: &Engine,
    connection: &Connection,
    insecure: Insecure,
    purpose: Purpose,
) -> Result<()> {
    if purpose == Purpose::Look {
        let what = match insecure {
            Insecure::HostKey => "host key",
            Insecure::Certificate => "certificate",
        };
        return Err(Error::ConnectionNotUsable(format!(
            "who may only look may not browse a connection that accepts any {what}, and \"{}\" does; have somebody who may \
             change it pin the {what}",
            connection.name
        )));
    }
    insecure.check(engine, None).await
}

/// Asks a session for a sign of life, until it has none. One that doesn't answer is given up, so that whoever needs it
/// next doesn't wait for its answer once more; this opens no other.
async fn keep_alive(client: Arc<dyn Client>, interval: Duration) {
    while client.is_connected() {
        tokio::time::sleep(interval).await;
        let Err(error) = client.keepalive().await else {
            continue;
        };
        tracing::debug!(%error, "a session gave no sign of life");
        if matches!(error.kind(), ErrorKind::Lost | ErrorKind::Timeout) {
            let _ = tokio::time::timeout(CLOSING, client.disconnect()).await;
            return;
        }
    }
}
