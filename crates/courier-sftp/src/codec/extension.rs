//! Extensions that servers announce in their VERSION packet (OpenSSH's PROTOCOL file, section 4).

use bytes::BytesMut;

use super::wire::{Fields, Malformed, put_string};

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
    /// Checksums (draft-ietf-secsh-filexfer-extensions-00 section 3), as it is announced.
    pub const CHECK_FILE: &str = "check-file";
    /// The same, as a file is named by its path.
    pub const CHECK_FILE_NAME: &str = "check-file-name";
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

/// What `check-file` answers, for one block that is the whole range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckedFile<'a> {
    /// The algorithm that was used, one of those that were offered.
    pub algorithm: &'a [u8],
    /// The hash.
    pub hash: &'a [u8],
}

impl<'a> CheckedFile<'a> {
    /// Reads the body of the EXTENDED_REPLY. The draft puts `check-file` in front, ProFTPD does not.
    ///
    /// # Errors
    /// It ends in the name of the algorithm.
    pub fn decode(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut fields = Fields::new(body);
        let mut algorithm = fields.string()?;
        if algorithm == name::CHECK_FILE.as_bytes() {
            algorithm = fields.string()?;
        }
        let hash = fields.rest();
        Ok(Self { algorithm, hash })
    }

    /// The body of an EXTENDED_REPLY.
    pub fn encode(&self) -> Vec<u8> {
        let mut body = BytesMut::new();
        put_string(&mut body, name::CHECK_FILE.as_bytes());
        put_string(&mut body, self.algorithm);
        body.extend_from_slice(self.hash);
        body.to_vec()
    }
}
