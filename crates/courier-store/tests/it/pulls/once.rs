//! That each file is there once, whoever races and whatever is lost.

use std::collections::BTreeSet;

use courier_store::{
    Error, Store,
    audit::AuditFilter,
    executions::ExecutionState,
    folder_mappings::{Anew, FolderMappingInput},
    new_id,
    pulls::{AfterState, Entry, Group, Identity, Modified, NewPull, Puller, Standing, Wanted},
};
use futures::future::join_all;
use uuid::Uuid;

use super::{audit, begin, file, history, modified, pull, pulled, puller, record};
use crate::{
    connections::some,
    database::Database,
    executions::life,
    folder_mappings::{mapping, storage},
    on_both,
    records::of_both,
};

on_both!(
    of_those_who_race_one_gets_a_file,
    a_path_is_enough_where_the_mapping_says_so,
    a_lost_claim_writes_nothing,
    a_group_may_be_committed_again,
    what_is_left_over_is_found_and_settled,
    what_a_disabled_mapping_has_left_is_settled_by_another,
    what_is_left_of_a_connection_goes_with_it,
    what_is_gone_is_not_recorded,
    what_became_of_a_file_is_kept,
    a_storage_knows_what_is_on_its_way,
    who_was_taken_over_from_harms_nobody,
);

async fn recorded(store: &Store, connection: Uuid) -> usize {
    let filter = AuditFilter {
        connection_id: Some(connection),
        operation: Some("file_pulled".into()),
        ..Default::default()
    };
    store.audit().oldest(&filter, None, 10_000).await.unwrap().len()
}

async fn begin_all(store: &Store, puller: Puller, files: Vec<NewPull>) -> Vec<NewPull> {
    let mut ours = Vec::new();
    for group in files.chunks(7) {
        let answers = store.pulls().commit(puller, &begin(group), audit).await.unwrap();
        let begun = group.iter().zip(answers).filter(|(_, ours)| *ours);
        ours.extend(begun.map(|(file, _)| file.clone()));
    }
    ours
}

async fn of_those_who_race_one_gets_a_file(db: Database) {
    let other = match db.kind() {
        courier_store::Kind::Postgres => db.again().await,
        courier_store::Kind::Sqlite => db.store.clone(),
    };
    let life = life(&db, "n").await;
    for identity in [Identity::PathAndVersion, Identity::Path] {
        let connection = new_id();
        let racers = (0..6).map(|racer| {
            let (store, life) = (if racer % 2 == 0 { &db.store } else { &other }, &life);
            async move {
                let puller = Puller {
                    identity,
                    ..puller(store, life, connection, new_id()).await
                };
                let mut files: Vec<NewPull> = (0..60_i64)
                    .map(|n| file(&format!("/in/{n}"), 5, modified(n)))
                    .collect();
                // Each goes through them in another order.
                files.rotate_left(racer * 11);
                if racer % 2 == 1 {
                    files.reverse();
                }
                let ours = begin_all(store, puller, files).await;
                store.pulls().commit(puller, &record(&ours), audit).await.unwrap();
                ours.len()
            }
        });
        let got: usize = join_all(racers).await.into_iter().sum();
        assert_eq!(got, 60, "{identity}");
        let entries = history(&db, connection).await;
        let paths: BTreeSet<_> = entries.iter().map(|entry| entry.path.clone()).collect();
        assert_eq!((entries.len(), paths.len()), (60, 60), "{identity}");
        assert_eq!(recorded(&db, connection).await, 60);
    }
}

async fn a_path_is_enough_where_the_mapping_says_so(db: Database) {
    let life = life(&db, "n").await;
    let (connection, mapping) = (new_id(), new_id());
    let by_version = puller(&db, &life, connection, mapping).await;
    let by_path = Puller {
        identity: Identity::Path,
        ..by_version
    };
    pull(&db, by_version, &[file("/a", 1, modified(0))]).await;
    let files = [
        file("/a", 2, modified(1)),
        file("/b", 1, modified(0)),
        file("/b", 2, modified(1)),
        file("/b", 1, Modified::UNKNOWN),
    ];
    let commit = db.pulls().commit(by_path, &begin(&files), audit).await;
    assert_eq!(commit.unwrap(), [false, true, false, false]);
    let commit = db.pulls().commit(by_version, &begin(&files), audit).await;
    // The one of before is ours as it was.
    assert_eq!(commit.unwrap(), [true, true, true, true]);
    let again = [
        file("/b", 1, Modified::UNKNOWN),
        file("/b", 1, modified(0)),
        file("/b", 9, modified(0)),
        file("/b", 9, modified(0)),
    ];
    let commit = db.pulls().commit(by_version, &begin(&again), audit).await;
    assert_eq!(commit.unwrap(), [false, false, true, false]);
}

