//! The SFTP client against OpenSSH, against our own server, and against servers that misbehave.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod client;
mod openssh;
mod sshd;
