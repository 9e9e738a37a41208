//! `azure_function.execute`: a function is triggered, once, and its end waited for.

use std::time::Duration;

use courier_azure::FunctionName;
use courier_store::function_calls::{CallState, FunctionCall, FunctionRun};
use courier_transfer::settings::{Default as Standard, Kind, Setting};
use serde_json::{Value, json};

use super::{Step, StepType, settings::CONNECTION};
use crate::{
    Error, Result,
    azure_functions::{self, Order, Patience, azure_error, for_run, make, take_up},
};

/// The setting that names the function.
pub(super) const FUNCTION_NAME: &str = "function_name";

pub(super) const STEP: StepType = StepType {
    name: azure_functions::STEP,
    protocol: Some(azure_functions::PROTOCOL),
    settings: &[
        CONNECTION,
        Setting::required(
            FUNCTION_NAME,
            Kind::Text,
            "The function, as the app lists it. One with an HTTP trigger can't be triggered so.",
        ),
        Setting::optional(
            "input",
            Kind::Json,
            "What the function gets: a text as it is, anything else as its JSON text.",
        ),
        Setting::optional(
            "wait",
            Kind::Bool,
            "Wait for the function's end, and fail where it fails. Else the step is done when the app has taken the call.",
        )
        .or(Standard::Bool(true)),
        Setting::optional(
            "poll_interval_sec",
            Kind::Integer { min: 1, max: 3600 },
            "When its run is first looked for, in seconds; later looks come up to four times as far apart.",
        )
        .or(Standard::Integer(15)),
        Setting::optional(
            "max_wait_sec",
            Kind::Integer {
                min: 1,
                max: 604_800,
            },
            "How long its end is waited for, in seconds from the trigger on, restarts included. A run shows some minutes after it \
             has ended.",
        )
        .or(Standard::Integer(3600)),
    ],
    outputs: &[
        FUNCTION_NAME,
        "triggered_at",
        "outcome",
        "success",
        "result_code",
        "duration_ms",
        "invocation_id",
        "operation_id",
        "started_at",
    ],
    lists: &[],
    help: "Triggers a function of a function app, once, and waits for its end, which Log Analytics shows some minutes later. \
           Pause and cancel end the waiting, not the function.",
    run: |step| Box::pin(run(step)),
};

async fn run(step: &Step<'_>) -> Result<()> {
    let order = order(step)?;
    let calls = step.engine().0.store.function_calls();
    let latest = calls.latest(step.state.execution, step.state.index).await?;
    let (call, is_new) = match latest {
        Some(call) if call.ended_at.is_none() => (take_up(step, call).await?, false),
        // Courier stopped before it could note that the step is over.
        Some(call) if call.is_of_this_try && call.state != CallState::Refused => (call, false),
        _ => {
            forget(step);
            (make(step, &order).await?, true)
        }
    };
    show(step, &call, call.run.as_ref());
    let run = match (&call.run, call.ended_at) {
        (Some(run), _) => run.clone(),
        (None, Some(_)) => {
            step.state.output("outcome", json!("not_awaited"));
            return Ok(());
        }
        (None, None) => {
            // Boxed, since it is a large future.
            let wait = Box::pin(for_run(step, &call, patience(step), !is_new));
            step.state.aside(wait).await?
        }
    };
    show(step, &call, Some(&run));
    // Nobody waits for the outcome; that it was triggered is known by now.
    if run.success || !order.wait {
        return Ok(());
    }
    Err(failed(step, &call, &run))
}

fn order(step: &Step<'_>) -> Result<Order> {
    let input = match step.config.get("input") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => Some(other.to_string()),
    };
    Ok(Order {
        function: FunctionName::new(step.text(FUNCTION_NAME)?).map_err(|error| azure_error(&error))?,
        input,
        wait: step.flag("wait"),
    })
}

fn patience(step: &Step<'_>) -> Patience {
    let seconds = |field: &str| {
        let seconds = step.config.get(field).and_then(Value::as_u64);
        Duration::from_secs(seconds.unwrap_or_default())
    };
    Patience {
        poll: seconds("poll_interval_sec"),
        most: seconds("max_wait_sec"),
    }
}

/// What an attempt before has left of another call is gone, also where the next one comes to nothing.
fn forget(step: &Step<'_>) {
    for name in STEP.outputs {
        step.state.output(name, Value::Null);
    }
}

/// Leaves for later steps and watchers what is known of a call.
fn show(step: &Step<'_>, call: &FunctionCall, run: Option<&FunctionRun>) {
    let of_run = |value: &dyn Fn(&FunctionRun) -> Value| run.map_or(Value::Null, value);
    let outcome = |run: &FunctionRun| json!(if run.success { "succeeded" } else { "failed" });
    let outputs = [
        (FUNCTION_NAME, json!(call.function)),
        ("triggered_at", json!(call.triggered_at)),
        ("outcome", of_run(&outcome)),
        ("success", of_run(&|run| json!(run.success))),
        ("result_code", of_run(&|run| json!(run.result_code))),
        ("duration_ms", of_run(&|run| json!(run.duration_ms))),
        ("invocation_id", of_run(&|run| json!(run.invocation_id))),
        ("operation_id", of_run(&|run| json!(run.operation_id))),
        ("started_at", of_run(&|run| json!(run.started_at))),
    ];
    for (name, value) in outputs {
        step.state.output(name, value);
    }
    step.state.note_unsaved();
}

fn failed(step: &Step<'_>, call: &FunctionCall, run: &FunctionRun) -> Error {
    let code = match run.result_code.as_str() {
        "" => "no result code".to_owned(),
        code => format!("the result code {code}"),
    };
    let id = match &run.invocation_id {
        Some(id) => format!("invocation {id}"),
        None => format!("request {}", run.id),
    };
    Error::FunctionFailed(format!(
        "the function \"{}\" failed with {code} after {} ms ({id}, begun at {}); what it logged is shown by: courier execution traces \
         {} {}",
        call.function, run.duration_ms, run.started_at, step.state.execution, step.state.index
    ))
}
