//! `local.copy`, `local.move` and `local.delete`.

use std::{fs, os::unix::fs::symlink, path::Path};

use serde_json::{Value, json};

use crate::fixture::Fixture;

/// Runs one step; the kind of its error, if it failed.
async fn run(t: &Fixture, step_type: &str, config: Value) -> Option<String> {
    let run = t
        .run_steps(json!([{"step_type": step_type, "config": config}]))
        .await;
    run.error.map(|e| e.kind)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn folders_are_refused() {
    let t = Fixture::new().await;
    let files = t.files();
    fs::create_dir_all(files.join("a/b")).unwrap();
    for path in [files.clone(), files.join("a"), files.join("a/b")] {
        for step in ["local.move", "local.copy", "local.delete"] {
            let mut config = json!({"path": path});
            if step != "local.delete" {
                config["new_path"] = json!(files.join("elsewhere"));
            }
            assert_eq!(
                run(&t, step, config).await.as_deref(),
                Some("wrong_kind"),
                "{step} {path:?}"
            );
        }
    }
    // The work folder, and a file onto a folder of its name.
    let config = json!({"path": ".", "new_path": files.join("elsewhere")});
    assert_eq!(run(&t, "local.move", config).await.as_deref(), Some("wrong_kind"));
    fs::write(files.join("b"), "b").unwrap();
    for step in ["local.move", "local.copy"] {
        let config = json!({"path": files.join("b"), "new_path": files.join("a")});
        assert_eq!(
            run(&t, step, config).await.as_deref(),
            Some("wrong_kind"),
            "{step}"
        );
    }
    assert_eq!(
        (names(&files), names(&files.join("a"))),
        (vec!["a".into(), "b".into()], vec!["b".into()])
    );
}

#[tokio::test]
async fn a_copy_touches_no_partial_of_others() {
    let t = Fixture::new().await;
    let files = t.files();
    fs::write(files.join("a"), "new").unwrap();
    fs::write(files.join("victim"), "victim").unwrap();
    fs::write(files.join("b.part"), "half a download").unwrap();
    symlink(files.join("victim"), files.join("c.part")).unwrap();
    for target in ["b", "c", "deep/er/d"] {
        let config = json!({"path": files.join("a"), "new_path": files.join(target)});
        assert_eq!(run(&t, "local.copy", config).await, None);
        assert_eq!(fs::read(files.join(target)).unwrap(), b"new");
    }
    assert_eq!(fs::read(files.join("b.part")).unwrap(), b"half a download");
    assert_eq!(fs::read(files.join("victim")).unwrap(), b"victim");
    assert_eq!(
        names(&files),
        ["a", "b", "b.part", "c", "c.part", "deep", "victim"]
    );
}

#[tokio::test]
async fn a_link_in_the_target_folder_does_not_lead_out() {
    let t = Fixture::new().await;
    let files = t.files();
    let kek = fs::read(t.dir.path().join("kek")).unwrap();
    fs::create_dir(files.join("in")).unwrap();
    fs::write(files.join("a"), "new").unwrap();
    symlink(t.dir.path().join("kek"), files.join("in/a")).unwrap();
    for step in ["local.copy", "local.move"] {
        for into in ["in", "in/"] {
            let config = json!({"path": files.join("a"), "new_path": files.join(into)});
            assert_eq!(run(&t, step, config).await.as_deref(), Some("denied"), "{step}");
        }
    }
    assert_eq!(fs::read(t.dir.path().join("kek")).unwrap(), kek);
    assert_eq!(names(&files.join("in")), ["a"]);
}
