//! The unified interface over a session: paths in, entries and clear errors out.

mod change;
mod checksum;
pub(crate) mod error;
pub(crate) mod look;
