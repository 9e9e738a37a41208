//! Chains of audit records: one for each connection, so that those who record wait for nobody but those who record on
//! the same connection.
//!
//! Each record has a place in its chain and a code over itself and the code before it. The head of a chain, in a table of
//! its own, has a code as well, so that a tail can't be cut off without being missed; so has its base, up to which records
//! were trimmed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, sea_query::OnConflict,
};
use uuid::Uuid;

use super::{NewAudit, canonical::Canonical, row_of};
use crate::{
    Error, Result, Store,
    entities::{
        audit,
        audit_chains::{Column, Entity, Model},
    },
};

/// Makes the codes of the audit log, with a key that the store doesn't know.
pub trait Authenticator: fmt::Debug + Send + Sync {
    /// The code of these bytes: always the same for the same bytes, and not to be had without the key.
    fn authenticate(&self, bytes: &[u8]) -> [u8; 32];
}

/// The chain of records of no connection.
pub const GENERAL: Uuid = Uuid::nil();
/// The chain of seals: the last in every order.
pub const SEALS: Uuid = Uuid::max();

/// What stands for the code before the first record.
pub(super) const NONE_BEFORE: [u8; 32] = [0; 32];

/// Rows in one statement; its parameters stay well under what SQLite takes.
const BATCH: usize = 500;

impl Store {
    /// Gives the key of the audit log. Nothing is recorded before that.
    ///
    /// # Errors
    /// [`Error::Conflict`] where it was given already.
    pub fn chain_audit_with(&self, authenticator: std::sync::Arc<dyn Authenticator>) -> Result<()> {
        self.audit_key()
            .set(authenticator)
            .map_err(|_| Error::Conflict("the audit log has its key already".into()))
    }

    pub(super) fn authenticator(&self) -> Result<&dyn Authenticator> {
        match self.audit_key().get() {
            Some(authenticator) => Ok(&**authenticator),
            None => Err(Error::AuditChain(
                "nothing can be recorded before its key is there".into(),
            )),
        }
    }

    /// Appends within somebody else's transaction, as its last act: what a change did and the record of it are there
    /// together or not at all. It locks the heads of the records' chains, in the same order everywhere, so that no two
    /// transactions wait for each other.
    ///
    /// # Errors
    /// [`Error::AuditChain`] where a head isn't what was written: to go on from it would hide that.
    pub(crate) async fn append_audit(&self, db: &impl ConnectionTrait, records: Vec<NewAudit>) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let key = self.authenticator()?;
        let chains = records.iter().map(chain_of).collect();
        let mut heads = lock(db, key, &chains).await?;
        let mut rows = Vec::with_capacity(records.len());
        for record in records {
            let chain = chain_of(&record);
            let head = heads.get_mut(&chain).ok_or_else(|| head_is_gone(chain))?;
            rows.push(all_set(extend(key, head, row_of(record))));
        }
        for batch in rows.chunks(BATCH) {
            audit::Entity::insert_many(batch.to_vec())
                .exec_without_returning(db)
                .await?;
        }
        save(db, key, heads.into_values().collect()).await
    }
}

/// The chain that a record goes to.
fn chain_of(record: &NewAudit) -> Uuid {
    match record.operation.as_str() {
        super::SEALED => SEALS,
        _ => record.connection_id.unwrap_or(GENERAL),
    }
}

/// Puts a record at the end of its chain.
pub(super) fn extend(key: &dyn Authenticator, head: &mut Model, mut row: audit::Model) -> audit::Model {
    head.seq += 1;
    head.mac = record_code(key, head.chain, head.seq, &head.mac, &row).to_vec();
    row.chain = Some(head.chain);
    row.seq = Some(head.seq);
    row.mac = Some(head.mac.clone());
    row
}

