//! A change and the record of it are there together or not at all.

use courier_store::{
    Error, PageRequest, Store,
    audit::{AuditFilter, NewAudit},
    connections::Outcome,
    executions::ExecutionState,
    jobs::{Job, JobInput},
    new_id,
    sessions::NewSession,
    ssh_keys::{NewSshKey, SshKey, SshKeyStatus},
    users::{NewPassword, NewUser, Role, User, UserChange},
};
use serde_json::{Value, json};

use crate::{connections::some, database::Database, executions, on_both};

on_both!(
    every_change_has_its_record,
    what_is_refused_has_none,
    a_record_that_cannot_be_written_takes_its_change_along,
    a_setting_was_what_the_one_before_made_it,
);

/// What makes a record of this operation from a thing.
pub(crate) fn of<T: ?Sized>(operation: &'static str) -> impl FnOnce(&T) -> NewAudit + Send {
    move |_| NewAudit::new(operation, "me")
}

/// The same, from the thing as it was and is.
pub(crate) fn of_both<A: ?Sized, B>(operation: &'static str) -> impl FnOnce(&A, &B) -> NewAudit + Send {
    move |_, _| NewAudit::new(operation, "me")
}

/// All operations that were recorded, oldest first.
pub(crate) async fn recorded(store: &Store) -> Vec<String> {
    let page = PageRequest::first(1000);
    let records = store.audit().list(&AuditFilter::default(), &page).await.unwrap();
    records
        .items
        .into_iter()
        .rev()
        .map(|record| record.operation)
        .collect()
}

fn user(name: &str) -> NewUser {
    NewUser {
        username: name.into(),
        password_hash: "hash".into(),
        role: Role::Admin,
    }
}

fn job(name: &str) -> JobInput {
    JobInput {
        name: name.into(),
        description: None,
        enabled: true,
        definition: json!({"steps": []}),
        schedules: Vec::new(),
        by: "me".into(),
    }
}

fn key(name: &str) -> NewSshKey {
    let mut key = NewSshKey::new(name, "me");
    key.fingerprint = format!("SHA256:{name}");
    key
}

fn session(user: &User, password_hash: &str) -> NewSession {
    NewSession {
        token_hash: b"token".to_vec(),
        user_id: user.id,
        password_hash: password_hash.into(),
        expires_at: courier_store::now() + jiff::SignedDuration::from_hours(1),
    }
}

