//! Who may open a session now: connections that may be used, and their `max_sessions`.

use std::{pin::pin, time::Duration};

use courier_store::connections::{Connection, ConnectionStatus, Health};
use courier_transfer::{Error as TransferError, ErrorKind, Retry};
use tokio::sync::OwnedMutexGuard;

use super::{Opening, effective, places, slots::Permit};
use crate::{
    Engine, Error, Result, azure_functions, connections::Effective, sessions::Sessions, trust::Purpose,
};

/// A wait that is longer is written into the execution's history.
const MOMENT: Duration = Duration::from_secs(1);
/// A pull doesn't wait longer for the login of another: the server may be slow, or gone.
const LOGIN: Duration = Duration::from_secs(5);

/// Refuses connections that may not be used now, other than by a test.
pub(crate) fn check_usable(connection: &Connection, purpose: Purpose) -> Result<()> {
    if matches!(purpose, Purpose::Test | Purpose::TestUnsaved) {
        return Ok(());
    }
    let name = &connection.name;
    if connection.status == ConnectionStatus::Disabled {
        return Err(Error::ConnectionNotUsable(format!(
            "the connection \"{name}\" is disabled; set its status to active"
        )));
    }
    if connection.health == Health::RequiresAttention {
        let detail = connection
            .health_detail
            .as_deref()
            .unwrap_or("its health says so");
        let next = match connection.protocol.as_str() {
            azure_functions::PROTOCOL => {
                "No function is called until somebody has looked: correct the master key or the service principal, and test the \
                 connection"
            }
            _ => {
                "Nothing is transferred until somebody has looked: approve the host key, pin the certificate, or correct the \
                 credentials and test the connection"
            }
        };
        return Err(Error::ConnectionNotUsable(format!(
            "the connection \"{name}\" requires attention: {detail}. {next}"
        )));
    }
    Ok(())
}

/// Waits for one of its `max_sessions`, among those of all nodes, where the purpose takes one: a job until its turn comes, for
/// it holds no session that another might wait for; a person no longer than for the connection itself. What comes back is the
/// connection as it is then: while somebody waits, it may move to another server, be disabled, or have its credentials
/// rejected.
pub(super) async fn admit(
    engine: &Engine,
    connection: &Connection,
    opening: &mut Opening<'_>,
) -> Result<(Connection, Option<Permit>)> {
    let purpose = opening.purpose;
    check_usable(connection, purpose)?;
    if purpose == Purpose::TestUnsaved {
        return Ok((connection.clone(), None));
    }
    let effective = effective(engine, connection)?;
    let max = max_sessions(&effective);
    let slot = engine.0.slots.of(connection.id, max);
    let free = match opening.permit.take().or_else(|| slot.try_take()) {
        Some(permit) => places::try_take(engine, permit, connection.id, max).await?,
        None => None,
    };
    let permit = match free {
        Some(permit) => permit,
        None => {
            // Whoever has the session that this one waits for may wait for one of these.
            if let Some(others) = opening.others {
                others.close_idle().await;
            }
            let limit = effective.seconds("connect_timeout_sec");
            let turn = places::take(engine, &slot, connection.id, max);
            let taken = match purpose {
                // Boxed, since it is a large future.
                Purpose::Job(_) if opening.others.is_none_or(|sessions| !sessions.is_pull()) => {
                    Box::pin(in_turn(connection, max, turn, opening.others)).await?
                }
                _ => tokio::time::timeout(limit, turn)
                    .await
                    .ok()
                    .transpose()?
                    .flatten(),
            };
            taken.ok_or_else(|| all_in_use(connection, max, limit, purpose))?
        }
    };
    let now = engine.0.store.connections().get(connection.id).await?;
    check_usable(&now, purpose)?;
    if purpose == Purpose::Look && permit.was_rejected(&now) {
        return Err(Error::ConnectionNotUsable(format!(
            "the server has rejected the credentials of the connection \"{}\"; have somebody who may test it look",
            now.name
        )));
    }
    Ok((now, Some(permit)))
}

/// The turn of a pull to log in. Those of one connection on this node do so one after the other, so that the first login that is
/// rejected is the last.
pub(super) async fn login(
    engine: &Engine,
    connection: &Connection,
    opening: &Opening<'_>,
    permit: Option<&Permit>,
) -> Result<Option<OwnedMutexGuard<()>>> {
    let is_pull = opening.others.is_some_and(Sessions::is_pull);
    let Some(permit) = permit.filter(|_| is_pull) else {
        return Ok(None);
    };
    let turn = tokio::time::timeout(LOGIN, permit.slot().login()).await.ok();
    let now = engine.0.store.connections().get(connection.id).await?;
    check_usable(&now, opening.purpose)?;
    Ok(turn)
}

/// What comes of a job's wait for its turn, which is noted where it takes longer than a moment.
async fn in_turn<T>(
    connection: &Connection,
    max: usize,
    turn: impl Future<Output = T>,
    sessions: Option<&Sessions>,
) -> T {
    let Some(sessions) = sessions else {
        return turn.await;
    };
    let noted = async {
        let mut turn = pin!(turn);
        if let Ok(come) = tokio::time::timeout(MOMENT, &mut turn).await {
            return come;
        }
        let name = &connection.name;
        let why = format!(
            "waits for a session of the connection \"{name}\": all {max} of its max_sessions are in use"
        );
        sessions.note_wait(&why).await;
        turn.await
    };
    sessions.wait(noted).await
}

fn max_sessions(effective: &Effective) -> usize {
    usize::try_from(effective.number("max_sessions"))
        .unwrap_or(1)
        .max(1)
}

/// One of the connection's `max_sessions` for a further session beside one that is open: only where it is free now, and
/// nobody waits for it.
pub(crate) async fn spare(engine: &Engine, connection: &Connection) -> Result<Option<Permit>> {
    let max = max_sessions(&effective(engine, connection)?);
    let slot = engine.0.slots.of(connection.id, max);
    if !slot.takes_more(connection) {
        return Ok(None);
    }
    match slot.try_take() {
        Some(permit) => places::try_take(engine, permit, connection.id, max).await,
        None => Ok(None),
    }
}

/// Says nothing of the server, so of a test nothing that its health would follow.
fn all_in_use(connection: &Connection, max: usize, waited: Duration, purpose: Purpose) -> Error {
    let message = format!(
        "all {max} sessions of the connection \"{}\" are in use, and none became free within {} seconds; try again later, or \
         raise its max_sessions if the server takes more",
        connection.name,
        waited.as_secs()
    );
    match purpose {
        Purpose::Test => Error::ConnectionNotUsable(message),
        // It says nothing of the way to the server.
        Purpose::Job(_) => TransferError::new(ErrorKind::Busy, message)
            .with_retry(Retry::Later)
            .into(),
        _ => TransferError::new(ErrorKind::Timeout, message)
            .with_retry(Retry::Later)
            .into(),
    }
}
