//! Waiting for a run to come into the logs, which is some minutes after it has ended.

use std::{sync::Arc, time::Duration};

use courier_azure::{FunctionName, Run};
use courier_store::{
    audit::NewAudit,
    function_calls::{CallState, FunctionCall, FunctionRun},
};
use futures::FutureExt;
use jiff::Timestamp;
use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    azure_error,
    calls::{entry, open_now, tell},
    matching::{Rule, rivals_since, run_of},
    open::Opened,
};
use crate::{Error, Result, steps::Step};

/// How often a wait that goes well counts as progress; less than the shortest `timeout_sec`.
const TICK: Duration = Duration::from_millis(500);

/// As long as a look may take at least, however little is left of the wait.
const LEAST_LOOK: Duration = Duration::from_secs(30);

/// How often it is looked, and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Until the first look.
    pub(crate) poll: Duration,
    /// From the trigger to the last look.
    pub(crate) most: Duration,
}

/// What a look has brought.
enum Look {
    Found(FunctionRun),
    /// It isn't there yet.
    Nothing,
    /// The logs could not be asked, and maybe can be later; not before this is over.
    Trouble(String, Option<Duration>),
    /// They can't be asked any more.
    Over(String),
}

/// Waits for the run of an open call, and takes it as the call's own. `at_once`: the first look need not wait.
///
/// # Errors
/// [`Error::FunctionOutcomeUnknown`] where the time is over, or the logs can't be asked any more; [`Error::Store`].
pub(crate) async fn for_run(
    step: &Step<'_>,
    call: &FunctionCall,
    patience: Patience,
    at_once: bool,
) -> Result<FunctionRun> {
    let function = FunctionName::new(&call.function).map_err(|error| azure_error(&error))?;
    let mut watch = Watch {
        step,
        call: call.clone(),
        function,
        opened: None,
        was_partial: false,
        trouble: None,
        has_remarked: false,
    };
    // Nobody needs them for a while.
    step.sessions.close_idle().await;
    if !at_once {
        let pause = delay(patience.poll, 0, random()).min(left(call, patience));
        rest(step, pause, true).await;
    }
    for looks in 1.. {
        let remaining = left(call, patience);
        let is_last = remaining.is_zero();
        let found = watch.look(remaining).await?;
        let usual = delay(patience.poll, looks, random());
        let (pause, goes_well) = match found {
            Look::Found(run) => return Ok(run),
            Look::Over(why) => return Err(unknown(step, call, &why)),
            Look::Nothing => (usual, true),
            Look::Trouble(_, Some(asked)) => (usual.max(asked), true),
            // An outage is seen to be over, or not, before `timeout_sec` ends the step for it.
            Look::Trouble(_, None) => (usual.min(step.timeout.unwrap_or(usual) / 3), false),
        };
        if is_last {
            break;
        }
        rest(step, pause.min(left(call, patience)), goes_well).await;
    }
    let within = format!(
        "none of its runs was in the logs within max_wait_sec of {} seconds",
        patience.most.as_secs()
    );
    Err(unknown(
        step,
        call,
        &match watch.trouble {
            Some(trouble) => format!("{within}, and they could not be asked at last: {trouble}"),
            None => within,
        },
    ))
}

/// Waits for the next look. Where all goes well, `timeout_sec` has nothing to say against it.
async fn rest(step: &Step<'_>, pause: Duration, goes_well: bool) {
    let until = Instant::now() + pause;
    while goes_well && Instant::now() + TICK < until {
        step.state.progressed();
        tokio::time::sleep(TICK).await;
    }
    if goes_well {
        step.state.progressed();
    }
    tokio::time::sleep_until(until).await;
}

/// Looks, again and again.
struct Watch<'a> {
    step: &'a Step<'a>,
    call: FunctionCall,
    function: FunctionName,
    /// As it was used last: as long as the connection is unchanged, its token serves on.
    opened: Option<Arc<Opened>>,
    was_partial: bool,
    /// Why the logs could not be asked, since they could.
    trouble: Option<String>,
    has_remarked: bool,
}

