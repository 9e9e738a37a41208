//! What a message says: a document for programs, a subject and a text for people.

use courier_store::alerts::{Alert, AlertKind, Delivery};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Longer ones are cut, characters.
const SUBJECT: usize = 160;

/// A message, as it goes out.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// The same in every attempt.
    pub(super) id: String,
    /// What a webhook is sent.
    pub(super) body: Value,
    /// A mail's subject.
    pub(super) subject: String,
    /// A mail's text.
    pub(super) text: String,
}

impl Message {
    /// One message about all of these, of which there is one at least. It is the same on every node.
    pub(super) fn about(alert: &Alert, first: &Delivery, others: &[Delivery]) -> Self {
        let all: Vec<&Delivery> = std::iter::once(first).chain(others).collect();
        let line = sentence(first);
        let line = match others.len() {
            0 => line,
            1 => format!("{line} (and another message)"),
            more => format!("{line} (and {more} other messages)"),
        };
        let is_mixed = others
            .iter()
            .any(|other| (other.kind, other.recovered) != (first.kind, first.recovered));
        let body = json!({
            "id": first.id,
            "type": if is_mixed { "several" } else { first.kind.as_str() },
            "at": first.happened_at,
            "text": line,
            "alert": {"id": alert.id, "name": alert.name},
            "events": all.iter().map(|one| event(one)).collect::<Vec<Value>>(),
        });
        let mut text: Vec<String> = all.iter().map(|one| paragraph(one)).collect();
        text.push(format!("Sent by Courier, by the alert \"{}\".\n", alert.name));
        Self {
            id: first.id.to_string(),
            body,
            subject: cut(&format!("[Courier] {line}")),
            text: text.join("\n"),
        }
    }
}

/// What happened, with all that is known of it.
fn event(delivery: &Delivery) -> Value {
    let mut event = Map::new();
    event.insert("type".into(), json!(delivery.kind));
    event.insert("at".into(), json!(delivery.happened_at));
    event.insert("text".into(), json!(sentence(delivery)));
    event.insert("recovered".into(), json!(delivery.recovered));
    event.insert("held".into(), json!(delivery.held));
    event.insert("earlier".into(), delivery.earlier.clone());
    if let Value::Object(facts) = &delivery.facts {
        event.extend(facts.clone());
    }
    Value::Object(event)
}

/// It in one line.
fn sentence(delivery: &Delivery) -> String {
    let fact = |pointer: &str| fact(&delivery.facts, pointer);
    let job = match fact("/mapping/name") {
        mapping if mapping.is_empty() => format!("The job \"{}\"", fact("/job/name")),
        mapping => format!("The pull of the folder mapping \"{mapping}\""),
    };
    let line = match (delivery.kind, delivery.recovered) {
        (AlertKind::ExecutionFailed, false) => {
            let step = match (fact("/step/index"), fact("/step/step_type")) {
                (index, _) if index.is_empty() => String::new(),
                (index, step_type) => format!(" in step {index} ({step_type})"),
            };
            format!("{job} failed{step}: {}", fact("/error/message"))
        }
        (AlertKind::ExecutionFailed, true) => format!("{job} completed again"),
        (AlertKind::ExecutionCompleted, _) => format!("{job} completed"),
        (AlertKind::ExecutionLate, false) => {
            let stands = match fact("/execution/state") {
                state if state.is_empty() => "has not started".into(),
                state => format!("is {state}"),
            };
            format!(
                "{job} is late: it was due at {}, and {stands}",
                fact("/late/due_at")
            )
        }
        (AlertKind::ExecutionLate, true) => {
            format!("{job}, which was late, has ended: {}", fact("/execution/state"))
        }
        (AlertKind::FileMissing, false) => format!(
            "No file {} has come by {} ({})",
            fact("/file/pattern"),
            fact("/file/by"),
            fact("/file/timezone")
        ),
        (AlertKind::FileMissing, true) => {
            format!(
                "The file {} has come: {}",
                fact("/file/pattern"),
                fact("/file/path")
            )
        }
        (AlertKind::ConnectionHealth, _) => {
            let connection = format!("connection \"{}\"", fact("/connection/name"));
            let (what, of) = match fact("/mapping/name") {
                name if name.is_empty() => (format!("The {connection}"), "connection"),
                name => (
                    format!("The folder mapping \"{name}\" of the {connection}"),
                    "mapping",
                ),
            };
            let detail = fact(&format!("/{of}/health_detail"));
            match fact(&format!("/{of}/health")).as_str() {
                "healthy" => format!("{what} is healthy again"),
                "requires_attention" => format!("{what} waits for somebody's decision: {detail}"),
                _ => format!("{what} fails: {detail}"),
            }
        }
        (AlertKind::FilePulled, _) => format!(
            "The file {} was pulled from \"{}\" ({} bytes): {}",
            fact("/file/path"),
            fact("/connection/name"),
            fact("/file/size"),
            fact("/file/destination")
        ),
        (AlertKind::Test, _) => "This is a test: messages of this alert arrive here".into(),
    };
    let line: String = line
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    match delivery.held {
        0 => line,
        1 => format!("{line} (one message before it was held back)"),
        held => format!("{line} ({held} messages before it were held back)"),
    }
}

