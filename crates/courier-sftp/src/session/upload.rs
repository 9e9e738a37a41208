//! One file on its way up: from its source into WRITE packets, inside the SSH callback.

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use bytes::{Bytes, BytesMut};
use courier_transfer::{Entry, Error, ErrorKind, Lane, Ranges, Rate, RemotePath, Retry, Source, Store, Turn};
use tokio::sync::oneshot;

use super::{
    Failed, Owner, Wire,
    download::{BEAT, LOOK_AGAIN},
    places::Place,
    slot::Slot,
    wire::Step,
};
use crate::{
    codec::{Attributes, OpenFlags, Request, Status, StatusCode},
    entry::entry_of,
};

/// The bytes of one batch of WRITE packets, about.
const BATCH: u32 = 256 * 1024;
/// The bytes that may be without an answer. What keeps memory small is the window of the SSH channel.
const MOST_UNDER_WAY: u64 = 16 * 1024 * 1024;
/// Buffers that wait to be used again.
const POOLED: usize = 3;

/// A file on its way up.
#[derive(Debug)]
pub(crate) struct Upload {
    path: RemotePath,
    flags: OpenFlags,
    source: Slot<dyn Source>,
    done: oneshot::Sender<Result<u64, Failed>>,
    pub(super) place: Option<Place>,
    rate: Option<Arc<Rate>>,

    id: u32,
    /// `None` until it is open, and once CLOSE was sent.
    handle: Option<Bytes>,
    plan: Plan,
    under_way: u64,
    /// Buffers that were sent, or soon will be; one that nobody else holds is filled again.
    pool: Vec<Bytes>,
    /// The server has answered the CLOSE.
    closed: bool,
    /// Takes what lies there afterwards; `None` where nobody wants that, or it was answered.
    after: Option<Arc<OnceLock<Entry>>>,
    /// When the next batch may go, where a rate is kept: it counts as moved already, with so many bytes.
    turn: Option<(Instant, u32)>,
    /// Stands in the queue of those that have something to send.
    pub(super) queued: bool,
    /// When to go on, where nothing that comes from the server tells.
    pub(super) wake: Option<Instant>,
}

/// What a session sends of a file.
#[derive(Debug)]
enum Plan {
    /// All of it, to the end of the source.
    Alone {
        /// Where the next WRITE starts.
        next: u64,
        /// The size that somebody told.
        size: Option<u64>,
        acknowledged: Ranges,
    },
    /// What it takes of the parts that it shares with others.
    Shared(Lane),
}

impl Plan {
    /// The next bytes to send: offset and length; `most` at most.
    fn next(&mut self, most: u32) -> Turn {
        match self {
            // The end is where the source says that it is.
            Self::Alone { next, .. } => Turn::Part(*next..*next + u64::from(most)),
            Self::Shared(lane) => lane.take(most.into()),
        }
    }

    /// Where the source is said to end; `None` where nobody said it, or it was wrong.
    fn expected(&self) -> Option<u64> {
        match self {
            Self::Alone { next, size, .. } => size.filter(|size| next <= size),
            Self::Shared(_) => None,
        }
    }

    /// So many bytes are worth a buffer: one more than there should be, so that the end shows.
    fn left(&self) -> u32 {
        match (self, self.expected()) {
            (Self::Alone { next, .. }, Some(size)) => u32::try_from(size - next + 1).unwrap_or(u32::MAX),
            _ => u32::MAX,
        }
    }

    /// So far the file has come.
    fn reached(&self) -> u64 {
        match self {
            Self::Alone { next, .. } => *next,
            Self::Shared(lane) => lane.parts().reached(),
        }
    }
}

impl Upload {
    pub(super) fn new(
        path: RemotePath,
        flags: OpenFlags,
        request: Store,
        source: Slot<dyn Source>,
        owner: Owner,
    ) -> Self {
        let Owner { done, place } = owner;
        let offset = request.options.offset;
        Self {
            path,
            flags,
            source,
            done,
            place: Some(place),
            rate: request.rate,
            id: 0,
            handle: None,
            plan: match request.parts {
                Some(parts) => Plan::Shared(Lane::new(parts)),
                None => Plan::Alone {
                    next: offset,
                    size: request.size_hint,
                    acknowledged: Ranges::from(offset),
                },
            },
            under_way: 0,
            pool: Vec::new(),
            closed: false,
            after: request.after,
            turn: None,
            queued: false,
            wake: None,
        }
    }

