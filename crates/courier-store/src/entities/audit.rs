//! Audit records. No foreign keys: they outlive what they tell of.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) connection_id: Option<Uuid>,
    pub(crate) operation: String,
    pub(crate) job_execution_id: Option<Uuid>,
    pub(crate) performed_by: String,
    pub(crate) performed_at: i64,
    pub(crate) bytes_transferred: Option<i64>,
    pub(crate) duration_ms: Option<i64>,
    #[sea_orm(column_type = "JsonBinary")]
    pub(crate) details: Json,
    /// The chain, the place in it and the code; none where the record was not written by Courier.
    pub(crate) chain: Option<Uuid>,
    pub(crate) seq: Option<i64>,
    pub(crate) mac: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
