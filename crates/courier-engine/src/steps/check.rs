//! Checks of step configurations: when a job is saved, and again when a step runs.

use courier_azure::FunctionName;
use courier_store::executions::Execution;
use courier_transfer::{
    ops::{Pattern, RemoteGlob},
    settings::{Kind, Problem, Setting, with_defaults},
};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{StepType, azure_function, find, pull};
use crate::{
    Definition, Engine, Error, Result,
    azure_functions::no_files,
    context,
    definition::StepDefinition,
    input::uuid,
    placeholders::{self, Scope},
};

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
    for setting in step_type.settings {
        let taken = step
            .config
            .get(setting.name)
            .map(|value| placeholders::outputs_in(setting, value));
        for (field, key) in taken.into_iter().flatten() {
            let wrong = context::wrong_reference(&key, number, &outputs).or_else(|| no_text(&key));
            problems.extend(wrong.map(|message| Problem::new(format!("{path}.{field}"), message)));
        }
    }
    let wrong = values(engine, step_type, &step.config, &Scope::sample(&job.name));
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
    if let Some(id) = step.config.get(pull::MAPPING).and_then(uuid)
        && let Err(error) = engine.0.store.folder_mappings().get(id).await
    {
        let message = match error {
            courier_store::Error::NotFound { .. } => "there is no such folder mapping",
            error => return Err(error.into()),
        };
        problems.push(Problem::new(format!("{path}.{}", pull::MAPPING), message));
    }
    Ok(())
}

/// What is wrong with an output's taking its place within a text, as far as its name tells.
fn no_text(key: &str) -> Option<String> {
    let (_, name) = key.split_once('.')?;
    let is_none = matches!(
        name,
        "files" | "downloaded_files" | "uploaded_files" | "transfer_state"
    );
    is_none.then(|| format!("takes \"{key}\" into a text, and that is no text and no number"))
}

/// What is wrong with the values, and with their placeholders. References are left alone until they are resolved.
fn values(
    engine: &Engine,
    step_type: &StepType,
    config: &Map<String, Value>,
    scope: &Scope<'_>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let filled = fill(step_type, config, scope, &mut problems);
    for problem in filled_values(engine, step_type, &filled, scope.execution) {
        // A text whose placeholders can't be read is not looked at as a path.
        if !problems.iter().any(|known| known.field == problem.field) {
            problems.push(problem);
        }
    }
    problems
}

/// The configuration with what its placeholders stand for.
fn fill(
    step_type: &StepType,
    config: &Map<String, Value>,
    scope: &Scope<'_>,
    problems: &mut Vec<Problem>,
) -> Map<String, Value> {
    let is_pattern = |setting: &Setting, text: &str| is_pattern(step_type, setting, text);
    placeholders::fill(step_type.settings, config, scope, &is_pattern, problems)
}

/// Is this text of a setting a pattern? A local path is one only where nothing of that name exists.
fn is_pattern(step_type: &StepType, setting: &Setting, text: &str) -> bool {
    match setting.name {
        "pattern" | "ignore" => true,
        "remote_path" => step_type.outputs.contains(&"downloaded_files"),
        "local_path" => step_type.outputs.contains(&"uploaded_files") && text.contains(['*', '?', '[']),
        _ => false,
    }
}

fn filled_values(
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
            // When it runs, all are resolved, and what looks like one is a file's name.
            Some(value) if execution.is_nil() && context::is_reference(value) => None,
            // Files that an earlier step left.
            Some(Value::Array(items)) if step_type.lists.contains(&setting.name) && !execution.is_nil() => {
                (!items.iter().all(|item| path_of(item).is_some()))
                    .then(|| "must lead to a list of files, as a listing or a transfer leaves it".to_owned())
            }
            Some(Value::Array(items))
                if !execution.is_nil() && !matches!(setting.kind, Kind::TextList | Kind::Json) =>
            {
                Some(format!(
                    "takes one value, and the reference leads to a list of {}{}",
                    items.len(),
                    lists(step_type)
                ))
            }
            Some(value) => setting
                .check(value)
                .or_else(|| special(engine, step_type, setting.name, setting.kind, value, execution)),
        };
        problems.extend(message.map(|message| Problem::new(setting.name, message)));
    }
    problems.extend(move_problem(step_type, config));
    problems
}

