//! A look-up agrees with a list that is searched from end to end.

use courier_store::{
    Store, new_id,
    pulls::{Identity, Modified, NewPull, Precision, Standing, Wanted},
};
use proptest::{prelude::*, test_runner::TestRunner};

use super::{at, audit, begin, file, pull, puller, record};
use crate::{database::Database, executions::life, on_both};

on_both!(
    it_agrees_with_a_list_searched_from_end_to_end,
    a_thousand_versions_of_a_path_are_no_matter,
    many_are_looked_up_at_once,
);

/// A path, a size, a time: few of each, so that they meet.
type Spec = (usize, u64, Option<(i64, Precision)>);

fn paths() -> [Vec<u8>; 5] {
    let long = [b"/".as_slice(), &[b'y'; 3000]].concat();
    let longer = [long.as_slice(), b"z"].concat();
    [
        b"/a".to_vec(),
        b"/A".to_vec(),
        b"/\xff\xc0%_".to_vec(),
        long,
        longer,
    ]
}

fn spec() -> impl Strategy<Value = Spec> {
    let precision = prop::sample::select(Precision::ALL);
    let modified = (0..200_i64, precision).prop_map(|(seconds, precision)| {
        let told = match precision {
            Precision::Exact => seconds,
            Precision::Minute => seconds / 60 * 60,
            Precision::Day => 0,
        };
        (told, precision)
    });
    (0..5_usize, 1..3_u64, prop::option::of(modified))
}

fn modified_of(spec: Option<(i64, Precision)>) -> Modified {
    match spec {
        Some((second, precision)) => Modified {
            at: Some(at(second)),
            precision,
        },
        None => Modified::UNKNOWN,
    }
}

/// Can these be the same moment?
fn meet(a: Modified, b: Modified) -> bool {
    match (a.at, b.at) {
        (None, None) => true,
        (Some(x), Some(y)) => x < y + b.precision.span() && y < x + a.precision.span(),
        _ => false,
    }
}

async fn it_agrees_with_a_list_searched_from_end_to_end(db: Database) {
    let life = life(&db, "n").await;
    let here = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        let config = ProptestConfig {
            cases: 40,
            failure_persistence: None,
            ..ProptestConfig::default()
        };
        let stored = prop::collection::vec((spec(), any::<bool>()), 0..12);
        let wanted = prop::collection::vec(spec(), 1..30);
        TestRunner::new(config)
            .run(&(stored, wanted), |(stored, wanted)| {
                here.block_on(agrees(&db, &life, &stored, &wanted));
                Ok(())
            })
            .unwrap();
    });
}

async fn agrees(
    store: &Store,
    life: &courier_store::executions::Life,
    stored: &[(Spec, bool)],
    wanted: &[Spec],
) {
    let connection = new_id();
    let puller = puller(store, life, connection, new_id()).await;
    let paths = paths();
    // What is there: of those that are the same, the first.
    let mut there: Vec<(NewPull, bool)> = Vec::new();
    for ((path, size, modified), is_pulled) in stored {
        let new = NewPull {
            path: paths[*path].clone(),
            ..file("/x", *size, modified_of(*modified))
        };
        let same = |(old, _): &(NewPull, bool)| {
            old.path == new.path && old.size == new.size && old.modified.at == new.modified.at
        };
        let is_new = !there.iter().any(same);
        let files = std::slice::from_ref(&new);
        let ours = store.pulls().commit(puller, &begin(files), audit).await.unwrap();
        assert_eq!(ours, [is_new]);
        if is_new && *is_pulled {
            store.pulls().commit(puller, &record(files), audit).await.unwrap();
        }
        if is_new {
            there.push((new, *is_pulled));
        }
    }
    let files = wanted.iter().map(|(path, size, modified)| Wanted {
        path: &paths[*path],
        size: *size,
        modified: modified_of(*modified),
    });
    let files: Vec<Wanted<'_>> = files.collect();
    for identity in [Identity::PathAndVersion, Identity::Path] {
        let found = store.pulls().look_up(connection, identity, &files).await.unwrap();
        for (file, found) in files.iter().zip(found) {
            let of_path = there.iter().filter(|(old, _)| old.path == file.path);
            let of_path: Vec<_> = of_path.collect();
            let same = of_path
                .iter()
                .filter(|(old, _)| old.size == file.size && meet(old.modified, file.modified));
            // The finished before the begun, the exact before the rough, the late before the early.
            let same = same.max_by_key(|(old, is_pulled)| {
                (
                    *is_pulled,
                    std::cmp::Reverse(old.modified.precision.span()),
                    old.modified.at,
                )
            });
            let is_one_of_them = |id| of_path.iter().any(|(old, _)| old.id == id);
            match (found, same, identity) {
                (Standing::New { versions }, None, Identity::PathAndVersion) => {
                    assert_eq!(versions as usize, of_path.len());
                }
                (Standing::New { versions }, None, Identity::Path) => {
                    assert_eq!((versions, of_path.len()), (0, 0));
                }
                (Standing::Pulled(known), Some((old, true)), _) => {
                    assert_eq!(
                        (known.entry, known.size, known.modified),
                        (old.id, old.size, old.modified)
                    );
                }
                (Standing::Begun { entry, mapping }, Some((old, false)), _) => {
                    assert_eq!((entry, mapping), (old.id, puller.mapping));
                }
                (Standing::Pulled(known), None, Identity::Path) => assert!(is_one_of_them(known.entry)),
                (Standing::Begun { entry, .. }, None, Identity::Path) => assert!(is_one_of_them(entry)),
                (found, same, identity) => panic!("{identity}: {file:?}: {found:?} is not {same:?}"),
            }
        }
    }
}

