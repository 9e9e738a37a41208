//! Placeholders in paths, patterns and names of a step: `{{date:yyyyMMdd}}`, `{{context:1.name}}`, `{{execution.id}}`,
//! `{{job.name}}`.
//!
//! `{{{{` stands for `{{`. A date is the time that the execution was due, or, without a schedule, was put into the queue:
//! it is the same through retries, pauses and restarts.

mod date;

use courier_store::executions::Execution;
use courier_transfer::settings::{Kind, Problem, Setting};
use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::context;
use date::Date;

/// What placeholders stand for in one execution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) execution: Uuid,
    pub(crate) job: &'a str,
    /// What dates are of.
    at: Timestamp,
    /// Dates are told in this time zone, by IANA's name; none for UTC.
    zone: Option<&'a str>,
    /// What earlier steps left; none while a job is saved, when nothing ran yet.
    context: Option<&'a Map<String, Value>>,
}

impl<'a> Scope<'a> {
    /// Of an execution whose steps have left this until now.
    pub(crate) fn of(execution: &'a Execution, context: &'a Map<String, Value>) -> Self {
        Self {
            execution: execution.id,
            job: &execution.job_name,
            at: execution.scheduled_at.unwrap_or(execution.queued_at),
            zone: execution.timezone.as_deref(),
            context: Some(context),
        }
    }

    /// To try a job of that name that is being saved.
    pub(crate) fn sample(job: &'a str) -> Self {
        Self {
            execution: Uuid::nil(),
            job,
            at: courier_store::now(),
            zone: None,
            context: None,
        }
    }
}

/// A text, taken apart.
#[derive(Debug)]
pub(crate) struct Template(Vec<Part>);

#[derive(Debug)]
enum Part {
    Text(String),
    Date(Date),
    /// A step's output, by its key.
    Context(String),
    ExecutionId,
    JobName,
}

/// What a text is part of decides how what an output holds stands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    /// It doesn't lead elsewhere.
    Path,
    /// It doesn't lead elsewhere, and is no pattern itself.
    Pattern,
    /// It may be anything.
    Value,
}

/// May texts of this kind hold placeholders?
fn takes(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Text | Kind::TextList | Kind::RemotePath | Kind::LocalPath | Kind::Json
    )
}

impl Template {
    /// Takes a text apart.
    ///
    /// # Errors
    /// What is wrong with a placeholder, in words.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find("{{") {
            let (before, braces) = rest.split_at(at);
            plain.push_str(before);
            let run = braces.bytes().take_while(|&b| b == b'{').count();
            rest = if run > 3 {
                plain.push_str("{{");
                braces.get(4..).unwrap_or_default()
            } else if run == 3 {
                plain.push('{');
                braces.get(1..).unwrap_or_default()
            } else {
                let inside = braces.get(2..).unwrap_or_default();
                let (body, behind) = inside.split_once("}}").ok_or(
                    "has \"{{\", which begins a placeholder, and no \"}}\" behind it; two braces are written \"{{{{\"",
                )?;
                parts.push(Part::Text(std::mem::take(&mut plain)));
                parts.push(Part::new(body.trim())?);
                behind
            };
        }
        plain.push_str(rest);
        parts.push(Part::Text(plain));
        Ok(Self(parts))
    }

    /// The outputs that it takes, by their keys.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Context(key) => Some(key.as_str()),
            _ => None,
        })
    }

    /// The text with all that is known put in.
    ///
    /// # Errors
    /// What can't be put in, in words.
    fn fill(&self, scope: &Scope<'_>, of: Of) -> Result<String, String> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Date(date) => text.push_str(&date.text(scope.at, scope.zone)?),
                Part::ExecutionId => text.push_str(&scope.execution.to_string()),
                Part::JobName if of != Of::Value && scope.job.contains('/') => {
                    return Err(format!(
                        "takes the job's name, \"{}\", which has a \"/\"; rename the job, or write a name here",
                        scope.job
                    ));
                }
                Part::JobName => text.push_str(&put_in(scope.job, "the job's name", of)?),
                Part::Context(key) => {
                    let value = scope.context.map_or(Ok("value".into()), |all| output(key, all))?;
                    text.push_str(&put_in(&value, &format!("\"{key}\""), of)?);
                }
            }
        }
        Ok(text)
    }
}

impl Part {
    fn new(body: &str) -> Result<Self, String> {
        match body {
            "execution.id" => return Ok(Self::ExecutionId),
            "job.name" => return Ok(Self::JobName),
            _ => {}
        }
        if let Some(key) = body.strip_prefix(context::PREFIX) {
            return Ok(Self::Context(key.into()));
        }
        // One word for both: a run without a schedule was due when it was put into the queue.
        match body
            .strip_prefix("date")
            .or_else(|| body.strip_prefix("scheduled"))
        {
            Some(rest) => Date::new(rest).map(Self::Date),
            None => Err(format!(
                "there is no placeholder \"{{{{{body}}}}}\"; there are {{{{date:yyyyMMdd}}}}, {{{{date-1d:yyyy-MM-dd}}}}, \
                 {{{{context:1.name}}}}, {{{{execution.id}}}} and {{{{job.name}}}}; two braces are written \"{{{{{{{{\""
            )),
        }
    }
}

