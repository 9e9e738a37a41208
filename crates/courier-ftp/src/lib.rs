//! FTP (RFC 959, 2428, 3659) and FTPS (RFC 2228, 4217).

mod client;
pub mod codec;
mod config;
mod connect;
mod control;
mod data;
pub mod listing;
mod names;
mod session;
mod tls;
mod transfer;

pub use config::{FtpProtocol, FtpsProtocol};
