//! A backup of either kind of database, restored into either kind.

use std::sync::Arc;

use courier_store::{
    Error, Store,
    audit::NewAudit,
    backup::Restored,
    connections::{Connection, ConnectionChange},
    executions::{ExecutionState, NewExecution, NewStep, Origin},
    jobs::JobInput,
    new_id,
    schedules::{Missed, NewSchedule},
    sealed::{Place, SealedValue},
    sessions::NewSession,
    ssh_keys::NewSshKey,
    users::{NewUser, Role},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    connections::sealed,
    database::{DIFFICULT, Database, FixedKey},
    executions::{claim_next, life},
    folder_mappings::{mapping, storage},
    function_calls::called,
    on_both, postgres,
};

on_both!(
    all_of_it_comes_back_in_either_kind_of_database,
    what_waited_or_ran_is_paused,
    no_run_was_missed_since_the_backup,
    others_go_on_changing_it_meanwhile,
    long_rows_come_back_too,
    nothing_is_restored_over_something,
    a_cut_or_changed_backup_changes_nothing,
    sealed_values_are_all_found_and_replaced_where_they_are_the_same,
);

fn record(what: &str) -> NewAudit {
    NewAudit {
        details: json!({"what": DIFFICULT, "size": 1.5, "deep": {"b": [1, null, true], "a": u64::MAX}}),
        ..NewAudit::new(what, "me")
    }
}

fn schedule(cron: &str, next_run_at: Option<Timestamp>) -> NewSchedule {
    NewSchedule {
        cron: Some(cron.into()),
        timezone: Some("Europe/Berlin".into()),
        at: None,
        missed: Missed::All,
        next_run_at,
    }
}

/// A database with something in every corner.
async fn fill(db: &Store) {
    db.settings()
        .set("vault.check", json!("AQID"), "system")
        .await
        .unwrap();
    db.settings()
        .set("a.number", json!(1.25), DIFFICULT)
        .await
        .unwrap();
    let user = NewUser {
        username: "anna".into(),
        password_hash: "$argon2id$hash".into(),
        role: Role::Admin,
    };
    let user = db.users().insert(user, |_| record("user_created")).await.unwrap();
    let session = NewSession {
        token_hash: vec![9; 32],
        user_id: user.id,
        password_hash: "$argon2id$hash".into(),
        expires_at: courier_store::now() + jiff::SignedDuration::from_hours(1),
    };
    db.sessions().begin(session, record("login")).await.unwrap();
    let mut key = NewSshKey::new("k", "me");
    key.private_key = vec![0, 255, 3];
    let key = db
        .ssh_keys()
        .insert(key, |_| record("key_generated"))
        .await
        .unwrap();
    let storage = storage(db, "default").await;
    for name in ["first", DIFFICULT] {
        let mut connection = Connection::new(name, "sftp");
        connection.port = Some(22);
        connection
            .settings
            .insert("quirks".into(), json!(["a", {"b": 0.1}]));
        let id = connection.id;
        let mut change = ConnectionChange::new(connection, "me");
        change.secrets = vec![
            (
                "password".into(),
                sealed(&[1, 2], Some("sftp://files.example:22")),
            ),
            (
                "other".into(),
                sealed(&[3], Some("sftp://files.example:22, https://elsewhere.example")),
            ),
        ];
        change.audit = vec![NewAudit {
            connection_id: Some(id),
            ..record("connection_created")
        }];
        db.connections().insert(change).await.unwrap();
        db.connection_keys()
            .add(id, key.id, "me", record("key_added"))
            .await
            .unwrap();
        mapping(db, id, "inbox", storage.id).await;
    }
    let job = JobInput {
        name: "j".into(),
        description: None,
        enabled: true,
        definition: json!({"steps": [DIFFICULT]}),
        schedules: vec![schedule("0 2 * * *", None)],
        by: "me".into(),
    };
    let job = db.jobs().insert(job, |_| record("job_created")).await.unwrap();
    for _ in 0..3 {
        let execution = NewExecution {
            origin: Origin::Job {
                id: job.id,
                version: 1,
            },
            job_name: "j".into(),
            triggered_by: "me".into(),
            context: json!({"day": DIFFICULT}),
            steps: vec![NewStep {
                name: None,
                step_type: "local.copy".into(),
            }],
            max_instances: None,
            scheduled_at: None,
            timezone: None,
        };
        db.executions()
            .enqueue(execution, |_| record("job_run"))
            .await
            .unwrap();
    }
    // More than one page.
    for _ in 0..3 {
        let many = (0..400).map(|_| record("upload")).collect();
        db.audit().append(many).await.unwrap();
    }
}

