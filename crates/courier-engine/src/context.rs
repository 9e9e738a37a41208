//! The job context: what steps leave for later ones, and the references to it.
//!
//! An output is kept under `<step>.<name>`, the step counted from 1. A text in a step's configuration that is
//! `context:<step>.<name>` takes that output's place, whatever its type.

use std::collections::BTreeSet;

use courier_transfer::settings::Problem;
use serde_json::{Map, Value};

use crate::{Error, Result};

/// What a reference begins with.
pub(crate) const PREFIX: &str = "context:";

/// Is this value a reference?
pub(crate) fn is_reference(value: &Value) -> bool {
    value.as_str().is_some_and(|s| s.starts_with(PREFIX))
}

/// The steps that a configuration refers to, wherever in a text a reference stands.
pub(crate) fn references(config: &Map<String, Value>) -> BTreeSet<u32> {
    fn collect(value: &Value, steps: &mut BTreeSet<u32>) {
        match value {
            Value::String(text) => {
                let numbers = text.split(PREFIX).skip(1).filter_map(|rest| rest.split_once('.'));
                steps.extend(numbers.filter_map(|(number, _)| number.trim().parse::<u32>().ok()));
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, steps)),
            Value::Object(map) => map.values().for_each(|item| collect(item, steps)),
            _ => {}
        }
    }
    let mut steps = BTreeSet::new();
    config.values().for_each(|value| collect(value, &mut steps));
    steps
}

/// The key of a step's output.
pub(crate) fn key(step: u32, name: &str) -> String {
    format!("{step}.{name}")
}

/// `filled` with every reference replaced by what it refers to. What is a reference is told by `written`, the configuration as
/// it was before its placeholders were filled in: what these stand for, such as the name of a file, may look like one.
///
/// # Errors
/// [`Error::StepConfig`] that names the field and the outputs that there are.
pub(crate) fn resolve(
    filled: &Map<String, Value>,
    written: &Map<String, Value>,
    context: &Map<String, Value>,
) -> Result<Map<String, Value>> {
    resolve_all("", filled, written, context)
}

fn resolve_all(
    path: &str,
    filled: &Map<String, Value>,
    written: &Map<String, Value>,
    context: &Map<String, Value>,
) -> Result<Map<String, Value>> {
    let resolved = filled.iter().map(|(name, value)| {
        let written = written.get(name).unwrap_or(&Value::Null);
        let resolved = resolve_value(&format!("{path}{name}"), value, written, context)?;
        Ok((name.clone(), resolved))
    });
    resolved.collect()
}

fn resolve_value(
    field: &str,
    filled: &Value,
    written: &Value,
    context: &Map<String, Value>,
) -> Result<Value> {
    match (filled, written) {
        (_, Value::String(text)) => match text.strip_prefix(PREFIX) {
            Some(key) => context.get(key).cloned().ok_or_else(|| Error::StepConfig {
                fields: vec![Problem::new(field, missing(key, context))],
            }),
            None => Ok(filled.clone()),
        },
        (Value::Array(filled), Value::Array(written)) => filled
            .iter()
            .zip(written)
            .map(|(filled, written)| resolve_value(field, filled, written, context))
            .collect(),
        (Value::Object(filled), Value::Object(written)) => {
            resolve_all(&format!("{field}."), filled, written, context).map(Value::Object)
        }
        _ => Ok(filled.clone()),
    }
}

/// What is wrong with a reference to an output that is not there.
pub(crate) fn missing(key: &str, context: &Map<String, Value>) -> String {
    let known: Vec<&str> = context.keys().map(String::as_str).collect();
    let known = if known.is_empty() {
        "none".into()
    } else {
        known.join(", ")
    };
    format!("refers to \"{key}\", which no earlier step has left in the context; there is: {known}")
}

