//! Servers whose listings tell times to the minute or to the day.

use courier_store::pulls::{Modified, Precision};
use courier_transfer::{ErrorKind, TimePrecision};

use super::{super::testing::to_the_minute, HOUR, NEW, Purpose, Scene, Verdict, ago, known, told};
use crate::folder_mappings::MappingIdentity;

async fn rough() -> Scene {
    let scene = Scene::new().await;
    scene.server.list_times(TimePrecision::Minute);
    scene
}

fn questions(scene: &Scene) -> usize {
    let operations = scene.server.operations();
    operations
        .iter()
        .filter(|operation| **operation == "stat")
        .count()
}

#[tokio::test]
async fn a_new_file_is_known_exactly_before_it_is_pulled() {
    let scene = rough().await;
    scene.put("a", "1", 3 * HOUR + 7);
    let batches = scene.batches(Purpose::Pull).await.unwrap();
    let looked: Vec<_> = batches.iter().flat_map(|batch| &batch.looked).collect();
    let file = looked.iter().find(|looked| looked.verdict == NEW).unwrap();
    assert_eq!(file.modified, Modified::exact(ago(3 * HOUR + 7)));
}

#[tokio::test]
async fn what_was_pulled_long_after_its_minute_is_believed() {
    let scene = rough().await;
    for age in [40 * HOUR, 1000 * HOUR] {
        scene.put("a", "1", age);
        let entry = scene.note("a", 1, Modified::exact(ago(age)), true).await;
        scene.server.operations();
        assert_eq!(scene.verdicts(Purpose::Pull).await, [told("a", known(entry))]);
        assert_eq!(questions(&scene), 0);
    }
}

#[tokio::test]
async fn what_was_pulled_soon_after_its_minute_is_asked_for() {
    let scene = rough().await;
    let exact = ago(600);
    scene.put("a", "1", 600);
    let entry = scene.note("a", 1, Modified::exact(exact), true).await;
    scene.server.operations();
    assert_eq!(scene.verdicts(Purpose::Pull).await, [told("a", known(entry))]);
    assert_eq!(questions(&scene), 1);
    // A second version within the same minute, of the same size.
    let second = match exact.as_second() % 60 {
        59 => 601,
        _ => 599,
    };
    scene.put("a", "1", second);
    assert_eq!(
        scene.verdicts(Purpose::Pull).await,
        [told("a", Verdict::Pull { versions: 1 })]
    );
}

#[tokio::test]
async fn one_file_tells_of_the_zone() {
    let scene = rough().await;
    for (name, age) in [("a", 3 * HOUR), ("b", 4 * HOUR), ("c", 5 * HOUR)] {
        scene.put(name, "1", age);
        scene.note(name, 1, Modified::exact(ago(age)), true).await;
    }
    scene.server.operations();
    let verdicts = scene.verdicts(Purpose::Pull).await;
    assert!(
        verdicts
            .iter()
            .all(|(_, verdict)| matches!(verdict, Verdict::Known { .. })),
        "{verdicts:?}"
    );
    assert_eq!(questions(&scene), 1);
}

#[tokio::test]
async fn days_are_asked_for_until_they_are_over() {
    let scene = rough().await;
    scene.server.list_times(TimePrecision::Day);
    for (name, age) in [("young", HOUR), ("old", 5000 * HOUR)] {
        scene.put(name, "1", age);
        scene.note(name, 1, Modified::exact(ago(age)), true).await;
    }
    scene.server.operations();
    let verdicts = scene.verdicts(Purpose::Pull).await;
    assert!(
        verdicts
            .iter()
            .all(|(_, verdict)| matches!(verdict, Verdict::Known { .. })),
        "{verdicts:?}"
    );
    assert_eq!(questions(&scene), 1);
}

#[tokio::test]
async fn where_only_listings_tell_they_are_believed() {
    let scene = rough().await;
    scene.put("a", "1", HOUR);
    scene.put("b", "1", HOUR);
    scene.server.refuse("stat", ErrorKind::Unsupported);
    let minute = Modified {
        at: Some(to_the_minute(ago(HOUR))),
        precision: Precision::Minute,
    };
    let entry = scene.note("a", 1, minute, true).await;
    scene.server.operations();
    assert_eq!(
        scene.verdicts(Purpose::Pull).await,
        [told("a", known(entry)), told("b", NEW)]
    );
    assert_eq!(questions(&scene), 1);
}

#[tokio::test]
async fn by_path_alone_no_time_is_asked_for() {
    let mut scene = rough().await;
    scene.definition.identity = MappingIdentity::Path;
    scene.put("a", "1", 600);
    let entry = scene.note("a", 7, Modified::exact(ago(9 * HOUR)), true).await;
    scene.server.operations();
    assert_eq!(scene.verdicts(Purpose::Pull).await, [told("a", known(entry))]);
    assert_eq!(questions(&scene), 0);
}
