//! The local file system as a protocol, jailed in its base path.
//!
//! What the jail holds is decided by the kernel (`openat2` with `RESOLVE_BENEATH`), or, where it cannot, by a
//! walk that follows no link at all. The way to the base path itself is walked like that, too. No path is ever checked
//! first and used later.

mod client;
mod files;
mod jail;
mod protocol;

pub use client::LocalClient;
pub use protocol::LocalProtocol;
