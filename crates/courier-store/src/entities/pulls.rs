//! What was pulled, and what is being pulled.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "pulls")]
pub(crate) struct Model {
    /// The mark of the object, too.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) connection_id: Uuid,
    pub(crate) mapping_id: Uuid,
    /// The execution that recorded it; before that, the one that began it.
    pub(crate) execution_id: Uuid,
    /// As `pulls::path_key` makes it.
    pub(crate) path: Vec<u8>,
    pub(crate) long_path: Option<Vec<u8>>,
    pub(crate) size: i64,
    /// `pulls::NOT_TOLD` where the server doesn't say.
    pub(crate) modified: i64,
    /// From `modified` on, so many microseconds long the true time may be.
    pub(crate) span: i64,
    /// The wish by which it is pulled anew; zeros for all others.
    pub(crate) replay: Uuid,
    pub(crate) replay_of: Option<Uuid>,
    pub(crate) storage_id: Uuid,
    pub(crate) destination: String,
    pub(crate) object_key: String,
    pub(crate) sha256: Option<Vec<u8>>,
    pub(crate) begun_at: i64,
    pub(crate) pulled_at: Option<i64>,
    /// When a listing with rough times showed it last.
    pub(crate) seen_at: Option<i64>,
    pub(crate) after_state: String,
    pub(crate) after_detail: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
