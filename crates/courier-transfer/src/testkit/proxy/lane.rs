//! One direction, of all connections together: what is set for it, and what has passed.

use std::{
    io,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

use super::Fault;

/// How far a limited rate may lag behind and catch up; timers are not exact.
const CATCH_UP: Duration = Duration::from_millis(20);

/// What is set.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Line {
    pub(super) stalled: bool,
    pub(super) rate: Option<u64>,
    pub(super) delay: Duration,
    /// Counts the calls of `pass`: connections that stalled before one go on.
    pub(super) passes: u64,
}

#[derive(Debug, Default)]
pub(super) struct Lane {
    line: watch::Sender<Line>,
    passed: watch::Sender<u64>,
    plan: Mutex<Plan>,
}

#[derive(Debug, Default)]
struct Plan {
    /// Faults to come, each with the number of passed bytes at which it happens.
    at: Vec<(u64, Fault)>,
    each: Option<(u64, Fault)>,
    /// When a limited rate allows the next byte.
    next: Option<Instant>,
}

impl Lane {
    pub(super) fn set(&self, change: impl FnOnce(&mut Line)) {
        self.line.send_modify(change);
    }

    pub(super) fn line(&self) -> watch::Receiver<Line> {
        self.line.subscribe()
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn pass(&self) {
        *self.plan() = Plan::default();
        self.set(|line| {
            *line = Line {
                passes: line.passes + 1,
                ..Line::default()
            }
        });
    }

    pub(super) fn after(&self, bytes: u64, fault: Fault) {
        let mut plan = self.plan();
        let at = self.bytes() + bytes;
        plan.at.push((at, fault));
    }

    pub(super) fn each_after(&self, bytes: u64, fault: Fault) {
        self.plan().each = Some((bytes, fault));
    }

    pub(super) fn bytes(&self) -> u64 {
        *self.passed.borrow()
    }

    pub(super) async fn passed(&self, bytes: u64) {
        let mut passed = self.passed.subscribe();
        // The sender lives as long as `self`.
        let _ = passed.wait_for(|now| *now >= bytes).await;
    }

    /// Waits until the rate allows a byte; how many may follow it at once.
    pub(super) async fn turn(&self, rate: Option<u64>) -> usize {
        let Some(rate) = rate else {
            return usize::MAX;
        };
        loop {
            let next = self.plan().next;
            match next {
                // Another connection may take the turn while this one sleeps.
                Some(next) if next > Instant::now() => tokio::time::sleep_until(next).await,
                _ => return usize::try_from(rate / 50).unwrap_or(usize::MAX).max(1),
            }
        }
    }

    /// Counts bytes that were taken against the rate.
    pub(super) fn taken(&self, rate: Option<u64>, bytes: usize) {
        let Some(rate) = rate else { return };
        let now = Instant::now();
        let cost = Duration::from_secs_f64(bytes as f64 / rate as f64);
        let mut plan = self.plan();
        let begin = plan.next.unwrap_or(now).max(now - CATCH_UP);
        plan.next = Some(begin + cost);
    }

    /// Hands bytes on, not past the next fault; how many, and the fault if it is due. `own` is how many this
    /// connection has handed on before.
    pub(super) fn give(
        &self,
        own: u64,
        bytes: &[u8],
        write: impl FnOnce(&[u8]) -> io::Result<usize>,
    ) -> io::Result<(usize, Option<Fault>)> {
        let mut plan = self.plan();
        let passed = self.bytes();
        let next = plan.at.iter().map(|(at, _)| at.saturating_sub(passed)).min();
        let each = plan.each.map(|(at, _)| at.saturating_sub(own));
        let allowed = next.into_iter().chain(each).min().unwrap_or(u64::MAX);
        let allowed = usize::try_from(allowed).unwrap_or(usize::MAX).min(bytes.len());
        let written = if allowed == 0 {
            0
        } else {
            write(bytes.get(..allowed).unwrap_or_default())?
        };
        let (passed, own) = (passed + written as u64, own + written as u64);
        self.passed.send_replace(passed);
        let due = match plan.at.iter().position(|(at, _)| *at <= passed) {
            Some(i) => Some(plan.at.swap_remove(i).1),
            None => plan.each.filter(|(at, _)| *at <= own).map(|(_, fault)| fault),
        };
        Ok((written, due))
    }
}
