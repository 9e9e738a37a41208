//! Messages: those that are to be sent, and what became of the others.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "alert_deliveries")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) alert_id: Uuid,
    pub(crate) kind: String,
    pub(crate) recovered: bool,
    #[sea_orm(column_type = "JsonBinary")]
    pub(crate) facts: Json,
    pub(crate) held: i32,
    #[sea_orm(column_type = "JsonBinary")]
    pub(crate) earlier: Json,
    pub(crate) state: String,
    pub(crate) attempts: i32,
    pub(crate) happened_at: i64,
    pub(crate) due_at: i64,
    pub(crate) ended_at: Option<i64>,
    pub(crate) answer: Option<String>,
    /// The message that this one went out with.
    pub(crate) joined_into: Option<Uuid>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
