use courier_store::{
    Error, PageRequest, Store,
    audit::{AuditFilter, NewAudit},
    connections::{
        AuthMethod, Connection, ConnectionChange, ConnectionFilter, Health, HostKeyPolicy, Outcome, Secret,
    },
    jobs::JobInput,
    new_id,
};
use serde_json::json;

use crate::{
    database::{DIFFICULT, Database, walk},
    on_both,
    records::{of, of_both},
};

on_both!(
    a_connection_comes_back_as_it_went,
    secrets_are_set_kept_and_cleared,
    secrets_are_kept_with_their_server,
    names_are_unique,
    an_update_against_an_old_look_is_refused,
    health_is_apart_from_changes,
    a_wait_for_a_host_key_is_not_overwritten,
    lists_are_filtered_and_paged,
    a_used_connection_stays,
    a_save_can_pin_and_forget,
);

/// A connection that is in the store.
pub(crate) async fn some(store: &Store, name: &str) -> Connection {
    let mut record = Connection::new(name, "sftp");
    record.host = Some("files.example".into());
    store
        .connections()
        .insert(ConnectionChange::new(record, "me"))
        .await
        .unwrap()
}

/// A secret as it is kept, for this server.
pub(crate) fn sealed(bytes: &[u8], endpoint: Option<&str>) -> Option<Secret> {
    Some(Secret {
        sealed: bytes.into(),
        endpoint: endpoint.map(Into::into),
    })
}

async fn a_connection_comes_back_as_it_went(db: Database) {
    let mut record = Connection::new(DIFFICULT, "sftp");
    record.group = Some("Bänke".into());
    record.host = Some("files.example".into());
    record.port = Some(65535);
    record.auth_method = AuthMethod::PasswordAndSshKey;
    record.username = Some(DIFFICULT.into());
    record.base_path = Some("/in/ ".into());
    record.host_key_policy = HostKeyPolicy::Manual;
    record.settings =
        json!({"connect_timeout_sec": 5, "big": "x".repeat(2_000_000), "f": 0.5, "n": null, "u": u64::MAX})
            .as_object()
            .unwrap()
            .clone();
    record.notes = Some("nul \0 byte".into());
    let stored = db
        .connections()
        .insert(ConnectionChange::new(record.clone(), "me"))
        .await
        .unwrap();
    record.notes = Some("nul \u{fffd} byte".into());
    (record.created_at, record.updated_at) = (stored.created_at, stored.updated_at);
    assert_eq!(stored, record);
    assert_eq!(db.connections().get(record.id).await.unwrap(), record);
    assert_eq!(db.connections().by_name(DIFFICULT).await.unwrap(), Some(record));
    assert!(matches!(
        db.connections().get(new_id()).await,
        Err(Error::NotFound { what: "connection" })
    ));
}

async fn secrets_are_set_kept_and_cleared(db: Database) {
    let mut change = ConnectionChange::new(Connection::new("c", "sftp"), "me");
    change.secrets = vec![
        ("password".into(), sealed(&[0, 255, 1], None)),
        ("client_secret".into(), sealed(&[], None)),
    ];
    assert!(!format!("{change:?}").contains("255"));
    let stored = db.connections().insert(change).await.unwrap();
    assert_eq!(stored.secrets, ["client_secret", "password"]);
    let secret = async |field| {
        let secret = db.connections().secret(stored.id, field).await.unwrap();
        secret.map(|secret| secret.sealed)
    };
    assert_eq!(secret("password").await, Some(vec![0, 255, 1]));
    assert_eq!(secret("client_certificate").await, None);

    let mut change = ConnectionChange::new(stored.clone(), "me");
    change.secrets = vec![
        ("client_secret".into(), None),
        ("client_certificate".into(), sealed(&[7; 100_000], None)),
    ];
    let stored = db.connections().update(change).await.unwrap();
    assert_eq!(stored.secrets, ["client_certificate", "password"]);
    assert_eq!(secret("password").await, Some(vec![0, 255, 1]));
    assert_eq!(secret("client_secret").await, None);

    let mut change = ConnectionChange::new(stored.clone(), "me");
    change.secrets = vec![("password".into(), sealed(&[9], None))];
    db.connections().update(change).await.unwrap();
    assert_eq!(secret("password").await, Some(vec![9]));

    db.connections().delete(stored.id, vec![]).await.unwrap();
    assert_eq!(secret("password").await, None);
}

