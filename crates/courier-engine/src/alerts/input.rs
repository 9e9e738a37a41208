//! What somebody wants an alert to be, read with every problem at once.

use std::str::FromStr;

use courier_store::alerts::{Alert, AlertKind, Channel, Expect, QuietHours, Rule, TimeOfDay, Weekday};
use courier_transfer::{
    ops::Pattern,
    settings::{Default as Standard, Kind, Problem, Setting},
};
use jiff::tz::TimeZone;
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{mail, webhook};
use crate::{
    Error, Result,
    input::{Input, name_problem, uuid},
};

const NAME: Setting = Setting::required("name", Kind::Text, "Its name.");
const ENABLED: Setting =
    Setting::optional("enabled", Kind::Bool, "Does it tell anybody anything?").or(Standard::Bool(true));
const ON: Setting = Setting::required("on", Kind::TextList, "Of what it tells.");
const CHANNEL: Setting = Setting::required("channel", Kind::Object, "Where messages go.");
const JOBS: Setting = Setting::optional("jobs", Kind::TextList, "Executions of these jobs only.");
const CONNECTIONS: Setting = Setting::optional(
    "connections",
    Kind::TextList,
    "The health and the files of these connections only.",
);
const MAPPINGS: Setting = Setting::optional(
    "mappings",
    Kind::TextList,
    "The health and the files of these folder mappings only.",
);
const LATE_AFTER: Setting = Setting::optional(
    "late_after_sec",
    Kind::Integer {
        min: 1,
        max: 366 * 24 * 60 * 60,
    },
    "How long an execution may take.",
);
const EXPECT: Setting = Setting::optional("expect", Kind::Object, "The file that must come.");
const QUIET_HOURS: Setting = Setting::optional("quiet_hours", Kind::Object, "When messages wait.");
const REPEAT_AFTER: Setting = Setting::optional(
    "repeat_after_sec",
    Kind::Integer {
        min: 0,
        max: 30 * 24 * 60 * 60,
    },
    "No more than one message about the same in this time.",
)
.or(Standard::Integer(3600));

const TYPE: Setting = Setting::required(
    "type",
    Kind::Choice {
        choices: &["webhook", "email"],
    },
    "What kind of channel it is.",
);
const URL: Setting = Setting::required("url", Kind::Text, "Where webhooks are posted.");
const TO: Setting = Setting::required("to", Kind::TextList, "Whom mails are sent to.");

const PATTERN: Setting = Setting::required("pattern", Kind::Text, "What its name looks like.");
const CONNECTION_ID: Setting = Setting::optional("connection_id", Kind::Text, "The connection it comes by.");
const JOB_ID: Setting = Setting::optional("job_id", Kind::Text, "The job that moves it.");
const BY: Setting = Setting::required("by", Kind::Text, "When it must have come.");
const FROM: Setting = Setting::required("from", Kind::Text, "When they begin.");
const UNTIL: Setting = Setting::required("to", Kind::Text, "When they end.");
const TIMEZONE: Setting =
    Setting::optional("timezone", Kind::Text, "The time zone.").or(Standard::Text("UTC"));
const WEEKDAYS: Setting = Setting::optional("weekdays", Kind::TextList, "On which days.");

/// What clients may send back without meaning it.
const READ_ONLY: &[&str] = &["id", "warnings", "created_at", "updated_at"];

/// As many addresses a mail goes to at most.
const MANY: usize = 50;

/// An alert as somebody wants it.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) enabled: bool,
    pub(super) rule: Rule,
    /// None where it stays as it is.
    pub(super) secret: Option<Option<SecretString>>,
}

