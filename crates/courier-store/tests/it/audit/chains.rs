//! Chains that nobody tampers with.

use std::sync::Arc;

use courier_store::{
    Error, PageRequest, Store,
    audit::{AuditFilter, GENERAL, KEY, NewAudit, SEALED, SEALS, What},
    new_id, now,
};
use futures::future::join_all;
use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::json;
use uuid::Uuid;

use super::tampering::Intruder;
use crate::{
    database::{DIFFICULT, Database, FixedKey},
    on_both,
};

on_both!(
    what_comes_back_is_what_was_written,
    each_connection_has_a_chain,
    nodes_append_side_by_side_and_verify_meanwhile,
    older_records_are_chained_once,
    a_key_that_is_gone_is_not_replaced,
    trimmed_chains_verify,
    trimming_goes_on_beside_writers_and_seals,
    seals_are_listed_only_where_asked_for,
    nothing_is_recorded_without_the_key,
);

fn record(connection: Option<Uuid>) -> NewAudit {
    NewAudit {
        connection_id: connection,
        ..NewAudit::new("upload", "me")
    }
}

async fn assert_whole(db: &Store, records: u64) {
    let report = db.audit().verify(&FixedKey, None).await.unwrap();
    assert!(report.is_whole(), "{:?}", report.findings);
    assert_eq!(report.records, records);
    assert!(db.audit().verify_heads(&FixedKey, None).await.unwrap().is_whole());
}

async fn what_comes_back_is_what_was_written(db: Database) {
    let details = [
        json!({"b": 1, "a": {"z": null, "y": [true, DIFFICULT, {}]}, "": []}),
        json!({"numbers": [0, -1, u64::MAX, i64::MIN, 1.0, -0.0, 0.1, 1.0 / 3.0, 1e16, 1e19, 1e20, 1e100, 1e-7, 5e-324,
            f64::MAX, 12_345_678_901.5, 1_234_567_890_123_456_700.0]}),
        json!({"text": "\0 \u{1} \\ \" \u{2028} \u{fffd}"}),
        json!(null),
    ];
    let records = details.map(|details| NewAudit {
        details,
        job_execution_id: Some(new_id()),
        bytes_transferred: Some(u64::MAX),
        duration_ms: Some(0),
        ..NewAudit::new("a\0b", DIFFICULT)
    });
    db.audit().append(records.to_vec()).await.unwrap();
    assert_whole(&db, 4).await;
}

async fn each_connection_has_a_chain(db: Database) {
    let (a, b) = (new_id(), new_id());
    let to = |connections: [Option<Uuid>; 4]| connections.map(record).to_vec();
    db.audit()
        .append(to([Some(a), None, Some(b), Some(a)]))
        .await
        .unwrap();
    db.audit().append(to([None, Some(a), None, None])).await.unwrap();
    let all = db
        .audit()
        .oldest(&AuditFilter::default(), None, 100)
        .await
        .unwrap();
    let places: Vec<_> = all
        .iter()
        .map(|record| record.link.as_ref().map(|link| (link.chain, link.seq)).unwrap())
        .collect();
    let expected = [
        (a, 1),
        (GENERAL, 1),
        (b, 1),
        (a, 2),
        (GENERAL, 2),
        (a, 3),
        (GENERAL, 3),
        (GENERAL, 4),
    ];
    assert_eq!(places, expected);
    assert!(all.iter().all(|one| one.link.as_ref().unwrap().mac.len() == 64));
    let rest = db
        .audit()
        .oldest(&AuditFilter::default(), Some(all[2].id), 3)
        .await
        .unwrap();
    assert_eq!(rest, all[3..6]);
    assert_whole(&db, 8).await;
}

/// Transactions that want the same chains, new ones too, in different orders: none waits for ever for another.
async fn nodes_append_side_by_side_and_verify_meanwhile(db: Database) {
    let nodes = [db.again().await, db.again().await];
    let chains: Vec<Uuid> = (0..12).map(|_| new_id()).collect();
    let writers = (0..8).map(|writer: usize| {
        let (node, chains) = (nodes[writer % 2].clone(), chains.clone());
        tokio::spawn(async move {
            for round in 0..15 {
                let wanted = (0..5).map(|n| chains[(writer * 5 + round * (n + 1) + n * 7) % 12]);
                let mut records: Vec<_> = wanted.map(|chain| record(Some(chain))).collect();
                records.push(record(None));
                node.audit().append(records).await.unwrap();
                if round % 5 == 0 {
                    node.audit().seal().await.unwrap();
                }
            }
        })
    });
    let writers = join_all(writers);
    let looking = async {
        for _ in 0..10 {
            let report = db.audit().verify(&FixedKey, None).await.unwrap();
            assert!(report.is_whole(), "{:?}", report.findings);
        }
    };
    let (written, ()) = tokio::join!(writers, looking);
    for writer in written {
        writer.unwrap();
    }
    let newest = db.audit().seal().await.unwrap();
    let seals = AuditFilter {
        operation: Some(SEALED.into()),
        ..Default::default()
    };
    let seals = db.audit().oldest(&seals, None, 1000).await.unwrap().len() as u64;
    assert!(newest.is_none_or(|newest| newest.seq == seals));
    assert_whole(&db, 8 * 15 * 6 + seals).await;
}

