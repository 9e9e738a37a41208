//! What Courier keeps, in SQLite or PostgreSQL from one code.
//!
//! [`Store::open`] is the way in; each noun has its file, its plain records and its handle: [`Store::connections`],
//! [`Store::known_hosts`], [`Store::ssh_keys`], [`Store::connection_keys`], [`Store::jobs`], [`Store::schedules`],
//! [`Store::executions`], [`Store::audit`], [`Store::users`], [`Store::sessions`], [`Store::tokens`], [`Store::settings`], [`Store::sealed`],
//! [`Store::bus`], [`Store::dispatcher`], [`Store::activity`], [`Store::alerts`], [`Store::folder_mappings`], [`Store::pulls`],
//! [`Store::function_calls`], [`Store::session_slots`], [`Store::storages`].
//!
//! Secrets come sealed and go sealed: the store sees opaque bytes. What must change together changes in one
//! transaction, and what two callers may race for is a compare-and-set, on both databases.

pub mod activity;
pub mod alerts;
pub mod audit;
pub mod backup;
pub mod bus;
pub mod connection_keys;
pub mod connections;
pub mod dispatch;
mod entities;
mod error;
pub mod executions;
pub mod folder_mappings;
pub mod function_calls;
mod ids;
mod integrity;
pub mod jobs;
pub mod known_hosts;
mod migrations;
mod page;
pub mod pulls;
mod row;
pub mod schedules;
pub mod sealed;
pub mod session_slots;
pub mod sessions;
pub mod settings;
mod sql;
pub mod ssh_keys;
pub mod storages;
mod store;
pub mod tokens;
pub mod users;
mod words;

pub use error::{Error, Result};
pub use ids::{new_id, now};
pub use page::{Page, PageRequest};
pub use store::{Kind, Store};
pub use words::UnknownWord;
