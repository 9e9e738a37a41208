use std::collections::HashSet;

use courier_store::{
    Error, PageRequest, Store,
    alerts::{
        Alert, AlertInput, AlertKind, Channel, Delivery, DeliveryState, Event, Outgoing, QuietHours, Rule,
        Sent, Settled, Severity, Taken,
    },
    connections::Outcome,
    executions::{ExecutionState, Node},
    new_id, now,
    sealed::Place,
};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    connections::some,
    database::{DIFFICULT, Database},
    executions::enqueue,
    on_both,
    records::{of, of_both, recorded},
};

on_both!(
    an_alert_comes_back_as_it_went,
    a_failed_execution_is_told_of_with_its_end,
    what_is_well_again_is_told_once,
    repeats_wait_and_go_out_as_one,
    a_quiet_night_ends_with_one_message,
    a_message_is_sent_by_one_node,
    a_message_of_a_dead_node_is_sent_again,
    health_is_told_of_where_it_changes,
    what_is_late_is_told_of_once,
    a_deadline_is_looked_at_by_one_node,
    secrets_are_among_the_sealed_values,
    what_cannot_be_read_stands_in_nobodys_way,
);

const HOUR: SignedDuration = SignedDuration::from_hours(1);

pub(crate) fn rule(on: &[AlertKind]) -> Rule {
    Rule {
        on: on.into(),
        channel: Channel::Webhook {
            url: "https://example.com/hook".into(),
        },
        jobs: Vec::new(),
        connections: Vec::new(),
        mappings: Vec::new(),
        late_after_sec: None,
        expect: None,
        quiet_hours: None,
        repeat_after_sec: 3600,
    }
}

pub(crate) async fn alert(store: &Store, name: &str, rule: Rule) -> Alert {
    let input = AlertInput {
        id: new_id(),
        name: name.into(),
        enabled: true,
        rule,
        secret: None,
        if_updated_at: None,
    };
    store.alerts().insert(input, of("alert_created")).await.unwrap()
}

fn trouble(subject: &str, severity: Severity) -> Event {
    Event {
        kind: AlertKind::ExecutionFailed,
        subject: subject.into(),
        severity,
        job: None,
        connection: None,
        mapping: None,
        facts: json!({"about": subject, "error": {"message": DIFFICULT}}),
    }
}

/// All messages, oldest first.
pub(crate) async fn messages(store: &Store, alert: &Alert) -> Vec<Delivery> {
    let page = PageRequest::first(1000);
    let mut all = store.alerts().deliveries(alert.id, &page).await.unwrap().items;
    all.reverse();
    all
}

/// What is due at that time, taken and delivered.
pub(crate) async fn deliver(store: &Store, at: Timestamp) -> Vec<Vec<Delivery>> {
    let mut sent = Vec::new();
    while let Some(taken) = store.alerts().take(at, HOUR, &[]).await.unwrap() {
        for Outgoing { delivery, joined } in taken.messages {
            assert!(settle(store, &delivery, Sent::Delivered, "204", at).await);
            sent.push([vec![delivery], joined].concat());
        }
    }
    sent
}

pub(crate) async fn settle(
    store: &Store,
    delivery: &Delivery,
    sent: Sent,
    answer: &str,
    at: Timestamp,
) -> bool {
    let one = Settled {
        delivery,
        sent: &sent,
        answer,
    };
    store.alerts().settle(&[one], at).await.unwrap() == 1
}

pub(crate) async fn end(store: &Store, node: &Node, job: Uuid, to: ExecutionState) -> Uuid {
    let queued = enqueue(store, job, "nightly").await;
    let running = store
        .executions()
        .claim(queued.id, &node.life())
        .await
        .unwrap()
        .unwrap();
    let error = (to == ExecutionState::Failed).then(|| json!({"kind": "timeout", "message": DIFFICULT}));
    let executions = store.executions();
    let release = executions.release(running.claim(), to, error, None);
    release.await.unwrap();
    queued.id
}

