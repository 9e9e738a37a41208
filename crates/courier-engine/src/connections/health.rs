//! The health that connections are shown with: their own, or that of their folder mappings, whichever is graver.

use std::collections::HashMap;

use courier_store::{
    connections::{Connection, Health},
    folder_mappings::Ailing,
};
use uuid::Uuid;

use crate::{Engine, Result};

/// The mappings of some connections that pull by themselves and don't fare well.
#[derive(Debug, Default)]
pub(super) struct AilingMappings(HashMap<Uuid, Vec<Ailing>>);

impl AilingMappings {
    /// Those of these connections.
    pub(super) async fn of(engine: &Engine, connections: &[Connection]) -> Result<Self> {
        let ids: Vec<Uuid> = connections.iter().map(|connection| connection.id).collect();
        let mut all: HashMap<Uuid, Vec<Ailing>> = HashMap::new();
        for ailing in engine.0.store.folder_mappings().ailing(&ids).await? {
            all.entry(ailing.connection_id).or_default().push(ailing);
        }
        Ok(Self(all))
    }

    /// A connection's health and why.
    pub(super) fn with(&self, connection: &Connection) -> (Health, Option<String>) {
        let own = (connection.health, connection.health_detail.clone());
        let ailing = self.0.get(&connection.id).map(Vec::as_slice).unwrap_or_default();
        // The oldest of the gravest.
        let Some(worst) = ailing.iter().rev().max_by_key(|one| gravity(one.health)) else {
            return own;
        };
        if gravity(own.0) >= gravity(worst.health) {
            return own;
        }
        let mut words = format!("the folder mapping \"{}\"", worst.name);
        if let Some(detail) = &worst.detail {
            words = format!("{words}: {detail}");
        }
        match ailing.len() - 1 {
            0 => {}
            1 => words.push_str("; another one does not fare well, either"),
            others => words = format!("{words}; {others} others do not fare well, either"),
        }
        (worst.health, Some(words))
    }
}

fn gravity(health: Health) -> u8 {
    match health {
        Health::Unknown | Health::Healthy => 0,
        Health::Failing => 1,
        Health::RequiresAttention => 2,
    }
}
