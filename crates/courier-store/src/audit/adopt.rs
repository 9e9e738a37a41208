//! The key of the chains, kept sealed among the settings, and the records that are older than it.

use std::collections::HashMap;

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set,
};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Audit,
    chain::{Authenticator, GENERAL, SEALS, extend, new_head, save},
};
use crate::{
    Error, Result,
    entities::{
        audit::{ActiveModel, Column, Entity},
        audit_chains,
    },
    settings,
};

/// The setting that keeps the sealed key.
pub const KEY: &str = "audit.key";

/// Records that are read at once.
const PAGE: u64 = 1000;

impl Audit<'_> {
    /// Keeps a new key, sealed, and chains with it the records that are older, oldest first: all of that or nothing.
    /// Answers whether it is kept; somebody else's may be there already.
    ///
    /// # Errors
    /// [`Error::AuditChain`] where there are chains, whose key is missing therefore.
    pub async fn keep_key(&self, sealed: Value, authenticator: &dyn Authenticator) -> Result<bool> {
        self.0
            .transact(async |db| {
                if !settings::insert(db, KEY, sealed).await? {
                    return Ok(false);
                }
                if audit_chains::Entity::find().count(db).await? > 0 {
                    return Err(Error::AuditChain(format!(
                        "there are chained records, but the setting {KEY} is missing, which holds their key; \
                         restore it from a backup"
                    )));
                }
                adopt(db, authenticator).await?;
                Ok(true)
            })
            .await
    }
}

async fn adopt(db: &impl ConnectionTrait, key: &dyn Authenticator) -> Result<()> {
    let mut heads = HashMap::from([(SEALS, new_head(key, SEALS))]);
    let mut last = Uuid::nil();
    let mut records = 0_u64;
    loop {
        let older = Entity::find()
            .filter(Column::Mac.is_null())
            .filter(Column::Id.gt(last))
            .order_by_asc(Column::Id)
            .limit(PAGE)
            .all(db)
            .await?;
        let Some(row) = older.last() else { break };
        last = row.id;
        records += older.len() as u64;
        for row in older {
            let chain = row.connection_id.unwrap_or(GENERAL);
            let head = heads.entry(chain).or_insert_with(|| new_head(key, chain));
            let row = extend(key, head, row);
            let place = ActiveModel {
                chain: Set(row.chain),
                seq: Set(row.seq),
                mac: Set(row.mac),
                ..Default::default()
            };
            Entity::update_many()
                .set(place)
                .filter(Column::Id.eq(row.id))
                .exec(db)
                .await?;
        }
    }
    if records > 0 {
        tracing::warn!(
            records,
            "the audit log has a new key, and the records until now are chained with it, as they are; that happens once, \
             at the first start of a version with chains"
        );
    }
    save(db, key, heads.into_values().collect()).await
}
