//! What a download asks for next, and where what comes is written, without I/O of its own.

use std::collections::BTreeMap;

use bytes::BytesMut;
use courier_transfer::{Error, ErrorKind, Lane, Retry, Sink, Turn};

/// Bytes that may be asked for beyond the first one that is missing.
const MOST_HELD: u64 = 32 * 1024 * 1024;

/// The next request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// These bytes: offset and length.
    Ask(u64, u32),
    /// None now; in a moment there may be one, by what other sessions do.
    Wait,
    /// None, unless an answer to what is under way changes that.
    Nothing,
}

/// How things are when nothing is under way and nothing is to be asked for.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The file is there; so far it reaches.
    Whole(u64),
    /// The server has not said that the file ends: go on asking.
    Unfinished,
}

/// What a session reads of a file.
#[derive(Debug)]
pub(super) enum Plan {
    /// All of it.
    Alone(Alone),
    /// What it takes of the parts that it shares with others.
    Shared(Shared),
}

/// A file that one session reads from an offset to its end.
///
/// The end is what the server says it is, never what a size promised. A short answer is no end either: the rest is
/// asked for again. An answer that ends exactly where the size promised, to a request that went beyond, is both at once,
/// and saves small files a round trip.
///
/// Bytes are written in their order: what comes too early waits in memory. So a file that was left half-way has no
/// holes, whatever ended the process.
#[derive(Debug)]
pub(super) struct Alone {
    /// Where the next part starts.
    next: u64,
    /// Parts that were answered short: offset and length of what is missing.
    missing: Vec<(u64, u32)>,
    /// The size that somebody promised; a probe goes no further. `None`: nobody did yet.
    promised: Option<u64>,
    /// Where the server said that the file ends.
    end: Option<u64>,
    /// Everything before this is written.
    written: u64,
    /// As the sink was told.
    told: u64,
    /// What came before its turn, by offset.
    held: BTreeMap<u64, BytesMut>,
    /// The end of the furthest byte that arrived.
    furthest: u64,
}

impl Alone {
    pub(super) fn new(offset: u64, size_hint: Option<u64>) -> Self {
        Self {
            next: offset,
            missing: Vec::new(),
            promised: size_hint.map(|size| size.max(offset)),
            end: None,
            written: offset,
            told: offset,
            held: BTreeMap::new(),
            furthest: offset,
        }
    }

    /// Has somebody promised a size?
    pub(super) fn is_promised(&self) -> bool {
        self.promised.is_some()
    }

    /// The whole rest, where it fits into one request of `most` bytes: asked for beyond the promised end, so that a file
    /// that grew shows.
    pub(super) fn in_one_go(&mut self, most: u32) -> Option<(u64, u32)> {
        let left = self.promised? - self.next;
        if left >= u64::from(most) {
            return None;
        }
        let len = most.min(u32::try_from(left).unwrap_or(0).max(32 * 1024 - 1) + 1);
        let offset = self.next;
        self.next += u64::from(len);
        Some((offset, len))
    }

    /// The answer to FSTAT: a promise, where there was none. Without one the server is asked until it says stop.
    pub(super) fn sized(&mut self, size: Option<u64>) {
        if self.promised.is_none() {
            self.promised = Some(size.unwrap_or(u64::MAX).max(self.furthest));
        }
    }

    /// The file was closed early, and goes on with a new handle from where it got to.
    pub(super) fn start_over(&mut self) {
        self.missing.clear();
        self.promised = Some(u64::MAX);
    }

    fn next(&mut self, most: u32) -> Next {
        if let Some((offset, len)) = self.missing.pop() {
            return Next::Ask(offset, len);
        }
        let wanted = self.end.is_none() && self.promised.is_none_or(|size| self.next <= size);
        if !wanted || self.next >= self.written.saturating_add(MOST_HELD) {
            return Next::Nothing;
        }
        let offset = self.next;
        self.next = offset.saturating_add(u64::from(most));
        Next::Ask(offset, most)
    }

    fn piece(&mut self, offset: u64, bytes: &[u8], sink: &dyn Sink) -> Result<(), Error> {
        if offset != self.written {
            self.hold(offset, bytes);
            return Ok(());
        }
        write(sink, bytes, offset)?;
        self.written += bytes.len() as u64;
        while let Some(first) = self.held.first_entry().filter(|e| *e.key() == self.written) {
            let held = first.remove();
            write(sink, &held, self.written)?;
            self.written += held.len() as u64;
        }
        Ok(())
    }

    fn hold(&mut self, offset: u64, bytes: &[u8]) {
        let before = self.held.range_mut(..offset).next_back();
        match before.filter(|(start, held)| *start + held.len() as u64 == offset) {
            Some((_, held)) => held.extend_from_slice(bytes),
            None => drop(self.held.insert(offset, bytes.into())),
        }
    }