/// The heads of these chains, locked until the transaction's end, and made where they are missing. Chains are locked in
/// the order of their ids, and nothing is locked while one is made, which waits for whoever makes the same one.
pub(super) async fn lock(
    db: &impl ConnectionTrait,
    key: &dyn Authenticator,
    chains: &BTreeSet<Uuid>,
) -> Result<BTreeMap<Uuid, Model>> {
    let wanted = Entity::find()
        .filter(Column::Chain.is_in(chains.iter().copied()))
        .order_by_asc(Column::Chain);
    if chains.len() > 1 {
        let there = wanted.clone().select_only().column(Column::Chain);
        let there: Vec<Uuid> = there.into_tuple().all(db).await?;
        make(db, key, chains.iter().filter(|chain| !there.contains(chain))).await?;
    }
    let mut heads = wanted.clone().lock_exclusive().all(db).await?;
    if heads.is_empty() {
        make(db, key, chains.iter()).await?;
        heads = wanted.lock_exclusive().all(db).await?;
    }
    for head in &heads {
        if !head_is_genuine(key, head) {
            return Err(Error::AuditChain(format!(
                "the head of chain {} is not what Courier wrote; `courier admin verify-audit` tells more",
                head.chain
            )));
        }
    }
    Ok(heads.into_iter().map(|head| (head.chain, head)).collect())
}

async fn make(
    db: &impl ConnectionTrait,
    key: &dyn Authenticator,
    chains: impl Iterator<Item = &Uuid>,
) -> Result<()> {
    for chain in chains {
        let keep = OnConflict::column(Column::Chain).do_nothing().to_owned();
        Entity::insert(new_head(key, *chain).into_active_model().reset_all())
            .on_conflict(keep)
            .exec_without_returning(db)
            .await?;
    }
    Ok(())
}

/// The head of a chain without records.
pub(super) fn new_head(key: &dyn Authenticator, chain: Uuid) -> Model {
    let mut head = Model {
        chain,
        seq: 0,
        mac: NONE_BEFORE.to_vec(),
        head_mac: Vec::new(),
        base_seq: 0,
        base_mac: NONE_BEFORE.to_vec(),
        base_auth: Vec::new(),
        sealed_seq: 0,
    };
    head.head_mac = head_code(key, &head).to_vec();
    head.base_auth = base_code(key, &head).to_vec();
    head
}

/// Writes heads that were locked.
pub(super) async fn save(
    db: &impl ConnectionTrait,
    key: &dyn Authenticator,
    heads: Vec<Model>,
) -> Result<()> {
    let mut rows = Vec::with_capacity(heads.len());
    for mut head in heads {
        head.head_mac = head_code(key, &head).to_vec();
        rows.push(head.into_active_model().reset_all());
    }
    let replace = OnConflict::column(Column::Chain)
        .update_columns([Column::Seq, Column::Mac, Column::HeadMac, Column::SealedSeq])
        .to_owned();
    for batch in rows.chunks(BATCH) {
        Entity::insert_many(batch.to_vec())
            .on_conflict(replace.clone())
            .exec_without_returning(db)
            .await?;
    }
    Ok(())
}

/// The code of a record in this place, after the record with that code.
pub(super) fn record_code(
    key: &dyn Authenticator,
    chain: Uuid,
    seq: i64,
    previous: &[u8],
    row: &audit::Model,
) -> [u8; 32] {
    let bytes = Canonical::new("courier audit record")
        .id(chain)
        .integer(seq)
        .bytes(previous)
        .record(row)
        .finish();
    key.authenticate(&bytes)
}

pub(super) fn head_code(key: &dyn Authenticator, head: &Model) -> [u8; 32] {
    let bytes = Canonical::new("courier audit head")
        .id(head.chain)
        .integer(head.seq)
        .bytes(&head.mac)
        .integer(head.sealed_seq)
        .finish();
    key.authenticate(&bytes)
}

pub(super) fn base_code(key: &dyn Authenticator, head: &Model) -> [u8; 32] {
    let bytes = Canonical::new("courier audit base")
        .id(head.chain)
        .integer(head.base_seq)
        .bytes(&head.base_mac)
        .finish();
    key.authenticate(&bytes)
}

pub(super) fn head_is_genuine(key: &dyn Authenticator, head: &Model) -> bool {
    head.head_mac == head_code(key, head)
}

pub(super) fn base_is_genuine(key: &dyn Authenticator, head: &Model) -> bool {
    head.base_auth == base_code(key, head)
}

fn head_is_gone(chain: Uuid) -> Error {
    Error::AuditChain(format!("the head of chain {chain} is gone"))
}

fn all_set(row: audit::Model) -> audit::ActiveModel {
    row.into_active_model().reset_all()
}
