//! Jobs, executions, steps, sessions, trust and secrets: what Courier does, between the HTTP routes above and the
//! store, the vault and the protocols below.
//!
//! [`Engine`] is the way in; each noun has its file: [`Engine::connections`], [`Engine::keys`], [`Engine::jobs`],
//! [`Engine::executions`], [`Engine::users`], [`Engine::auth`], [`Engine::tokens`], [`Engine::settings`],
//! [`Engine::audit`]. The engine names no protocol that moves files: it is given them as [`Protocols`].

pub mod activity;
mod actor;
pub mod admin;
pub mod alerts;
mod argon;
pub mod attention;
pub mod audit;
pub mod auth;
mod azure_functions;
pub mod connections;
mod context;
mod definition;
mod dispatcher;
mod engine;
mod error;
mod events;
pub mod executions;
pub mod expiring;
pub mod figures;
mod fips;
pub mod folder_mappings;
mod housekeeping;
mod input;
pub mod jobs;
pub mod keys;
mod lease;
mod listener;
mod live;
mod local_file;
mod local_paths;
mod node;
mod open;
pub mod overview;
mod passwords;
mod placeholders;
mod protocols;
pub mod pulls;
mod runner;
pub mod schedules;
mod scopes;
mod secrets;
mod sessions;
pub mod settings;
mod steps;
pub mod storages;
pub mod test_connection;
pub mod tokens;
mod trust;
pub mod users;
mod vault_check;

pub use actor::{Actor, Role};
pub use courier_store::{Page, PageRequest};
pub use courier_transfer::settings::{Problem, Setting};
pub use definition::{Definition, FailurePolicy, FailurePolicyKind, ScheduleDefinition, StepDefinition};
pub use engine::{Engine, EngineConfig, Environment, PasswordCost};
pub use error::{Error, Failure, Result};
pub use events::{Event, Events, ExecutionChange, ExecutionEvent, ExecutionEvents, Progress, Summary};
pub use local_paths::check_local_roots;
pub use protocols::Protocols;
pub use scopes::{Scope, TokenLimits};
pub use steps::StepTypeInfo;
