//! Steps of executions.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "execution_steps")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) execution_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) step: i32,
    pub(crate) name: Option<String>,
    pub(crate) step_type: String,
    pub(crate) state: String,
    pub(crate) attempts: i32,
    pub(crate) started_at: Option<i64>,
    pub(crate) ended_at: Option<i64>,
    pub(crate) bytes_transferred: i64,
    pub(crate) files_transferred: i64,
    #[sea_orm(column_type = "JsonBinary")]
    pub(crate) error: Option<Json>,
    pub(crate) retries: i32,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