    /// Asks for the handle. `id` is the transfer's.
    pub(super) fn start(&mut self, id: u32, wire: &mut Wire) {
        self.id = id;
        let attributes = Attributes::default();
        wire.transfer_request(
            id,
            Step::Open,
            &Request::Open {
                path: self.path.as_wire(),
                flags: self.flags,
                attributes,
            },
        );
    }

    /// The handle is there.
    pub(super) fn opened(&mut self, handle: Bytes) {
        if let Some(place) = &mut self.place {
            place.open();
        }
        self.handle = Some(handle);
    }

    /// Do several sessions send this file?
    pub(super) fn is_shared(&self) -> bool {
        matches!(self.plan, Plan::Shared(_))
    }

    /// May send more now?
    pub(super) fn is_ready(&self) -> bool {
        self.handle.is_some() && self.under_way < MOST_UNDER_WAY && self.wake.is_none()
    }

    /// The next packets: WRITEs of about [`BATCH`] bytes, with the CLOSE behind the last one. A server must
    /// process the requests of one file in order (section 6.1 of the draft), so that nothing waits.
    pub(super) fn batch(&mut self, wire: &mut Wire) -> Result<Bytes, Failed> {
        let Some(handle) = self.handle.clone() else {
            return Ok(Bytes::new());
        };
        let now = Instant::now();
        let piece = self.rate.as_ref().map_or(u32::MAX, |rate| rate.piece());
        let total = BATCH.min(piece).min(self.plan.left());
        if let Some(rate) = &self.rate {
            let (at, _) = *self.turn.get_or_insert_with(|| (rate.turn(total, now), total));
            if at > now {
                self.beat();
                self.sleep(at.min(now + BEAT), wire);
                return Ok(Bytes::new());
            }
        }
        let header = Request::write_header_len(&handle);
        let chunk = wire.limits.write.min(total);
        let count = (total / chunk).max(1) as usize;
        let mut buffer = self.buffer(count * (header + chunk as usize));
        let (mut filled, mut sent) = (0, 0);
        let mut at_end = false;
        while !at_end {
            let Some((head, space)) = buffer
                .get_mut(filled..)
                .and_then(|rest| rest.split_at_mut_checked(header))
            else {
                break;
            };
            let most = u32::try_from(space.len()).unwrap_or(chunk).min(chunk);
            if most < chunk {
                break;
            }
            let part = match self.plan.next(chunk) {
                Turn::Part(part) => part,
                Turn::Wait => {
                    self.beat();
                    self.sleep(now + LOOK_AGAIN, wire);
                    break;
                }
                Turn::Over => {
                    at_end = true;
                    break;
                }
            };
            let wanted = u32::try_from(part.end - part.start).unwrap_or(chunk);
            let data = space.get_mut(..wanted as usize).unwrap_or_default();
            // Empty: the caller has gone, and says so in a moment.
            let expected = self.plan.expected();
            let read = self
                .source
                .with(|source| fill(source, data, part.start, expected));
            let len = read.unwrap_or(Ok(0)).map_err(Failed::Error)?;
            match &mut self.plan {
                Plan::Alone { next, .. } => {
                    at_end = len < wanted;
                    *next += u64::from(len);
                }
                Plan::Shared(_) if len < wanted => {
                    return Err(Failed::Error(shrank(part.start + u64::from(len))));
                }
                Plan::Shared(_) => {}
            }
            if len > 0 {
                let offset = part.start;
                let id = wire.expect(self.id, Step::Write { offset, len });
                Request::fill_write_header(head, id, &handle, offset, len);
                filled += header + len as usize;
                sent += len;
                self.under_way += u64::from(len);
            }
        }
        buffer.truncate(filled);
        self.end_turn(sent);
        if at_end {
            self.handle = None;
            let id = wire.expect(self.id, Step::Close);
            Request::Close { handle: &handle }.encode(id, &mut buffer);
            if self.after.is_some() {
                let id = wire.expect(self.id, Step::Look);
                let path = self.path.as_wire();
                Request::Stat { path }.encode(id, &mut buffer);
            }
        }
        let bytes = buffer.freeze();
        if !at_end && self.pool.len() < POOLED {
            self.pool.push(bytes.clone());
        }
        Ok(bytes)
    }

