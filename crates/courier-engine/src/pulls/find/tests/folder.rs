//! The mapped folder itself.

use std::sync::Arc;

use courier_transfer::{ErrorKind, layers::Rooted};

use super::{super::OF_FOLDER, Purpose, Scene, path};
use crate::Error;

async fn refused(scene: &Scene) -> courier_transfer::Error {
    match scene.batches(Purpose::Pull).await {
        Err(Error::Transfer(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_looked_into_says_why() {
    let mut scene = Scene::new().await;
    scene.server.put(&path("file"), "1");
    for (folder, kind, says) in [
        (
            "gone",
            ErrorKind::NotFound,
            "gone is not there; make it on the server",
        ),
        ("file", ErrorKind::WrongKind, "is not a folder"),
    ] {
        scene.definition.remote_path = path(folder);
        let error = refused(&scene).await;
        assert_eq!(
            (error.kind(), error.operation()),
            (kind, Some(OF_FOLDER)),
            "{error}"
        );
        assert!(error.to_string().contains(says), "{error}");
    }
    scene.definition.remote_path = path("in");
    scene.server.refuse("list", ErrorKind::Denied);
    let error = refused(&scene).await;
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::Denied, Some(OF_FOLDER))
    );
    assert!(error.to_string().contains("the right to list it"), "{error}");

    scene.server.heal();
    scene.server.refuse("list", ErrorKind::Lost);
    let error = refused(&scene).await;
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::Lost, None),
        "{error}"
    );
}

#[tokio::test]
async fn a_folder_that_leads_out_of_the_base_path_is_refused() {
    let mut scene = Scene::new().await;
    scene.server.put(&path("/home/base/real/a"), "1");
    scene.server.put(&path("/home/secret/s"), "1");
    scene.server.link(&path("/home/base/out"), &path("/home/secret"));
    scene
        .server
        .link(&path("/home/base/within"), &path("/home/base/real"));
    scene.client = Arc::new(Rooted::new(scene.server.connect(), path("base")));
    scene.definition.min_age_sec = 0;

    scene.definition.remote_path = path("out");
    let error = refused(&scene).await;
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::Denied, Some(OF_FOLDER))
    );
    assert!(error.to_string().contains("outside the base path"), "{error}");

    // A link that stays below it is a way like any other.
    scene.definition.remote_path = path("within");
    assert_eq!(scene.pulled().await, ["a"]);

    // The same of the folder that pulled files are moved to, which may be missing.
    for (to, is_refused) in [
        ("/out", true),
        ("/out/deeper/still", true),
        ("done", false),
        ("/within/done", false),
    ] {
        scene.definition.move_to = Some(path(to));
        let batches = scene.batches(Purpose::Pull).await;
        assert_eq!(batches.is_err(), is_refused, "{to}: {batches:?}");
        if let Err(Error::Transfer(error)) = batches {
            assert_eq!(
                (error.kind(), error.operation()),
                (ErrorKind::Denied, Some(OF_FOLDER))
            );
            assert!(error.to_string().contains("move_to"), "{error}");
        }
    }
}

#[tokio::test]
async fn patterns_are_read_again() {
    let mut scene = Scene::new().await;
    scene.definition.pattern = "{a".into();
    assert_eq!(refused(&scene).await.kind(), ErrorKind::Invalid);
}