async fn secrets_are_kept_with_their_server(db: Database) {
    let (here, there) = ("sftp://a.example:22", "sftp://b.example:22");
    let mut change = ConnectionChange::new(Connection::new("c", "sftp"), "me");
    change.secrets = vec![("password".into(), sealed(&[1], None))];
    let stored = db.connections().insert(change).await.unwrap();
    let secret = async || {
        let secret = db.connections().secret(stored.id, "password").await.unwrap();
        let secret = secret.unwrap();
        (secret.sealed, secret.endpoint)
    };
    assert_eq!(secret().await, (vec![1], None));

    // One of an earlier version is put in its place once, and only while it is the same.
    let without = db.sealed().without_endpoint().await.unwrap();
    assert_eq!(without.len(), 1, "{without:?}");
    let mut other = without[0].clone();
    other.blob = vec![7];
    let bound = || NewAudit::new("secret_bound", "system");
    assert!(!db.sealed().bind(&other, there, vec![8], bound()).await.unwrap());
    assert!(
        db.sealed()
            .bind(&without[0], here, vec![2], bound())
            .await
            .unwrap()
    );
    assert_eq!(secret().await, (vec![2], Some(here.into())));
    other.blob = vec![2];
    assert!(!db.sealed().bind(&other, there, vec![8], bound()).await.unwrap());
    assert_eq!(db.sealed().without_endpoint().await.unwrap(), []);
    let filter = AuditFilter {
        operation: Some("secret_bound".into()),
        ..AuditFilter::default()
    };
    let records = db.audit().list(&filter, &PageRequest::first(9)).await.unwrap();
    assert_eq!(records.items.len(), 1, "one for the one that was bound");

    // A new key leaves it, another secret brings its own.
    let page = db.sealed().page(None).await.unwrap();
    assert_eq!(page[0].endpoint.as_deref(), Some(here));
    assert!(db.sealed().replace(&page[0], vec![3]).await.unwrap());
    assert_eq!(secret().await, (vec![3], Some(here.into())));
    let change = ConnectionChange::new(stored.clone(), "me");
    db.connections().update(change).await.unwrap();
    assert_eq!(secret().await, (vec![3], Some(here.into())));
    let mut change = ConnectionChange::new(stored.clone(), "me");
    change.secrets = vec![("password".into(), sealed(&[4], Some(there)))];
    db.connections().update(change).await.unwrap();
    assert_eq!(secret().await, (vec![4], Some(there.into())));
}

async fn names_are_unique(db: Database) {
    some(&db, "one").await;
    let mut two = some(&db, "two").await;
    let again = db
        .connections()
        .insert(ConnectionChange::new(Connection::new("one", "ftp"), "me"))
        .await;
    assert!(
        matches!(
            again,
            Err(Error::Duplicate {
                what: "connection",
                field: "name"
            })
        ),
        "{again:?}"
    );
    two.name = "one".into();
    let renamed = db
        .connections()
        .update(ConnectionChange::new(two.clone(), "me"))
        .await;
    assert!(
        matches!(
            renamed,
            Err(Error::Duplicate {
                what: "connection",
                field: "name"
            })
        ),
        "{renamed:?}"
    );
    assert_eq!(db.connections().get(two.id).await.unwrap().name, "two");
}

