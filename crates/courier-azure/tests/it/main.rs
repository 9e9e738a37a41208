//! The clients against servers that speak the real protocols.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod functions;
mod http;
mod logs;
mod scripted;
mod tls;
mod tokens;
