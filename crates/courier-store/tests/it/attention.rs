//! What fails and what ends, over all nouns.

use courier_store::{
    Store,
    alerts::{AlertKind, Event, Outgoing, Sent, Severity},
    audit::NewAudit,
    connections::{ConnectionChange, ConnectionStatus, Health, HostKeyPolicy, Outcome, SeenCertificate},
    executions::ExecutionState,
    now,
    tokens::{NewToken, Token},
    users::Role,
};
use jiff::SignedDuration;
use sea_orm::ConnectionTrait;
use serde_json::json;
use uuid::Uuid;

use crate::{
    alerts::{alert, end, rule, settle},
    connections::some,
    database::{DIFFICULT, Database},
    folder_mappings::{mapping, storage},
    jobs::input,
    keys::key,
    on_both,
    records::of,
    users::user,
};

on_both!(
    connections_and_mappings_are_listed_once,
    connections_that_take_any_server_are_listed,
    of_a_jobs_executions_the_last_one_counts,
    alerts_that_nobody_got_are_counted,
    certificates_end_with_their_server,
    tokens_and_keys_that_are_used_end,
);

const DAY: SignedDuration = SignedDuration::from_hours(24);

async fn fails(store: &Store, name: &str, outcome: Outcome<'_>) -> Uuid {
    let connection = some(store, name).await;
    assert!(
        store
            .connections()
            .note(connection.seen(), outcome)
            .await
            .unwrap()
    );
    connection.id
}

async fn connections_that_take_any_server_are_listed(db: Database) {
    let connections = db.connections();
    assert_eq!(connections.unverified(10).await.unwrap().total, 0);
    for (name, any_host_key, certificates) in [
        ("b", true, "system_trust"),
        ("a", false, "insecure"),
        ("fine", false, "system_trust"),
    ] {
        let mut one = some(&db, name).await;
        if any_host_key {
            one.host_key_policy = HostKeyPolicy::AlwaysTrust;
        }
        one.settings.insert("tls_cert_policy".into(), json!(certificates));
        connections
            .update(ConnectionChange::new(one, "me"))
            .await
            .unwrap();
    }
    let top = connections.unverified(10).await.unwrap();
    let names: Vec<(&str, bool)> = top
        .items
        .iter()
        .map(|one| (one.name.as_str(), one.host_key))
        .collect();
    assert_eq!((names, top.total), (vec![("a", false), ("b", true)], 2));
}

async fn connections_and_mappings_are_listed_once(db: Database) {
    let connections = db.connections();
    assert_eq!(connections.ailing(10).await.unwrap().total, 0);
    let failing = fails(&db, "b", Outcome::Failing(DIFFICULT)).await;
    let changed = fails(&db, "c", Outcome::HostKeyChanged("another key")).await;
    let waiting = fails(&db, "a", Outcome::RequiresAttention("the password")).await;
    let well = fails(&db, "well", Outcome::Healthy).await;
    let mut disabled = some(&db, "disabled").await;
    connections
        .note(disabled.seen(), Outcome::Failing("gone"))
        .await
        .unwrap();
    disabled.status = ConnectionStatus::Disabled;
    connections
        .update(ConnectionChange::new(disabled, "me"))
        .await
        .unwrap();

    let top = connections.ailing(10).await.unwrap();
    let ids: Vec<Uuid> = top.items.iter().map(|one| one.id).collect();
    assert_eq!((ids, top.total), (vec![waiting, changed, failing], 3));
    let [a, c, b] = top.items.as_slice() else { panic!() };
    assert_eq!((a.health, c.host_key_changed), (Health::RequiresAttention, true));
    assert_eq!(
        (b.health, b.detail.as_deref()),
        (Health::Failing, Some(DIFFICULT))
    );
    assert!(!b.host_key_changed && !b.host_key_presented);
    let cut = connections.ailing(1).await.unwrap();
    assert_eq!((cut.items.len(), cut.total), (1, 3));

    // The mapping of a connection that fails itself is told with that.
    let storage = storage(&db, "s").await.id;
    for (connection, name) in [(failing, "with its connection"), (well, "alone"), (well, "fine")] {
        mapping(&db, connection, name, storage).await;
    }
    let since = now();
    let database = sea_orm::Database::connect(&db.url).await.unwrap();
    let sql = format!(
        "UPDATE folder_mappings SET health = 'failing', health_detail = 'why', failing_since = {} WHERE name <> 'fine'",
        since.as_microsecond()
    );
    database.execute_unprepared(&sql).await.unwrap();
    let top = db.folder_mappings().ailing_alone(10).await.unwrap();
    assert_eq!(top.total, 1);
    let alone = &top.items[0];
    assert_eq!((alone.name.as_str(), alone.connection_id), ("alone", well));
    assert_eq!(
        (alone.health, alone.detail.as_deref()),
        (Health::Failing, Some("why"))
    );
    assert_eq!(alone.since.unwrap().as_microsecond(), since.as_microsecond());
}

async fn of_a_jobs_executions_the_last_one_counts(db: Database) {
    let node = db.executions().join("n").await.unwrap();
    let mut ids = Vec::new();
    for (name, enabled) in [
        ("fails", true),
        ("well again", true),
        ("never ran", true),
        ("off", false),
    ] {
        let mut input = input(name);
        input.enabled = enabled;
        ids.push(db.jobs().insert(input, of("job_created")).await.unwrap().id);
    }
    assert_eq!(db.jobs().failing(10).await.unwrap().total, 0);
    for (job, to) in [
        (ids[0], ExecutionState::Completed),
        (ids[1], ExecutionState::Failed),
        (ids[0], ExecutionState::Failed),
        (ids[3], ExecutionState::Failed),
        (ids[1], ExecutionState::Completed),
    ] {
        end(&db, &node, job, to).await;
    }
    let failing = db.jobs().failing(10).await.unwrap();
    assert_eq!((failing.items.len(), failing.total), (1, 1));
    let job = &failing.items[0];
    assert_eq!((job.id, job.name.as_str()), (ids[0], "fails"));
    assert_eq!(job.error.as_ref().unwrap()["message"], DIFFICULT);
    assert!(job.ended_at.is_some());
}