async fn an_update_against_an_old_look_is_refused(db: Database) {
    let first = some(&db, "c").await;
    let mut change = ConnectionChange::new(first.clone(), "me");
    change.if_updated_at = Some(first.updated_at);
    let second = db.connections().update(change.clone()).await.unwrap();
    assert!(second.updated_at > first.updated_at);
    assert_eq!(second.created_at, first.created_at);
    let late = db.connections().update(change).await;
    assert!(matches!(late, Err(Error::Conflict(_))), "{late:?}");
    let gone = db
        .connections()
        .update(ConnectionChange::new(Connection::new("x", "sftp"), "me"))
        .await;
    assert!(matches!(gone, Err(Error::NotFound { .. })));
}

async fn health_is_apart_from_changes(db: Database) {
    let before = some(&db, "c").await;
    let note = async |outcome| db.connections().note(before.seen(), outcome).await.unwrap();
    assert!(note(Outcome::Healthy).await && note(Outcome::Failing("no answer")).await);
    let noted = db.connections().get(before.id).await.unwrap();
    assert!(noted.last_ok_at >= Some(before.created_at));
    assert_eq!(noted.updated_at, before.updated_at);
    let after = db
        .connections()
        .update(ConnectionChange::new(before.clone(), "me"))
        .await
        .unwrap();
    assert_eq!(
        (after.health, after.health_detail.as_deref()),
        (Health::Failing, Some("no answer"))
    );
    assert_eq!(after.last_ok_at, noted.last_ok_at);
    let counts = db.connections().count_by_health().await.unwrap();
    assert_eq!(
        counts.iter().map(|(_, count)| *count).collect::<Vec<_>>(),
        [0, 0, 1, 0]
    );

    let mut change = ConnectionChange::new(after, "me");
    change.reset_health = true;
    let reset = db.connections().update(change).await.unwrap();
    assert_eq!(
        (reset.health, reset.health_detail, reset.last_ok_at),
        (Health::Unknown, None, None)
    );
    let missing = Connection::new("x", "sftp").seen();
    assert!(!db.connections().note(missing, Outcome::Healthy).await.unwrap());
}

async fn a_wait_for_a_host_key_is_not_overwritten(db: Database) {
    let before = some(&db, "c").await;
    let note = async |outcome| db.connections().note(before.seen(), outcome).await.unwrap();
    let detail = async || {
        let now = db.connections().get(before.id).await.unwrap();
        (now.health, now.health_detail.unwrap_or_default())
    };
    // A failure that may pass does not hide that somebody must look.
    assert!(note(Outcome::RequiresAttention("rejected")).await && note(Outcome::Failing("no answer")).await);
    assert_eq!(detail().await, (Health::RequiresAttention, "no answer".into()));
    assert!(note(Outcome::Healthy).await);

    assert!(note(Outcome::HostKeyChanged("changed")).await);
    for outcome in [
        Outcome::Healthy,
        Outcome::Failing("f"),
        Outcome::RequiresAttention("a"),
    ] {
        assert!(!note(outcome).await, "{outcome:?}");
    }
    assert_eq!(detail().await, (Health::RequiresAttention, "changed".into()));

    // Nor by a save that doesn't know of it.
    let mut change = ConnectionChange::new(before.clone(), "me");
    change.reset_health = true;
    let unaware = db.connections().update(change.clone()).await;
    assert!(matches!(unaware, Err(Error::Conflict(_))), "{unaware:?}");
    change.record = db.connections().get(before.id).await.unwrap();
    let decided = db.connections().update(change).await.unwrap();
    assert_eq!(
        (decided.health, decided.waits_for_host_key),
        (Health::Unknown, false)
    );
}

