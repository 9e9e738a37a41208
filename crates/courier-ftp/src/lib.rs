//! FTP (RFC 959, 2428, 3659) and FTPS (RFC 2228, 4217).

pub mod codec;
mod config;
mod control;
mod names;
mod session;
