//! The routes, one noun a file, and the list of who may call them.

mod activity;
mod alerts;
mod audit;
mod auth;
mod connection_keys;
mod connections;
mod csv;
mod events;
mod executions;
mod folder_mappings;
mod jobs;
mod keys;
mod overview;
mod protocols;
mod pulls;
mod settings;
mod storages;
mod tokens;
mod traces;
mod users;

use std::{fmt::Display, str::FromStr};

use axum::{
    http::{HeaderName, StatusCode, header},
    response::IntoResponse,
};
use courier_api::{DEFAULT_LIMIT, MAX_LIMIT};
use courier_engine::PageRequest;
use serde::Serialize;
use utoipa_axum::{router::UtoipaMethodRouterExt, routes};

use crate::http::{Access, Api, ApiError, ApiResult, AppState, Json, body_limit, description};
use Access::{Admin, Operator, Public, Viewer};

/// What anybody may send, bytes: a name and a password.
const LOGIN: usize = 16 * 1024;
/// A connection may bring lists of revoked certificates, bytes.
const CONNECTION: usize = 8 * 1024 * 1024;

/// Every route of the API with the least role for it.
pub(crate) fn api(state: AppState) -> Api {
    Api::new(state, description())
        .at(Public, routes!(auth::login).layer(body_limit(LOGIN)))
        .at(Public, routes!(auth::first_start))
        .at(Viewer, routes!(auth::logout))
        .at(Viewer, routes!(auth::me))
        .at(Viewer, routes!(auth::change_password))
        .at(Admin, routes!(users::list, users::create))
        .at(Admin, routes!(users::get, users::update, users::delete))
        // Everybody has tokens; those of others are an admin's alone, which the engine sees to.
        .at(Viewer, routes!(tokens::list, tokens::create))
        .at(Viewer, routes!(tokens::revoke))
        .at(Viewer, routes!(protocols::protocols))
        .at(Viewer, routes!(connections::list))
        .at(
            Operator,
            routes!(connections::create).layer(body_limit(CONNECTION)),
        )
        .at(
            Operator,
            routes!(connections::test_unsaved).layer(body_limit(CONNECTION)),
        )
        .at(Viewer, routes!(connections::get))
        .at(
            Operator,
            routes!(connections::replace, connections::patch, connections::delete)
                .layer(body_limit(CONNECTION)),
        )
        .at(Operator, routes!(connections::test))
        .at(Viewer, routes!(connections::files))
        .at(Viewer, routes!(connections::known_hosts))
        // An admin, or an operator where security.host_key_approval_require_admin is false: the engine looks.
        .at(Operator, routes!(connections::approve_host_key))
        .at(Viewer, routes!(connection_keys::keys))
        .at(Operator, routes!(connection_keys::add_key))
        .at(Operator, routes!(connection_keys::revoke_key))
        .at(Viewer, routes!(audit::of_connection))
        .at(Viewer, routes!(keys::list))
        .at(Operator, routes!(keys::generate))
        .at(Operator, routes!(keys::import))
        .at(Viewer, routes!(keys::get))
        .at(Operator, routes!(keys::update, keys::delete))
        .at(Viewer, routes!(keys::public_key))
        .at(Operator, routes!(keys::retire))
        .at(Operator, routes!(keys::activate))
        .at(Viewer, routes!(jobs::list))
        .at(Operator, routes!(jobs::create))
        .at(Viewer, routes!(jobs::get))
        .at(Operator, routes!(jobs::replace, jobs::delete))
        .at(Operator, routes!(jobs::run))
        .at(Viewer, routes!(jobs::versions))
        .at(Viewer, routes!(jobs::next_runs))
        .at(Viewer, routes!(jobs::preview_runs))
        .at(Viewer, routes!(jobs::step_types))
        .at(Viewer, routes!(executions::list))
        .at(Viewer, routes!(executions::get))
        .at(Operator, routes!(executions::pause))
        .at(Operator, routes!(executions::resume))
        .at(Operator, routes!(executions::cancel))
        .at(Viewer, routes!(events::watch))
        .at(Viewer, routes!(traces::list))
        // A webhook's address may be all that keeps others from posting there, so it isn't for everybody's eyes.
        .at(Operator, routes!(alerts::list, alerts::create))
        .at(
            Operator,
            routes!(alerts::get, alerts::replace, alerts::patch, alerts::delete),
        )
        .at(Operator, routes!(alerts::test))
        .at(Operator, routes!(alerts::deliveries))
        .at(Viewer, routes!(folder_mappings::list))
        .at(Viewer, routes!(folder_mappings::of_connection))
        .at(Operator, routes!(folder_mappings::create))
        .at(Viewer, routes!(folder_mappings::get))
        .at(Operator, routes!(folder_mappings::patch, folder_mappings::delete))
        .at(Operator, routes!(folder_mappings::run))
        // Is to a mapping what browsing is to a connection.
        .at(Viewer, routes!(folder_mappings::dry_run))
        .at(Operator, routes!(folder_mappings::dry_run_unsaved))
        .at(Viewer, routes!(pulls::list))
        .at(Viewer, routes!(pulls::export))
        .at(Viewer, routes!(pulls::get))
        .at(Operator, routes!(pulls::replay))
        .at(Operator, routes!(pulls::replay_all))
        // Who makes folder mappings has to know which storages there are; the engine shows an admin the rest.
        .at(Viewer, routes!(storages::list))
        .at(Viewer, routes!(storages::get))
        .at(Admin, routes!(storages::create))
        .at(Admin, routes!(storages::patch, storages::delete))
        .at(Admin, routes!(storages::test_unsaved))
        .at(Admin, routes!(storages::test))
        .at(Viewer, routes!(settings::list))
        .at(Viewer, routes!(settings::get))
        .at(Admin, routes!(settings::set))
        .at(Viewer, routes!(audit::list))
        .at(Viewer, routes!(audit::export))
        .at(Admin, routes!(audit::verify))
        .at(Viewer, routes!(overview::get))
        .at(Viewer, routes!(activity::get))
        .at(Viewer, routes!(events::all::watch))
}

/// 201, where the new thing is, and the thing.
fn created<T: Serialize>(location: String, body: T) -> impl IntoResponse {
    let headers: [(HeaderName, String); 1] = [(header::LOCATION, location)];
    (StatusCode::CREATED, headers, Json(body))
}

/// What the engine is asked for.
fn page_request(limit: Option<u64>, cursor: Option<String>) -> PageRequest {
    PageRequest {
        limit: limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT),
        cursor,
    }
}

/// What the engine answered, item by item.
fn page<T, U>(
    page: courier_engine::Page<T>,
    mut convert: impl FnMut(T) -> ApiResult<U>,
) -> ApiResult<Json<courier_api::Page<U>>> {
    let items = page
        .items
        .into_iter()
        .map(&mut convert)
        .collect::<ApiResult<_>>()?;
    Ok(Json(courier_api::Page {
        items,
        next_cursor: page.next_cursor,
    }))
}

/// A list that is never long enough for pages.
fn whole<T, U>(
    items: Vec<T>,
    convert: impl FnMut(T) -> ApiResult<U>,
) -> ApiResult<Json<courier_api::Page<U>>> {
    page(
        courier_engine::Page {
            items,
            next_cursor: None,
        },
        convert,
    )
}

/// A word of one layer as the other layer has it. Both have the same words.
fn word<T: FromStr<Err: Display>>(word: impl Display) -> ApiResult<T> {
    word.to_string().parse().map_err(ApiError::internal)
}
