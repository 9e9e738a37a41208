//! What a server sends (draft-ietf-secsh-filexfer-02 sections 4 and 7).

use bytes::{BufMut, BytesMut};

use super::{
    Attributes,
    wire::{Fields, Malformed, put_packet, put_string},
};

/// The number in a STATUS (section 7). Numbers of later drafts occur in the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusCode(pub u32);

#[allow(missing_docs, reason = "the names of the draft")]
impl StatusCode {
    pub const OK: Self = Self(0);
    pub const EOF: Self = Self(1);
    pub const NO_SUCH_FILE: Self = Self(2);
    pub const PERMISSION_DENIED: Self = Self(3);
    pub const FAILURE: Self = Self(4);
    pub const BAD_MESSAGE: Self = Self(5);
    pub const NO_CONNECTION: Self = Self(6);
    pub const CONNECTION_LOST: Self = Self(7);
    pub const OP_UNSUPPORTED: Self = Self(8);
    /// From draft 04 on, as the rest.
    pub const INVALID_HANDLE: Self = Self(9);
    pub const NO_SUCH_PATH: Self = Self(10);
    pub const FILE_ALREADY_EXISTS: Self = Self(11);
    pub const WRITE_PROTECT: Self = Self(12);
    pub const NO_SPACE_ON_FILESYSTEM: Self = Self(14);
    pub const QUOTA_EXCEEDED: Self = Self(15);
    pub const DIR_NOT_EMPTY: Self = Self(18);
    pub const NOT_A_DIRECTORY: Self = Self(19);
    pub const FILE_IS_A_DIRECTORY: Self = Self(24);
}

/// A STATUS: how a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The number.
    pub code: StatusCode,
    /// The server's words, made printable and cut at 256 characters; may be empty.
    pub message: String,
}

/// One name of a NAME packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameEntry<'a> {
    /// The name, as bytes.
    pub name: &'a [u8],
    /// The line that `ls -l` would print; its form is the server's own.
    pub long_name: &'a [u8],
    /// What the server tells of it.
    pub attributes: Attributes,
}

/// A response. All but [`Version`](Self::Version) carry the id of their request, given beside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response<'a> {
    /// The first packet.
    Version {
        /// The server's version.
        version: u32,
        /// Extensions: name and value.
        extensions: Vec<(&'a [u8], &'a [u8])>,
    },
    /// How a request ended.
    Status(Status),
    /// An open file or directory.
    Handle(&'a [u8]),
    /// Bytes of a file. A client gets them as [`Event::Data`](super::Event::Data) instead.
    Data(&'a [u8]),
    /// Names of a directory, or the one name of REALPATH.
    Name(Vec<NameEntry<'a>>),
    /// What is known of a file.
    Attributes(Attributes),
    /// The answer to an extension.
    Extended(&'a [u8]),
}

const VERSION: u8 = 2;
const STATUS: u8 = 101;
const HANDLE: u8 = 102;
pub(super) const DATA: u8 = 103;
const NAME: u8 = 104;
const ATTRS: u8 = 105;
const EXTENDED_REPLY: u8 = 201;

/// The longest handle that the draft allows.
const MAX_HANDLE: usize = 256;
/// The longest message of a STATUS that is kept, in characters.
const MAX_MESSAGE: usize = 256;

impl<'a> Response<'a> {
    /// A STATUS.
    pub fn status(code: StatusCode, message: impl Into<String>) -> Self {
        Self::Status(Status {
            code,
            message: message.into(),
        })
    }

    /// Appends the packet.
    pub fn encode(&self, id: u32, out: &mut BytesMut) {
        match self {
            Self::Version { version, extensions } => put_packet(out, VERSION, |out| {
                out.put_u32(*version);
                for (name, value) in extensions {
                    put_string(out, name);
                    put_string(out, value);
                }
            }),
            Self::Status(status) => put_packet(out, STATUS, |out| {
                out.put_u32(id);
                out.put_u32(status.code.0);
                put_string(out, status.message.as_bytes());
                put_string(out, b"");
            }),
            Self::Handle(bytes) => put_bytes(out, HANDLE, id, bytes),
            Self::Data(bytes) => put_bytes(out, DATA, id, bytes),
            Self::Name(names) => put_packet(out, NAME, |out| {
                out.put_u32(id);
                out.put_u32(u32::try_from(names.len()).unwrap_or(u32::MAX));
                for entry in names {
                    put_string(out, entry.name);
                    put_string(out, entry.long_name);
                    entry.attributes.encode(out);
                }
            }),
            Self::Attributes(attributes) => put_packet(out, ATTRS, |out| {
                out.put_u32(id);
                attributes.encode(out);
            }),
            Self::Extended(data) => put_packet(out, EXTENDED_REPLY, |out| {
                out.put_u32(id);
                out.put_slice(data);
            }),
        }
    }

    /// Reads a packet that a [`Decoder`](super::Decoder) cut out: its type, and what follows the type.
    /// The id of VERSION is 0.
    pub fn decode(kind: u8, body: &'a [u8]) -> Result<(u32, Self), Malformed> {
        let mut f = Fields::new(body);
        let id = f.u32()?;
        let response = match kind {
            VERSION => {
                let mut extensions = Vec::new();
                while !f.is_empty() {
                    extensions.push((f.string()?, f.string()?));
                }
                return Ok((
                    0,
                    Self::Version {
                        version: id,
                        extensions,
                    },
                ));
            }
            STATUS => {
                let code = StatusCode(f.u32()?);
                // Some old servers leave out the message and the language.
                let message = f.string().unwrap_or_default();
                Self::Status(Status {
                    code,
                    message: printable(message),
                })
            }
            HANDLE => {
                let handle = f.string()?;
                if handle.len() > MAX_HANDLE {
                    return Err(Malformed::seeing(
                        "a handle is longer than 256 bytes",
                        handle.len(),
                    ));
                }
                Self::Handle(handle)
            }
            DATA => Self::Data(f.string()?),
            NAME => {
                let mut names = Vec::new();
                for _ in 0..f.u32()? {
                    let (name, long_name) = (f.string()?, f.string()?);
                    names.push(NameEntry {
                        name,
                        long_name,
                        attributes: Attributes::decode(&mut f)?,
                    });
                }
                Self::Name(names)
            }
            ATTRS => Self::Attributes(Attributes::decode(&mut f)?),
            EXTENDED_REPLY => Self::Extended(f.rest()),
            kind => return Err(Malformed::seeing("a response of an unknown type", kind)),
        };
        Ok((id, response))
    }
}

fn put_bytes(out: &mut BytesMut, kind: u8, id: u32, bytes: &[u8]) {
    put_packet(out, kind, |out| {
        out.put_u32(id);
        put_string(out, bytes);
    });
}

fn printable(message: &[u8]) -> String {
    String::from_utf8_lossy(message)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_MESSAGE)
        .collect::<String>()
        .trim()
        .to_owned()
}
