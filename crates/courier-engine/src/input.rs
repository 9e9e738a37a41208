//! Reading JSON objects that a user sent, with every problem at once.

use courier_transfer::settings::{Problem, Setting};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{Error, Result};

/// An object being read. Fields are taken out one by one; what remains at the end is unknown.
#[derive(Debug)]
pub(crate) struct Input {
    path: String,
    values: Map<String, Value>,
    problems: Vec<Problem>,
}

impl Input {
    /// Reads this object; `path` stands before the fields' names in problems.
    pub(crate) fn new(path: impl Into<String>, values: Map<String, Value>) -> Self {
        Self {
            path: path.into(),
            values,
            problems: Vec::new(),
        }
    }

    /// A field's full name.
    pub(crate) fn at(&self, field: &str) -> String {
        if self.path.is_empty() {
            field.into()
        } else {
            format!("{}.{field}", self.path)
        }
    }

    /// Notes a problem of a field.
    pub(crate) fn problem(&mut self, field: &str, message: impl Into<String>) {
        let field = self.at(field);
        self.problems.push(Problem::new(field, message));
    }

    /// Takes in the problems of an object inside this one.
    pub(crate) fn problems(&mut self, problems: Vec<Problem>) {
        self.problems.extend(problems);
    }

    /// Takes a value out as its setting describes it; `null` counts as not given.
    pub(crate) fn take(&mut self, setting: &Setting) -> Option<Value> {
        let Some(value) = self.values.remove(setting.name).filter(|v| !v.is_null()) else {
            if setting.required {
                self.problem(setting.name, "is required");
            }
            return setting.default.value();
        };
        match setting.check(&value) {
            Some(message) => {
                self.problem(setting.name, message);
                None
            }
            None => Some(value),
        }
    }

    /// Takes a text out.
    pub(crate) fn text(&mut self, setting: &Setting) -> Option<String> {
        match self.take(setting) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Takes a number out.
    pub(crate) fn integer(&mut self, setting: &Setting) -> Option<i64> {
        self.take(setting).as_ref().and_then(Value::as_i64)
    }

    /// Takes a truth value out.
    pub(crate) fn bool(&mut self, setting: &Setting) -> Option<bool> {
        self.take(setting).as_ref().and_then(Value::as_bool)
    }

    /// Takes whatever is there.
    pub(crate) fn raw(&mut self, field: &str) -> Option<Value> {
        self.values.remove(field)
    }

    /// Takes a list of objects out.
    pub(crate) fn objects(&mut self, field: &str) -> Vec<Map<String, Value>> {
        let items = match self.values.remove(field) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.problem(field, "must be a list of objects");
                return Vec::new();
            }
        };
        let mut objects = Vec::with_capacity(items.len());
        for (i, item) in items.into_iter().enumerate() {
            match item {
                Value::Object(map) => objects.push(map),
                _ => {
                    self.problem(&format!("{field}[{i}]"), "must be an object");
                    objects.push(Map::new());
                }
            }
        }
        objects
    }

    /// Leaves out what a client may send back to us without meaning it.
    pub(crate) fn ignore(&mut self, fields: &[&str]) {
        for field in fields {
            self.values.remove(*field);
        }
    }

    /// Has this field a problem already?
    pub(crate) fn has_problem(&self, field: &str) -> bool {
        let field = self.at(field);
        self.problems.iter().any(|p| p.field == field)
    }

    /// All problems until now; what is left over is not looked at.
    pub(crate) fn problems_so_far(self) -> Vec<Problem> {
        self.problems
    }

    /// All problems, and what is left over.
    pub(crate) fn finish_apart(self) -> (Vec<Problem>, Map<String, Value>) {
        (self.problems, self.values)
    }

    /// All problems; what is left over is unknown.
    pub(crate) fn finish(mut self) -> Vec<Problem> {
        let unknown: Vec<String> = self.values.keys().cloned().collect();
        for field in unknown {
            self.problem(&field, "is not known here");
        }
        self.problems
    }
}

/// A name of a record: one line, 1 to 200 characters, without space around it.
///
/// # Errors
/// [`Error::Validation`] of the field.
pub(crate) fn check_name(field: &str, name: &str) -> Result<()> {
    match name_problem(name) {
        Some(message) => Err(Error::field(field, message)),
        None => Ok(()),
    }
}

/// What is wrong with a name.
pub(crate) fn name_problem(name: &str) -> Option<&'static str> {
    if name.trim().is_empty() {
        Some("must not be empty")
    } else if name.chars().any(char::is_control) {
        Some("must be one line of printable characters")
    } else if name.chars().count() > 200 {
        Some("must have 200 characters at most")
    } else if name.trim() != name {
        Some("must not start or end with a space")
    } else {
        None
    }
}

/// An id from a JSON value.
pub(crate) fn uuid(value: &Value) -> Option<Uuid> {
    value.as_str().and_then(|s| Uuid::parse_str(s).ok())
}
