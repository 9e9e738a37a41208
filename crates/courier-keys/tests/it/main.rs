//! Keys from outside: made by other programs, read by other programs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod agent;
mod generate;
mod import;
mod openssh;
mod openssl;
mod property;
mod public;
mod putty;
mod refused;
mod sign;
mod tools;