async fn a_lost_claim_writes_nothing(db: Database) {
    let life = life(&db, "n").await;
    let connection = new_id();
    let lost = puller(&db, &life, connection, new_id()).await;
    let files = [file("/a", 1, modified(0)), file("/b", 1, modified(0))];
    let commit = db.pulls().commit(lost, &begin(&files), audit).await;
    assert_eq!(commit.unwrap(), [true, true]);
    let executions = db.executions();
    let released = executions.release(lost.claim, ExecutionState::Queued, None, None);
    let id = released.await.unwrap().id;
    let again = executions.claim(id, &life).await.unwrap().unwrap();
    let holder = Puller {
        claim: again.claim(),
        ..lost
    };
    let group = Group {
        begin: vec![file("/c", 1, modified(0))],
        record: vec![pulled(files[0].id)],
        drop: vec![files[1].id],
        rekey: vec![(files[0].id, "x".into(), "x".into())],
        ..Group::default()
    };
    let commit = db.pulls().commit(lost, &group, audit).await;
    assert!(matches!(commit, Err(Error::Conflict(_))), "{commit:?}");
    let opened = db.pulls().open(lost).await;
    assert!(matches!(opened, Err(Error::Conflict(_))), "{opened:?}");
    let open = db.pulls().open(holder).await.unwrap();
    let paths: Vec<&[u8]> = open.iter().map(|intent| &*intent.path).collect();
    assert_eq!(paths, [b"/a", b"/b"]);
    assert_eq!(open[0].key, "a");
    assert!(history(&db, connection).await.is_empty());
    assert_eq!(recorded(&db, connection).await, 0);
}

/// The answer to a commit may be lost with the database's connection.
async fn a_group_may_be_committed_again(db: Database) {
    let life = life(&db, "n").await;
    let connection = new_id();
    let puller = puller(&db, &life, connection, new_id()).await;
    let first = [file("/a", 1, modified(0)), file("/b", 1, modified(0))];
    let next = [file("/c", 1, modified(0)), file("/a", 1, modified(0))];
    db.pulls().commit(puller, &begin(&first), audit).await.unwrap();
    let group = Group {
        begin: next.to_vec(),
        ..record(&first)
    };
    for _ in 0..3 {
        let commit = db.pulls().commit(puller, &group, audit).await;
        assert_eq!(commit.unwrap(), [true, false]);
    }
    assert_eq!(history(&db, connection).await.len(), 2);
    assert_eq!(recorded(&db, connection).await, 2);
    assert_eq!(db.pulls().open(puller).await.unwrap().len(), 1);
}

async fn what_is_left_over_is_found_and_settled(db: Database) {
    let life = life(&db, "n").await;
    let connection = new_id();
    let dead = puller(&db, &life, connection, new_id()).await;
    let elsewhere = puller(&db, &life, new_id(), new_id()).await;
    let files = [
        file("/whole", 1, modified(0)),
        file("/torn", 1, modified(0)),
        NewPull {
            path: [b"/\xff\xfe".as_slice(), &[b'x'; 4000]].concat(),
            ..file("/odd", 1, Modified::UNKNOWN)
        },
    ];
    db.pulls().commit(dead, &begin(&files), audit).await.unwrap();
    let away = [file("/whole", 1, modified(0))];
    db.pulls().commit(elsewhere, &begin(&away), audit).await.unwrap();
    // The mapping of both is none that is there, so another of the same connection has to see to it.
    let heir = puller(&db, &life, connection, new_id()).await;
    let open = db.pulls().open(heir).await.unwrap();
    let found: Vec<_> = open.iter().map(|i| (i.id, i.path.clone(), i.modified)).collect();
    let begun: Vec<_> = files.iter().map(|f| (f.id, f.path.clone(), f.modified)).collect();
    assert_eq!(found, begun);
    let settle = Group {
        record: vec![pulled(files[0].id)],
        drop: vec![files[1].id, files[2].id],
        // What was dropped can be begun again at once.
        begin: vec![file("/torn", 1, modified(0))],
        ..Group::default()
    };
    let commit = db.pulls().commit(heir, &settle, audit).await;
    assert_eq!(commit.unwrap(), [true]);
    let entries = history(&db, connection).await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].execution_id, heir.claim.execution);
    assert_eq!(db.pulls().open(elsewhere).await.unwrap().len(), 1);
}

