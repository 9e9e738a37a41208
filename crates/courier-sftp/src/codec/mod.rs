//! SFTP version 3 (draft-ietf-secsh-filexfer-02) without I/O: bytes in, packets out, and the reverse.
//!
//! Names, paths and handles are bytes: nothing in the protocol says that they are UTF-8.

mod attributes;
mod extension;
mod frame;
mod request;
mod response;
mod wire;

pub use attributes::{Attributes, FileType};
pub use extension::{CheckedFile, Limits, name as extension_name};
pub use frame::{Decoder, Event, MAX_PACKET};
pub use request::{OpenFlags, Request};
pub use response::{NameEntry, Response, Status, StatusCode};
pub use wire::Malformed;

/// The version that both sides speak.
pub const VERSION: u32 = 3;

#[cfg(test)]
mod tests;
