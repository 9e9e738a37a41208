//! Which run in the logs is whose call's.
//!
//! A trigger is answered without an id. A run that took over the call's trace is its own for certain; of the others only
//! name and time are known. They are dealt in the order in which they began, each to the latest call that it can be of and
//! that has none: with that as many calls as possible have a run, none has one of before, and a run of today doesn't go to a
//! call of yesterday that was lost. Everybody who looks at the same calls and runs deals them alike.

use std::collections::{HashMap, HashSet};

use courier_azure::logs::Run;
use courier_store::function_calls::FunctionCall;
use uuid::Uuid;

/// The run among these that is the call's, as far as can be told. `calls` are all of the function that wait for a run, this
/// one among them, and those that have one of these runs, or whose trace one of them bears.
pub(super) fn run_of<'a>(
    call: &FunctionCall,
    calls: &[FunctionCall],
    runs: &'a [Run],
    rule: Rule,
) -> Option<&'a Run> {
    deal(calls, runs, rule).remove(&call.id)
}

/// What makes a run a call's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Its trace, and nothing else: the app is known to take traces over.
    TraceOnly,
    /// Where its trace tells nothing, its name and time.
    NameAndTime,
}

/// Deals runs to the calls that wait for one.
fn deal<'a>(calls: &[FunctionCall], runs: &'a [Run], rule: Rule) -> HashMap<Uuid, &'a Run> {
    let claimed: HashSet<&str> = calls
        .iter()
        .filter_map(|call| Some(call.run.as_ref()?.id.as_str()))
        .collect();
    let of_traces: HashMap<String, &FunctionCall> = calls
        .iter()
        .map(|call| (call.trace_id.to_ascii_lowercase(), call))
        .collect();
    let mut free: Vec<&Run> = runs.iter().filter(|run| !claimed.contains(run.key())).collect();
    free.sort_by_key(|run| (run.started_at, run.key()));
    let mut dealt = HashMap::new();
    free.retain(|run| {
        let trace = run.operation_id.as_deref().map(str::to_ascii_lowercase);
        let Some(call) = trace.and_then(|trace| of_traces.get(&trace)) else {
            return true;
        };
        // An app that repeats a run that failed does so under the same trace; the first one counts.
        if waits(call) {
            dealt.entry(call.id).or_insert(*run);
        }
        false
    });
    if rule == Rule::TraceOnly {
        return dealt;
    }
    let mut waiting: Vec<&FunctionCall> = calls.iter().filter(|call| waits(call)).collect();
    waiting.retain(|call| !dealt.contains_key(&call.id));
    waiting.sort_by_key(|call| (call.not_before, call.id));
    for run in free {
        let could = waiting.partition_point(|call| call.not_before <= run.started_at);
        if let Some(last) = could.checked_sub(1) {
            dealt.insert(waiting.remove(last).id, run);
        }
    }
    dealt
}

