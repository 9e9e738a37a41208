//! Which bytes a transfer moves, in which order they are written, and how fast.

use std::{
    io,
    sync::Mutex,
    time::{Duration, Instant},
};

use courier_transfer::{Error, Fetch, Parts, Rate};
use proptest::prelude::*;

use super::*;

/// A file that takes nothing but what comes next.
#[derive(Debug, Default)]
struct InOrder(Mutex<Vec<u8>>);

impl Sink for InOrder {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut written = self.0.lock().unwrap();
        assert_eq!(offset, written.len() as u64);
        written.extend_from_slice(bytes);
        Ok(())
    }

    fn advance(&self, offset: u64) {
        assert_eq!(offset, self.0.lock().unwrap().len() as u64);
    }

    fn error(&self, _error: io::Error) -> Error {
        unreachable!()
    }
}

fn content(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 251) as u8).collect()
}

fn bounds(word: &str) -> (usize, usize) {
    let (offset, len) = word.strip_prefix("read ").unwrap().split_once('+').unwrap();
    (offset.parse().unwrap(), len.parse().unwrap())
}

proptest! {
    /// A server that answers in any order, and short: the file is written from the front to the end, without a hole.
    #[test]
    fn whatever_the_order_of_the_answers_the_file_is_written_in_order(
        len in 1usize..1_500_000,
        choices in prop::collection::vec((any::<prop::sample::Index>(), 1usize..200_000), 200),
    ) {
        let bytes = content(len);
        let mut wired = Wired::new();
        let sink = Arc::new(InOrder::default());
        let (owner, mut outcome) = owner();
        let request = Fetch::new(sink.clone(), 0, Some(len as u64));
        let end = Slot::new(sink.clone() as Arc<dyn Sink>);
        let download = Box::new(Download::new(path(), request, end, owner));
        wired.core.execute(Command::Download { id: 1000, download });
        let open = wired.commanded();
        let mut waiting = wired.answered(&[(open[0].0, HANDLE)]);
        let mut choices = choices.into_iter().cycle();
        while outcome.try_recv().is_err() {
            waiting.retain(|(_, word)| word != "close");
            prop_assert!(!waiting.is_empty());
            let (which, most) = choices.next().unwrap();
            let (id, word) = waiting.swap_remove(which.index(waiting.len()));
            if word == "open" {
                waiting.extend(wired.answered(&[(id, HANDLE)]));
                continue;
            }
            let (offset, asked) = bounds(&word);
            let there = bytes.get(offset..).unwrap_or_default();
            let answer = &there[..there.len().min(asked).min(most)];
            waiting.extend(match answer {
                [] => wired.answered(&[(id, status(StatusCode::EOF))]),
                answer => wired.answered(&[(id, Response::Data(answer))]),
            });
        }
        prop_assert!(*sink.0.lock().unwrap() == bytes);
    }
}

/// A transfer that shares the parts of a file, over a connection of its own.
fn shared_download(parts: &Arc<Parts>, sink: &Arc<BytesSink>) -> (Wired, Outcome, Vec<Seen>) {
    let mut wired = Wired::new();
    let limits = SizeLimits {
        read: 100_000,
        write: 100_000,
        reads: 2,
    };
    wired.core.set_limits(limits);
    let (owner, outcome) = owner();
    let request = Fetch {
        parts: Some(parts.clone()),
        ..sink.request(0, None)
    };
    let end = Slot::new(sink.clone() as Arc<dyn Sink>);
    let download = Box::new(Download::new(path(), request, end, owner));
    wired.core.execute(Command::Download { id: 1000, download });
    let open = wired.commanded();
    let asked = wired.answered(&[(open[0].0, HANDLE)]);
    (wired, outcome, asked)
}

