//! Alerts as operators make them; what goes out of the house is tested with the binary.

use courier_engine::{Error, PageRequest};
use serde_json::{Value, json};

use crate::fixture::{Fixture, admin, fields, map, operator};

fn alert(more: Value) -> Value {
    let mut alert = json!({
        "name": "ops",
        "on": ["execution_failed"],
        "channel": {"type": "webhook", "url": "https://example.com/hook", "secret": "0123456789abcdef"},
    });
    alert.as_object_mut().unwrap().extend(map(more));
    alert
}

#[tokio::test]
async fn every_problem_is_named_at_once() {
    let t = Fixture::new().await;
    let refused = async |input: Value| {
        let error = t.alerts().create(&operator(), map(input)).await.unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        fields(&error)
    };
    for (input, mut wrong) in [
        (json!({}), vec!["name", "on", "channel"]),
        (alert(json!({"on": []})), vec!["on"]),
        (alert(json!({"on": ["test", "failed"]})), vec!["on", "on"]),
        (alert(json!({"on": ["execution_late"]})), vec!["late_after_sec"]),
        (alert(json!({"late_after_sec": 5})), vec!["late_after_sec"]),
        (alert(json!({"on": ["file_missing"]})), vec!["expect"]),
        (alert(json!({"name": " a "})), vec!["name"]),
        (
            alert(json!({"repeat_after_sec": -1, "quiet": true})),
            vec!["repeat_after_sec", "quiet"],
        ),
        (
            alert(json!({"jobs": ["x"], "connections": "y"})),
            vec!["jobs", "connections"],
        ),
        (alert(json!({"channel": {"type": "pager"}})), vec!["channel.type"]),
        (
            alert(
                json!({"channel": {"type": "webhook", "url": "https://ann:hunter2@h/", "secret": "hunter2"}}),
            ),
            vec!["channel.secret", "channel.url"],
        ),
        (
            alert(json!({"channel": {"type": "email", "to": []}})),
            vec!["channel.to"],
        ),
        (
            alert(json!({"channel": {"type": "email", "to": ["ops"], "url": "https://h"}})),
            vec!["channel.to", "channel.url"],
        ),
        (
            alert(
                json!({"on": ["file_missing"], "expect": {"pattern": "[", "by": "6:30", "timezone": "Mars"}}),
            ),
            vec!["expect.pattern", "expect.by", "expect.timezone"],
        ),
        (
            alert(json!({"quiet_hours": {"from": "22:00", "weekdays": ["monday"], "until": "06:00"}})),
            vec!["quiet_hours.to", "quiet_hours.weekdays", "quiet_hours.until"],
        ),
        (
            alert(json!({"jobs": ["01890000-0000-7000-8000-000000000000"]})),
            vec!["jobs"],
        ),
    ] {
        wrong.sort();
        assert_eq!(refused(input.clone()).await, wrong, "{input}");
    }
    assert!(
        t.alerts()
            .list(PageRequest::first(10))
            .await
            .unwrap()
            .items
            .is_empty()
    );
}

