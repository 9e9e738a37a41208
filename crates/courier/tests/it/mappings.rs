//! `courier mapping`: a folder is mapped, looked into, pulled, changed and forgotten from the shell.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Cli, Serve};

/// A `local` connection of this name to a folder of its own, below which there is `in`.
fn connection(serve: &Serve, admin: &Cli, name: &str) {
    let files = serve.data().join("files").join(name);
    fs::create_dir_all(files.join("in")).unwrap();
    let document = json!({"name": name, "protocol": "local", "base_path": files.to_str().unwrap()});
    let file = admin.path("connection.json");
    fs::write(&file, document.to_string()).unwrap();
    admin.ok(["connection", "create", "-f", file.to_str().unwrap()]);
}

fn mappings(admin: &Cli) -> Vec<Value> {
    let list = admin.ok(["mapping", "list", "--json"]).json();
    list.as_array().unwrap().clone()
}

#[test]
fn a_folder_is_mapped_and_pulled_from_the_shell() {
    let mut serve = Serve::start();
    let admin = serve.admin();
    connection(&serve, &admin, "partner");
    let folder = serve.data().join("files/partner/in");
    fs::write(folder.join("a.csv"), "1,2\n").unwrap();
    fs::write(folder.join("b.txt"), "no").unwrap();
    let added = admin.ok([
        "mapping",
        "add",
        "partner",
        "in",
        "--pattern",
        "*.csv",
        "--every",
        "1h",
        "--min-age",
        "0s",
        "--prefix",
        "partner",
    ]);
    assert!(added.stdout.contains("added /in "), "{}", added.stdout);
    let list = admin.ok(["mapping", "list"]).stdout;
    assert!(list.contains("partner") && list.contains("default"), "{list}");

    let told = admin.ok(["mapping", "dry-run", "partner:/in"]);
    assert!(told.stdout.contains("partner/a.csv"), "{}", told.stdout);
    assert!(told.stderr.contains("pull 1"), "{}", told.stderr);
    admin.ok(["mapping", "run", "/in", "--watch"]);
    let pulled = serve.data().join("storage/partner/a.csv");
    assert_eq!(fs::read_to_string(pulled).unwrap(), "1,2\n");
    let told = admin.ok(["mapping", "dry-run", "/in", "--json"]).json();
    assert_eq!(told["counts"]["known"], json!(1));
    let of = admin
        .ok(["execution", "list", "--mapping", "/in", "--json"])
        .json();
    assert_eq!(of.as_array().unwrap().len(), 1);

    admin.ok([
        "mapping",
        "edit",
        "/in",
        "--cron",
        "0 6 * * *",
        "--move-to",
        "done",
    ]);
    let shown = admin.ok(["mapping", "show", "/in", "--json"]).json();
    assert_eq!(
        (&shown["cron"], &shown["interval_sec"], &shown["after_pull"]),
        (&json!("0 6 * * *"), &Value::Null, &json!("move"))
    );
    assert_eq!(shown["health"], "unknown");
    admin.ok(["mapping", "disable", "/in"]);
    assert_eq!(mappings(&admin)[0]["enabled"], json!(false));
    admin.ok(["mapping", "enable", "/in"]);
    admin
        .run(["mapping", "edit", "/in"])
        .failed_with(2, "nothing to change");
    admin
        .run(["mapping", "edit", "/in", "--remote-path", "../etc"])
        .failed_with(2, "remote_path");
    admin.ok(["mapping", "remove", "/in"]);
    assert_eq!(mappings(&admin), [Value::Null; 0]);
    serve.stop();
}

#[test]
fn a_name_that_several_connections_have_asks_for_the_connection() {
    let mut serve = Serve::start();
    let admin = serve.admin();
    for name in ["east", "west"] {
        connection(&serve, &admin, name);
        admin.ok(["mapping", "add", name, "/in"]);
    }
    admin
        .run(["mapping", "show", "/in"])
        .failed_with(2, "east:/in, west:/in");
    let west = admin.ok(["mapping", "show", "west:/in", "--json"]).json();
    let list = admin
        .ok(["mapping", "list", "--connection", "west", "--json"])
        .json();
    assert_eq!(list, json!([west]));
    admin
        .run(["mapping", "show", "north:/in"])
        .failed_with(5, "north");
    admin.run(["mapping", "show", "/out"]).failed_with(5, "/out");
    serve.stop();
}

/// Each tick would pull what the one before has pulled.
#[test]
fn what_is_pulled_does_not_arrive_where_it_is_looked_for() {
    let serve = Serve::start();
    let admin = serve.admin();
    connection(&serve, &admin, "partner");
    let folder = serve.data().join("files/partner");
    let url = format!("file://{}", folder.display());
    admin.ok(["storage", "add", "same", &url]);
    let add = |more: &[&str]| {
        let all = ["mapping", "add", "partner", "in", "--to", "same"];
        admin.run(all.iter().chain(more).copied())
    };
    add(&["--prefix", "in"]).failed_with(2, "would be pulled again and again");
    add(&["--prefix", "in/arrived", "--recursive"]).failed_with(2, "would be pulled again and again");
    assert_eq!(add(&["--prefix", "arrived"]).code, 0);
}
