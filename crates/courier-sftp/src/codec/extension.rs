//! Extensions that servers announce in their VERSION packet (OpenSSH's PROTOCOL file, section 4).

use super::wire::{Fields, Malformed};

/// The names on the wire.
pub mod name {
    /// How much a server takes and gives at once.
    pub const LIMITS: &str = "limits@openssh.com";
    /// A rename that replaces its target.
    pub const POSIX_RENAME: &str = "posix-rename@openssh.com";
    /// Free space of a file system.
    pub const STATVFS: &str = "statvfs@openssh.com";
    /// A hard link.
    pub const HARDLINK: &str = "hardlink@openssh.com";
    /// Flushes an open file to its disk.
    pub const FSYNC: &str = "fsync@openssh.com";
}

/// What `limits@openssh.com` answers; 0 means "not told".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest packet, in bytes.
    pub packet: u64,
    /// The longest READ, in bytes.
    pub read: u64,
    /// The longest WRITE, in bytes.
    pub write: u64,
    /// How many handles may be open at once.
    pub handles: u64,
}

impl Limits {
    /// Reads the body of the EXTENDED_REPLY.
    pub fn decode(body: &[u8]) -> Result<Self, Malformed> {
        let mut fields = Fields::new(body);
        Ok(Self {
            packet: fields.u64()?,
            read: fields.u64()?,
            write: fields.u64()?,
            handles: fields.u64()?,
        })
    }

    /// The body of an EXTENDED_REPLY.
    pub fn encode(&self) -> Vec<u8> {
        [self.packet, self.read, self.write, self.handles]
            .iter()
            .flat_map(|n| n.to_be_bytes())
            .collect()
    }
}
