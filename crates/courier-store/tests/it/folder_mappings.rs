use courier_store::{
    Error, PageRequest, Store,
    connections::Connection,
    executions::{ExecutionState, Origin},
    folder_mappings::{Anew, FolderMapping, FolderMappingFilter, FolderMappingInput},
    new_id, now,
    storages::{Storage, StorageInput},
};
use futures::future::join_all;
use jiff::SignedDuration;
use serde_json::json;
use uuid::Uuid;

use crate::{
    connections::some,
    database::{DIFFICULT, Database, walk},
    executions::{life, new_execution},
    on_both,
    records::{of, of_both, recorded},
};

on_both!(
    a_mapping_comes_back_as_it_went,
    a_name_is_its_connections_own,
    a_change_keeps_what_it_does_not_name,
    of_two_changes_at_once_one_is_told,
    what_a_mapping_needs_is_not_deleted,
    one_that_pulls_is_not_deleted,
    one_that_a_job_pulls_is_not_deleted,
    mappings_are_found_by_what_they_are,
);

/// A storage of this name.
pub(crate) async fn storage(store: &Store, name: &str) -> Storage {
    let input = StorageInput {
        id: new_id(),
        name: name.into(),
        url: format!("file:///{name}"),
        endpoint: format!("file:///{name}"),
        credentials: None,
        if_updated_at: None,
    };
    let storages = store.storages();
    storages.insert(input, of("storage_created")).await.unwrap()
}

fn input(name: &str, storage: Uuid) -> FolderMappingInput {
    FolderMappingInput {
        name: name.into(),
        storage_id: storage,
        enabled: true,
        definition: json!({"remote_path": format!("/{name}"), "note": DIFFICULT}),
    }
}

/// A mapping of this name, which is due now.
pub(crate) async fn mapping(store: &Store, connection: Uuid, name: &str, storage: Uuid) -> FolderMapping {
    let mappings = store.folder_mappings();
    mappings
        .insert(
            connection,
            input(name, storage),
            Some(now()),
            of("folder_mapping_created"),
        )
        .await
        .unwrap()
}

async fn two(db: &Database) -> (Connection, Storage) {
    (some(db, "partner").await, storage(db, "default").await)
}

async fn a_mapping_comes_back_as_it_went(db: Database) {
    let (connection, storage) = two(&db).await;
    let due = Some(now() + SignedDuration::from_secs(300));
    let mappings = db.folder_mappings();
    let made = mappings
        .insert(
            connection.id,
            input(DIFFICULT, storage.id),
            due,
            of("folder_mapping_created"),
        )
        .await
        .unwrap();
    assert_eq!(mappings.get(made.id).await.unwrap(), made);
    assert_eq!((made.next_run_at, made.failures), (due, 0));
    assert_eq!(made.health.as_str(), "unknown");

    for (connection, storage) in [(new_id(), storage.id), (connection.id, new_id())] {
        let nobodys = mappings.insert(connection, input("other", storage), None, of("never"));
        assert!(matches!(nobodys.await, Err(Error::NotFound { .. })));
    }
    mappings
        .delete(made.id, of("folder_mapping_deleted"))
        .await
        .unwrap();
    let gone = Error::NotFound {
        what: "folder mapping",
    };
    assert_eq!(
        mappings.get(made.id).await.unwrap_err().to_string(),
        gone.to_string()
    );
    assert_eq!(
        recorded(&db).await,
        [
            "storage_created",
            "folder_mapping_created",
            "folder_mapping_deleted"
        ]
    );
}

async fn a_name_is_its_connections_own(db: Database) {
    let (connection, storage) = two(&db).await;
    let other = some(&db, "another").await;
    let one = mapping(&db, connection.id, "inbox", storage.id).await;
    mapping(&db, other.id, "inbox", storage.id).await;
    let two = mapping(&db, connection.id, "outbox", storage.id).await;
    let mappings = db.folder_mappings();
    let same = mappings.insert(connection.id, input("inbox", storage.id), None, of("never"));
    let is_taken = |error: Error| {
        matches!(
            error,
            Error::Duplicate {
                field: "name",
                what: "folder mapping"
            }
        )
    };
    assert!(is_taken(same.await.unwrap_err()));
    let renamed = mappings.update(
        two.id,
        two.updated_at,
        input("inbox", storage.id),
        Anew::default(),
        of_both("never"),
    );
    assert!(is_taken(renamed.await.unwrap_err()));
    assert_eq!(mappings.get(one.id).await.unwrap(), one);
}

async fn a_change_keeps_what_it_does_not_name(db: Database) {
    let (connection, storage) = two(&db).await;
    let made = mapping(&db, connection.id, "inbox", storage.id).await;
    let mappings = db.folder_mappings();
    let change = FolderMappingInput {
        name: "letters".into(),
        ..input("inbox", storage.id)
    };
    let kept = mappings
        .update(
            made.id,
            made.updated_at,
            change.clone(),
            Anew::default(),
            of_both("folder_mapping_changed"),
        )
        .await
        .unwrap();
    assert!(kept.updated_at > made.updated_at);
    let expected = FolderMapping {
        name: "letters".into(),
        updated_at: kept.updated_at,
        ..made
    };
    assert_eq!(kept, expected);

    let change = FolderMappingInput {
        enabled: false,
        ..change
    };
    let anew = Anew {
        next_run_at: Some(None),
        health: true,
    };
    let paused = mappings
        .update(
            kept.id,
            kept.updated_at,
            change,
            anew,
            of_both("folder_mapping_changed"),
        )
        .await
        .unwrap();
    assert_eq!((paused.enabled, paused.next_run_at), (false, None));
    assert_eq!(mappings.get(made.id).await.unwrap(), paused);
}