async fn back_up(db: &Store) -> Vec<u8> {
    let mut backup = Vec::new();
    db.back_up(&mut backup).await.unwrap();
    backup
}

/// A database without tables.
struct New {
    store: Store,
    _folder: Option<TempDir>,
}

impl New {
    async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/new.db", folder.path().display());
        Self {
            store: Store::open_bare(&url).await.unwrap(),
            _folder: Some(folder),
        }
    }

    async fn postgres() -> Self {
        let url = tokio::task::spawn_blocking(postgres::new_database).await.unwrap();
        Self {
            store: Store::open_bare(&url).await.unwrap(),
            _folder: None,
        }
    }

    async fn both() -> [Self; 2] {
        [Self::sqlite().await, Self::postgres().await]
    }
}

async fn restore(store: &Store, backup: &[u8]) -> courier_store::Result<Restored> {
    store.restore(&mut &*backup, async |_| Ok(())).await
}

/// The lines of a backup but for the first, with JSON in them as JSON: PostgreSQL writes it in its own way.
fn lines(backup: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(backup).unwrap();
    let read = |line| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        for cell in line.as_array_mut().into_iter().flatten() {
            let json = cell.as_str().filter(|text| text.starts_with(['{', '[', '"']));
            if let Some(json) = json.and_then(|text| serde_json::from_str(text).ok()) {
                *cell = json;
            }
        }
        line
    };
    text.lines().skip(1).map(read).collect()
}

async fn all_of_it_comes_back_in_either_kind_of_database(db: Database) {
    fill(&db).await;
    // Nothing waits, so that nothing is paused.
    let n = life(&db, "n").await;
    for _ in 0..3 {
        let execution = claim_next(&db, &n).await.unwrap();
        called(&db, execution.claim()).await;
        db.executions()
            .release(execution.claim(), ExecutionState::Completed, None, None)
            .await
            .unwrap();
    }
    let backup = back_up(&db).await;
    for new in New::both().await {
        let restored = restore(&new.store, &backup).await.unwrap();
        assert_eq!(restored.paused, 0);
        assert!(restored.contents.rows > 1200, "{restored:?}");
        assert_eq!(lines(&back_up(&new.store).await), lines(&backup));
        // What it holds is what the store reads.
        let connections = new.store.connections();
        let there = connections.by_name(DIFFICULT).await.unwrap().unwrap();
        let secret = connections.secret(there.id, "password").await.unwrap();
        let secret = secret.unwrap();
        assert_eq!(secret.sealed, [1, 2]);
        assert_eq!(secret.endpoint.as_deref(), Some("sftp://files.example:22"));
        assert_eq!(there, db.connections().get(there.id).await.unwrap());
        // The audit log is whole in either, and goes on from there.
        let report = new.store.audit().verify(&FixedKey, None).await.unwrap();
        assert!(report.is_whole() && report.records > 1200, "{report:?}");
        new.store.chain_audit_with(Arc::new(FixedKey)).unwrap();
        new.store.audit().append(vec![record("restored")]).await.unwrap();
    }
}

async fn what_waited_or_ran_is_paused(db: Database) {
    fill(&db).await;
    claim_next(&db, &life(&db, "n").await).await.unwrap();
    let backup = back_up(&db).await;
    for new in New::both().await {
        assert_eq!(restore(&new.store, &backup).await.unwrap().paused, 3);
        assert!(
            claim_next(&new.store, &life(&new.store, "n").await)
                .await
                .is_none()
        );
        let counts = new
            .store
            .executions()
            .count_by_state(jiff::Timestamp::UNIX_EPOCH)
            .await
            .unwrap();
        assert!(counts.contains(&(ExecutionState::Paused, 3)), "{counts:?}");
    }
}

