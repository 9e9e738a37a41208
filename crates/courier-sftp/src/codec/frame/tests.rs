#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;

/// An event that outlives its input.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Packet(u8, Vec<u8>),
    /// The payload so far.
    Data(u32, u32, Vec<u8>),
    Refused(Malformed),
}

/// What a decoder makes of the pieces, payloads put together.
fn seen<'a>(mut decoder: Decoder, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Seen> {
    let mut all = Vec::new();
    for mut piece in pieces {
        loop {
            match decoder.next(&mut piece) {
                Ok(None) => break,
                Ok(Some(Event::Packet { kind, body })) => all.push(Seen::Packet(kind, body.to_vec())),
                Ok(Some(Event::Data {
                    id,
                    total,
                    at: 0,
                    bytes,
                })) => {
                    all.push(Seen::Data(id, total, bytes.to_vec()));
                }
                Ok(Some(Event::Data { id, total, at, bytes })) => match all.last_mut() {
                    Some(Seen::Data(i, t, payload)) => {
                        assert_eq!((*i, *t, payload.len()), (id, total, at as usize));
                        payload.extend_from_slice(bytes);
                    }
                    other => panic!("a payload goes on after {other:?}"),
                },
                Err(e) => {
                    all.push(Seen::Refused(e));
                    return all;
                }
            }
        }
        assert!(piece.is_empty(), "what is no error is taken");
    }
    all
}

fn decoders() -> [fn() -> Decoder; 2] {
    [Decoder::of_requests, Decoder::of_responses]
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = u32::try_from(body.len() + 1).unwrap().to_be_bytes().to_vec();
    packet.push(kind);
    packet.extend_from_slice(body);
    packet
}

fn data(id: u32, payload: &[u8]) -> Vec<u8> {
    let total = u32::try_from(payload.len()).unwrap();
    packet(DATA, &[&id.to_be_bytes(), &total.to_be_bytes(), payload].concat())
}

/// Streams of packets, DATA among them, and some with a last one that is broken.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let whole = prop_oneof![
        (any::<u8>(), vec(any::<u8>(), 4..50)).prop_map(|(kind, body)| packet(kind.max(DATA + 1), &body)),
        (any::<u32>(), vec(any::<u8>(), 0..90)).prop_map(|(id, payload)| data(id, &payload)),
    ];
    let tail = prop_oneof![
        2 => Just(Vec::new()),
        1 => vec(any::<u8>(), 0..20),
        1 => vec(any::<u8>(), 4..9).prop_map(|body| packet(DATA, &body)),
    ];
    (vec(whole, 0..6), tail).prop_map(|(packets, tail)| [packets.concat(), tail].concat())
}

proptest! {
    #[test]
    fn where_a_stream_is_cut_changes_nothing(stream in stream(), cuts in vec(any::<Index>(), 0..8)) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        for decoder in decoders() {
            let whole = seen(decoder(), [&stream[..]]);
            prop_assert_eq!(&seen(decoder(), cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]])), &whole);
            prop_assert_eq!(&seen(decoder(), stream.chunks(1)), &whole);
        }
    }

    #[test]
    fn lengths_that_no_packet_has_are_refused_at_once(
        len in prop_oneof![0..5_u32, 263_169_u32.., Just(u32::MAX)],
        kind: u8,
    ) {
        let head = [&len.to_be_bytes()[..], &[kind]].concat();
        for decoder in decoders() {
            prop_assert!(matches!(seen(decoder(), head.chunks(1))[..], [Seen::Refused(_)]));
        }
    }

    #[test]
    fn a_payload_that_does_not_fill_its_packet_is_refused_before_it_arrives(id: u32, len in 9..263_168_u32, off in 1..u32::MAX) {
        let total = (len - 9).wrapping_add(off);
        let head = [&len.to_be_bytes()[..], &[DATA], &id.to_be_bytes(), &total.to_be_bytes()].concat();
        prop_assert!(matches!(seen(Decoder::of_responses(), [&head[..]])[..], [Seen::Refused(_)]));
    }
}

#[test]
fn the_longest_packet_passes_and_one_byte_more_does_not() {
    let longest = packet(DATA + 1, &vec![7; MAX_PACKET - 1]);
    let too_long = packet(DATA + 1, &vec![7; MAX_PACKET]);
    for decoder in decoders() {
        assert_eq!(
            seen(decoder(), longest.chunks(1000)),
            [Seen::Packet(DATA + 1, longest[5..].to_vec())]
        );
        assert!(matches!(
            seen(decoder(), too_long.chunks(1000))[..],
            [Seen::Refused(_)]
        ));
    }
    let payload = vec![7; MAX_PACKET - 9];
    assert_eq!(
        seen(Decoder::of_responses(), data(1, &payload).chunks(1000)),
        [Seen::Data(1, u32::try_from(payload.len()).unwrap(), payload)]
    );
}

#[test]
fn an_empty_payload_is_one_empty_piece() {
    let mut stream = &data(9, b"")[..];
    let mut decoder = Decoder::of_responses();
    let expected = Event::Data {
        id: 9,
        total: 0,
        at: 0,
        bytes: b"",
    };
    assert_eq!(decoder.next(&mut stream), Ok(Some(expected)));
    assert_eq!(decoder.next(&mut stream), Ok(None));
}

/// A long packet announced costs no memory before it is there.
#[test]
fn a_packet_takes_room_as_it_arrives() {
    let mut decoder = Decoder::of_responses();
    let head = [&262_144_u32.to_be_bytes()[..], &[DATA + 1]].concat();
    assert_eq!(decoder.next(&mut &head[..]), Ok(None));
    assert_eq!(decoder.next(&mut &[1; 100][..]), Ok(None));
    assert!(decoder.body.capacity() <= 1024, "{}", decoder.body.capacity());
}
