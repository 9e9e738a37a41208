//! A limit on how fast bytes move.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// A rate that all transfers which share it keep together, each in its turn.
///
/// Bytes are allowed on credit: what moves at once is waited for afterwards, so that the average holds.
#[derive(Debug)]
pub struct Rate {
    bytes_per_second: f64,
    /// When the bytes that were asked for until now will have been paid for.
    paid: Mutex<Option<Instant>>,
}

/// A pause shorter than this is not worth the waking; so much may be caught up.
const SLACK: Duration = Duration::from_millis(50);
/// What is moved at once is to take about this long.
const PIECE: f64 = 0.25;

impl Rate {
    /// So many bytes a second, at least one.
    pub fn new(bytes_per_second: u64) -> Self {
        Self {
            bytes_per_second: bytes_per_second.max(1) as f64,
            paid: Mutex::new(None),
        }
    }

    /// How many bytes to move at once, at most, so that they come evenly.
    pub fn piece(&self) -> u32 {
        (self.bytes_per_second * PIECE).clamp(1024.0, f64::from(u32::MAX)) as u32
    }

    /// When `bytes` that somebody wants to move at `now` may move. They count from now on, so that everybody gets a turn.
    pub fn turn(&self, bytes: u32, now: Instant) -> Instant {
        let mut paid = self.paid.lock();
        // Time that nobody used is lost, except for a little.
        let from = paid.map_or(now, |paid| paid.max(now.checked_sub(SLACK).unwrap_or(now)));
        *paid = Some(from + self.time(bytes));
        from
    }

    /// So many of the bytes that were asked for did not move.
    pub fn give_back(&self, bytes: u32) {
        let mut paid = self.paid.lock();
        *paid = paid.and_then(|paid| paid.checked_sub(self.time(bytes)));
    }

    /// Waits until `bytes` may move.
    pub async fn wait(&self, bytes: u32) {
        tokio::time::sleep_until(self.turn(bytes, Instant::now()).into()).await;
    }

    fn time(&self, bytes: u32) -> Duration {
        Duration::from_secs_f64(f64::from(bytes) / self.bytes_per_second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_is_the_rate() {
        let rate = Rate::new(1_000_000);
        let start = Instant::now();
        let mut now = start;
        for _ in 0..1000 {
            now = now.max(rate.turn(100_000, now));
        }
        let took = (now - start).as_secs_f64();
        assert!((99.0..101.0).contains(&took), "{took}");
    }

    #[test]
    fn idle_time_is_not_saved_up() {
        let rate = Rate::new(1000);
        let start = Instant::now();
        rate.turn(1000, start);
        let later = start + Duration::from_secs(60);
        assert!(rate.turn(1000, later) <= later);
        assert_eq!(rate.turn(1000, later) - later, Duration::from_millis(950));
    }

    #[test]
    fn everybody_gets_a_turn() {
        let rate = Rate::new(1000);
        let now = Instant::now();
        let turns: Vec<Instant> = (0..3).map(|_| rate.turn(100, now)).collect();
        let after = |ms| now + Duration::from_millis(ms);
        assert_eq!(turns, [now, after(100), after(200)]);
        rate.give_back(100);
        assert_eq!(rate.turn(100, now), after(200));
    }
}
