//! A step with many files on a real server that refuses one of them.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Serve, Sshd, user, wait_until};

#[test]
fn a_file_that_is_refused_holds_no_other_back_and_comes_later() {
    let serve = Serve::start();
    let admin = serve.admin();
    let sshd = Sshd::start();
    admin.ok(["key", "generate", "k"]);
    sshd.authorize(&admin.ok(["key", "public", "k"]).stdout);
    let (port, user) = (sshd.port().to_string(), user());
    let create = ["connection", "create", "partner", "--host", "127.0.0.1", "--port"];
    let more = [&port, "--username", &user, "--ssh-key", "k"];
    admin.ok(create.into_iter().chain(more));
    let id = admin.ok(["connection", "show", "partner", "--json"]).json()["id"].clone();

    let outbox = serve.data().join("files/outbox");
    fs::create_dir_all(&outbox).unwrap();
    for n in 0..5 {
        fs::write(outbox.join(format!("{n}.csv")), format!("file {n}")).unwrap();
    }
    fs::write(outbox.join("4.tmp"), "not to be sent").unwrap();
    // Where one file would be written, there is a folder.
    let in_the_way = sshd.files().join("in/2.csv.tmp");
    fs::create_dir_all(in_the_way.join("full")).unwrap();
    let job = json!({"name": "out", "steps": [{"step_type": "sftp.upload", "config": {
        "connection_id": id, "local_path": outbox.join("*"), "ignore": ["*.tmp"], "min_files": 1,
        "remote_path": sshd.files().join("in/"), "on_existing": "fail",
        "after": "move", "move_to": serve.data().join("files/sent/{{date:yyyy}}/"),
    }}]});
    fs::write(admin.path("job.json"), job.to_string()).unwrap();
    admin.ok(["job", "create", "-f", "job.json"]);
    let run = || {
        let id = admin.ok(["job", "run", "out", "--json"]).json()["id"].clone();
        let show = ["execution", "show", id.as_str().unwrap(), "--json"];
        wait_until("it is over", || !admin.ok(show).json()["ended_at"].is_null());
        admin.ok(show).json()
    };
    let failed = run();
    let message = failed["error"]["message"].as_str().unwrap();
    assert!(message.contains("1 of 5 files"), "{failed}");
    assert_eq!(failed["context"]["1.transfer_state"]["files_completed"], json!(4));
    fs::remove_dir_all(&in_the_way).unwrap();
    let done = run();
    assert_eq!(done["state"], json!("completed"), "{done}");
    assert_eq!(done["context"]["1.name"], json!("2.csv"));

    for n in 0..5 {
        assert_eq!(sshd.read(&format!("in/{n}.csv")), format!("file {n}").as_bytes());
    }
    assert_eq!(fs::read_dir(sshd.files().join("in")).unwrap().count(), 5);
    let list = ["audit", "list", "--operation", "upload", "--json"];
    let records = admin.ok(list).json();
    let (failures, sent): (Vec<Value>, Vec<Value>) = records
        .as_array()
        .unwrap()
        .iter()
        .cloned()
        .partition(|record| !record["details"]["error"].is_null());
    assert_eq!(sent.len(), 5, "{records}");
    let of_the_one = |record: &Value| {
        record["details"]["local_path"]
            .as_str()
            .unwrap()
            .ends_with("2.csv")
    };
    assert!(
        !failures.is_empty() && failures.iter().all(of_the_one),
        "{records}"
    );
    let left: Vec<_> = fs::read_dir(&outbox)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left, ["4.tmp"]);
    let year = fs::read_dir(serve.data().join("files/sent"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    assert_eq!(fs::read_dir(year.path()).unwrap().count(), 5);
}
