//! Calls of functions.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "function_calls")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) execution_id: Uuid,
    pub(crate) step: i32,
    pub(crate) job_try: i32,
    pub(crate) step_try: i32,
    pub(crate) connection_id: Uuid,
    pub(crate) app: String,
    pub(crate) workspace: String,
    pub(crate) function_name: String,
    #[sea_orm(unique)]
    pub(crate) trace_id: String,
    pub(crate) state: String,
    pub(crate) triggered_at: i64,
    pub(crate) not_before: i64,
    /// How often the logs were asked for its run and answered: what a wait has to show for itself.
    pub(crate) looks: i32,
    pub(crate) run_id: Option<String>,
    #[sea_orm(column_type = "JsonBinary")]
    pub(crate) run: Option<Json>,
    pub(crate) ended_at: Option<i64>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
