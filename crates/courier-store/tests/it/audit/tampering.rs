//! Somebody who may write the database, and knows it well.

use std::collections::BTreeMap;

use courier_store::{
    Error,
    audit::{AuditFilter, GENERAL, NewAudit, SEALS, What},
    new_id, now,
};
use sea_orm::{ConnectionTrait, DatabaseConnection};
use serde_json::json;
use uuid::Uuid;

use crate::{
    database::{Database, FixedKey},
    on_both,
};

on_both!(
    every_edit_is_found,
    an_old_head_is_found_by_a_seal,
    an_old_copy_of_the_database_is_found_by_the_seal_that_was_kept,
    records_that_came_from_nowhere_are_found,
    a_head_that_was_changed_is_not_continued,
    the_database_refuses_edits,
    what_was_made_to_look_old_is_not_trimmed,
);

/// The database as somebody with its password has it.
pub(super) struct Intruder {
    db: DatabaseConnection,
    pub(super) sqlite: bool,
}

impl Intruder {
    pub(super) async fn new(db: &Database) -> Self {
        Self {
            db: sea_orm::Database::connect(&db.url).await.unwrap(),
            sqlite: db.url.starts_with("sqlite"),
        }
    }

    /// One whom triggers don't stop.
    pub(super) async fn without_triggers(db: &Database) -> Self {
        let it = Self::new(db).await;
        let (tables, audit) = (["audit", "audit_chains"], "audit");
        if it.sqlite {
            for trigger in [
                "audit_unchanged",
                "audit_kept",
                "audit_not_replaced",
                "audit_chains_grow",
                "audit_chains_kept",
            ] {
                it.run(&format!("DROP TRIGGER {trigger}")).await;
            }
        } else {
            for table in tables {
                it.run(&format!("ALTER TABLE {table} DISABLE TRIGGER USER")).await;
            }
            it.run(&format!("ALTER TABLE {audit} ALTER COLUMN details DROP NOT NULL"))
                .await;
        }
        it
    }

    pub(super) async fn run(&self, sql: &str) {
        self.db
            .execute_unprepared(sql)
            .await
            .unwrap_or_else(|e| panic!("{sql}: {e}"));
    }

    pub(super) fn id(&self, id: Uuid) -> String {
        match self.sqlite {
            true => format!("X'{}'", id.simple()),
            false => format!("'{id}'"),
        }
    }

    pub(super) fn bytes(&self, hex: &str) -> String {
        match self.sqlite {
            true => format!("X'{hex}'"),
            false => format!("'\\x{hex}'"),
        }
    }
}

pub(super) fn record(chain: Uuid, n: u64) -> NewAudit {
    NewAudit {
        connection_id: Some(chain),
        bytes_transferred: Some(n),
        duration_ms: Some(n),
        details: json!({"n": n, "path": "/a"}),
        ..NewAudit::new("upload", "me")
    }
}

/// A new chain of five records.
pub(super) async fn five(db: &Database) -> Uuid {
    let chain = new_id();
    let records = (1..=5).map(|n| record(chain, n)).collect();
    db.audit().append(records).await.unwrap();
    chain
}

/// What is wrong, by chain.
pub(super) async fn findings(db: &Database) -> BTreeMap<Option<Uuid>, (What, u64)> {
    let report = db.audit().verify(&FixedKey, None).await.unwrap();
    let times: Vec<_> = report
        .findings
        .iter()
        .filter_map(|one| one.performed_at)
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    let findings = report.findings.iter();
    findings.map(|one| (one.chain, (one.what, one.seq))).collect()
}

