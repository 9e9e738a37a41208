//! Connections.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "connections")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) name: String,
    #[sea_orm(column_name = "group_name")]
    pub(crate) group: Option<String>,
    pub(crate) protocol: String,
    pub(crate) host: Option<String>,
    pub(crate) port: Option<i32>,
    pub(crate) auth_method: String,
    pub(crate) username: Option<String>,
    pub(crate) base_path: Option<String>,
    pub(crate) host_key_policy: String,
    pub(crate) status: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub(crate) settings: Json,
    pub(crate) notes: Option<String>,
    pub(crate) health: String,
    pub(crate) health_detail: Option<String>,
    pub(crate) waits_for_host_key: bool,
    pub(crate) last_ok_at: Option<i64>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) server_cert_subject: Option<String>,
    pub(crate) server_cert_issuer: Option<String>,
    pub(crate) server_cert_thumbprint: Option<String>,
    pub(crate) server_cert_not_after: Option<i64>,
    pub(crate) client_cert_not_after: Option<i64>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
