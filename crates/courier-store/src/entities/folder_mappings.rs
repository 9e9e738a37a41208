//! Folders of connections from which each file is pulled once.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "folder_mappings")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) connection_id: Uuid,
    pub(crate) name: String,
    pub(crate) storage_id: Uuid,
    pub(crate) enabled: bool,
    #[sea_orm(column_type = "JsonBinary")]
    pub(crate) definition: Json,
    pub(crate) next_run_at: Option<i64>,
    /// When the tick looks at it next: never before it is due, and later where it can't run now.
    pub(crate) look_at: Option<i64>,
    pub(crate) last_run_at: Option<i64>,
    pub(crate) last_execution: Option<Uuid>,
    pub(crate) failures: i32,
    pub(crate) health: String,
    pub(crate) health_code: Option<String>,
    pub(crate) health_detail: Option<String>,
    pub(crate) last_ok_at: Option<i64>,
    pub(crate) failing_since: Option<i64>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    /// The execution that pulls it, while that runs.
    pub(crate) held_by: Option<Uuid>,
    /// Is it due at once when its connection is well, or changed?
    pub(crate) waits_for_connection: bool,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