/// Whoever records on a connection waits for nobody on another.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_the_same_chain_is_waited_for() {
    let db = Database::postgres().await;
    let (held, free) = (new_id(), new_id());
    for chain in [held, free] {
        db.audit().append(vec![record(Some(chain))]).await.unwrap();
    }
    let other = sea_orm::Database::connect(&db.url).await.unwrap();
    let transaction = other.begin().await.unwrap();
    transaction
        .execute_unprepared(&format!(
            "SELECT 1 FROM audit_chains WHERE chain = '{held}' FOR UPDATE"
        ))
        .await
        .unwrap();
    db.audit()
        .append(vec![record(Some(free)), record(None)])
        .await
        .unwrap();
    let waiting = db.store.clone();
    let waiting = tokio::spawn(async move { waiting.audit().append(vec![record(Some(held))]).await });
    let locks = "SELECT count(*) FROM pg_locks WHERE NOT granted";
    let mut waits = false;
    while !waits {
        let locks = sea_orm::Statement::from_string(other.get_database_backend(), locks);
        let row = transaction.query_one_raw(locks).await.unwrap().unwrap();
        waits = row.try_get_by_index::<i64>(0).unwrap() > 0;
    }
    transaction.rollback().await.unwrap();
    waiting.await.unwrap().unwrap();
    assert_whole(&db, 5).await;
}

async fn older_records_are_chained_once(db: Database) {
    let intruder = Intruder::new(&db).await;
    let connection = new_id();
    for n in 0..7 {
        let connection = match n % 2 {
            0 => intruder.id(connection),
            _ => "NULL".into(),
        };
        let sql = format!(
            "INSERT INTO audit (id, connection_id, operation, performed_by, performed_at, details) \
             VALUES ({}, {connection}, 'upload', 'me', {n}, '{{\"b\": 1.50, \"a\": {n}}}')",
            intruder.id(new_id())
        );
        intruder.run(&sql).await;
    }
    let other = db.again().await;
    let (audit, others) = (db.audit(), other.audit());
    let (one, two) = tokio::join!(
        audit.keep_key(json!("sealed"), &FixedKey),
        others.keep_key(json!("another"), &FixedKey)
    );
    assert_ne!(one.unwrap(), two.unwrap());
    assert!(db.settings().get(KEY).await.unwrap().is_some());
    db.audit()
        .append(vec![record(Some(connection)), record(None)])
        .await
        .unwrap();
    let all = db
        .audit()
        .oldest(&AuditFilter::default(), None, 100)
        .await
        .unwrap();
    let places: Vec<_> = all.iter().map(|one| one.link.as_ref().unwrap().seq).collect();
    assert_eq!(places, [1, 1, 2, 2, 3, 3, 4, 5, 4]);
    assert_whole(&db, 9).await;
}

async fn a_key_that_is_gone_is_not_replaced(db: Database) {
    assert!(db.audit().keep_key(json!("sealed"), &FixedKey).await.unwrap());
    assert!(!db.audit().keep_key(json!("another"), &FixedKey).await.unwrap());
    Intruder::new(&db)
        .await
        .run("DELETE FROM settings WHERE key = 'audit.key'")
        .await;
    let refused = db.audit().keep_key(json!("another"), &FixedKey).await;
    assert!(matches!(refused, Err(Error::AuditChain(_))), "{refused:?}");
    assert_eq!(db.settings().get(KEY).await.unwrap(), None);
}

