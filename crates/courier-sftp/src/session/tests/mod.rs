//! What goes over the wire for one file, packet by packet: round trips are what distance costs.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod plans;

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use courier_transfer::{
    CreateOptions, ErrorKind, RemotePath, Sink, Source, Store,
    testkit::{BytesSink, BytesSource},
};
use tokio::sync::{mpsc, oneshot};

use super::{
    Command, Download, Failed, OpenFlags, Outcome, Owner, SizeLimits, Upload,
    core::{Core, Outlet},
    places::Places,
    slot::Slot,
    wire::Ids,
};
use crate::codec::{Attributes, Decoder, Event, Request, Response, StatusCode};

#[derive(Default)]
struct Recorder {
    sent: Vec<Bytes>,
    is_full: bool,
}

impl Outlet for Recorder {
    fn send(&mut self, packets: Bytes) {
        self.sent.push(packets);
    }

    fn is_full(&self) -> bool {
        self.is_full
    }
}

/// A core whose other end is the test.
struct Wired {
    core: Core,
    recorder: Recorder,
    _queue: mpsc::UnboundedReceiver<Command>,
    _sender: mpsc::UnboundedSender<Command>,
}

/// A request, as far as the tests look: its id, and a word for it.
type Seen = (u32, String);

impl Wired {
    fn new() -> Self {
        let (sender, queue) = mpsc::unbounded_channel();
        let mut core = Core::new(Ids::default(), sender.downgrade(), oneshot::channel().0);
        core.set_limits(SizeLimits {
            read: 100_000,
            write: 100_000,
            reads: 8,
        });
        Self {
            core,
            recorder: Recorder::default(),
            _queue: queue,
            _sender: sender,
        }
    }

    fn download(&mut self, hint: Option<u64>) -> (Arc<BytesSink>, Outcome) {
        let sink = Arc::new(BytesSink::default());
        let (owner, outcome) = owner();
        let end = Slot::new(Arc::<BytesSink>::clone(&sink) as Arc<dyn Sink>);
        let download = Box::new(Download::new(path(), sink.request(0, hint), end, owner));
        self.core.execute(Command::Download { id: 1000, download });
        (sink, outcome)
    }

    fn upload(&mut self, len: usize) -> Outcome {
        let (owner, outcome) = owner();
        let source: Arc<dyn Source> = BytesSource::new(vec![7; len]);
        let request = Store::new(source.clone(), CreateOptions::default(), None);
        let upload = Box::new(Upload::new(
            path(),
            OpenFlags::WRITE,
            request,
            Slot::new(source),
            owner,
        ));
        self.core.execute(Command::Upload { id: 1000, upload });
        outcome
    }

    /// What a command wants to send, in one word a packet.
    fn commanded(&mut self) -> Vec<Seen> {
        seen(&[self.core.take_out()])
    }