async fn an_alert_comes_back_as_it_went(db: Database) {
    let mut rule = rule(&[AlertKind::ExecutionFailed, AlertKind::FileMissing]);
    rule.channel = Channel::Email {
        to: vec!["ops@example.com".into()],
    };
    rule.quiet_hours = Some(QuietHours {
        from: "22:00".parse().unwrap(),
        to: "06:00".parse().unwrap(),
        timezone: "Europe/Berlin".into(),
        weekdays: vec![],
    });
    let made = alert(&db, DIFFICULT, rule.clone()).await;
    assert_eq!(db.alerts().get(made.id).await.unwrap(), made);
    assert_eq!((&made.rule, made.has_secret), (&rule, false));
    let again = AlertInput {
        id: new_id(),
        name: DIFFICULT.into(),
        enabled: true,
        rule: rule.clone(),
        secret: None,
        if_updated_at: None,
    };
    let refused = db.alerts().insert(again.clone(), of("alert_created")).await;
    assert!(
        matches!(refused, Err(Error::Duplicate { field: "name", .. })),
        "{refused:?}"
    );

    let change = AlertInput {
        id: made.id,
        enabled: false,
        secret: Some(Some(vec![1, 2, 3])),
        ..again
    };
    let changed = db
        .alerts()
        .update(change.clone(), of_both("alert_changed"))
        .await
        .unwrap();
    assert!(changed.has_secret && !changed.enabled && changed.updated_at > made.updated_at);
    let kept = AlertInput {
        secret: None,
        ..change
    };
    let kept = db.alerts().update(kept, of_both("alert_changed")).await.unwrap();
    assert!(kept.has_secret);
    assert_eq!(db.alerts().secret(made.id).await.unwrap(), Some(vec![1, 2, 3]));
    assert_eq!(
        db.alerts().list(&PageRequest::first(5)).await.unwrap().items,
        [kept]
    );
    assert!(db.alerts().enabled().await.unwrap().is_empty());

    db.alerts().delete(made.id, of("alert_deleted")).await.unwrap();
    assert!(matches!(
        db.alerts().get(made.id).await,
        Err(Error::NotFound { what: "alert" })
    ));
    assert_eq!(
        recorded(&db).await,
        ["alert_created", "alert_changed", "alert_changed", "alert_deleted"]
    );
}

async fn a_failed_execution_is_told_of_with_its_end(db: Database) {
    let (job, other) = (new_id(), new_id());
    let node = db.executions().join("n1").await.unwrap();
    let any = alert(&db, "any", rule(&[AlertKind::ExecutionFailed])).await;
    let mut of_other = rule(&[AlertKind::ExecutionFailed]);
    of_other.jobs = vec![other];
    let of_other = alert(&db, "other", of_other).await;
    let completed = alert(&db, "completed", rule(&[AlertKind::ExecutionCompleted])).await;

    let failed = end(&db, &node, job, ExecutionState::Failed).await;
    let told = messages(&db, &any).await;
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].kind, told[0].recovered),
        (AlertKind::ExecutionFailed, false)
    );
    let facts = &told[0].facts;
    assert_eq!(facts["job"], json!({"id": job, "name": "nightly"}));
    assert_eq!(facts["execution"]["id"], json!(failed));
    assert_eq!(facts["execution"]["path"], json!(format!("/executions/{failed}")));
    assert_eq!(facts["error"]["message"], json!(DIFFICULT));
    assert!(facts["execution"]["ended_at"].is_string(), "{facts}");
    assert_eq!(messages(&db, &of_other).await, []);
    assert_eq!(messages(&db, &completed).await, []);

    end(&db, &node, other, ExecutionState::Completed).await;
    assert_eq!(
        messages(&db, &of_other).await,
        [],
        "nobody was told that it failed"
    );
    assert_eq!(messages(&db, &completed).await.len(), 1);
}

async fn what_is_well_again_is_told_once(db: Database) {
    let alert = alert(&db, "a", rule(&[AlertKind::ExecutionFailed])).await;
    let (job, node) = (new_id(), db.executions().join("n1").await.unwrap());
    end(&db, &node, job, ExecutionState::Failed).await;
    assert_eq!(deliver(&db, now()).await.len(), 1);
    end(&db, &node, job, ExecutionState::Completed).await;
    end(&db, &node, job, ExecutionState::Completed).await;
    let sent = deliver(&db, now()).await.concat();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].recovered);
    assert_eq!(messages(&db, &alert).await.len(), 2);
}

