//! Pulled files: each once.

mod history;
mod look_up;
mod once;
mod replays;
mod sightings;
mod told;

use courier_store::{
    Store,
    audit::NewAudit,
    executions::Life,
    new_id,
    pulls::{AfterState, Entry, Group, Identity, Modified, NewPull, Pulled, Puller},
};
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::executions::enqueue;

/// An execution of a mapping of this connection that runs.
pub(crate) async fn puller(store: &Store, life: &Life, connection: Uuid, mapping: Uuid) -> Puller {
    let execution = enqueue(store, mapping, "orders").await;
    let taken = store.executions().claim(execution.id, life).await.unwrap();
    Puller {
        claim: taken.unwrap().claim(),
        connection,
        mapping,
        identity: Identity::PathAndVersion,
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

pub(crate) fn modified(second: i64) -> Modified {
    Modified::exact(at(second))
}

pub(crate) fn file(path: &str, size: u64, modified: Modified) -> NewPull {
    NewPull {
        id: new_id(),
        path: path.into(),
        size,
        modified,
        storage_id: Uuid::max(),
        destination: format!("s3://in{path}"),
        key: path.trim_start_matches('/').to_owned(),
        replay: None,
    }
}

fn begin(files: &[NewPull]) -> Group {
    Group {
        begin: files.to_vec(),
        ..Group::default()
    }
}

fn pulled(id: Uuid) -> Pulled {
    Pulled {
        id,
        sha256: [7; 32],
        after: AfterState::None,
    }
}

fn record(files: &[NewPull]) -> Group {
    Group {
        record: files.iter().map(|file| pulled(file.id)).collect(),
        ..Group::default()
    }
}

fn audit(entry: &Entry) -> NewAudit {
    NewAudit {
        connection_id: Some(entry.connection_id),
        details: json!({"path": String::from_utf8_lossy(&entry.path)}),
        ..NewAudit::new("file_pulled", "system")
    }
}

/// Pulls these files.
pub(crate) async fn pull(store: &Store, puller: Puller, files: &[NewPull]) {
    let ours = store.pulls().commit(puller, &begin(files), audit).await.unwrap();
    assert_eq!(ours, vec![true; files.len()]);
    store.pulls().commit(puller, &record(files), audit).await.unwrap();
}

/// The whole history of a connection, the newest first, a few at a time.
async fn history(store: &Store, connection: Uuid) -> Vec<Entry> {
    let filter = Default::default();
    crate::database::walk(37, async |page| {
        store.pulls().list(connection, &filter, &page).await
    })
    .await
}
