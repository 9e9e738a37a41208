//! The store's suite: each case runs on SQLite and on PostgreSQL.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod activity;
mod alerts;
mod attention;
mod audit;
mod backup;
mod bus;
mod connections;
mod database;
mod dispatch;
mod executions;
mod folder_mappings;
mod function_calls;
mod jobs;
mod keys;
mod known_hosts;
mod nodes;
mod opening;
mod postgres;
mod pull_ticks;
mod pulls;
mod records;
mod retention;
mod schedules;
mod session_slots;
mod settings;
mod storages;
mod transactions;
mod users;

/// Gives each of these functions, which take a [`database::Database`], a test on either database.
macro_rules! on_both {
    ($($case:ident),* $(,)?) => {$(
        mod $case {
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn sqlite() {
                super::$case(crate::database::Database::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn postgres() {
                super::$case(crate::database::Database::postgres().await).await;
            }
        }
    )*};
}
pub(crate) use on_both;
