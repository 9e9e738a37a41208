//! Files that move, for whoever watches: how far they are, how fast they go, and how long they take.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use courier_store::bus::Progress;
use courier_transfer::ProgressMeter;
use parking_lot::Mutex;
use uuid::Uuid;

use super::tell::{Teller, Told};
use crate::ExecutionEvent;

/// The time that rates are taken over.
const WINDOW: Duration = Duration::from_secs(5);
/// Between two samples of a rate.
const SAMPLE: Duration = Duration::from_millis(400);
/// Files that are through sooner than this are told of on this node only: there may be thousands a second.
const SHORT: Duration = Duration::from_secs(1);
/// Stands for a size that nobody told.
const UNKNOWN: u64 = u64::MAX;

/// A file that moves. It is told of as long as somebody holds it.
#[derive(Debug)]
pub(crate) struct Moving {
    teller: Teller,
    execution: Uuid,
    step: u32,
    name: String,
    began: Instant,
    /// Says when a report is due (specification 6.12).
    meter: ProgressMeter,
    total: AtomicU64,
    rate: Mutex<Rate>,
}

impl Moving {
    pub(super) fn new(
        teller: Teller,
        execution: Uuid,
        step: u32,
        name: String,
        offset: u64,
        total: Option<u64>,
    ) -> Self {
        Self {
            teller,
            execution,
            step,
            name,
            began: Instant::now(),
            meter: ProgressMeter::new(offset),
            total: AtomicU64::new(total.unwrap_or(UNKNOWN)),
            rate: Mutex::new(Rate::from(offset)),
        }
    }

    /// It goes on at this offset, over another session or from anew.
    pub(crate) fn again(&self, offset: u64, total: Option<u64>) {
        self.total.store(total.unwrap_or(UNKNOWN), Ordering::Relaxed);
        self.meter.advance(offset);
    }

    /// Everything before `offset` has arrived; `before`, where it was until then. Called often, from any thread.
    pub(crate) fn reached(&self, offset: u64, before: u64) {
        let is_due = self.meter.advance(offset).is_some();
        let is_whole = offset == self.total.load(Ordering::Relaxed) && offset > before;
        if is_whole && self.began.elapsed() >= SHORT {
            self.tell();
        } else if is_whole || is_due {
            let event = ExecutionEvent::Progress(self.progress());
            self.teller.here(Told::Event(self.execution, event));
        }
    }

    /// Tells watchers everywhere how far it is.
    pub(super) fn tell(&self) {
        let event = ExecutionEvent::Progress(self.progress());
        self.teller.everywhere(self.execution, event);
    }

    fn progress(&self) -> Progress {
        let at = self.meter.snapshot().offset;
        let total = Some(self.total.load(Ordering::Relaxed)).filter(|&total| total != UNKNOWN);
        let rate = self.rate.lock().at(Instant::now(), at);
        Progress {
            execution: self.execution,
            step: self.step,
            current_file: self.name.clone(),
            bytes_transferred: at,
            total_bytes: total,
            transfer_rate_bytes_per_sec: rate,
            eta_sec: total.and_then(|total| seconds_left(total.saturating_sub(at), rate)),
        }
    }
}

/// How long this many bytes take at this rate; unknown where nothing moves.
fn seconds_left(bytes: u64, rate: f64) -> Option<u64> {
    if bytes == 0 {
        return Some(0);
    }
    let seconds = (bytes as f64 / rate).ceil();
    // A file that needs a century stands still.
    (rate > 0.0 && seconds < 3e9).then_some(seconds as u64)
}

/// Something that grows, and how fast it did over the last seconds.
#[derive(Debug)]
pub(super) struct Rate(VecDeque<(Instant, u64)>);

impl Rate {
    /// Begins now, at this number.
    pub(super) fn from(count: u64) -> Self {
        Self(VecDeque::from([(Instant::now(), count)]))
    }

    /// A second, over the last seconds until now, when it stands at `count`.
    pub(super) fn at(&mut self, now: Instant, count: u64) -> f64 {
        let Self(samples) = self;
        // It went back: a file that begins anew.
        if samples.back().is_some_and(|(_, last)| count < *last) {
            samples.clear();
        }
        if samples
            .back()
            .is_none_or(|(last, _)| now.saturating_duration_since(*last) >= SAMPLE)
        {
            samples.push_back((now, count));
        }
        // The oldest one that counts is the last that is older than the window.
        while samples
            .get(1)
            .is_some_and(|(second, _)| now.saturating_duration_since(*second) >= WINDOW)
        {
            samples.pop_front();
        }
        let Some((since, before)) = samples.front() else {
            return 0.0;
        };
        let seconds = now.saturating_duration_since(*since).as_secs_f64();
        count.saturating_sub(*before) as f64 / seconds.max(1e-3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_that_of_the_last_seconds() {
        let mut rate = Rate::from(1000);
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        for tick in 1..=20u64 {
            let seen = rate.at(at(tick * 500), 1000 + tick * 50);
            assert!((seen - 100.0).abs() < 1.0, "{seen}");
        }
        // It stands still: the rate sinks, and is nothing in the end.
        let seen = rate.at(at(12_500), 2000);
        assert!(seen > 10.0 && seen < 60.0, "{seen}");
        for tick in 26..=40u64 {
            rate.at(at(tick * 500), 2000);
        }
        assert!(rate.at(at(20_000), 2000).abs() < 1e-9);
        // It begins anew.
        assert!(rate.at(at(20_500), 0).abs() < 1e-9);
        let seen = rate.at(at(21_500), 700);
        assert!((seen - 700.0).abs() < 1.0, "{seen}");
    }

    #[test]
    fn much_asking_costs_no_memory() {
        let mut rate = Rate::from(0);
        let begin = Instant::now();
        for ms in 0..60_000 {
            rate.at(begin + Duration::from_millis(ms), ms);
        }
        assert!(rate.0.len() < 20, "{}", rate.0.len());
    }

    #[test]
    fn time_left_is_told_where_it_can_be() {
        assert_eq!(seconds_left(1000, 100.0), Some(10));
        assert_eq!(seconds_left(1, 1000.0), Some(1));
        assert_eq!(seconds_left(0, 0.0), Some(0));
        assert_eq!(seconds_left(1000, 0.0), None);
        assert_eq!(seconds_left(u64::MAX, 1e-9), None);
    }
}
