//! For tests: the suite that every storage passes, and stores to pass it on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod google;
mod stores;
mod suite;

pub use stores::{Store, service_account};
pub use suite::{conforms, content, read_all};
