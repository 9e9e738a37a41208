//! What a client sends (draft-ietf-secsh-filexfer-02 sections 4 and 6).

use bytes::{BufMut, BytesMut};

use super::{
    Attributes, VERSION,
    extension::name,
    wire::{Fields, Malformed, put_packet, put_string},
};

/// How OPEN opens (section 6.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenFlags(pub u32);

impl OpenFlags {
    /// For reading.
    pub const READ: Self = Self(0x1);
    /// For writing.
    pub const WRITE: Self = Self(0x2);
    /// Every write goes to the end.
    pub const APPEND: Self = Self(0x4);
    /// Make the file where it is missing.
    pub const CREATE: Self = Self(0x8);
    /// Cut it to nothing.
    pub const TRUNCATE: Self = Self(0x10);
    /// With [`CREATE`](Self::CREATE): fail where it exists.
    pub const EXCLUSIVE: Self = Self(0x20);

    /// Has all of these?
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl std::ops::BitOr for OpenFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A request. All but [`Init`](Self::Init) carry an id, given beside.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of the draft, under its names")]
pub enum Request<'a> {
    /// The first packet, without an id.
    Init,
    Open {
        path: &'a [u8],
        flags: OpenFlags,
        attributes: Attributes,
    },
    Close {
        handle: &'a [u8],
    },
    Read {
        handle: &'a [u8],
        offset: u64,
        len: u32,
    },
    Write {
        handle: &'a [u8],
        offset: u64,
        data: &'a [u8],
    },
    Lstat {
        path: &'a [u8],
    },
    Fstat {
        handle: &'a [u8],
    },
    SetStat {
        path: &'a [u8],
        attributes: Attributes,
    },
    FSetStat {
        handle: &'a [u8],
        attributes: Attributes,
    },
    OpenDir {
        path: &'a [u8],
    },
    ReadDir {
        handle: &'a [u8],
    },
    Remove {
        path: &'a [u8],
    },
    MakeDir {
        path: &'a [u8],
        attributes: Attributes,
    },
    RemoveDir {
        path: &'a [u8],
    },
    RealPath {
        path: &'a [u8],
    },
    Stat {
        path: &'a [u8],
    },
    Rename {
        from: &'a [u8],
        to: &'a [u8],
    },
    ReadLink {
        path: &'a [u8],
    },
    /// `limits@openssh.com`.
    Limits,
    /// `posix-rename@openssh.com`.
    PosixRename {
        from: &'a [u8],
        to: &'a [u8],
    },
    /// `hardlink@openssh.com`.
    HardLink {
        from: &'a [u8],
        to: &'a [u8],
    },
    /// `fsync@openssh.com`.
    Fsync {
        handle: &'a [u8],
    },
    /// `statvfs@openssh.com`.
    StatVfs {
        path: &'a [u8],
    },
    /// `check-file-name`.
    CheckFile {
        path: &'a [u8],
        /// Names with commas between them, the best first.
        algorithms: &'a [u8],
        offset: u64,
        /// 0: to the end.
        len: u64,
        /// Bytes for each hash, 0 for a single one.
        block: u32,
    },
    /// An EXTENDED request of another name.
    Extended {
        name: &'a [u8],
        data: &'a [u8],
    },
    /// A request of a type that is not known here.
    Unknown {
        kind: u8,
    },
}

const INIT: u8 = 1;
const OPEN: u8 = 3;
const CLOSE: u8 = 4;
const READ: u8 = 5;
const WRITE: u8 = 6;
const LSTAT: u8 = 7;
const FSTAT: u8 = 8;
const SETSTAT: u8 = 9;
const FSETSTAT: u8 = 10;
const OPENDIR: u8 = 11;
const READDIR: u8 = 12;
const REMOVE: u8 = 13;
const MKDIR: u8 = 14;
const RMDIR: u8 = 15;
const REALPATH: u8 = 16;
const STAT: u8 = 17;
const RENAME: u8 = 18;
const READLINK: u8 = 19;
const EXTENDED: u8 = 200;

