//! Everything from outside: a real server on a free port with a fresh data folder, spoken to over HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod access;
mod activity;
mod audit;
mod auth;
mod broken_lines;
mod connections;
mod console;
mod errors;
mod folder_mappings;
mod ftps;
mod function_apps;
mod hang_up;
mod harness;
mod insecure;
mod jobs;
mod listener;
mod openapi;
mod overview;
mod pages;
mod proftpd;
mod protocols;
mod pulls;
mod schedules;
mod scopes;
mod sftp;
mod start;
mod stops;
mod storages;
mod watching;