/// Reads an alert.
///
/// # Errors
/// [`Error::Validation`].
pub(super) fn read(values: Map<String, Value>) -> Result<Wanted> {
    let mut input = Input::new("", values);
    input.ignore(READ_ONLY);
    let name = input.text(&NAME).unwrap_or_default();
    if !name.is_empty()
        && let Some(message) = name_problem(&name)
    {
        input.problem("name", message);
    }
    let enabled = input.bool(&ENABLED).unwrap_or(true);
    let on = kinds(&mut input);
    let (channel, secret) = channel(&mut input);
    let jobs = ids(&mut input, &JOBS);
    let connections = ids(&mut input, &CONNECTIONS);
    let mappings = ids(&mut input, &MAPPINGS);
    let seconds = |value: Option<i64>| value.and_then(|value| u32::try_from(value).ok());
    let late_after_sec = seconds(input.integer(&LATE_AFTER));
    let expect = object(&mut input, &EXPECT).map(|values| expect(&mut input, values));
    let quiet_hours = object(&mut input, &QUIET_HOURS).map(|values| quiet_hours(&mut input, values));
    let repeat_after_sec = seconds(input.integer(&REPEAT_AFTER)).unwrap_or_default();
    for (kind, given, field, what) in [
        (
            AlertKind::ExecutionLate,
            late_after_sec.is_some(),
            "late_after_sec",
            "how long an execution may take",
        ),
        (
            AlertKind::FileMissing,
            expect.is_some(),
            "expect",
            "the file that must come",
        ),
    ] {
        match (on.contains(&kind), given || input.has_problem(field)) {
            (true, false) => input.problem(field, format!("is required for {kind}: {what}")),
            (false, true) => input.problem(field, format!("is for {kind}, which is not in on")),
            _ => {}
        }
    }
    let problems = input.finish();
    match (channel, expect.flatten_or(), quiet_hours.flatten_or()) {
        (Some(channel), Ok(expect), Ok(quiet_hours)) if problems.is_empty() => Ok(Wanted {
            name,
            enabled,
            rule: Rule {
                on,
                channel,
                jobs,
                connections,
                mappings,
                late_after_sec,
                expect,
                quiet_hours,
                repeat_after_sec,
            },
            secret,
        }),
        _ => Err(Error::Validation { fields: problems }),
    }
}

/// An inner object: not given, given and whole, or given and wrong.
trait FlattenOr<T> {
    fn flatten_or(self) -> Result<Option<T>, ()>;
}

impl<T> FlattenOr<T> for Option<Option<T>> {
    fn flatten_or(self) -> Result<Option<T>, ()> {
        match self {
            None => Ok(None),
            Some(Some(inner)) => Ok(Some(inner)),
            Some(None) => Err(()),
        }
    }
}

fn kinds(input: &mut Input) -> Vec<AlertKind> {
    let texts = input.take(&ON).map(texts).unwrap_or_default();
    if texts.is_empty() && !input.has_problem("on") {
        input.problem("on", "must name one kind of event at least");
    }
    let known = || {
        let known = AlertKind::ALL.iter().filter(|kind| **kind != AlertKind::Test);
        known.map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ")
    };
    let mut kinds = Vec::new();
    for text in texts {
        match text.parse::<AlertKind>() {
            Ok(kind) if kind != AlertKind::Test => kinds.push(kind),
            _ => input.problem("on", format!("\"{text}\" is none of {}", known())),
        }
    }
    kinds.sort();
    kinds.dedup();
    kinds
}

fn channel(input: &mut Input) -> (Option<Channel>, Option<Option<SecretString>>) {
    let Some(values) = object(input, &CHANNEL) else {
        return (None, None);
    };
    let mut inner = Input::new("channel", values);
    inner.ignore(&["has_secret"]);
    let (mut channel, mut secret) = (None, None);
    match inner.text(&TYPE).as_deref() {
        Some("webhook") => {
            secret = self::secret(&mut inner);
            let url = inner.text(&URL).unwrap_or_default();
            match webhook::address(&url) {
                Ok(_) => channel = Some(Channel::Webhook { url }),
                Err(why) if !inner.has_problem("url") => inner.problem("url", why),
                Err(_) => {}
            }
        }
        Some(_) => {
            // There is nothing to sign.
            secret = Some(None);
            let to = inner.take(&TO).map(texts).unwrap_or_default();
            if !inner.has_problem("to") && !(1..=MANY).contains(&to.len()) {
                inner.problem("to", format!("must name 1 to {MANY} mail addresses"));
            }
            for address in &to {
                if let Err(why) = mail::address(address) {
                    inner.problem("to", why);
                }
            }
            channel = Some(Channel::Email { to });
        }
        None => {}
    }
    let problems = inner.finish();
    let is_whole = problems.is_empty();
    input.problems(problems);
    (channel.filter(|_| is_whole), secret)
}

/// A secret that is given, or taken away.
fn secret(input: &mut Input) -> Option<Option<SecretString>> {
    match input.raw("secret")? {
        Value::Null => Some(None),
        Value::String(text) => {
            if let Err(why) = webhook::key(&text) {
                input.problem("secret", why);
            }
            Some(Some(text.into()))
        }
        _ => {
            input.problem("secret", "must be a text, or null for none");
            None
        }
    }
}

