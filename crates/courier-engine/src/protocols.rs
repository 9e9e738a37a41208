//! The protocols that this engine was given.

use std::{collections::BTreeMap, sync::Arc};

use courier_transfer::Protocol;

/// The protocols, by name. Made once, by the server.
#[derive(Clone, Debug)]
pub struct Protocols(Arc<BTreeMap<&'static str, Arc<dyn Protocol>>>);

impl Protocols {
    /// These; of two with one name the later counts.
    pub fn new(protocols: Vec<Arc<dyn Protocol>>) -> Self {
        Self(Arc::new(protocols.into_iter().map(|p| (p.name(), p)).collect()))
    }

    /// The protocol of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Protocol>> {
        self.0.get(name)
    }

    /// Their names, sorted.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }
}
