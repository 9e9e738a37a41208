//! Connections to function apps as somebody in a shell makes and changes them.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Cli, Serve};

const MASTER_KEY: &str = "a-master-key-of-billing";
const CLIENT_SECRET: &str = "a-client-secret-of-courier";

const CREATE: &str = "connection create billing --protocol azure_function --host billing.azurewebsites.net --workspace-id w-1 \
                      --tenant-id contoso.example --client-id c-1";

fn shown(admin: &Cli) -> Value {
    admin.ok("connection show billing --json".split(' ')).json()
}

#[test]
fn a_function_app_is_described_by_flags() {
    let serve = Serve::start();
    let admin = serve.admin();
    fs::write(admin.path("client-secret"), format!("{CLIENT_SECRET}\n")).unwrap();
    let both = format!("{CREATE} --password-stdin --client-secret-file client-secret");
    let made = admin.run_with_input(both.split_whitespace(), MASTER_KEY);
    assert_eq!(made.code, 0, "{made:?}");
    let first = shown(&admin);
    let ids = json!({"workspace_id": "w-1", "tenant_id": "contoso.example", "client_id": "c-1"});
    assert_eq!(first["properties"], ids);
    assert_eq!(
        (&first["port"], &first["auth_method"]),
        (&json!(443), &json!("service_principal"))
    );
    assert_eq!(
        (&first["has_password"], &first["has_client_secret"]),
        (&json!(true), &json!(true))
    );
    let table = admin.ok(["connection", "show", "billing"]).stdout;
    assert!(table.contains("contoso.example"), "{table}");

    // What a change doesn't name stays, secrets included.
    admin.ok("connection update billing --tenant-id fabrikam.example".split(' '));
    let changed = shown(&admin);
    assert_eq!(changed["properties"]["tenant_id"], "fabrikam.example");
    assert_eq!(changed["properties"]["workspace_id"], "w-1");
    assert_eq!(
        (&changed["has_password"], &changed["has_client_secret"]),
        (&json!(true), &json!(true))
    );

    // Another cloud gets no secret of this one; its own comes along.
    let moved = "connection update billing --authority-host login.microsoftonline.us";
    admin.ok(moved.split(' '));
    let cleared = shown(&admin);
    assert_eq!(
        (&cleared["has_password"], &cleared["has_client_secret"]),
        (&json!(true), &json!(false))
    );
    let again = "connection update billing --logs-endpoint api.loganalytics.us --client-secret-stdin";
    let again = admin.run_with_input(again.split(' '), CLIENT_SECRET);
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(shown(&admin)["has_client_secret"], true);
    assert_eq!(serve.holds(CLIENT_SECRET), Vec::<std::path::PathBuf>::new());
    assert_eq!(serve.holds(MASTER_KEY), Vec::<std::path::PathBuf>::new());
}

#[test]
fn what_is_wrong_with_it_is_said_at_once() {
    let serve = Serve::start();
    let admin = serve.admin();
    let with = |more: &str| admin.run(format!("{CREATE} {more}").split_whitespace());
    for (more, says) in [
        (
            "--authority-host http://login.example",
            "properties.authority_host",
        ),
        (
            "--logs-endpoint https://logs.example/v2",
            "properties.logs_endpoint",
        ),
        (
            "--workspace-id a/b",
            "the argument '--workspace-id <ID>' cannot be used multiple times",
        ),
        ("--username u", "username"),
        ("--base-path /in", "base_path"),
        ("--set max_sessions=2", "max_sessions"),
        ("--set client_secret=x", "client_secret is a secret"),
        ("--password-stdin --client-secret-stdin", "cannot be used with"),
        ("--client-secret-file nowhere", "could not read nowhere"),
        ("--ask-client-secret", "there is no terminal"),
    ] {
        with(more).failed_with(2, says);
    }
    assert_eq!(admin.ok(["connection", "list", "--json"]).json(), json!([]));

    let made = admin.run_with_input(
        format!("{CREATE} --password-stdin").split_whitespace(),
        MASTER_KEY,
    );
    assert_eq!(made.code, 0, "{made:?}");
    let id = shown(&admin)["id"].clone();
    let files = admin.run(["connection", "files", "billing"]);
    assert!(
        files.code != 0 && files.stderr.contains("has no files"),
        "{files:?}"
    );
    let step = json!({"step_type": "remote.list", "config": {"connection_id": id, "remote_path": "/"}});
    fs::write(
        admin.path("job.json"),
        json!({"name": "j", "steps": [step]}).to_string(),
    )
    .unwrap();
    admin
        .run(["job", "create", "-f", "job.json"])
        .failed_with(2, "leads to a function app, which has no files");
}
