//! The vault from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod azure;
mod blob;
mod local_key;
mod seal;
mod stream;
