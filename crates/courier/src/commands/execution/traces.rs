//! What a function wrote while a step waited for it.

use serde_json::Value;

use crate::api::{Api, Query};
use crate::exit::Result;
use crate::output::Output;
use crate::output::text::printable;

/// Lines of one page.
const PAGE: usize = 1000;

pub(super) async fn show(api: &Api, output: Output, id: &str, step: u32, limit: usize) -> Result<()> {
    let index = step.to_string();
    let path = ["executions", id, "steps", &index, "traces"];
    let (mut lines, mut partial) = (Vec::new(), false);
    let mut cursor: Option<String> = None;
    loop {
        let mut query: Query = vec![("limit", (limit - lines.len()).min(PAGE).to_string())];
        query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let mut page = api.query(&path, &query).await?;
        partial |= page.get("partial").and_then(Value::as_bool) == Some(true);
        if let Some(Value::Array(more)) = page.get_mut("items").map(Value::take) {
            lines.extend(more);
        }
        cursor = page.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
        if cursor.is_none() || lines.len() >= limit {
            break;
        }
    }
    lines.truncate(limit);
    if partial {
        output.note("the workspace gave less than it has, by its own account; ask again later");
    }
    if output.json {
        return output.document(&lines);
    }
    if lines.is_empty() {
        output.note(
            "the function wrote nothing that is in the workspace; what it wrote arrives there within minutes",
        );
    }
    for line in &lines {
        output.line(text(line))?;
    }
    if cursor.is_some() {
        output.note(format!(
            "there are more than {limit} lines; raise --limit to see it"
        ));
    }
    Ok(())
}

/// `2026-03-01T08:00:00Z  warning      no file today`, further lines of a message below it.
fn text(line: &Value) -> String {
    let text = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default();
    let level = match line.get("severity_level").and_then(Value::as_i64) {
        Some(0) => "verbose",
        Some(1) => "information",
        Some(2) => "warning",
        Some(3) => "error",
        Some(4) => "critical",
        _ => "",
    };
    let message: Vec<String> = text("message").trim_end().lines().map(printable).collect();
    let head = format!("{}  {level:<11}  ", text("timestamp"));
    format!("{head}{}", message.join("\n    ")).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn shows_a_line_with_its_level_and_drives_no_terminal() {
        let line =
            json!({"timestamp": "2026-03-01T08:00:00Z", "message": "a\nb\u{1b}[1m\n", "severity_level": 2});
        assert_eq!(
            text(&line),
            "2026-03-01T08:00:00Z  warning      a\n    b\\u{1b}[1m"
        );
        assert_eq!(
            text(&json!({"timestamp": "2026-03-01T08:00:00Z", "message": "", "severity_level": null})),
            "2026-03-01T08:00:00Z"
        );
    }
}
