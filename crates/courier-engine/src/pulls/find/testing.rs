//! What the tests of finding share.

use std::sync::Arc;

use courier_store::{
    Store,
    audit::{Authenticator, NewAudit},
    executions::{Execution, NewExecution, NewStep, Origin},
    new_id,
    pulls::{AfterState, Entry, Group, Identity, Modified, NewPull, Pulled, Puller, Sighting},
};
use courier_transfer::{Client, RemotePath, memory::Memory};
use futures::TryStreamExt;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use super::{Batch, Find, Purpose, Verdict};
use crate::{
    Result,
    folder_mappings::{AfterPull, MappingDefinition, MappingIdentity, Timing},
};

/// What a mapping of the folder `in` says where nobody has said more.
pub(crate) fn definition() -> MappingDefinition {
    let ignore = [
        ".*",
        "*.tmp",
        "*.temp",
        "*.part",
        "*.partial",
        "*.filepart",
        "*.crdownload",
        "*.swp",
        "~*",
        "*~",
    ];
    MappingDefinition {
        remote_path: RemotePath::new("in").expect("a path"),
        pattern: "*".into(),
        recursive: false,
        storage_id: Uuid::nil(),
        prefix: String::new(),
        timing: Timing::Interval(300),
        ignore: ignore.map(str::to_owned).into(),
        min_age_sec: 2,
        require_stable: false,
        marker_suffix: None,
        identity: MappingIdentity::PathAndVersion,
        after_pull: AfterPull::Keep,
        move_to: None,
    }
}

pub(super) fn path(text: impl AsRef<[u8]>) -> RemotePath {
    RemotePath::new(text).unwrap()
}

thread_local! {
    /// When the test began, each of which has a thread of its own.
    static BEGUN: i64 = Timestamp::now().as_second();
}

/// So many seconds before the test began; always the same.
pub(super) fn ago(seconds: i64) -> Timestamp {
    Timestamp::from_second(BEGUN.with(|begun| *begun) - seconds).unwrap()
}

#[derive(Debug)]
struct AnyKey;

impl Authenticator for AnyKey {
    fn authenticate(&self, _: &[u8]) -> [u8; 32] {
        [7; 32]
    }
}

/// A server in memory, a store, and a mapping.
pub(super) struct Scene {
    pub(super) server: Memory,
    pub(super) client: Arc<dyn Client>,
    pub(super) store: Store,
    pub(super) definition: MappingDefinition,
    pub(super) mapping: Uuid,
    puller: Puller,
}

impl Scene {
    pub(super) async fn new() -> Self {
        let server = Memory::default();
        server.put(&path("in/.keep"), "");
        let client = server.connect();
        let store = Store::open("sqlite::memory:").await.unwrap();
        store.chain_audit_with(Arc::new(AnyKey)).unwrap();
        let (connection, mapping) = (new_id(), new_id());
        let execution = NewExecution {
            origin: Origin::Mapping(mapping),
            job_name: "in".into(),
            triggered_by: "test".into(),
            context: json!({}),
            steps: vec![NewStep {
                name: None,
                step_type: "remote.pull".into(),
            }],
            max_instances: None,
            scheduled_at: None,
            timezone: None,
        };
        let executions = store.executions();
        let audit = |_: &Execution| NewAudit::new("execution_queued", "test");
        let queued = executions.enqueue(execution, audit).await.unwrap();
        let node = executions.join("test").await.unwrap();
        let taken = executions.claim(queued.id, &node.life()).await.unwrap().unwrap();
        Self {
            client,
            server,
            definition: definition(),
            mapping,
            puller: Puller {
                claim: taken.claim(),
                connection,
                mapping,
                identity: Identity::PathAndVersion,
            },
            store,
        }
    }

    /// Puts a file into the mapped folder, which was changed so many seconds ago.
    pub(super) fn put(&self, relative: &str, content: &str, age: i64) {
        let file = path("in").join_below(&path(relative));
        self.server.put_modified(&file, content, ago(age));
    }

    fn find(&self, purpose: Purpose) -> Find<'_> {
        Find {
            store: &self.store,
            client: self.client.clone(),
            connection: self.puller.connection,
            mapping: self.mapping,
            definition: &self.definition,
            purpose,
        }
    }

    pub(super) async fn batches(&self, purpose: Purpose) -> Result<Vec<Batch>> {
        self.find(purpose).batches().try_collect().await
    }

    /// What becomes of each object, by its path in the mapped folder, sorted.
    pub(super) async fn verdicts(&self, purpose: Purpose) -> Vec<(String, Verdict)> {
        let batches = self.batches(purpose).await.unwrap();
        let looked = batches.into_iter().flat_map(|batch| batch.looked);
        let mut told: Vec<_> = looked
            .filter(|looked| looked.relative != path(".keep"))
            .map(|looked| (looked.relative.to_text(), looked.verdict))
            .collect();
        told.sort_by(|a, b| a.0.cmp(&b.0));
        told
    }

    /// What is pulled, sorted.
    pub(super) async fn pulled(&self) -> Vec<String> {
        let verdicts = self.verdicts(Purpose::Pull).await;
        let pulled = verdicts
            .into_iter()
            .filter(|(_, verdict)| matches!(verdict, Verdict::Pull { .. }));
        pulled.map(|(path, _)| path).collect()
    }

    /// How a file that wasn't ready was seen last.
    pub(super) async fn noted(&self, relative: &str) -> Option<Sighting> {
        let file = path("in").join_below(&path(relative));
        let pulls = self.store.pulls();
        let sightings = pulls.sightings(self.mapping, &[file.as_wire()]).await;
        sightings.unwrap().remove(0)
    }

    /// Notes a pull's beginning in the history, and its end unless it is left open.
    pub(super) async fn note(&self, relative: &str, size: u64, modified: Modified, is_whole: bool) -> Uuid {
        let id = new_id();
        let begin = Group {
            begin: vec![NewPull {
                id,
                path: path("in").join_below(&path(relative)).as_wire().to_vec(),
                size,
                modified,
                storage_id: Uuid::nil(),
                destination: String::new(),
                key: relative.to_owned(),
                replay: None,
            }],
            ..Group::default()
        };
        let record = Group {
            record: vec![Pulled {
                id,
                sha256: [0; 32],
                after: AfterState::None,
            }],
            ..Group::default()
        };
        let groups = [Some(begin), is_whole.then_some(record)];
        for group in groups.into_iter().flatten() {
            let audit = |_: &Entry| NewAudit::new("file_pulled", "test");
            self.store
                .pulls()
                .commit(self.puller, &group, audit)
                .await
                .unwrap();
        }
        id
    }
}

pub(super) fn known(entry: Uuid) -> Verdict {
    Verdict::Known {
        entry,
        after: AfterState::None,
    }
}

pub(super) const HOUR: i64 = 3600;

/// To the minute, as a listing would tell it.
pub(super) fn to_the_minute(at: Timestamp) -> Timestamp {
    at - SignedDuration::from_secs(at.as_second().rem_euclid(60))
}
