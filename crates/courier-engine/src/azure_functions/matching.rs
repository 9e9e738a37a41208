//! Which run in the logs is whose call's.
//!
//! A trigger is answered without an id. A run that took over the call's trace is its own for certain; of the others only
//! name and time are known. They are dealt in the order in which they began. Two clocks that are right agree to some
//! milliseconds, and to [`SLACK`] others, so that each goes to one of the calls that wait, by preference
//!
//! 1. the latest that was made before the run began, within [`NEAR`];
//! 2. the earliest that was made shortly after that by its own clock, within [`SLACK`];
//! 3. the latest that was made long before: it may have been lost, so that a run of today is rather somebody's of today.
//!
//! Whichever is chosen, as many calls as possible have a run, and none has one of before. Everybody who looks at the same calls
//! and runs deals them alike.

use std::collections::{HashMap, HashSet};

use courier_azure::logs::Run;
use courier_store::function_calls::FunctionCall;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// As far as two clocks may be apart that seem to agree: a call's `not_before` is so long before it was made.
pub(super) const SLACK: SignedDuration = SignedDuration::from_secs(2);

/// As long as a run usually takes to begin, that of an app that sleeps included.
const NEAR: SignedDuration = SignedDuration::from_secs(10);

/// Since when other calls matter to this one: a run that began a little before it may be one of theirs.
pub(super) fn rivals_since(call: &FunctionCall) -> Timestamp {
    let since = call.not_before.checked_sub(SLACK + NEAR);
    since.unwrap_or(Timestamp::MIN)
}

/// The run among these that is the call's, as far as can be told. `calls` are all of the function since [`rivals_since`] that wait
/// for a run, this one among them, and those that have one of these runs, or whose trace one of them bears.
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
    /// Its trace, and another one is somebody else's: the app is known to take traces over. One that bears none contradicts
    /// nothing, and goes by name and time.
    Trace,
    /// Where its trace tells nothing, its name and time.
    NameAndTime,
}

/// Deals runs to the calls that wait for one.
fn deal<'a>(calls: &[FunctionCall], runs: &'a [Run], rule: Rule) -> HashMap<Uuid, &'a Run> {
    let mut known: HashSet<&str> = calls
        .iter()
        .filter_map(|call| Some(call.run.as_ref()?.id.as_str()))
        .collect();
    let of_traces: HashMap<String, &FunctionCall> = calls
        .iter()
        .map(|call| (call.trace_id.to_ascii_lowercase(), call))
        .collect();
    let mut free: Vec<&Run> = runs.iter().collect();
    free.sort_by_key(|run| (run.started_at, run.key()));
    // Azure may log a run twice.
    free.retain(|run| known.insert(run.key()));
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
    if rule == Rule::Trace {
        free.retain(|run| run.operation_id.is_none());
    }
    let mut waiting: Vec<&FunctionCall> = calls.iter().filter(|call| waits(call)).collect();
    waiting.retain(|call| !dealt.contains_key(&call.id));
    waiting.sort_by_key(|call| (call.not_before, call.id));
    for run in free {
        if let Some(chosen) = choose(&waiting, run.started_at) {
            dealt.insert(waiting.remove(chosen).id, run);
        }
    }
    dealt
}

/// Which of these calls, in the order in which they were made, a run goes to that began then.
fn choose(waiting: &[&FunctionCall], began: Timestamp) -> Option<usize> {
    let made_before = waiting.partition_point(|call| made_at(call) <= began);
    let possible = waiting.partition_point(|call| call.not_before <= began);
    let last = made_before.checked_sub(1);
    let is_near = |last: &usize| {
        let call = waiting.get(*last);
        call.is_some_and(|call| began.duration_since(made_at(call)) <= NEAR)
    };
    let next = (possible > made_before).then_some(made_before);
    last.filter(is_near).or(next).or(last)
}