async fn trimmed_chains_verify(db: Database) {
    let (long, short, young) = (new_id(), new_id(), new_id());
    db.audit().append(vec![record(Some(long)); 4500]).await.unwrap();
    db.audit()
        .append(vec![record(Some(short)), record(None)])
        .await
        .unwrap();
    db.audit().seal().await.unwrap().unwrap();
    let until = now();
    let newer = [Some(long), Some(young), None].map(record);
    db.audit().append(newer.to_vec()).await.unwrap();
    let seal = db.audit().seal().await.unwrap().unwrap();

    assert_eq!(db.audit().trim(until).await.unwrap(), 4503);
    assert_eq!(db.audit().trim(until).await.unwrap(), 0);
    let page = PageRequest::first(100);
    let left = db
        .audit()
        .list(&AuditFilter::default(), &page)
        .await
        .unwrap()
        .items;
    let (trims, others): (Vec<_>, Vec<_>) = left.iter().partition(|one| one.operation == "audit_trimmed");
    assert_eq!(others.len(), 3);
    let trimmed: u64 = trims
        .iter()
        .map(|one| one.details["records"].as_u64().unwrap())
        .sum();
    assert_eq!(trimmed, 4503);
    assert_eq!(trims[0].details["until"], json!(until));
    assert_whole(&db, 3 + 1 + trims.len() as u64).await;
    // Chains go on where they were, those without records too.
    db.audit()
        .append([Some(short), Some(long), None].map(record).to_vec())
        .await
        .unwrap();
    let kept = db.audit().verify(&FixedKey, Some(&seal)).await.unwrap();
    assert!(kept.is_whole(), "{:?}", kept.findings);
    let first = AuditFilter {
        connection_id: Some(short),
        ..Default::default()
    };
    let first = db.audit().oldest(&first, None, 10).await.unwrap();
    assert_eq!(first[0].link.as_ref().unwrap().seq, 2);
    // What lies before the base is from nobody.
    let intruder = Intruder::new(&db).await;
    let sql = format!(
        "INSERT INTO audit SELECT {}, connection_id, operation, job_execution_id, performed_by, performed_at, \
         bytes_transferred, duration_ms, details, chain, 1, mac FROM audit WHERE chain = {} AND seq = 2",
        intruder.id(new_id()),
        intruder.id(short)
    );
    intruder.run(&sql).await;
    let report = db.audit().verify(&FixedKey, None).await.unwrap();
    let found: Vec<_> = report
        .findings
        .iter()
        .map(|one| (one.chain, one.what, one.seq))
        .collect();
    assert_eq!(found, [(Some(short), What::Inserted, 1)]);
}

/// None of them waits for ever for another, and whoever looks meanwhile finds nothing wrong.
async fn trimming_goes_on_beside_writers_and_seals(db: Database) {
    let nodes = [db.again().await, db.again().await];
    let chains: Vec<Uuid> = (0..6).map(|_| new_id()).collect();
    let writers = (0..4).map(|writer: usize| {
        let (node, chains) = (nodes[writer % 2].clone(), chains.clone());
        tokio::spawn(async move {
            for round in 0..20 {
                let wanted = (0..3).map(|n| chains[(writer + round * (n + 1) + n * 5) % 6]);
                let mut records: Vec<_> = wanted.map(|chain| record(Some(chain))).collect();
                records.push(record(None));
                node.audit().append(records).await.unwrap();
            }
        })
    });
    let keepers = nodes.iter().cloned().map(|node| {
        tokio::spawn(async move {
            for _ in 0..10 {
                node.audit().seal().await.unwrap();
                node.audit().trim(now()).await.unwrap();
            }
        })
    });
    let all = join_all(writers.chain(keepers).collect::<Vec<_>>());
    let looking = async {
        for _ in 0..10 {
            let report = db.audit().verify(&FixedKey, None).await.unwrap();
            assert!(report.is_whole(), "{:?}", report.findings);
        }
    };
    let (all, ()) = tokio::join!(all, looking);
    for one in all {
        one.unwrap();
    }
    let report = db.audit().verify(&FixedKey, None).await.unwrap();
    assert!(report.is_whole(), "{:?}", report.findings);
}

async fn seals_are_listed_only_where_asked_for(db: Database) {
    db.audit().append(vec![record(None)]).await.unwrap();
    let seal = db.audit().seal().await.unwrap().unwrap();
    let page = PageRequest::first(100);
    let all = db
        .audit()
        .list(&AuditFilter::default(), &page)
        .await
        .unwrap()
        .items;
    assert_eq!(all.len(), 1);
    let seals = AuditFilter {
        operation: Some(SEALED.into()),
        ..Default::default()
    };
    let seals = db.audit().list(&seals, &page).await.unwrap().items;
    let link = seals[0].link.as_ref().unwrap();
    assert_eq!((seals.len(), link.chain, link.seq), (1, SEALS, seal.seq));
    assert_eq!(link.mac, seal.mac);
    let named = &seals[0].details["heads"][0];
    assert_eq!((&named["chain"], &named["seq"]), (&json!(GENERAL), &json!(1)));
    assert_eq!(named["mac"], json!(all[0].link.as_ref().unwrap().mac));
}

async fn nothing_is_recorded_without_the_key(db: Database) {
    let keyless = Store::open(&db.url).await.unwrap();
    let refused = keyless.audit().append(vec![record(None)]).await;
    assert!(matches!(refused, Err(Error::AuditChain(_))), "{refused:?}");
    assert!(db.store.chain_audit_with(Arc::new(FixedKey)).is_err());
    assert_whole(&db, 0).await;
}
