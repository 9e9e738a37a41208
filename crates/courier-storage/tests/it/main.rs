//! Every storage, on what it stores in.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod credentials;
mod faults;
mod files;
mod stores;