async fn what_a_disabled_mapping_has_left_is_settled_by_another(db: Database) {
    let life = life(&db, "n").await;
    let (connection, storage) = (some(&db, "partner").await.id, storage(&db, "default").await.id);
    let made = mapping(&db, connection, "inbox", storage).await;
    let old = puller(&db, &life, connection, made.id).await;
    db.folder_mappings().hold(old.claim, made.id).await.unwrap();
    let left = [file("/a", 1, modified(0))];
    db.pulls().commit(old, &begin(&left), audit).await.unwrap();
    let heir = puller(&db, &life, connection, new_id()).await;
    let open = async || db.pulls().open(heir).await.unwrap().len();
    let change = async |enabled: bool| {
        let mappings = db.folder_mappings();
        let before = mappings.get(made.id).await.unwrap();
        let input = FolderMappingInput {
            name: before.name,
            storage_id: storage,
            enabled,
            definition: before.definition,
        };
        let record = of_both("folder_mapping_changed");
        let changed = mappings.update(made.id, before.updated_at, input, Anew::default(), record);
        changed.await.unwrap();
    };
    change(false).await;
    assert_eq!(open().await, 0, "it is being pulled");
    let executions = db.executions();
    let released = executions.release(old.claim, ExecutionState::Paused, None, None);
    released.await.unwrap();
    change(true).await;
    assert_eq!(open().await, 0, "it sees to them itself");
    change(false).await;
    assert_eq!(open().await, 1);
    assert_eq!(open().await, 1, "as often as it is asked");
}

async fn what_is_left_of_a_connection_goes_with_it(db: Database) {
    let life = life(&db, "n").await;
    let connection = some(&db, "partner").await.id;
    let puller = puller(&db, &life, connection, new_id()).await;
    let files = [file("/a", 1, modified(0)), file("/b", 1, modified(0))];
    db.pulls().commit(puller, &begin(&files), audit).await.unwrap();
    db.pulls()
        .commit(puller, &record(&files[..1]), audit)
        .await
        .unwrap();
    db.connections().delete(connection, Vec::new()).await.unwrap();
    assert_eq!(db.pulls().open_at(Uuid::max()).await.unwrap(), 0);
    assert_eq!(history(&db, connection).await.len(), 1);
}

async fn what_is_gone_is_not_recorded(db: Database) {
    let life = life(&db, "n").await;
    let connection = new_id();
    let puller = puller(&db, &life, connection, new_id()).await;
    let (there, gone) = (file("/a", 1, modified(0)), file("/b", 1, modified(0)));
    db.pulls()
        .commit(puller, &begin(std::slice::from_ref(&there)), audit)
        .await
        .unwrap();
    let group = record(&[there, gone]);
    let commit = db.pulls().commit(puller, &group, audit).await;
    assert!(matches!(commit, Err(Error::Conflict(_))), "{commit:?}");
    assert!(history(&db, connection).await.is_empty());
    assert_eq!(recorded(&db, connection).await, 0);
}

async fn what_became_of_a_file_is_kept(db: Database) {
    let life = life(&db, "n").await;
    let connection = new_id();
    let puller = puller(&db, &life, connection, new_id()).await;
    let files = [file("/a", 1, modified(0)), file("/b", 1, modified(0))];
    db.pulls().commit(puller, &begin(&files), audit).await.unwrap();
    let mut group = record(&files);
    group.record[0].after = AfterState::Pending;
    group.rekey = vec![(files[1].id, "b-2".into(), "s3://in/b-2".into())];
    // What is recorded has its key for good, so a key changes before.
    let rekey = Group {
        rekey: std::mem::take(&mut group.rekey),
        ..Group::default()
    };
    db.pulls().commit(puller, &rekey, audit).await.unwrap();
    db.pulls().commit(puller, &group, audit).await.unwrap();
    let late = Group {
        rekey: vec![(files[0].id, "late".into(), "late".into())],
        seen: vec![files[1].id],
        ..Group::default()
    };
    db.pulls().commit(puller, &late, audit).await.unwrap();
    let entry = db.pulls().get(files[0].id).await.unwrap();
    assert_eq!((entry.after, entry.key.as_str()), (AfterState::Pending, "a"));
    let entry = db.pulls().get(files[1].id).await.unwrap();
    assert_eq!((entry.after, entry.key.as_str()), (AfterState::None, "b-2"));
    assert_eq!(entry.destination, "s3://in/b-2");
    let why = Some("550 it's \0 mine".to_owned());
    let after = Group {
        after: vec![
            (files[0].id, AfterState::Refused, why),
            (files[1].id, AfterState::Done, None),
        ],
        ..Group::default()
    };
    db.pulls().commit(puller, &after, audit).await.unwrap();
    let of = |entry: &Entry| (entry.after, entry.after_detail.clone());
    let entry = db.pulls().get(files[0].id).await.unwrap();
    assert_eq!(
        of(&entry),
        (AfterState::Refused, Some("550 it's \u{fffd} mine".into()))
    );
    let entry = db.pulls().get(files[1].id).await.unwrap();
    assert_eq!(of(&entry), (AfterState::Done, None));
    let wanted = files.each_ref().map(|file| Wanted {
        path: &file.path,
        size: file.size,
        modified: file.modified,
    });
    let pulls = db.pulls();
    let found = pulls.look_up(connection, Identity::PathAndVersion, &wanted);
    let Standing::Pulled(known) = found.await.unwrap()[1] else {
        panic!("it is pulled")
    };
    assert!(known.seen_at.is_some_and(|seen| seen > known.pulled_at));
    assert_eq!(known.after, AfterState::Done);
}