async fn a_thousand_versions_of_a_path_are_no_matter(db: Database) {
    let life = life(&db, "n").await;
    let connection = new_id();
    let puller = puller(&db, &life, connection, new_id()).await;
    let versions: Vec<NewPull> = (0..1000).map(|n| file("/log", 5, super::modified(n))).collect();
    pull(&db, puller, &versions).await;
    let wanted = |second, precision| Wanted {
        path: b"/log",
        size: 5,
        modified: Modified {
            at: Some(at(second)),
            precision,
        },
    };
    let wanted = [
        wanted(500, Precision::Exact),
        wanted(1000, Precision::Exact),
        wanted(960, Precision::Minute),
        wanted(1000, Precision::Minute),
    ];
    let found = db
        .pulls()
        .look_up(connection, Identity::PathAndVersion, &wanted)
        .await
        .unwrap();
    let entry = |standing| match standing {
        Standing::Pulled(known) => known.entry,
        other => panic!("{other:?}"),
    };
    assert_eq!(entry(found[0]), versions[500].id);
    assert_eq!(
        found[1],
        Standing::New {
            versions: Standing::COUNTED
        }
    );
    assert_eq!(entry(found[2]), versions[999].id);
    assert_eq!(
        found[3],
        Standing::New {
            versions: Standing::COUNTED
        }
    );
    let found = db
        .pulls()
        .look_up(connection, Identity::Path, &wanted[1..2])
        .await
        .unwrap();
    assert_eq!(entry(found[0]), versions[999].id);
}

async fn many_are_looked_up_at_once(db: Database) {
    let life = life(&db, "n").await;
    let connection = new_id();
    let puller = puller(&db, &life, connection, new_id()).await;
    let files: Vec<NewPull> = (0..2501_i64)
        .map(|n| file(&format!("/in/{n}"), 5, super::modified(n)))
        .collect();
    let odd: Vec<NewPull> = files.iter().skip(1).step_by(2).cloned().collect();
    pull(&db, puller, &odd).await;
    let wanted = files.iter().map(|file| Wanted {
        path: &file.path,
        size: file.size,
        modified: file.modified,
    });
    let wanted: Vec<Wanted<'_>> = wanted.collect();
    let found = db
        .pulls()
        .look_up(connection, Identity::PathAndVersion, &wanted)
        .await
        .unwrap();
    assert_eq!(found.len(), files.len());
    for (at, (file, found)) in files.iter().zip(found).enumerate() {
        match found {
            Standing::Pulled(known) => assert_eq!((at % 2, known.entry), (1, file.id)),
            other => assert_eq!((at % 2, other), (0, Standing::New { versions: 0 })),
        }
    }
    let elsewhere = db
        .pulls()
        .look_up(new_id(), Identity::Path, &wanted[..3])
        .await
        .unwrap();
    assert_eq!(elsewhere, [Standing::New { versions: 0 }; 3]);
    assert!(
        db.pulls()
            .look_up(connection, Identity::Path, &[])
            .await
            .unwrap()
            .is_empty()
    );
}
