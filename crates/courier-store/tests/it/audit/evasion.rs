//! Edits that look as if nothing was edited.

use std::collections::BTreeMap;

use courier_store::{
    audit::{SEALS, What},
    new_id,
};

use serde_json::json;

use super::tampering::{Intruder, findings, five, record};
use crate::{
    database::{Database, FixedKey},
    on_both,
};

on_both!(
    a_fork_never_passes_for_what_was_sealed_before,
    seals_that_are_gone_as_a_whole_are_missed,
    two_records_in_one_place_are_found,
    a_quick_look_sees_the_newest_record,
);

/// SQLite compares values by their type as well: the same bytes as another type are in no list that filters by them.
#[tokio::test]
async fn the_same_bytes_as_another_type_are_found() {
    let db = Database::sqlite().await;
    let intruder = Intruder::without_triggers(&db).await;
    let mut expected = BTreeMap::new();
    let mut made = Vec::new();
    for column in [
        "id",
        "connection_id",
        "mac",
        "operation",
        "performed_by",
        "details",
    ] {
        let of_other_type = match column {
            "operation" | "performed_by" | "details" => format!("CAST({column} AS BLOB)"),
            _ => format!("CAST({column} AS TEXT)"),
        };
        let chain = five(&db).await;
        made.push(format!(
            "UPDATE audit SET {column} = {of_other_type} WHERE chain = {} AND seq = 3",
            intruder.id(chain)
        ));
        expected.insert(Some(chain), (What::Changed, 3));
    }
    for sql in &made {
        intruder.run(sql).await;
    }
    let found = findings(&db).await;
    for ((chain, expected), sql) in expected.iter().zip(&made) {
        assert_eq!(found.get(chain), Some(expected), "{sql}");
    }
}

/// Values that are no identifiers at all are found, and don't keep anybody from looking.
#[tokio::test]
async fn chains_that_are_no_chains_are_found() {
    for sql in [
        "UPDATE audit SET chain = 'abc' WHERE seq = 5",
        "UPDATE audit SET chain = X'00' WHERE seq = 5",
        "UPDATE audit SET chain = 7 WHERE seq = 5",
        "UPDATE audit SET chain = CAST(chain AS TEXT) WHERE seq = 5",
        "UPDATE audit SET seq = 'x' WHERE seq = 5",
        "UPDATE audit SET seq = 5.5 WHERE seq = 5",
        "UPDATE audit SET seq = 'x' || seq WHERE seq > 3",
        "UPDATE audit SET seq = 9223372036854775802 + seq WHERE seq > 3",
        "UPDATE audit SET seq = seq - 9223372036854775807 WHERE seq > 3",
        "UPDATE audit_chains SET chain = 'abc'",
        "UPDATE audit_chains SET chain = CAST(chain AS TEXT)",
        "UPDATE audit_chains SET seq = 'x'",
        "UPDATE audit_chains SET mac = 7",
        "UPDATE audit_chains SET base_mac = 'x'",
    ] {
        let db = Database::sqlite().await;
        let intruder = Intruder::without_triggers(&db).await;
        let chain = five(&db).await;
        intruder.run(sql).await;
        let found = findings(&db).await;
        assert!(found.contains_key(&Some(chain)), "{sql}: {found:?}");
        let heads = db.audit().verify_heads(&FixedKey, None).await.unwrap();
        assert!(!heads.is_whole(), "{sql}");
    }
}

