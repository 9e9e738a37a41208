use courier_store::{
    Error, PageRequest, Store, new_id,
    sealed::Place,
    storages::{Storage, StorageInput},
};
use futures::future::join_all;
use uuid::Uuid;

use crate::{
    connections::some,
    database::{DIFFICULT, Database},
    folder_mappings::{mapping, storage},
    on_both,
    records::{of, of_both, recorded},
};

on_both!(
    a_storage_comes_back_as_it_went,
    a_change_keeps_what_it_does_not_name,
    of_two_changes_at_once_one_is_told,
    what_a_mapping_needs_is_not_deleted,
    credentials_are_among_the_sealed_values,
);

fn input(id: Uuid, name: &str) -> StorageInput {
    StorageInput {
        id,
        name: name.into(),
        url: format!("s3://bucket/{DIFFICULT}"),
        endpoint: "s3://bucket".into(),
        credentials: Some(Some(vec![7; 20])),
        if_updated_at: None,
    }
}

async fn made(store: &Store, name: &str) -> Storage {
    let new = input(new_id(), name);
    store.storages().insert(new, of("storage_created")).await.unwrap()
}

async fn how_many(store: &Store, operation: &str) -> usize {
    let records = recorded(store).await;
    records.iter().filter(|record| *record == operation).count()
}

async fn a_storage_comes_back_as_it_went(db: Database) {
    let storages = db.storages();
    assert_eq!(storages.count().await.unwrap(), 0);
    let first = made(&db, DIFFICULT).await;
    let second = storage(&db, "second").await;
    assert!(first.has_credentials && !second.has_credentials);
    assert_eq!(storages.get(first.id).await.unwrap(), first);
    assert_eq!(storages.by_name(DIFFICULT).await.unwrap(), Some(first.clone()));
    assert_eq!(storages.by_name("none").await.unwrap(), None);
    assert_eq!(
        storages.with_credentials(first.id).await.unwrap(),
        (first.clone(), Some(vec![7; 20]))
    );
    let all = storages.list(&PageRequest::first(10)).await.unwrap();
    assert_eq!(all.items, [first, second]);
    assert_eq!(storages.count().await.unwrap(), 2);
    let again = storages
        .insert(input(new_id(), DIFFICULT), of("storage_created"))
        .await;
    assert!(matches!(
        again,
        Err(Error::Duplicate {
            what: "storage",
            field: "name"
        })
    ));
    assert!(matches!(
        storages.get(new_id()).await,
        Err(Error::NotFound { what: "storage" })
    ));
    assert_eq!(how_many(&db, "storage_created").await, 2);
}

async fn a_change_keeps_what_it_does_not_name(db: Database) {
    let before = made(&db, "a").await;
    let mut change = input(before.id, "b");
    change.credentials = None;
    let after = db
        .storages()
        .update(change, of_both("storage_changed"))
        .await
        .unwrap();
    assert!(after.has_credentials && after.name == "b" && after.updated_at > before.updated_at);
    let mut change = input(before.id, "b");
    change.credentials = Some(None);
    let after = db
        .storages()
        .update(change, of_both("storage_changed"))
        .await
        .unwrap();
    assert!(!after.has_credentials);
    assert_eq!(db.storages().with_credentials(before.id).await.unwrap().1, None);
    assert_eq!(how_many(&db, "storage_changed").await, 2);
}

async fn of_two_changes_at_once_one_is_told(db: Database) {
    let before = made(&db, "a").await;
    let storages = db.storages();
    let change = |name: &'static str| {
        let mut change = input(before.id, name);
        change.if_updated_at = Some(before.updated_at);
        storages.update(change, of_both("storage_changed"))
    };
    let changed = join_all([change("b"), change("c")]).await;
    let told = changed
        .iter()
        .filter(|one| matches!(one, Err(Error::Conflict(_))));
    assert_eq!(told.count(), 1, "{changed:?}");
    assert_eq!(changed.iter().filter(|one| one.is_ok()).count(), 1);
}

async fn what_a_mapping_needs_is_not_deleted(db: Database) {
    let connection = some(&db, "partner").await;
    let (used, free) = (made(&db, "used").await, made(&db, "free").await);
    let mapping = mapping(&db, connection.id, "inbox", used.id).await;
    let delete = async |id| db.storages().delete(id, of("storage_deleted")).await;
    match delete(used.id).await {
        Err(Error::InUse { what: "storage", by }) => assert!(by[0].contains("inbox"), "{by:?}"),
        other => panic!("{other:?}"),
    }
    delete(free.id).await.unwrap();
    assert!(matches!(delete(free.id).await, Err(Error::NotFound { .. })));
    let mappings = db.folder_mappings();
    mappings
        .delete(mapping.id, of("folder_mapping_deleted"))
        .await
        .unwrap();
    delete(used.id).await.unwrap();
    assert_eq!(how_many(&db, "storage_deleted").await, 2);
}

async fn credentials_are_among_the_sealed_values(db: Database) {
    let storage = made(&db, "a").await;
    let (mut all, mut last) = (Vec::new(), None);
    loop {
        let page = db.sealed().page(last.as_ref()).await.unwrap();
        let Some(end) = page.last() else { break };
        last = Some(end.place.clone());
        all.extend(page);
    }
    let place = Place::Storage(storage.id);
    let ours = all.iter().find(|value| value.place == place).unwrap();
    assert_eq!(
        (ours.blob.as_slice(), ours.endpoint.as_deref()),
        (&[7; 20][..], Some("s3://bucket"))
    );
    assert!(db.sealed().replace(ours, vec![8; 20]).await.unwrap());
    assert!(!db.sealed().replace(ours, vec![9; 20]).await.unwrap());
    assert_eq!(
        db.storages().with_credentials(storage.id).await.unwrap().1,
        Some(vec![8; 20])
    );
}
