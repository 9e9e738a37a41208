//! Seals: records, in a chain of their own, of where the other chains end.
//!
//! A copy of an old head, put back over a tail that was cut off, is genuine in itself. It is found by the seals, and what
//! is done to the seals by the newest of them, which is kept outside of the database too.

use jiff::Timestamp;
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Audit, NewAudit,
    chain::{SEALS, base_is_genuine, head_is_genuine, record_code, save},
    hex, unhex,
};
use crate::{
    Result,
    entities::{
        audit,
        audit_chains::{Column, Entity, Model},
    },
    now, row,
};

/// The operation of seals.
pub const SEALED: &str = "audit_sealed";

/// Heads in one seal.
const HEADS: usize = 500;

/// A place in a chain and the code there: of the chain of seals, to be kept outside of the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// The place of the newest seal.
    pub seq: u64,
    /// Its code, as hexadecimal digits.
    pub mac: String,
    /// When it was seen to be the newest.
    pub at: Timestamp,
}

impl Seal {
    fn of(head: &Model) -> Self {
        Self {
            seq: row::amount(head.seq),
            mac: hex(&head.mac),
            at: now(),
        }
    }
}

/// An end of a chain, as a seal names it.
pub(super) struct Named {
    pub(super) chain: Uuid,
    pub(super) seq: i64,
    /// Hexadecimal digits.
    pub(super) mac: String,
}

impl Audit<'_> {
    /// Seals the chains that have grown since the last seal; none where none has.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub async fn seal(&self) -> Result<Option<Seal>> {
        let key = self.0.authenticator()?;
        let grown = Entity::find()
            .filter(Column::Chain.ne(SEALS))
            .filter(Expr::col(Column::SealedSeq).ne(Expr::col(Column::Seq)));
        // Nobody is kept waiting where nothing is to be done.
        if grown.clone().one(self.0.read()).await?.is_none() {
            return Ok(None);
        }
        self.0
            .transact(async |db| {
                let mut heads = grown.order_by_asc(Column::Chain).lock_exclusive().all(db).await?;
                // One that was tampered with keeps none of the others from being sealed.
                heads.retain(|head| {
                    let genuine = head_is_genuine(key, head);
                    if !genuine {
                        tracing::error!(chain = %head.chain, "the head of this chain of audit records is not what Courier wrote");
                    }
                    genuine
                });
                if heads.is_empty() {
                    return Ok(None);
                }
                let records = heads.chunks(HEADS).map(record).collect();
                for head in &mut heads {
                    head.sealed_seq = head.seq;
                }
                save(db, key, heads).await?;
                self.0.append_audit(db, records).await?;
                let newest = Entity::find_by_id(SEALS).one(db).await?;
                Ok(newest.as_ref().map(Seal::of))
            })
            .await
    }

    /// The newest seal, whichever node made it; none where there is none, or its head isn't what Courier wrote.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub async fn newest_seal(&self) -> Result<Option<Seal>> {
        let key = self.0.authenticator()?;
        let head = Entity::find_by_id(SEALS).one(self.0.read()).await?;
        let head = head.filter(|head| head.seq > 0 && head_is_genuine(key, head));
        Ok(head.as_ref().map(Seal::of))
    }

    /// Do the seals go on from this one to the newest, without a gap? A row in its place proves nothing: it may have been
    /// left, or put there, when the database was set back. One that was trimmed counts as well.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub async fn holds(&self, seal: &Seal) -> Result<bool> {
        let key = self.0.authenticator()?;
        let db = self.0.snapshot().await?;
        let head = Entity::find_by_id(SEALS).one(&db).await?;
        let head = head.filter(|head| head_is_genuine(key, head) && base_is_genuine(key, head));
        let (Some(head), Some(mac)) = (head, unhex(&seal.mac)) else {
            return Ok(false);
        };
        let (mut seq, mut mac) = (row::stored(seal.seq), mac);
        if seq < head.base_seq {
            return Ok(true);
        }
        while seq < head.seq {
            let next = audit::Entity::find()
                .filter(audit::Column::Chain.eq(SEALS))
                .filter(audit::Column::Seq.eq(seq + 1))
                .one(&db)
                .await?;
            let Some(next) = next else { return Ok(false) };
            mac = record_code(key, SEALS, seq + 1, &mac, &next).to_vec();
            seq += 1;
        }
        // The head's code is over all of them.
        Ok(seq == head.seq && mac == head.mac)
    }
}

fn record(heads: &[Model]) -> NewAudit {
    let heads: Vec<Value> = heads
        .iter()
        .map(|head| json!({"chain": head.chain, "seq": head.seq, "mac": hex(&head.mac)}))
        .collect();
    NewAudit {
        details: json!({"heads": heads}),
        ..NewAudit::new(SEALED, "system")
    }
}

/// What a seal's details name.
pub(super) fn named(details: &Value) -> impl Iterator<Item = Named> {
    let heads = details.get("heads").and_then(Value::as_array);
    heads.into_iter().flatten().filter_map(|head| {
        Some(Named {
            chain: head.get("chain")?.as_str()?.parse().ok()?,
            seq: head.get("seq")?.as_i64()?,
            mac: head.get("mac")?.as_str()?.to_owned(),
        })
    })
}
