//! Rules about whom to tell of what.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "alerts")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) enabled: bool,
    #[sea_orm(column_type = "JsonBinary")]
    pub(crate) rule: Json,
    /// What webhooks are signed with, sealed.
    pub(crate) secret: Option<Vec<u8>>,
    pub(crate) checked_at: i64,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
