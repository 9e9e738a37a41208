//! What an administrator does on the machine itself, over the database of a running engine or without one.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use courier_engine::{
    Environment, Error,
    admin::{Admin, Finding, Status},
    executions::ExecutionState,
};
use courier_store::Store;
use courier_vault::{LocalKey, Vault, blob::Blob};
use sea_orm::{ConnectionTrait, Database, Statement};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    fake::{PASSWORD, Server},
    fixture::{Fixture, admin, path},
};

fn url(dir: &Path) -> String {
    format!("sqlite://{}", dir.join("courier.db").display())
}

fn vault(dir: &Path) -> Vault {
    Vault::new(Arc::new(LocalKey::load(&dir.join("kek")).unwrap()))
}

/// As another process on the same folder would be.
async fn beside(dir: &Path) -> Admin {
    Admin::new(Store::open_existing(&url(dir)).await.unwrap(), vault(dir))
}

/// A folder with this one's key, and nothing else.
fn folder_with_key_of(dir: &Path) -> Arc<TempDir> {
    let new = tempfile::tempdir().unwrap();
    fs::copy(dir.join("kek"), new.path().join("kek")).unwrap();
    Arc::new(new)
}

async fn restore(dir: &Path, backup: &Path) -> Result<courier_engine::admin::RestoreReport, Error> {
    let admin = Admin::new(Store::open_bare(&url(dir)).await.unwrap(), vault(dir));
    let restored = admin.restore(backup).await;
    admin.close().await.unwrap();
    restored
}

async fn sql(dir: &Path, statement: &str) {
    let database = Database::connect(url(dir)).await.unwrap();
    database.execute_unprepared(statement).await.unwrap();
}

/// Every sealed value, by its place.
async fn blobs(dir: &Path) -> Vec<(String, Blob)> {
    let database = Database::connect(url(dir)).await.unwrap();
    let question = "SELECT field, sealed FROM connection_secrets UNION ALL SELECT name, private_key FROM ssh_keys ORDER BY 1";
    let statement = Statement::from_string(database.get_database_backend(), question);
    let rows = database.query_all_raw(statement).await.unwrap();
    let blob = |sealed: Vec<u8>| Blob::decode(&sealed).unwrap();
    rows.iter()
        .map(|row| {
            (
                row.try_get_by_index(0).unwrap(),
                blob(row.try_get_by_index(1).unwrap()),
            )
        })
        .collect()
}

/// An engine with a connection that has a password, and a key.
async fn furnished() -> (Fixture, PathBuf) {
    let t = Fixture::new().await;
    t.connection(json!({"name": "partner"})).await;
    t.keys().generate(&admin(), "k", "ed25519", None).await.unwrap();
    let dir = t.dir.path().to_owned();
    (t, dir)
}

#[tokio::test]
async fn a_backup_of_a_running_engine_is_restored_elsewhere() {
    let (t, dir) = furnished().await;
    let file = dir.join("files").join("a-backup");
    let admin = beside(&dir).await;
    let made = admin.backup(&file).await.unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&file).unwrap().len(), made.bytes);
    assert_eq!(t.audit_of("backup_made").await.len(), 1);
    let bytes = fs::read(&file).unwrap();
    for plain in [
        "partner",
        "CREATE TABLE",
        PASSWORD,
        "connection_created",
        "ssh-ed25519",
    ] {
        assert!(
            !bytes
                .windows(plain.len())
                .any(|window| window == plain.as_bytes()),
            "{plain}"
        );
    }
    assert!(matches!(admin.backup(&file).await, Err(Error::Conflict(_))));
    assert_eq!(
        fs::read_dir(dir.join("files")).unwrap().count(),
        1,
        "nothing half-made is left"
    );

    let new = folder_with_key_of(&dir);
    let restored = restore(new.path(), &file).await.unwrap();
    assert_eq!(restored.restored.contents, made.contents);
    assert_eq!(restored.audit_findings, Vec::<String>::new());
    assert!(restored.audit_records > 0);
    let there = Fixture::start(new, Server::new("memory"), Environment::Development)
        .await
        .unwrap();
    assert_eq!(there.audit_of("restored").await.len(), 1);
    assert!(there.audit().verify().await.unwrap().is_whole());
    // Its password opens there.
    there.server.memory().put(&path("/home/a"), "a");
    let connections = there
        .connections()
        .list(Default::default(), courier_engine::PageRequest::first(9))
        .await
        .unwrap();
    let config = json!({"connection_id": connections.items[0].id, "remote_path": "a"});
    let run = there
        .run_steps(json!([{"step_type": "remote.download", "config": config}]))
        .await;
    assert_eq!(run.state, ExecutionState::Completed, "{:?}", run.error);
}

