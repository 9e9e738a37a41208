//! Tests of the interface and of what stands above it, against a server in memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod batch;
mod download;
mod find;
mod layers;
mod memory;
mod paths;
mod proxy;
mod support;
mod upload;
