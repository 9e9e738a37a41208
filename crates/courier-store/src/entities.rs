//! The tables as SeaORM sees them; nothing outside this crate does. Times are microseconds since the epoch, enums their
//! words.
//!
//! `unreachable_pub` is off here: the derives make `pub` companions of what is `pub(crate)`.
#![allow(unreachable_pub)]

pub(crate) mod alert_deliveries;
pub(crate) mod alert_subjects;
pub(crate) mod alerts;
pub(crate) mod audit;
pub(crate) mod audit_chains;
pub(crate) mod connection_keys;
pub(crate) mod connection_secrets;
pub(crate) mod connections;
pub(crate) mod execution_history;
pub(crate) mod executions;
pub(crate) mod folder_mappings;
pub(crate) mod function_calls;
pub(crate) mod job_connections;
pub(crate) mod job_versions;
pub(crate) mod jobs;
pub(crate) mod known_hosts;
pub(crate) mod nodes;
pub(crate) mod pull_replays;
pub(crate) mod pulls;
pub(crate) mod schedules;
pub(crate) mod session_slots;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod ssh_keys;
pub(crate) mod steps;
pub(crate) mod storages;
pub(crate) mod tokens;
pub(crate) mod users;
