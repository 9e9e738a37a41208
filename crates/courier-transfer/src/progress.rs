//! Progress of a transfer (specification 6.12).

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// Hears how far a transfer of one file has come. Called often and from any thread: must be quick and never block.
pub trait Progress: Send + Sync + fmt::Debug {
    /// Bytes are about to move, from `offset` on (above 0 where a partial is continued); `size` is that of the whole
    /// file in bytes, where known. Comes before the first [`reached`](Self::reached), and again where a transfer
    /// starts over.
    fn begin(&self, offset: u64, size: Option<u64>) {
        let _ = (offset, size);
    }

    /// Everything before `offset` has arrived. Never goes back without a new [`begin`](Self::begin).
    fn reached(&self, offset: u64);
}

/// For callers that don't ask.
#[derive(Clone, Copy, Debug)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn reached(&self, _offset: u64) {}
}

/// Counts progress and says when it is worth a report: every 1 MB or 5 seconds, whichever comes first.
///
/// Reading it costs nothing that a transfer would feel, so that a watcher may also look whenever it likes.
#[derive(Debug)]
pub struct ProgressMeter {
    started: Instant,
    from: AtomicU64,
    reached: AtomicU64,
    reported: AtomicU64,
    reported_after_ms: AtomicU64,
}

/// What a meter shows at one moment (`TransferProgress` of specification 6.2).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProgressSnapshot {
    /// The offset reached in the file, resumed part included.
    pub offset: u64,
    /// Bytes moved by this transfer, resumed part not included.
    pub bytes_transferred: u64,
    /// Bytes a second since the transfer began.
    pub rate_bytes_per_sec: f64,
}

/// Bytes after which a report is due.
const REPORT_BYTES: u64 = 1_000_000;
/// Time after which a report is due.
const REPORT_AFTER: Duration = Duration::from_secs(5);

impl ProgressMeter {
    /// Starts counting at `from`, the offset a transfer resumes at.
    pub fn new(from: u64) -> Self {
        Self {
            started: Instant::now(),
            from: AtomicU64::new(from),
            reached: AtomicU64::new(from),
            reported: AtomicU64::new(from),
            reported_after_ms: AtomicU64::new(0),
        }
    }

    /// Counts anew from `offset`, for [`Progress::begin`].
    pub fn begin(&self, offset: u64) {
        for counter in [&self.from, &self.reached, &self.reported] {
            counter.store(offset, Ordering::Relaxed);
        }
    }

    /// What it shows now.
    pub fn snapshot(&self) -> ProgressSnapshot {
        let offset = self.reached.load(Ordering::Relaxed);
        let bytes_transferred = offset.saturating_sub(self.from.load(Ordering::Relaxed));
        let seconds = self.started.elapsed().as_secs_f64().max(1e-3);
        ProgressSnapshot {
            offset,
            bytes_transferred,
            rate_bytes_per_sec: bytes_transferred as f64 / seconds,
        }
    }

    /// Notes an offset. A snapshot where a report is due, to one caller only.
    pub fn advance(&self, offset: u64) -> Option<ProgressSnapshot> {
        if offset < self.reached.swap(offset, Ordering::Relaxed) {
            self.from.store(offset, Ordering::Relaxed);
            self.reported.store(offset, Ordering::Relaxed);
        }
        let elapsed_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let reported = self.reported.load(Ordering::Relaxed);
        let last = self.reported_after_ms.load(Ordering::Relaxed);
        let due = offset.saturating_sub(reported) >= REPORT_BYTES
            || u128::from(elapsed_ms.saturating_sub(last)) >= REPORT_AFTER.as_millis();
        let mine = due
            && self
                .reported
                .compare_exchange(reported, offset, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if !mine {
            return None;
        }
        self.reported_after_ms.store(elapsed_ms, Ordering::Relaxed);
        Some(self.snapshot())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_each_megabyte() {
        let meter = ProgressMeter::new(10);
        assert_eq!(meter.advance(999_999), None);
        let report = meter.advance(1_000_010).unwrap();
        assert_eq!((report.offset, report.bytes_transferred), (1_000_010, 1_000_000));
        assert_eq!(meter.advance(1_900_000), None);
        assert!(meter.advance(2_000_010).is_some());
    }

    #[test]
    fn starting_over_counts_from_nothing() {
        let meter = ProgressMeter::new(5_000_000);
        assert!(meter.advance(0).is_none());
        assert_eq!(meter.snapshot().bytes_transferred, 0);
        assert_eq!(meter.advance(500).map(|s| s.offset), None);
        assert_eq!(meter.snapshot().bytes_transferred, 500);
    }
}
