//! File attributes (draft-ietf-secsh-filexfer-02 section 5).

use bytes::{BufMut, BytesMut};

use super::wire::{Fields, Malformed};

const SIZE: u32 = 0x1;
const OWNER: u32 = 0x2;
const PERMISSIONS: u32 = 0x4;
const TIMES: u32 = 0x8;
const EXTENDED: u32 = 0x8000_0000;

/// The kind that the permission bits tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileType {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A device, socket or pipe.
    Other,
}

/// What a server tells of a file, or is asked to set. Each part may be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Size in bytes.
    pub size: Option<u64>,
    /// User and group.
    pub owner: Option<(u32, u32)>,
    /// File type and permission bits (`st_mode`).
    pub permissions: Option<u32>,
    /// Last access and last modification, in seconds since 1970, unsigned (until 2106).
    pub times: Option<(u32, u32)>,
}

impl Attributes {
    /// The kind, where the permission bits hold one.
    pub fn file_type(&self) -> Option<FileType> {
        match self.permissions? & 0o170_000 {
            0 => None,
            0o100_000 => Some(FileType::File),
            0o040_000 => Some(FileType::Directory),
            0o120_000 => Some(FileType::Link),
            _ => Some(FileType::Other),
        }
    }

    pub(super) fn encode(&self, out: &mut BytesMut) {
        let flag = |present: bool, bit: u32| if present { bit } else { 0 };
        out.put_u32(
            flag(self.size.is_some(), SIZE)
                | flag(self.owner.is_some(), OWNER)
                | flag(self.permissions.is_some(), PERMISSIONS)
                | flag(self.times.is_some(), TIMES),
        );
        if let Some(size) = self.size {
            out.put_u64(size);
        }
        if let Some((user, group)) = self.owner {
            out.put_u32(user);
            out.put_u32(group);
        }
        if let Some(permissions) = self.permissions {
            out.put_u32(permissions);
        }
        if let Some((accessed, modified)) = self.times {
            out.put_u32(accessed);
            out.put_u32(modified);
        }
    }

    /// Extended pairs are read over: none is in use.
    pub(super) fn decode(fields: &mut Fields<'_>) -> Result<Self, Malformed> {
        let flags = fields.u32()?;
        let has = |bit: u32| flags & bit != 0;
        let size = has(SIZE).then(|| fields.u64()).transpose()?;
        let owner = has(OWNER)
            .then(|| Ok((fields.u32()?, fields.u32()?)))
            .transpose()?;
        let permissions = has(PERMISSIONS).then(|| fields.u32()).transpose()?;
        let times = has(TIMES)
            .then(|| Ok((fields.u32()?, fields.u32()?)))
            .transpose()?;
        if has(EXTENDED) {
            for _ in 0..fields.u32()? {
                fields.string()?;
                fields.string()?;
            }
        }
        Ok(Self {
            size,
            owner,
            permissions,
            times,
        })
    }

    /// As the text that `ls -l` and the long names of listings start with; for the server.
    pub fn mode_text(&self) -> String {
        let kind = match self.file_type() {
            Some(FileType::Directory) => 'd',
            Some(FileType::Link) => 'l',
            Some(FileType::File) => '-',
            _ => '?',
        };
        let mode = self.permissions.unwrap_or(0);
        let bits = (0..9).rev().zip("rwxrwxrwx".chars());
        std::iter::once(kind)
            .chain(bits.map(|(bit, letter)| if mode >> bit & 1 == 1 { letter } else { '-' }))
            .collect()
    }
}
