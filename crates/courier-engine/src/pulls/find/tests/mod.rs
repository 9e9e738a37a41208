//! Looks through a mapped folder of a server in memory.

mod folder;
mod rest;
mod rough;

use courier_store::pulls::Modified;
use courier_transfer::RemotePath;

use super::{
    Batch, NotYet, Purpose, Verdict,
    testing::{HOUR, Scene, ago, known, path},
};
use crate::folder_mappings::MappingIdentity;

const NEW: Verdict = Verdict::Pull { versions: 0 };

fn told(path: &str, verdict: Verdict) -> (String, Verdict) {
    (path.to_owned(), verdict)
}

#[tokio::test]
async fn everything_in_a_folder_has_its_verdict() {
    let mut scene = Scene::new().await;
    scene.definition.pattern = "*.csv".into();
    for name in ["a.csv", "b.csv", "c.txt", "d.csv.tmp", ".e.csv", "sub/f.csv"] {
        scene.put(name, "1", HOUR);
    }
    scene.server.link(&path("in/l.csv"), &path("in/a.csv"));
    scene.server.show(&path("in"), b"bad\nname.csv");
    let ignored = |by: &str| Verdict::Ignored { by: by.into() };
    let verdicts = scene.verdicts(Purpose::Pull).await;
    let expected = [
        told(".e.csv", ignored(".*")),
        told("a.csv", NEW),
        told("b.csv", NEW),
        told("c.txt", Verdict::NotMatching),
        told("d.csv.tmp", ignored("*.tmp")),
        told("l.csv", Verdict::Link),
    ];
    assert_eq!(verdicts, expected);
    let batches = scene.batches(Purpose::Tell).await.unwrap();
    let unreadable: Vec<_> = batches.iter().flat_map(|batch| &batch.unreadable).collect();
    assert_eq!(unreadable.len(), 1);
    assert_eq!(
        (&unreadable[0].folder, &*unreadable[0].raw),
        (&path("in"), "bad\\nname.csv")
    );
}

#[tokio::test]
async fn folders_are_looked_into_but_for_ignored_ones_and_that_of_moved_files() {
    let mut scene = Scene::new().await;
    scene.definition.pattern = "**/*.csv".into();
    scene.definition.recursive = true;
    scene.definition.ignore.push("old".into());
    scene.definition.move_to = Some(path("done"));
    for name in [
        "a.csv",
        "x/b.csv",
        "x/y/z/c.csv",
        "x/old/d.csv",
        "done/e.csv",
        "x/done/f.csv",
    ] {
        scene.put(name, "1", HOUR);
    }
    // A cycle, if it were followed.
    scene.server.link(&path("in/x/up"), &path("in"));
    assert_eq!(
        scene.pulled().await,
        ["a.csv", "x/b.csv", "x/done/f.csv", "x/y/z/c.csv"]
    );
    // The same folder by another name.
    scene.definition.move_to = Some(path("/home/in/done"));
    assert_eq!(
        scene.pulled().await,
        ["a.csv", "x/b.csv", "x/done/f.csv", "x/y/z/c.csv"]
    );
    scene.definition.recursive = false;
    assert_eq!(scene.pulled().await, ["a.csv"]);
}

#[tokio::test]
async fn the_history_knows_each_version() {
    let mut scene = Scene::new().await;
    scene.put("a.csv", "1", HOUR);
    scene.put("b.csv", "1", HOUR);
    let a = scene.note("a.csv", 1, Modified::exact(ago(HOUR)), true).await;
    let b = scene.note("b.csv", 1, Modified::exact(ago(HOUR)), false).await;
    let expected = [
        told("a.csv", known(a)),
        told("b.csv", Verdict::Begun { entry: b }),
    ];
    assert_eq!(scene.verdicts(Purpose::Pull).await, expected);

    // Another size, another time, both.
    let second = Verdict::Pull { versions: 1 };
    for (content, age) in [("22", HOUR), ("1", HOUR - 60), ("22", HOUR + 60)] {
        scene.put("a.csv", content, age);
        let verdicts = scene.verdicts(Purpose::Pull).await;
        assert_eq!(
            verdicts.first(),
            Some(&told("a.csv", second.clone())),
            "{content} {age}"
        );
    }
    scene.definition.identity = MappingIdentity::Path;
    assert_eq!(scene.verdicts(Purpose::Pull).await, expected);
}

#[tokio::test]
async fn many_files_come_in_batches() {
    let scene = Scene::new().await;
    for n in 0..2_500 {
        scene.put(&format!("{n}.csv"), "1", HOUR);
    }
    let batches = scene.batches(Purpose::Pull).await.unwrap();
    let sizes: Vec<usize> = batches.iter().map(|batch| batch.looked.len()).collect();
    assert!(sizes.iter().all(|size| *size <= Batch::MOST), "{sizes:?}");
    assert_eq!(sizes.iter().sum::<usize>(), 2_501);
}

#[tokio::test]
async fn names_are_bytes() {
    let scene = Scene::new().await;
    let file = RemotePath::new(b"in/caf\xe9.csv").unwrap();
    scene.server.put_modified(&file, "1", ago(HOUR));
    let batches = scene.batches(Purpose::Pull).await.unwrap();
    let looked: Vec<_> = batches.iter().flat_map(|batch| &batch.looked).collect();
    assert!(
        looked
            .iter()
            .any(|looked| looked.path == file && looked.verdict == NEW)
    );
}

#[tokio::test]
async fn a_file_waits_for_its_marker() {
    let mut scene = Scene::new().await;
    scene.definition.marker_suffix = Some(".done".into());
    scene.definition.recursive = true;
    for name in [
        "a.csv",
        "a.csv.done",
        "b.csv",
        "sub/b.csv.done",
        "x.done",
        "sub/0",
        "sub/0.done",
    ] {
        scene.put(name, "1", HOUR);
    }
    let waits = Verdict::NotYet(NotYet::NoMarker);
    let expected = [
        told("a.csv", NEW),
        told("a.csv.done", Verdict::Marker),
        told("b.csv", waits),
        told("sub/0", NEW),
        told("sub/0.done", Verdict::Marker),
        told("sub/b.csv.done", Verdict::Marker),
        told("x.done", Verdict::Marker),
    ];
    assert_eq!(scene.verdicts(Purpose::Pull).await, expected);
    let batches = scene.batches(Purpose::Pull).await.unwrap();
    let markers: Vec<_> = batches
        .iter()
        .flat_map(|batch| &batch.looked)
        .filter_map(|looked| looked.marker.clone())
        .collect();
    assert_eq!(markers, [path("in/a.csv.done"), path("in/sub/0.done")]);
}
