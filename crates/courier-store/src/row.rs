//! Between records and rows: times, words, counts and JSON.

use std::str::FromStr;

use jiff::Timestamp;
use sea_orm::{
    DbErr, ExprTrait, IntoSimpleExpr,
    sea_query::{Expr, Func, LikeExpr, SimpleExpr},
};
use serde_json::Value;

use crate::{Error, Result};

/// A stored time: microseconds since the epoch.
pub(crate) fn time(micros: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(micros)
        .map_err(|e| Error::Database(DbErr::Type(format!("a stored time: {e}"))))
}

/// A stored time that may be absent.
pub(crate) fn maybe_time(micros: Option<i64>) -> Result<Option<Timestamp>> {
    micros.map(time).transpose()
}

/// A time as it is stored.
pub(crate) fn micros(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::as_microsecond)
}

/// A stored word of one of our enums.
pub(crate) fn word<T: FromStr>(column: &'static str, text: &str) -> Result<T> {
    text.parse()
        .map_err(|_| Error::Database(DbErr::Type(format!("{column} holds the unknown word {text:?}"))))
}

/// A stored amount.
pub(crate) fn amount(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}

/// An amount as it is stored. Nothing we count passes 2^63.
pub(crate) fn stored(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}

/// A stored small number.
pub(crate) fn number(stored: i32) -> u32 {
    u32::try_from(stored).unwrap_or(0)
}

/// A small number as it is stored.
pub(crate) fn small(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Text without the character NUL, which PostgreSQL can't keep: foreign file names and messages may have it.
pub(crate) fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// JSON without the character NUL.
pub(crate) fn clean_json(value: Value) -> Value {
    match value {
        Value::String(text) if text.contains('\0') => Value::String(clean(&text)),
        Value::Array(items) => Value::Array(items.into_iter().map(clean_json).collect()),
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, value)| (clean(&name), clean_json(value)))
                .collect(),
        ),
        other => other,
    }
}

/// Does the column contain this text anywhere? Letters of either case are the same (on SQLite: ASCII letters).
pub(crate) fn contains(column: impl IntoSimpleExpr, text: &str) -> SimpleExpr {
    let escaped = clean(text)
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    Expr::expr(Func::lower(column.into_simple_expr()))
        .like(LikeExpr::new(format!("%{}%", escaped.to_lowercase())).escape('\\'))
}
