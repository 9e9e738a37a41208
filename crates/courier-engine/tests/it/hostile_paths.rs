//! An operator with bad intent, who names local paths that are not his.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::fixture::{Fixture, map, operator, path};

const SECRET: &str = "nobody may read or change this";

/// A folder beside the local root, with links to it and to the key file in the root.
fn trap(t: &Fixture) -> PathBuf {
    let data = t.dir.path().canonicalize().unwrap();
    let (files, outside) = (t.files(), data.join("outside"));
    fs::create_dir_all(&outside).unwrap();
    fs::write(outside.join("secret"), SECRET).unwrap();
    fs::create_dir(files.join("in")).unwrap();
    fs::write(files.join("in/fine"), "fine").unwrap();
    symlink(&outside, files.join("out")).unwrap();
    symlink("../../outside", files.join("in/up")).unwrap();
    symlink(outside.join("secret"), files.join("secret-link")).unwrap();
    symlink(data.join("kek"), files.join("kek-link")).unwrap();
    symlink("/proc/self/environ", files.join("proc-link")).unwrap();
    symlink(outside.join("new"), files.join("dangling")).unwrap();
    data
}

/// Local paths that are none of a job's business, or mean something harmless.
fn paths(data: &Path) -> Vec<String> {
    let other = Uuid::now_v7();
    let under = |name: &str| data.join(name).display().to_string();
    let mut all = vec![under("files/").to_uppercase(), format!("{}//kek", data.display())];
    all.extend(
        [
            "kek",
            "courier.db",
            "outside/secret",
            "files/../kek",
            "files/./../outside/secret",
            "files/in/../../kek",
            "files/out/secret",
            "files/in/up/secret",
            "files/in/up/../../kek",
            "files/secret-link",
            "files/kek-link",
            "files/proc-link",
            "files/dangling",
            "files/out/*",
            "files/*/secret",
            "files/in/*/secret",
            "files-beside/x",
            "work",
            "initial-admin-password",
        ]
        .map(under),
    );
    all.extend([under(&format!("work/{other}/x")), under("files/\u{0}/../../kek")]);
    all.extend(
        [
            "/etc/passwd",
            "/proc/self/environ",
            "/proc/self/root/etc/passwd",
            "/proc/self/fd/0",
            "/dev/stdin",
            "/",
            "//etc/passwd",
            "..",
            "../kek",
            "../../kek",
            "a/../../../kek",
            "./../kek",
            "..\\kek",
            "\u{ff0e}\u{ff0e}/kek",
            "%2e%2e/kek",
            "~/.ssh/id_rsa",
            "$HOME/.ssh/id_rsa",
            "file:///etc/passwd",
            "\u{202e}kek",
        ]
        .map(str::to_owned),
    );
    all
}

fn everything_is_as_it_was(t: &Fixture, data: &Path, kek: &[u8], after: &str) {
    assert_eq!(
        fs::read_to_string(data.join("outside/secret")).unwrap(),
        SECRET,
        "{after}"
    );
    assert_eq!(fs::read_dir(data.join("outside")).unwrap().count(), 1, "{after}");
    assert_eq!(fs::read(data.join("kek")).unwrap(), kek, "{after}");
    for remote in t.server.memory().paths() {
        let Some(content) = t.server.memory().content(&path(&remote)) else {
            continue;
        };
        let text = String::from_utf8_lossy(&content);
        let harmless = text == "fine" || text == "fetched";
        assert!(harmless, "{after}: {remote} holds {text}");
    }
    // What a job copied into the root came from the root.
    for entry in fs::read_dir(t.files()).unwrap() {
        let found = entry.unwrap();
        if found.file_type().unwrap().is_file() {
            let text = fs::read_to_string(found.path()).unwrap();
            assert!(
                text == "fine" || text == "fetched",
                "{after}: {found:?} holds {text}"
            );
        }
    }
}

