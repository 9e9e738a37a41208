//! The engine over a real store, with a server in memory and the local file system as protocols.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod admin;
mod alerts;
mod app_checks;
mod audit;
mod azure_functions;
mod certificates;
mod cloud;
mod connections;
mod damaged;
mod database;
mod endpoints;
mod fake;
mod fips;
mod fixture;
mod folder_mappings;
mod full_servers;
mod function_apps;
mod hostile;
mod hostile_paths;
mod housekeeping;
mod interrupted;
mod keys;
mod killed;
mod leases;
mod local_steps;
mod looking;
mod lost_files;
mod names;
mod other_node;
#[path = "../../../courier-store/tests/it/postgres.rs"]
mod postgres;
mod pull_ticks;
mod pulls;
#[cfg(feature = "failpoints")]
mod pulls_killed;
mod pulls_left;
mod reconnects;
mod retries;
mod runs;
mod schedules;
mod sessions;
mod sources;
mod steps;
mod storages;
mod trust;
mod users;
mod watching;
