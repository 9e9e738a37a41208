//! The protocols that connections may have: those that move files, which the engine was given, and its own one that doesn't.

use std::{collections::BTreeMap, sync::Arc};

use courier_transfer::{Describe, Protocol};

use crate::azure_functions::{self, AzureFunction};

/// The protocols, by name. Made once, by the server.
#[derive(Clone, Debug)]
pub struct Protocols(Arc<BTreeMap<&'static str, Arc<dyn Protocol>>>);

impl Protocols {
    /// These move files; of two with one name the later counts.
    pub fn new(files: Vec<Arc<dyn Protocol>>) -> Self {
        Self(Arc::new(files.into_iter().map(|p| (p.name(), p)).collect()))
    }

    /// What describes the connections of the protocol of that name.
    pub fn get(&self, name: &str) -> Option<&dyn Describe> {
        match name {
            azure_functions::PROTOCOL => Some(&AzureFunction),
            _ => self.files(name).map(|protocol| &**protocol as &dyn Describe),
        }
    }

    /// The protocol of that name, where it moves files.
    pub fn files(&self, name: &str) -> Option<&Arc<dyn Protocol>> {
        self.0.get(name)
    }

    /// The names of all, sorted.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names = self.names_of_files();
        names.push(AzureFunction.name());
        names.sort_unstable();
        names
    }

    /// The names of those that move files, sorted.
    pub fn names_of_files(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }
}
