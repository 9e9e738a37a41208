//! Storages as admins keep them.

use std::sync::Arc;

use courier_engine::{Environment, Error, PageRequest, storages::DEFAULT};
use sea_orm::{ConnectionTrait, Database};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    fake::Server,
    fixture::{Fixture, admin, fields, map, operator, viewer},
};

const SECRET: &str = "hunter2hunter2";

fn bucket(name: &str) -> Value {
    json!({
        "name": name,
        "url": "s3://lake/inbox?region=eu-central-1",
        "credentials": {"access_key_id": "AKIA", "secret_access_key": SECRET},
    })
}

async fn made(t: &Fixture, input: Value) -> Uuid {
    t.storages().create(&admin(), map(input)).await.unwrap().id
}

async fn sql(t: &Fixture, statement: String) {
    let url = format!("sqlite://{}", t.dir.path().join("courier.db").display());
    let database = Database::connect(url).await.unwrap();
    database.execute_unprepared(&statement).await.unwrap();
}

#[tokio::test]
async fn one_is_there_from_the_start() {
    let t = Fixture::new().await;
    let all = t.storages().list(&admin(), PageRequest::first(10)).await.unwrap();
    let [first] = all.items.as_slice() else {
        panic!("{all:?}")
    };
    let folder = t.dir.path().canonicalize().unwrap().join("storage");
    let details = first.details.as_ref().unwrap();
    assert_eq!((first.name.as_str(), first.scheme.as_str()), (DEFAULT, "file"));
    assert_eq!(details.url, format!("file://{}", folder.display()));
    assert!(details.warnings.is_empty() && folder.is_dir(), "{details:?}");
    assert_eq!(t.storages().default_id().await.unwrap(), first.id);
    let trial = t.storages().test(&admin(), first.id).await.unwrap();
    assert!(
        trial.success && trial.checked == ["write", "no_overwrite", "read", "remove"],
        "{trial:?}"
    );
    assert_eq!(t.audit_of("storage_created").await[0].performed_by, "system");

    // It stays one, also under another name.
    let renamed = map(json!({"name": "archive"}));
    t.storages().patch(&admin(), first.id, renamed).await.unwrap();
    t.shutdown(std::time::Duration::from_secs(5)).await;
    let dir = Arc::clone(&t.dir);
    let t = Fixture::start(dir, Server::new("memory"), Environment::Development)
        .await
        .unwrap();
    let all = t.storages().list(&admin(), PageRequest::first(10)).await.unwrap();
    assert_eq!(all.items.len(), 1);
    assert_eq!(
        fields(&t.storages().default_id().await.unwrap_err()),
        ["storage_id"]
    );
}

#[tokio::test]
async fn every_problem_is_named_at_once() {
    let t = Fixture::new().await;
    let data = t.dir.path().canonicalize().unwrap();
    let folder = |name: &str| json!({"name": "a", "url": format!("file://{}/{name}", data.display())});
    let with = |more: Value| {
        let mut input = map(bucket("a"));
        input.extend(map(more));
        Value::Object(input)
    };
    for (input, mut wrong) in [
        (json!({}), vec!["name", "url"]),
        (
            json!({"name": " a", "url": "ftp://host", "size": 1}),
            vec!["name", "url", "size"],
        ),
        (
            json!({"name": "a", "url": "s3://lake?region=x"}),
            vec!["credentials"],
        ),
        (with(json!({"credentials": null})), vec!["credentials"]),
        (with(json!({"credentials": SECRET})), vec!["credentials"]),
        (
            with(json!({"credentials": {"secret_access_key": "", "token": SECRET}})),
            vec![
                "credentials.access_key_id",
                "credentials.secret_access_key",
                "credentials.token",
            ],
        ),
        (
            with(json!({"url": "azblob://lake"})),
            vec![
                "credentials.access_key_id",
                "credentials.account_name",
                "credentials.secret_access_key",
            ],
        ),
        (
            with(json!({"url": "s3://lake?region=x&auth=environment"})),
            vec!["credentials"],
        ),
        (
            with(json!({"url": format!("file://{}/storage", data.display())})),
            vec!["credentials"],
        ),
        (folder("work"), vec!["url"]),
        (folder(""), vec!["url"]),
        (folder("kek/below"), vec!["url"]),
    ] {
        wrong.sort_unstable();
        let error = t
            .storages()
            .create(&admin(), map(input.clone()))
            .await
            .unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        let mut named = fields(&error);
        named.dedup();
        assert_eq!(named, wrong, "{input}: {error}");
    }
    made(&t, bucket("lake")).await;
    let again = t.storages().create(&admin(), map(bucket("lake"))).await;
    assert!(matches!(again, Err(Error::Duplicate { what: "storage", .. })));
}

#[tokio::test]
async fn only_admins_see_more_than_a_name() {
    let t = Fixture::new().await;
    let id = made(&t, bucket("lake")).await;
    for actor in [viewer(), operator()] {
        let storage = t.storages().get(&actor, id).await.unwrap();
        assert_eq!((storage.name.as_str(), storage.scheme.as_str()), ("lake", "s3"));
        assert_eq!(storage.details, None);
        let all = t.storages().list(&actor, PageRequest::first(10)).await.unwrap();
        assert!(all.items.iter().all(|storage| storage.details.is_none()));
    }
    let details = t.storages().get(&admin(), id).await.unwrap().details.unwrap();
    assert!(
        details.has_credentials && details.warnings.is_empty(),
        "{details:?}"
    );
}

