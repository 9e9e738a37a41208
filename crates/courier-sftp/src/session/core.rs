//! The SFTP side of a session, without I/O: answers come in, requests go out.
//!
//! It runs on the session's own thread only: answers inside the SSH callback, commands of the callers in
//! between. What it wants to send collects in [`Wire`] or goes to an [`Outlet`].

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::sync::{Notify, mpsc::WeakUnboundedSender, oneshot};

use super::{
    Command, Failed, Reply,
    download::Download,
    handle::OpenHandle,
    limits::{MOST_HANDLES, SizeLimits, Told},
    places::{Place, Places},
    reply::{Entry, Hello, NoHandle},
    upload::Upload,
    wire::{Call, Ids, Pending, Quickest, Step, Wire},
};
use crate::codec::{Decoder, Event, Limits, Malformed, Request, Response};

/// Uploads push no more than this at once, so that answers are looked at in between.
const PUSH: usize = 2 * 1024 * 1024;
/// As [`PUSH`], where several sessions share a file: each of them has buffers of that size.
const SHARED_PUSH: usize = 512 * 1024;
/// After so long without an answer they push again.
const PUSH_AGAIN: Duration = Duration::from_millis(50);

/// Where packets leave from inside the SSH callback.
pub(super) trait Outlet {
    /// Sends bytes, or queues them where the window is full.
    fn send(&mut self, packets: Bytes);

    /// Is something waiting for the window?
    fn is_full(&self) -> bool;
}

#[derive(Debug)]
enum Transfer {
    Download(Download),
    Upload(Upload),
}

impl Transfer {
    fn place(&self) -> Option<&Place> {
        match self {
            Self::Download(download) => download.place.as_ref(),
            Self::Upload(upload) => upload.place.as_ref(),
        }
    }

    fn wake(&self) -> Option<Instant> {
        match self {
            Self::Download(download) => download.wake,
            Self::Upload(upload) => upload.wake,
        }
    }
}

/// The SFTP side of a session.
#[derive(Debug)]
pub(super) struct Core {
    decoder: Decoder,
    wire: Wire,
    transfers: HashMap<u32, Transfer>,
    /// Uploads that have something to send, each once.
    sending: VecDeque<u32>,
    /// When to send more of them, whatever comes until then.
    push_at: Option<Instant>,
    hello: Option<oneshot::Sender<Hello>>,
    queue: WeakUnboundedSender<Command>,
    quickest: Quickest,
    told: Told,
    places: Places,
    /// Nothing comes from the server any more.
    is_over: bool,
}

impl Core {
    /// Waits for the server's VERSION.
    pub(super) fn new(ids: Ids, queue: WeakUnboundedSender<Command>, hello: oneshot::Sender<Hello>) -> Self {
        Self {
            decoder: Decoder::of_responses(),
            wire: Wire::new(ids),
            transfers: HashMap::new(),
            sending: VecDeque::new(),
            push_at: None,
            hello: Some(hello),
            queue,
            quickest: Quickest::default(),
            told: Told::default(),
            places: Places::new(MOST_HANDLES),
            is_over: false,
        }
    }

    /// Rings when [`wake_at`](Self::wake_at) changes.
    pub(super) fn alarm(&self) -> Arc<Notify> {
        Arc::clone(&self.wire.alarm)
    }

    /// The shortest time that a caller has waited for an answer.
    pub(super) fn quickest(&self) -> Quickest {
        self.quickest.clone()
    }

    /// How much the server takes and gives at once, once it has told.
    pub(super) fn told(&self) -> Told {
        Arc::clone(&self.told)
    }

    /// The places for open handles.
    pub(super) fn places(&self) -> Places {
        self.places.clone()
    }

    /// Asks the server for its limits. What else is asked for goes out at once; answers come in order, so that the limits are
    /// known when the first handle is.
    pub(super) fn ask_limits(&mut self) {
        let id = self.wire.ids.next();
        self.wire.pending.insert(id, Pending::Limits);
        Request::Limits.encode(id, &mut self.wire.out);
    }