    fn answered(&mut self, offset: u64, len: u32, got: u32, sink: &dyn Sink) {
        let end = offset + u64::from(got);
        if got == 0 {
            self.ends_at(offset);
            return;
        }
        self.furthest = self.furthest.max(end);
        if self.written > self.told {
            self.told = self.written;
            sink.advance(self.told);
        }
        if self.promised.is_some_and(|size| end > size) {
            self.promised = Some(u64::MAX);
        }
        if got < len && self.promised == Some(end) {
            self.ends_at(end);
        } else if got < len {
            self.missing.push((end, len - got));
        }
    }

    fn ends_at(&mut self, offset: u64) {
        let end = self.end.map_or(offset, |end| end.min(offset));
        self.end = Some(end);
        self.missing.retain(|(offset, _)| *offset < end);
    }

    fn verdict(&mut self) -> Result<Verdict, Error> {
        match self.end {
            Some(end) if self.furthest <= end => return Ok(Verdict::Whole(self.written)),
            Some(_) => {
                return Err(Error::new(
                    ErrorKind::Integrity,
                    "the file grew while it was read; fetch it once its writer has finished",
                )
                .with_retry(Retry::Later));
            }
            None => {}
        }
        self.next = self.written;
        self.promised = self.promised.filter(|size| self.next <= *size).or(Some(u64::MAX));
        Ok(Verdict::Unfinished)
    }
}

/// A file of known size that several sessions read.
#[derive(Debug)]
pub(super) struct Shared {
    lane: Lane,
    /// Parts that were answered short: offset and length of what is missing.
    missing: Vec<(u64, u32)>,
}

impl Shared {
    pub(super) fn new(lane: Lane) -> Self {
        Self {
            lane,
            missing: Vec::new(),
        }
    }

    fn next(&mut self, most: u32) -> Next {
        if let Some((offset, len)) = self.missing.pop() {
            return Next::Ask(offset, len);
        }
        match self.lane.take(most.into()) {
            // Not longer than what was asked for.
            Turn::Part(part) => Next::Ask(part.start, (part.end - part.start) as u32),
            Turn::Wait => Next::Wait,
            Turn::Over => Next::Nothing,
        }
    }

    fn answered(&mut self, offset: u64, len: u32, got: u32, sink: &dyn Sink) -> Result<(), Error> {
        let end = offset + u64::from(got);
        if got == 0 {
            return Err(Error::new(
                ErrorKind::Integrity,
                format!("the file ends at {offset} now; it was longer when the transfer began"),
            )
            .with_retry(Retry::Later));
        }
        self.lane.moved(offset..end, |reached| sink.advance(reached));
        if got < len {
            self.missing.push((end, len - got));
        }
        Ok(())
    }
}

impl Plan {
    /// Do others move the same file already?
    pub(super) fn joins(&self) -> bool {
        match self {
            Self::Alone(_) => false,
            Self::Shared(shared) => !shared.lane.parts().is_untouched(),
        }
    }

    /// What to ask for next, `most` bytes at most.
    pub(super) fn next(&mut self, most: u32) -> Next {
        match self {
            Self::Alone(alone) => alone.next(most),
            Self::Shared(shared) => shared.next(most),
        }
    }

    /// Bytes of an answer, straight from the SSH packet.
    pub(super) fn piece(&mut self, offset: u64, bytes: &[u8], sink: &dyn Sink) -> Result<(), Error> {
        match self {
            Self::Alone(alone) => alone.piece(offset, bytes, sink),
            Self::Shared(_) => write(sink, bytes, offset),
        }
    }

    /// All bytes of an answer have come: `got` of the `len` that were asked for; 0 at the end of the file.
    pub(super) fn answered(&mut self, offset: u64, len: u32, got: u32, sink: &dyn Sink) -> Result<(), Error> {
        match self {
            Self::Alone(alone) => {
                alone.answered(offset, len, got, sink);
                Ok(())
            }
            Self::Shared(shared) => shared.answered(offset, len, got, sink),
        }
    }

    /// Is there something that was answered short?
    pub(super) fn is_missing(&self) -> bool {
        match self {
            Self::Alone(alone) => !alone.missing.is_empty(),
            Self::Shared(shared) => !shared.missing.is_empty(),
        }
    }

    /// Nothing is under way, and nothing is to be asked for: how is it?
    ///
    /// # Errors
    /// The file grew meanwhile.
    pub(super) fn verdict(&mut self) -> Result<Verdict, Error> {
        match self {
            Self::Alone(alone) => alone.verdict(),
            Self::Shared(shared) => Ok(Verdict::Whole(shared.lane.parts().reached())),
        }
    }
}

fn write(sink: &dyn Sink, bytes: &[u8], offset: u64) -> Result<(), Error> {
    sink.write_at(bytes, offset).map_err(|e| sink.error(e))
}
