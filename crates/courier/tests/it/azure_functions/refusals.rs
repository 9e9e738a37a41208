//! Each thing that can be wrong with a function, its app, its connection or the workspace: by the API and by the command line.

use courier_azure::testkit::{Function, Mood, Part, Reply, Tables};
use serde_json::{Value, json};

use super::{Azure, merge};

/// A change of the connection's document that is refused when it is saved: of what field, and in which words.
fn refused(azure: &Azure, change: Value, field: &str, says: &str) {
    let mut document = azure.cloud.connection();
    merge(&mut document, change);
    document["name"] = json!("refused");
    let (status, problem) = azure.api("POST", "/api/connections", &document);
    assert_eq!(
        (status, &problem["code"]),
        (400, &json!(3011)),
        "{field}: {problem:#}"
    );
    let errors = problem["errors"].as_array().unwrap();
    let error = errors.iter().find(|error| error["field"] == field);
    let error = error.unwrap_or_else(|| panic!("{field}: {problem:#}"));
    assert!(
        error["message"].as_str().unwrap().contains(says),
        "{says}: {error}"
    );
    azure.document(&document);
    let create = ["connection", "create", "refused", "-f", "document.json"];
    let outcome = azure.admin.run(create);
    assert!(
        outcome.code != 0 && outcome.stderr.contains(says),
        "{says}: {outcome:?}"
    );
}

#[test]
fn what_no_connection_can_be_is_refused_when_it_is_saved() {
    let azure = Azure::start();
    let properties = |more: Value| json!({"properties": more});
    refused(
        &azure,
        properties(json!({"tenant_id": null})),
        "properties.tenant_id",
        "is required",
    );
    refused(
        &azure,
        properties(json!({"client_id": null})),
        "properties.client_id",
        "is required",
    );
    refused(
        &azure,
        properties(json!({"workspace_id": null})),
        "properties.workspace_id",
        "is required",
    );
    for id in ["a/b", "..", "a' or 1==1", "", "a b"] {
        let field = "properties.workspace_id";
        refused(&azure, properties(json!({"workspace_id": id})), field, "");
    }
    for url in [
        "http://login.microsoftonline.com",
        "https://user@login.microsoftonline.com",
        "https://login.microsoftonline.com/tenant",
        "https://login.microsoftonline.com?x=1",
        "ftp://login",
        "",
    ] {
        refused(
            &azure,
            properties(json!({"authority_host": url})),
            "properties.authority_host",
            "",
        );
        refused(
            &azure,
            properties(json!({"logs_endpoint": url})),
            "properties.logs_endpoint",
            "",
        );
    }
    refused(
        &azure,
        properties(json!({"tenant": "x"})),
        "properties.tenant",
        "is not known",
    );
    refused(&azure, json!({"properties": null}), "properties", "");
    refused(&azure, json!({"username": "ann"}), "username", "");
    refused(&azure, json!({"base_path": "/"}), "base_path", "");
    refused(
        &azure,
        json!({"host_key_policy": "manual"}),
        "host_key_policy",
        "",
    );
    refused(&azure, json!({"auth_method": "password"}), "auth_method", "");
}

