//! Cuts a stream of bytes into packets.
//!
//! A packet may arrive in any number of pieces. The payload of a DATA packet is handed on piece by
//! piece, as it arrives, and is never copied here; every other packet is handed on whole.

use super::{
    response::DATA,
    wire::{Fields, Malformed},
};

/// The longest packet that is accepted, in bytes: OpenSSH's 256 KiB and room for a header.
pub const MAX_PACKET: usize = 256 * 1024 + 1024;

/// Length and type; of a DATA packet also the id and the length of its payload.
const HEAD: usize = 5;
const DATA_HEAD: usize = 13;

/// What has arrived.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A whole packet: its type, and what follows the type.
    Packet {
        /// The type.
        kind: u8,
        /// The rest.
        body: &'a [u8],
    },
    /// A piece of the payload of a DATA packet. An empty payload comes as one empty piece.
    Data {
        /// The request that it answers.
        id: u32,
        /// The length of the whole payload.
        total: u32,
        /// Where this piece lies in the payload.
        at: u32,
        /// The piece. The last one ends at `total`.
        bytes: &'a [u8],
    },
}

#[derive(Debug)]
enum State {
    /// In the head of a packet; so many bytes of it are there.
    Head(usize),
    /// In a packet that came in pieces, of that type and body length.
    Body { kind: u8, len: usize },
    /// In a payload.
    Payload { id: u32, total: u32, at: u32 },
}

/// Cuts a stream into packets.
#[derive(Debug)]
pub struct Decoder {
    head: [u8; DATA_HEAD],
    state: State,
    /// The body of a packet that came in pieces.
    body: Vec<u8>,
    streams_data: bool,
}

impl Decoder {
    /// For what a server sends: payloads of DATA packets come in pieces.
    pub fn of_responses() -> Self {
        Self {
            head: [0; DATA_HEAD],
            state: State::Head(0),
            body: Vec::new(),
            streams_data: true,
        }
    }

    /// For what a client sends: every packet comes whole.
    pub fn of_requests() -> Self {
        Self {
            streams_data: false,
            ..Self::of_responses()
        }
    }

    /// Takes bytes off `input` until something is complete. `None`: the input is used up.
    ///
    /// # Errors
    /// A length that no packet has. The stream is of no use from then on.
    pub fn next<'s, 'i: 's>(&'s mut self, input: &mut &'i [u8]) -> Result<Option<Event<'s>>, Malformed> {
        loop {
            match self.state {
                State::Head(have) => {
                    let Some(kind) = self.fill_head(have, input)? else {
                        return Ok(None);
                    };
                    let len = self.packet_len()?;
                    if kind == DATA && self.streams_data {
                        let (id, total) = self.data_head()?;
                        self.state = State::Payload { id, total, at: 0 };
                        continue;
                    }
                    if let Some((body, rest)) = input.split_at_checked(len - 1) {
                        *input = rest;
                        self.state = State::Head(0);
                        return Ok(Some(Event::Packet { kind, body }));
                    }
                    self.body.clear();
                    self.state = State::Body { kind, len: len - 1 };
                }
                State::Body { kind, len } => {
                    let take = input.len().min(len - self.body.len());
                    let (piece, rest) = input.split_at_checked(take).unwrap_or_default();
                    self.body.extend_from_slice(piece);
                    *input = rest;
                    if self.body.len() < len {
                        return Ok(None);
                    }
                    self.state = State::Head(0);
                    return Ok(Some(Event::Packet {
                        kind,
                        body: &self.body,
                    }));
                }
                State::Payload { id, total, at } => {
                    if input.is_empty() && total > 0 {
                        return Ok(None);
                    }
                    let left = (total - at) as usize;
                    let (bytes, rest) = input.split_at_checked(left).unwrap_or((input, &[]));
                    *input = rest;
                    // Not longer than `left`, which came from a u32.
                    let end = at + u32::try_from(bytes.len()).unwrap_or(0);
                    self.state = if end == total {
                        State::Head(0)
                    } else {
                        State::Payload { id, total, at: end }
                    };
                    return Ok(Some(Event::Data { id, total, at, bytes }));
                }
            }
        }
    }

    /// Fills the head; the type of the packet once all of it is there.
    fn fill_head(&mut self, mut have: usize, input: &mut &[u8]) -> Result<Option<u8>, Malformed> {
        loop {
            let need = if have >= HEAD && self.head.get(4) == Some(&DATA) && self.streams_data {
                self.packet_len()?;
                DATA_HEAD
            } else {
                HEAD
            };
            if have == need {
                return Ok(self.head.get(4).copied());
            }
            let take = input.len().min(need - have);
            let (piece, rest) = input.split_at_checked(take).unwrap_or_default();
            if let Some(space) = self.head.get_mut(have..have + take) {
                space.copy_from_slice(piece);
            }
            *input = rest;
            have += take;
            self.state = State::Head(have);
            if have < need {
                return Ok(None);
            }
        }
    }

    /// The length of the packet, type included.
    fn packet_len(&self) -> Result<usize, Malformed> {
        let len = Fields::new(&self.head).u32()? as usize;
        if len < HEAD {
            return Err(Malformed::seeing("a packet is too short", len));
        }
        if len > MAX_PACKET {
            // A login script that prints text in front of the first packet ends here.
            let start = self.head.get(..HEAD).unwrap_or_default().escape_ascii();
            return Err(Malformed::seeing(
                "a packet is longer than 257 KiB, or is no SFTP packet; it starts with",
                format!("\"{start}\""),
            ));
        }
        Ok(len)
    }

    fn data_head(&self) -> Result<(u32, u32), Malformed> {
        let mut fields = Fields::new(&self.head);
        let len = fields.u32()?;
        fields.u8()?;
        let (id, total) = (fields.u32()?, fields.u32()?);
        if total.checked_add(9) != Some(len) {
            return Err(Malformed::new(
                "the payload of a DATA packet does not fill the packet",
            ));
        }
        Ok((id, total))
    }
}

#[cfg(test)]
mod tests;
