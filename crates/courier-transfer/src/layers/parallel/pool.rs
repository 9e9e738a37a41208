//! The sessions with one server that each carry one operation at a time, and who gets which.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    sync::{Notify, oneshot, watch},
    time::Instant,
};

use crate::{Client, Connector, Error, ErrorKind, RemotePath, Result, Retry};

use super::{
    member::{Member, Place},
    shared::HANDOVER,
};

/// A session beside the first one that nobody has used for so long is closed; servers end idle ones after some minutes.
const IDLE: Duration = Duration::from_secs(30);
/// How often somebody looks for such sessions.
const LOOK: Duration = Duration::from_secs(5);
/// After something went wrong no further session is opened for at least so long, each time twice as long.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// So many operations must wait before the first session is opened beside the main one: two files alone don't pay for a
/// login.
const ENOUGH: usize = 2;

/// A session, and others that are opened beside it while operations wait.
#[derive(Debug)]
pub(super) struct Pool {
    connector: Arc<dyn Connector>,
    /// Sessions, at most.
    most: usize,
    state: Mutex<State>,
    /// One session has ended.
    left: Notify,
    /// Whose other end hears that this is gone.
    alive: watch::Sender<()>,
}

#[derive(Debug)]
struct State {
    /// The first one is the main session, which stays.
    slots: Vec<Slot>,
    /// In the order in which they came.
    waiting: VecDeque<Waiting>,
    opening: usize,
    /// Could one be opened beside the main one? Until then one is tried at a time.
    scouted: bool,
    /// What went wrong in a row, and until when nothing is tried because of that.
    failures: u32,
    paused_until: Option<Instant>,
    /// The next session that becomes free ends.
    leaving: bool,
    /// Somebody looks after idle sessions.
    kept: bool,
    /// No more sessions beside the main one.
    over: bool,
}

/// A session and what it is used for now.
#[derive(Debug)]
struct Slot {
    member: Arc<Member>,
    is_free: bool,
    /// What the operation under way is about.
    paths: Vec<RemotePath>,
    /// What the one before was about.
    last: Vec<RemotePath>,
    idle_since: Instant,
}

#[derive(Debug)]
struct Waiting {
    paths: Vec<RemotePath>,
    place: oneshot::Sender<Place>,
}

impl Pool {
    /// Up to `most` sessions, of which `main` is one.
    pub(super) fn new(main: Arc<dyn Client>, connector: Arc<dyn Connector>, most: usize) -> Arc<Self> {
        Arc::new(Self {
            connector,
            most,
            state: Mutex::new(State {
                slots: vec![Slot::new(Member::main(main))],
                waiting: VecDeque::new(),
                opening: 0,
                scouted: false,
                failures: 0,
                paused_until: None,
                leaving: false,
                kept: false,
                over: false,
            }),
            left: Notify::new(),
            alive: watch::Sender::new(()),
        })
    }

    /// Asks for a session for an operation on these paths.
    ///
    /// What is asked for about a path waits until all that was asked for about it before is done: a look that is asked for
    /// before a change must be carried out before it.
    ///
    /// Whoever waits must go on being polled: the session may be theirs already, and others wait behind them.
    pub(super) fn place(self: &Arc<Self>, paths: &[&RemotePath]) -> Coming {
        let paths: Vec<RemotePath> = paths.iter().map(|&path| path.clone()).collect();
        let mut state = self.state.lock();
        let free = state.free_for(&paths, state.waiting.len());
        if let Some(member) = free.and_then(|at| state.give(at, &paths)) {
            return Coming::Now(Place::new(self.clone(), member));
        }
        let (place, coming) = oneshot::channel();
        state.waiting.push_back(Waiting { paths, place });
        self.open_more(&mut state);
        Coming::Later(coming)
    }

    /// The operation on that session is not about its paths any more, though it goes on.
    pub(super) fn forget_paths(self: &Arc<Self>, member: &Arc<Member>) {
        let mut state = self.state.lock();
        if let Some(slot) = state.slot_of(member).and_then(|at| state.slots.get_mut(at)) {
            slot.paths.clear();
        }
        let undelivered = self.hand_out(&mut state);
        drop(state);
        drop(undelivered);
    }

    /// The operation on that session has ended.
    pub(super) fn give_back(self: &Arc<Self>, member: &Arc<Member>) {
        let mut state = self.state.lock();
        let Some(at) = state.slot_of(member) else {
            return;
        };
        if let Some(slot) = state.slots.get_mut(at) {
            slot.is_free = true;
            slot.last = std::mem::take(&mut slot.paths);
            slot.idle_since = Instant::now();
        }
        let ends = member.is_beside() && (member.is_broken() || state.leaving || state.over);
        let ended = ends.then(|| self.remove(&mut state, at));
        let undelivered = self.hand_out(&mut state);
        self.open_more(&mut state);
        drop(state);
        // Whatever these do takes the lock.
        drop((undelivered, ended));
    }