#[test]
fn two_sessions_read_one_file_and_a_dead_one_leaves_its_share() {
    let bytes = content(3_000_000);
    let parts = Parts::new(0, 3_000_000);
    let sink = Arc::new(BytesSink::default());
    let (mut one, mut one_done, mut asked) = shared_download(&parts, &sink);
    let (mut other, mut other_done, others) = shared_download(&parts, &sink);
    assert_eq!(words(&asked), ["read 0+100000", "read 100000+100000"]);
    assert_eq!(words(&others), ["read 524288+100000", "read 624288+100000"]);
    other.core.execute(Command::Cancel { id: 1000 });
    assert!(matches!(other_done.try_recv().unwrap(), Err(Failed::Error(_))));
    while one_done.try_recv().is_err() {
        let now: Vec<Seen> = std::mem::take(&mut asked);
        assert!(!now.is_empty());
        for (id, word) in now {
            if word != "close" {
                let (offset, len) = bounds(&word);
                asked.extend(one.answered(&[(id, Response::Data(&bytes[offset..offset + len]))]));
            }
        }
    }
    assert!(parts.is_complete());
    assert!(sink.bytes() == bytes);
    assert_eq!(sink.written(), 3_000_000);
}

#[test]
fn a_session_that_has_nothing_to_do_waits_for_the_others() {
    let parts = Parts::new(0, 150_000);
    let sink = Arc::new(BytesSink::default());
    let (mut one, _, asked) = shared_download(&parts, &sink);
    let (mut idle, mut idle_done, nothing) = shared_download(&parts, &sink);
    assert_eq!(words(&asked), ["read 0+100000", "read 100000+50000"]);
    assert!(nothing.is_empty());
    let look = |wired: &mut Wired| {
        let at = wired.core.wake_at().unwrap();
        wired.core.wake(at, &mut wired.recorder);
    };
    look(&mut idle);
    assert!(idle_done.try_recv().is_err());
    let zeros = [0; 100_000];
    one.answered(&[
        (asked[0].0, Response::Data(&zeros)),
        (asked[1].0, Response::Data(&zeros[..50_000])),
    ]);
    look(&mut idle);
    assert_eq!(idle_done.try_recv().unwrap().unwrap(), 150_000);
}

/// The same for an upload, until its handle is asked for.
fn shared_upload(parts: &Arc<Parts>, len: usize) -> (Wired, Outcome, Vec<Seen>) {
    let mut wired = Wired::new();
    let (owner, outcome) = owner();
    let source: Arc<dyn Source> = BytesSource::new(content(len));
    let request = Store {
        parts: Some(parts.clone()),
        ..Store::new(source.clone(), CreateOptions::default(), None)
    };
    let end = Slot::new(source);
    let upload = Box::new(Upload::new(path(), OpenFlags::WRITE, request, end, owner));
    wired.core.execute(Command::Upload { id: 1000, upload });
    let open = wired.commanded();
    (wired, outcome, open)
}

#[test]
fn an_upload_sends_its_share_and_no_byte_of_the_others() {
    let parts = Parts::new(0, 1_000_000);
    let mut others = courier_transfer::Lane::new(parts.clone());
    assert!(matches!(others.take(u64::MAX), courier_transfer::Turn::Part(part) if part == (0..524_288)));
    let (mut wired, mut outcome, open) = shared_upload(&parts, 1_000_000);
    let sent = wired.answered(&[(open[0].0, HANDLE)]);
    assert_eq!(sent[0].1, "write 524288+100000");
    let ok: Vec<_> = sent.iter().map(|(id, _)| (*id, status(StatusCode::OK))).collect();
    assert!(wired.answered(&ok).is_empty(), "the others still hold their part");
    others.moved(0..524_288, |_| {});
    let at = wired.core.wake_at().unwrap();
    wired.core.wake(at, &mut wired.recorder);
    let closing = seen(&std::mem::take(&mut wired.recorder.sent));
    assert_eq!(words(&closing), ["close"]);
    wired.answered(&[(closing[0].0, status(StatusCode::OK))]);
    assert_eq!(outcome.try_recv().unwrap().unwrap(), 1_000_000);
}

