//! Host keys that connections have seen.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "known_hosts")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) connection_id: Uuid,
    pub(crate) key_type: Option<String>,
    pub(crate) fingerprint: String,
    pub(crate) pinned: bool,
    pub(crate) pinned_at: Option<i64>,
    pub(crate) first_seen: i64,
    pub(crate) last_seen: Option<i64>,
    pub(crate) approved_by: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