    /// Takes a session out. It ends when it is dropped.
    fn remove(&self, state: &mut State, at: usize) -> Slot {
        let slot = state.slots.remove(at);
        if slot.member.is_broken() && !slot.member.was_useful() {
            state.pause();
        }
        state.leaving = false;
        self.left.notify_waiters();
        slot
    }

    /// Gives free sessions to those who wait. Gives back what nobody takes any more.
    fn hand_out(self: &Arc<Self>, state: &mut State) -> Vec<Place> {
        let mut undelivered = Vec::new();
        let mut at = 0;
        while state.slots.iter().any(Slot::is_usable)
            && let Some(waiting) = state.waiting.get(at)
        {
            let free = match waiting.place.is_closed() {
                true => None,
                false => match state.free_for(&waiting.paths, at) {
                    Some(free) => Some(free),
                    None => {
                        at += 1;
                        continue;
                    }
                },
            };
            let Some(Waiting { paths, place }) = state.waiting.remove(at) else {
                break;
            };
            if let Some(member) = free.and_then(|free| state.give(free, &paths)) {
                undelivered.extend(place.send(Place::new(self.clone(), member)).err());
            }
        }
        undelivered
    }

    /// Opens further sessions where operations wait, and there may be more.
    fn open_more(self: &Arc<Self>, state: &mut State) {
        state.waiting.retain(|waiting| !waiting.place.is_closed());
        let alone = state.slots.len() == 1 && state.opening == 0;
        let enough = if alone {
            ENOUGH.min(self.most.saturating_sub(1)).max(1)
        } else {
            1
        };
        let is_paused = state.paused_until.is_some_and(|until| Instant::now() < until);
        if state.over || state.leaving || is_paused || state.waiting.len() < enough {
            return;
        }
        let at_once = if state.scouted { usize::MAX } else { 1 };
        let wanted = state.waiting.len().min(at_once).saturating_sub(state.opening);
        let is_gone = |slot: &&Slot| slot.is_free && slot.member.is_broken();
        let gone = state.slots.iter().filter(is_gone).count();
        let room = (self.most + gone).saturating_sub(state.slots.len() + state.opening);
        for _ in 0..wanted.min(room) {
            state.opening += 1;
            let pool = self.clone();
            tokio::spawn(async move {
                let opened = pool.connector.another().await;
                pool.opened(opened);
            });
        }
    }

    /// Takes a further session in, or goes on with those that there are: a server that takes no more is no error.
    fn opened(self: &Arc<Self>, opened: Result<Option<Arc<dyn Client>>>) {
        let mut state = self.state.lock();
        state.opening -= 1;
        let mut late = None;
        match opened {
            Ok(Some(client)) => {
                let main = state.main();
                let member = main.map(|main| Member::beside(client, self.connector.clone(), &main));
                state.scouted = true;
                match member {
                    Some(member) if !state.over => {
                        state.slots.push(Slot::new(member));
                        if !std::mem::replace(&mut state.kept, true) {
                            let alive = self.alive.subscribe();
                            tokio::spawn(keep(Arc::downgrade(self), self.connector.clone(), alive));
                        }
                    }
                    member => late = member,
                }
            }
            Ok(None) => state.pause(),
            Err(error) => {
                tracing::info!(%error, sessions = state.slots.len(), "no further session could be opened; going on with fewer");
                state.pause();
                state.over |= error.retry() == Retry::Never;
            }
        }
        let undelivered = self.hand_out(&mut state);
        self.open_more(&mut state);
        drop(state);
        drop((undelivered, late));
    }

    /// Every session that is open.
    pub(super) fn members(&self) -> Vec<Arc<Member>> {
        self.state
            .lock()
            .slots
            .iter()
            .map(|slot| slot.member.clone())
            .collect()
    }

    /// Something was done: what goes wrong is counted anew.
    pub(super) fn progress(&self) {
        self.state.lock().failures = 0;
    }

