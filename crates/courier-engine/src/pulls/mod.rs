//! Pulls: the files of a mapped folder come into storage, each once.
//!
//! `find` tells what a pull would take, `run` takes it. What was begun is noted before its object can exist, and what is
//! whole is recorded after it, so that a crash at any moment leaves something to settle, and nothing to guess.

mod after;
mod buffer;
pub(crate) mod dry_run;
mod file;
pub(crate) mod find;
mod flow;
mod health;
mod history;
pub(crate) mod hold;
mod keys;
mod record;
mod recover;
mod replay;
mod run;
pub(crate) mod stages;
mod tally;
pub(crate) mod tick;
mod transfer;

pub use history::{AfterState, Entry, HistoryFilter, MOST_REPLAYED, Pulls, Replayed};
pub(crate) use run::run;