#[test]
fn a_rate_is_kept_by_waiting() {
    let mut wired = Wired::new();
    let sink = Arc::new(BytesSink::default());
    let (owner, _outcome) = owner();
    let request = Fetch {
        rate: Some(Arc::new(Rate::new(100_000))),
        ..sink.request(0, Some(1_000_000))
    };
    let end = Slot::new(sink as Arc<dyn Sink>);
    let download = Box::new(Download::new(path(), request, end, owner));
    let before = Instant::now();
    wired.core.execute(Command::Download { id: 1000, download });
    let open = wired.commanded();
    assert_eq!(words(&wired.answered(&[(open[0].0, HANDLE)])), ["read 0+25000"]);
    let at = wired.core.wake_at().unwrap();
    assert!(at >= before + Duration::from_millis(200), "{:?}", at - before);
    wired.core.wake(at, &mut wired.recorder);
    let next = seen(&std::mem::take(&mut wired.recorder.sent));
    assert_eq!(words(&next), ["read 25000+25000"]);
}

#[test]
fn whoever_shares_a_rate_gets_a_turn() {
    let mut wired = Wired::new();
    let rate = Arc::new(Rate::new(100_000));
    let sink = Arc::new(BytesSink::default());
    let mut handles = Vec::new();
    for id in [1000, 1001] {
        let request = Fetch {
            rate: Some(Arc::clone(&rate)),
            ..sink.request(0, Some(1_000_000))
        };
        let end = Slot::new(Arc::<BytesSink>::clone(&sink) as Arc<dyn Sink>);
        let download = Box::new(Download::new(path(), request, end, owner().0));
        wired.core.execute(Command::Download { id, download });
        handles.push((wired.commanded()[0].0, HANDLE));
    }
    assert_eq!(words(&wired.answered(&handles)), ["read 0+25000"]);
    let mut asked = Vec::new();
    for _ in 0..3 {
        let at = wired.core.wake_at().unwrap();
        wired.core.wake(at, &mut wired.recorder);
        asked.extend(seen(&std::mem::take(&mut wired.recorder.sent)));
    }
    assert_eq!(
        words(&asked),
        ["read 25000+25000", "read 0+25000", "read 50000+25000"]
    );
}

#[test]
fn who_waits_for_a_turn_says_so() {
    #[derive(Debug, Default)]
    struct Beats(Mutex<usize>);
    impl Sink for Beats {
        fn write_at(&self, _bytes: &[u8], _offset: u64) -> io::Result<()> {
            panic!("nothing came")
        }
        fn advance(&self, _offset: u64) {}
        fn waits(&self) {
            *self.0.lock().unwrap() += 1;
        }
        fn error(&self, error: io::Error) -> Error {
            panic!("{error}")
        }
    }
    let mut wired = Wired::new();
    let rate = Arc::new(Rate::new(100_000));
    rate.turn(1_000_000, Instant::now());
    let sink = Arc::new(Beats::default());
    let request = Fetch {
        rate: Some(rate),
        ..Fetch::new(sink.clone(), 0, Some(1_000_000))
    };
    let (owner, _outcome) = owner();
    let end = Slot::new(sink.clone() as Arc<dyn Sink>);
    let download = Box::new(Download::new(path(), request, end, owner));
    wired.core.execute(Command::Download { id: 1000, download });
    let open = wired.commanded();
    assert!(wired.answered(&[(open[0].0, HANDLE)]).is_empty());
    let mut looks = 0;
    while wired.recorder.sent.is_empty() {
        let at = wired.core.wake_at().unwrap();
        wired.core.wake(at, &mut wired.recorder);
        looks += 1;
    }
    assert_eq!((looks, *sink.0.lock().unwrap()), (10, 10));
}

#[test]
fn an_upload_goes_on_where_the_server_waits_for_more_before_it_answers() {
    let parts = Parts::new(0, 3_000_000);
    let (mut wired, _outcome, open) = shared_upload(&parts, 3_000_000);
    let mut sent = wired.answered(&[(open[0].0, HANDLE)]).len();
    assert!(sent < 10, "{sent}");
    while let Some(at) = wired.core.wake_at().filter(|_| sent < 30) {
        wired.core.wake(at, &mut wired.recorder);
        sent += seen(&std::mem::take(&mut wired.recorder.sent)).len();
    }
    assert!(sent >= 30, "{sent}");
}