fn expect(outer: &mut Input, values: Map<String, Value>) -> Option<Expect> {
    let mut input = Input::new("expect", values);
    let pattern = input.text(&PATTERN).unwrap_or_default();
    if !input.has_problem("pattern")
        && let Err(error) = Pattern::new(pattern.trim_start_matches('/'))
    {
        input.problem("pattern", error.to_string());
    }
    let connection_id = id(&mut input, &CONNECTION_ID);
    let job_id = id(&mut input, &JOB_ID);
    let by = parsed::<TimeOfDay>(&mut input, &BY);
    let (timezone, weekdays) = days(&mut input);
    finish(outer, input)?;
    Some(Expect {
        pattern,
        connection_id,
        job_id,
        by: by?,
        timezone,
        weekdays,
    })
}

fn quiet_hours(outer: &mut Input, values: Map<String, Value>) -> Option<QuietHours> {
    let mut input = Input::new("quiet_hours", values);
    let from = parsed::<TimeOfDay>(&mut input, &FROM);
    let to = parsed::<TimeOfDay>(&mut input, &UNTIL);
    let (timezone, weekdays) = days(&mut input);
    finish(outer, input)?;
    Some(QuietHours {
        from: from?,
        to: to?,
        timezone,
        weekdays,
    })
}

fn days(input: &mut Input) -> (String, Vec<Weekday>) {
    let timezone = input.text(&TIMEZONE).unwrap_or_default();
    if !input.has_problem("timezone") && TimeZone::get(&timezone).is_err() {
        let message =
            format!("\"{timezone}\" is no time zone; expected a name such as Europe/Berlin, or UTC");
        input.problem("timezone", message);
    }
    let mut weekdays = Vec::new();
    for day in input.take(&WEEKDAYS).map(texts).unwrap_or_default() {
        match day.parse::<Weekday>() {
            Ok(day) => weekdays.push(day),
            Err(error) => input.problem("weekdays", format!("\"{day}\" {error}")),
        }
    }
    weekdays.sort();
    weekdays.dedup();
    (timezone, weekdays)
}

/// Nothing, where there are problems.
fn finish(outer: &mut Input, inner: Input) -> Option<()> {
    let problems: Vec<Problem> = inner.finish();
    let is_whole = problems.is_empty();
    outer.problems(problems);
    is_whole.then_some(())
}

fn object(input: &mut Input, setting: &Setting) -> Option<Map<String, Value>> {
    match input.take(setting) {
        Some(Value::Object(values)) => Some(values),
        _ => None,
    }
}

fn parsed<T: FromStr<Err: std::fmt::Display>>(input: &mut Input, setting: &Setting) -> Option<T> {
    match input.text(setting)?.parse() {
        Ok(value) => Some(value),
        Err(error) => {
            input.problem(setting.name, error.to_string());
            None
        }
    }
}

fn id(input: &mut Input, setting: &Setting) -> Option<Uuid> {
    let text = input.take(setting)?;
    let id = uuid(&text);
    if id.is_none() {
        input.problem(setting.name, "must be an id");
    }
    id
}

fn ids(input: &mut Input, setting: &Setting) -> Vec<Uuid> {
    let mut ids = Vec::new();
    for text in input.take(setting).map(texts).unwrap_or_default() {
        match Uuid::parse_str(&text) {
            Ok(id) if ids.contains(&id) => {}
            Ok(id) => ids.push(id),
            Err(_) => input.problem(setting.name, format!("\"{text}\" is no id")),
        }
    }
    ids
}

fn texts(value: Value) -> Vec<String> {
    match value {
        Value::Array(items) => items
            .into_iter()
            .filter_map(|item| match item {
                Value::String(text) => Some(text),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// An alert as somebody would enter it, without its secret, and with what changes over it.
pub(super) fn merged(before: &Alert, changes: Map<String, Value>) -> Map<String, Value> {
    let mut whole = Map::new();
    if let Ok(Value::Object(rule)) = serde_json::to_value(&before.rule) {
        whole.extend(rule);
    }
    whole.insert("name".into(), json!(before.name));
    whole.insert("enabled".into(), json!(before.enabled));
    for (field, value) in changes {
        let value = match (whole.get(&field), value) {
            // A channel of the same type keeps what isn't given.
            (Some(Value::Object(there)), Value::Object(given))
                if field == CHANNEL.name
                    && given
                        .get("type")
                        .is_none_or(|kind| Some(kind) == there.get("type")) =>
            {
                let mut channel = there.clone();
                channel.extend(given);
                Value::Object(channel)
            }
            (_, value) => value,
        };
        whole.insert(field, value);
    }
    whole
}