async fn lists_are_filtered_and_paged(db: Database) {
    for n in 0..7 {
        let mut record = Connection::new(format!("Bank {n}"), if n % 2 == 0 { "sftp" } else { "ftp" });
        record.group = (n < 3).then(|| "group".into());
        record.host = Some(format!("host-{n}.100%.example"));
        db.connections()
            .insert(ConnectionChange::new(record, "me"))
            .await
            .unwrap();
    }
    let names = async |filter: ConnectionFilter| {
        let page = async |page: PageRequest| db.connections().list(&filter, &page).await;
        let items = walk(2, page).await;
        items
            .into_iter()
            .map(|c| c.name.replace("Bank ", ""))
            .collect::<String>()
    };
    let filter = ConnectionFilter::default();
    assert_eq!(names(filter.clone()).await, "0123456");
    assert_eq!(
        names(ConnectionFilter {
            protocol: Some("ftp".into()),
            ..filter.clone()
        })
        .await,
        "135"
    );
    assert_eq!(
        names(ConnectionFilter {
            group: Some("group".into()),
            ..filter.clone()
        })
        .await,
        "012"
    );
    assert_eq!(
        names(ConnectionFilter {
            health: Some(Health::Healthy),
            ..filter.clone()
        })
        .await,
        ""
    );
    assert_eq!(
        names(ConnectionFilter {
            search: Some("bANK 3".into()),
            ..filter.clone()
        })
        .await,
        "3"
    );
    assert_eq!(
        names(ConnectionFilter {
            search: Some("-4.100%".into()),
            ..filter.clone()
        })
        .await,
        "4"
    );
    assert_eq!(
        names(ConnectionFilter {
            search: Some("_".into()),
            ..filter.clone()
        })
        .await,
        ""
    );

    let exact = db
        .connections()
        .list(&filter, &PageRequest::first(7))
        .await
        .unwrap();
    assert_eq!((exact.items.len(), exact.next_cursor), (7, None));
    let bad = PageRequest {
        limit: 3,
        cursor: Some("'; --".into()),
    };
    assert!(matches!(
        db.connections().list(&filter, &bad).await,
        Err(Error::BadCursor)
    ));
}

async fn a_used_connection_stays(db: Database) {
    let connection = some(&db, "c").await;
    let step = json!({"step_type": "sftp.upload", "config": {"connection_id": connection.id.to_string()}});
    let mut input = JobInput {
        name: "nightly".into(),
        description: None,
        enabled: true,
        definition: json!({"steps": [step.clone(), step]}),
        schedules: Vec::new(),
        by: "me".into(),
    };
    let job = db.jobs().insert(input.clone(), of("job_created")).await.unwrap();
    assert_eq!(
        db.jobs().referencing_connection(connection.id).await.unwrap(),
        std::slice::from_ref(&job)
    );
    let refused = db.connections().delete(connection.id, vec![]).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the connection is in use by the job \"nightly\""
    );

    input.definition = json!({"steps": []});
    db.jobs()
        .update(job.id, input, None, of_both("job_changed"))
        .await
        .unwrap();
    assert!(
        db.jobs()
            .referencing_connection(connection.id)
            .await
            .unwrap()
            .is_empty()
    );
    db.connections()
        .delete(connection.id, vec![NewAudit::new("connection_deleted", "me")])
        .await
        .unwrap();
    assert!(matches!(
        db.connections().delete(connection.id, vec![]).await,
        Err(Error::NotFound { .. })
    ));
    let audit = db
        .audit()
        .list(&AuditFilter::default(), &PageRequest::first(5))
        .await
        .unwrap();
    assert_eq!(audit.items.len(), 3);
}

async fn a_save_can_pin_and_forget(db: Database) {
    let mut change = ConnectionChange::new(Connection::new("c", "sftp"), "me");
    change.pin = Some("SHA256:a".into());
    let stored = db.connections().insert(change).await.unwrap();
    assert_eq!(stored.pinned_fingerprint.as_deref(), Some("SHA256:a"));

    let mut change = ConnectionChange::new(stored, "me");
    change.clear_pins = true;
    change.pin = Some("SHA256:b".into());
    let stored = db.connections().update(change).await.unwrap();
    assert_eq!(stored.pinned_fingerprint.as_deref(), Some("SHA256:b"));

    let mut change = ConnectionChange::new(stored, "me");
    change.clear_pins = true;
    let stored = db.connections().update(change).await.unwrap();
    assert_eq!(stored.pinned_fingerprint, None);
    assert!(db.known_hosts().all(stored.id).await.unwrap().is_empty());
}