async fn repeats_wait_and_go_out_as_one(db: Database) {
    let alert = alert(&db, "a", rule(&[AlertKind::ExecutionFailed])).await;
    let began = now();
    let at = |minutes| began + SignedDuration::from_mins(minutes);
    let happens = async |severity, minutes| {
        let event = trouble("job", severity);
        db.alerts().raise(&event, at(minutes)).await.unwrap();
    };
    happens(Severity::Problem, 0).await;
    assert_eq!(deliver(&db, at(0)).await.len(), 1);
    for minute in 1..=25 {
        happens(Severity::Problem, minute).await;
    }
    assert_eq!(deliver(&db, at(59)).await.len(), 0);
    let sent = deliver(&db, at(60)).await.concat();
    assert_eq!((sent.len(), sent[0].held), (1, 24));
    assert_eq!(
        sent[0].earlier.as_array().unwrap().len(),
        20,
        "the last of them are named"
    );

    // What is graver doesn't wait, and is told of once; neither does the news that all is well.
    happens(Severity::Problem, 61).await;
    happens(Severity::Grave, 62).await;
    let sent = deliver(&db, at(62)).await.concat();
    assert_eq!((sent.len(), sent[0].held), (1, 1));
    happens(Severity::Grave, 63).await;
    assert_eq!(deliver(&db, at(64)).await.len(), 0);
    // Who waits to be told of trouble is told how it came out.
    happens(Severity::Recovered, 65).await;
    assert_eq!(deliver(&db, at(66)).await.len(), 0);
    let sent = deliver(&db, at(300)).await.concat();
    assert_eq!((sent.len(), sent[0].held, sent[0].recovered), (1, 1, true));

    // Another subject is another matter, and much that is due at once is one message.
    for job in 0..30 {
        let event = trouble(&format!("job {job}"), Severity::Problem);
        db.alerts().raise(&event, at(301)).await.unwrap();
    }
    let sent = deliver(&db, at(301)).await;
    assert_eq!((sent.len(), sent[0].len()), (1, 30));
    let states: HashSet<_> = messages(&db, &alert).await.iter().map(|m| m.state).collect();
    assert_eq!(
        states,
        HashSet::from([DeliveryState::Delivered, DeliveryState::Joined])
    );
}

async fn a_quiet_night_ends_with_one_message(db: Database) {
    let mut quiet = rule(&[AlertKind::ExecutionFailed]);
    quiet.quiet_hours = Some(QuietHours {
        from: "22:00".parse().unwrap(),
        to: "06:00".parse().unwrap(),
        timezone: "UTC".into(),
        weekdays: vec![],
    });
    alert(&db, "a", quiet).await;
    let time = |text: &str| text.parse::<Timestamp>().unwrap();
    for (at, subject) in [("23:00", "one"), ("23:30", "two"), ("23:40", "one")] {
        let event = trouble(subject, Severity::Problem);
        let at = time(&format!("2026-11-22T{at}:00Z"));
        db.alerts().raise(&event, at).await.unwrap();
    }
    assert_eq!(deliver(&db, time("2026-11-23T05:59:59Z")).await.len(), 0);
    let sent = deliver(&db, time("2026-11-23T06:00:00Z")).await;
    assert_eq!(sent.len(), 1);
    let about: Vec<(&Value, u32)> = sent[0].iter().map(|m| (&m.facts["about"], m.held)).collect();
    assert_eq!(about, [(&json!("one"), 1), (&json!("two"), 0)]);
}

async fn a_message_is_sent_by_one_node(db: Database) {
    let mut often = rule(&[AlertKind::ExecutionFailed]);
    often.repeat_after_sec = 0;
    // An alert each, so that they don't go out together.
    for n in 0..20 {
        alert(&db, &format!("alert {n}"), often.clone()).await;
    }
    db.alerts()
        .raise(&trouble("job", Severity::Problem), now())
        .await
        .unwrap();
    // On SQLite only one process opens the database.
    let second = match db.folder {
        Some(_) => db.store.clone(),
        None => db.again().await,
    };
    let workers = (0..8).map(|n| {
        let store = if n % 2 == 0 {
            db.store.clone()
        } else {
            second.clone()
        };
        tokio::spawn(async move { deliver(&store, now()).await.concat() })
    });
    let sent = join_all(workers).await;
    let sent: Vec<Uuid> = sent
        .into_iter()
        .flat_map(|sent| sent.unwrap())
        .map(|m| m.id)
        .collect();
    assert_eq!((sent.len(), sent.iter().collect::<HashSet<_>>().len()), (20, 20));
}