fn waits(call: &FunctionCall) -> bool {
    call.state.is_open() && call.run.is_none()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use courier_store::function_calls::{CallState, FunctionRun};
    use jiff::Timestamp;
    use proptest::{collection::vec, option, prelude::*};

    use super::*;

    fn at(second: u32) -> Timestamp {
        Timestamp::new(1_800_000_000 + i64::from(second), 0).unwrap()
    }

    fn trace(number: usize) -> String {
        format!("{number:032x}")
    }

    fn call(number: usize, second: u32, state: CallState) -> FunctionCall {
        FunctionCall {
            id: Uuid::from_u128(number as u128 + 1),
            execution_id: Uuid::nil(),
            step: 1,
            connection_id: Uuid::nil(),
            app: "app:443".into(),
            workspace: "logs/w".into(),
            function: "f".into(),
            trace_id: trace(number),
            state,
            triggered_at: at(second),
            not_before: at(second),
            run: None,
            ended_at: None,
            is_of_this_try: true,
        }
    }

    fn waiting(seconds: &[u32]) -> Vec<FunctionCall> {
        let calls = seconds.iter().enumerate();
        calls
            .map(|(n, second)| call(n, *second, CallState::Accepted))
            .collect()
    }

    fn run(number: usize, second: u32) -> Run {
        Run {
            started_at: at(second),
            id: format!("request {number}"),
            name: "f".into(),
            success: true,
            result_code: "0".into(),
            duration_ms: 1.0,
            operation_id: None,
            invocation_id: Some(format!("run {number}")),
        }
    }

    /// Which run each of the calls has.
    fn dealt(calls: &[FunctionCall], runs: &[Run]) -> Vec<Option<String>> {
        let dealt = deal(calls, runs, Rule::NameAndTime);
        let key = |call: &FunctionCall| dealt.get(&call.id).map(|run| run.key().to_owned());
        calls.iter().map(key).collect()
    }

    fn keys(numbers: &[Option<usize>]) -> Vec<Option<String>> {
        numbers.iter().map(|n| n.map(|n| format!("run {n}"))).collect()
    }

    fn taken(mut call: FunctionCall, run: &Run) -> FunctionCall {
        call.state = CallState::Succeeded;
        call.run = Some(FunctionRun {
            id: run.key().to_owned(),
            invocation_id: run.invocation_id.clone(),
            operation_id: None,
            started_at: run.started_at,
            success: true,
            result_code: String::new(),
            duration_ms: 1,
        });
        call
    }

    #[test]
    fn each_has_the_run_that_began_after_it() {
        let runs = [run(0, 1), run(1, 12)];
        assert_eq!(dealt(&waiting(&[0, 10]), &runs), keys(&[Some(0), Some(1)]));
        assert_eq!(
            dealt(&waiting(&[0, 10]), &runs[1..]),
            keys(&[None, Some(1)]),
            "the other one's run is late"
        );
        assert_eq!(dealt(&waiting(&[2]), &runs[..1]), keys(&[None]));
        assert_eq!(
            dealt(&waiting(&[0, 1]), &[run(0, 5), run(1, 6)]),
            keys(&[Some(1), Some(0)]),
            "nothing tells these apart"
        );
    }

    #[test]
    fn a_run_that_bears_our_trace_is_ours() {
        let mut runs = vec![run(0, 5), run(1, 6), run(2, 7)];
        runs[0].operation_id = Some(trace(0).to_ascii_uppercase());
        runs[2].operation_id = Some(trace(0));
        assert_eq!(dealt(&waiting(&[0, 1]), &runs), keys(&[Some(0), Some(1)]));
        let mut calls = waiting(&[0, 1]);
        calls[0] = taken(calls[0].clone(), &runs[0]);
        assert_eq!(
            dealt(&calls, &runs),
            keys(&[None, Some(1)]),
            "the app repeated the other one's"
        );
    }

    #[test]
    fn without_an_invocation_the_request_tells_runs_apart() {
        let mut runs = vec![run(0, 5), run(1, 6)];
        for run in &mut runs {
            run.invocation_id = None;
        }
        let calls = waiting(&[0]);
        assert_eq!(dealt(&calls, &runs), [Some("request 0".to_owned())]);
    }

    prop_compose! {
        fn some_call()(second in 0u32..20, state in prop::sample::select(CallState::ALL)) -> (u32, CallState) {
            (second, state)
        }
    }
    prop_compose! {
        fn some_run()(second in 0u32..30, of in option::weighted(0.2, 0usize..8)) -> (u32, Option<usize>) {
            (second, of)
        }
    }

    fn built(calls: &[(u32, CallState)], runs: &[(u32, Option<usize>)]) -> (Vec<FunctionCall>, Vec<Run>) {
        let runs: Vec<Run> = runs
            .iter()
            .enumerate()
            .map(|(n, (second, of))| Run {
                operation_id: of.map(trace),
                ..run(n, *second)
            })
            .collect();
        let mut found = runs.iter();
        let calls = calls.iter().enumerate().map(|(n, (second, state))| {
            let made = call(n, *second, *state);
            match state {
                CallState::Succeeded | CallState::Failed => match found.next() {
                    Some(run) => taken(made, run),
                    None => made,
                },
                _ => made,
            }
        });
        (calls.collect(), runs)
    }

    proptest! {
        #[test]
        fn every_deal_is_right(
            calls in vec(some_call(), 0..8),
            runs in vec(some_run(), 0..10),
            turn in 0usize..10,
        ) {
            let (calls, runs) = built(&calls, &runs);
            let all = deal(&calls, &runs, Rule::NameAndTime);
            let claimed: HashSet<&str> = calls.iter().filter_map(|c| Some(c.run.as_ref()?.id.as_str())).collect();
            let mut had = HashSet::new();
            for call in &calls {
                let Some(run) = all.get(&call.id) else { continue };
                prop_assert!(waits(call));
                prop_assert!(had.insert(run.key()), "dealt twice");
                prop_assert!(!claimed.contains(run.key()), "another has it");
                match &run.operation_id {
                    Some(trace) if calls.iter().any(|c| c.trace_id == *trace) => prop_assert_eq!(trace, &call.trace_id),
                    _ => prop_assert!(run.started_at >= call.not_before),
                }
            }
            // Whoever waits has none only where every later run is somebody's.
            for call in calls.iter().filter(|call| waits(call) && !all.contains_key(&call.id)) {
                for run in runs.iter().filter(|run| run.started_at >= call.not_before) {
                    let bears = |c: &FunctionCall| run.operation_id.as_ref() == Some(&c.trace_id);
                    prop_assert!(had.contains(run.key()) || claimed.contains(run.key()) || calls.iter().any(bears));
                }
            }
            // Where the trace alone counts, nothing else changes.
            let certain = deal(&calls, &runs, Rule::TraceOnly);
            for (id, run) in &certain {
                prop_assert_eq!(all.get(id), Some(run));
                prop_assert!(calls.iter().any(|call| call.id == *id && run.operation_id.as_ref() == Some(&call.trace_id)));
            }
            // In whatever order they come.
            let mut turned = (calls.clone(), runs.clone());
            if !turned.0.is_empty() { let n = turn % turned.0.len(); turned.0.rotate_left(n); }
            if !turned.1.is_empty() { let n = turn % turned.1.len(); turned.1.rotate_left(n); }
            prop_assert_eq!(&all, &deal(&turned.0, &turned.1, Rule::NameAndTime));
            for call in calls.iter().filter(|call| waits(call)) {
                // What was made before is of no interest, as the store knows that leaves it out.
                let since: Vec<FunctionCall> = calls
                    .iter()
                    .filter(|other| other.not_before >= call.not_before || !waits(other)
                        || runs.iter().any(|run| run.operation_id.as_ref() == Some(&other.trace_id)))
                    .cloned()
                    .collect();
                prop_assert_eq!(run_of(call, &since, &runs, Rule::NameAndTime), run_of(call, &calls, &runs, Rule::NameAndTime));
                // Nor are runs that began before, but for those whose trace says otherwise.
                let later: Vec<Run> = runs
                    .iter()
                    .filter(|run| run.started_at >= call.not_before || run.operation_id.is_some())
                    .cloned()
                    .collect();
                prop_assert_eq!(run_of(call, &calls, &later, Rule::NameAndTime), run_of(call, &calls, &runs, Rule::NameAndTime));
            }
        }

        #[test]
        fn what_was_dealt_stays_so_when_others_take_theirs(
            calls in vec((0u32..20).prop_map(|second| (second, CallState::Accepted)), 1..6),
            runs in vec((0u32..30).prop_map(|second| (second, None)), 0..8),
            first in 0usize..6,
        ) {
            let (mut calls, runs) = built(&calls, &runs);
            let before = deal(&calls, &runs, Rule::NameAndTime);
            let first = first % calls.len();
            let Some(own) = before.get(&calls[first].id) else { return Ok(()) };
            calls[first] = taken(calls[first].clone(), own);
            let after = deal(&calls, &runs, Rule::NameAndTime);
            for (n, call) in calls.iter().enumerate().filter(|(n, _)| *n != first) {
                prop_assert_eq!(before.get(&call.id), after.get(&call.id), "{}", n);
            }
        }
    }
}