async fn every_change_has_its_record(db: Database) {
    let (users, keys, jobs) = (db.users(), db.ssh_keys(), db.jobs());
    let ann = users.insert(user("ann"), of("1 user made")).await.unwrap();
    let bob = users.insert(user("bob"), of("2 user made")).await.unwrap();
    let was_and_is = |before: &User, after: &User| {
        assert_eq!((before.role, after.role), (Role::Admin, Role::Viewer));
        NewAudit::new("3 user changed", "me")
    };
    let change = UserChange {
        role: Some(Role::Viewer),
        ..Default::default()
    };
    users.update(bob.id, change, was_and_is).await.unwrap();
    users.delete(bob.id, of("4 user deleted")).await.unwrap();
    db.sessions()
        .begin(session(&ann, "hash"), NewAudit::new("5 login", "ann"))
        .await
        .unwrap();
    db.sessions()
        .end(b"token", NewAudit::new("6 logout", "ann"))
        .await
        .unwrap();

    let k = keys.insert(key("k"), of("7 key made")).await.unwrap();
    let was_and_is = |before: &SshKey, after: &SshKey| {
        assert_eq!((before.name.as_str(), after.name.as_str()), ("k", "l"));
        NewAudit::new("8 key changed", "me")
    };
    keys.update(k.id, Some("l"), None, was_and_is).await.unwrap();
    let retired = |key: &SshKey| {
        assert_eq!(key.status, SshKeyStatus::Retired);
        NewAudit::new("9 key retired", "me")
    };
    keys.set_status(k.id, SshKeyStatus::Retired, retired)
        .await
        .unwrap();
    keys.delete(k.id, of("10 key deleted")).await.unwrap();

    let connection = some(&db, "c").await;
    let k = keys.insert(key("m"), of("11 key made")).await.unwrap().id;
    let uses = db.connection_keys();
    uses.add(connection.id, k, "me", NewAudit::new("12 key added", "me"))
        .await
        .unwrap();
    uses.revoke(connection.id, k, |_| Ok(NewAudit::new("13 key revoked", "me")))
        .await
        .unwrap();
    let (seen, hosts) = (connection.seen(), db.known_hosts());
    let pinned = NewAudit::new("14 pinned", "me");
    assert!(
        hosts
            .pin_first(seen, "ssh-rsa", "SHA256:a", pinned)
            .await
            .unwrap()
    );
    let changed = NewAudit::new("15 host key rejected", "me");
    let outcome = Outcome::HostKeyChanged("changed");
    assert!(
        db.connections()
            .note_recorded(seen, outcome, changed)
            .await
            .unwrap()
    );
    hosts
        .approve(seen.id, "SHA256:a", "me", false, |before, after| {
            assert_eq!((before.len(), after.fingerprint.as_str()), (1, "SHA256:a"));
            NewAudit::new("16 approved", "me")
        })
        .await
        .unwrap();

    let made = jobs.insert(job("j"), of("17 job made")).await.unwrap();
    let was_and_is = |before: &Job, after: &Job| {
        assert_eq!((before.version, after.version), (1, 2));
        NewAudit::new("18 job changed", "me")
    };
    jobs.update(made.id, job("k"), None, was_and_is).await.unwrap();
    jobs.delete(made.id, of("19 job deleted")).await.unwrap();
    let executions = db.executions();
    let queued = executions
        .enqueue(executions::new_execution(made.id, "k"), of("20 run"))
        .await
        .unwrap();
    let paused = |asked: &courier_store::executions::Execution| {
        assert_eq!(asked.state, ExecutionState::Queued);
        NewAudit::new("21 paused", "me")
    };
    executions.request_pause(queued.id, paused).await.unwrap();
    executions
        .request_resume(queued.id, of("22 resumed"))
        .await
        .unwrap();
    executions
        .request_cancel(queued.id, of("23 cancelled"))
        .await
        .unwrap();
    db.settings()
        .change("a", json!(1), "me", |_| NewAudit::new("24 set", "me"))
        .await
        .unwrap();

    let numbers: Vec<u32> = recorded(&db)
        .await
        .iter()
        .map(|operation| operation.split(' ').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(numbers, (1..=24).collect::<Vec<u32>>());
}

async fn what_is_refused_has_none(db: Database) {
    let ann = db.users().insert(user("ann"), of("made")).await.unwrap();
    let k = db.ssh_keys().insert(key("k"), of("made")).await.unwrap();
    let connection = some(&db, "c").await.id;
    db.connection_keys()
        .add(connection, k.id, "me", NewAudit::new("made", "me"))
        .await
        .unwrap();
    db.jobs().insert(job("j"), of("made")).await.unwrap();
    let before = recorded(&db).await;
    assert_eq!(before.len(), 4);

    let record = || NewAudit::new("refused", "me");
    let users = db.users();
    assert!(users.insert(user("ANN"), of("refused")).await.is_err());
    assert!(users.delete(ann.id, of("refused")).await.is_err());
    let stale = UserChange {
        password: Some(NewPassword {
            replaces: Some("another".into()),
            ..NewPassword::new("new")
        }),
        ..Default::default()
    };
    let refused = users.update(ann.id, stale, of_both("refused")).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    let refused = db.sessions().begin(session(&ann, "another"), record()).await;
    assert!(matches!(refused, Err(Error::NotFound { .. })), "{refused:?}");
    db.sessions().end(b"nobody's", record()).await.unwrap();
    assert!(db.ssh_keys().insert(key("k"), of("refused")).await.is_err());
    assert!(db.ssh_keys().delete(k.id, of("refused")).await.is_err());
    let twice = db.connection_keys().add(connection, k.id, "me", record()).await;
    assert!(matches!(twice, Err(Error::Duplicate { .. })), "{twice:?}");
    let kept = db
        .connection_keys()
        .revoke(connection, k.id, |_| Err("it stays".into()))
        .await;
    assert!(
        matches!(&kept, Err(Error::Conflict(why)) if why == "it stays"),
        "{kept:?}"
    );
    assert_eq!(db.connection_keys().usable(connection).await.unwrap(), [k.id]);
    let never = db
        .known_hosts()
        .approve(connection, "SHA256:never", "me", false, of_both("refused"))
        .await;
    assert!(never.is_err());
    assert!(db.jobs().insert(job("j"), of("refused")).await.is_err());
    assert!(db.jobs().delete(new_id(), of("refused")).await.is_err());
    assert!(
        db.executions()
            .request_pause(new_id(), of("refused"))
            .await
            .is_err()
    );
    assert_eq!(recorded(&db).await, before);
}

/// The record is the last act of its transaction: where it fails, nothing has happened.
async fn a_record_that_cannot_be_written_takes_its_change_along(db: Database) {
    let ann = db.users().insert(user("ann"), of("made")).await.unwrap();
    let k = db.ssh_keys().insert(key("k"), of("made")).await.unwrap();
    let j = db.jobs().insert(job("j"), of("made")).await.unwrap();
    db.break_audit().await;

    let change = UserChange {
        password: Some(NewPassword::new("new")),
        ..Default::default()
    };
    assert!(db.users().update(ann.id, change, of_both("x")).await.is_err());
    assert!(db.users().insert(user("bob"), of("x")).await.is_err());
    assert!(db.ssh_keys().delete(k.id, of("x")).await.is_err());
    assert!(db.jobs().delete(j.id, of("x")).await.is_err());
    let set = db
        .settings()
        .change("a", json!(1), "me", |_| NewAudit::new("x", "me"))
        .await;
    assert!(set.is_err());
    let login = NewAudit::new("x", "me");
    assert!(db.sessions().begin(session(&ann, "hash"), login).await.is_err());

    assert_eq!(db.users().for_login("ann").await.unwrap().unwrap().1, "hash");
    assert_eq!(db.users().for_login("bob").await.unwrap(), None);
    assert_eq!(db.ssh_keys().get(k.id).await.unwrap(), k);
    assert_eq!(db.jobs().get(j.id).await.unwrap(), j);
    assert_eq!(db.settings().get("a").await.unwrap(), None);
    assert_eq!(db.sessions().find(b"token").await.unwrap(), None);
}

/// Of many who set it at once, each one's `before` is another one's `after`.
async fn a_setting_was_what_the_one_before_made_it(db: Database) {
    let other = db.again().await;
    let changes = (1..=12).map(|n| {
        let store = if n % 2 == 0 {
            db.store.clone()
        } else {
            other.clone()
        };
        tokio::spawn(async move {
            let record = move |before: Option<&Value>| NewAudit {
                details: json!({"before": before, "after": n}),
                ..NewAudit::new("setting_changed", "me")
            };
            store
                .settings()
                .change("a", json!(n), "me", record)
                .await
                .unwrap();
        })
    });
    for change in futures::future::join_all(changes).await {
        change.unwrap();
    }
    let page = PageRequest::first(100);
    let records = db.audit().list(&AuditFilter::default(), &page).await.unwrap();
    let side = |side: &str| -> Vec<Option<i64>> {
        let mut values: Vec<_> = records.items.iter().map(|r| r.details[side].as_i64()).collect();
        values.sort();
        values
    };
    let last = db.settings().get("a").await.unwrap().unwrap().value.as_i64();
    let mut expected = side("after");
    expected.retain(|value| *value != last);
    expected.insert(0, None);
    assert_eq!(side("before"), expected);
}
