//! Who pulls a mapping: one execution at a time, on whatever node.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    FolderMapping, FolderMappings,
    health::{self, ConnectionState, Verdict},
    locked, tick,
};
use crate::{
    Error, Result,
    executions::{self, Claim},
    row,
};

/// What comes of asking for a mapping.
#[derive(Clone, Debug, PartialEq)]
pub enum Held {
    /// It is the execution's until that gives it back, or is over.
    Taken(Box<FolderMapping>),
    /// This other execution has it.
    By(Uuid),
}

impl FolderMappings<'_> {
    /// Takes a mapping for a running execution, so that no other pulls it meanwhile. What an execution has left that is over,
    /// paused or queued again is taken over.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] where the claim is lost.
    pub async fn hold(&self, claim: Claim, mapping: Uuid) -> Result<Held> {
        self.0
            .transact(async |db| {
                executions::held(db, claim).await?;
                let before = locked(db, mapping).await?;
                let mut row = before.clone();
                match row.held_by {
                    Some(other) if other != claim.execution && tick::is_running(db, other).await? => {
                        return Ok(Held::By(other));
                    }
                    _ => row.held_by = Some(claim.execution),
                }
                let taken = FolderMapping::try_from(row.clone())?;
                health::save(db, &before, row).await?;
                Ok(Held::Taken(Box::new(taken)))
            })
            .await
    }

    /// Gives a mapping back that was changed last at `seen` when it was taken, with what `judge` says of it, its connection
    /// and the time; where that says nothing, its health stays as it is. What was pulled from a mapping that has been changed
    /// since says nothing of it. Nothing happens where the mapping is gone or another execution's.
    ///
    /// # Errors
    /// [`Error::Conflict`] where the claim is lost.
    pub async fn release(
        &self,
        claim: Claim,
        mapping: Uuid,
        seen: Timestamp,
        judge: impl FnOnce(&FolderMapping, &ConnectionState, Timestamp) -> Option<Verdict>,
    ) -> Result<()> {
        let is_news = self
            .0
            .transact(async |db| {
                executions::held(db, claim).await?;
                let before = match locked(db, mapping).await {
                    Err(Error::NotFound { .. }) => return Ok(false),
                    row => row?,
                };
                let mut row = before.clone();
                if row.held_by != Some(claim.execution) {
                    return Ok(false);
                }
                row.held_by = None;
                let connections = health::connections(db, std::iter::once(row.connection_id)).await?;
                let is_same = row.updated_at == seen.as_microsecond();
                if let Some(connection) = connections.get(&row.connection_id).filter(|_| is_same) {
                    let at = tick::clock(self.0, db).await?;
                    match judge(&FolderMapping::try_from(row.clone())?, connection, at) {
                        None => {}
                        Some(Verdict::Well) => health::heal(&mut row, at),
                        Some(Verdict::WellBut { code, detail }) => {
                            health::heal(&mut row, at);
                            row.health_code = Some(code.to_owned());
                            row.health_detail = Some(row::clean(&detail));
                        }
                        Some(Verdict::Ill(ill, next)) => {
                            row.failures = row.failures.saturating_add(1);
                            health::apply(&mut row, ill, at);
                            // One that pulls only when somebody asks is not due by itself.
                            if let (Some(next), Some(_)) = (next, row.next_run_at) {
                                row.next_run_at = Some(next.as_microsecond());
                                row.look_at = row.next_run_at;
                            }
                        }
                    }
                }
                let is_news = before.health != row.health;
                health::save(db, &before, row).await?;
                Ok(is_news)
            })
            .await?;
        if is_news {
            self.0.bus().changed("folder-mappings", Some(mapping));
        }
        Ok(())
    }
}