async fn a_message_of_a_dead_node_is_sent_again(db: Database) {
    let alert = alert(&db, "a", rule(&[AlertKind::ExecutionFailed])).await;
    let at = now();
    db.alerts()
        .raise(&trouble("one", Severity::Problem), at)
        .await
        .unwrap();
    db.alerts()
        .raise(&trouble("two", Severity::Problem), at)
        .await
        .unwrap();
    let lease = SignedDuration::from_mins(1);
    let take = async |at| db.alerts().take(at, lease, &[]).await.unwrap();
    let message = |taken: Option<Taken>| taken.unwrap().messages.remove(0);
    assert_eq!(db.alerts().take(at, lease, &[alert.id]).await.unwrap(), None);
    let first = take(at).await;
    assert_eq!(first.as_ref().unwrap().alert, alert);
    let first = message(first);
    assert_eq!((first.delivery.attempts, first.joined.len()), (1, 1));
    assert_eq!(take(at + lease / 2).await, None);
    // What has happened since goes out on its own: the message is the same in each attempt.
    db.alerts()
        .raise(&trouble("three", Severity::Problem), at + lease * 2)
        .await
        .unwrap();
    let second = message(take(at + lease).await);
    assert_eq!(
        (second.delivery.id, second.delivery.attempts),
        (first.delivery.id, 2)
    );
    assert_eq!(second.joined, first.joined);
    let late = settle(&db, &first.delivery, Sent::Delivered, "200", at).await;
    assert!(!late, "the first node was slow, not dead");
    let later = at + lease * 10;
    assert!(settle(&db, &second.delivery, Sent::Again(later), "503", at).await);
    assert_eq!(deliver(&db, at + lease * 2).await.concat().len(), 1);
    let third = message(take(later).await);
    assert_eq!(third.delivery.attempts, 3);
    assert!(settle(&db, &third.delivery, Sent::Failed, "410", later).await);
    let told = messages(&db, &alert).await;
    assert_eq!(
        (told[0].state, told[0].answer.as_deref()),
        (DeliveryState::Failed, Some("410"))
    );
    assert_eq!(db.alerts().standing(at).await.unwrap(), (0, 1));
    assert_eq!(db.alerts().prune(later + lease, later).await.unwrap(), 3);
}

async fn health_is_told_of_where_it_changes(db: Database) {
    let alert = alert(&db, "a", rule(&[AlertKind::ConnectionHealth])).await;
    let seen = some(&db, "partner").await.seen();
    let note = async |outcome| assert!(db.connections().note(seen, outcome).await.unwrap());
    note(Outcome::Healthy).await;
    assert_eq!(messages(&db, &alert).await, []);
    note(Outcome::Failing("no answer")).await;
    note(Outcome::Failing("no answer")).await;
    assert_eq!(deliver(&db, now()).await.concat().len(), 1);
    let grave = Outcome::RequiresAttention("the password was refused");
    let connections = db.connections();
    let recorded = connections.note_recorded(seen, grave, of("auth_failed")(&()));
    assert!(recorded.await.unwrap());
    // It weighs more, and stays.
    note(Outcome::Failing("no answer")).await;
    let sent = deliver(&db, now()).await.concat();
    assert_eq!(sent.len(), 1, "graver than before");
    let connection = &sent[0].facts["connection"];
    assert_eq!(connection["name"], json!("partner"));
    assert_eq!(
        (&connection["health"], &connection["health_before"]),
        (&json!("requires_attention"), &json!("failing"))
    );
    assert_eq!(connection["health_detail"], json!("the password was refused"));
    note(Outcome::Healthy).await;
    note(Outcome::Healthy).await;
    let sent = deliver(&db, now()).await.concat();
    assert_eq!((sent.len(), sent[0].recovered), (1, true));

    // No record, no change, no message.
    db.break_audit().await;
    let broken = db
        .connections()
        .note_recorded(seen, grave, of("auth_failed")(&()))
        .await;
    assert!(broken.is_err());
    assert_eq!(messages(&db, &alert).await.len(), 3);
}

async fn what_is_late_is_told_of_once(db: Database) {
    let late = alert(&db, "late", rule(&[AlertKind::ExecutionLate])).await;
    let node = db.executions().join("n1").await.unwrap();
    let queued = enqueue(&db, new_id(), "nightly").await;
    let unfinished = async |before, behind| db.alerts().unfinished(before, behind).await.unwrap();
    assert_eq!(unfinished(queued.queued_at, None).await, []);
    assert_eq!(unfinished(now(), Some(queued.id)).await, []);
    let found = unfinished(now(), None).await;
    assert_eq!(
        (found.len(), found[0].id, found[0].due_at),
        (1, queued.id, queued.queued_at)
    );
    let event = Event {
        kind: AlertKind::ExecutionLate,
        subject: found[0].subject(),
        severity: Severity::Problem,
        job: Some(found[0].origin),
        connection: None,
        mapping: None,
        facts: found[0].facts.clone(),
    };
    for _ in 0..3 {
        db.alerts().tell(late.id, &event, now() + HOUR * 3).await.unwrap();
    }
    assert_eq!(messages(&db, &late).await.len(), 1);
    assert_eq!(
        db.alerts().told(late.id).await.unwrap(),
        HashSet::from([event.subject.clone()])
    );

    let running = db
        .executions()
        .claim(queued.id, &node.life())
        .await
        .unwrap()
        .unwrap();
    let executions = db.executions();
    let release = executions.release(running.claim(), ExecutionState::Completed, None, None);
    release.await.unwrap();
    let told = messages(&db, &late).await;
    assert_eq!((told.len(), told[1].recovered), (2, true));
    assert_eq!(told[1].facts["execution"]["state"], json!("completed"));
    assert!(db.alerts().told(late.id).await.unwrap().is_empty());
    // Who looked before its end comes too late.
    db.alerts().tell(late.id, &event, now() + HOUR * 3).await.unwrap();
    assert_eq!(messages(&db, &late).await.len(), 2);
}