#[tokio::test]
async fn no_step_leaves_the_local_roots() {
    let t = Fixture::new().await;
    let data = trap(&t);
    let kek = fs::read(data.join("kek")).unwrap();
    let connection = t.connection(json!({})).await.id;
    t.server.memory().put(&path("/home/f"), "fetched");
    for local in paths(&data) {
        let own = t.files().join("in/fine");
        let steps = [
            json!({"step_type": "remote.upload", "config": {
                "connection_id": connection, "local_path": local, "remote_path": "up"}}),
            json!({"step_type": "remote.upload", "config": {
                "connection_id": connection, "local_path": local, "remote_path": "up/", "create_parents": true, "after": "delete"}}),
            json!({"step_type": "remote.download", "config": {
                "connection_id": connection, "remote_path": "f", "local_path": local}}),
            json!({"step_type": "remote.download", "config": {
                "connection_id": connection, "remote_path": "*", "local_path": local, "on_existing": "rename"}}),
            json!({"step_type": "local.copy", "config": {"path": local, "new_path": t.files().join("copied")}}),
            json!({"step_type": "local.move", "config": {"path": local, "new_path": t.files().join("moved")}}),
            json!({"step_type": "local.copy", "config": {"path": own, "new_path": local}}),
            json!({"step_type": "local.delete", "config": {"path": local}}),
        ];
        for step in steps {
            let job = json!({"name": Uuid::now_v7(), "steps": [step.clone()]});
            // Refused when it is saved, or when it runs, or harmless.
            if let Ok(job) = t.jobs().create(&operator(), map(job)).await {
                let run = t.jobs().run(&operator(), job.id).await.unwrap();
                t.finished(run.id).await;
            }
            everything_is_as_it_was(&t, &data, &kek, &step.to_string());
        }
    }
    assert!(t.files().join("in/fine").exists());
}

#[tokio::test]
async fn no_local_connection_has_its_base_outside() {
    let t = Fixture::new().await;
    let data = trap(&t);
    // A star is a letter like others there.
    for base in paths(&data).into_iter().filter(|path| !path.contains('*')) {
        let input = json!({"name": Uuid::now_v7(), "protocol": "local", "base_path": base});
        let made = t.connections().create(&operator(), map(input)).await;
        assert!(made.is_err(), "{base}");
    }
    // One that was fine when it was saved is looked at again.
    let base = t.files().join("in");
    let input = json!({"name": "local", "protocol": "local", "base_path": base});
    let made = t.connections().create(&operator(), map(input)).await.unwrap();
    let listed = t.connections().browse(&operator(), made.id, Some("up")).await;
    assert!(listed.is_err(), "{listed:?}");
    fs::rename(&base, t.files().join("was")).unwrap();
    symlink(data.join("outside"), &base).unwrap();
    let listed = t.connections().browse(&operator(), made.id, None).await;
    assert!(listed.is_err(), "{listed:?}");
}

#[tokio::test]
async fn what_the_context_holds_is_checked_as_what_is_entered() {
    let t = Fixture::new().await;
    let connection = t.connection(json!({})).await.id;
    t.server.memory().put(&path("/home/f"), "fetched");
    let fetch = json!({"step_type": "remote.download", "config": {
        "connection_id": connection, "remote_path": "f", "local_path": "sub/f"}});
    let path_of = "context:1.downloaded_file";
    let upload = |more: Value| {
        let mut config = json!({"connection_id": connection, "local_path": path_of, "remote_path": "up"});
        config.as_object_mut().unwrap().extend(map(more));
        json!({"step_type": "remote.upload", "config": config})
    };
    for (step, field) in [
        (upload(json!({"atomic_suffix": path_of})), "atomic_suffix"),
        (upload(json!({"connection_id": path_of})), "connection_id"),
        (upload(json!({"on_existing": path_of})), "on_existing"),
        (upload(json!({"after": path_of})), "after"),
        (
            upload(json!({"local_path": "context:1.transfer_state"})),
            "local_path",
        ),
    ] {
        let run = t.run_steps(json!([fetch, step])).await;
        let error = run.error.unwrap();
        assert_eq!(error.kind, "step_config", "{step}: {error:?}");
        assert!(error.message.contains(field), "{error:?}");
    }
    for suffix in ["/x", "/../x", "a/b"] {
        let job = json!({"name": Uuid::now_v7(), "steps": [fetch, upload(json!({"atomic_suffix": suffix}))]});
        assert!(t.jobs().create(&operator(), map(job)).await.is_err(), "{suffix}");
    }
    // The folder of another execution is none of this one's.
    let first = t.run_steps(json!([fetch])).await;
    let theirs = t
        .dir
        .path()
        .canonicalize()
        .unwrap()
        .join(format!("work/{}/sub/f", first.id));
    let job = json!({"name": Uuid::now_v7(), "steps": [upload(json!({"local_path": theirs}))]});
    assert!(t.jobs().create(&operator(), map(job)).await.is_err());
}
