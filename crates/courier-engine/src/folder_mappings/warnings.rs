//! What of a folder mapping may not be meant so, in words.

use std::collections::HashMap;

use courier_store::{
    connections::{Connection, ConnectionStatus, Health},
    folder_mappings as store,
};
use courier_transfer::RemotePath;
use uuid::Uuid;

use super::{
    FolderMapping, definition,
    definition::{MappingDefinition, MappingIdentity},
    overlap,
};
use crate::{Engine, Result};

/// Mappings as they are shown.
///
/// # Errors
/// [`crate::Error::Store`].
pub(super) async fn shown(
    engine: &Engine,
    mappings: Vec<store::FolderMapping>,
) -> Result<Vec<FolderMapping>> {
    let mut of: Vec<Uuid> = mappings.iter().map(|mapping| mapping.connection_id).collect();
    of.sort_unstable();
    of.dedup();
    let store = &engine.0.store;
    let mut others: HashMap<Uuid, Vec<(Uuid, String, MappingDefinition)>> = HashMap::new();
    for other in store.folder_mappings().of_connections(&of).await? {
        let definition = definition(&other)?;
        let of = others.entry(other.connection_id).or_default();
        of.push((other.id, other.name, definition));
    }
    let connections = store.connections().several(&of).await?;
    let connections: HashMap<Uuid, Connection> = connections.into_iter().map(|c| (c.id, c)).collect();
    let shown = mappings.into_iter().map(|mapping| {
        let definition = definition(&mapping)?;
        let connection = connections.get(&mapping.connection_id);
        // Else ticks come, and try nothing.
        let is_tried = connection
            .is_none_or(|of| of.status == ConnectionStatus::Active && of.health != Health::RequiresAttention);
        let mut warnings = of_itself(&definition, connection);
        for (id, name, other) in others.get(&mapping.connection_id).into_iter().flatten() {
            if *id != mapping.id
                && let Some(why) = overlap::between(&definition, other)
            {
                warnings.push(format!("The folder mapping \"{name}\" {why}."));
            }
        }
        Ok(FolderMapping {
            definition,
            id: mapping.id,
            connection_id: mapping.connection_id,
            name: mapping.name,
            enabled: mapping.enabled,
            next_run_at: mapping.next_run_at.filter(|_| is_tried),
            last_run_at: mapping.last_run_at,
            last_execution: mapping.last_execution,
            failures: mapping.failures,
            health: mapping.health,
            health_code: mapping.health_code,
            health_detail: mapping.health_detail,
            last_ok_at: mapping.last_ok_at,
            failing_since: mapping.failing_since,
            warnings,
            created_at: mapping.created_at,
            updated_at: mapping.updated_at,
        })
    });
    shown.collect()
}

fn of_itself(mapping: &MappingDefinition, connection: Option<&Connection>) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(connection) = connection {
        if connection.status == ConnectionStatus::Disabled {
            warnings.push("The connection is disabled: nothing is pulled.".to_owned());
        }
        let base = connection.base_path.as_deref().map(RemotePath::new);
        if let Some(Ok(base)) = base
            && !base.is_top()
            && mapping.remote_path.strip_base(&base).is_some()
        {
            warnings.push(format!(
                "The remote path begins with the connection's base path, below which it lies: on the server it is {}.",
                base.join_below(&mapping.remote_path)
            ));
        }
    }
    if mapping.identity == MappingIdentity::Path {
        warnings.push("A file that comes anew under a name that was pulled is not pulled.".to_owned());
    }
    warnings
}
