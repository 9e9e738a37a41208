//! For tests: the suite that every storage passes, and servers to pass it on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod suite;

pub use suite::{conforms, content, read_all};
