//! Storages, from the shell.

use serde_json::json;

use crate::support::Serve;

const SECRET: &str = "hunter2hunter2";

#[test]
fn storages_are_kept_and_tried_out() {
    let serve = Serve::start();
    let admin = serve.admin();
    let listed = admin.ok(["storage", "list"]).stdout;
    assert!(
        listed.contains("default") && listed.contains("file://"),
        "{listed}"
    );
    let works = admin.ok(["storage", "test", "default"]).stdout;
    assert!(works.contains("works"), "{works}");

    // A file of credentials is read from standard input, too.
    let credentials = json!({"access_key_id": "AKIA", "secret_access_key": SECRET}).to_string();
    let add = [
        "storage",
        "add",
        "lake",
        "s3://lake?endpoint=http://127.0.0.1:1",
        "--credentials-file",
        "-",
    ];
    let made = admin.run_with_input(add, &credentials);
    assert_eq!(made.code, 0, "{made:?}");
    assert!(made.stderr.contains("in the clear"), "{made:?}");
    admin.run(["storage", "test", "lake"]).failed_with(1, "");
    let shown = admin.ok(["storage", "show", "lake", "--json"]).json();
    assert_eq!(shown["has_credentials"], true);

    admin.ok(["storage", "edit", "lake", "--name", "pond", "--no-credentials"]);
    let shown = admin.ok(["storage", "show", "pond", "--json"]).json();
    assert_eq!(shown["has_credentials"], false);
    let with_variable = serve.admin().env("COURIER_STORAGE_CREDENTIALS", &credentials);
    with_variable.ok(["storage", "add", "sea", "s3://sea?region=x"]);
    with_variable.ok(["storage", "add", "folder", &format!("file://{}", folder(&serve))]);
    admin.ok(["storage", "test", &format!("file://{}", folder(&serve))]);

    admin
        .run(["storage", "add", "gulf", "s3://gulf?region=x"])
        .failed_with(2, "access_key_id");
    let argument = format!("credentials={credentials}");
    admin
        .run(["storage", "edit", "pond", "--set", &argument])
        .failed_with(2, "credentials is a secret");

    for name in ["pond", "sea", "folder"] {
        admin.ok(["storage", "remove", name]);
    }
    admin.run(["storage", "show", "pond"]).failed_with(5, "pond");
    assert_eq!(serve.holds(SECRET), Vec::<std::path::PathBuf>::new());
}

/// A folder that storages may use.
fn folder(serve: &Serve) -> String {
    let data = serve.data().canonicalize().unwrap();
    data.join("files/arrivals").display().to_string()
}
