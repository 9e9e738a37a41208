//! Integers and strings as SSH writes them (RFC 4251 section 5).

use bytes::{BufMut, BytesMut};

/// Bytes that are no packet of the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    what: &'static str,
    seen: String,
}

impl Malformed {
    pub(crate) fn new(what: &'static str) -> Self {
        Self {
            what,
            seen: String::new(),
        }
    }

    /// With what was seen instead, made printable.
    pub(super) fn seeing(what: &'static str, seen: impl ToString) -> Self {
        Self {
            what,
            seen: seen.to_string(),
        }
    }
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.what)?;
        if self.seen.is_empty() {
            Ok(())
        } else {
            write!(f, ": {}", self.seen)
        }
    }
}

impl std::error::Error for Malformed {}

/// Reads the fields of one packet, in order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (head, rest) = self
            .0
            .split_first_chunk::<N>()
            .ok_or(Malformed::new("a packet ends in a number"))?;
        self.0 = rest;
        Ok(*head)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_be_bytes)
    }

    pub(super) fn string(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.u32()? as usize;
        let (head, rest) = self
            .0
            .split_at_checked(len)
            .ok_or(Malformed::new("a packet ends in a string"))?;
        self.0 = rest;
        Ok(head)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All that is left.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }
}

pub(super) fn put_string(out: &mut BytesMut, bytes: &[u8]) {
    out.put_u32(length(bytes.len()));
    out.put_slice(bytes);
}

/// Writes one packet: its length goes in front of what `body` writes.
pub(super) fn put_packet(out: &mut BytesMut, kind: u8, body: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    out.put_u32(0);
    out.put_u8(kind);
    body(out);
    let len = length(out.len() - start - 4);
    if let Some(field) = out.get_mut(start..start + 4) {
        field.copy_from_slice(&len.to_be_bytes());
    }
}

/// Everything that is encoded here is far smaller than 4 GiB.
fn length(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
