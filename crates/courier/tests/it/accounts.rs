//! Users, their passwords, and tokens that are for a part of the API.

use crate::support::{Cli, PASSWORD, Serve};

fn with_token(serve: &Serve, token: &str) -> Cli {
    Cli::new()
        .env("COURIER_SERVER", &serve.url)
        .env("COURIER_TOKEN", token.trim())
}

#[test]
fn a_token_is_for_what_it_was_made_for() {
    let serve = Serve::start();
    let admin = serve.admin();
    let made = admin.ok([
        "token",
        "create",
        "ci",
        "--scope",
        "jobs",
        "--scope",
        "executions:read",
    ]);
    let ci = with_token(&serve, &made.stdout);
    ci.ok(["job", "list"]);
    ci.ok(["execution", "list"]);
    ci.run(["key", "list"]).failed_with(7, "it needs ssh-keys");
    ci.run(["token", "create", "more"]).failed_with(7, "1020");
    let me = ci.ok(["user", "me", "--json"]).json();
    assert_eq!(me["scopes"], serde_json::json!(["executions:read", "jobs"]));
    let listed = admin.ok(["token", "list"]).stdout;
    assert!(listed.contains("executions:read, jobs"), "{listed}");
    admin
        .run(["token", "create", "x", "--scope", "job"])
        .failed_with(2, "\"job\" is none of alerts, audit, auth, connections");
}

#[test]
fn everybody_changes_their_own_password() {
    let serve = Serve::start();
    let admin = serve.admin();
    let first = Cli::new()
        .env("COURIER_SERVER", &serve.url)
        .env("COURIER_PASSWORD", "the first password");
    let create = ["user", "create", "Vera", "--role", "viewer", "--password-stdin"];
    let made = admin.run_with_input(create, "the first password\n");
    assert_eq!(made.code, 0, "{made:?}");

    let token = first.ok(["login", "--username", "vera"]).stdout;
    let vera = with_token(&serve, &token).env("COURIER_PASSWORD", "the first password");
    let change = ["user", "password", "--password-stdin"];
    vera.run_with_input(change, "short\n")
        .failed_with(2, "new_password");
    let changed = vera.run_with_input(change, "the second password\n");
    assert_eq!(
        (changed.code, changed.stdout.trim()),
        (0, "changed password"),
        "{changed:?}"
    );
    vera.run_with_input(change, "the third password\n")
        .failed_with(2, "current_password");
    vera.ok(["user", "me"]);
    first.run(["login", "--username", "vera"]).failed_with(3, "wrong");

    admin.ok(["user", "update", "Vera", "--disabled", "true"]);
    vera.run(["user", "me"]).failed_with(3, "1010");
    for secret in [PASSWORD, "the first password", "the second password"] {
        assert_eq!(serve.holds(secret), Vec::<std::path::PathBuf>::new());
    }
}
