//! Settings that describe themselves: one table drives validation, console forms, command-line help, docs and redaction.

use serde::Serialize;
use serde_json::{Map, Value, json};

/// One setting of a protocol or of a step.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Setting {
    /// Its name in JSON.
    pub name: &'static str,
    /// What it holds.
    #[serde(flatten)]
    pub kind: Kind,
    /// Must it be given?
    pub required: bool,
    /// What it is when not given.
    #[serde(skip_serializing_if = "Default::is_none")]
    pub default: Default,
    /// One or two sentences for the person who fills it in.
    pub help: &'static str,
    /// Words that it may be, or hold a list of, each with what it means; not all settings say it.
    #[serde(skip)]
    pub words: &'static [(&'static str, &'static str)],
    /// Where a form for connections shows it.
    #[serde(skip)]
    pub group: Group,
    /// It is of use only where another setting is so.
    #[serde(skip)]
    pub when: Option<When>,
}

/// Where a form for connections shows a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Where the server is.
    Address,
    /// Who we are, and what proves it.
    Login,
    /// How the server proves who it is.
    Trust,
    /// What is special about the protocol and this server.
    Protocol,
    /// Times, retries and sessions.
    Limits,
}

/// Another setting has one of these values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct When {
    /// The other setting.
    pub field: &'static str,
    /// The values.
    pub is: &'static [Default],
}

/// What a setting holds.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Kind {
    /// Text of one line, not empty.
    Text,
    /// Text of many lines (PEM, notes).
    LongText,
    /// `true` or `false`.
    Bool,
    /// A whole number within bounds.
    Integer {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// One of some words.
    Choice {
        /// The words.
        choices: &'static [&'static str],
    },
    /// A list of texts.
    TextList,
    /// An object whose inside the owner of the table checks.
    Object,
    /// Any value.
    Json,
    /// The id of a connection.
    Connection,
    /// A path on a server.
    RemotePath,
    /// A path on this machine.
    LocalPath,
}

/// A default value that fits into a `static` table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// There is none.
    None,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(&'static str),
}

impl Default {
    /// Is there none?
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }

    /// As JSON.
    pub fn value(self) -> Option<Value> {
        match self {
            Self::None => None,
            Self::Bool(b) => Some(json!(b)),
            Self::Integer(i) => Some(json!(i)),
            Self::Text(t) => Some(json!(t)),
        }
    }
}

impl Serialize for Default {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(s)
    }
}

