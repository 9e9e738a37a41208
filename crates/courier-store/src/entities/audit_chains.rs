//! The two ends of each chain of audit records.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_chains")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) chain: Uuid,
    /// The newest record, and its code.
    pub(crate) seq: i64,
    pub(crate) mac: Vec<u8>,
    /// The code of the head itself.
    pub(crate) head_mac: Vec<u8>,
    /// The newest record that was trimmed, and its code; 0 and zeros where none was.
    pub(crate) base_seq: i64,
    pub(crate) base_mac: Vec<u8>,
    /// The code of the base itself.
    pub(crate) base_auth: Vec<u8>,
    /// The newest record that a seal names; 0 where none does.
    pub(crate) sealed_seq: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
