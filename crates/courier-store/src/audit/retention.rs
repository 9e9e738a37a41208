//! Trimming: records that are older than their retention go, and what remains can still be verified.
//!
//! A chain loses its oldest part, never its middle. Its base says where it begins since then, and has a code of its own.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr,
};
use serde_json::json;
use uuid::Uuid;

use super::{
    Audit, NewAudit,
    chain::{Authenticator, GENERAL, base_code, base_is_genuine, lock, record_code},
};
use crate::{
    Error, Result,
    entities::{
        audit,
        audit_chains::{Column, Entity, Model},
    },
};

/// Records that go in one transaction, more or less: nobody records on their chains meanwhile.
const BATCH: u64 = 2000;
/// Chains that are looked at at once.
const CHAINS: u64 = 100;

impl Audit<'_> {
    /// Removes the records before this time, as far as no younger one stands before them in their chain, and records
    /// how many. Answers that number.
    ///
    /// # Errors
    /// As [`Self::append`]. What was removed until then is recorded.
    pub async fn trim(&self, until: Timestamp) -> Result<u64> {
        let (mut after, mut removed) = (None, 0);
        loop {
            let mut page = Entity::find()
                .select_only()
                .column(Column::Chain)
                .order_by_asc(Column::Chain)
                .limit(CHAINS);
            if let Some(after) = after {
                page = page.filter(Column::Chain.gt(after));
            }
            let chains: Vec<Uuid> = page.into_tuple().all(self.0.read()).await?;
            let Some(last) = chains.last() else {
                return Ok(removed);
            };
            after = Some(*last);
            let mut old = BTreeSet::new();
            for chain in chains {
                if first_is_before(self.0.read(), chain, until).await? {
                    old.insert(chain);
                }
            }
            while !old.is_empty() {
                match self.trim_some(&old, until).await? {
                    0 => break,
                    some => removed += some,
                }
            }
        }
    }

    /// One transaction's worth.
    async fn trim_some(&self, chains: &BTreeSet<Uuid>, until: Timestamp) -> Result<u64> {
        let key = self.0.authenticator()?;
        // The chain of the record of it is locked with the others, in their order.
        let locked = chains.iter().copied().chain([GENERAL]).collect();
        self.0
            .transact(async |db| {
                let mut removed = 0;
                for (chain, head) in lock(db, key, &locked).await? {
                    if chains.contains(&chain) && removed < BATCH {
                        removed += trim_chain(db, key, head, until, BATCH - removed).await?;
                    }
                }
                if removed > 0 {
                    let record = NewAudit {
                        details: json!({"records": removed, "until": until}),
                        ..NewAudit::new("audit_trimmed", "system")
                    };
                    self.0.append_audit(db, vec![record]).await?;
                }
                Ok(removed)
            })
            .await
    }
}

async fn first_is_before(db: &impl ConnectionTrait, chain: Uuid, until: Timestamp) -> Result<bool> {
    let first: Option<i64> = audit::Entity::find()
        .select_only()
        .column(audit::Column::PerformedAt)
        .filter(audit::Column::Chain.eq(chain))
        .order_by_asc(audit::Column::Seq)
        .into_tuple()
        .one(db)
        .await?;
    Ok(first.is_some_and(|at| at < until.as_microsecond()))
}

/// Moves the base of a chain, whose head is locked, over old records and deletes them; the triggers want that order.
async fn trim_chain(
    db: &impl ConnectionTrait,
    key: &dyn Authenticator,
    mut head: Model,
    until: Timestamp,
    limit: u64,
) -> Result<u64> {
    if !base_is_genuine(key, &head) {
        return Err(Error::AuditChain(format!(
            "the base of chain {} is not what Courier wrote",
            head.chain
        )));
    }
    let of_chain = audit::Column::Chain.eq(head.chain);
    let oldest = audit::Entity::find()
        .filter(of_chain.clone())
        .filter(audit::Column::Seq.gt(head.base_seq))
        .order_by_asc(audit::Column::Seq)
        .limit(limit)
        .all(db)
        .await?;
    let before = head.base_seq;
    for row in oldest {
        let code = record_code(key, head.chain, head.base_seq + 1, &head.base_mac, &row);
        // A record that was made to look old isn't removed, nor is anything after it: it is left to be found.
        if row.seq != Some(head.base_seq + 1) || row.mac.as_deref() != Some(&code) {
            tracing::error!(record = %row.id, chain = %head.chain, "this audit record is not what Courier wrote");
            break;
        }
        if row.performed_at >= until.as_microsecond() {
            break;
        }
        (head.base_seq, head.base_mac) = (head.base_seq + 1, code.to_vec());
    }
    if head.base_seq == before {
        return Ok(0);
    }
    Entity::update_many()
        .col_expr(Column::BaseSeq, Expr::value(head.base_seq))
        .col_expr(Column::BaseMac, Expr::value(head.base_mac.clone()))
        .col_expr(Column::BaseAuth, Expr::value(base_code(key, &head).to_vec()))
        .filter(Column::Chain.eq(head.chain))
        .exec(db)
        .await?;
    let gone = audit::Entity::delete_many()
        .filter(of_chain)
        .filter(audit::Column::Seq.lte(head.base_seq))
        .exec(db)
        .await?;
    Ok(gone.rows_affected)
}