    fn limited(&mut self, limits: Limits) {
        self.set_limits(SizeLimits::of(limits));
        match usize::try_from(limits.handles) {
            Ok(0) => {}
            handles => self
                .places
                .told(handles.unwrap_or(MOST_HANDLES).min(MOST_HANDLES)),
        }
    }

    /// How much is asked for from now on.
    pub(super) fn set_limits(&mut self, limits: SizeLimits) {
        self.wire.limits = limits;
        // Told once, at the beginning.
        let _ = self.told.set(limits);
    }

    /// The session has ended: whoever waits learns it from its dropped sender, as whoever comes later does.
    pub(super) fn abandon(&mut self) {
        self.is_over = true;
        self.hello = None;
        self.sending.clear();
        self.transfers.clear();
        self.wire.pending.clear();
    }

    /// Carries out a command. What it wants to send is in [`take_out`](Self::take_out).
    pub(super) fn execute(&mut self, command: Command) {
        if self.is_over {
            return;
        }
        match command {
            Command::Call { id, packet, call } => {
                self.wire.pending.insert(id, Pending::Call(call));
                self.wire.out.extend_from_slice(&packet);
            }
            Command::Download { id, mut download } => {
                download.start(id, &mut self.wire);
                self.transfers.insert(id, Transfer::Download(*download));
            }
            Command::Upload { id, mut upload } => {
                upload.start(id, &mut self.wire);
                self.transfers.insert(id, Transfer::Upload(*upload));
            }
            Command::Cancel { id } => self.end(id, Err(Failed::cancelled())),
            Command::Close { handle, place } => self.wire.close(&handle, place),
        }
    }

