//! What a client sends to the server of the demo and the tests: no panic, and what is understood means one thing.
#![no_main]

use bytes::BytesMut;
use courier_sftp::codec::{Decoder, Event, MAX_PACKET, Request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&len, stream)) = data.split_first() else {
        return;
    };
    let mut decoder = Decoder::of_requests();
    for mut piece in stream.chunks(usize::from(len) + 1) {
        loop {
            let (kind, body) = match decoder.next(&mut piece) {
                Ok(Some(Event::Packet { kind, body })) => (kind, body),
                Ok(Some(Event::Data { .. })) => panic!("requests come whole"),
                Ok(None) => break,
                Err(_) => return,
            };
            assert!(body.len() < MAX_PACKET);
            let Ok((id, request)) = Request::decode(kind, body) else {
                continue;
            };
            let mut again = BytesMut::new();
            request.encode(id, &mut again);
            assert_eq!(Request::decode(again[4], &again[5..]), Ok((id, request)));
        }
    }
});
