//! One file that several sessions move together.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::ranges::Ranges;

/// What a lane takes at once: enough that a server reads ahead, little enough that a slow lane holds nobody up.
const BLOCK: u64 = 512 * 1024;

/// The parts of one file that are still to be moved, shared by the sessions that move them.
///
/// Each session has a [`Lane`], which takes parts from the front, so that fast ones move more. What a lane has taken
/// and not moved goes back when it ends. Nobody gets further than [`AHEAD`](Self::AHEAD) bytes beyond the first hole:
/// so much of an interrupted file must be moved again, and no more.
#[derive(Debug)]
pub struct Parts {
    offset: u64,
    size: u64,
    state: Mutex<State>,
    /// As `state.moved.reached()`, for whoever only looks.
    reached: AtomicU64,
    begun: watch::Sender<bool>,
}

#[derive(Debug)]
struct State {
    /// Nobody has taken anything from here on.
    next: u64,
    /// Taken and given back: start and end.
    returned: BTreeMap<u64, u64>,
    moved: Ranges,
}

/// What a lane may do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Move these bytes.
    Part(Range<u64>),
    /// Ask again in a moment: the others must fill the holes behind first, or give back what they cannot move.
    Wait,
    /// Every byte has been moved.
    Over,
}

impl Parts {
    /// How far beyond the first hole anybody gets.
    pub const AHEAD: u64 = 32 * 1024 * 1024;

    /// The bytes from `offset` to `size` are to be moved.
    pub fn new(offset: u64, size: u64) -> Arc<Self> {
        Arc::new(Self {
            offset,
            size,
            state: Mutex::new(State {
                next: offset,
                returned: BTreeMap::new(),
                moved: Ranges::from(offset),
            }),
            reached: AtomicU64::new(offset),
            begun: watch::Sender::new(false),
        })
    }

    /// Everything before this has been moved.
    pub fn reached(&self) -> u64 {
        self.reached.load(Ordering::Acquire)
    }

    /// The bytes behind that.
    pub fn left(&self) -> u64 {
        self.size.saturating_sub(self.reached())
    }

    /// Is nothing moved yet?
    pub fn is_untouched(&self) -> bool {
        self.reached() == self.offset
    }

    /// Has every byte been moved?
    pub fn is_complete(&self) -> bool {
        self.reached() >= self.size
    }

    /// Waits until the first bytes have been moved: then the file is known to exist.
    pub async fn begun(&self) {
        // Fails only where this is dropped.
        let _ = self.begun.subscribe().wait_for(|begun| *begun).await;
    }

    fn take(&self) -> Turn {
        let mut state = self.state.lock();
        if let Some((start, end)) = state.returned.pop_first() {
            return Turn::Part(start..end);
        }
        let reached = state.moved.reached();
        if reached >= self.size {
            return Turn::Over;
        }
        let end = (state.next + BLOCK).min(self.size).min(reached + Self::AHEAD);
        if state.next >= end {
            return Turn::Wait;
        }
        let start = std::mem::replace(&mut state.next, end);
        Turn::Part(start..end)
    }

    fn give_back(&self, part: Range<u64>) {
        if !part.is_empty() {
            self.state.lock().returned.insert(part.start, part.end);
        }
    }

    fn moved(&self, part: Range<u64>, advance: impl FnOnce(u64)) {
        let mut state = self.state.lock();
        if state.moved.add(part.start, part.end) {
            let reached = state.moved.reached();
            self.reached.store(reached, Ordering::Release);
            // Under the lock: what is told never goes back.
            advance(reached);
        }
        drop(state);
        if part.start == self.offset {
            self.begun
                .send_if_modified(|begun| !std::mem::replace(begun, true));
        }
    }
}

/// One session's share of [`Parts`].
#[derive(Debug)]
pub struct Lane {
    parts: Arc<Parts>,
    /// Taken, and not handed out.
    block: Range<u64>,
    /// Handed out, and not moved: start and end.
    under_way: BTreeMap<u64, u64>,
}

impl Lane {
    /// Joins in.
    pub fn new(parts: Arc<Parts>) -> Self {
        Self {
            parts,
            block: 0..0,
            under_way: BTreeMap::new(),
        }
    }