async fn no_run_was_missed_since_the_backup(db: Database) {
    let now = courier_store::now();
    let job = JobInput {
        name: "j".into(),
        description: None,
        enabled: true,
        definition: json!({}),
        schedules: vec![schedule("0 2 * * *", Some(now)), schedule("0 3 * * *", None)],
        by: "me".into(),
    };
    let job = db.jobs().insert(job, |_| record("job_created")).await.unwrap();
    let backup = back_up(&db).await;
    for new in New::both().await {
        restore(&new.store, &backup).await.unwrap();
        let schedules = new.store.schedules().of(&[job.id]).await.unwrap();
        assert!(schedules.iter().all(|schedule| schedule.next_run_at.is_none()));
        let due = new.store.schedules().due(now, 9).await.unwrap();
        assert_eq!(
            due.iter().map(|due| due.id).collect::<Vec<_>>(),
            [schedules[0].id]
        );
    }
}

/// What is written while a backup is made is in it wholly or not at all.
async fn others_go_on_changing_it_meanwhile(db: Database) {
    fill(&db).await;
    let writer = db.store.clone();
    let writing = tokio::spawn(async move {
        let mut written = 0;
        loop {
            let mut change = ConnectionChange::new(Connection::new(new_id().to_string(), "sftp"), "me");
            change.secrets = vec![("password".into(), sealed(&[1], None))];
            let id = change.record.id;
            writer.connections().insert(change).await.unwrap();
            writer.connections().delete(id, vec![]).await.unwrap();
            written += 1;
            if written >= 40 {
                return;
            }
        }
    });
    let mut backups = 0;
    while !writing.is_finished() || backups == 0 {
        let backup = back_up(&db).await;
        let new = New::sqlite().await;
        restore(&new.store, &backup).await.unwrap();
        assert_eq!(new.store.integrity().await.unwrap(), Vec::<String>::new());
        backups += 1;
    }
    writing.await.unwrap();
}

/// Longer than what is read and written at once.
async fn long_rows_come_back_too(db: Database) {
    for n in 0..4 {
        let mut connection = Connection::new(format!("c{n}"), "ftps");
        let list = "x".repeat(if n % 2 == 0 { 3 << 20 } else { n });
        connection.settings.insert("tls_crl_pem".into(), json!(list));
        let change = ConnectionChange::new(connection, "me");
        db.connections().insert(change).await.unwrap();
    }
    let backup = back_up(&db).await;
    for new in New::both().await {
        restore(&new.store, &backup).await.unwrap();
        assert!(lines(&back_up(&new.store).await) == lines(&backup));
    }
}

async fn nothing_is_restored_over_something(db: Database) {
    let backup = back_up(&db).await;
    let error = restore(&db, &backup).await.unwrap_err();
    assert!(
        matches!(&error, Error::Backup(text) if text.contains("tables already")),
        "{error}"
    );
    let new = New::sqlite().await;
    restore(&new.store, &backup).await.unwrap();
    assert!(restore(&new.store, &backup).await.is_err());
}

async fn a_cut_or_changed_backup_changes_nothing(db: Database) {
    fill(&db).await;
    let backup = back_up(&db).await;
    let text = String::from_utf8(backup.clone()).unwrap();
    let count = text.lines().count();
    let without = |skip: usize| {
        let lines = text.lines().enumerate().filter(|(at, _)| *at != skip);
        lines.map(|(_, line)| format!("{line}\n")).collect::<String>()
    };
    let newer = text.replacen("\"]}", "\",\"m9999_of_tomorrow\"]}", 1);
    let form = text.replacen("\"courier_backup\":1", "\"courier_backup\":2", 1);
    let table = text.replacen(
        "\"table\":\"settings\"",
        "\"table\":\"x\\\"; DROP TABLE y; --\"",
        1,
    );
    let damaged = [
        (String::new(), "cut off"),
        (
            text[..text.floor_char_boundary(text.len() / 2)].to_owned(),
            "damaged",
        ),
        (without(count - 1), "cut off"),
        (without(2), "damaged"),
        (text.clone() + "more\n", "damaged"),
        (newer, "m9999_of_tomorrow"),
        (form, "form 2"),
        (table, "damaged"),
        (text.replacen("[\"vault.check\"", "[7", 1), "damaged"),
    ];
    let [sqlite, postgres] = New::both().await;
    for new in [&sqlite, &postgres] {
        for (bad, says) in &damaged {
            let error = restore(&new.store, bad.as_bytes()).await.unwrap_err();
            assert!(error.to_string().contains(says), "{says}: {error}");
        }
        let refused = new
            .store
            .restore(&mut &*backup, async |values| match values.is_empty() {
                true => Err(Error::Backup("no such key".into())),
                false => Ok(()),
            })
            .await;
        assert!(matches!(refused, Err(Error::Backup(text)) if text == "no such key"));
        // Nothing is left of all that.
        restore(&new.store, &backup).await.unwrap();
    }
}