/// A setting that is wrong, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The setting's name.
    pub field: String,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl Problem {
    /// A problem of that field.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

impl Setting {
    /// A setting that may be left out.
    pub const fn optional(name: &'static str, kind: Kind, help: &'static str) -> Self {
        Self {
            name,
            kind,
            required: false,
            default: Default::None,
            help,
            words: &[],
            group: Group::Protocol,
            when: None,
        }
    }

    /// A setting that must be given.
    pub const fn required(name: &'static str, kind: Kind, help: &'static str) -> Self {
        Self {
            required: true,
            ..Self::optional(name, kind, help)
        }
    }

    /// With a default.
    pub const fn or(mut self, default: Default) -> Self {
        self.default = default;
        self
    }

    /// With what its words mean.
    pub const fn meaning(mut self, words: &'static [(&'static str, &'static str)]) -> Self {
        self.words = words;
        self
    }

    /// Shown there.
    pub const fn in_group(mut self, group: Group) -> Self {
        self.group = group;
        self
    }

    /// Of use only where another setting has one of these values.
    pub const fn when(mut self, field: &'static str, is: &'static [Default]) -> Self {
        self.when = Some(When { field, is });
        self
    }

    /// Says what is wrong with a value, or nothing.
    pub fn check(&self, value: &Value) -> Option<String> {
        let expected = match (self.kind, value) {
            (Kind::Text | Kind::RemotePath | Kind::LocalPath, Value::String(s)) if s.is_empty() => {
                "must not be empty".into()
            }
            (Kind::Text | Kind::RemotePath | Kind::LocalPath, Value::String(s))
                if s.contains(['\0', '\r', '\n']) =>
            {
                "must be one line, without NUL".into()
            }
            (Kind::RemotePath, Value::String(s)) => {
                return crate::RemotePath::new(s).err().map(|e| e.to_string());
            }
            (Kind::Text | Kind::LongText | Kind::LocalPath, Value::String(_))
            | (Kind::Bool, Value::Bool(_))
            | (Kind::Object, Value::Object(_))
            | (Kind::Json, _) => return None,
            (Kind::Integer { min, max }, Value::Number(n))
                if n.as_i64().is_some_and(|n| (min..=max).contains(&n)) =>
            {
                return None;
            }
            (Kind::Choice { choices }, Value::String(s)) if choices.contains(&s.as_str()) => return None,
            (Kind::TextList, Value::Array(items)) if items.iter().all(Value::is_string) => return None,
            (Kind::Connection, Value::String(s)) if is_uuid(s) => return None,
            (Kind::Integer { min, max }, _) => format!("must be a whole number from {min} to {max}"),
            (Kind::Choice { choices }, _) => format!("must be one of {}", choices.join(", ")),
            (Kind::Bool, _) => "must be true or false".into(),
            (Kind::TextList, _) => "must be a list of texts".into(),
            (Kind::Object, _) => "must be an object".into(),
            (Kind::Connection, _) => "must be the id of a connection".into(),
            (Kind::Text | Kind::LongText | Kind::RemotePath | Kind::LocalPath, _) => "must be a text".into(),
        };
        Some(expected)
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(i, b)| {
            if matches!(i, 8 | 13 | 18 | 23) {
                b == b'-'
            } else {
                b.is_ascii_hexdigit()
            }
        })
}

/// Checks `values` against a table: unknown names, missing and ill-typed values, all of them at once.
/// A `null` counts as not given.
pub fn check(table: &[Setting], values: &Map<String, Value>) -> Vec<Problem> {
    let unknown = values
        .keys()
        .filter(|k| !table.iter().any(|s| s.name == *k))
        .map(|k| {
            let known: Vec<&str> = table.iter().map(|s| s.name).collect();
            Problem::new(k, format!("is not known here; known are {}", known.join(", ")))
        });
    let wrong = table.iter().filter_map(|setting| {
        let problem = match values.get(setting.name).filter(|v| !v.is_null()) {
            Some(value) => setting.check(value),
            None if setting.required => Some("is required".into()),
            None => None,
        };
        problem.map(|message| Problem::new(setting.name, message))
    });
    unknown.chain(wrong).collect()
}

/// `values` with the table's defaults where nothing is given.
pub fn with_defaults(table: &[Setting], values: &Map<String, Value>) -> Map<String, Value> {
    let mut all = values.clone();
    all.retain(|_, v| !v.is_null());
    for setting in table {
        if let Some(default) = setting.default.value() {
            all.entry(setting.name).or_insert(default);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[Setting] = &[
        Setting::required("path", Kind::RemotePath, "Where."),
        Setting::optional("tries", Kind::Integer { min: 0, max: 3 }, "How often.").or(Default::Integer(2)),
        Setting::optional("mode", Kind::Choice { choices: &["a", "b"] }, "How."),
    ];

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn names_everything_that_is_wrong_at_once() {
        let problems = check(TABLE, &map(json!({"tries": 9, "mode": 1, "colour": "red"})));
        let fields: Vec<&str> = problems.iter().map(|p| p.field.as_str()).collect();
        assert_eq!(fields, ["colour", "path", "tries", "mode"]);
        assert!(
            check(TABLE, &map(json!({"path": "a/../b"})))[0]
                .message
                .contains("..")
        );
        assert!(check(TABLE, &map(json!({"path": "/a", "mode": null}))).is_empty());
    }

    #[test]
    fn fills_defaults() {
        assert_eq!(
            Value::Object(with_defaults(TABLE, &map(json!({"path": "/a", "mode": null})))),
            json!({"path": "/a", "tries": 2})
        );
    }
}
