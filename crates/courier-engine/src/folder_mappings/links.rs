//! Folders that a link on the server leads out of the connection's base path are refused when a mapping is saved, where its
//! server can be asked in a moment. Each pull looks again.

use std::time::Duration;

use courier_store::connections::{Connection, Health};
use courier_transfer::OUT_OF_BASE;
use futures::FutureExt;

use super::definition::MappingDefinition;
use crate::{
    Actor, Engine, Error, Result,
    open::{Opening, open},
    pulls::find::below_base,
    trust::Purpose,
};

/// Nobody who saves a mapping waits longer for its server.
const LONGEST: Duration = Duration::from_secs(5);

/// Asks the server about folders that are others than before. Only where the connection's last use went well, so that no
/// save waits for a server that is away, nor tries a login that is rejected.
///
/// # Errors
/// [`Error::Validation`] where a folder leads out. A server that doesn't answer is no error.
pub(super) async fn check(
    engine: &Engine,
    actor: &Actor,
    connection: &Connection,
    before: Option<&MappingDefinition>,
    wanted: &MappingDefinition,
) -> Result<()> {
    let folders = |of: &MappingDefinition| (of.remote_path.clone(), of.moved_to());
    let may_lead_out = connection.base_path.is_some() && before.map(folders) != Some(folders(wanted));
    if !may_lead_out || connection.health != Health::Healthy {
        return Ok(());
    }
    let look = look(engine, actor, connection, wanted).boxed();
    match tokio::time::timeout(LONGEST, look).await {
        Ok(Err(refused @ Error::Validation { .. })) => Err(refused),
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            tracing::info!(connection = %connection.id, %error, "a mapping was saved without a look at its server");
            Ok(())
        }
        Err(_) => {
            tracing::info!(connection = %connection.id, "a mapping was saved without a look at its slow server");
            Ok(())
        }
    }
}

async fn look(
    engine: &Engine,
    actor: &Actor,
    connection: &Connection,
    wanted: &MappingDefinition,
) -> Result<()> {
    let opening = Opening {
        purpose: Purpose::Look,
        performed_by: &actor.name,
        draft: None,
        others: None,
        permit: None,
    };
    let mut session = open(engine, connection, opening).await.1?;
    let folders = [
        ("remote_path", Some(wanted.remote_path.clone())),
        ("move_to", wanted.moved_to()),
    ];
    let mut looked = Ok(());
    for (field, folder) in folders {
        let Some(folder) = folder else { continue };
        looked = match below_base(&**session.client(), &folder).await {
            Ok(_) => Ok(()),
            Err(error) if error.operation() == Some(OUT_OF_BASE) => {
                let why = format!(
                    "{}; name a folder that lies below it, also where links lead",
                    error.message()
                );
                Err(Error::field(field, why))
            }
            Err(error) => Err(error.into()),
        };
        if looked.is_err() {
            break;
        }
    }
    session.close().await;
    looked
}