async fn a_deadline_is_looked_at_by_one_node(db: Database) {
    let alert = alert(&db, "a", rule(&[AlertKind::FileMissing])).await;
    let event = Event {
        kind: AlertKind::FileMissing,
        ..trouble("file", Severity::Problem)
    };
    let deadline = now() + HOUR;
    let nodes = (0..6).map(|_| {
        let (store, alert, event) = (db.store.clone(), alert.clone(), event.clone());
        tokio::spawn(async move {
            let alerts = store.alerts();
            let checked = alerts.checked(&alert, deadline, Some(&event), deadline);
            checked.await.unwrap()
        })
    });
    let first = join_all(nodes)
        .await
        .into_iter()
        .filter(|first| *first.as_ref().unwrap())
        .count();
    assert_eq!((first, messages(&db, &alert).await.len()), (1, 1));
    // A change begins anew, and makes what was looked at before it no reason to tell.
    let input = AlertInput {
        id: alert.id,
        name: alert.name.clone(),
        enabled: true,
        rule: alert.rule.clone(),
        secret: None,
        if_updated_at: None,
    };
    db.alerts().update(input, of_both("alert_changed")).await.unwrap();
    let later = deadline + HOUR;
    assert!(
        !db.alerts()
            .checked(&alert, later, Some(&event), later)
            .await
            .unwrap()
    );
}

async fn secrets_are_among_the_sealed_values(db: Database) {
    let made = alert(&db, "a", rule(&[AlertKind::ExecutionFailed])).await;
    let input = AlertInput {
        id: made.id,
        name: "a".into(),
        enabled: true,
        rule: made.rule,
        secret: Some(Some(vec![7; 20])),
        if_updated_at: Some(made.updated_at),
    };
    db.alerts().update(input, of_both("alert_changed")).await.unwrap();
    let (mut all, mut last) = (Vec::new(), None);
    loop {
        let page = db.sealed().page(last.as_ref()).await.unwrap();
        let Some(end) = page.last() else { break };
        last = Some(end.place.clone());
        all.extend(page);
    }
    let ours = all
        .iter()
        .find(|value| value.place == Place::Alert(made.id))
        .unwrap();
    assert_eq!(ours.blob, vec![7; 20]);
    assert!(db.sealed().replace(ours, vec![8; 20]).await.unwrap());
    assert!(!db.sealed().replace(ours, vec![9; 20]).await.unwrap());
    assert_eq!(db.alerts().secret(made.id).await.unwrap(), Some(vec![8; 20]));
}

async fn what_cannot_be_read_stands_in_nobodys_way(db: Database) {
    let (broken, whole) = (
        alert(&db, "broken", rule(&[AlertKind::ExecutionFailed])).await,
        alert(&db, "whole", rule(&[AlertKind::ExecutionFailed])).await,
    );
    db.alerts()
        .raise(&trouble("one", Severity::Problem), now())
        .await
        .unwrap();
    let database = sea_orm::Database::connect(&db.url).await.unwrap();
    alert(&db, "odd", rule(&[AlertKind::ConnectionHealth])).await;
    let mut news = trouble("news", Severity::Problem);
    news.kind = AlertKind::ConnectionHealth;
    db.alerts().raise(&news, now()).await.unwrap();
    for sql in [
        "UPDATE alerts SET rule = '{}' WHERE name = 'broken'",
        "UPDATE alert_deliveries SET kind = 'of a later version' WHERE kind = 'connection_health'",
    ] {
        sea_orm::ConnectionTrait::execute_unprepared(&database, sql)
            .await
            .unwrap();
    }
    db.alerts()
        .raise(&trouble("two", Severity::Problem), now())
        .await
        .unwrap();
    let mut sent = Vec::new();
    for _ in 0..4 {
        sent.extend(deliver(&db, now()).await.concat());
    }
    assert_eq!((sent.len(), messages(&db, &whole).await.len()), (2, 2));
    assert_eq!(messages(&db, &broken).await[0].state, DeliveryState::Failed);
    assert_eq!(db.alerts().enabled().await.unwrap().len(), 2);
}
