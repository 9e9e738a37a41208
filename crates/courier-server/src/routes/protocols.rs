//! The protocols, described.

use axum::extract::State;
use courier_api::{AlgorithmPreset, KnownAlgorithm, KnownAlgorithms, Page, ProtocolDescription};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{whole, word};
use crate::http::{ApiError, ApiResult, AppState, Json};

/// List protocols
///
/// Each with the fields that its connections take, from the tables that check them.
#[utoipa::path(get, path = "/api/protocols", tag = "connections",
    responses((status = 200, description = "Protocols, by name", body = Page<ProtocolDescription>)))]
pub(crate) async fn protocols(State(state): State<AppState>) -> ApiResult<Json<Page<ProtocolDescription>>> {
    whole(state.engine.connections().protocols(), |protocol| {
        Ok(ProtocolDescription {
            name: protocol.name.into(),
            help: protocol.help.into(),
            default_port: protocol.default_port,
            moves_files: protocol.moves_files,
            auth_methods: protocol.auth_methods.iter().map(word).collect::<ApiResult<_>>()?,
            fields: same(protocol.fields)?,
            algorithms: protocol.algorithms.map(algorithms),
        })
    })
}

/// The engine describes fields by their names in the API.
fn same<T: Serialize, U: DeserializeOwned>(value: T) -> ApiResult<U> {
    serde_json::to_value(value)
        .and_then(serde_json::from_value)
        .map_err(ApiError::internal)
}

fn algorithms(known: courier_transfer::KnownAlgorithms) -> KnownAlgorithms {
    let list = |algorithms: &[courier_transfer::KnownAlgorithm]| {
        let shown = algorithms.iter().map(|one| KnownAlgorithm {
            name: one.name.into(),
            weak: one.weak.map(Into::into),
            fips: one.fips,
        });
        shown.collect()
    };
    let presets = known.presets.iter().map(|(name, help)| AlgorithmPreset {
        name: (*name).into(),
        help: (*help).into(),
    });
    KnownAlgorithms {
        presets: presets.collect(),
        key_exchange: list(known.key_exchange),
        encryption: list(known.encryption),
        mac: list(known.mac),
        host_key: list(known.host_key),
    }
}