impl Watch<'_> {
    /// Looks while so much is left of the wait; where nothing is, for the last time.
    async fn look(&mut self, left: Duration) -> Result<Look> {
        let had_trouble = self.trouble.is_some();
        let look = match self.ask(left, had_trouble).await {
            // Our own database is away; the function is not.
            Err(Error::Store(error)) if error.may_pass() => Look::Trouble(error.to_string(), None),
            looked => looked?,
        };
        match &look {
            Look::Trouble(why, _) => {
                tracing::warn!(execution = %self.step.state.execution, error = %why, "a run could not be looked for");
                if !self.has_remarked {
                    self.has_remarked = true;
                    self.remark(why).await;
                }
                self.trouble = Some(why.clone());
            }
            Look::Nothing | Look::Found(_) => self.trouble = None,
            Look::Over(_) => {}
        }
        Ok(look)
    }

    async fn ask(&mut self, left: Duration, had_trouble: bool) -> Result<Look> {
        let step = self.step;
        let is_last = left.is_zero();
        let (connection, opened) = match open_now(step).await {
            Ok(open) => open,
            Err(Error::Store(courier_store::Error::NotFound { .. })) => {
                return Ok(Look::Over("the connection is gone".into()));
            }
            Err(Error::Store(error)) => return Err(error.into()),
            // Somebody has to do something about it, and then it goes on.
            Err(error) => return Ok(Look::Trouble(error.to_string(), None)),
        };
        self.opened = Some(opened.clone());
        let deadline = opened.deadline().min(Instant::now() + left.max(LEAST_LOOK));
        let found = opened
            .workspace
            .runs(&self.function, self.call.not_before, deadline)
            .await;
        let (execution, by) = (step.state.execution, step.triggered_by);
        let found = match found {
            Ok(found) => found,
            Err(azure) => {
                let error = azure_error(&azure);
                if !azure.kind().may_pass() {
                    let now = step.engine().0.store.connections().get(connection.id).await;
                    if now.is_ok_and(|now| now.seen() != connection.seen()) {
                        return Ok(Look::Trouble(error.to_string(), None));
                    }
                    tell(step.engine(), &connection, execution, by, Some(&error)).await;
                    return Ok(Look::Over(error.to_string()));
                }
                if !had_trouble {
                    tell(step.engine(), &connection, execution, by, Some(&error)).await;
                }
                return Ok(Look::Trouble(error.to_string(), azure.retry_after()));
            }
        };
        step.state.progressed();
        if had_trouble {
            tell(step.engine(), &connection, execution, by, None).await;
        }
        self.call.workspace.clone_from(&opened.workspace_name);
        let calls = step.engine().0.store.function_calls();
        calls.looked(self.call.id, &self.call.workspace).await?;
        // Where runs are left out, another's may look like ours. What stays so is believed.
        let is_sure = !found.partial || self.was_partial || is_last;
        self.was_partial = found.partial;
        if !is_sure {
            return Ok(Look::Nothing);
        }
        Ok(match self.take(&found.rows, is_last).await? {
            Some(run) => Look::Found(run),
            None => Look::Nothing,
        })
    }

    /// Takes the call's run among these, if it is there.
    async fn take(&self, runs: &[Run], is_last: bool) -> Result<Option<FunctionRun>> {
        if runs.is_empty() {
            return Ok(None);
        }
        let calls = self.step.engine().0.store.function_calls();
        // An app may stop to take traces over; what is there at the end is better than nothing then.
        let rule = match !is_last && calls.bears_traces(&self.call).await? {
            true => Rule::Trace,
            false => Rule::NameAndTime,
        };
        let keys: Vec<String> = runs.iter().map(|run| run.key().to_owned()).collect();
        let traces: Vec<String> = runs
            .iter()
            .filter_map(|run| Some(run.operation_id.as_deref()?.to_ascii_lowercase()))
            .collect();
        // Each time that another call was faster, that one is known the next time.
        for _ in 0..=runs.len() {
            let since = rivals_since(&self.call);
            let rivals = calls.rivals(&self.call, since, &keys, &traces).await?;
            let Some(run) = run_of(&self.call, &rivals, runs, rule) else {
                return Ok(None);
            };
            let run = stored(run);
            if self.claim(&run).await? {
                return Ok(Some(run));
            }
        }
        Ok(None)
    }

    async fn claim(&self, run: &FunctionRun) -> Result<bool> {
        let (engine, claim, id) = (self.step.engine(), self.step.state.claim(), self.call.id);
        let calls = engine.0.store.function_calls();
        let record = completed(&self.call, run, self.step.triggered_by);
        let write = || {
            let record = record.clone();
            async move { Ok(calls.claim_run(claim, id, run, record).await?) }.boxed()
        };
        match engine.persist(write).await {
            // It may be done, and the database's answer lost.
            Err(Error::Store(courier_store::Error::Conflict(why))) => {
                let latest = calls.latest(self.call.execution_id, self.call.step).await?;
                match latest
                    .is_some_and(|latest| latest.id == id && latest.run.is_some_and(|kept| kept.id == run.id))
                {
                    true => Ok(true),
                    false => Err(courier_store::Error::Conflict(why).into()),
                }
            }
            claimed => claimed,
        }
    }

    /// Says in the execution's history why nothing happens.
    async fn remark(&self, why: &str) {
        let state = &self.step.state;
        let why = format!(
            "step {} can't look for the end of its function, and goes on trying: {why}",
            state.index
        );
        let executions = state.engine.0.store.executions();
        if let Err(error) = executions.remark(state.claim(), &why).await {
            tracing::warn!(execution = %state.execution, %error, "could not note why an execution waits");
        }
    }
}

