//! How a subject, such as a job, stands with what was told of it.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "alert_subjects")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) alert_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) subject: String,
    /// The severity of the last message; 0 where all is well.
    pub(crate) told: i32,
    /// The gravest of the messages since the last time of quiet.
    pub(crate) peak: i32,
    /// Until then, no further message about the same.
    pub(crate) window_until: i64,
    /// The message that waits for the end of that time, and into which later ones go.
    pub(crate) waiting: Option<Uuid>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
