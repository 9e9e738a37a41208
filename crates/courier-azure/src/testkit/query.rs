//! As much of the Kusto Query Language as Courier's queries need, and nothing beyond: what else gets into a query by a name
//! or an id is an error of syntax.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// A row of a table, by the names of its columns.
pub(super) type Row = Map<String, Value>;

/// A query that was understood.
#[derive(Debug)]
pub(super) struct Query {
    legs: Vec<(String, Vec<Step>)>,
    then: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    Since(String, Timestamp),
    Equals {
        what: Cell,
        text: String,
        any_case: bool,
    },
    Project(Vec<(String, Cell)>),
    Order(Vec<String>),
    Take(usize),
    Number(String),
    Between(String, u64, u64),
}

/// A column, or a property inside of one, with what it is made into.
#[derive(Debug)]
struct Cell {
    cast: Option<String>,
    path: String,
}

/// Why a query has no result.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem {
    Syntax(String),
    Semantic(String),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Time(Timestamp),
    Sign(&'static str),
}

impl Query {
    /// Reads one, in the form of a fuzzy union.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let mut tokens = Tokens::of(text).map_err(Problem::Syntax)?;
        tokens.query().map_err(Problem::Syntax)
    }

    /// Its columns, with their types, and its rows. `table` holds what there is.
    pub(super) fn run(&self, table: impl Fn(&str) -> Option<Vec<Row>>) -> Result<Value, Problem> {
        let mut rows = Vec::new();
        let mut shape: Option<&[(String, Cell)]> = None;
        for (name, steps) in &self.legs {
            // A fuzzy union leaves out what isn't there.
            let Some(mut leg) = table(name) else { continue };
            for step in steps {
                step.apply(&mut leg)?;
                if let Step::Project(columns) = step {
                    shape = shape.or(Some(columns));
                }
            }
            rows.extend(leg);
        }
        let shape = shape.ok_or_else(|| {
            Problem::Semantic("union: must have at least one operand that can be evaluated successfully when running with 'Fuzzy' mode.".to_owned())
        })?;
        for step in &self.then {
            step.apply(&mut rows)?;
        }
        let columns: Vec<Value> = shape
            .iter()
            .map(|(name, cell)| json!({ "name": name, "type": cell.kind() }))
            .collect();
        let cells = |row: &Row| -> Vec<Value> { shape.iter().map(|(name, _)| row[name].clone()).collect() };
        let rows: Vec<Vec<Value>> = rows.iter().map(cells).collect();
        Ok(json!({ "name": "PrimaryResult", "columns": columns, "rows": rows }))
    }
}

impl Step {
    fn apply(&self, rows: &mut Vec<Row>) -> Result<(), Problem> {
        match self {
            Self::Since(column, since) => rows.retain(|row| time(&row[column]).unwrap() >= *since),
            Self::Equals { what, text, any_case } => rows.retain(|row| {
                let found = what.of(row);
                let found = found.as_str().unwrap_or_default();
                match any_case {
                    true => found.eq_ignore_ascii_case(text),
                    false => found == text,
                }
            }),
            Self::Project(columns) => {
                for row in rows {
                    if let Some((_, cell)) = columns.iter().find(|(_, cell)| !row.contains_key(cell.column()))
                    {
                        let words = format!(
                            "'project' operator: Failed to resolve scalar expression named '{}'",
                            cell.path
                        );
                        return Err(Problem::Semantic(words));
                    }
                    *row = columns
                        .iter()
                        .map(|(name, cell)| (name.clone(), cell.of(row)))
                        .collect();
                }
            }
            Self::Order(columns) => rows.sort_by(|a, b| {
                let of = |column: &String| compare(&a[column], &b[column]);
                columns
                    .iter()
                    .map(of)
                    .find(|order| order.is_ne())
                    .unwrap_or(Ordering::Equal)
            }),
            Self::Take(most) => rows.truncate(*most),
            Self::Number(column) => {
                for (at, row) in rows.iter_mut().enumerate() {
                    row.insert(column.clone(), (at + 1).into());
                }
            }
            Self::Between(column, after, last) => {
                rows.retain(|row| row[column].as_u64().is_some_and(|n| n > *after && n <= *last));
            }
        }
        Ok(())
    }
}

impl Cell {
    fn column(&self) -> &str {
        self.path.split('.').next().unwrap()
    }

