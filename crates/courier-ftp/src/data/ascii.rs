//! Line ends in transfers of type ASCII (RFC 959, 3.1.1.1): CR LF on the wire, LF in files here.

/// CR LF to LF, in bytes that come in any pieces. A CR that no LF follows stays.
#[derive(Debug, Default)]
pub(super) struct FromWire {
    /// A CR that was the last byte, and isn't given out yet.
    held: bool,
}

impl FromWire {
    /// Puts the converted bytes into `out`, which is emptied before.
    pub(super) fn convert(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        out.clear();
        for &byte in bytes {
            if self.held && byte != b'\n' {
                out.push(b'\r');
            }
            self.held = byte == b'\r';
            if !self.held {
                out.push(byte);
            }
        }
    }

    /// What is left at the end.
    pub(super) fn rest(&mut self) -> &'static [u8] {
        match std::mem::take(&mut self.held) {
            true => b"\r",
            false => b"",
        }
    }
}

/// LF to CR LF, in bytes that come in any pieces. A CR LF stays as it is.
#[derive(Debug, Default)]
pub(super) struct ToWire {
    /// The last byte was a CR.
    after_cr: bool,
}

impl ToWire {
    /// Puts the converted bytes into `out`, which is emptied before.
    pub(super) fn convert(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        out.clear();
        for &byte in bytes {
            if byte == b'\n' && !self.after_cr {
                out.push(b'\r');
            }
            self.after_cr = byte == b'\r';
            out.push(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn from_wire(pieces: &[&[u8]]) -> Vec<u8> {
        let (mut ascii, mut out, mut all) = (FromWire::default(), Vec::new(), Vec::new());
        for piece in pieces {
            ascii.convert(piece, &mut out);
            all.extend_from_slice(&out);
        }
        all.extend_from_slice(ascii.rest());
        all
    }

    fn to_wire(pieces: &[&[u8]]) -> Vec<u8> {
        let (mut ascii, mut out, mut all) = (ToWire::default(), Vec::new(), Vec::new());
        for piece in pieces {
            ascii.convert(piece, &mut out);
            all.extend_from_slice(&out);
        }
        all
    }

    #[test]
    fn line_ends_are_converted_across_pieces() {
        assert_eq!(
            from_wire(&[b"a\r", b"\nb\r\r\nc\r", b"d\n\r"]),
            b"a\nb\r\nc\rd\n\r"
        );
        assert_eq!(to_wire(&[b"a\nb\r", b"\nc\n", b"\n"]), b"a\r\nb\r\nc\r\n\r\n");
    }

    proptest! {
        #[test]
        fn text_survives_the_way_there_and_back(text in "[a\r\n]{0,40}", cut in 0usize..40) {
            let unix = text.replace('\r', "");
            let (a, b) = unix.as_bytes().split_at(cut.min(unix.len()));
            let wire = to_wire(&[a, b]);
            let (c, d) = wire.split_at(cut.min(wire.len()));
            prop_assert_eq!(from_wire(&[c, d]), unix.as_bytes());
        }
    }
}
