//! SFTP version 3 over SSH: packet codec and client; a small server over the same codec.
//!
//! [`SftpProtocol`] is the way in. The packets are in [`codec`], without I/O. A session runs on a thread of
//! its own and moves the bytes of files from inside the SSH callback (`session`); the client above it turns
//! paths and statuses into the terms of `courier-transfer` (`client`).

mod algorithms;
mod auth;
mod client;
pub mod codec;
mod config;
mod connect;
mod entry;
mod greeting;
pub mod known_hosts;
mod peer;
#[cfg(feature = "server")]
pub mod server;
mod session;
mod stream;

pub use config::SftpProtocol;
