#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use bytes::BytesMut;
use proptest::{collection::vec, option, prelude::*};

use super::*;

fn attributes() -> impl Strategy<Value = Attributes> {
    (
        option::of(any::<u64>()),
        option::of(any::<(u32, u32)>()),
        option::of(any::<u32>()),
        option::of(any::<(u32, u32)>()),
    )
        .prop_map(|(size, owner, permissions, times)| Attributes {
            size,
            owner,
            permissions,
            times,
        })
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..40)
}

/// Encodes, cuts the bytes at every given place, and hands on what the decoder finds.
fn through(mut decoder: Decoder, stream: &[u8], pieces: usize) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    for mut piece in stream.chunks(pieces.max(1)) {
        while let Some(event) = decoder.next(&mut piece).unwrap() {
            match event {
                Event::Packet { kind, body } => found.push((kind, body.to_vec())),
                Event::Data { id, total, at, bytes } => {
                    if at == 0 {
                        found.push((103, id.to_be_bytes().to_vec()));
                        found.last_mut().unwrap().1.extend(total.to_be_bytes());
                    }
                    found.last_mut().unwrap().1.extend(bytes);
                }
            }
        }
        assert!(piece.is_empty());
    }
    found
}

proptest! {
    #[test]
    fn requests_come_back(id: u32, a in bytes(), b in bytes(), offset: u64, len: u32, attributes in attributes(), pieces in 1usize..60) {
        let requests = [
            Request::Open { path: &a, flags: OpenFlags(len), attributes },
            Request::Close { handle: &a },
            Request::Read { handle: &a, offset, len },
            Request::Write { handle: &a, offset, data: &b },
            Request::Lstat { path: &a },
            Request::Fstat { handle: &a },
            Request::SetStat { path: &a, attributes },
            Request::FSetStat { handle: &a, attributes },
            Request::OpenDir { path: &a },
            Request::ReadDir { handle: &a },
            Request::Remove { path: &a },
            Request::MakeDir { path: &a, attributes },
            Request::RemoveDir { path: &a },
            Request::RealPath { path: &a },
            Request::Stat { path: &a },
            Request::Rename { from: &a, to: &b },
            Request::ReadLink { path: &a },
            Request::Limits,
            Request::PosixRename { from: &a, to: &b },
            Request::HardLink { from: &a, to: &b },
            Request::Fsync { handle: &a },
            Request::StatVfs { path: &a },
            Request::CheckFile { path: &a, algorithms: &b, offset, len: offset / 2, block: len },
            Request::Unknown { kind: 99 },
        ];
        let mut stream = BytesMut::new();
        requests.iter().for_each(|r| r.encode(id, &mut stream));
        let found = through(Decoder::of_requests(), &stream, pieces);
        prop_assert_eq!(found.len(), requests.len());
        for ((kind, body), request) in found.iter().zip(requests) {
            prop_assert_eq!(Request::decode(*kind, body).unwrap(), (id, request));
        }
    }

    #[test]
    fn a_write_filled_in_place_is_a_write(id: u32, handle in bytes(), offset: u64, data in bytes()) {
        let mut whole = BytesMut::new();
        Request::Write { handle: &handle, offset, data: &data }.encode(id, &mut whole);
        let mut header = vec![0; Request::write_header_len(&handle)];
        Request::fill_write_header(&mut header, id, &handle, offset, u32::try_from(data.len()).unwrap());
        header.extend(&data);
        prop_assert_eq!(&header[..], &whole[..]);
    }

    #[test]
    fn responses_come_back_however_they_are_cut(id: u32, a in bytes(), b in bytes(), code: u32, attributes in attributes(), pieces in 1usize..60) {
        let entry = NameEntry { name: &a, long_name: &b, attributes };
        let responses = [
            Response::Version { version: 3, extensions: vec![(&a, &b), (&b, &a)] },
            Response::status(StatusCode(code), "No such file"),
            Response::Handle(&a),
            Response::Data(&b),
            Response::Name(vec![entry.clone(), entry]),
            Response::Attributes(attributes),
            Response::Extended(&a),
            Response::Data(b""),
        ];
        let mut stream = BytesMut::new();
        responses.iter().for_each(|r| r.encode(id, &mut stream));
        let found = through(Decoder::of_responses(), &stream, pieces);
        prop_assert_eq!(found.len(), responses.len());
        for ((kind, body), response) in found.iter().zip(responses) {
            let expected = if matches!(response, Response::Version { .. }) { 0 } else { id };
            prop_assert_eq!(Response::decode(*kind, body).unwrap(), (expected, response));
        }
    }

    #[test]
    fn any_bytes_are_an_error_or_a_packet(stream in vec(any::<u8>(), 0..600), small in any::<bool>(), kind: u8, pieces in 1usize..90) {
        let mut stream = stream;
        if small && stream.len() > 5 {
            stream[0] = 0;
            stream[1] = 0;
            stream[2] &= 1;
            stream[4] = kind;
        }
        for mut decoder in [Decoder::of_requests(), Decoder::of_responses()] {
            'pieces: for mut piece in stream.chunks(pieces) {
                loop {
                    match decoder.next(&mut piece) {
                        Ok(Some(Event::Packet { kind, body })) => {
                            let _ = Request::decode(kind, body);
                            let _ = Response::decode(kind, body);
                        }
                        Ok(Some(Event::Data { total, at, bytes, .. })) => prop_assert!(at as usize + bytes.len() <= total as usize),
                        Ok(None) => break,
                        Err(_) => break 'pieces,
                    }
                }
            }
        }
        let _ = Request::decode(kind, &stream);
        let _ = Response::decode(kind, &stream);
        let _ = Limits::decode(&stream);
        let _ = CheckedFile::decode(&stream);
    }
}

#[test]
fn text_in_front_of_the_first_packet_is_shown() {
    let error = Decoder::of_responses()
        .next(&mut &b"Welcome to our server\r\n"[..])
        .unwrap_err();
    assert!(error.to_string().contains("Welco"), "{error}");
}

#[test]
fn a_listing_that_claims_more_names_than_it_holds_is_malformed() {
    let body = [0, 0, 0, 1, 255, 255, 255, 255];
    assert!(Response::decode(104, &body).is_err());
}

#[test]
fn a_status_may_lack_its_message() {
    let body = [0, 0, 0, 1, 0, 0, 0, 4];
    assert_eq!(
        Response::decode(101, &body).unwrap(),
        (1, Response::status(StatusCode::FAILURE, ""))
    );
}

#[test]
fn a_checksum_is_read_with_and_without_the_name_in_front() {
    let checked = CheckedFile {
        algorithm: b"sha256",
        hash: &[7; 32],
    };
    let body = checked.encode();
    assert_eq!(CheckedFile::decode(&body).unwrap(), checked);
    let without = &body[4 + "check-file".len()..];
    assert_eq!(CheckedFile::decode(without).unwrap(), checked);
    assert!(CheckedFile::decode(&body[..20]).is_err());
}