/// When a call was made, by the function app's clock.
fn made_at(call: &FunctionCall) -> Timestamp {
    call.not_before.checked_add(SLACK).unwrap_or(call.not_before)
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

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + millisecond).unwrap()
    }

    fn trace(number: usize) -> String {
        format!("{number:032x}")
    }

    fn call(number: usize, made: i64, state: CallState) -> FunctionCall {
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
            triggered_at: at(made),
            not_before: at(made) - SLACK,
            run: None,
            ended_at: None,
            is_of_this_try: true,
        }
    }

    /// Calls that were made then, milliseconds.
    fn waiting(made: &[i64]) -> Vec<FunctionCall> {
        let calls = made.iter().enumerate();
        calls
            .map(|(n, made)| call(n, *made, CallState::Accepted))
            .collect()
    }

    fn run(number: usize, began: i64) -> Run {
        Run {
            started_at: at(began),
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
        let runs = [run(0, 1_000), run(1, 12_000)];
        assert_eq!(dealt(&waiting(&[0, 10_000]), &runs), keys(&[Some(0), Some(1)]));
        assert_eq!(
            dealt(&waiting(&[0, 10_000]), &runs[1..]),
            keys(&[None, Some(1)]),
            "the other one's run is late"
        );
        assert_eq!(dealt(&waiting(&[4_000]), &runs[..1]), keys(&[None]));
        assert_eq!(
            dealt(&waiting(&[0, 1_000]), &[run(0, 5_000), run(1, 6_000)]),
            keys(&[Some(1), Some(0)]),
            "nothing tells these apart"
        );
    }

    #[test]
    fn calls_of_one_moment_are_told_apart_by_the_clock() {
        for (second, late) in [(327, 5), (800, 5), (1_500, 100), (5_000, 4_500)] {
            let calls = waiting(&[0, second]);
            let runs = [run(0, late), run(1, second + 50)];
            assert_eq!(dealt(&calls, &runs), keys(&[Some(0), Some(1)]), "{second}");
            assert_eq!(dealt(&calls, &runs[..1]), keys(&[Some(0), None]), "{second}");
            assert_eq!(dealt(&calls, &runs[1..]), keys(&[None, Some(1)]), "{second}");
        }
        // The app's clock is behind, and nobody knows.
        for second in [300, 1_500] {
            let runs = [run(0, -950), run(1, second - 950)];
            assert_eq!(dealt(&waiting(&[0, second]), &runs), keys(&[Some(0), Some(1)]));
        }
        let lost_yesterday = waiting(&[-86_400_000, 0]);
        assert_eq!(dealt(&lost_yesterday, &[run(0, -100)]), keys(&[None, Some(0)]));
        assert_eq!(
            dealt(&waiting(&[0]), &[run(0, 600_000)]),
            keys(&[Some(0)]),
            "an app may take its time"
        );
    }

    #[test]
    fn a_run_that_is_logged_twice_is_one() {
        let calls = waiting(&[0, 1_000]);
        let runs = [run(0, 500), run(0, 500)];
        assert_eq!(dealt(&calls, &runs), keys(&[Some(0), None]));
    }

    #[test]
    fn a_run_that_bears_our_trace_is_ours() {
        let mut runs = vec![run(0, 5_000), run(1, 6_000), run(2, 7_000)];
        runs[0].operation_id = Some(trace(0).to_ascii_uppercase());
        runs[2].operation_id = Some(trace(0));
        assert_eq!(dealt(&waiting(&[0, 1_000]), &runs), keys(&[Some(0), Some(1)]));
        let mut calls = waiting(&[0, 1_000]);
        calls[0] = taken(calls[0].clone(), &runs[0]);
        assert_eq!(
            dealt(&calls, &runs),
            keys(&[None, Some(1)]),
            "the app repeated the other one's"
        );
    }

    #[test]
    fn where_traces_count_a_run_without_one_may_be_ours() {
        let mut runs = vec![run(0, 1_000), run(1, 2_000)];
        runs[0].operation_id = Some("f".repeat(32));
        let calls = waiting(&[0]);
        let found =
            |runs: &[Run], rule| run_of(&calls[0], &calls, runs, rule).map(|run| run.key().to_owned());
        assert_eq!(found(&runs, Rule::Trace).as_deref(), Some("run 1"));
        assert_eq!(found(&runs[..1], Rule::Trace), None);
        assert_eq!(found(&runs, Rule::NameAndTime).as_deref(), Some("run 0"));
    }

    #[test]
    fn without_an_invocation_the_request_tells_runs_apart() {
        let mut runs = vec![run(0, 5_000), run(1, 6_000)];
        for run in &mut runs {
            run.invocation_id = None;
        }
        let calls = waiting(&[0]);
        assert_eq!(dealt(&calls, &runs), [Some("request 0".to_owned())]);
    }

    prop_compose! {
        fn some_call()(second in 0i64..20, state in prop::sample::select(CallState::ALL)) -> (i64, CallState) {
            (second * 1000, state)
        }
    }
    prop_compose! {
        fn some_run()(second in 0i64..30, of in option::weighted(0.2, 0usize..8)) -> (i64, Option<usize>) {
            (second * 1000, of)
        }
    }

    fn built(calls: &[(i64, CallState)], runs: &[(i64, Option<usize>)]) -> (Vec<FunctionCall>, Vec<Run>) {
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
            // Where traces count, nobody has a run with another one.
            for (id, run) in deal(&calls, &runs, Rule::Trace) {
                prop_assert!(run.operation_id.as_ref().is_none_or(|trace| calls.iter().any(|call| call.id == id && call.trace_id == *trace)));
            }
            // In whatever order they come.
            let mut turned = (calls.clone(), runs.clone());
            if !turned.0.is_empty() { let n = turn % turned.0.len(); turned.0.rotate_left(n); }
            if !turned.1.is_empty() { let n = turn % turned.1.len(); turned.1.rotate_left(n); }
            prop_assert_eq!(&all, &deal(&turned.0, &turned.1, Rule::NameAndTime));
        }

        /// Where each run begins before the next call is made, each call has its own, whichever of them are in the logs by now,
        /// and by what each call is shown of the others.
        #[test]
        fn in_turns_each_has_its_own(
            turns in vec((0i64..9_000, 0i64..3_000, any::<bool>()), 1..8),
        ) {
            let mut now = 0;
            let (mut made, mut runs) = (Vec::new(), Vec::new());
            for (n, (late, pause, is_logged)) in turns.iter().enumerate() {
                made.push(now);
                if *is_logged {
                    runs.push(run(n, now + late));
                }
                now += late + pause + 1;
            }
            let calls = waiting(&made);
            for (call, n) in calls.iter().zip(0..) {
                let rivals: Vec<FunctionCall> =
                    calls.iter().filter(|other| other.not_before >= rivals_since(call)).cloned().collect();
                let shown: Vec<Run> = runs.iter().filter(|run| run.started_at >= call.not_before).cloned().collect();
                let own = runs.iter().find(|run| run.key() == format!("run {n}"));
                prop_assert_eq!(run_of(call, &rivals, &shown, Rule::NameAndTime), own);
            }
        }

        #[test]
        fn what_was_dealt_stays_so_when_others_take_theirs(
            calls in vec((0i64..20).prop_map(|second| (second * 1000, CallState::Accepted)), 1..6),
            runs in vec((0i64..30).prop_map(|second| (second * 1000, None)), 0..8),
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