#[tokio::test]
async fn a_backup_needs_its_key_and_its_end() {
    let (_t, dir) = furnished().await;
    let file = dir.join("backup");
    beside(&dir).await.backup(&file).await.unwrap();

    let other = tempfile::tempdir().unwrap();
    LocalKey::load_or_create(&other.path().join("kek")).unwrap();
    let error = restore(other.path(), &file).await.unwrap_err();
    assert!(
        matches!(&error, Error::Vault(courier_vault::Error::WrongKey { .. })),
        "{error}"
    );

    let whole = fs::read(&file).unwrap();
    let new = folder_with_key_of(&dir);
    for cut in [10, 200, whole.len() / 2, whole.len() - 1] {
        fs::write(&file, &whole[..cut]).unwrap();
        let error = restore(new.path(), &file).await.unwrap_err();
        assert!(
            matches!(error, Error::Store(_) | Error::Vault(_)),
            "{cut}: {error}"
        );
    }
    fs::write(&file, &whole).unwrap();
    restore(new.path(), &file).await.unwrap();
    let error = restore(new.path(), &file).await.unwrap_err();
    assert!(error.to_string().contains("tables already"), "{error}");
}

#[tokio::test]
async fn a_backup_is_not_restored_without_the_keys_of_what_is_in_it() {
    let (_t, dir) = furnished().await;
    // The backup is under the new key, what is in it under the old one.
    LocalKey::add_first(&dir.join("kek")).unwrap();
    let file = dir.join("backup");
    beside(&dir).await.backup(&file).await.unwrap();
    let new = folder_with_key_of(&dir);
    let kek = new.path().join("kek");
    LocalKey::keep_first(&kek, &LocalKey::load(&kek).unwrap().id()).unwrap();
    let error = restore(new.path(), &file).await.unwrap_err();
    assert!(matches!(error, Error::KeysMissing(_)), "{error}");
    assert!(
        Store::open_existing(&url(new.path())).await.is_err(),
        "nothing was restored"
    );
    fs::copy(dir.join("kek"), &kek).unwrap();
    restore(new.path(), &file).await.unwrap();
}

#[tokio::test]
async fn data_keys_move_under_a_new_key_and_nothing_else_changes() {
    let (t, dir) = furnished().await;
    let before = blobs(&dir).await;
    assert_eq!(before.len(), 2);
    let kek = dir.join("kek");
    LocalKey::add_first(&kek).unwrap();
    let new = LocalKey::load(&kek).unwrap().id();
    let admin = beside(&dir).await;
    assert_eq!(admin.keys_in_use().await.unwrap().len(), 1);

    let report = admin.rewrap().await.unwrap();
    assert_eq!(
        (report.key_id.as_str(), report.failed.len(), report.current),
        (new.as_str(), 0, 0)
    );
    assert_eq!(
        report.rewrapped, 4,
        "password, key, check value, the audit log's key"
    );
    assert_eq!(report.keys.len(), 1);
    for ((place, old), (_, moved)) in before.iter().zip(&blobs(&dir).await) {
        assert_eq!(moved.wrapped.key_id, new, "{place}");
        assert_ne!(old.wrapped, moved.wrapped, "{place}");
        assert_eq!(
            (&old.ciphertext, old.nonce, old.tag),
            (&moved.ciphertext, moved.nonce, moved.tag),
            "{place}"
        );
    }
    assert_eq!(t.audit_of("vault_rewrapped").await.len(), 1);
    let again = beside(&dir).await.rewrap().await.unwrap();
    assert_eq!((again.rewrapped, again.current), (0, 4));

    // The running engine opens them, and seals under the new key.
    t.connection(json!({"name": "another"})).await;
    assert!(
        blobs(&dir)
            .await
            .iter()
            .all(|(_, blob)| blob.wrapped.key_id == new)
    );
    t.shutdown(std::time::Duration::from_secs(9)).await;
    LocalKey::keep_first(&kek, &new).unwrap();
    Fixture::start(t.dir.clone(), Server::new("memory"), Environment::Development)
        .await
        .unwrap();
}

