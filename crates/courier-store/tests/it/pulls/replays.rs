//! Files that are pulled anew because somebody asked for it.

use courier_store::{
    Error, Store, new_id,
    pulls::{Entry, Group, Identity, NewPull, Puller, Replay, ReplayOf, Standing, Wanted},
};

use super::{audit, begin, file, history, modified, pull, puller, record};
use crate::{database::Database, executions::life, on_both, records::recorded};

on_both!(
    a_replay_is_pulled_once_and_again_when_asked_for_again,
    what_was_asked_for_twice_is_asked_for_once,
    a_replay_of_what_is_gone_ends,
    a_new_version_that_is_replayed_is_not_pulled_beside,
    without_a_record_nothing_is_asked_for,
);

fn asked(entry: &Entry) -> courier_store::audit::NewAudit {
    courier_store::audit::NewAudit {
        operation: "file_replayed".into(),
        ..audit(entry)
    }
}

async fn open(store: &Store, puller: Puller) -> Vec<Replay> {
    store
        .pulls()
        .open_replays(puller.mapping, None, 1000)
        .await
        .unwrap()
}

/// The intent that answers a wish.
fn answer(replay: &Replay) -> NewPull {
    NewPull {
        replay: Some(ReplayOf {
            replay: replay.id,
            entry: replay.entry.id,
        }),
        ..file("/a", replay.entry.size, replay.entry.modified)
    }
}

async fn a_replay_is_pulled_once_and_again_when_asked_for_again(db: Database) {
    let life = life(&db, "n").await;
    let connection = new_id();
    let by_version = puller(&db, &life, connection, new_id()).await;
    let original = file("/a", 1, modified(0));
    pull(&db, by_version, std::slice::from_ref(&original)).await;
    let entry = db.pulls().get(original.id).await.unwrap();
    for (round, identity) in [Identity::PathAndVersion, Identity::Path].into_iter().enumerate() {
        let puller = Puller {
            identity,
            ..by_version
        };
        let ids = db
            .pulls()
            .ask_replays(std::slice::from_ref(&entry), "ann", asked)
            .await;
        assert_eq!(ids.unwrap(), [entry.id]);
        let open_ones = open(&db, puller).await;
        let [replay] = open_ones.as_slice() else {
            panic!("{open_ones:?}")
        };
        assert_eq!((&replay.entry, replay.asked_by.as_str()), (&entry, "ann"));
        let (first, second) = (answer(replay), answer(replay));
        let group = begin(&[first.clone(), second]);
        let ours = db.pulls().commit(puller, &group, audit).await.unwrap();
        assert_eq!(ours, [true, false], "a wish is fulfilled once");
        // After a crash the intent says what it was for.
        let left = db.pulls().open(puller).await.unwrap();
        assert_eq!(left[0].replay, first.replay);
        db.pulls().commit(puller, &record(&[first]), audit).await.unwrap();
        assert!(open(&db, puller).await.is_empty());
        let entries = history(&db, connection).await;
        assert_eq!(entries.len(), round + 2);
        assert_eq!(entries[0].replay_of, Some(entry.id));
    }
    let wanted = Wanted {
        path: b"/a",
        size: 1,
        modified: modified(0),
    };
    let found = db
        .pulls()
        .look_up(connection, Identity::PathAndVersion, &[wanted])
        .await
        .unwrap();
    assert!(matches!(found[0], Standing::Pulled(_)));
}

async fn what_was_asked_for_twice_is_asked_for_once(db: Database) {
    let life = life(&db, "n").await;
    let puller = puller(&db, &life, new_id(), new_id()).await;
    let files: Vec<NewPull> = (0..30_i64)
        .map(|n| file(&format!("/{n}"), 1, modified(n)))
        .collect();
    pull(&db, puller, &files).await;
    let entries = history(&db, puller.connection).await;
    let ids = db
        .pulls()
        .ask_replays(&entries[..20], "ann", asked)
        .await
        .unwrap();
    assert_eq!(ids.len(), 20);
    let ids = db.pulls().ask_replays(&entries, "ben", asked).await.unwrap();
    assert_eq!(ids.len(), 10);
    let records = recorded(&db).await;
    let replayed = records.iter().filter(|operation| *operation == "file_replayed");
    assert_eq!(replayed.count(), 30);
    let some = db.pulls().open_replays(puller.mapping, None, 7).await.unwrap();
    let rest = db
        .pulls()
        .open_replays(puller.mapping, some.last().map(|last| last.id), 1000)
        .await;
    assert_eq!(some.len() + rest.unwrap().len(), 30);
    assert!(
        some.iter()
            .zip(&entries)
            .all(|(replay, entry)| replay.entry == *entry)
    );
    assert!(
        db.pulls()
            .open_replays(new_id(), None, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

/// A file was corrected, and somebody asks for it before the next pull has come.
async fn a_new_version_that_is_replayed_is_not_pulled_beside(db: Database) {
    let life = life(&db, "n").await;
    let puller = puller(&db, &life, new_id(), new_id()).await;
    pull(&db, puller, &[file("/a", 1, modified(0))]).await;
    let entries = history(&db, puller.connection).await;
    db.pulls().ask_replays(&entries, "ann", asked).await.unwrap();
    let wanted = NewPull {
        modified: modified(9),
        ..answer(&open(&db, puller).await[0])
    };
    let listed = || file("/a", 1, modified(9));
    let both = begin(&[wanted, listed()]);
    let commit = db.pulls().commit(puller, &both, audit).await;
    assert_eq!(commit.unwrap(), [true, false]);
    let commit = db.pulls().commit(puller, &begin(&[listed()]), audit).await;
    assert_eq!(commit.unwrap(), [false]);
}

async fn a_replay_of_what_is_gone_ends(db: Database) {
    let life = life(&db, "n").await;
    let puller = puller(&db, &life, new_id(), new_id()).await;
    pull(&db, puller, &[file("/a", 1, modified(0))]).await;
    let entries = history(&db, puller.connection).await;
    db.pulls().ask_replays(&entries, "ann", asked).await.unwrap();
    let group = Group {
        vain: vec![open(&db, puller).await[0].id],
        ..Group::default()
    };
    db.pulls().commit(puller, &group, audit).await.unwrap();
    assert!(open(&db, puller).await.is_empty());
}

async fn without_a_record_nothing_is_asked_for(db: Database) {
    let life = life(&db, "n").await;
    let puller = puller(&db, &life, new_id(), new_id()).await;
    pull(&db, puller, &[file("/a", 1, modified(0))]).await;
    let entries = history(&db, puller.connection).await;
    db.break_audit().await;
    let ids = db.pulls().ask_replays(&entries, "ann", asked).await;
    assert!(matches!(ids, Err(Error::Database(_))), "{ids:?}");
    assert!(open(&db, puller).await.is_empty());
}
