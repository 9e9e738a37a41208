//! How long an execution and its steps may take.

use std::time::Duration;

use courier_store::executions::{Execution, ExecutionState, Transition};
use courier_transfer::{Error as TransferError, ErrorKind, Retry};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::{Definition, Error, definition::StepDefinition, steps::StepState};

/// What may take so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Execution,
    Step,
}

/// A time at which something has taken too long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    pub(super) at: Instant,
    what: What,
    limit: u32,
}

impl Deadline {
    /// Waits until it is over.
    pub(super) async fn passed(deadline: Option<Self>) -> Self {
        match deadline {
            Some(deadline) => {
                tokio::time::sleep_until(deadline.at).await;
                deadline
            }
            None => std::future::pending().await,
        }
    }

    /// Says so. No retry helps: the time is over for all of them.
    pub(super) fn error(&self) -> Error {
        let what = match self.what {
            What::Execution => "the execution",
            What::Step => "the step",
        };
        let message = format!(
            "{what} took longer than its max_duration_sec of {} seconds",
            self.limit
        );
        TransferError::new(ErrorKind::Timeout, message)
            .with_retry(Retry::Never)
            .into()
    }

    pub(super) fn is_of_execution(&self) -> bool {
        self.what == What::Execution
    }
}

/// Tells when an execution's times are over. Pauses, which are somebody's wish, don't count; waits and crashes do.
#[derive(Debug)]
pub(super) struct Clock {
    pauses: Vec<(Timestamp, Timestamp)>,
}

impl Clock {
    /// By what the execution went through until now.
    pub(super) fn new(history: &[Transition]) -> Self {
        let pauses = history
            .windows(2)
            .filter_map(|pair| match pair {
                [from, to] if from.state == ExecutionState::Paused => Some((from.at, to.at)),
                _ => None,
            })
            .collect();
        Self { pauses }
    }

    /// When the execution has taken too long.
    pub(super) fn of_execution(&self, job: &Definition, execution: &Execution) -> Option<Deadline> {
        let began = execution.started_at.unwrap_or_else(courier_store::now);
        self.deadline(What::Execution, began, job.max_duration_sec?)
    }

    /// When a step has, which was begun first then.
    pub(super) fn of_step(&self, step: &StepDefinition, began: Option<Timestamp>) -> Option<Deadline> {
        let began = began.unwrap_or_else(courier_store::now);
        self.deadline(What::Step, began, step.max_duration_sec?)
    }

    fn deadline(&self, what: What, began: Timestamp, limit: u32) -> Option<Deadline> {
        let left = Duration::from_secs(limit.into()).saturating_sub(self.taken(began, courier_store::now()));
        Some(Deadline {
            at: Instant::now() + left,
            what,
            limit,
        })
    }

    /// The time between, without the pauses.
    fn taken(&self, began: Timestamp, now: Timestamp) -> Duration {
        let between = |from: Timestamp, to: Timestamp| Duration::try_from(to - from).unwrap_or_default();
        let span =
            |from: Timestamp, to: Timestamp| between(from.max(began), to.min(now).max(from.max(began)));
        let paused = self.pauses.iter().map(|(from, to)| span(*from, *to));
        between(began, now.max(began)).saturating_sub(paused.sum())
    }
}

/// Ends when a step has made no progress for so long (specification 6.12); never without a limit.
pub(super) async fn no_progress(state: &StepState, limit: Option<u32>) -> Error {
    let Some(limit) = limit else {
        return std::future::pending().await;
    };
    loop {
        let last = state.last_progress();
        tokio::time::sleep_until(last + Duration::from_secs(limit.into())).await;
        if state.last_progress() == last {
            let message = format!(
                "the step made no progress within its timeout_sec of {limit} seconds: no byte, no file, no listed entry"
            );
            return TransferError::new(ErrorKind::Timeout, message).into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::constant(second, 0)
    }

    fn went(state: ExecutionState, second: i64) -> Transition {
        Transition {
            state,
            at: at(second),
            node: None,
            reason: None,
        }
    }

    #[test]
    fn pauses_take_no_time() {
        use ExecutionState::{Paused, Queued, Running};
        let clock = Clock::new(&[
            went(Queued, 0),
            went(Running, 10),
            went(Paused, 20),
            went(Queued, 120),
            went(Running, 121),
            went(Paused, 130),
            went(Queued, 140),
        ]);
        let taken = |from, to| clock.taken(at(from), at(to)).as_secs();
        assert_eq!(taken(10, 20), 10);
        assert_eq!(taken(10, 125), 15);
        assert_eq!(taken(10, 150), 30);
        assert_eq!(taken(122, 150), 18);
        assert_eq!(taken(50, 120), 0, "begun in the middle of a pause");
        assert_eq!(taken(150, 140), 0, "a clock that was set back");
    }
}
