//! A limit on how fast bytes move.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// A rate that all transfers which share it keep together.
///
/// Bytes are allowed on credit: what was moved at once is waited for afterwards, so that the average holds.
#[derive(Debug)]
pub struct Rate {
    bytes_per_second: f64,
    /// When the bytes that were allowed until now will have been paid for.
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

    /// May more bytes move at `now`?
    ///
    /// # Errors
    /// The time from which on they may.
    pub fn is_ready(&self, now: Instant) -> Result<(), Instant> {
        match *self.paid.lock() {
            Some(paid) if paid > now => Err(paid),
            _ => Ok(()),
        }
    }

    /// `bytes` move at `now`.
    pub fn charge(&self, bytes: u64, now: Instant) {
        let mut paid = self.paid.lock();
        // Time that nobody used is lost, except for a little.
        let from = paid.map_or(now, |paid| paid.max(now.checked_sub(SLACK).unwrap_or(now)));
        *paid = Some(from + Duration::from_secs_f64(bytes as f64 / self.bytes_per_second));
    }

    /// Waits until `bytes` may move.
    pub async fn wait(&self, bytes: u64) {
        while let Err(at) = self.is_ready(Instant::now()) {
            tokio::time::sleep_until(at.into()).await;
        }
        self.charge(bytes, Instant::now());
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
            while let Err(at) = rate.is_ready(now) {
                now = at;
            }
            rate.charge(100_000, now);
        }
        let took = (now - start).as_secs_f64();
        assert!((99.0..101.0).contains(&took), "{took}");
    }

    #[test]
    fn idle_time_is_not_saved_up() {
        let rate = Rate::new(1000);
        let start = Instant::now();
        rate.charge(1000, start);
        let later = start + Duration::from_secs(60);
        assert_eq!(rate.is_ready(later), Ok(()));
        rate.charge(1000, later);
        let wait = rate.is_ready(later).err().map(|at| at - later);
        assert_eq!(wait, Some(Duration::from_millis(950)));
    }
}
