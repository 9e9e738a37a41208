//! What goes over the control line, without I/O.

pub mod address;
pub(crate) mod command;
pub(crate) mod features;
pub(crate) mod reply;
pub mod time;

pub(crate) use command::Command;
pub use features::{Fact, Features};
pub(crate) use features::{hash_name, hash_named};
pub use reply::{Malformed, Reply, ReplyParser};