    fn of(&self, row: &Row) -> Value {
        let mut value = row.get(self.column()).unwrap_or(&Value::Null);
        for part in self.path.split('.').skip(1) {
            value = value.get(part).unwrap_or(&Value::Null);
        }
        match (self.cast.as_deref(), value) {
            (Some("tostring"), Value::Null) => "".into(),
            (Some("tostring"), Value::Bool(true)) => "True".into(),
            (Some("tostring"), Value::Bool(false)) => "False".into(),
            (Some("tostring"), Value::String(text)) => text.clone().into(),
            (Some("tostring"), other) => other.to_string().into(),
            _ => value.clone(),
        }
    }

    fn kind(&self) -> &'static str {
        match (self.cast.as_deref(), &*self.path) {
            (Some("toreal"), _) => "real",
            (Some("toint"), _) => "int",
            (None, "TimeGenerated" | "timestamp") => "datetime",
            _ => "string",
        }
    }
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (time(a), time(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => (a.as_u64(), a.as_str()).cmp(&(b.as_u64(), b.as_str())),
    }
}

/// What remains of a query.
struct Tokens(std::iter::Peekable<std::vec::IntoIter<Token>>);

impl Tokens {
    fn of(text: &str) -> Result<Self, String> {
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if let Some(sign) = ["==", "=~", ">=", "<=", "|", "(", ")", ",", "=", ">"]
                .into_iter()
                .find(|sign| rest.starts_with(sign))
            {
                tokens.push(Token::Sign(sign));
                rest = &rest[sign.len()..];
            } else if let Some(literal) = rest.strip_prefix("datetime(") {
                let (literal, after) = literal.split_once(')').ok_or("a time without end")?;
                tokens.push(Token::Time(
                    literal.parse().map_err(|_| format!("{literal} is no time"))?,
                ));
                rest = after;
            } else if first == '\'' {
                let (text, after) = text_literal(rest)?;
                tokens.push(Token::Text(text));
                rest = after;
            } else if first == ' ' {
                rest = &rest[1..];
            } else {
                let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
                let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                if end == 0 {
                    return Err(format!("unexpected {first:?}"));
                }
                tokens.push(Token::Word(rest[..end].to_owned()));
                rest = &rest[end..];
            }
        }
        Ok(Self(tokens.into_iter().peekable()))
    }

    fn query(&mut self) -> Result<Query, String> {
        for word in ["union", "isfuzzy"] {
            self.expect(word)?;
        }
        self.sign("=")?;
        self.expect("true")?;
        let mut legs = Vec::new();
        loop {
            self.sign("(")?;
            legs.push((self.word()?, self.steps()?));
            self.sign(")")?;
            if !self.take(",") {
                break;
            }
        }
        let then = self.steps()?;
        match self.0.next() {
            None => Ok(Query { legs, then }),
            Some(token) => Err(format!("unexpected {token:?}")),
        }
    }

    fn steps(&mut self) -> Result<Vec<Step>, String> {
        let mut steps = Vec::new();
        while self.take("|") {
            let operator = self.word()?;
            match &*operator {
                "where" => steps.push(self.condition()?),
                "project" => {
                    let mut columns = Vec::new();
                    loop {
                        let cell = self.cell()?;
                        columns.push(match self.take("=") {
                            true => (cell.path, self.cell()?),
                            false => (cell.path.clone(), cell),
                        });
                        if !self.take(",") {
                            break;
                        }
                    }
                    steps.push(Step::Project(columns));
                }
                "order" => {
                    self.expect("by")?;
                    let mut columns = Vec::new();
                    loop {
                        columns.push(self.word()?);
                        self.expect("asc")?;
                        if !self.take(",") {
                            break;
                        }
                    }
                    steps.push(Step::Order(columns));
                }
                "top" => {
                    let most = self.number()?;
                    self.expect("by")?;
                    steps.push(Step::Order(vec![self.word()?]));
                    self.expect("asc")?;
                    steps.push(Step::Take(most.try_into().unwrap()));
                }
                "take" => steps.push(Step::Take(self.number()?.try_into().unwrap())),
                "serialize" => {
                    steps.push(Step::Number(self.word()?));
                    self.sign("=")?;
                    self.expect("row_number")?;
                    self.sign("(")?;
                    self.sign(")")?;
                }
                other => return Err(format!("no operator {other:?} is expected")),
            }
        }
        Ok(steps)
    }

    fn condition(&mut self) -> Result<Step, String> {
        let what = self.cell()?;
        match self.0.next() {
            Some(Token::Sign(">=")) => match self.0.next() {
                Some(Token::Time(time)) => Ok(Step::Since(what.path, time)),
                other => Err(format!("{other:?} is no time")),
            },
            Some(Token::Sign(sign @ ("==" | "=~"))) => match self.0.next() {
                Some(Token::Text(text)) => Ok(Step::Equals {
                    what,
                    text,
                    any_case: sign == "=~",
                }),
                other => Err(format!("{other:?} is no text")),
            },
            Some(Token::Sign(">")) => {
                let after = self.number()?;
                self.expect("and")?;
                self.expect(&what.path)?;
                self.sign("<=")?;
                Ok(Step::Between(what.path, after, self.number()?))
            }
            other => Err(format!("{other:?} is no comparison")),
        }
    }

    fn cell(&mut self) -> Result<Cell, String> {
        let word = self.word()?;
        if !self.take("(") {
            return Ok(Cell {
                cast: None,
                path: word,
            });
        }
        let path = self.word()?;
        self.sign(")")?;
        Ok(Cell {
            cast: Some(word),
            path,
        })
    }

    fn word(&mut self) -> Result<String, String> {
        match self.0.next() {
            Some(Token::Word(word)) => Ok(word),
            other => Err(format!("{other:?} is no word")),
        }
    }

    fn number(&mut self) -> Result<u64, String> {
        let word = self.word()?;
        word.parse().map_err(|_| format!("{word} is no number"))
    }

    fn expect(&mut self, wanted: &str) -> Result<(), String> {
        match self.word()? {
            word if word == wanted => Ok(()),
            word => Err(format!("{word} stands where {wanted} should")),
        }
    }

    fn take(&mut self, wanted: &str) -> bool {
        self.0
            .next_if(|token| matches!(token, Token::Sign(sign) if *sign == wanted))
            .is_some()
    }

    fn sign(&mut self, wanted: &str) -> Result<(), String> {
        match self.take(wanted) {
            true => Ok(()),
            false => Err(format!("{:?} stands where {wanted} should", self.0.peek())),
        }
    }
}

