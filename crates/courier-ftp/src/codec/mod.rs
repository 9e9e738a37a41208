//! What goes over the control line, without I/O.

pub mod address;
pub(crate) mod command;
pub(crate) mod features;
pub(crate) mod reply;

pub(crate) use command::Command;
pub use features::{Fact, Features};
pub use reply::{Malformed, Reply, ReplyParser};
