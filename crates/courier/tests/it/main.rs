//! Courier from outside: the built binary, and the house it lives in.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod accounts;
mod admin;
mod alerts;
mod architecture;
mod audit;
mod azure_functions;
mod demo;
mod docs;
mod files;
mod fips;
mod ftp;
mod ftp_jobs;
mod function_apps;
mod house;
mod identities;
mod key_vault;
mod keys;
mod lines;
mod listener;
mod many_files;
mod mapped_folders;
mod mappings;
mod pull_health;
mod pulls;
mod rotation;
mod schedules;
mod secrets;
mod serve;
mod session_counts;
mod session_limits;
mod soak;
mod storages;
mod support;
mod trust;
mod watch;