#[tokio::test]
async fn credentials_are_for_one_place() {
    let t = Fixture::new().await;
    let id = made(&t, bucket("lake")).await;
    let patched = async |changes: Value| {
        let storage = t.storages().patch(&admin(), id, map(changes)).await.unwrap();
        storage.details.unwrap()
    };
    let same_bucket = "s3://lake/other?region=eu-central-1";
    assert!(patched(json!({"url": same_bucket})).await.has_credentials);
    let elsewhere = patched(json!({"url": "s3://lake/other?endpoint=http://evil.example"})).await;
    assert!(!elsewhere.has_credentials);
    assert_eq!(elsewhere.warnings.len(), 2, "{elsewhere:?}");
    assert!(!patched(json!({"url": same_bucket})).await.has_credentials);
    let given = bucket("lake")["credentials"].clone();
    assert!(
        patched(json!({"url": "s3://lake?region=x", "credentials": given}))
            .await
            .has_credentials
    );
    assert!(!patched(json!({"credentials": null})).await.has_credentials);
    let said: Vec<Value> = t
        .audit_of("storage_changed")
        .await
        .iter()
        .rev()
        .map(|record| record.details["credentials"].clone())
        .collect();
    assert_eq!(said[0], Value::Null);
    assert!(said[1].as_str().unwrap().starts_with("forgotten"), "{said:?}");
    assert_eq!(said[3..], [json!("set"), json!("cleared")]);
    for record in t.audit_of("storage_created").await {
        assert!(!record.details.to_string().contains("hunter2"));
    }
}

#[tokio::test]
async fn what_is_open_stays_open_until_it_changes() {
    let t = Fixture::new().await;
    let id = t.storages().default_id().await.unwrap();
    let (info, first) = t.storages().open(id).await.unwrap();
    assert_eq!((info.id, info.name.as_str()), (id, DEFAULT));
    let (_, second) = t.storages().open(id).await.unwrap();
    assert!(Arc::ptr_eq(&first, &second));
    let renamed = map(json!({"name": "archive"}));
    t.storages().patch(&admin(), id, renamed).await.unwrap();
    let (info, third) = t.storages().open(id).await.unwrap();
    assert!(!Arc::ptr_eq(&first, &third) && info.name == "archive");
    // Somebody makes a link of the folder, to where Courier has its own.
    let folder = info.url.folder().unwrap();
    std::fs::rename(folder, folder.with_extension("away")).unwrap();
    std::os::unix::fs::symlink(t.dir.path(), folder).unwrap();
    let error = t.storages().open(id).await.map(drop).unwrap_err();
    assert_eq!(error.kind(), "storage_denied", "{error}");
    t.storages().delete(&admin(), id).await.unwrap();
    assert!(matches!(
        t.storages().open(id).await,
        Err(Error::NotFound { what: "storage", .. })
    ));
}

/// Who can write the database leads a storage elsewhere, but not its credentials.
#[tokio::test]
async fn credentials_do_not_follow_a_forged_address() {
    let t = Fixture::new().await;
    let id = made(&t, bucket("lake")).await;
    let evil = "s3://lake?endpoint=https://evil.example/";
    for forgery in [
        format!("url = '{evil}'"),
        format!("url = '{evil}', endpoint = '{evil}'"),
    ] {
        sql(
            &t,
            format!("UPDATE storages SET {forgery}, updated_at = updated_at + 1 WHERE name = 'lake'"),
        )
        .await;
        let error = t.storages().open(id).await.map(drop).unwrap_err();
        assert_eq!(error.kind(), "storage_auth", "{error}");
        let trial = t.storages().test(&admin(), id).await.unwrap();
        assert!(!trial.success && trial.checked.is_empty());
        assert!(trial.error.unwrap().message.contains("another place"));
    }
    let folder = t.dir.path().join("work");
    sql(
        &t,
        format!(
            "UPDATE storages SET url = 'file://{}' WHERE name = 'default'",
            folder.display()
        ),
    )
    .await;
    let default = t.storages().default_id().await.unwrap();
    let error = t.storages().open(default).await.map(drop).unwrap_err();
    assert_eq!(error.kind(), "storage_denied", "{error}");
}

#[tokio::test]
async fn one_is_tested_before_it_is_kept() {
    let t = Fixture::new().await;
    let folder = t.files().join("incoming");
    let input = json!({"url": format!("file://{}", folder.display())});
    let trial = t.storages().test_unsaved(&admin(), map(input)).await.unwrap();
    assert!(trial.success, "{trial:?}");
    let left: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name() != ".courier")
        .collect();
    assert!(left.is_empty(), "{left:?}");
    let all = t.storages().list(&admin(), PageRequest::first(10)).await.unwrap();
    assert_eq!(all.items.len(), 1);
    let record = &t.audit_of("storage_tested").await[0];
    assert_eq!(
        (&record.details["unsaved"], &record.details["success"]),
        (&json!(true), &json!(true))
    );
}