    /// Ends the sessions beside the main one, and opens no more.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.over = true;
        let idle = state.idle(Duration::ZERO);
        let ended: Vec<Slot> = idle
            .into_iter()
            .rev()
            .map(|at| self.remove(&mut state, at))
            .collect();
        drop(state);
        drop(ended);
    }

    /// Ends sessions that nobody has used for long. Answers whether there are any others beside the main one.
    fn close_idle(&self) -> bool {
        let mut state = self.state.lock();
        let idle = state.idle(IDLE);
        let ended: Vec<Slot> = idle
            .into_iter()
            .rev()
            .map(|at| self.remove(&mut state, at))
            .collect();
        state.kept = state.slots.len() > 1 || state.opening > 0;
        let kept = state.kept;
        drop(state);
        drop(ended);
        kept
    }

    /// Ends one session, now or as soon as one is free.
    fn let_one_leave(&self) {
        let mut state = self.state.lock();
        let ended = match state.idle(Duration::ZERO).first() {
            Some(&at) => Some(self.remove(&mut state, at)),
            None => {
                state.leaving = state.slots.len() > 1;
                None
            }
        };
        drop(state);
        drop(ended);
    }
}

impl State {
    /// A free session for an operation on these paths, before which so many wait. `None` also where one of the paths is in
    /// use, or is waited for by one of those.
    fn free_for(&self, paths: &[RemotePath], before: usize) -> Option<usize> {
        let slots = self.slots.iter().enumerate();
        // What follows on a path goes where the path was last: a session may still be busy with the end of a cancelled
        // transfer. One whose listing somebody still reads is free, if need be.
        let (at, _) = slots
            .filter(|(_, slot)| slot.is_usable())
            .min_by_key(|(_, slot)| (!is_about(&slot.last, paths), slot.member.listings()))?;
        let waiting = self.waiting.iter().take(before).map(|waiting| &waiting.paths);
        let mut others = self.slots.iter().map(|slot| &slot.paths).chain(waiting);
        (!others.any(|other| is_about(other, paths))).then_some(at)
    }

    fn give(&mut self, at: usize, paths: &[RemotePath]) -> Option<Arc<Member>> {
        let slot = self.slots.get_mut(at)?;
        slot.is_free = false;
        slot.paths = paths.to_vec();
        Some(slot.member.clone())
    }

    fn slot_of(&self, member: &Arc<Member>) -> Option<usize> {
        self.slots
            .iter()
            .position(|slot| Arc::ptr_eq(&slot.member, member))
    }

    fn main(&self) -> Option<Arc<dyn Client>> {
        self.slots.first().map(|slot| slot.member.client().clone())
    }

    /// Where sessions beside the main one are of which nobody has made use for so long, or can make any.
    fn idle(&self, time: Duration) -> Vec<usize> {
        let is_idle = |slot: &Slot| {
            slot.member.is_beside()
                && slot.is_free
                && slot.member.listings() == 0
                && (slot.idle_since.elapsed() >= time || slot.member.is_broken())
        };
        let slots = self.slots.iter().enumerate();
        slots
            .filter(|(_, slot)| is_idle(slot))
            .map(|(at, _)| at)
            .collect()
    }

    fn pause(&mut self) {
        let pause = PAUSE.saturating_mul(1 << self.failures.min(6)).min(LONGEST_PAUSE);
        self.paused_until = Some(Instant::now() + pause);
        self.failures += 1;
    }
}

impl Slot {
    fn new(member: Arc<Member>) -> Self {
        Self {
            member,
            is_free: true,
            paths: Vec::new(),
            last: Vec::new(),
            idle_since: Instant::now(),
        }
    }

    fn is_usable(&self) -> bool {
        self.is_free && !self.member.is_broken()
    }
}

fn is_about(some: &[RemotePath], others: &[RemotePath]) -> bool {
    some.iter().any(|path| others.contains(path))
}

/// A place that is there, or comes.
#[derive(Debug)]
pub(super) enum Coming {
    Now(Place),
    Later(oneshot::Receiver<Place>),
}

impl Coming {
    pub(super) async fn here(self) -> Result<Place> {
        match self {
            Self::Now(place) => Ok(place),
            // Nobody drops it: the main session always comes back.
            Self::Later(coming) => coming
                .await
                .map_err(|_| Error::new(ErrorKind::Lost, "the session has ended")),
        }
    }
}

/// Ends sessions that are idle, or that somebody else waits for, as long as there are any beside the main one.
async fn keep(pool: Weak<Pool>, connector: Arc<dyn Connector>, mut alive: watch::Receiver<()>) {
    loop {
        let wanted = tokio::select! {
            // Nothing is ever sent.
            _ = alive.changed() => return,
            () = connector.wanted() => true,
            () = tokio::time::sleep(LOOK) => false,
        };
        let Some(pool) = pool.upgrade() else {
            return;
        };
        if wanted {
            let left = pool.left.notified();
            pool.let_one_leave();
            // Where none is left, or the one that is to leave takes its time, it is looked at again.
            let _ = tokio::time::timeout(LOOK, left).await;
            tokio::time::sleep(HANDOVER).await;
        }
        if !pool.close_idle() {
            return;
        }
    }
}
