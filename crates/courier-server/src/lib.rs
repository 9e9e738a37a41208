//! The HTTP API, and the place where protocols are named.
//!
//! [`Config::load`] reads the configuration, [`Server::start`] opens everything and binds, [`Server::run_until`] serves.
//! [`admin`] works on the same configuration without a server.

pub mod admin;
pub mod config;
mod first_start;
mod http;
mod listen;
mod protocols;
mod routes;
mod serve;
pub mod tls;

pub use config::{Config, ServeOptions};
pub use first_start::INITIAL_PASSWORD_FILE;
pub use protocols::protocols;
pub use serve::{Server, StartError};
