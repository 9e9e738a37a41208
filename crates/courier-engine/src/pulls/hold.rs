//! A pull has its mapping to itself, and says when it gives it back how the mapping fares.

use std::time::Duration;

use courier_store::folder_mappings::{ConnectionState, FolderMapping, Held};
use futures::FutureExt;
use jiff::Timestamp;
use uuid::Uuid;

use super::health::{Ended, judge};
use crate::{Error, Result, steps::Step};

/// How often is asked whether another pull of the mapping is over.
const LOOK: Duration = Duration::from_millis(500);

/// A mapping that the step's execution alone pulls, until it gives it back or is over.
#[derive(Debug)]
pub(crate) struct Hold<'a> {
    step: &'a Step<'a>,
    /// The mapping as it was when it was taken.
    pub(crate) mapping: FolderMapping,
}

impl<'a> Hold<'a> {
    /// Takes a mapping. While another execution pulls it, this waits.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Store`], also where the execution is no longer this node's.
    pub(crate) async fn take(step: &'a Step<'a>, mapping: Uuid) -> Result<Self> {
        let mappings = step.engine().0.store.folder_mappings();
        let mut told = false;
        loop {
            match mappings.hold(step.state.claim(), mapping).await {
                Ok(Held::Taken(mapping)) => {
                    return Ok(Self {
                        step,
                        mapping: *mapping,
                    });
                }
                Ok(Held::By(other)) => {
                    if !std::mem::replace(&mut told, true) {
                        let why = format!(
                            "the execution {other} pulls the same folder mapping, and this one waits for its end"
                        );
                        step.sessions.note_wait(&why).await;
                    }
                    step.state.progressed();
                    tokio::time::sleep(LOOK).await;
                }
                Err(courier_store::Error::NotFound {
                    what: "folder mapping",
                }) => return Err(Error::not_found("folder mapping", mapping)),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Gives the mapping back, and writes down how it fares by how its pull has ended.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub(crate) async fn give_back(self, ended: Ended<'_>) -> Result<()> {
        let (engine, claim) = (self.step.engine(), self.step.state.claim());
        let (id, seen) = (self.mapping.id, self.mapping.updated_at);
        let judge = |mapping: &FolderMapping, connection: &ConnectionState, at: Timestamp| {
            judge(mapping, connection, ended, at)
        };
        let write = || {
            async move {
                let mappings = engine.0.store.folder_mappings();
                Ok(mappings.release(claim, id, seen, judge).await?)
            }
            .boxed()
        };
        engine.persist(write).await
    }
}