    /// When something is to be done, whatever the server says until then.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        let transfers = self.transfers.values().filter_map(Transfer::wake);
        transfers.chain(self.push_at).min()
    }

    /// Does what is to be done by now.
    pub(super) fn wake(&mut self, now: Instant, outlet: &mut impl Outlet) {
        let due = |(id, transfer): (&u32, &Transfer)| transfer.wake().filter(|at| *at <= now).map(|_| *id);
        let due: Vec<u32> = self.transfers.iter().filter_map(due).collect();
        self.push_at = self.push_at.filter(|at| *at > now);
        for id in due {
            match self.transfers.get_mut(&id) {
                Some(Transfer::Download(download)) => {
                    let done = download.woken(now, &mut self.wire);
                    self.after_part(id, done);
                }
                Some(Transfer::Upload(upload)) => {
                    upload.wake = None;
                    self.queue_upload(id);
                }
                None => {}
            }
        }
        self.push(outlet);
    }

    /// What is to be sent.
    pub(super) fn take_out(&mut self) -> Bytes {
        self.wire.out.split().freeze()
    }

    /// Takes bytes from the server, and sends what follows from them.
    ///
    /// # Errors
    /// The server broke the protocol; the session is of no use any more.
    pub(super) fn receive(&mut self, mut input: &[u8], outlet: &mut impl Outlet) -> Result<(), Malformed> {
        // The decoder is moved out, so that what it hands on can be used with the rest.
        let mut decoder = std::mem::replace(&mut self.decoder, Decoder::of_responses());
        let result = loop {
            match decoder.next(&mut input) {
                Ok(Some(Event::Packet { kind, body })) => {
                    if let Err(e) =
                        Response::decode(kind, body).and_then(|(id, response)| self.packet(id, response))
                    {
                        break Err(e);
                    }
                }
                Ok(Some(Event::Data { id, total, at, bytes })) => {
                    if let Err(e) = self.data(id, total, at, bytes) {
                        break Err(e);
                    }
                }
                Ok(None) => break Ok(()),
                Err(e) => break Err(e),
            }
        };
        self.decoder = decoder;
        result?;
        self.push(outlet);
        Ok(())
    }

    /// Sends what is waiting: requests first, then batches of uploads, in turn, while the window takes them.
    pub(super) fn push(&mut self, outlet: &mut impl Outlet) {
        let mut pushed = 0;
        loop {
            if !self.wire.out.is_empty() {
                outlet.send(self.take_out());
            }
            if outlet.is_full() {
                return;
            }
            let Some(&id) = self.sending.front() else {
                return;
            };
            let Some(Transfer::Upload(upload)) = self.transfers.get_mut(&id) else {
                self.sending.pop_front();
                continue;
            };
            let most = if upload.is_shared() { SHARED_PUSH } else { PUSH };
            if pushed >= most {
                // The answers bring the rest, and time does where a server answers several at once.
                if self.push_at.is_none() {
                    self.push_at = Some(Instant::now() + PUSH_AGAIN);
                    self.wire.set_alarm();
                }
                return;
            }
            self.sending.pop_front();
            upload.queued = false;
            match upload.batch(&mut self.wire) {
                Ok(batch) => {
                    pushed += batch.len();
                    if !batch.is_empty() {
                        outlet.send(batch);
                    }
                    self.queue_upload(id);
                }
                Err(failed) => self.end(id, Err(failed)),
            }
        }
    }

    fn queue_upload(&mut self, id: u32) {
        if let Some(Transfer::Upload(upload)) = self.transfers.get_mut(&id)
            && upload.is_ready()
            && !std::mem::replace(&mut upload.queued, true)
        {
            self.sending.push_back(id);
        }
    }

    /// A transfer is over, one way or another.
    fn end(&mut self, id: u32, result: Result<u64, Failed>) {
        match self.transfers.remove(&id) {
            Some(Transfer::Download(download)) => download.finish(result, &mut self.wire),
            Some(Transfer::Upload(upload)) => upload.finish(result, &mut self.wire),
            None => {}
        }
    }

    fn packet(&mut self, id: u32, response: Response<'_>) -> Result<(), Malformed> {
        if let Response::Version { version, extensions } = response {
            let hello = self.hello.take().ok_or(Malformed::new("a second VERSION"))?;
            // Nobody waits where the caller has gone.
            let _ = hello.send(Hello::new(version, &extensions));
            return Ok(());
        }
        match self.wire.pending.remove(&id) {
            None => Err(Malformed::new("an answer to a request that was never made")),
            Some(Pending::Close { .. }) => Ok(()),
            Some(Pending::Limits) => {
                // It said that it had them; a server that then has none is treated as any other.
                if let Response::Extended(body) = response
                    && let Ok(limits) = Limits::decode(body)
                {
                    self.limited(limits);
                }
                Ok(())
            }
            Some(Pending::Call(call)) => {
                self.quickest.note(call.sent.elapsed());
                self.answer(call, response);
                Ok(())
            }
            Some(Pending::Transfer { transfer, step }) => self.transfer_packet(transfer, step, response),
        }
    }

    fn answer(&self, mut call: Call, response: Response<'_>) {
        let reply = match response {
            Response::Status(status) => match call.place.take() {
                Some(place) => Reply::NoHandle(NoHandle::new(status, Some(&place))),
                None => Reply::Status(status),
            },
            Response::Handle(handle) => {
                if let Some(place) = &mut call.place {
                    place.open();
                }
                let handle = Bytes::copy_from_slice(handle);
                Reply::Handle(OpenHandle::new(handle, call.place, self.queue.clone()))
            }
            Response::Name(names) => Reply::Names(names.iter().map(Entry::new).collect()),
            Response::Attributes(attributes) => Reply::Attributes(attributes),
            Response::Extended(body) => Reply::Extended(Bytes::copy_from_slice(body)),
            // Payloads come as pieces, and VERSION was dealt with.
            Response::Data(_) | Response::Version { .. } => return,
        };
        // A handle that nobody takes closes itself.
        let _ = call.reply.send(reply);
    }

    fn transfer_packet(&mut self, id: u32, step: Step, response: Response<'_>) -> Result<(), Malformed> {
        let Some(transfer) = self.transfers.get_mut(&id) else {
            // It was cancelled; a handle that comes now is closed at once.
            if let (Step::Open, Response::Handle(handle)) = (step, response) {
                self.wire.close(handle, None);
            }
            return Ok(());
        };
        match (transfer, step, response) {
            (Transfer::Download(download), Step::Open, Response::Handle(handle)) => {
                let done = download.opened(Bytes::copy_from_slice(handle), &mut self.wire);
                self.after_part(id, done);
            }
            (Transfer::Upload(upload), Step::Open, Response::Handle(handle)) => {
                upload.opened(Bytes::copy_from_slice(handle));
                self.queue_upload(id);
            }
            (transfer, Step::Open, Response::Status(status)) => {
                let refused = NoHandle::new(status, transfer.place());
                self.end(id, Err(Failed::Open(refused)));
            }
            (Transfer::Download(download), Step::Stat, Response::Attributes(attributes)) => {
                download.sized(attributes.size, &mut self.wire);
            }
            // It will find the end by itself.
            (Transfer::Download(download), Step::Stat, Response::Status(_)) => {
                download.sized(None, &mut self.wire)
            }
            (Transfer::Download(download), Step::Read(part), Response::Status(status)) => {
                let done = download.part_status(part, status, &mut self.wire);
                self.after_part(id, done);
            }
            (Transfer::Upload(upload), Step::Write { offset, len }, Response::Status(status)) => {
                match upload.written(offset, len, status) {
                    None => self.queue_upload(id),
                    Some(result) => self.end(id, result),
                }
            }
            (
                Transfer::Upload(upload),
                Step::Look,
                looked @ (Response::Attributes(_) | Response::Status(_)),
            ) => {
                let attributes = match looked {
                    Response::Attributes(attributes) => Some(attributes),
                    _ => None,
                };
                if let Some(result) = upload.looked(attributes) {
                    self.end(id, result);
                }
            }
            (Transfer::Upload(upload), Step::Close, Response::Status(status)) => {
                if let Some(result) = upload.closed(status) {
                    self.end(id, result);
                }
            }
            _ => return Err(Malformed::new("an answer of the wrong type")),
        }
        Ok(())
    }

    /// A download may be over by what came last.
    fn after_part(&mut self, id: u32, done: Result<Option<u64>, Failed>) {
        match done.transpose() {
            None => {}
            Some(result) => self.end(id, result),
        }
    }

    fn data(&mut self, id: u32, total: u32, at: u32, bytes: &[u8]) -> Result<(), Malformed> {
        let is_last = at as usize + bytes.len() == total as usize;
        let too_long = || Malformed::new("more data than was asked for");
        match self.wire.pending.get_mut(&id) {
            Some(Pending::Call(call)) if total <= call.max_data => {
                call.data.reserve((total - at) as usize);
                call.data.extend_from_slice(bytes);
                if is_last && let Some(Pending::Call(mut call)) = self.wire.pending.remove(&id) {
                    let data = call.data.split().freeze();
                    // Nobody waits where the caller has gone.
                    let _ = call.reply.send(Reply::Data(data));
                }
                Ok(())
            }
            Some(Pending::Transfer {
                transfer,
                step: Step::Read(part),
            }) if total <= part.len => {
                let (transfer, part) = (*transfer, *part);
                if is_last {
                    self.wire.pending.remove(&id);
                }
                let Some(Transfer::Download(download)) = self.transfers.get_mut(&transfer) else {
                    return Ok(());
                };
                match download.piece(part.offset + u64::from(at), bytes) {
                    Err(failed) => self.end(transfer, Err(failed)),
                    Ok(()) if is_last => {
                        let done = download.part(part, total, &mut self.wire);
                        self.after_part(transfer, done);
                    }
                    Ok(()) => {}
                }
                Ok(())
            }
            Some(
                Pending::Call(_)
                | Pending::Transfer {
                    step: Step::Read(_), ..
                },
            ) => Err(too_long()),
            Some(_) => Err(Malformed::new("data in answer to another request")),
            None => Err(Malformed::new("data that nobody asked for")),
        }
    }
}
