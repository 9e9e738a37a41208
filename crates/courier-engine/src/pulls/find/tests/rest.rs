//! Files that have come to rest, and those that haven't.

use std::time::Duration;

use courier_transfer::EntryKind;

use super::{HOUR, NEW, NotYet, Purpose, Scene, Verdict, path, told};

const MOMENT: Duration = Duration::from_millis(1_050);

async fn verdict_of(scene: &Scene, purpose: Purpose) -> Verdict {
    let mut verdicts = scene.verdicts(purpose).await;
    assert_eq!(verdicts.len(), 1, "{verdicts:?}");
    verdicts.remove(0).1
}

#[tokio::test]
async fn what_is_ready_in_a_moment_is_waited_for() {
    let mut scene = Scene::new().await;
    scene.definition.min_age_sec = 1;
    scene.put("old", "1", HOUR);
    // A clock that is ahead, and one that is right.
    scene.put("future", "1", -HOUR);
    scene.put("young", "1", 0);
    let told_now = scene.verdicts(Purpose::Tell).await;
    young(&told_now[0].1);
    assert_eq!(told_now[1], told("old", NEW));
    assert_eq!(scene.pulled().await, ["future", "old", "young"]);
}

fn young(verdict: &Verdict) {
    assert!(
        matches!(verdict, Verdict::NotYet(NotYet::TooYoung { .. })),
        "{verdict:?}"
    );
}

#[tokio::test]
async fn what_is_ready_later_comes_with_a_later_run() {
    let mut scene = Scene::new().await;
    scene.definition.min_age_sec = 60;
    scene.put("a", "1", 30);
    young(&verdict_of(&scene, Purpose::Pull).await);
    scene.put("a", "1", 60);
    assert_eq!(verdict_of(&scene, Purpose::Pull).await, NEW);
}

#[tokio::test]
async fn a_file_that_goes_away_or_changes_in_the_meantime_is_left() {
    let mut scene = Scene::new().await;
    scene.definition.min_age_sec = 1;
    for name in ["gone", "grows"] {
        scene.put(name, "1", -HOUR);
    }
    let looking = scene.verdicts(Purpose::Pull);
    let meanwhile = async {
        while scene.noted("grows").await.is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let gone = path("in/gone");
        scene.client.remove(&gone, EntryKind::File).await.unwrap();
        scene.put("grows", "12", -HOUR);
    };
    let (told, ()) = tokio::join!(looking, meanwhile);
    assert_eq!(told.len(), 1, "{told:?}");
    young(&told[0].1);
}

#[tokio::test]
async fn a_stable_file_looks_the_same_in_two_runs() {
    let mut scene = Scene::new().await;
    scene.definition.min_age_sec = 0;
    scene.definition.require_stable = true;
    scene.put("a", "1", HOUR);
    let unstable = |verdict: Verdict| {
        assert!(
            matches!(verdict, Verdict::NotYet(NotYet::Unstable { .. })),
            "{verdict:?}"
        )
    };
    // Who only tells leaves no trace.
    unstable(verdict_of(&scene, Purpose::Tell).await);
    tokio::time::sleep(MOMENT).await;
    unstable(verdict_of(&scene, Purpose::Pull).await);
    tokio::time::sleep(MOMENT).await;
    assert_eq!(verdict_of(&scene, Purpose::Tell).await, NEW);
    assert_eq!(verdict_of(&scene, Purpose::Pull).await, NEW);
    // It wasn't pulled for some reason, and is still ready.
    assert_eq!(verdict_of(&scene, Purpose::Pull).await, NEW);
    scene.put("a", "12", HOUR);
    unstable(verdict_of(&scene, Purpose::Pull).await);
}

#[tokio::test]
async fn what_is_gone_is_forgotten() {
    let mut scene = Scene::new().await;
    scene.definition.require_stable = true;
    scene.put("a", "1", HOUR);
    verdict_of(&scene, Purpose::Pull).await;
    assert!(scene.noted("a").await.is_some());
    let file = path("in/a");
    scene.client.remove(&file, EntryKind::File).await.unwrap();
    assert!(scene.verdicts(Purpose::Tell).await.is_empty());
    assert!(scene.noted("a").await.is_some());
    assert!(scene.verdicts(Purpose::Pull).await.is_empty());
    assert!(scene.noted("a").await.is_none());
}