async fn of_two_changes_at_once_one_is_told(db: Database) {
    let (connection, storage) = two(&db).await;
    let made = mapping(&db, connection.id, "inbox", storage.id).await;
    let changes = (0..4).map(|n| {
        let change = input(&format!("name {n}"), storage.id);
        let mappings = db.folder_mappings();
        async move {
            mappings
                .update(
                    made.id,
                    made.updated_at,
                    change,
                    Anew::default(),
                    of_both("folder_mapping_changed"),
                )
                .await
        }
    });
    let (done, refused): (Vec<_>, Vec<_>) = join_all(changes).await.into_iter().partition(Result::is_ok);
    assert_eq!((done.len(), refused.len()), (1, 3));
    for refused in refused {
        assert!(matches!(refused, Err(Error::Conflict(_))));
    }
}

async fn what_a_mapping_needs_is_not_deleted(db: Database) {
    let (connection, storage) = two(&db).await;
    let made = mapping(&db, connection.id, "inbox", storage.id).await;
    let Err(Error::InUse { what, by }) = db.connections().delete(connection.id, Vec::new()).await else {
        panic!("the connection is in use");
    };
    assert_eq!(
        (what, by.as_slice()),
        ("connection", &["the folder mapping \"inbox\"".to_owned()][..])
    );
    let by = db.folder_mappings().using_storage(storage.id).await.unwrap();
    assert_eq!(by, ["the folder mapping \"inbox\" of \"partner\""]);
    assert!(db.storages().delete(storage.id, of("never")).await.is_err());
    db.folder_mappings()
        .delete(made.id, of("folder_mapping_deleted"))
        .await
        .unwrap();
    db.storages()
        .delete(storage.id, of("storage_deleted"))
        .await
        .unwrap();
    db.connections().delete(connection.id, Vec::new()).await.unwrap();
}

async fn one_that_pulls_is_not_deleted(db: Database) {
    let (connection, storage) = two(&db).await;
    let made = mapping(&db, connection.id, "inbox", storage.id).await;
    let mut execution = new_execution(made.id, "inbox");
    execution.origin = Origin::Mapping(made.id);
    let executions = db.executions();
    let execution = executions
        .enqueue(execution, of("folder_mapping_run"))
        .await
        .unwrap();
    let mappings = db.folder_mappings();
    let refused = mappings.delete(made.id, of("never")).await.unwrap_err();
    assert!(matches!(&refused, Error::Conflict(why) if why.contains(&execution.id.to_string())));
    let taken = executions
        .claim(execution.id, &life(&db, "node").await)
        .await
        .unwrap();
    let claim = taken.unwrap().claim();
    assert!(mappings.delete(made.id, of("never")).await.is_err());
    executions
        .release(claim, ExecutionState::Completed, None, None)
        .await
        .unwrap();
    mappings
        .delete(made.id, of("folder_mapping_deleted"))
        .await
        .unwrap();
}

/// A job's step pulls it, which the mapping's own executions don't tell.
async fn one_that_a_job_pulls_is_not_deleted(db: Database) {
    let (connection, storage) = two(&db).await;
    let made = mapping(&db, connection.id, "inbox", storage.id).await;
    let (executions, mappings) = (db.executions(), db.folder_mappings());
    let job = new_execution(new_id(), "nightly");
    let job = executions.enqueue(job, of("execution_queued")).await.unwrap();
    let taken = executions.claim(job.id, &life(&db, "node").await).await.unwrap();
    let claim = taken.unwrap().claim();
    mappings.hold(claim, made.id).await.unwrap();
    let refused = mappings.delete(made.id, of("never")).await.unwrap_err();
    assert!(matches!(&refused, Error::Conflict(why) if why.contains(&job.id.to_string())));
    let released = executions.release(claim, ExecutionState::Failed, None, None);
    released.await.unwrap();
    let deleted = mappings.delete(made.id, of("folder_mapping_deleted"));
    deleted.await.unwrap();
}

async fn mappings_are_found_by_what_they_are(db: Database) {
    let (connection, first) = two(&db).await;
    let (other, second) = (some(&db, "another").await, storage(&db, "archive").await);
    let inbox = mapping(&db, connection.id, "Inbox", first.id).await;
    let letters = mapping(&db, connection.id, "letters", second.id).await;
    let theirs = mapping(&db, other.id, "inbox", first.id).await;
    let found = async |filter: FolderMappingFilter| {
        let all = walk(1, async |page: PageRequest| {
            db.folder_mappings().list(&filter, &page).await
        });
        let ids: Vec<Uuid> = all.await.into_iter().map(|mapping| mapping.id).collect();
        ids
    };
    let all = FolderMappingFilter::default();
    assert_eq!(found(all.clone()).await, [inbox.id, letters.id, theirs.id]);
    let of = FolderMappingFilter {
        connection_id: Some(connection.id),
        ..all.clone()
    };
    assert_eq!(found(of).await, [inbox.id, letters.id]);
    let to = FolderMappingFilter {
        storage_id: Some(first.id),
        ..all.clone()
    };
    assert_eq!(found(to).await, [inbox.id, theirs.id]);
    let named = FolderMappingFilter {
        search: Some("INBOX".into()),
        ..all.clone()
    };
    assert_eq!(found(named).await, [inbox.id, theirs.id]);
    let disabled = FolderMappingFilter {
        enabled: Some(false),
        ..all
    };
    assert_eq!(found(disabled).await, Vec::<Uuid>::new());
    let of = db
        .folder_mappings()
        .of_connections(&[other.id, connection.id])
        .await;
    assert_eq!(of.unwrap().len(), 3);
    let several = db.connections().several(&[other.id, new_id()]).await.unwrap();
    assert_eq!(several, [other]);
}