/// Somebody sets the database back, and leaves the row of the newest seal: until Courier has written seals past it.
async fn a_fork_never_passes_for_what_was_sealed_before(db: Database) {
    let intruder = Intruder::without_triggers(&db).await;
    five(&db).await;
    db.audit().seal().await.unwrap().unwrap();
    intruder
        .run("CREATE TABLE old AS SELECT * FROM audit_chains")
        .await;
    let cut = five(&db).await;
    db.audit().seal().await.unwrap().unwrap();
    five(&db).await;
    let kept = db.audit().seal().await.unwrap().unwrap();
    assert_eq!(kept.seq, 3);
    assert!(db.audit().holds(&kept).await.unwrap());

    let seals = intruder.id(SEALS);
    for sql in [
        "DELETE FROM audit_chains".to_owned(),
        "INSERT INTO audit_chains SELECT * FROM old".to_owned(),
        format!("DELETE FROM audit WHERE chain = {}", intruder.id(cut)),
        format!("DELETE FROM audit WHERE chain = {seals} AND seq = 2"),
    ] {
        intruder.run(&sql).await;
    }
    assert!(!db.audit().holds(&kept).await.unwrap());
    five(&db).await;
    let second = db.audit().seal().await.unwrap().unwrap();
    assert_eq!(second.seq, 2);
    assert!(!db.audit().holds(&kept).await.unwrap());

    // Nor where the fork has grown beyond it, and its own seal there wears the code of the one that is kept.
    intruder
        .run(&format!("DELETE FROM audit WHERE chain = {seals} AND seq = 3"))
        .await;
    five(&db).await;
    db.audit().seal().await.unwrap().unwrap();
    five(&db).await;
    db.audit().seal().await.unwrap().unwrap();
    assert!(!db.audit().holds(&kept).await.unwrap());
    intruder
        .run(&format!(
            "UPDATE audit SET mac = {} WHERE chain = {seals} AND seq = 3",
            intruder.bytes(&kept.mac)
        ))
        .await;
    assert!(!db.audit().holds(&kept).await.unwrap());
    // A base that nobody wrote says nothing either.
    intruder
        .run(&format!(
            "UPDATE audit_chains SET base_seq = 4 WHERE chain = {seals}"
        ))
        .await;
    assert!(!db.audit().holds(&kept).await.unwrap());
}

async fn seals_that_are_gone_as_a_whole_are_missed(db: Database) {
    let intruder = Intruder::without_triggers(&db).await;
    assert!(db.audit().keep_key(json!("sealed"), &FixedKey).await.unwrap());
    assert_eq!(findings(&db).await, BTreeMap::new());
    five(&db).await;
    db.audit().seal().await.unwrap().unwrap();
    let seals = intruder.id(SEALS);
    for table in ["audit", "audit_chains"] {
        intruder
            .run(&format!("DELETE FROM {table} WHERE chain = {seals}"))
            .await;
    }
    let expected = BTreeMap::from([(Some(SEALS), (What::Head, 0))]);
    assert_eq!(findings(&db).await, expected);
    let heads = db.audit().verify_heads(&FixedKey, None).await.unwrap();
    assert_eq!(heads.findings.len(), 1);
}

/// Whoever drops triggers drops indexes as well. Wherever a page of the reading ends, both records are looked at.
async fn two_records_in_one_place_are_found(db: Database) {
    let intruder = Intruder::without_triggers(&db).await;
    intruder.run("DROP INDEX audit_seq_key").await;
    let chain = five(&db).await;
    let more = vec![record(chain, 1); 1500];
    db.audit().append(more).await.unwrap();
    for seq in [1, 999, 1000, 1001, 1505] {
        let id = intruder.id(new_id());
        let insert = format!(
            "INSERT INTO audit SELECT {id}, connection_id, 'mkdir', job_execution_id, performed_by, performed_at, \
             bytes_transferred, duration_ms, details, chain, seq, mac FROM audit WHERE chain = {} AND seq = {seq}",
            intruder.id(chain)
        );
        intruder.run(&insert).await;
        assert!(findings(&db).await.contains_key(&Some(chain)), "{seq}");
        intruder.run(&format!("DELETE FROM audit WHERE id = {id}")).await;
        assert_eq!(findings(&db).await, BTreeMap::new());
    }
}

async fn a_quick_look_sees_the_newest_record(db: Database) {
    let intruder = Intruder::without_triggers(&db).await;
    let (long, short) = (five(&db).await, new_id());
    db.audit().append(vec![record(short, 1)]).await.unwrap();
    assert!(db.audit().verify_heads(&FixedKey, None).await.unwrap().is_whole());
    for (chain, seq) in [(long, 5), (short, 1)] {
        let id = intruder.id(chain);
        intruder
            .run(&format!(
                "UPDATE audit SET operation = 'mkdir' WHERE chain = {id} AND seq = {seq}"
            ))
            .await;
    }
    let report = db.audit().verify_heads(&FixedKey, None).await.unwrap();
    let found = report.findings.iter();
    let found: BTreeMap<_, _> = found.map(|one| (one.chain, (one.what, one.seq))).collect();
    let expected = BTreeMap::from([
        (Some(long), (What::Changed, 5)),
        (Some(short), (What::Changed, 1)),
    ]);
    assert_eq!(found, expected);
}
