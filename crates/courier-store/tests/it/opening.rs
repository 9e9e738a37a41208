use courier_store::{
    Error, Kind, Store,
    audit::NewAudit,
    connections::{Connection, ConnectionChange, Outcome},
    settings::Setting,
    users::UserChange,
};
use futures::future::join_all;
use serde_json::json;

use crate::{
    database::Database,
    on_both, postgres,
    records::{of, of_both},
};

on_both!(opening_again_changes_nothing, it_answers);

async fn opening_again_changes_nothing(database: Database) {
    database.settings().set("a", json!(1), "me").await.unwrap();
    let again = database.again().await;
    let Setting { value, .. } = again.settings().get("a").await.unwrap().unwrap();
    assert_eq!(value, json!(1));
}

async fn it_answers(database: Database) {
    database.ping().await.unwrap();
    let sqlite = database.url.starts_with("sqlite");
    assert_eq!(
        database.kind(),
        if sqlite { Kind::Sqlite } else { Kind::Postgres }
    );
    database.close().await.unwrap();
    assert!(matches!(database.ping().await, Err(Error::Unavailable(_))));
    assert!(matches!(
        database.settings().all().await,
        Err(Error::Unavailable(_))
    ));
}

async fn all_at_once(url: &str) {
    let opened = join_all((0..6).map(|_| Store::open(url))).await;
    for store in opened {
        store.unwrap().settings().all().await.unwrap();
    }
}

#[tokio::test]
async fn several_processes_open_a_new_postgres_at_once() {
    let url = tokio::task::spawn_blocking(postgres::new_database).await.unwrap();
    all_at_once(&url).await;
}

#[tokio::test]
async fn several_processes_open_a_new_sqlite_at_once() {
    let folder = tempfile::tempdir().unwrap();
    all_at_once(&format!("sqlite://{}/new.db", folder.path().display())).await;
}

#[tokio::test]
async fn the_file_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let database = Database::sqlite().await;
    database.settings().set("a", json!(1), "me").await.unwrap();
    let mut files = 0;
    for entry in std::fs::read_dir(database.folder.as_ref().unwrap().path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{:?}",
            entry.path()
        );
        files += 1;
    }
    assert_eq!(files, 3, "the database, its log and its index");
}

#[tokio::test]
async fn it_can_live_in_memory() {
    let store = Store::open("sqlite::memory:").await.unwrap();
    let other = Store::open("sqlite::memory:").await.unwrap();
    store.settings().set("a", json!(1), "me").await.unwrap();
    assert_eq!(store.settings().all().await.unwrap().len(), 1);
    assert!(other.settings().all().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_bad_address_says_what_is_wrong_with_it_and_keeps_its_password() {
    let refused = |url: &'static str| async move { Store::open(url).await.unwrap_err() };
    assert!(matches!(
        refused("mysql://me:secret@host/db").await,
        Error::Address(_)
    ));
    let missing = refused("sqlite:///no/such/folder/courier.db").await;
    assert!(
        missing.to_string().contains("/no/such/folder/courier.db"),
        "{missing}"
    );
    let unreachable = refused("postgres://me:secret@127.0.0.1:1/db").await;
    assert!(matches!(unreachable, Error::Unavailable(_)), "{unreachable:?}");
    assert!(!format!("{unreachable:?}").contains("secret"));
    let bad = refused("postgres://me:secret@host:port/db").await;
    assert!(
        matches!(&bad, Error::Address(text) if !text.contains("secret")),
        "{bad:?}"
    );
}

/// Whoever calls the store does it from tasks that move between threads.
#[test]
fn every_change_can_be_spawned() {
    fn send(_: impl Send) {}
    fn check(store: &Store) {
        let id = courier_store::new_id();
        let record = || NewAudit::new("", "");
        let change = || ConnectionChange::new(Connection::new("c", "sftp"), "me");
        send(Store::open(""));
        send(store.connections().insert(change()));
        send(store.connections().update(change()));
        send(store.connections().delete(id, vec![]));
        send(
            store
                .known_hosts()
                .record_presented(Connection::new("c", "sftp").seen(), "", ""),
        );
        send(
            store
                .connections()
                .note(Connection::new("c", "sftp").seen(), Outcome::Healthy),
        );
        send(store.known_hosts().approve(id, "", "", true, of_both("")));
        send(store.connection_keys().add(id, id, "", record()));
        send(
            store
                .connection_keys()
                .revoke(id, id, |_| Ok(NewAudit::new("", ""))),
        );
        send(store.connection_keys().touch(id, id));
        send(store.ssh_keys().delete(id, of("")));
        send(store.executions().join("n"));
        send(store.executions().request_cancel(id, of("")));
        send(store.users().update(id, UserChange::default(), of_both("")));
        send(store.users().delete(id, of("")));
        send(store.users().login_failed(id, courier_store::now(), record()));
        send(store.jobs().delete(id, of("")));
        send(
            store
                .settings()
                .change("", json!(1), "", |_| NewAudit::new("", "")),
        );
        send(store.audit().append(vec![]));
    }
    let _ = check;
}