#[tokio::test]
async fn what_cannot_be_moved_is_named_and_the_rest_is_moved() {
    let (_t, dir) = furnished().await;
    sql(&dir, "UPDATE connection_secrets SET sealed = x'00'").await;
    LocalKey::add_first(&dir.join("kek")).unwrap();
    let report = beside(&dir).await.rewrap().await.unwrap();
    assert_eq!((report.rewrapped, report.failed.len()), (3, 1));
    assert!(report.failed[0].place.contains("(password)"), "{report:?}");
}

#[tokio::test]
async fn a_start_without_a_key_that_values_need_says_which() {
    let (t, dir) = furnished().await;
    t.shutdown(std::time::Duration::from_secs(9)).await;
    let start = || Fixture::start(t.dir.clone(), Server::new("memory"), Environment::Development);
    let kek = dir.join("kek");
    let old = fs::read(&kek).unwrap();
    let id = LocalKey::load(&kek).unwrap().id();
    LocalKey::add_first(&kek).unwrap();
    LocalKey::keep_first(&kek, &LocalKey::load(&kek).unwrap().id()).unwrap();
    // Also where somebody has helped themselves by removing what used to tell.
    for value in ["", "DELETE FROM settings WHERE key = 'vault.check'"] {
        sql(&dir, value).await;
        let Err(Error::KeysMissing(what)) = start().await else {
            panic!("it started")
        };
        let values = if value.is_empty() {
            "for 4 stored values"
        } else {
            "for 3 stored values"
        };
        assert!(what.contains(&id) && what.contains(values), "{what}");
    }
    fs::write(&kek, old).unwrap();
    // A value that is damaged stops nobody else.
    sql(&dir, "UPDATE connection_secrets SET sealed = x'00'").await;
    start().await.unwrap();
}

fn of<'f>(found: &'f [Finding], check: &str) -> &'f Finding {
    found.iter().find(|finding| finding.check == check).unwrap()
}

#[tokio::test]
async fn the_doctor_finds_what_is_wrong() {
    let (t, dir) = furnished().await;
    let anchor = dir.join("audit-seal");
    let look = async || {
        beside(&dir)
            .await
            .doctor(Environment::Production, &anchor, true)
            .await
            .unwrap()
    };
    let well = look().await;
    assert!(
        well.iter().all(|finding| finding.status != Status::Fail),
        "{well:#?}"
    );
    assert_eq!(of(&well, "stored secrets").status, Status::Ok);
    assert_eq!(of(&well, "connections").status, Status::Ok);
    assert_eq!(of(&well, "audit log").status, Status::Ok);

    let input = json!({"name": "careless", "protocol": "sftp", "host_key_policy": "always_trust"});
    t.connection(input).await;
    t.settings()
        .set(&admin(), "security.insecure_trust_allow_production", json!(true))
        .await
        .unwrap();
    sql(
        &dir,
        "UPDATE ssh_keys SET private_key = (SELECT sealed FROM connection_secrets LIMIT 1)",
    )
    .await;
    let ill = look().await;
    let secrets = of(&ill, "stored secrets");
    assert_eq!(secrets.status, Status::Fail);
    assert!(
        secrets.message.contains("1 of 5 don't open: SSH key"),
        "{secrets:?}"
    );
    let connections = of(&ill, "connections");
    assert_eq!(connections.status, Status::Warn);
    assert!(connections.message.contains("careless"), "{connections:?}");
    assert_eq!(of(&ill, "settings").status, Status::Warn);
}

#[tokio::test]
async fn audit_records_are_verified_beside_a_running_engine() {
    let (t, dir) = furnished().await;
    let anchor = dir.join("audit-seal");
    let report = beside(&dir).await.verify_audit(&anchor).await.unwrap();
    assert!(report.is_whole() && report.records > 0, "{report:?}");
    let record = t.audit_of("key_generated").await[0].id.simple().to_string();
    for trigger in triggers(&dir).await {
        sql(&dir, &format!("DROP TRIGGER {trigger}")).await;
    }
    sql(
        &dir,
        &format!("UPDATE audit SET performed_by = 'nobody' WHERE id = x'{record}'"),
    )
    .await;
    let report = beside(&dir).await.verify_audit(&anchor).await.unwrap();
    let finding = &report.findings[0];
    assert_eq!(finding.record.unwrap().simple().to_string(), record, "{report:?}");
}

async fn triggers(dir: &Path) -> Vec<String> {
    let database = Database::connect(url(dir)).await.unwrap();
    let question = "SELECT name FROM sqlite_master WHERE type = 'trigger'";
    let statement = Statement::from_string(database.get_database_backend(), question);
    let rows = database.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}