/// It for people, with what they need to go on.
fn paragraph(delivery: &Delivery) -> String {
    let fact = |pointer: &str| fact(&delivery.facts, pointer);
    let mut lines = vec![sentence(delivery), String::new()];
    for (what, value) in [
        ("When", delivery.happened_at.to_string()),
        ("Execution", fact("/execution/path")),
        ("Triggered by", fact("/execution/triggered_by")),
        ("Node", fact("/execution/node")),
        ("Attempts", fact("/step/attempts")),
        ("Step", fact("/step/name")),
        ("Error", fact("/error/kind")),
        ("Host", fact("/connection/host")),
        ("Folder mapping", fact("/mapping/name")),
        ("SHA-256", fact("/file/sha256")),
        ("Changed there", fact("/file/modified")),
    ] {
        if !value.is_empty() {
            lines.push(format!("{what}: {value}"));
        }
    }
    let earlier = delivery.earlier.as_array().map(Vec::as_slice).unwrap_or_default();
    if !earlier.is_empty() {
        lines.push("Held back before it:".into());
    }
    for one in earlier {
        let recovered = one.get("recovered") == Some(&Value::Bool(true));
        let what = match recovered {
            true => "all was well again".into(),
            false => self::fact(one, "/error"),
        };
        lines.push(format!("  {}  {what}", self::fact(one, "/at")));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// A text or a number in there; empty where there is none.
fn fact(facts: &Value, pointer: &str) -> String {
    match facts.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= SUBJECT {
        return text.into();
    }
    let mut cut: String = text.chars().take(SUBJECT - 1).collect();
    cut.push('…');
    cut
}

/// What is sent to try an alert out.
pub(super) fn trial(alert: &Alert, id: uuid::Uuid, at: Timestamp) -> Delivery {
    Delivery {
        id,
        alert_id: alert.id,
        kind: AlertKind::Test,
        recovered: false,
        facts: json!({}),
        held: 0,
        earlier: json!([]),
        state: courier_store::alerts::DeliveryState::Pending,
        attempts: 1,
        happened_at: at,
        due_at: at,
        ended_at: None,
        answer: None,
        joined_into: None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use courier_store::{alerts::Rule, new_id};

    use super::*;

    fn delivery(kind: AlertKind, facts: Value) -> Delivery {
        let alert = alert();
        Delivery {
            kind,
            facts,
            ..trial(&alert, new_id(), "2026-11-23T05:30:00Z".parse().unwrap())
        }
    }

    fn alert() -> Alert {
        Alert {
            id: new_id(),
            name: "night watch".into(),
            enabled: true,
            rule: Rule {
                on: Vec::new(),
                channel: courier_store::alerts::Channel::Email { to: Vec::new() },
                jobs: Vec::new(),
                connections: Vec::new(),
                mappings: Vec::new(),
                late_after_sec: None,
                expect: None,
                quiet_hours: None,
                repeat_after_sec: 0,
            },
            has_secret: false,
            checked_at: Timestamp::UNIX_EPOCH,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_subject_says_it_all_in_one_line() {
        let failed = delivery(
            AlertKind::ExecutionFailed,
            json!({
                "job": {"name": "nightly"},
                "step": {"index": 2, "step_type": "sftp.download"},
                "error": {"kind": "timeout", "message": "no answer\r\nBcc: everybody@example.com"},
            }),
        );
        let message = Message::about(&alert(), &failed, &[]);
        assert_eq!(
            message.subject,
            "[Courier] The job \"nightly\" failed in step 2 (sftp.download): no answer  Bcc: everybody@example.com"
        );
        assert_eq!(message.body["type"], "execution_failed");
        assert_eq!(message.body["events"][0]["error"]["kind"], "timeout");

        let long = delivery(
            AlertKind::ConnectionHealth,
            json!({"connection": {"name": "é".repeat(300), "health": "failing"}}),
        );
        let message = Message::about(&alert(), &failed, std::slice::from_ref(&long));
        assert_eq!(message.body["type"], "several");
        assert_eq!(message.body["events"].as_array().unwrap().len(), 2);
        assert!(
            message.subject.ends_with("(and another message)"),
            "{}",
            message.subject
        );
        assert_eq!(
            Message::about(&alert(), &long, &[]).subject.chars().count(),
            SUBJECT
        );
    }

    #[test]
    fn what_was_held_back_is_told() {
        let mut failed = delivery(AlertKind::ExecutionFailed, json!({"job": {"name": "nightly"}}));
        failed.recovered = true;
        failed.held = 2;
        failed.earlier = json!([{"at": "2026-11-23T05:00:00Z", "recovered": false, "error": "no answer"}]);
        let message = Message::about(&alert(), &failed, &[]);
        assert!(
            message.text.contains("2026-11-23T05:00:00Z  no answer"),
            "{}",
            message.text
        );
        assert!(
            message
                .subject
                .ends_with("completed again (2 messages before it were held back)"),
            "{}",
            message.subject
        );
    }
}
