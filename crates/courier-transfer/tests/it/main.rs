//! Tests of the interface and of what stands above it, against a server in memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod batch;
mod confined;
mod download;
mod find;
mod layers;
mod line;
mod lost;
mod memory;
mod named;
mod parallel;
mod paths;
mod proxy;
mod reconnect;
mod spread;
mod support;
mod upload;
mod verify;