fn stored(run: &Run) -> FunctionRun {
    FunctionRun {
        id: run.key().to_owned(),
        invocation_id: run.invocation_id.clone(),
        operation_id: run.operation_id.clone(),
        started_at: run.started_at,
        success: run.success,
        result_code: run.result_code.clone(),
        // Whole milliseconds; the conversion takes what is no number for none, and the longest for what is longer.
        duration_ms: run.duration_ms.round() as u64,
    }
}

fn completed(call: &FunctionCall, run: &FunctionRun, by: &str) -> NewAudit {
    let details = json!({
        "function": call.function,
        "app": call.app,
        "step": call.step,
        "trace_id": call.trace_id,
        "outcome": if run.success { "succeeded" } else { "failed" },
        "result_code": run.result_code,
        "started_at": run.started_at,
        "invocation_id": run.invocation_id,
        "operation_id": run.operation_id,
    });
    NewAudit {
        duration_ms: Some(run.duration_ms),
        ..entry(call, "function_completed", by, details).into()
    }
}

/// Notes that it isn't known how a call ended, and says so.
fn unknown(step: &Step<'_>, call: &FunctionCall, why: &str) -> Error {
    let FunctionCall {
        function,
        triggered_at,
        ..
    } = call;
    let what = match call.state {
        CallState::Accepted => {
            format!(
                "it is not known how the function \"{function}\" ended that was triggered at {triggered_at}"
            )
        }
        _ => format!(
            "it is not known whether the function \"{function}\" was triggered at {triggered_at}, nor how it ended: there was no \
             clear answer to the call, see the execution's history"
        ),
    };
    let details = json!({
        "function": function,
        "app": call.app,
        "step": call.step,
        "trace_id": call.trace_id,
        "outcome": "unknown",
        "error": why,
    });
    let record = entry(call, "function_completed", step.triggered_by, details);
    step.state.note(record.into());
    Error::FunctionOutcomeUnknown(format!(
        "{what}; {why}. It may have run, or run still; see its invocations in Azure before the job runs again"
    ))
}

/// The time until the last look. A clock that was set back makes it no longer than the whole.
fn left(call: &FunctionCall, patience: Patience) -> Duration {
    left_of(call.triggered_at, courier_store::now(), patience.most)
}

fn left_of(triggered_at: Timestamp, now: Timestamp, most: Duration) -> Duration {
    let gone = Duration::try_from(now.duration_since(triggered_at)).unwrap_or_default();
    most.saturating_sub(gone)
}

/// The wait after so many looks: half as long again each time, up to four times the first one, a tenth more or less.
fn delay(poll: Duration, looks: u32, random: u8) -> Duration {
    let factor = 1.5f64
        .powi(i32::try_from(looks.min(8)).unwrap_or_default())
        .min(4.0);
    let jitter = 0.9 + 0.2 * f64::from(random) / 255.0;
    poll.mul_f64(factor * jitter)
}

fn random() -> u8 {
    let [first, ..] = Uuid::new_v4().into_bytes();
    first
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn looks_come_further_apart() {
        let seconds = |looks, random| delay(Duration::from_secs(10), looks, random).as_secs_f64();
        let middle: Vec<u64> = (0..6).map(|looks| seconds(looks, 127).round() as u64).collect();
        assert_eq!(middle, [10, 15, 22, 34, 40, 40]);
        assert!((seconds(u32::MAX, 0) - 36.0).abs() < 1e-6);
        assert!((seconds(4, 255) - 44.0).abs() < 1e-6);
    }

    #[test]
    fn the_wait_counts_from_the_trigger() {
        let at = |second: i64| Timestamp::new(1_800_000_000 + second, 0).unwrap();
        let left = |now| left_of(at(0), at(now), Duration::from_secs(60)).as_secs();
        assert_eq!([left(0), left(59), left(60), left(100_000)], [60, 1, 0, 0]);
        assert_eq!(left(-100), 60, "a clock that was set back");
    }

    #[test]
    fn odd_durations_do_no_harm() {
        let run = |duration_ms| Run {
            started_at: Timestamp::UNIX_EPOCH,
            id: "r".into(),
            name: "f".into(),
            success: true,
            result_code: String::new(),
            duration_ms,
            operation_id: None,
            invocation_id: None,
        };
        for (odd, kept) in [(12.5, 13), (-1.0, 0), (f64::NAN, 0), (f64::INFINITY, u64::MAX)] {
            assert_eq!(stored(&run(odd)).duration_ms, kept);
        }
    }
}