#[test]
fn what_moves_files_takes_no_function_app() {
    let azure = Azure::start();
    let id = azure.id("billing");
    let job = |step_type: &str, config: Value| {
        let job = json!({"name": "refused", "steps": [{"step_type": step_type, "config": config}]});
        let (status, problem) = azure.api("POST", "/api/jobs", &job);
        assert_eq!((status, &problem["code"]), (400, &json!(2011)), "{problem:#}");
        azure.document(&job);
        let outcome = azure.admin.run(["job", "create", "-f", "document.json"]);
        assert_ne!(outcome.code, 0, "{outcome:?}");
        format!("{problem}{}", outcome.stderr)
    };
    let says = job("remote.list", json!({"connection_id": id, "remote_path": "/"}));
    assert!(
        says.matches("function app").count() >= 2 || says.matches("azure_function").count() >= 2,
        "{says}"
    );
    let (status, problem) = azure.api(
        "GET",
        &format!("/api/connections/{}/files", id.as_str().unwrap()),
        &json!(null),
    );
    assert!(
        status == 409 && problem.to_string().contains("function app"),
        "{problem:#}"
    );
    let mapping = azure.admin.run(["mapping", "add", "billing", "outbox"]);
    assert!(
        mapping.code != 0 && mapping.stderr.contains("function"),
        "{mapping:?}"
    );

    // Names of functions go into a query; what could change it is no name.
    for name in [
        "a' or Name =~ 'b",
        "x | take 1",
        "a\"",
        "1st",
        "a b",
        "",
        "näme",
        "../admin",
        &"x".repeat(129),
    ] {
        let says = job(
            "azure_function.execute",
            json!({"connection_id": id, "function_name": name}),
        );
        assert!(says.matches("function_name").count() >= 2, "{name}: {says}");
    }
    for (field, value) in [
        ("poll_interval_sec", json!(0)),
        ("max_wait_sec", json!(604_801)),
        ("max_wait_sec", json!("long")),
        ("wait", json!("yes")),
        ("until", json!(1)),
    ] {
        let mut config = json!({"connection_id": id, "function_name": "import"});
        config[field] = value;
        let says = job("azure_function.execute", config);
        assert!(says.matches(field).count() >= 2, "{field}: {says}");
    }
    assert!(azure.cloud.queries().is_empty());
}

/// Runs the job `import` of a function `import`, which fails before anything is triggered; by the API and by the command line it says
/// this.
#[track_caller]
fn fails(azure: &Azure, kind: &str, says: &[&str]) {
    let before = azure.cloud.triggers().len();
    let failed = azure.wait_for(&azure.run("import"), "failed");
    let error = &failed["steps"][0]["error"];
    assert_eq!(error["kind"], kind, "{error:#}");
    let watched = azure.admin.run(["job", "run", "import", "--watch"]);
    let said = format!("{}{}", watched.stdout, watched.stderr);
    for says in says {
        assert!(
            error["message"].as_str().unwrap().contains(says),
            "{says}: {error:#}"
        );
        assert!(said.contains(says), "{says}: {said}");
    }
    assert_ne!(watched.code, 0, "{said}");
    assert_eq!(azure.cloud.triggers().len(), before, "nothing was triggered");
}

