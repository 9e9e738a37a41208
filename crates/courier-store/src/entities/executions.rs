//! Executions of jobs and folder mappings. No foreign key: they outlive what they run.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "executions")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    /// The job, or the folder mapping where `mapping_id` is set.
    pub(crate) job_id: Uuid,
    pub(crate) job_version: i32,
    pub(crate) job_name: String,
    pub(crate) state: String,
    pub(crate) triggered_by: String,
    pub(crate) queued_at: i64,
    pub(crate) started_at: Option<i64>,
    pub(crate) ended_at: Option<i64>,
    pub(crate) node: Option<String>,
    pub(crate) attempts: i32,
    #[sea_orm(column_type = "JsonBinary")]
    pub(crate) error: Option<Json>,
    #[sea_orm(column_type = "JsonBinary")]
    pub(crate) context: Json,
    pub(crate) request: String,
    /// The node's life that has it, while it runs.
    pub(crate) holder: Option<Uuid>,
    pub(crate) scheduled_at: Option<i64>,
    pub(crate) timezone: Option<String>,
    pub(crate) retries: i32,
    pub(crate) crashes: i32,
    pub(crate) crash_mark: i64,
    pub(crate) mapping_id: Option<Uuid>,
    /// A scheduled pull that is done and found nothing.
    pub(crate) uneventful: bool,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
