//! Servers on loopback for tests, that speak Azure's protocols over TLS and fail as the real ones do when they are told to.
//! They panic where a test is wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod authority;
mod certificate;
mod cloud;
mod functions;
mod http;
mod query;
mod server;
mod workspace;

pub use authority::{Authority, CLIENT_ID, CLIENT_SECRET, FEDERATED_TOKEN, IDENTITY_HEADER, TENANT_ID};
pub use certificate::{Issued, KeyKind, for_client, write_private};
pub use cloud::{AzureCloud, Mood, Part};
pub use functions::{Function, MASTER_KEY, Triggered};
pub use http::{Reply, Request};
pub use server::{Meeting, Server, Service};
pub use workspace::{Tables, WORKSPACE_ID};

/// Lets every [`Http`](crate::Http) that this process makes from now on trust the authorities in this PEM text, too: for
/// tests of code that makes its own.
///
/// Other processes are told by `SSL_CERT_FILE`.
pub fn trust(authorities_pem: &[u8]) {
    crate::http::trust(authorities_pem);
}
