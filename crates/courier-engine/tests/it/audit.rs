//! The audit log as a whole: its key, its seals, and what an intruder leaves.

use std::{sync::Arc, time::Duration};

use courier_engine::{
    Environment, Error,
    audit::{self, ANCHOR_FILE, AuditFilter, What},
    settings::SystemSetting,
};
use courier_store::{
    Store,
    audit::{NewAudit, Seal},
};
use courier_vault::{LocalKey, Vault};
use futures::TryStreamExt;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::{
    database::database,
    fixture::{Fixture, admin},
};

/// The store and the vault of an engine, as a command beside it opens them.
async fn beside(t: &Fixture) -> (Store, Vault) {
    let url = format!("sqlite://{}", t.dir.path().join("courier.db").display());
    let key = LocalKey::load_or_create(&t.dir.path().join("kek")).unwrap();
    (Store::open(&url).await.unwrap(), Vault::new(Arc::new(key)))
}

/// Starts anew on the same folder.
async fn again(t: Fixture) -> Result<Fixture, Error> {
    t.engine.shutdown(Duration::from_secs(5)).await;
    let Fixture { dir, server, .. } = t;
    Fixture::start(dir, server, Environment::Development).await
}

#[tokio::test]
async fn the_log_is_whole_from_within_and_from_beside() {
    let t = Fixture::new().await;
    let connection = t.connection(json!({"password": "a secret"})).await;
    let set = t
        .settings()
        .set(&admin(), "audit.retention_days", json!(30))
        .await;
    assert_eq!(set.unwrap().value, json!(30));
    let report = t.audit().verify().await.unwrap();
    assert!(report.is_whole(), "{:?}", report.findings);
    assert!(report.records >= 2 && report.chains >= 3, "{report:?}");

    let (store, vault) = beside(&t).await;
    let anchor = t.dir.path().join(ANCHOR_FILE);
    for report in [
        audit::verify(&store, &vault, Some(&anchor)).await.unwrap(),
        audit::verify_heads(&store, &vault, Some(&anchor)).await.unwrap(),
    ] {
        assert!(report.is_whole(), "{:?}", report.findings);
    }
    let all: Vec<_> = t.audit().all(AuditFilter::default()).try_concat().await.unwrap();
    assert!(all.is_sorted_by_key(|record| record.id));
    let made = all
        .iter()
        .find(|one| one.operation == "connection_created")
        .unwrap();
    assert_eq!(made.link.as_ref().unwrap().chain, connection.id);
    // What is kept for Courier itself is no setting.
    let listed = t.settings().list().await.unwrap();
    let listed: Vec<_> = listed
        .iter()
        .map(|SystemSetting { setting, .. }| setting.name)
        .collect();
    assert!(!listed.contains(&"audit.key") && !listed.contains(&"vault.check"));
    for internal in ["audit.key", "vault.check"] {
        assert!(t.settings().get(internal).await.is_err());
        assert!(t.settings().set(&admin(), internal, json!("x")).await.is_err());
    }
}

#[tokio::test]
async fn an_edit_is_found_and_named() {
    let t = Fixture::new().await;
    let connection = t.connection(json!({})).await.id;
    let database = database(&t).await;
    for sql in [
        "DROP TRIGGER audit_unchanged",
        "UPDATE audit SET performed_by = 'somebody else' WHERE operation = 'connection_created'",
    ] {
        database.execute_unprepared(sql).await.unwrap();
    }
    let report = t.audit().verify().await.unwrap();
    let [found] = report.findings.as_slice() else {
        panic!("{report:?}")
    };
    assert_eq!(
        (found.what, found.chain, found.seq),
        (What::Changed, Some(connection), 1)
    );
    let words = found.to_string();
    let expected = format!("connection {connection}: record 1 was changed (now connection_created), id ");
    assert!(words.starts_with(&expected), "{words}");
}

#[tokio::test]
async fn the_shutdown_seals_and_keeps_the_seal_beside_the_database() {
    use std::os::unix::fs::PermissionsExt;
    let t = Fixture::new().await;
    t.connection(json!({})).await;
    let path = t.dir.path().join(ANCHOR_FILE);
    t.engine.shutdown(Duration::from_secs(5)).await;
    let kept = std::fs::read_to_string(&path).unwrap();
    let kept: Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept["mac"].as_str().unwrap().len(), 64);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (store, vault) = beside(&t).await;
    let report = audit::verify(&store, &vault, Some(&path)).await.unwrap();
    assert!(report.is_whole(), "{:?}", report.findings);
    // Every chain's end is in a seal: a second shutdown has nothing to add.
    t.engine.shutdown(Duration::from_secs(5)).await;
    let after = std::fs::read_to_string(&path).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&after).unwrap(), kept);
}