async fn every_edit_is_found(db: Database) {
    let edits = [
        ("UPDATE audit SET operation = 'mkdir' WHERE {3}", What::Changed, 3),
        (
            "UPDATE audit SET performed_by = 'you' WHERE {3}",
            What::Changed,
            3,
        ),
        (
            "UPDATE audit SET performed_at = performed_at + 1 WHERE {3}",
            What::Changed,
            3,
        ),
        (
            "UPDATE audit SET bytes_transferred = 99 WHERE {3}",
            What::Changed,
            3,
        ),
        (
            "UPDATE audit SET bytes_transferred = NULL WHERE {5}",
            What::Changed,
            5,
        ),
        ("UPDATE audit SET duration_ms = 0 WHERE {1}", What::Changed, 1),
        (
            "UPDATE audit SET details = '{\"n\": 3, \"path\": \"/b\"}' WHERE {3}",
            What::Changed,
            3,
        ),
        ("UPDATE audit SET details = '{}' WHERE {3}", What::Changed, 3),
        (
            "UPDATE audit SET job_execution_id = id WHERE {3}",
            What::Changed,
            3,
        ),
        (
            "UPDATE audit SET connection_id = NULL WHERE {3}",
            What::Changed,
            3,
        ),
        ("UPDATE audit SET id = {new} WHERE {3}", What::Changed, 3),
        ("UPDATE audit SET mac = {code} WHERE {3}", What::Changed, 3),
        ("DELETE FROM audit WHERE {1}", What::Removed, 1),
        ("DELETE FROM audit WHERE {3}", What::Removed, 3),
        ("DELETE FROM audit WHERE {5}", What::CutOff, 5),
        ("DELETE FROM audit WHERE chain = {chain}", What::CutOff, 1),
        (
            "DELETE FROM audit WHERE {5}; UPDATE audit_chains SET seq = 4, \
             mac = (SELECT mac FROM audit WHERE {4}) WHERE chain = {chain}",
            What::Head,
            4,
        ),
        ("DELETE FROM audit_chains WHERE chain = {chain}", What::Head, 5),
        (
            "UPDATE audit_chains SET sealed_seq = 9 WHERE chain = {chain}",
            What::Head,
            5,
        ),
        (
            "UPDATE audit_chains SET base_seq = 2 WHERE chain = {chain}",
            What::Base,
            2,
        ),
        (
            "UPDATE audit_chains SET base_seq = 2, base_mac = (SELECT mac FROM audit WHERE {2}) WHERE chain = {chain}; \
             DELETE FROM audit WHERE chain = {chain} AND seq < 3",
            What::Base,
            2,
        ),
        (
            "INSERT INTO audit SELECT {new}, {columns}, chain, 6, {code} FROM audit WHERE {5}",
            What::Inserted,
            6,
        ),
        (
            "INSERT INTO audit SELECT {new}, {columns}, chain, 0, {code} FROM audit WHERE {5}",
            What::Inserted,
            0,
        ),
        (
            "UPDATE audit SET seq = -1 - seq WHERE chain = {chain} AND seq > 2; \
             UPDATE audit SET seq = -seq WHERE chain = {chain} AND seq < 0; \
             INSERT INTO audit SELECT {new}, {columns}, chain, 3, {code} FROM audit WHERE {5}",
            What::Inserted,
            3,
        ),
        (
            "UPDATE audit SET seq = -2 WHERE {2}; UPDATE audit SET seq = 2 WHERE {3}; UPDATE audit SET seq = 3 WHERE {-2}",
            What::Inserted,
            2,
        ),
        (
            "DELETE FROM audit WHERE {3}; UPDATE audit SET seq = -seq WHERE chain = {chain} AND seq > 3; \
             UPDATE audit SET seq = -1 - seq WHERE chain = {chain} AND seq < 0",
            What::Changed,
            3,
        ),
    ];
    // What only SQLite lets happen.
    let of_sqlite = [
        (
            "UPDATE audit SET details = 'not JSON' WHERE {3}",
            What::Changed,
            3,
        ),
        (
            "UPDATE audit SET performed_at = 'yesterday' WHERE {3}",
            What::Changed,
            3,
        ),
        ("UPDATE audit SET id = 'x' WHERE {3}", What::Changed, 3),
    ];
    let intruder = Intruder::without_triggers(&db).await;
    let untouched = five(&db).await;
    let mut expected = BTreeMap::new();
    let mut made = Vec::new();
    let all = edits.iter().chain(of_sqlite.iter().filter(|_| intruder.sqlite));
    for (edit, what, seq) in all {
        let chain = five(&db).await;
        let mut sql = edit
            .replace("{chain}", &intruder.id(chain))
            .replace("{new}", &intruder.id(new_id()))
            .replace("{code}", &intruder.bytes(&"ab".repeat(32)))
            .replace(
                "{columns}",
                "connection_id, operation, job_execution_id, performed_by, performed_at, bytes_transferred, \
                 duration_ms, details",
            );
        for place in -2..=5 {
            let row = format!("chain = {} AND seq = {place}", intruder.id(chain));
            sql = sql.replace(&format!("{{{place}}}"), &row);
        }
        made.push(sql);
        expected.insert(Some(chain), (*what, *seq));
    }
    assert_eq!(findings(&db).await, BTreeMap::new());
    for sql in &made {
        intruder.run(sql).await;
    }
    let found = findings(&db).await;
    assert!(!found.contains_key(&Some(untouched)));
    for ((chain, expected), sql) in expected.iter().zip(&made) {
        assert_eq!(found.get(chain), Some(expected), "{sql}");
    }
    assert_eq!(found.len(), expected.len());
}