/// An output as text.
fn output(key: &str, context: &Map<String, Value>) -> Result<String, String> {
    match context.get(key) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        Some(Value::Bool(truth)) => Ok(truth.to_string()),
        Some(Value::Array(items)) => Err(format!(
            "takes \"{key}\" into a text, and that is a list of {}; a text or a number is needed",
            items.len()
        )),
        Some(_) => Err(format!(
            "takes \"{key}\" into a text, and that is neither a text nor a number"
        )),
        None => Err(context::missing(key, context)),
    }
}

/// A value, ready to stand in a text. In a path, it may have folders in it, but doesn't lead out of the one that it is put in.
fn put_in(value: &str, what: &str, of: Of) -> Result<String, String> {
    if of == Of::Value {
        return Ok(value.into());
    }
    if value.contains('\0') || value.split('/').any(|segment| segment == "..") {
        return Err(format!(
            "takes {what}, which has a segment \"..\" or a NUL and can't be part of a path"
        ));
    }
    Ok(match of {
        Of::Pattern => literal(value),
        Of::Path | Of::Value => value.into(),
    })
}

/// A pattern that matches this text only.
pub(crate) fn literal(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// `config` with what its placeholders stand for; references are left alone. `is_pattern` tells which settings are
/// patterns, given the text that was written there. What can't be put in is told in `problems`, by its field.
pub(crate) fn fill(
    settings: &[Setting],
    config: &Map<String, Value>,
    scope: &Scope<'_>,
    is_pattern: &dyn Fn(&Setting, &str) -> bool,
    problems: &mut Vec<Problem>,
) -> Map<String, Value> {
    let mut filled = config.clone();
    for setting in settings.iter().filter(|setting| takes(setting.kind)) {
        let Some(value) = filled.get_mut(setting.name).filter(|v| !context::is_reference(v)) else {
            continue;
        };
        for_each_text(setting, value, &mut |field, text| {
            if !text.contains("{{") {
                return;
            }
            let of = match setting.kind {
                Kind::Json => Of::Value,
                _ if is_pattern(setting, text) => Of::Pattern,
                _ => Of::Path,
            };
            let result = Template::new(text).and_then(|t| t.fill(scope, of));
            match result {
                Ok(done) => *text = done,
                Err(message) => problems.push(Problem::new(field, message)),
            }
        });
    }
    filled
}

fn for_each_text(setting: &Setting, value: &mut Value, change: &mut dyn FnMut(&str, &mut String)) {
    // Only what may be anything has texts deep inside; elsewhere that is a problem, which is told elsewhere.
    let depth = match setting.kind {
        Kind::Json => usize::MAX,
        _ => 1,
    };
    texts_within(setting.name, value, depth, change);
}

fn texts_within(field: &str, value: &mut Value, depth: usize, change: &mut dyn FnMut(&str, &mut String)) {
    match value {
        Value::String(text) => change(field, text),
        Value::Array(items) if depth > 0 => {
            for (i, item) in items.iter_mut().enumerate() {
                texts_within(&format!("{field}[{i}]"), item, depth - 1, change);
            }
        }
        Value::Object(map) if depth > 1 => {
            for (name, item) in map.iter_mut() {
                texts_within(&format!("{field}.{name}"), item, depth - 1, change);
            }
        }
        _ => {}
    }
}

/// The outputs that a value takes by placeholders, each with the field that it stands in. What is no placeholder is told
/// elsewhere.
pub(crate) fn outputs_in(setting: &Setting, value: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if takes(setting.kind) && !context::is_reference(value) {
        for_each_text(setting, &mut value.clone(), &mut |field, text| {
            if let Ok(template) = Template::new(text) {
                found.extend(template.outputs().map(|key| (field.to_owned(), key.to_owned())));
            }
        });
    }
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fill_one(text: &str, context: &Value, of: Of) -> Result<String, String> {
        let context = context.as_object().unwrap();
        let scope = Scope {
            execution: Uuid::from_u128(7),
            job: "nightly",
            at: "2026-03-29T23:30:05.007Z".parse().unwrap(),
            zone: Some("Europe/Berlin"),
            context: Some(context),
        };
        Template::new(text)?.fill(&scope, of)
    }

    #[test]
    fn each_placeholder_has_its_value() {
        let context = json!({"1.name": "sub/a[1].csv", "1.count": 12, "1.ok": true, "1.files": [1, 2], "1.state": {}, "1.up": "a/../b", "1.empty": ""});
        let fill = |text: &str| fill_one(text, &context, Of::Path);
        for (text, expected) in [
            ("/in/{{date:yyyyMMdd}}/x", "/in/20260330/x"),
            ("{{ date:yy-MM-dd'T'HH.mm.ss,fff }}", "26-03-30T01.30.05,007"),
            ("{{scheduled:yyyyMMdd}}", "20260330"),
            ("{{date:yyyyMMdd HHmm@UTC}}", "20260329 2330"),
            ("{{date-1d:yyyyMMdd'@'HH@America/New_York}}", "20260328@19"),
            // A day is a day also where the clocks change, an hour is sixty minutes.
            ("{{date-1d:ddHHmm}}", "290130"),
            ("{{date-24h:ddHHmm}}", "290030"),
            ("{{date-23h:ddHHmm}} {{date-22h:ddHHmm}}", "290130 290330"),
            ("{{date+90m:HHmm}}", "0300"),
            ("{{context:1.name}}.{{context:1.count}}", "sub/a[1].csv.12"),
            ("{{context:1.ok}}", "true"),
            (
                "{{job.name}}-{{execution.id}}",
                "nightly-00000000-0000-0000-0000-000000000007",
            ),
            ("{{{{a}}", "{{a}}"),
            ("*.{a,{{date:yy}}}", "*.{a,26}"),
            ("*.{{{date:yy}},a}", "*.{26,a}"),
            ("{{{{{{date:yy}}", "{{26"),
            ("plain {a} }}", "plain {a} }}"),
        ] {
            assert_eq!(fill(text).as_deref(), Ok(expected), "{text}");
        }
        for (text, told) in [
            ("{{", "no \"}}\""),
            ("{{{a}}", "no placeholder \"{{a}}\""),
            ("{{date}}", "format"),
            ("{{date:}}", "format"),
            ("{{date:YYYY}}", "\"YYYY\""),
            ("{{date:yyy}}", "\"yyy\""),
            ("{{date:'x}}", "quote"),
            ("{{date-1w:yy}}", "-1w"),
            ("{{date-d:yy}}", "-d"),
            ("{{date-99999999999999999999d:yy}}", "99999"),
            ("{{date+9999999d:yy}}", "+9999999d"),
            ("{{date:yy@Europe/Bärlin}}", "Bärlin"),
            ("{{datum:yy}}", "datum"),
            ("{{context:1.files}}", "list of 2"),
            ("{{context:1.state}}", "neither"),
            ("{{context:1.empty}}", "neither"),
            ("{{context:1.up}}", ".."),
            ("{{context:2.name}}", "2.name"),
        ] {
            let message = fill(text).unwrap_err();
            assert!(message.contains(told), "{text}: {message}");
        }
    }

    #[test]
    fn a_value_in_a_pattern_stands_for_itself() {
        let context = json!({"1.name": "a[1]*.csv"});
        assert_eq!(
            fill_one("/out/*-{{context:1.name}}", &context, Of::Pattern).unwrap(),
            r"/out/*-a\[1\]\*.csv"
        );
    }

    #[test]
    fn a_jobs_name_is_one_name_in_a_path() {
        let scope = Scope::sample("a/b");
        let message = Template::new("{{job.name}}")
            .unwrap()
            .fill(&scope, Of::Path)
            .unwrap_err();
        assert!(message.contains("\"a/b\""), "{message}");
    }

    #[test]
    fn what_may_be_anything_is_filled_to_its_depths() {
        const SETTINGS: &[Setting] = &[Setting::optional("input", Kind::Json, "What.")];
        let config = json!({"input": {"a": [{"b": "{{job.name}}"}, 7], "c": "context:1.x", "d": ["{{x}}"]}});
        let mut problems = Vec::new();
        let config = config.as_object().unwrap();
        let filled = fill(
            SETTINGS,
            config,
            &Scope::sample("a/../b"),
            &|_, _| false,
            &mut problems,
        );
        assert_eq!(
            filled["input"],
            json!({"a": [{"b": "a/../b"}, 7], "c": "context:1.x", "d": ["{{x}}"]})
        );
        assert_eq!(problems[0].field, "input.d[0]");
    }

    #[test]
    fn lists_are_filled_and_problems_name_their_place() {
        const SETTINGS: &[Setting] = &[
            Setting::optional("ignore", Kind::TextList, "What."),
            Setting::optional("input", Kind::Object, "What."),
        ];
        let config = json!({"ignore": ["a", "{{x}}", "{{date:'y'}}"], "input": {"x": "{{x}}"}});
        let mut problems = Vec::new();
        let scope = Scope::sample("j");
        let filled = fill(
            SETTINGS,
            config.as_object().unwrap(),
            &scope,
            &|_, _| false,
            &mut problems,
        );
        assert_eq!(filled["ignore"], json!(["a", "{{x}}", "y"]));
        assert_eq!(filled["input"], config["input"]);
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].field, "ignore[1]");
    }
}