async fn sealed_values_are_all_found_and_replaced_where_they_are_the_same(db: Database) {
    fill(&db).await;
    let (mut all, mut last) = (Vec::<SealedValue>::new(), None);
    loop {
        let page = db.sealed().page(last.as_ref()).await.unwrap();
        let Some(value) = page.last() else { break };
        last = Some(value.place.clone());
        all.extend(page);
    }
    assert!(all.is_sorted_by(|a, b| a.place < b.place), "{all:?}");
    let blobs: Vec<&[u8]> = all.iter().map(|value| &*value.blob).collect();
    assert_eq!(
        blobs,
        [&[1, 2, 3][..], &[3], &[1, 2], &[3], &[1, 2], &[0, 255, 3]]
    );
    for value in &all {
        assert!(
            db.sealed().replace(value, vec![42, 43]).await.unwrap(),
            "{value:?}"
        );
        assert!(!db.sealed().replace(value, vec![44]).await.unwrap(), "{value:?}");
    }
    assert_eq!(
        db.settings().get("vault.check").await.unwrap().unwrap().value,
        json!("Kis=")
    );
    let Place::SshKey(key) = all[5].place else {
        panic!("{all:?}")
    };
    assert_eq!(db.ssh_keys().private_key(key).await.unwrap(), [42, 43]);
}

/// Its tables are made as they were, filled, and brought up to date.
#[tokio::test]
async fn a_backup_of_an_earlier_version_is_brought_up_to_date() {
    let id = new_id().to_string();
    let lines = [
        json!({"courier_backup": 1, "version": "0.0.9", "made_at": "2026-01-02T03:04:05Z", "migrations": ["m0001_first"]}),
        json!({"table": "users", "columns": [["id", "uuid"], ["username", "text"], ["password_hash", "text"], ["role", "text"],
            ["disabled", "boolean"], ["failed_logins", "number"], ["created_at", "number"], ["updated_at", "number"]]}),
        json!([id, "anna", "$argon2id$hash", "admin", false, 0, 5, 5]),
        json!({"rows": 1}),
        json!({"table": "audit", "columns": [["id", "uuid"], ["operation", "text"], ["performed_by", "text"],
            ["performed_at", "number"], ["details", "json"]]}),
        json!([id, "login", "anna", 5, "{\"a\": 1}"]),
        json!({"rows": 1}),
        json!({"total_rows": 2}),
    ];
    let backup: String = lines.iter().map(|line| format!("{line}\n")).collect();
    for new in New::both().await {
        let restored = restore(&new.store, backup.as_bytes()).await.unwrap();
        assert_eq!((restored.version.as_str(), restored.contents.rows), ("0.0.9", 2));
        assert!(
            new.store
                .audit()
                .keep_key(json!("AQID"), &FixedKey)
                .await
                .unwrap()
        );
        let report = new.store.audit().verify(&FixedKey, None).await.unwrap();
        assert!(report.is_whole() && report.records == 1, "{report:?}");
        let (user, _) = new.store.users().for_login("anna").await.unwrap().unwrap();
        assert_eq!((user.role, user.disabled), (Role::Admin, false));
    }
}

#[tokio::test]
async fn a_command_beside_a_server_makes_no_database_and_no_tables() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/x.db", folder.path().display());
    let error = Store::open_existing(&url).await.unwrap_err();
    assert!(matches!(error, Error::Address(_)), "{error}");
    assert!(!folder.path().join("x.db").exists());
    drop(Store::open_bare(&url).await.unwrap());
    let error = Store::open_existing(&url).await.unwrap_err();
    assert!(
        matches!(&error, Error::Schema(text) if text.contains("none")),
        "{error}"
    );

    let store = Store::open(&url).await.unwrap();
    Store::open_existing(&url).await.unwrap();
    let backup = back_up(&store).await;
    assert!(!backup.is_empty());
}
