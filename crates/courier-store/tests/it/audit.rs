mod chains;
mod evasion;
mod tampering;

use courier_store::{
    PageRequest,
    audit::{AuditFilter, NewAudit, Totals, Volume},
    new_id, now,
};
use serde_json::json;

use crate::{
    database::{DIFFICULT, Database, walk},
    on_both,
};

on_both!(
    records_come_back_newest_first,
    records_are_filtered,
    volumes_add_up
);

async fn records_come_back_newest_first(db: Database) {
    db.audit().append(vec![]).await.unwrap();
    let records = (0..1234).map(|n| {
        let mut record = NewAudit::new("upload", DIFFICULT);
        record.details = json!({"n": n, "path": "a\0b", "text": DIFFICULT});
        record.bytes_transferred = Some(n);
        record
    });
    let before = now();
    db.audit().append(records.collect()).await.unwrap();
    let all = walk(500, async |page: PageRequest| {
        db.audit().list(&AuditFilter::default(), &page).await
    })
    .await;
    assert_eq!(all.len(), 1234);
    assert!(
        all.iter()
            .zip((0..1234).rev())
            .all(|(record, n)| record.details["n"] == json!(n))
    );
    assert!(all.is_sorted_by(|a, b| a.performed_at > b.performed_at && a.id > b.id));
    assert!(all[1233].performed_at > before && all[0].performed_at <= now());
    assert_eq!(
        all[0].details,
        json!({"n": 1233, "path": "a\u{fffd}b", "text": DIFFICULT})
    );
    assert_eq!(
        (all[0].performed_by.as_str(), all[0].bytes_transferred),
        (DIFFICULT, Some(1233))
    );
}

async fn records_are_filtered(db: Database) {
    let (connection, execution) = (new_id(), new_id());
    let mut times = Vec::new();
    for n in 0..6 {
        let mut record = NewAudit::new(
            if n % 2 == 0 { "upload" } else { "mkdir" },
            if n < 4 { "me" } else { "you" },
        );
        record.connection_id = (n < 3).then_some(connection);
        record.job_execution_id = (n == 5).then_some(execution);
        record.duration_ms = Some(n);
        times.push(now());
        db.audit().append(vec![record]).await.unwrap();
    }
    let find = async |filter: AuditFilter| {
        let found = walk(2, async |page: PageRequest| db.audit().list(&filter, &page).await).await;
        found
            .iter()
            .map(|record| record.duration_ms.unwrap().to_string())
            .collect::<String>()
    };
    let filter = AuditFilter::default();
    assert_eq!(
        find(AuditFilter {
            operation: Some("upload".into()),
            ..filter.clone()
        })
        .await,
        "420"
    );
    assert_eq!(
        find(AuditFilter {
            connection_id: Some(connection),
            ..filter.clone()
        })
        .await,
        "210"
    );
    assert_eq!(
        find(AuditFilter {
            job_execution_id: Some(execution),
            ..filter.clone()
        })
        .await,
        "5"
    );
    assert_eq!(
        find(AuditFilter {
            performed_by: Some("you".into()),
            ..filter.clone()
        })
        .await,
        "54"
    );
    assert_eq!(
        find(AuditFilter {
            since: Some(times[2]),
            until: Some(times[5]),
            ..filter.clone()
        })
        .await,
        "432"
    );
    assert_eq!(
        find(AuditFilter {
            since: Some(times[2]),
            performed_by: Some("me".into()),
            ..filter
        })
        .await,
        "32"
    );
}

async fn volumes_add_up(db: Database) {
    assert_eq!(db.audit().totals(now()).await.unwrap(), Totals::default());
    let moved = |operation: &str, bytes| {
        let mut record = NewAudit::new(operation, "me");
        record.bytes_transferred = bytes;
        record
    };
    db.audit().append(vec![moved("upload", Some(1))]).await.unwrap();
    let since = now();
    let big = 1 << 60;
    let failed = NewAudit {
        details: json!({"error": {"kind": "lost"}}),
        ..moved("upload", Some(7))
    };
    let records = vec![
        moved("upload", Some(5)),
        moved("upload", Some(0)),
        moved("upload", None),
        failed,
        moved("download", Some(big)),
        moved("mkdir", None),
    ];
    db.audit().append(records).await.unwrap();
    let expected = Totals {
        uploads: Volume { files: 2, bytes: 12 },
        downloads: Volume { files: 1, bytes: big },
    };
    assert_eq!(db.audit().totals(since).await.unwrap(), expected);
}