/// The connection's test fails in these checks alone, and says this of the first.
#[track_caller]
fn tests_badly(azure: &Azure, checks: &[&str], code: u16, says: &[&str]) {
    let path = format!("/api/connections/{}/test", azure.id("billing").as_str().unwrap());
    let (status, result) = azure.api("POST", &path, &json!({}));
    assert_eq!((status, &result["success"]), (200, &json!(false)), "{result:#}");
    assert_eq!(result["error_code"], code, "{result:#}");
    let failed: Vec<&str> = result["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["success"] == false)
        .map(|check| check["name"].as_str().unwrap())
        .collect();
    assert_eq!(failed, checks, "{result:#}");
    let tested = azure.admin.run(["connection", "test", "billing"]);
    let said = format!("{}{}", tested.stdout, tested.stderr);
    for says in says {
        assert!(
            result["error_message"].as_str().unwrap().contains(says),
            "{says}: {result:#}"
        );
        assert!(said.contains(says), "{says}: {said}");
    }
    assert_ne!(tested.code, 0, "{said}");
}

/// Changes the connection for as long as something is tried with it.
fn with(azure: &Azure, change: Value, back: Value, then: impl FnOnce()) {
    let path = format!("/api/connections/{}", azure.id("billing").as_str().unwrap());
    let (status, answer) = azure.api("PATCH", &path, &change);
    assert_eq!(status, 200, "{answer:#}");
    then();
    let (status, answer) = azure.api("PATCH", &path, &back);
    assert_eq!(status, 200, "{answer:#}");
}

fn azure_with_job() -> Azure {
    let azure = Azure::start();
    azure.cloud.put(Function::new("import"));
    azure.cloud.put(Function::new("export"));
    azure.job("import", json!([azure.call("import", json!({}))]));
    azure
}

#[test]
fn what_is_wrong_with_the_app_is_told() {
    let azure = azure_with_job();
    azure.admin.ok(["connection", "test", "billing"]);
    azure.job("unknown", json!([azure.call("imprt", json!({}))]));
    let unknown = azure.wait_for(&azure.run("unknown"), "failed");
    let message = unknown["steps"][0]["error"]["message"].as_str().unwrap();
    for says in ["imprt", "404", "import", "export"] {
        assert!(message.contains(says), "{says}: {message}");
    }
    assert_eq!(unknown["steps"][0]["error"]["kind"], "not_found");
    let watched = azure.admin.run(["job", "run", "unknown", "--watch"]);
    assert_eq!(watched.code, 5, "{watched:?}");
    let shown = azure.admin.ok(["connection", "show", "billing", "--json"]).json();
    assert_eq!(shown["health"], "healthy", "the app is well: {shown:#}");

    azure.cloud.set_state(Some("Stopped"));
    tests_badly(&azure, &["host"], 3000, &["host and key", "Stopped"]);
    azure.cloud.set_state(Some("Running"));
    azure
        .cloud
        .feel(Part::App, Mood::Odd(Reply::new(200, json!({"hello": "world"}))));
    tests_badly(&azure, &["host"], 3000, &["host and key", "function app"]);
    azure.cloud.feel(Part::App, Mood::Gone);
    tests_badly(&azure, &["host"], 3003, &["host and key"]);
    azure.cloud.feel(Part::App, Mood::Well);
    azure.admin.ok(["connection", "test", "billing"]);

    // The wrong key: once, and the connection waits for somebody.
    azure.cloud.set_master_key("another-key-of-the-app");
    let before = azure.cloud.requests(Part::App);
    let mut step = azure.call("import", json!({}));
    step["failure_policy"] = json!({"type": "retry_step", "max_retries": 3, "backoff_base_sec": 1});
    let failed = azure.ends("locked", step, "failed");
    assert_eq!(
        azure.cloud.requests(Part::App),
        before + 2,
        "a greeting, and one call: {failed:#}"
    );
    let error = &failed["steps"][0]["error"];
    assert_eq!(error["kind"], "auth", "{error:#}");
    assert!(
        error["message"].as_str().unwrap().contains("_master"),
        "{error:#}"
    );
    let shown = azure.admin.ok(["connection", "show", "billing", "--json"]).json();
    assert_eq!(shown["health"], "requires_attention", "{shown:#}");
    let watched = azure.admin.run(["job", "run", "locked", "--watch"]);
    assert_ne!(watched.code, 0, "{watched:?}");
    tests_badly(&azure, &["host"], 3001, &["host and key", "401", "_master"]);
    let key = azure.folder.path().join("key");
    std::fs::write(&key, "another-key-of-the-app\n").unwrap();
    azure.admin.ok([
        "connection",
        "update",
        "billing",
        "--password-file",
        key.to_str().unwrap(),
    ]);
    azure.admin.ok(["connection", "test", "billing"]);
    azure.wait_for(&azure.run("import"), "completed");
    assert!(azure.cloud.triggers().len() == 1);
}

#[test]
fn what_is_wrong_with_the_service_principal_is_told_before_anything_is_triggered() {
    let azure = azure_with_job();
    let properties = azure.cloud.connection()["properties"].clone();
    let with_property = |name: &str, value: &str, then: &dyn Fn()| {
        let mut changed = properties.clone();
        changed[name] = json!(value);
        with(
            &azure,
            json!({"properties": changed}),
            json!({"properties": properties.clone()}),
            || {
                then();
            },
        );
    };
    for (name, value, says) in [
        ("tenant_id", "22222222-2222-4333-8444-555555555555", "AADSTS90002"),
        (
            "client_id",
            "22222222-8888-4777-8666-555555555555",
            "AADSTS700016",
        ),
    ] {
        with_property(name, value, &|| {
            tests_badly(&azure, &["token", "workspace"], 3001, &["token:", name, says])
        });
        with_property(name, value, &|| fails(&azure, "auth", &[name, says]));
    }
    for words in [
        "AADSTS7000215: Invalid client secret provided.",
        "AADSTS7000222: The provided client secret keys for app are expired.",
    ] {
        azure.cloud.refuse_tokens(Some(words));
        tests_badly(&azure, &["token", "workspace"], 3001, &["client_secret", words]);
        fails(&azure, "auth", &["client_secret", words]);
        azure.cloud.refuse_tokens(None);
        azure.admin.ok(["connection", "test", "billing"]);
    }
    azure.wait_for(&azure.run("import"), "completed");
}

#[test]
fn what_is_wrong_with_the_workspace_is_told_before_anything_is_triggered() {
    let azure = azure_with_job();
    let properties = azure.cloud.connection()["properties"].clone();
    let mut changed = properties.clone();
    changed["workspace_id"] = json!("acme-logs");
    with(
        &azure,
        json!({"properties": changed}),
        json!({"properties": properties}),
        || {
            tests_badly(
                &azure,
                &["workspace"],
                3000,
                &["workspace:", "acme-logs", "404", "not its name"],
            );
            fails(&azure, "not_found", &["acme-logs", "not its name"]);
        },
    );
    azure.admin.ok(["connection", "test", "billing"]);

    azure.cloud.set_tables(Tables::None);
    tests_badly(&azure, &["workspace"], 3000, &["workspace:", "AppRequests"]);
    fails(&azure, "unsupported", &["AppRequests", "workspace_id"]);
    azure.cloud.set_tables(Tables::Workspace);

    azure.cloud.deny_workspace(true);
    tests_badly(
        &azure,
        &["workspace"],
        3000,
        &["workspace:", "Log Analytics Reader"],
    );
    fails(&azure, "denied", &["Log Analytics Reader", "403"]);
    azure.cloud.deny_workspace(false);

    for odd in [
        Reply::raw(200, "<html>Sign in</html>"),
        Reply::new(
            200,
            json!({"tables": [{"name": "PrimaryResult", "columns": [{"name": "x", "type": "string"}], "rows": [["y"]]}]}),
        ),
        Reply::raw(302, ""),
    ] {
        azure.cloud.feel(Part::Workspace, Mood::Odd(odd));
        tests_badly(&azure, &["workspace"], 3000, &["workspace:"]);
        fails(&azure, "protocol", &[]);
    }
    azure.cloud.feel(Part::Workspace, Mood::Well);
    azure.admin.ok(["connection", "test", "billing"]);
    azure.wait_for(&azure.run("import"), "completed");
}

#[test]
fn what_goes_wrong_while_it_waits_says_when_it_was_triggered() {
    let azure = azure_with_job();
    azure.cloud.hold_logs(true);
    let id = azure.run("import");
    azure.wait_for_trigger();
    azure.wait_for_look();
    azure.cloud.deny_workspace(true);
    let failed = azure.wait_for(&id, "failed");
    let error = &failed["steps"][0]["error"];
    assert_eq!(error["kind"], "function_outcome_unknown", "{error:#}");
    let message = error["message"].as_str().unwrap();
    for says in ["import", "triggered", "Log Analytics Reader"] {
        assert!(message.contains(says), "{says}: {message}");
    }
    assert_eq!(azure.cloud.triggers().len(), 1);
}