    /// A WRITE was answered. The result, if that was the last answer.
    pub(super) fn written(&mut self, offset: u64, len: u32, status: Status) -> Option<Result<u64, Failed>> {
        self.under_way -= u64::from(len);
        if status.code != StatusCode::OK {
            return Some(Err(Failed::Status(status)));
        }
        let part = offset..offset + u64::from(len);
        let source = &self.source;
        let advance = |reached| {
            source.with(|source| source.advance(reached));
        };
        match &mut self.plan {
            Plan::Alone { acknowledged, .. } => {
                if acknowledged.add(part.start, part.end) {
                    advance(acknowledged.reached());
                }
            }
            Plan::Shared(lane) => lane.moved(part, advance),
        }
        self.settled()
    }

    /// The CLOSE was answered. Answers may come in any order.
    pub(super) fn closed(&mut self, status: Status) -> Option<Result<u64, Failed>> {
        if status.code != StatusCode::OK {
            return Some(Err(Failed::Status(status)));
        }
        self.closed = true;
        self.settled()
    }

    /// The look behind the CLOSE was answered; a server that refuses it tells nothing.
    pub(super) fn looked(&mut self, attributes: Option<Attributes>) -> Option<Result<u64, Failed>> {
        if let (Some(after), Some(attributes)) = (self.after.take(), attributes) {
            // Each look is answered once.
            let _ = after.set(entry_of(self.path.clone(), &attributes));
        }
        self.settled()
    }

    fn sleep(&mut self, until: Instant, wire: &Wire) {
        self.wake = Some(until);
        wire.set_alarm();
    }

    /// Who waits for anything but the server is no dead transfer.
    fn beat(&self) {
        if self.under_way == 0 {
            self.source.with(|source| source.waits());
        }
    }

    /// So many bytes were sent of those that count as moved.
    fn end_turn(&mut self, sent: u32) {
        if let (Some(rate), Some((_, counted))) = (&self.rate, self.turn.take()) {
            rate.give_back(counted.saturating_sub(sent));
        }
    }

    fn settled(&self) -> Option<Result<u64, Failed>> {
        (self.closed && self.under_way == 0 && self.after.is_none()).then(|| Ok(self.plan.reached()))
    }

    /// Closes the handle where that was not done, and tells the caller.
    pub(super) fn finish(mut self, result: Result<u64, Failed>, wire: &mut Wire) {
        if let Some(handle) = self.handle.take() {
            wire.close(&handle, self.place.take());
        }
        self.source.clear();
        self.end_turn(0);
        // Its place, and what it took of shared parts, go back before the caller looks.
        drop((self.place, self.plan));
        // Nobody waits where the caller has gone.
        let _ = self.done.send(result);
    }

    /// A buffer of that length, filled with anything: one that was sent, or a new one.
    fn buffer(&mut self, len: usize) -> BytesMut {
        for at in 0..self.pool.len() {
            match self.pool.swap_remove(at).try_into_mut() {
                Ok(mut buffer) => {
                    buffer.resize(len, 0);
                    return buffer;
                }
                Err(still_used) => {
                    self.pool.push(still_used);
                    let last = self.pool.len() - 1;
                    self.pool.swap(at, last);
                }
            }
        }
        BytesMut::zeroed(len)
    }
}

/// The source is shorter than it was.
fn shrank(end: u64) -> Error {
    Error::new(
        ErrorKind::Integrity,
        format!("the local file ends at {end} now; it was longer when the transfer began"),
    )
    .with_retry(Retry::Later)
}

/// Reads until the buffer is full or the source is at its end. A read that falls short exactly where the end is expected
/// saves the one that would say so.
fn fill(source: &dyn Source, buffer: &mut [u8], offset: u64, expected: Option<u64>) -> Result<u32, Error> {
    let mut len = 0;
    while let Some(space) = buffer.get_mut(len..).filter(|s| !s.is_empty()) {
        let at = offset + len as u64;
        let read = source.read_at(space, at).map_err(|e| source.error(e))?;
        len += read.min(space.len());
        if read == 0 || expected == Some(at + read as u64) {
            break;
        }
    }
    // Not longer than a WRITE may be.
    Ok(u32::try_from(len).unwrap_or(u32::MAX))
}
