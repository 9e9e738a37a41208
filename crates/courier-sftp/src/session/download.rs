//! One file on its way down: from its handle to its last byte, inside the SSH callback.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use courier_transfer::{Fetch, Lane, Rate, RemotePath, Sink};
use tokio::sync::oneshot;

use super::{
    Failed, Owner, Wire,
    pace::Pace,
    places::Place,
    plan::{Alone, Next, Plan, Shared, Verdict},
    slot::Slot,
    wire::Step,
};
use crate::codec::{Attributes, OpenFlags, Request, Status, StatusCode};

/// Requests under way until the size is known.
const BLIND: u32 = 2;
/// After so long, a session looks whether the others have left something for it.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// Who waits for a turn says so this often.
pub(super) const BEAT: Duration = Duration::from_secs(1);

/// A part of a file that was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) offset: u64,
    pub(super) len: u32,
    sent: Instant,
}

/// A file on its way down.
#[derive(Debug)]
pub(crate) struct Download {
    path: RemotePath,
    sink: Slot<dyn Sink>,
    done: oneshot::Sender<Result<u64, Failed>>,
    pub(super) place: Option<Place>,
    rate: Option<Arc<Rate>>,

    id: u32,
    /// `None` until it is open, and once it is closed.
    handle: Option<Bytes>,
    pace: Pace,
    under_way: u32,
    plan: Plan,
    /// A part that waits for its turn within the rate: offset, length, and when that comes.
    held: Option<(u64, u32, Instant)>,
    /// When to ask again, where nothing that comes from the server tells.
    pub(super) wake: Option<Instant>,
}

impl Download {
    pub(super) fn new(path: RemotePath, request: Fetch, sink: Slot<dyn Sink>, owner: Owner) -> Self {
        let Owner { done, place } = owner;
        Self {
            path,
            sink,
            done,
            place: Some(place),
            rate: request.rate,
            id: 0,
            handle: None,
            pace: Pace::new(BLIND),
            under_way: 0,
            plan: match request.parts {
                Some(parts) => Plan::Shared(Shared::new(Lane::new(parts))),
                None => Plan::Alone(Alone::new(request.offset, request.size_hint)),
            },
            held: None,
            wake: None,
        }
    }

    /// Asks for the handle. `id` is the transfer's.
    pub(super) fn start(&mut self, id: u32, wire: &mut Wire) {
        self.id = id;
        let attributes = Attributes::default();
        let open = Request::Open {
            path: self.path.as_wire(),
            flags: OpenFlags::READ,
            attributes,
        };
        wire.transfer_request(id, Step::Open, &open);
    }

    /// The handle is there. A file that fits into one request is read and closed in one go. True once all is done.
    pub(super) fn opened(&mut self, handle: Bytes, wire: &mut Wire) -> Result<Option<u64>, Failed> {
        let now = Instant::now();
        if let Some(place) = &mut self.place {
            place.open();
        }
        self.pace = match self.plan.joins() {
            false => Pace::new(wire.limits.reads),
            // What a line that is only warming up has asked for keeps the others waiting.
            true => Pace::careful(wire.limits.reads),
        };
        self.handle = Some(handle.clone());
        if let Plan::Alone(alone) = &mut self.plan {
            if self.rate.is_none()
                && let Some((offset, len)) = alone.in_one_go(wire.limits.read)
            {
                self.request(offset, len, now, wire);
                self.close(wire);
                return Ok(None);
            }
            if !alone.is_promised() {
                wire.transfer_request(self.id, Step::Stat, &Request::Fstat { handle: &handle });
            }
        }
        self.go_on(now, wire)
    }

    /// The answer to FSTAT.
    pub(super) fn sized(&mut self, size: Option<u64>, wire: &mut Wire) {
        if let Plan::Alone(alone) = &mut self.plan {
            alone.sized(size);
        }
        self.ask(Instant::now(), wire);
    }