impl<'a> Request<'a> {
    /// The bytes in front of the data of a WRITE, for a handle of that length.
    pub fn write_header_len(handle: &[u8]) -> usize {
        4 + 1 + 4 + 4 + handle.len() + 8 + 4
    }

    /// Writes the header of a WRITE into the bytes in front of its data, which lies in place already.
    /// `header` has [`write_header_len`](Self::write_header_len) bytes.
    pub fn fill_write_header(header: &mut [u8], id: u32, handle: &[u8], offset: u64, len: u32) {
        let handle_len = u32::try_from(handle.len()).unwrap_or(u32::MAX);
        let total = u32::try_from(header.len() - 4)
            .unwrap_or(u32::MAX)
            .saturating_add(len);
        let mut at = header;
        at.put_u32(total);
        at.put_u8(WRITE);
        at.put_u32(id);
        at.put_u32(handle_len);
        at.put_slice(handle);
        at.put_u64(offset);
        at.put_u32(len);
    }

    /// Appends the packet. [`Unknown`](Self::Unknown) writes only its type and id.
    pub fn encode(&self, id: u32, out: &mut BytesMut) {
        let strings = |out: &mut BytesMut, kind: u8, strings: &[&[u8]]| {
            put_packet(out, kind, |out| {
                out.put_u32(id);
                strings.iter().for_each(|s| put_string(out, s));
            });
        };
        let with_attributes = |out: &mut BytesMut, kind: u8, string: &[u8], attributes: &Attributes| {
            put_packet(out, kind, |out| {
                out.put_u32(id);
                put_string(out, string);
                attributes.encode(out);
            });
        };
        match self {
            Self::Init => put_packet(out, INIT, |out| out.put_u32(VERSION)),
            Self::Open {
                path,
                flags,
                attributes,
            } => put_packet(out, OPEN, |out| {
                out.put_u32(id);
                put_string(out, path);
                out.put_u32(flags.0);
                attributes.encode(out);
            }),
            Self::Close { handle } => strings(out, CLOSE, &[handle]),
            Self::Read { handle, offset, len } => put_packet(out, READ, |out| {
                out.put_u32(id);
                put_string(out, handle);
                out.put_u64(*offset);
                out.put_u32(*len);
            }),
            Self::Write { handle, offset, data } => put_packet(out, WRITE, |out| {
                out.put_u32(id);
                put_string(out, handle);
                out.put_u64(*offset);
                put_string(out, data);
            }),
            Self::Lstat { path } => strings(out, LSTAT, &[path]),
            Self::Fstat { handle } => strings(out, FSTAT, &[handle]),
            Self::SetStat { path, attributes } => with_attributes(out, SETSTAT, path, attributes),
            Self::FSetStat { handle, attributes } => with_attributes(out, FSETSTAT, handle, attributes),
            Self::OpenDir { path } => strings(out, OPENDIR, &[path]),
            Self::ReadDir { handle } => strings(out, READDIR, &[handle]),
            Self::Remove { path } => strings(out, REMOVE, &[path]),
            Self::MakeDir { path, attributes } => with_attributes(out, MKDIR, path, attributes),
            Self::RemoveDir { path } => strings(out, RMDIR, &[path]),
            Self::RealPath { path } => strings(out, REALPATH, &[path]),
            Self::Stat { path } => strings(out, STAT, &[path]),
            Self::Rename { from, to } => strings(out, RENAME, &[from, to]),
            Self::ReadLink { path } => strings(out, READLINK, &[path]),
            Self::Limits => strings(out, EXTENDED, &[name::LIMITS.as_bytes()]),
            Self::PosixRename { from, to } => {
                strings(out, EXTENDED, &[name::POSIX_RENAME.as_bytes(), from, to])
            }
            Self::HardLink { from, to } => strings(out, EXTENDED, &[name::HARDLINK.as_bytes(), from, to]),
            Self::Fsync { handle } => strings(out, EXTENDED, &[name::FSYNC.as_bytes(), handle]),
            Self::StatVfs { path } => strings(out, EXTENDED, &[name::STATVFS.as_bytes(), path]),
            Self::CheckFile {
                path,
                algorithms,
                offset,
                len,
                block,
            } => put_packet(out, EXTENDED, |out| {
                out.put_u32(id);
                put_string(out, name::CHECK_FILE_NAME.as_bytes());
                put_string(out, path);
                put_string(out, algorithms);
                out.put_u64(*offset);
                out.put_u64(*len);
                out.put_u32(*block);
            }),
            Self::Extended { name, data } => put_packet(out, EXTENDED, |out| {
                out.put_u32(id);
                put_string(out, name);
                out.put_slice(data);
            }),
            Self::Unknown { kind } => put_packet(out, *kind, |out| out.put_u32(id)),
        }
    }