/// `after: move` and `move_to` belong together.
fn move_problem(step_type: &StepType, config: &Map<String, Value>) -> Option<Problem> {
    step_type.settings.iter().find(|s| s.name == "move_to")?;
    let moves = config.get("after").and_then(Value::as_str) == Some("move");
    let has_place = config.get("move_to").is_some_and(|v| !v.is_null());
    let message = match (moves, has_place) {
        (true, false) => "is required with after: move",
        (false, true) => "is used with after: move only",
        _ => return None,
    };
    Some(Problem::new("move_to", message))
}

/// Where lists may stand, in words.
fn lists(step_type: &StepType) -> String {
    match step_type.lists {
        [] => String::new(),
        names => format!("; of {}, {} takes a list", step_type.name, names.join(", ")),
    }
}

/// The path of a file in a list: a text, or an entry of a listing.
pub(super) fn path_of(item: &Value) -> Option<&str> {
    item.as_str().or_else(|| item.get("path")?.as_str())
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
    if let (Kind::TextList, "ignore", Some(items)) = (kind, name, value.as_array()) {
        let mut patterns = items.iter().filter_map(Value::as_str).map(Pattern::new);
        return patterns.find_map(|pattern| pattern.err().map(|e| e.message().to_owned()));
    }
    let text = value.as_str()?;
    match (kind, name) {
        // When it runs, the path is resolved, and refused then.
        (Kind::LocalPath, _) if execution.is_nil() => engine.0.paths.check(text).err(),
        (Kind::RemotePath, "remote_path") if step_type.outputs.contains(&"downloaded_file") => {
            RemoteGlob::new(text).err().map(|e| e.message().to_owned())
        }
        (Kind::Text, "pattern") => Pattern::new(text).err().map(|e| e.message().to_owned()),
        (Kind::Text, azure_function::FUNCTION_NAME) => {
            FunctionName::new(text).err().map(|e| e.message().to_owned())
        }
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
    let (step, name, protocol) = (step_type.name, &connection.name, &connection.protocol);
    // A protocol that this installation doesn't have is a matter of the connection.
    let has_files = |protocol: &str| {
        engine
            .0
            .protocols
            .get(protocol)
            .is_none_or(|found| found.moves_files())
    };
    Ok(match step_type.protocol {
        Some(wanted) if wanted == protocol => None,
        Some(wanted) => {
            let instead = match has_files(wanted) && has_files(protocol) {
                true => format!(
                    "; use remote.{} for any protocol",
                    step.rsplit('.').next().unwrap_or_default()
                ),
                false => String::new(),
            };
            Some(format!(
                "{step} needs a connection of the protocol {wanted}, and \"{name}\" has {protocol}{instead}"
            ))
        }
        None if has_files(protocol) => None,
        None => Some(format!("{step} moves no file there: {}", no_files(&connection))),
    })
}

/// What an earlier step left is the name of a file, also where it looks like a pattern: who names files on a server must not
/// choose others by that.
fn no_patterns(step_type: &StepType, written: &Map<String, Value>, resolved: &mut Map<String, Value>) {
    for setting in step_type.settings {
        if let Some(reference) = written.get(setting.name).filter(|v| context::is_reference(v))
            && let Some(Value::String(text)) = resolved.get_mut(setting.name)
            && is_pattern(step_type, setting, reference.as_str().unwrap_or_default())
        {
            *text = placeholders::literal(text);
        }
    }
}

/// The configuration that a step runs with: references resolved, placeholders filled in, checked once more, with
/// defaults.
///
/// # Errors
/// [`Error::StepConfig`].
pub(crate) async fn prepare(
    engine: &Engine,
    step_type: &StepType,
    step: &StepDefinition,
    context: &Map<String, Value>,
    execution: &Execution,
) -> Result<Map<String, Value>> {
    let scope = Scope::of(execution, context);
    let mut problems = Vec::new();
    let config = fill(step_type, &step.config, &scope, &mut problems);
    if problems.is_empty() {
        let mut config = context::resolve(&config, &step.config, context)?;
        no_patterns(step_type, &step.config, &mut config);
        problems = filled_values(engine, step_type, &config, execution.id);
        if let Some(id) = config.get("connection_id").and_then(uuid)
            && let Some(message) = connection_problem(engine, step_type, id).await?
        {
            problems.push(Problem::new("connection_id", message));
        }
        if problems.is_empty() {
            return Ok(with_defaults(step_type.settings, &config));
        }
    }
    Err(Error::StepConfig { fields: problems })
}