    /// A piece of a part, straight from the SSH packet.
    pub(super) fn piece(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Failed> {
        if bytes.is_empty() {
            return Ok(());
        }
        let plan = &mut self.plan;
        let written = self.sink.with(|sink| plan.piece(offset, bytes, sink));
        // Empty: the caller has gone, and says so in a moment.
        written.unwrap_or(Ok(())).map_err(Failed::Error)
    }

    /// The last piece of a part was written; `got` bytes in all. The offset reached, once all is done.
    pub(super) fn part(&mut self, part: Part, got: u32, wire: &mut Wire) -> Result<Option<u64>, Failed> {
        self.under_way -= 1;
        let now = Instant::now();
        self.pace.answered(part.sent, now);
        self.answered(part, got)?;
        self.go_on(now, wire)
    }

    /// A part was answered with a status.
    pub(super) fn part_status(
        &mut self,
        part: Part,
        status: Status,
        wire: &mut Wire,
    ) -> Result<Option<u64>, Failed> {
        self.under_way -= 1;
        if status.code != StatusCode::EOF {
            return Err(Failed::Status(status));
        }
        self.answered(part, 0)?;
        self.go_on(Instant::now(), wire)
    }

    /// It is time to ask again.
    pub(super) fn woken(&mut self, now: Instant, wire: &mut Wire) -> Result<Option<u64>, Failed> {
        self.wake = None;
        self.go_on(now, wire)
    }

    /// Closes the handle and tells the caller.
    pub(super) fn finish(mut self, result: Result<u64, Failed>, wire: &mut Wire) {
        self.close(wire);
        self.sink.clear();
        if let Some((_, len, _)) = self.held.take() {
            self.give_back(len);
        }
        // Its place, and what it took of shared parts, go back before the caller looks.
        drop((self.place, self.plan));
        // Nobody waits where the caller has gone.
        let _ = self.done.send(result);
    }

    fn answered(&mut self, part: Part, got: u32) -> Result<(), Failed> {
        self.give_back(part.len - got);
        let plan = &mut self.plan;
        let noted = self
            .sink
            .with(|sink| plan.answered(part.offset, part.len, got, sink));
        noted.unwrap_or(Ok(())).map_err(Failed::Error)
    }

    fn go_on(&mut self, now: Instant, wire: &mut Wire) -> Result<Option<u64>, Failed> {
        self.ask(now, wire);
        let is_open = self.handle.is_some();
        if self.under_way > 0 || is_open && (self.wake.is_some() || self.plan.is_missing()) {
            return Ok(None);
        }
        match self.plan.verdict()? {
            Verdict::Whole(reached) => return Ok(Some(reached)),
            Verdict::Unfinished if is_open => self.ask(now, wire),
            // It was closed early, on the strength of a promise that did not hold.
            Verdict::Unfinished => {
                if let Plan::Alone(alone) = &mut self.plan {
                    alone.start_over();
                }
                self.start(self.id, wire);
            }
        }
        Ok(None)
    }

    fn ask(&mut self, now: Instant, wire: &mut Wire) {
        let limit = match &self.plan {
            Plan::Alone(alone) if !alone.is_promised() => BLIND,
            _ => self.pace.limit(),
        };
        let most = self
            .rate
            .as_ref()
            .map_or(wire.limits.read, |rate| wire.limits.read.min(rate.piece()));
        while self.under_way < limit && self.handle.is_some() {
            let (offset, len, turn) = match self.held.take() {
                Some(held) => held,
                None => match self.plan.next(most) {
                    Next::Ask(offset, len) => {
                        let turn = self.rate.as_ref().map_or(now, |rate| rate.turn(len, now));
                        (offset, len, turn)
                    }
                    Next::Wait if self.under_way == 0 => {
                        self.beat();
                        self.sleep(now + LOOK_AGAIN, wire);
                        return;
                    }
                    Next::Wait | Next::Nothing => return,
                },
            };
            if turn > now {
                self.held = Some((offset, len, turn));
                self.beat();
                self.sleep(turn.min(now + BEAT), wire);
                return;
            }
            self.request(offset, len, now, wire);
        }
    }

    /// Who waits for anything but the server is no dead transfer.
    fn beat(&self) {
        if self.under_way == 0 {
            self.sink.with(|sink| sink.waits());
        }
    }

    /// So much of what was asked for, or was to be, does not come.
    fn give_back(&self, bytes: u32) {
        if let Some(rate) = &self.rate {
            rate.give_back(bytes);
        }
    }

    fn sleep(&mut self, until: Instant, wire: &Wire) {
        self.wake = Some(until);
        wire.set_alarm();
    }

    fn request(&mut self, offset: u64, len: u32, sent: Instant, wire: &mut Wire) {
        let Some(handle) = &self.handle else { return };
        let part = Part { offset, len, sent };
        wire.transfer_request(self.id, Step::Read(part), &Request::Read { handle, offset, len });
        self.under_way += 1;
    }

    fn close(&mut self, wire: &mut Wire) {
        if let Some(handle) = self.handle.take() {
            wire.close(&handle, self.place.take());
        }
    }
}