/// Checks the references in a step's configuration when a job is saved: each must name an earlier step and one of its
/// outputs. `outputs` gives the outputs of a step (counted from 1) that comes before this one.
pub(crate) fn check<'a>(
    path: &str,
    value: &Value,
    step: u32,
    outputs: &dyn Fn(u32) -> Option<&'a [&'a str]>,
    problems: &mut Vec<Problem>,
) {
    match value {
        Value::String(text) => {
            if let Some(message) = text
                .strip_prefix(PREFIX)
                .and_then(|key| wrong_reference(key, step, outputs))
            {
                problems.push(Problem::new(path, message));
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                check(&format!("{path}[{i}]"), item, step, outputs, problems);
            }
        }
        Value::Object(map) => {
            for (name, item) in map {
                check(&format!("{path}.{name}"), item, step, outputs, problems);
            }
        }
        _ => {}
    }
}

/// What is wrong with a reference of this step to the output of that key.
pub(crate) fn wrong_reference<'a>(
    key: &str,
    step: u32,
    outputs: &dyn Fn(u32) -> Option<&'a [&'a str]>,
) -> Option<String> {
    let parsed = key
        .split_once('.')
        .and_then(|(number, name)| Some((number.parse::<u32>().ok()?, name)));
    let Some((number, name)) = parsed.filter(|(number, name)| *number > 0 && !name.is_empty()) else {
        return Some(format!(
            "\"{PREFIX}{key}\" is no reference; expected e.g. \"{PREFIX}1.downloaded_file\""
        ));
    };
    if number >= step {
        return Some(format!(
            "refers to step {number}, which does not run before step {step}"
        ));
    }
    let known = outputs(number)?;
    (!known.contains(&name)).then(|| {
        format!(
            "refers to \"{name}\", which step {number} does not give; it gives {}",
            known.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn references_take_values_of_any_type_at_any_depth() {
        let context = map(json!({"1.downloaded_file": "/w/a", "1.downloaded_files": ["/w/a"]}));
        let config = map(json!({
            "local_path": "context:1.downloaded_file",
            "deep": {"list": ["context:1.downloaded_files", 3]},
            "plain": "no context:1.downloaded_file here",
        }));
        assert_eq!(
            Value::Object(resolve(&config, &config, &context).unwrap()),
            json!({
                "local_path": "/w/a",
                "deep": {"list": [["/w/a"], 3]},
                "plain": "no context:1.downloaded_file here",
            })
        );
    }

    #[test]
    fn what_a_placeholder_stands_for_is_no_reference() {
        let context = map(json!({"1.name": "context:1.secret", "1.secret": "not meant"}));
        let written = map(json!({"path": "{{context:1.name}}", "ignore": ["{{context:1.name}}"]}));
        let filled = map(json!({"path": "context:1.secret", "ignore": ["context:1.secret"]}));
        assert_eq!(resolve(&filled, &written, &context).unwrap(), filled);
    }

    #[test]
    fn references_are_found_wherever_they_stand() {
        let config = map(json!({
            "local_path": "context:1.downloaded_file",
            "remote_path": "in/{{context:12.name}}/{{context:3.name}}",
            "deep": [{"x": "context:4.files"}],
            "plain": "context:x.y",
        }));
        assert_eq!(references(&config).into_iter().collect::<Vec<_>>(), [1, 3, 4, 12]);
    }

    #[test]
    fn a_missing_output_names_the_field_and_what_there_is() {
        let context = map(json!({"1.files": []}));
        let config = map(json!({"local_path": "context:1.downloaded_file"}));
        let error = resolve(&config, &config, &context).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("local_path") && text.contains("1.downloaded_file") && text.contains("1.files"),
            "{text}"
        );
    }

    #[test]
    fn references_are_checked_at_save() {
        let outputs: &[&str] = &["downloaded_file"];
        let check = |reference: &str| {
            let mut problems = Vec::new();
            super::check(
                "steps[1].config",
                &json!({"x": reference}),
                2,
                &|_| Some(outputs),
                &mut problems,
            );
            problems.into_iter().map(|p| p.field).collect::<Vec<_>>()
        };
        assert!(check("context:1.downloaded_file").is_empty());
        for wrong in [
            "context:2.downloaded_file",
            "context:1.files",
            "context:0.x",
            "context:",
            "context:one.x",
        ] {
            assert_eq!(check(wrong), ["steps[1].config.x"], "{wrong}");
        }
    }
}
