//! What a server sends, cut anywhere: no panic, the same events however it arrives, and nothing larger than a packet.
#![no_main]

use bytes::BytesMut;
use courier_sftp::codec::{CheckedFile, Decoder, Event, Limits, MAX_PACKET, Malformed, Response};
use libfuzzer_sys::fuzz_target;

/// The type of a DATA packet.
const DATA: u8 = 103;

/// Type and body of each packet, and the error that ended the stream. A payload is put together from its pieces.
fn packets<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<(u8, Vec<u8>)>, Option<Malformed>) {
    let mut decoder = Decoder::of_responses();
    let mut found: Vec<(u8, Vec<u8>)> = Vec::new();
    for mut piece in pieces {
        loop {
            match decoder.next(&mut piece) {
                Ok(None) => break,
                Ok(Some(Event::Packet { kind, body })) => {
                    assert!(body.len() < MAX_PACKET);
                    found.push((kind, body.to_vec()));
                }
                Ok(Some(Event::Data { id, total, at, bytes })) => {
                    assert!(total as usize <= MAX_PACKET && at as usize + bytes.len() <= total as usize);
                    if at == 0 && bytes.is_empty() == (total == 0) {
                        found.push((DATA, [id.to_be_bytes(), total.to_be_bytes()].concat()));
                    }
                    let (kind, payload) = found.last_mut().expect("a payload begins at 0");
                    assert_eq!(
                        (*kind, payload.len()),
                        (DATA, 8 + at as usize),
                        "a payload has no holes"
                    );
                    payload.extend_from_slice(bytes);
                }
                Err(e) => return (found, Some(e)),
            }
        }
        assert!(piece.is_empty(), "what is not an error is taken");
    }
    (found, None)
}

/// Pieces of two lengths, in turns.
fn cut(mut stream: &[u8], first: u8, second: u8) -> impl Iterator<Item = &[u8]> {
    let mut lengths = [first, second].into_iter().cycle();
    std::iter::from_fn(move || {
        let len = usize::from(lengths.next()?) + 1;
        let (piece, rest) = stream.split_at(len.min(stream.len()));
        stream = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

fuzz_target!(|data: &[u8]| {
    let &[first, second, ref stream @ ..] = data else {
        return;
    };
    let whole = packets(std::iter::once(stream));
    assert_eq!(packets(cut(stream, first, second)), whole);
    for (kind, body) in &whole.0 {
        let _ = Limits::decode(body);
        let _ = CheckedFile::decode(body);
        let Ok((id, response)) = Response::decode(*kind, body) else {
            continue;
        };
        if let Response::Name(names) = &response {
            assert!(
                names.len() * 12 <= body.len(),
                "each name takes room in the packet"
            );
        }
        let mut again = BytesMut::new();
        response.encode(id, &mut again);
        assert_eq!(Response::decode(again[4], &again[5..]), Ok((id, response)));
    }
});