/// A text in single quotes, and what follows it.
fn text_literal(literal: &str) -> Result<(String, &str), String> {
    let mut text = String::new();
    let mut chars = literal.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' => return Ok((text, &literal[at + 1..])),
            '\n' | '\r' => break,
            '\\' => match chars.next().ok_or("a text without end")?.1 {
                'u' => {
                    let hex: String = chars.by_ref().take(4).map(|(_, c)| c).collect();
                    let code = u32::from_str_radix(&hex, 16).map_err(|_| "no such escape")?;
                    text.push(char::from_u32(code).ok_or("no such character")?);
                }
                c => text.push(c),
            },
            c => text.push(c),
        }
    }
    Err("a text without end".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::{RunId, kql};
    use crate::name::FunctionName;

    #[test]
    fn couriers_queries_are_understood() {
        let name = FunctionName::new("Nightly-1").unwrap();
        for query in [
            kql::check(),
            kql::runs(&name, Timestamp::now()),
            kql::traces(&RunId::Operation("|a.b.".into()), 5, 10).unwrap(),
        ] {
            let parsed = Query::parse(&query).unwrap();
            assert_eq!(parsed.legs.len(), 2, "{query}");
        }
    }

    #[test]
    fn what_was_injected_is_not() {
        let good = kql::runs(&FunctionName::new("x").unwrap(), Timestamp::UNIX_EPOCH);
        for name in [
            "x' or 1==1 //",
            "x'), (SecurityEvent",
            "x' | union SecurityEvent | where Name =~ 'x",
            "x'\n",
        ] {
            let bad = good.replace("'x'", &format!("'{name}'"));
            assert!(matches!(Query::parse(&bad), Err(Problem::Syntax(_))), "{bad}");
        }
    }

    #[test]
    fn no_table_at_all_is_an_error() {
        let query = Query::parse(&kql::check()).unwrap();
        assert!(
            matches!(query.run(|_| None), Err(Problem::Semantic(words)) if words.contains("at least one operand"))
        );
        let table = query.run(|name| (name == "requests").then(Vec::new)).unwrap();
        assert_eq!(
            table["columns"][5],
            json!({ "name": "duration_ms", "type": "real" })
        );
    }
}
