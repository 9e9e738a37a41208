//! What moved and what ended, hour by hour.

use std::collections::BTreeMap;

use courier_store::{
    activity::Hour,
    audit::{NewAudit, Volume},
    executions::ExecutionState,
    new_id, now,
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    connections,
    database::Database,
    executions::{claim_next, enqueue, life},
    on_both,
    pulls::{file, modified, pull, puller},
};

on_both!(what_happens_counts_in_its_hour);

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn begin(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second() / 3600 * 3600).unwrap()
}

async fn what_happens_counts_in_its_hour(db: Database) {
    let first = begin(now());
    assert_eq!(hours(&db, first - HOUR, first + HOUR).await, BTreeMap::new());

    let moved = |operation: &str, bytes| {
        let mut record = NewAudit::new(operation, "me");
        record.bytes_transferred = bytes;
        record
    };
    let failed = NewAudit {
        details: serde_json::json!({"error": {"kind": "lost"}}),
        ..moved("upload", Some(7))
    };
    let records = vec![
        moved("upload", Some(5)),
        failed,
        moved("download", Some(1 << 60)),
        moved("mkdir", None),
    ];
    db.audit().append(records).await.unwrap();

    let connection = connections::some(&db, "partner").await.id;
    let life = life(&db, "n").await;
    let files = [file("/a", 1000, modified(0)), file("/b", 24, modified(0))];
    let by = puller(&db, &life, connection, new_id()).await;
    pull(&db, by, &files).await;

    for state in [
        ExecutionState::Completed,
        ExecutionState::Failed,
        ExecutionState::Failed,
        ExecutionState::Cancelled,
    ] {
        enqueue(&db, new_id(), "job").await;
        let taken = claim_next(&db, &life).await.unwrap();
        db.executions()
            .release(taken.claim(), state, None, None)
            .await
            .unwrap();
    }

    // A new hour may have begun meanwhile.
    let last = begin(now());
    let all = hours(&db, first, last + HOUR).await;
    assert!(all.keys().all(|at| *at == first || *at == last));
    let sum = all.values().fold(Hour::default(), |sum, hour| Hour {
        uploads: add(sum.uploads, hour.uploads),
        downloads: add(sum.downloads, hour.downloads),
        pulled: add(sum.pulled, hour.pulled),
        completed: sum.completed + hour.completed,
        failed: sum.failed + hour.failed,
    });
    let expected = Hour {
        uploads: Volume { files: 1, bytes: 12 },
        downloads: Volume {
            files: 1,
            bytes: 1 << 60,
        },
        pulled: Volume {
            files: 2,
            bytes: 1024,
        },
        completed: 1,
        failed: 2,
    };
    assert_eq!(sum, expected);
    assert_eq!(hours(&db, first - HOUR * 2, first).await, BTreeMap::new());
    assert_eq!(hours(&db, last + HOUR, last + HOUR * 2).await, BTreeMap::new());
}

async fn hours(db: &Database, from: Timestamp, until: Timestamp) -> BTreeMap<Timestamp, Hour> {
    db.activity().hours(from, until).await.unwrap()
}

fn add(one: Volume, other: Volume) -> Volume {
    Volume {
        files: one.files + other.files,
        bytes: one.bytes + other.bytes,
    }
}