async fn an_old_head_is_found_by_a_seal(db: Database) {
    let intruder = Intruder::without_triggers(&db).await;
    let (cut, gone, whole) = (five(&db).await, five(&db).await, five(&db).await);
    intruder
        .run("CREATE TABLE copied AS SELECT * FROM audit_chains")
        .await;
    for chain in [cut, gone, whole] {
        db.audit()
            .append(vec![record(chain, 6), record(chain, 7)])
            .await
            .unwrap();
    }
    assert!(db.audit().seal().await.unwrap().is_some());
    assert!(db.audit().seal().await.unwrap().is_none());
    let [cut_id, gone_id] = [cut, gone].map(|chain| intruder.id(chain));
    for sql in [
        format!("DELETE FROM audit WHERE chain = {cut_id} AND seq > 5"),
        format!("DELETE FROM audit_chains WHERE chain = {cut_id}"),
        format!("INSERT INTO audit_chains SELECT * FROM copied WHERE chain = {cut_id}"),
        format!("DELETE FROM audit WHERE chain = {gone_id}"),
        format!("DELETE FROM audit_chains WHERE chain = {gone_id}"),
    ] {
        intruder.run(&sql).await;
    }
    let expected = BTreeMap::from([(Some(cut), (What::CutOff, 6)), (Some(gone), (What::CutOff, 1))]);
    assert_eq!(findings(&db).await, expected);
    // Others in the places of those that were cut off are found as well.
    db.audit()
        .append(vec![record(cut, 8), record(cut, 9), record(gone, 1)])
        .await
        .unwrap();
    let expected = BTreeMap::from([(Some(cut), (What::Seal, 7)), (Some(gone), (What::CutOff, 2))]);
    assert_eq!(findings(&db).await, expected);
}

async fn an_old_copy_of_the_database_is_found_by_the_seal_that_was_kept(db: Database) {
    let intruder = Intruder::without_triggers(&db).await;
    five(&db).await;
    let first = db.audit().seal().await.unwrap().unwrap();
    for table in ["audit", "audit_chains"] {
        intruder
            .run(&format!("CREATE TABLE old_{table} AS SELECT * FROM {table}"))
            .await;
    }
    five(&db).await;
    let second = db.audit().seal().await.unwrap().unwrap();
    assert_eq!((first.seq, second.seq), (1, 2));
    for kept in [&first, &second] {
        assert!(db.audit().holds(kept).await.unwrap());
        for report in [
            db.audit().verify(&FixedKey, Some(kept)).await.unwrap(),
            db.audit().verify_heads(&FixedKey, Some(kept)).await.unwrap(),
        ] {
            assert!(report.is_whole(), "{report:?}");
        }
    }
    for table in ["audit", "audit_chains"] {
        intruder.run(&format!("DELETE FROM {table}")).await;
        intruder
            .run(&format!("INSERT INTO {table} SELECT * FROM old_{table}"))
            .await;
    }
    // In itself it is whole.
    assert!(db.audit().verify(&FixedKey, None).await.unwrap().is_whole());
    assert!(!db.audit().holds(&second).await.unwrap());
    for report in [
        db.audit().verify(&FixedKey, Some(&second)).await.unwrap(),
        db.audit().verify_heads(&FixedKey, Some(&second)).await.unwrap(),
    ] {
        let found: Vec<_> = report
            .findings
            .iter()
            .map(|one| (one.chain, one.what, one.seq))
            .collect();
        assert_eq!(found, [(Some(SEALS), What::CutOff, 2)]);
    }
    // Going on from there makes another second seal.
    five(&db).await;
    db.audit().seal().await.unwrap().unwrap();
    let report = db.audit().verify(&FixedKey, Some(&second)).await.unwrap();
    assert_eq!((report.findings[0].what, report.findings[0].seq), (What::Seal, 2));
}

