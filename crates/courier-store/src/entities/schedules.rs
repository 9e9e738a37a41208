//! When jobs run by themselves.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "schedules")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) job_id: Uuid,
    /// Its place in the job's definition, from 0.
    pub(crate) position: i32,
    pub(crate) cron: Option<String>,
    pub(crate) timezone: Option<String>,
    pub(crate) at: Option<i64>,
    pub(crate) missed: String,
    pub(crate) next_run_at: Option<i64>,
    /// When it is looked at again: when it is due, or later where its run has to wait.
    pub(crate) look_at: Option<i64>,
    pub(crate) last_run_at: Option<i64>,
    pub(crate) last_execution: Option<Uuid>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
