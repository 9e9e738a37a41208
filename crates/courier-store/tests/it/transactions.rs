use courier_store::{
    Error, PageRequest,
    audit::{AuditFilter, NewAudit},
    connections::{Connection, ConnectionChange, ConnectionFilter},
    executions::ExecutionState,
    new_id,
};

use crate::{
    connections::{sealed, some},
    database::{Database, walk},
    executions::{claim_next, enqueue, life},
    on_both,
};

on_both!(
    a_failed_change_leaves_nothing,
    a_change_that_nobody_waits_for_is_whole_or_none,
    a_refused_change_gives_its_locks_back,
);

async fn a_failed_change_leaves_nothing(db: Database) {
    let mut change = ConnectionChange::new(Connection::new("c", "sftp"), "me");
    change.secrets = vec![("password".into(), sealed(&[1], None))];
    change.audit = vec![NewAudit::new("connection_created", "me")];
    change.keys = Some(vec![new_id()]);
    let id = change.record.id;
    let refused = db.connections().insert(change.clone()).await;
    assert!(
        matches!(refused, Err(Error::NotFound { what: "SSH key" })),
        "{refused:?}"
    );
    assert!(matches!(
        db.connections().get(id).await,
        Err(Error::NotFound { .. })
    ));
    assert_eq!(db.connections().secret(id, "password").await.unwrap(), None);
    let page = PageRequest::first(10);
    assert!(
        db.audit()
            .list(&AuditFilter::default(), &page)
            .await
            .unwrap()
            .items
            .is_empty()
    );

    change.keys = None;
    db.connections().insert(change).await.unwrap();
    assert_eq!(
        db.audit()
            .list(&AuditFilter::default(), &page)
            .await
            .unwrap()
            .items
            .len(),
        1
    );
}

/// A caller that goes away, as HTTP clients do, drops the change at whatever point it has reached.
async fn a_change_that_nobody_waits_for_is_whole_or_none(db: Database) {
    for n in 0..150 {
        let mut change = ConnectionChange::new(Connection::new(format!("c{n}"), "sftp"), "me");
        change.secrets = vec![("password".into(), sealed(&[1], None))];
        let mut audit = NewAudit::new("connection_created", "me");
        audit.connection_id = Some(change.record.id);
        change.audit = vec![audit];
        let patience = std::time::Duration::from_micros(n * 60);
        let _ = tokio::time::timeout(patience, db.connections().insert(change)).await;
    }
    some(&db, "the store still works").await;
    let all = walk(50, async |page| {
        db.connections().list(&ConnectionFilter::default(), &page).await
    })
    .await;
    for connection in all.iter().filter(|one| one.name.starts_with('c')) {
        assert_eq!(connection.secrets, ["password"]);
        let filter = AuditFilter {
            connection_id: Some(connection.id),
            ..Default::default()
        };
        assert_eq!(
            db.audit()
                .list(&filter, &PageRequest::first(5))
                .await
                .unwrap()
                .items
                .len(),
            1
        );
    }
    let audit = walk(50, async |page| {
        db.audit().list(&AuditFilter::default(), &page).await
    })
    .await;
    assert_eq!(audit.len(), all.len() - 1);
}

/// The queue passes over what is locked: what a refusal still held would be missing from it.
async fn a_refused_change_gives_its_locks_back(db: Database) {
    let executions = db.executions();
    let n = life(&db, "n").await;
    for _ in 0..30 {
        let queued = enqueue(&db, new_id(), "j").await;
        let refused = executions
            .release(queued.claim(), ExecutionState::Failed, None, None)
            .await;
        assert!(matches!(refused, Err(Error::Conflict(_))));
        assert_eq!(
            claim_next(&db, &n).await.map(|claimed| claimed.id),
            Some(queued.id)
        );
    }
}