/// Whichever node seals, each keeps the newest seal.
#[tokio::test]
async fn the_seal_of_another_node_is_kept_as_well() {
    let t = Fixture::new().await;
    let (store, vault) = beside(&t).await;
    audit::open(&store, &vault).await.unwrap();
    let record = NewAudit::new("upload", "somebody");
    store.audit().append(vec![record]).await.unwrap();
    let seal = store.audit().seal().await.unwrap().unwrap();
    t.engine.shutdown(Duration::from_secs(5)).await;
    let kept = std::fs::read_to_string(t.dir.path().join(ANCHOR_FILE)).unwrap();
    let kept: Seal = serde_json::from_str(&kept).unwrap();
    assert!(kept.seq >= seal.seq && store.audit().holds(&kept).await.unwrap());
    assert_eq!(
        Some(kept.mac),
        store
            .audit()
            .newest_seal()
            .await
            .unwrap()
            .map(|newest| newest.mac)
    );
}

/// An old copy of the database is genuine in itself. The seal in the file tells, and isn't overwritten.
#[tokio::test]
async fn a_database_that_was_set_back_is_found_by_the_file() {
    let t = Fixture::new().await;
    let t = again(t).await.unwrap();
    t.engine.shutdown(Duration::from_secs(5)).await;
    let copy = t.dir.path().join("copy.db");
    let database = database(&t).await;
    let into = format!("VACUUM INTO '{}'", copy.display());
    database.execute_unprepared(&into).await.unwrap();
    let t = again(t).await.unwrap();
    t.connection(json!({})).await;
    t.engine.shutdown(Duration::from_secs(5)).await;
    let anchor = t.dir.path().join(ANCHOR_FILE);
    let kept = std::fs::read_to_string(&anchor).unwrap();

    let Fixture { dir, server, .. } = t;
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(dir.path().join(format!("courier.db{suffix}")));
    }
    std::fs::rename(&copy, dir.path().join("courier.db")).unwrap();
    let t = Fixture::start(dir, server, Environment::Development)
        .await
        .unwrap();
    t.connection(json!({})).await;
    t.engine.shutdown(Duration::from_secs(5)).await;
    assert_eq!(std::fs::read_to_string(&anchor).unwrap(), kept);
    let (store, vault) = beside(&t).await;
    let report = audit::verify(&store, &vault, Some(&anchor)).await.unwrap();
    assert!(!report.is_whole());
    assert!(audit::verify(&store, &vault, None).await.unwrap().is_whole());
}

#[tokio::test]
async fn a_key_that_is_gone_stops_the_start() {
    let t = Fixture::new().await;
    let gone = "DELETE FROM settings WHERE key = 'audit.key'";
    database(&t).await.execute_unprepared(gone).await.unwrap();
    let (store, vault) = beside(&t).await;
    assert!(audit::verify(&store, &vault, None).await.is_err());
    let Err(error) = again(t).await else {
        panic!("it started")
    };
    assert!(error.to_string().contains("audit log"), "{error}");
}

/// What can't be recorded isn't done.
#[tokio::test]
async fn a_chain_that_was_tampered_with_isn_t_continued() {
    let t = Fixture::new().await;
    let connection = t.connection(json!({})).await;
    let database = database(&t).await;
    for sql in [
        "DROP TRIGGER audit_chains_grow",
        "UPDATE audit_chains SET seq = 0 WHERE seq = 1",
    ] {
        database.execute_unprepared(sql).await.unwrap();
    }
    assert!(t.connections().delete(&admin(), connection.id).await.is_err());
    assert!(t.connections().get(connection.id).await.is_ok());
}

/// Somebody without the key makes Courier forget it, and chain what was edited with a new one.
#[tokio::test]
async fn a_log_that_was_chained_anew_is_found_by_the_file() {
    let t = Fixture::new().await;
    t.connection(json!({})).await;
    t.engine.shutdown(Duration::from_secs(5)).await;
    let anchor = t.dir.path().join(ANCHOR_FILE);
    let kept = std::fs::read_to_string(&anchor).unwrap();
    let database = database(&t).await;
    for sql in [
        "DROP TRIGGER audit_unchanged",
        "DROP TRIGGER audit_kept",
        "DROP TRIGGER audit_chains_kept",
        "DELETE FROM settings WHERE key = 'audit.key'",
        "DELETE FROM audit_chains",
        "DELETE FROM audit WHERE operation = 'audit_sealed'",
        "UPDATE audit SET chain = NULL, seq = NULL, mac = NULL, performed_by = 'somebody else'",
    ] {
        database.execute_unprepared(sql).await.unwrap();
    }
    let mut t = t;
    for _ in 0..3 {
        t = again(t).await.unwrap();
        t.connection(json!({})).await;
        let report = t.audit().verify().await.unwrap();
        assert!(!report.is_whole());
        t.engine.shutdown(Duration::from_secs(5)).await;
        assert_eq!(std::fs::read_to_string(&anchor).unwrap(), kept);
    }
}