    /// What the core sends in answer to this.
    fn answered(&mut self, answers: &[(u32, Response<'_>)]) -> Vec<Seen> {
        let mut packets = BytesMut::new();
        answers
            .iter()
            .for_each(|(id, response)| response.encode(*id, &mut packets));
        self.core.receive(&packets, &mut self.recorder).unwrap();
        seen(&std::mem::take(&mut self.recorder.sent))
    }
}

fn path() -> RemotePath {
    RemotePath::new("f").unwrap()
}

fn owner() -> (Owner, Outcome) {
    let (done, outcome) = oneshot::channel();
    let place = Places::new(1).take_now().unwrap();
    (Owner { done, place }, outcome)
}

fn seen(sent: &[Bytes]) -> Vec<Seen> {
    let stream = sent.concat();
    let (mut input, mut decoder, mut found) = (stream.as_slice(), Decoder::of_requests(), Vec::new());
    while let Some(Event::Packet { kind, body }) = decoder.next(&mut input).unwrap() {
        let (id, request) = Request::decode(kind, body).unwrap();
        let word = match request {
            Request::Open { .. } => "open".into(),
            Request::Fstat { .. } => "fstat".into(),
            Request::Close { .. } => "close".into(),
            Request::Read { offset, len, .. } => format!("read {offset}+{len}"),
            Request::Write { offset, data, .. } => format!("write {offset}+{}", data.len()),
            other => panic!("{other:?}"),
        };
        found.push((id, word));
    }
    found
}

fn words(seen: &[Seen]) -> Vec<&str> {
    seen.iter().map(|(_, word)| word.as_str()).collect()
}

const HANDLE: Response<'static> = Response::Handle(b"h");

fn status(code: StatusCode) -> Response<'static> {
    Response::status(code, "")
}

#[test]
fn a_small_file_comes_in_two_round_trips() {
    let mut wired = Wired::new();
    let (sink, mut outcome) = wired.download(Some(5));
    let open = wired.commanded();
    assert_eq!(words(&open), ["open"]);
    let asked = wired.answered(&[(open[0].0, HANDLE)]);
    assert_eq!(words(&asked), ["read 0+32768", "close"]);
    assert!(
        wired
            .answered(&[(asked[0].0, Response::Data(b"hello"))])
            .is_empty()
    );
    assert_eq!(outcome.try_recv().unwrap().unwrap(), 5);
    assert_eq!(sink.bytes(), b"hello");
    assert!(wired.answered(&[(asked[1].0, status(StatusCode::OK))]).is_empty());
}

#[test]
fn a_small_file_that_grew_is_opened_again() {
    let mut wired = Wired::new();
    let (sink, mut outcome) = wired.download(Some(3));
    let open = wired.commanded();
    let asked = wired.answered(&[(open[0].0, HANDLE)]);
    let again = wired.answered(&[(asked[0].0, Response::Data(b"hello"))]);
    assert_eq!(words(&again), ["open"]);
    let rest = wired.answered(&[(again[0].0, HANDLE)]);
    assert_eq!(rest[0].1, "read 5+100000");
    let eof: Vec<_> = rest
        .iter()
        .map(|(id, _)| (*id, status(StatusCode::EOF)))
        .collect();
    assert_eq!(words(&wired.answered(&eof)), ["close"]);
    assert_eq!(outcome.try_recv().unwrap().unwrap(), 5);
    assert_eq!(sink.bytes(), b"hello");
}

#[test]
fn without_a_size_it_is_asked_for_along_with_the_first_bytes() {
    let mut wired = Wired::new();
    let (_sink, _outcome) = wired.download(None);
    let open = wired.commanded();
    let asked = wired.answered(&[(open[0].0, HANDLE)]);
    assert_eq!(words(&asked), ["fstat", "read 0+100000", "read 100000+100000"]);
    let size = Attributes {
        size: Some(450_000),
        ..Attributes::default()
    };
    let more = wired.answered(&[(asked[0].0, Response::Attributes(size))]);
    assert_eq!(
        words(&more),
        ["read 200000+100000", "read 300000+100000", "read 400000+100000"]
    );
}

#[test]
fn a_small_file_goes_in_two_round_trips() {
    for (len, expected) in [(0, vec!["close"]), (5, vec!["write 0+5", "close"])] {
        let mut wired = Wired::new();
        let mut outcome = wired.upload(len);
        let open = wired.commanded();
        let sent = wired.answered(&[(open[0].0, HANDLE)]);
        assert_eq!(words(&sent), expected);
        let ok: Vec<_> = sent.iter().map(|(id, _)| (*id, status(StatusCode::OK))).collect();
        assert!(wired.answered(&ok).is_empty());
        assert_eq!(outcome.try_recv().unwrap().unwrap(), len as u64);
    }
}

#[test]
fn an_upload_stops_where_the_window_is_full_and_goes_on() {
    let mut wired = Wired::new();
    let _outcome = wired.upload(1_000_000);
    let open = wired.commanded();
    wired.recorder.is_full = true;
    assert!(wired.answered(&[(open[0].0, HANDLE)]).is_empty());
    wired.recorder.is_full = false;
    wired.core.push(&mut wired.recorder);
    let sent = seen(&wired.recorder.sent);
    assert_eq!(sent.len(), 11);
    assert_eq!(sent[10].1, "close");
}

#[test]
fn what_is_cancelled_while_it_opens_is_closed_when_it_is_open() {
    let mut wired = Wired::new();
    let (sink, mut outcome) = wired.download(Some(5));
    let open = wired.commanded();
    wired.core.execute(Command::Cancel { id: 1000 });
    assert!(wired.commanded().is_empty());
    assert_eq!(words(&wired.answered(&[(open[0].0, HANDLE)])), ["close"]);
    let Err(Failed::Error(error)) = outcome.try_recv().unwrap() else {
        panic!()
    };
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(sink.bytes().is_empty());
}

#[test]
fn what_comes_after_a_cancellation_is_not_written() {
    let mut wired = Wired::new();
    let (sink, _outcome) = wired.download(Some(150_000));
    let open = wired.commanded();
    let asked = wired.answered(&[(open[0].0, HANDLE)]);
    assert_eq!(words(&asked), ["read 0+100000", "read 100000+100000"]);
    wired.core.execute(Command::Cancel { id: 1000 });
    assert_eq!(words(&wired.commanded()), ["close"]);
    assert!(
        wired
            .answered(&[(asked[0].0, Response::Data(&[1; 1000]))])
            .is_empty()
    );
    assert!(sink.bytes().is_empty());
}

#[test]
fn after_a_refused_write_nothing_more_is_sent() {
    let mut wired = Wired::new();
    let mut outcome = wired.upload(10_000_000);
    let open = wired.commanded();
    let sent = wired.answered(&[(open[0].0, HANDLE)]);
    let refused = [(sent[0].0, Response::status(StatusCode::FAILURE, "disk full"))];
    assert_eq!(words(&wired.answered(&refused)), ["close"]);
    let Err(Failed::Status(status)) = outcome.try_recv().unwrap() else {
        panic!()
    };
    assert_eq!(status.message, "disk full");
    wired.core.push(&mut wired.recorder);
    assert!(wired.recorder.sent.is_empty());
}
