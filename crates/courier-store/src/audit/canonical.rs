//! The one form of records that authentication codes are over: the same bytes for what was written and for what either
//! database gives back, and never the same bytes for two things that differ.
//!
//! Everything has its length or its kind before it; integers are big-endian; the fields of an object are sorted by name.

use serde_json::{Number, Value};
use uuid::Uuid;

use crate::entities::audit::Model;

/// Bytes for a code, begun with what they are about, so that a code of one kind is never one of another.
pub(super) struct Canonical(Vec<u8>);

impl Canonical {
    pub(super) fn new(label: &str) -> Self {
        Self(Vec::with_capacity(512)).text(label)
    }

    pub(super) fn record(self, row: &Model) -> Self {
        self.id(row.id)
            .option(row.connection_id, Self::id)
            .text(&row.operation)
            .option(row.job_execution_id, Self::id)
            .text(&row.performed_by)
            .integer(row.performed_at)
            .option(row.bytes_transferred, Self::integer)
            .option(row.duration_ms, Self::integer)
            .json(&row.details)
    }

    pub(super) fn id(self, id: Uuid) -> Self {
        self.raw(id.as_bytes())
    }

    pub(super) fn integer(self, number: i64) -> Self {
        self.raw(&number.to_be_bytes())
    }

    /// Bytes of any length.
    pub(super) fn bytes(self, bytes: &[u8]) -> Self {
        self.length(bytes.len()).raw(bytes)
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }

    fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    fn option<T>(self, value: Option<T>, put: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => put(self.raw(&[1]), value),
            None => self.raw(&[0]),
        }
    }

    fn json(self, value: &Value) -> Self {
        match value {
            Value::Null => self.raw(b"n"),
            Value::Bool(false) => self.raw(b"f"),
            Value::Bool(true) => self.raw(b"t"),
            Value::Number(number) => self.raw(b"#").text(&digits(number)),
            Value::String(text) => self.raw(b"s").text(text),
            Value::Array(items) => items.iter().fold(self.raw(b"a").length(items.len()), Self::json),
            Value::Object(fields) => {
                let mut fields: Vec<_> = fields.iter().collect();
                fields.sort_unstable_by_key(|(name, _)| *name);
                let all = self.raw(b"o").length(fields.len());
                fields
                    .into_iter()
                    .fold(all, |all, (name, value)| all.text(name).json(value))
            }
        }
    }

    fn length(self, length: usize) -> Self {
        self.raw(&(length as u64).to_be_bytes())
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }
}

/// Numbers as they survive a database. PostgreSQL keeps them as decimals, so that 1e16 comes back as an integer, and
/// parsers may miss the last bit of a fraction, or fail at the largest: whole numbers become integers, and others keep ten
/// digits and stay below 1e300.
pub(super) fn durable(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(durable_number(number)),
        Value::Array(items) => Value::Array(items.into_iter().map(durable).collect()),
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, value)| (name, durable(value)))
                .collect(),
        ),
        other => other,
    }
}

fn durable_number(number: Number) -> Number {
    let Some(float) = number.as_f64().filter(|_| number.is_f64()) else {
        return number;
    };
    if let Some(whole) = whole(float) {
        return whole;
    }
    let kept: f64 = ten_digits(float.clamp(-1e300, 1e300)).parse().unwrap_or_default();
    whole(kept).or_else(|| Number::from_f64(kept)).unwrap_or(number)
}

/// A number as text: one text for all forms of the same number.
fn digits(number: &Number) -> String {
    match number.as_f64().filter(|_| number.is_f64()) {
        Some(float) => whole(float).map_or_else(|| ten_digits(float), |whole| whole.to_string()),
        None => number.to_string(),
    }
}

/// The integer that a float is, where it is one that JSON parsers read as an integer.
fn whole(float: f64) -> Option<Number> {
    // Both bounds are floats themselves; what lies between them is converted without loss.
    let integer = float.fract() == 0.0;
    if integer && (-9_223_372_036_854_775_808.0..0.0).contains(&float) {
        return Some(Number::from(float as i64));
    }
    if integer && (0.0..18_446_744_073_709_551_616.0).contains(&float) {
        return Some(Number::from(float as u64));
    }
    None
}

fn ten_digits(float: f64) -> String {
    format!("{float:.9e}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn form(value: &Value) -> Vec<u8> {
        Canonical::new("test").json(value).finish()
    }

    #[test]
    fn forms_of_the_same_are_the_same() {
        for (a, b) in [
            ("[1.0, -0.0, 1e3]", "[1, 0, 1000]"),
            ("1e16", "10000000000000000"),
            ("1e19", "10000000000000000000"),
            (r#"{"b": 1, "a": 2}"#, r#"{"a": 2, "b": 1}"#),
            (r#""\u00e9""#, r#""é""#),
        ] {
            let [a, b]: [Value; 2] = [a, b].map(|text| serde_json::from_str(text).unwrap());
            assert_eq!(form(&a), form(&b), "{a} {b}");
        }
    }

    #[test]
    fn what_differs_has_another_form() {
        let all = [
            json!(null),
            json!(false),
            json!(0),
            json!(""),
            json!("0"),
            json!([]),
            json!({}),
            json!([[]]),
            json!([[], []]),
            json!([[[]]]),
            json!(["a", "b"]),
            json!(["ab"]),
            json!({"a": "b"}),
            json!({"ab": ""}),
            json!({"a": null}),
            json!(1.5),
            json!("1.5"),
            json!(u64::MAX),
            json!(i64::MIN),
        ];
        for (n, a) in all.iter().enumerate() {
            for b in all.iter().skip(n + 1) {
                assert_ne!(form(a), form(b), "{a} {b}");
            }
        }
    }

    #[test]
    fn durable_numbers_stay_as_they_are_in_text_and_as_decimals() {
        for float in [
            0.1,
            1.0 / 3.0,
            -2.5e-7,
            1e16,
            1.234_567_890_123_456_7e18,
            1.797e308,
            f64::MIN,
            5e-324,
            12_345_678_901.5,
            -0.0,
            1e20,
        ] {
            let kept = durable(json!(float));
            assert_eq!(durable(kept.clone()), kept);
            // As SQLite keeps it, and as PostgreSQL does.
            let text = kept.to_string();
            let decimal = match kept.as_f64().filter(|_| kept.is_f64()) {
                Some(float) => format!("{float}"),
                None => text.clone(),
            };
            for read in [text, decimal] {
                let read: Value = serde_json::from_str(&read).unwrap();
                assert_eq!(form(&read), form(&kept), "{float}");
            }
        }
    }
}