async fn alerts_that_nobody_got_are_counted(db: Database) {
    let alert = alert(&db, DIFFICULT, rule(&[AlertKind::ExecutionFailed])).await;
    let at = now();
    assert_eq!(db.alerts().undelivered(at - DAY, 10).await.unwrap().total, 0);
    // One after the other: those that wait together go out as one.
    for subject in ["a", "b"] {
        let event = Event {
            kind: AlertKind::ExecutionFailed,
            subject: subject.into(),
            severity: Severity::Problem,
            job: None,
            connection: None,
            mapping: None,
            facts: json!({}),
        };
        db.alerts().raise(&event, at).await.unwrap();
        while let Some(taken) = db.alerts().take(at, DAY, &[]).await.unwrap() {
            for Outgoing { delivery, .. } in taken.messages {
                assert!(settle(&db, &delivery, Sent::Failed, "410", at).await);
            }
        }
    }
    let top = db.alerts().undelivered(at - DAY, 10).await.unwrap();
    assert_eq!(top.total, 1);
    let one = &top.items[0];
    assert_eq!(
        (one.alert_id, one.name.as_str(), one.messages),
        (alert.id, DIFFICULT, 2)
    );
    assert!(one.last_at.is_some());
    assert_eq!(db.alerts().undelivered(at + DAY, 10).await.unwrap().total, 0);
}

async fn certificates_end_with_their_server(db: Database) {
    let connections = db.connections();
    let at = |days: i32| {
        let at = now() + DAY * days;
        jiff::Timestamp::from_microsecond(at.as_microsecond()).unwrap()
    };
    let seen = SeenCertificate {
        subject: DIFFICULT.into(),
        issuer: "CN=them".into(),
        thumbprint: "AB".into(),
        not_after: at(10),
    };
    let mut record = some(&db, "partner").await;
    let old = record.seen();
    record.client_certificate_not_after = Some(at(5));
    let record = connections
        .update(ConnectionChange::new(record, "me"))
        .await
        .unwrap();
    // What was seen of what is another connection by now says nothing.
    connections.note_certificate(old, &seen).await.unwrap();
    assert_eq!(connections.get(record.id).await.unwrap().server_certificate, None);
    connections.note_certificate(record.seen(), &seen).await.unwrap();
    let noted = connections.get(record.id).await.unwrap();
    assert_eq!(noted.server_certificate, Some(seen.clone()));
    assert_eq!(noted.updated_at, record.updated_at);

    let ending = connections.ending(at(30), 10).await.unwrap();
    let told: Vec<_> = ending.iter().map(|one| (one.server.as_deref(), one.at)).collect();
    assert_eq!(
        told,
        [
            (None, record.client_certificate_not_after.unwrap()),
            (Some(DIFFICULT), seen.not_after)
        ]
    );
    assert!(connections.ending(at(1), 10).await.unwrap().is_empty());

    let kept = connections
        .update(ConnectionChange::new(noted.clone(), "me"))
        .await
        .unwrap();
    assert_eq!(kept.server_certificate, Some(seen));
    let mut change = ConnectionChange::new(noted, "me");
    change.forget_certificate = true;
    change.record.client_certificate_not_after = None;
    connections.update(change).await.unwrap();
    assert!(connections.ending(at(30), 10).await.unwrap().is_empty());
}

async fn tokens_and_keys_that_are_used_end(db: Database) {
    let (olga, paul) = (
        user(&db, "olga", Role::Admin).await,
        user(&db, "paul", Role::Viewer).await,
    );
    for (name, whose, days) in [
        ("soon", olga.id, 5),
        ("sooner", paul.id, 3),
        ("later", olga.id, 50),
    ] {
        let token = NewToken {
            name: name.into(),
            token_hash: name.as_bytes().to_vec(),
            user_id: whose,
            role: Role::Viewer,
            scopes: None,
            expires_at: Some(now() + DAY * days),
        };
        let made = |_: &Token| NewAudit::new("token_created", "me");
        db.tokens().insert(token, made).await.unwrap();
    }
    let between = (now() - DAY, now() + DAY * 30);
    let of_user = async |user| {
        let ending = db.tokens().ending(user, between, 10).await.unwrap();
        ending.into_iter().map(|token| token.name).collect::<Vec<_>>()
    };
    assert_eq!(of_user(None).await, ["sooner", "soon"]);
    assert_eq!(of_user(Some(olga.id)).await, ["soon"]);

    let used = key(&db, "used").await;
    key(&db, "unused").await;
    let record = some(&db, "partner").await;
    let mut change = ConnectionChange::new(record, "me");
    change.keys = Some(vec![used.id]);
    let record = db.connections().update(change).await.unwrap();
    let aging = db.ssh_keys().aging(now() + DAY, 10).await.unwrap();
    assert_eq!(aging.iter().map(|key| key.id).collect::<Vec<_>>(), [used.id]);
    assert!(db.ssh_keys().aging(now() - DAY, 10).await.unwrap().is_empty());
    let mut change = ConnectionChange::new(record, "me");
    change.record.status = ConnectionStatus::Disabled;
    db.connections().update(change).await.unwrap();
    assert!(db.ssh_keys().aging(now() + DAY, 10).await.unwrap().is_empty());
}