async fn a_storage_knows_what_is_on_its_way(db: Database) {
    let life = life(&db, "n").await;
    let puller = puller(&db, &life, new_id(), new_id()).await;
    let files = [file("/a", 1, modified(0)), file("/b", 1, modified(0))];
    assert_eq!(db.pulls().open_at(Uuid::max()).await.unwrap(), 0);
    db.pulls().commit(puller, &begin(&files), audit).await.unwrap();
    assert_eq!(db.pulls().open_at(Uuid::max()).await.unwrap(), 2);
    assert_eq!(db.pulls().open_at(new_id()).await.unwrap(), 0);
    db.pulls()
        .commit(puller, &record(&files[..1]), audit)
        .await
        .unwrap();
    assert_eq!(db.pulls().open_at(Uuid::max()).await.unwrap(), 1);
}

/// A node that lost its lease goes on for a while, and another has what it ran.
async fn who_was_taken_over_from_harms_nobody(db: Database) {
    let life = life(&db, "n").await;
    let connection = new_id();
    let old = puller(&db, &life, connection, new_id()).await;
    let files = || (0..120_i64).map(|n| file(&format!("/in/{n}"), 5, modified(n)));
    let files: [Vec<NewPull>; 2] = [files().collect(), files().collect()];
    let frozen = async {
        let mut begun: Vec<NewPull> = Vec::new();
        for group in files[0].chunks(6) {
            // What was begun before is recorded with what is begun now.
            let both = Group {
                begin: group.to_vec(),
                ..record(&begun)
            };
            match db.pulls().commit(old, &both, audit).await {
                Ok(ours) => {
                    let ours = group.iter().zip(ours).filter(|(_, ours)| *ours);
                    begun = ours.map(|(file, _)| file.clone()).collect();
                }
                Err(Error::Conflict(_)) => return true,
                Err(other) => panic!("{other}"),
            }
            tokio::task::yield_now().await;
        }
        false
    };
    let takes_over = async {
        while history(&db, connection).await.len() < 20 {
            tokio::task::yield_now().await;
        }
        let executions = db.executions();
        let released = executions.release(old.claim, ExecutionState::Queued, None, None);
        let id = released.await.unwrap().id;
        let claim = executions.claim(id, &life).await.unwrap().unwrap().claim();
        let new = Puller { claim, ..old };
        let open = db.pulls().open(new).await.unwrap();
        let half = open.len() / 2;
        let settle = Group {
            record: open[..half].iter().map(|intent| pulled(intent.id)).collect(),
            drop: open[half..].iter().map(|intent| intent.id).collect(),
            ..Group::default()
        };
        db.pulls().commit(new, &settle, audit).await.unwrap();
        let ours = begin_all(&db, new, files[1].clone()).await;
        db.pulls().commit(new, &record(&ours), audit).await.unwrap();
    };
    let (was_stopped, ()) = tokio::join!(frozen, takes_over);
    assert!(was_stopped);
    let entries = history(&db, connection).await;
    let paths: BTreeSet<_> = entries.iter().map(|entry| entry.path.clone()).collect();
    assert_eq!((entries.len(), paths.len()), (120, 120));
    assert_eq!(recorded(&db, connection).await, 120);
    assert_eq!(db.pulls().open_at(Uuid::max()).await.unwrap(), 0);
}