async fn records_that_came_from_nowhere_are_found(db: Database) {
    let intruder = Intruder::new(&db).await;
    five(&db).await;
    let insert = |chain: String| {
        format!(
            "INSERT INTO audit (id, operation, performed_by, performed_at, details, chain, seq, mac) \
             VALUES ({}, 'upload', 'me', 0, '{{}}', {chain})",
            intruder.id(new_id())
        )
    };
    let invented = new_id();
    let code = intruder.bytes(&"00".repeat(32));
    intruder.run(&insert("NULL, NULL, NULL".into())).await;
    intruder
        .run(&insert(format!("{}, 1, {code}", intruder.id(invented))))
        .await;
    intruder
        .run(&insert(format!("{}, 1, NULL", intruder.id(GENERAL))))
        .await;
    let expected = BTreeMap::from([
        (None, (What::Inserted, 0)),
        (Some(invented), (What::Inserted, 1)),
        (Some(GENERAL), (What::Inserted, 1)),
    ]);
    assert_eq!(findings(&db).await, expected);
}

async fn a_head_that_was_changed_is_not_continued(db: Database) {
    let intruder = Intruder::without_triggers(&db).await;
    let (changed, other) = (five(&db).await, five(&db).await);
    let sql = format!(
        "UPDATE audit_chains SET seq = 4 WHERE chain = {}",
        intruder.id(changed)
    );
    intruder.run(&sql).await;
    let refused = db
        .audit()
        .append(vec![record(other, 6), record(changed, 6)])
        .await;
    assert!(matches!(refused, Err(Error::AuditChain(_))), "{refused:?}");
    db.audit().append(vec![record(other, 6)]).await.unwrap();
    // The others are sealed all the same.
    assert!(db.audit().seal().await.unwrap().is_some());
    assert_eq!(
        findings(&db).await,
        BTreeMap::from([(Some(changed), (What::Head, 5))])
    );
    let heads = db.audit().verify_heads(&FixedKey, None).await.unwrap();
    assert_eq!(heads.findings.len(), 1);
}

async fn the_database_refuses_edits(db: Database) {
    let intruder = Intruder::new(&db).await;
    five(&db).await;
    let mut edits = vec![
        "UPDATE audit SET operation = 'mkdir' WHERE seq = 3",
        "UPDATE audit SET mac = NULL",
        "DELETE FROM audit WHERE seq = 5",
        "DELETE FROM audit",
        "DELETE FROM audit_chains",
        "UPDATE audit_chains SET seq = seq - 1",
        "UPDATE audit_chains SET base_seq = seq + 1",
    ];
    if intruder.sqlite {
        edits.push("INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE seq = 2");
        edits.push("UPDATE OR REPLACE audit SET seq = 2 WHERE seq = 3");
    } else {
        edits.push("TRUNCATE audit");
        edits.push("TRUNCATE audit_chains");
        edits.push(
            "INSERT INTO audit SELECT * FROM audit WHERE seq = 2 ON CONFLICT (id) DO UPDATE SET operation = 'x'",
        );
    }
    for edit in edits {
        let refused = intruder.db.execute_unprepared(edit).await;
        let refused = refused.expect_err(edit).to_string();
        assert!(refused.contains("audit records"), "{edit}: {refused}");
    }
    assert_eq!(findings(&db).await, BTreeMap::new());
}

async fn what_was_made_to_look_old_is_not_trimmed(db: Database) {
    let intruder = Intruder::without_triggers(&db).await;
    let begun = now();
    let chain = five(&db).await;
    intruder
        .run("UPDATE audit SET performed_at = 1000 WHERE seq = 1")
        .await;
    assert_eq!(db.audit().trim(begun).await.unwrap(), 0);
    let all = db
        .audit()
        .oldest(&AuditFilter::default(), None, 100)
        .await
        .unwrap();
    assert_eq!(all.len(), 5);
    assert_eq!(
        findings(&db).await,
        BTreeMap::from([(Some(chain), (What::Changed, 1))])
    );
}