#[tokio::test]
async fn an_alert_is_changed_in_part_and_as_a_whole() {
    let t = Fixture::new().await;
    let made = t
        .alerts()
        .create(&operator(), map(alert(json!({}))))
        .await
        .unwrap();
    assert!(made.has_secret && made.enabled && made.warnings.is_empty());
    assert_eq!(made.rule.repeat_after_sec, 3600);
    let again = t.alerts().create(&operator(), map(alert(json!({})))).await;
    assert!(
        matches!(again, Err(Error::Duplicate { what: "alert", .. })),
        "{again:?}"
    );

    let patch = async |changes: Value| {
        t.alerts()
            .patch(&operator(), made.id, map(changes))
            .await
            .unwrap()
    };
    let changed = patch(json!({"channel": {"url": "http://example.com/"}, "enabled": false})).await;
    assert!(changed.has_secret && !changed.enabled, "what isn't given stays");
    assert!(changed.warnings[0].contains("in the clear"), "{changed:?}");
    let unsigned = patch(json!({"channel": {"secret": null}})).await;
    assert!(!unsigned.has_secret && unsigned.warnings[1].contains("not signed"));
    patch(json!({"channel": {"secret": "0123456789abcdef"}})).await;
    let mailed = patch(json!({"channel": {"type": "email", "to": ["ops@example.com"]}})).await;
    assert!(
        !mailed.has_secret && mailed.warnings[0].contains("smtp.host"),
        "{mailed:?}"
    );

    let whole = map(alert(
        json!({"channel": {"type": "webhook", "url": "https://h/"}}),
    ));
    let back = t.alerts().replace(&operator(), made.id, whole).await.unwrap();
    assert!(back.enabled && !back.has_secret);
    t.alerts().delete(&operator(), made.id).await.unwrap();
    let gone = t.alerts().get(made.id).await;
    assert!(
        matches!(gone, Err(Error::NotFound { what: "alert", .. })),
        "{gone:?}"
    );
    for (operation, times) in [("alert_created", 1), ("alert_changed", 5), ("alert_deleted", 1)] {
        let records = t.audit_of(operation).await;
        assert_eq!(records.len(), times, "{operation}");
        let text = records
            .iter()
            .map(|record| record.details.to_string())
            .collect::<String>();
        assert!(
            !text.contains("0123456789abcdef") && !text.contains("/hook"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn who_names_a_job_that_is_gone_is_told_so() {
    let t = Fixture::new().await;
    let steps = json!([{"step_type": "local.delete", "config": {"path": "x"}}]);
    let job = t
        .jobs()
        .create(&operator(), map(json!({"name": "j", "steps": steps})))
        .await
        .unwrap();
    let made = t
        .alerts()
        .create(&operator(), map(alert(json!({"jobs": [job.id]}))))
        .await
        .unwrap();
    t.jobs().delete(&operator(), job.id).await.unwrap();
    let shown = t.alerts().get(made.id).await.unwrap();
    assert!(shown.warnings[0].contains(&job.id.to_string()), "{shown:?}");
    // It may stay as it is.
    let changed = t
        .alerts()
        .patch(&operator(), made.id, map(json!({"name": "other"})))
        .await
        .unwrap();
    assert_eq!(changed.rule.jobs, [job.id]);
}

#[tokio::test]
async fn the_password_for_mail_is_for_one_server() {
    let t = Fixture::new().await;
    let settings = t.settings();
    let set = async |key: &str, value: Value| settings.set(&admin(), key, value).await;
    let early = set("smtp.password", json!("secret word")).await.unwrap_err();
    assert!(early.to_string().contains("smtp.host"), "{early}");
    set("smtp.host", json!("mail.example.com")).await.unwrap();
    let answer = set("smtp.password", json!("secret word")).await.unwrap();
    assert_eq!((&answer.value, answer.has_value), (&Value::Null, true));
    let listed = settings.list().await.unwrap();
    let listed = listed.iter().find(|s| s.setting.name == "smtp.password").unwrap();
    assert_eq!((&listed.value, listed.has_value), (&Value::Null, true));
    set("smtp.host", json!("mail.example.com")).await.unwrap();
    assert!(
        settings.get("smtp.password").await.unwrap().has_value,
        "it is the same server"
    );
    set("smtp.host", json!("elsewhere.example.com")).await.unwrap();
    assert!(!settings.get("smtp.password").await.unwrap().has_value);
    assert!(set("smtp.from", json!("nobody")).await.is_err());
    set("smtp.from", json!("Courier <courier@example.com>"))
        .await
        .unwrap();
    let records = t.audit_of("setting_changed").await;
    let text = records
        .iter()
        .map(|record| record.details.to_string())
        .collect::<String>();
    assert!(
        text.contains("smtp.password") && !text.contains("secret word"),
        "{text}"
    );
    let attention = t.overview().await.unwrap().attention;
    assert!(attention.is_empty(), "{attention:?}");
    set("smtp.security", json!("none")).await.unwrap();
    assert!(t.overview().await.unwrap().attention[0].contains("in the clear"));
}
