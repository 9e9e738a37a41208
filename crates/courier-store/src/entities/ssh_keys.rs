//! SSH keys.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "ssh_keys")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) key_type: String,
    pub(crate) public_key: String,
    pub(crate) private_key: Option<Vec<u8>>,
    pub(crate) fingerprint: String,
    pub(crate) status: String,
    pub(crate) notes: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) created_by: String,
    pub(crate) last_used_at: Option<i64>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
