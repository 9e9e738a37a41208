//! The SFTP client against OpenSSH, against our own server, and against servers that misbehave.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod agent;
mod algorithms;
mod auth;
mod auth_steps;
mod certificates;
mod checksums;
mod client;
mod fips;
mod odd;
mod openssh;
mod own_server;
mod proftpd;
mod signatures;
mod sshd;
mod strangers;
mod transfers;
mod trust;
