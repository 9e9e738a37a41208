//! What a server sends over the control line, cut anywhere: no panic, the same replies however it arrives, and none larger
//! than may be.
#![no_main]

use courier_ftp::codec::{
    Features, Malformed, Reply, ReplyParser,
    address::{parse_epsv, parse_pasv},
    time,
};
use libfuzzer_sys::fuzz_target;

/// The replies, and the error that ended the stream.
fn replies<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Reply>, Option<Malformed>) {
    let mut parser = ReplyParser::default();
    let mut found = Vec::new();
    for piece in pieces {
        parser.push(piece);
        loop {
            match parser.next_reply() {
                Ok(Some(reply)) => found.push(reply),
                Ok(None) => break,
                Err(e) => return (found, Some(e)),
            }
        }
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
    let whole = replies(std::iter::once(stream));
    assert_eq!(replies(cut(stream, first, second)), whole);
    for reply in &whole.0 {
        assert!((100..700).contains(&reply.code));
        let size: usize = reply.lines.iter().map(Vec::len).sum();
        assert!((1..=501).contains(&reply.lines.len()) && size <= 64 * 1024);
        assert!(!reply.to_string().contains(char::is_control));
        let features = Features::of(reply);
        assert!(features.lines.len() <= reply.lines.len());
        let _ = features.wanted_facts();
        let _ = reply.quoted_path();
        assert!(parse_epsv(reply.first_line()) != Some(0));
        assert!(parse_pasv(reply.first_line()).is_none_or(|address| address.port() > 0));
        let _ = time::read(reply.first_line());
    }
});
