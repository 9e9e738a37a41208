//! Checks of step configurations: when a job is saved, and again when a step runs.

use courier_transfer::{
    ops::{Pattern, RemoteGlob},
    settings::{Kind, Problem, Setting, with_defaults},
};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{StepType, find};
use crate::{Definition, Engine, Error, Result, context, definition::StepDefinition, input::uuid};

/// Checks the steps of a job that is to be saved.
///
/// # Errors
/// [`Error::StepType`] for types that don't exist, else [`Error::StepConfig`], each with every problem.
pub(crate) async fn check(engine: &Engine, job: &Definition) -> Result<()> {
    let mut unknown = Vec::new();
    let mut problems = Vec::new();
    for (i, step) in job.steps.iter().enumerate() {
        match find(&step.step_type) {
            Some(step_type) => check_step(engine, job, i, step, step_type, &mut problems).await?,
            None => unknown.push(Problem::new(
                format!("steps[{i}].step_type"),
                format!(
                    "there is no step type \"{}\"; there are {}",
                    step.step_type,
                    names()
                ),
            )),
        }
    }
    if !unknown.is_empty() {
        return Err(Error::StepType { fields: unknown });
    }
    if !problems.is_empty() {
        return Err(Error::StepConfig { fields: problems });
    }
    Ok(())
}

fn names() -> String {
    super::infos()
        .iter()
        .map(|info| info.step_type)
        .collect::<Vec<_>>()
        .join(", ")
}

async fn check_step(
    engine: &Engine,
    job: &Definition,
    i: usize,
    step: &StepDefinition,
    step_type: &StepType,
    problems: &mut Vec<Problem>,
) -> Result<()> {
    let path = format!("steps[{i}].config");
    let number = u32::try_from(i + 1).unwrap_or(u32::MAX);
    let outputs = |number: u32| {
        let earlier = job.steps.get(usize::try_from(number).ok()?.checked_sub(1)?)?;
        find(&earlier.step_type).map(|t| t.outputs)
    };
    context::check(
        &path,
        &Value::Object(step.config.clone()),
        number,
        &outputs,
        problems,
    );
    let wrong = values(engine, step_type, &step.config, Uuid::nil());
    problems.extend(
        wrong
            .into_iter()
            .map(|p| Problem::new(format!("{path}.{}", p.field), p.message)),
    );
    if let Some(id) = step.config.get("connection_id").and_then(uuid)
        && let Some(message) = connection_problem(engine, step_type, id).await?
    {
        problems.push(Problem::new(format!("{path}.connection_id"), message));
    }
    Ok(())
}

/// What is wrong with the values. References are left alone until they are resolved.
fn values(
    engine: &Engine,
    step_type: &StepType,
    config: &Map<String, Value>,
    execution: Uuid,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for name in config
        .keys()
        .filter(|name| !step_type.settings.iter().any(|s| s.name == *name))
    {
        let known: Vec<&str> = step_type.settings.iter().map(|s| s.name).collect();
        problems.push(Problem::new(
            name,
            format!(
                "is not known to {}; known are {}",
                step_type.name,
                known.join(", ")
            ),
        ));
    }
    for setting in step_type.settings {
        let message = match config.get(setting.name).filter(|v| !v.is_null()) {
            None => setting.required.then(|| "is required".to_owned()),
            Some(value) if context::is_reference(value) => None,
            // Files that an earlier step left.
            Some(Value::Array(items)) if takes_list(step_type, setting) && !execution.is_nil() => {
                (!items.iter().all(Value::is_string)).then(|| "must hold paths".to_owned())
            }
            Some(Value::Array(items)) if !execution.is_nil() => Some(format!(
                "takes one value, and the reference leads to a list of {}; only local_path of an upload takes a list",
                items.len()
            )),
            Some(value) => setting
                .check(value)
                .or_else(|| special(engine, step_type, setting.name, setting.kind, value, execution)),
        };
        problems.extend(message.map(|message| Problem::new(setting.name, message)));
    }
    problems
}

/// May a reference to a list stand here?
fn takes_list(step_type: &StepType, setting: &Setting) -> bool {
    setting.name == "local_path" && step_type.outputs.contains(&"uploaded_files")
}

/// What a table can't say of a value.
fn special(
    engine: &Engine,
    step_type: &StepType,
    name: &str,
    kind: Kind,
    value: &Value,
    execution: Uuid,
) -> Option<String> {
    let text = value.as_str()?;
    match (kind, name) {
        // When it runs, the path is resolved, and refused then.
        (Kind::LocalPath, _) if execution.is_nil() => engine.0.paths.check(text).err(),
        (Kind::RemotePath, "remote_path") if step_type.outputs.contains(&"downloaded_file") => {
            RemoteGlob::new(text).err().map(|e| e.message().to_owned())
        }
        (Kind::Text, "pattern") => Pattern::new(text).err().map(|e| e.message().to_owned()),
        (Kind::Text, "atomic_suffix") => text
            .contains('/')
            .then(|| "must be the end of a name, without a slash".to_owned()),
        _ => None,
    }
}

async fn connection_problem(engine: &Engine, step_type: &StepType, id: Uuid) -> Result<Option<String>> {
    let connection = match engine.0.store.connections().get(id).await {
        Err(courier_store::Error::NotFound { .. }) => {
            return Ok(Some(format!("there is no connection {id}")));
        }
        result => result?,
    };
    let wanted = step_type.protocol.filter(|p| *p != connection.protocol);
    Ok(wanted.map(|wanted| {
        format!(
            "{} needs a connection of the protocol {wanted}, and \"{}\" has {}; use remote.{} for any protocol",
            step_type.name,
            connection.name,
            connection.protocol,
            step_type.name.rsplit('.').next().unwrap_or_default()
        )
    }))
}

/// The configuration that a step runs with: references resolved, checked once more, defaults filled in.
///
/// # Errors
/// [`Error::StepConfig`].
pub(crate) async fn prepare(
    engine: &Engine,
    step_type: &StepType,
    step: &StepDefinition,
    context: &Map<String, Value>,
    execution: Uuid,
) -> Result<Map<String, Value>> {
    let config = context::resolve(&step.config, context)?;
    let mut problems = values(engine, step_type, &config, execution);
    if let Some(id) = config.get("connection_id").and_then(uuid)
        && let Some(message) = connection_problem(engine, step_type, id).await?
    {
        problems.push(Problem::new("connection_id", message));
    }
    if !problems.is_empty() {
        return Err(Error::StepConfig { fields: problems });
    }
    Ok(with_defaults(step_type.settings, &config))
}