    /// The next bytes to move, `most` of them at most.
    pub fn take(&mut self, most: u64) -> Turn {
        if self.block.is_empty() {
            match self.parts.take() {
                Turn::Part(block) => self.block = block,
                other => return other,
            }
        }
        let end = self.block.end.min(self.block.start.saturating_add(most.max(1)));
        let part = self.block.start..end;
        self.block.start = end;
        self.under_way.insert(part.start, part.end);
        Turn::Part(part)
    }

    /// These bytes, which begin where a part began that was taken, have been moved; of a part that was moved only to
    /// its middle, the rest is still under way. `advance` hears how far the file is whole, where that changed.
    pub fn moved(&mut self, part: Range<u64>, advance: impl FnOnce(u64)) {
        if let Some(end) = self.under_way.remove(&part.start)
            && part.end < end
        {
            self.under_way.insert(part.end, end);
        }
        self.parts.moved(part, advance);
    }

    /// The whole that this is a share of.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.parts.give_back(self.block.clone());
        for (start, end) in std::mem::take(&mut self.under_way) {
            self.parts.give_back(start..end);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn take(lane: &mut Lane, most: u64) -> Range<u64> {
        match lane.take(most) {
            Turn::Part(part) => part,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_a_lane_took_goes_to_the_others_when_it_ends() {
        let parts = Parts::new(10, 3 * BLOCK);
        let (mut a, mut b) = (Lane::new(parts.clone()), Lane::new(parts.clone()));
        assert_eq!(take(&mut a, 100), 10..110);
        assert_eq!(take(&mut b, 100), 10 + BLOCK..110 + BLOCK);
        a.moved(10..50, |reached| assert_eq!(reached, 50));
        drop(a);
        assert_eq!(take(&mut b, u64::MAX), 110 + BLOCK..10 + 2 * BLOCK);
        assert_eq!(take(&mut b, u64::MAX), 50..110);
        assert_eq!(take(&mut b, u64::MAX), 110..10 + BLOCK);
        assert_eq!(take(&mut b, u64::MAX), 10 + 2 * BLOCK..3 * BLOCK);
        assert_eq!(b.take(1), Turn::Wait);
        assert_eq!(parts.reached(), 50);
    }

    #[test]
    fn nobody_runs_far_ahead_of_a_hole() {
        let parts = Parts::new(0, 10 * Parts::AHEAD);
        let (mut slow, mut fast) = (Lane::new(parts.clone()), Lane::new(parts.clone()));
        let first = take(&mut slow, 1);
        let mut furthest = 0;
        while let Turn::Part(part) = fast.take(BLOCK) {
            furthest = part.end;
            fast.moved(part, |_| {});
        }
        assert_eq!(furthest, Parts::AHEAD);
        slow.moved(first, |_| {});
        assert!(matches!(fast.take(1), Turn::Part(_)));
    }

    proptest! {
        /// Lanes that take, move, fall short and die: every byte is moved, what is told never goes back, and no byte is
        /// moved twice.
        #[test]
        fn every_byte_is_moved_once(choices in prop::collection::vec((0..4usize, 0..8u8, 1..3_000_000u64), 0..400)) {
            let size = 7 * BLOCK + 13;
            let parts = Parts::new(5, size);
            let mut lanes: Vec<(Lane, Vec<Range<u64>>)> =
                (0..4).map(|_| (Lane::new(parts.clone()), Vec::new())).collect();
            let told = std::cell::Cell::new(5);
            let tell = |reached: u64| {
                assert!(reached > told.get());
                told.set(reached);
            };
            let mut moved = 5;
            for (which, what, len) in choices {
                let (lane, under_way) = &mut lanes[which];
                match what {
                    0 => {
                        under_way.clear();
                        *lane = Lane::new(parts.clone());
                    }
                    1..4 => if let Turn::Part(part) = lane.take(len) { under_way.push(part) },
                    _ => if let Some(part) = under_way.pop() {
                        let end = part.end.min(part.start + len);
                        lane.moved(part.start..end, tell);
                        moved += end - part.start;
                        if end < part.end { under_way.push(end..part.end) }
                    },
                }
            }
            drop(lanes);
            let mut last = Lane::new(parts.clone());
            loop {
                match last.take(300_000) {
                    Turn::Part(part) => {
                        moved += part.end - part.start;
                        last.moved(part, tell);
                    }
                    Turn::Over => break,
                    Turn::Wait => prop_assert!(false, "nobody else is there"),
                }
            }
            prop_assert!(parts.is_complete());
            prop_assert_eq!(told.get(), size);
            prop_assert_eq!(moved, size);
        }
    }
}
