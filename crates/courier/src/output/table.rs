//! Tables of API documents.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde_json::Value;

use super::text;

/// A column: its heading, and the field that it shows (`a.b` for a field within a field).
pub(crate) type Column = (&'static str, &'static str);

/// The field of a document that `path` names.
pub(crate) fn field<'v>(document: &'v Value, path: &str) -> &'v Value {
    path.split('.')
        .fold(document, |at, name| at.get(name).unwrap_or(&Value::Null))
}

/// Documents as rows.
pub(crate) fn rows(columns: &[Column], documents: &[Value]) -> String {
    let mut table = plain();
    table.set_header(columns.iter().map(|(heading, _)| *heading));
    for document in documents {
        table.add_row(columns.iter().map(|(_, path)| text::cell(field(document, path))));
    }
    trimmed(&table)
}

/// One document as a list of its fields, its name and id first; what is absent or empty is left out.
pub(crate) fn fields(document: &Value) -> String {
    const FIRST: [&str; 3] = ["name", "username", "id"];
    let mut table = plain();
    let all = document.as_object();
    let first = FIRST.iter().filter_map(|name| all?.get_key_value(*name));
    let rest = all
        .into_iter()
        .flatten()
        .filter(|(name, _)| !FIRST.contains(&name.as_str()));
    for (name, value) in first.chain(rest) {
        let shown = text::cell(value);
        if !shown.is_empty() {
            table.add_row([name.clone(), shown]);
        }
    }
    trimmed(&table)
}

fn plain() -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    // On a terminal, long cells are wrapped to its width.
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table
}

/// Without the spaces at the ends of lines, which nobody sees and every copy takes along.
fn trimmed(table: &Table) -> String {
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    let indent = lines
        .iter()
        .filter(|line| !line.is_empty())
        .map(|line| line.len() - line.trim_start().len())
        .min();
    let cut = |line: &String| line.get(indent.unwrap_or(0)..).unwrap_or(line).to_owned();
    lines.iter().map(cut).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn shows_fields_within_fields() {
        let documents = [
            json!({"name": "a", "server": {"port": 22}}),
            json!({"name": "bcd", "on": true}),
        ];
        assert_eq!(
            rows(
                &[("NAME", "name"), ("PORT", "server.port"), ("ON", "on")],
                &documents
            ),
            "NAME  PORT  ON\na     22\nbcd         yes"
        );
        assert_eq!(
            fields(&json!({"a": true, "id": 1, "none": null})),
            "id  1\na   yes"
        );
    }
}
