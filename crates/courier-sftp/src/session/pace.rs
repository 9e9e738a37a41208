//! How many requests of one transfer are under way at once.
//!
//! As many as fill bandwidth × delay, and few enough that a slow line does not carry a queue of minutes.
//! While an answer takes little longer than the quickest one, the line is not full and more is asked for;
//! once answers queue up, asking for more would only lengthen the queue.

use std::time::{Duration, Instant};

/// Requests at the start.
const START: u32 = 16;
/// The fewest that still overlap.
const LEAST: u32 = 2;
/// An answer that took this long came through a queue that is too long.
const TOO_LONG: Duration = Duration::from_secs(2);

/// Adapts the number of requests under way to one line.
#[derive(Debug)]
pub(super) struct Pace {
    limit: u32,
    most: u32,
    quickest: Duration,
    /// A queue is shortened once, then it is looked at anew.
    shortened: Option<Instant>,
}

impl Pace {
    /// Never more than `most` requests.
    pub(super) fn new(most: u32) -> Self {
        Self::starting(START, most)
    }

    /// As [`new`](Self::new), from the fewest on.
    pub(super) fn careful(most: u32) -> Self {
        Self::starting(LEAST, most)
    }

    fn starting(start: u32, most: u32) -> Self {
        Self {
            limit: start.clamp(LEAST, most.max(LEAST)),
            most: most.max(LEAST),
            quickest: Duration::MAX,
            shortened: None,
        }
    }

    /// So many may be under way.
    pub(super) fn limit(&self) -> u32 {
        self.limit
    }

    /// An answer came to what was sent at `sent`.
    pub(super) fn answered(&mut self, sent: Instant, now: Instant) {
        let took = now.saturating_duration_since(sent);
        self.quickest = self.quickest.min(took);
        if took < self.quickest * 2 {
            self.limit = (self.limit + 1).min(self.most);
        } else if took > TOO_LONG.max(self.quickest * 4) && self.shortened.is_none_or(|at| sent > at) {
            self.limit = (self.limit / 2).max(LEAST);
            self.shortened = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers on a line of that delay and rate (requests a second), always as many under way as allowed.
    fn settle(delay: Duration, rate: f64, most: u32) -> u32 {
        let start = Instant::now();
        let mut pace = Pace::new(most);
        let mut under_way = std::collections::VecDeque::new();
        let (mut now, mut free) = (start, start);
        for _ in 0..2000 {
            while under_way.len() < pace.limit() as usize {
                under_way.push_back(now);
            }
            let sent = under_way.pop_front().unwrap();
            free = free.max(sent + delay) + Duration::from_secs_f64(1.0 / rate);
            now = now.max(free);
            pace.answered(sent, now);
        }
        pace.limit()
    }

    #[test]
    fn a_long_fat_line_gets_more_and_a_short_or_thin_one_does_not() {
        assert_eq!(settle(Duration::from_millis(50), 10_000.0, 64), 64);
        let short = settle(Duration::from_micros(100), 6_000.0, 64);
        assert!((START..START + 4).contains(&short), "{short}");
        let thin = settle(Duration::from_millis(50), 2.0, 64);
        assert!((LEAST..8).contains(&thin), "{thin}");
    }
}