    /// Reads a packet that a [`Decoder`](super::Decoder) cut out: its type, and what follows the type.
    /// The id of INIT is 0. Bytes after the last field are ignored, as OpenSSH ignores them.
    pub fn decode(kind: u8, body: &'a [u8]) -> Result<(u32, Self), Malformed> {
        let mut f = Fields::new(body);
        let id = f.u32()?;
        let request = match kind {
            INIT => return Ok((0, Self::Init)),
            OPEN => {
                let (path, flags) = (f.string()?, OpenFlags(f.u32()?));
                Self::Open {
                    path,
                    flags,
                    attributes: Attributes::decode(&mut f)?,
                }
            }
            CLOSE => Self::Close { handle: f.string()? },
            READ => Self::Read {
                handle: f.string()?,
                offset: f.u64()?,
                len: f.u32()?,
            },
            WRITE => Self::Write {
                handle: f.string()?,
                offset: f.u64()?,
                data: f.string()?,
            },
            LSTAT => Self::Lstat { path: f.string()? },
            FSTAT => Self::Fstat { handle: f.string()? },
            SETSTAT => Self::SetStat {
                path: f.string()?,
                attributes: Attributes::decode(&mut f)?,
            },
            FSETSTAT => Self::FSetStat {
                handle: f.string()?,
                attributes: Attributes::decode(&mut f)?,
            },
            OPENDIR => Self::OpenDir { path: f.string()? },
            READDIR => Self::ReadDir { handle: f.string()? },
            REMOVE => Self::Remove { path: f.string()? },
            MKDIR => Self::MakeDir {
                path: f.string()?,
                attributes: Attributes::decode(&mut f)?,
            },
            RMDIR => Self::RemoveDir { path: f.string()? },
            REALPATH => Self::RealPath { path: f.string()? },
            STAT => Self::Stat { path: f.string()? },
            RENAME => Self::Rename {
                from: f.string()?,
                to: f.string()?,
            },
            READLINK => Self::ReadLink { path: f.string()? },
            EXTENDED => Self::decode_extended(f)?,
            kind => Self::Unknown { kind },
        };
        Ok((id, request))
    }

    fn decode_extended(mut f: Fields<'a>) -> Result<Self, Malformed> {
        let extension = f.string()?;
        Ok(match std::str::from_utf8(extension).unwrap_or_default() {
            name::LIMITS => Self::Limits,
            name::POSIX_RENAME => Self::PosixRename {
                from: f.string()?,
                to: f.string()?,
            },
            name::HARDLINK => Self::HardLink {
                from: f.string()?,
                to: f.string()?,
            },
            name::FSYNC => Self::Fsync { handle: f.string()? },
            name::STATVFS => Self::StatVfs { path: f.string()? },
            name::CHECK_FILE_NAME => Self::CheckFile {
                path: f.string()?,
                algorithms: f.string()?,
                offset: f.u64()?,
                len: f.u64()?,
                block: f.u32()?,
            },
            _ => Self::Extended {
                name: extension,
                data: f.rest(),
            },
        })
    }
}
