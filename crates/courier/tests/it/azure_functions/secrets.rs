//! Neither the master key, nor the client secret, nor a token is in an answer, in the log or in a file; and each goes nowhere but
//! to where it was entered for.

use std::fs;

use courier_azure::testkit::{AzureCloud, CLIENT_SECRET, Function, MASTER_KEY, Mood, Part, Reply};
use serde_json::{Value, json};

use super::merge;
use crate::support::watched::Watched;

#[test]
fn no_secret_shows_anywhere() {
    let mut watched = Watched::start();
    let cloud = AzureCloud::start();
    let authority = watched.folder.path().join("ca.pem");
    let known = fs::read(&authority).unwrap();
    fs::write(&authority, [known, cloud.authority_pem()].concat()).unwrap();
    watched.needles.add("the master key", MASTER_KEY);
    watched.needles.add("the client secret", CLIENT_SECRET);
    watched
        .needles
        .add("a token that was got", "\"access_token\":\"token-");
    watched.needles.add("a token that was sent", "Bearer token-");
    cloud.put(Function::new("import").writes("nothing of note", 1));

    let mut document = cloud.connection();
    merge(
        &mut document,
        json!({"name": "billing", "connect_timeout_sec": 2, "operation_timeout_sec": 2}),
    );
    let made = watched.ok("POST", "/api/connections", document.clone());
    assert_eq!(
        (&made["has_password"], &made["has_client_secret"]),
        (&json!(true), &json!(true)),
        "{made:#}"
    );
    let path = format!("/api/connections/{}", made["id"].as_str().unwrap());
    let tested = watched.ok("POST", &format!("{path}/test"), json!({}));
    assert_eq!(tested["success"], true, "{tested:#}");
    watched.ok("POST", "/api/connections/test", document.clone());

    let step = |function: &str| {
        let config = json!({"connection_id": made["id"], "function_name": function, "poll_interval_sec": 1, "max_wait_sec": 1});
        json!([{"step_type": "azure_function.execute", "config": config}])
    };
    let run = |watched: &mut Watched, name: &str, steps: Value| -> Value {
        let job = watched.ok("POST", "/api/jobs", json!({"name": name, "steps": steps}));
        let run = watched.ok(
            "POST",
            &format!("/api/jobs/{}/run", job["id"].as_str().unwrap()),
            json!({}),
        );
        let id = run["id"].as_str().unwrap().to_owned();
        watched.raw("GET", &format!("/api/executions/{id}/events"), "");
        watched.raw("GET", &format!("/api/executions/{id}/steps/1/traces"), "");
        watched.ok("GET", &format!("/api/executions/{id}"), json!(null))
    };
    let done = run(&mut watched, "well", step("import"));
    assert_eq!(done["state"], "completed", "{done:#}");
    run(&mut watched, "unknown", step("imprt"));
    // Who gets a secret may say it again.
    for (name, part, secret) in [
        ("app", Part::App, MASTER_KEY),
        ("authority", Part::Authority, CLIENT_SECRET),
    ] {
        let echo = format!("you sent {secret}");
        for (n, reply) in [
            Reply::raw(400, &*echo),
            Reply::new(
                401,
                json!({"error": "invalid_client", "error_description": format!("AADSTS7000215: {echo}")}),
            ),
            Reply::error(500, "Failed", &echo),
            Reply::raw(200, &*echo),
            Reply::new(200, json!({"id": "x", "state": "Error", "errors": [echo]})),
            Reply::raw(302, "").header("Location", &format!("https://localhost/?key={secret}")),
        ]
        .into_iter()
        .enumerate()
        {
            cloud.feel(part, Mood::Odd(reply));
            watched.raw("POST", &format!("{path}/test"), "{}");
            run(&mut watched, &format!("{name} {n}"), step("import"));
            // What was refused may be tried again.
            watched.ok(
                "PATCH",
                &path,
                json!({"password": MASTER_KEY, "client_secret": CLIENT_SECRET}),
            );
        }
        cloud.feel(part, Mood::Well);
    }
    for body in [
        json!({"client_secret": [CLIENT_SECRET]}),
        json!({"client_secrt": CLIENT_SECRET}),
        json!({"properties": {"client_secret": CLIENT_SECRET}}),
        json!({"properties": CLIENT_SECRET}),
    ] {
        watched.refused("PATCH", &path, body);
    }
    watched.raw("GET", "/api/connections", "");
    watched.raw("GET", "/api/audit?limit=1000", "");
    let leaks = watched.leaks();
    assert!(leaks.is_empty(), "{leaks:#?}");
}

#[test]
fn a_secret_goes_where_it_was_entered_for() {
    let azure = super::Azure::start();
    let other = AzureCloud::start();
    let path = format!("/api/connections/{}", azure.id("billing").as_str().unwrap());
    let properties = azure.cloud.connection()["properties"].clone();
    let has = |changed: &Value| {
        (
            changed["has_password"].clone(),
            changed["has_client_secret"].clone(),
        )
    };
    for name in ["authority_host", "logs_endpoint"] {
        let mut changed = properties.clone();
        changed[name] = other.connection()["properties"][name].clone();
        let (status, moved) = azure.api("PATCH", &path, &json!({"properties": changed}));
        assert_eq!(
            (status, has(&moved)),
            (200, (json!(true), json!(false))),
            "{moved:#}"
        );
        let tested = azure.admin.run(["connection", "test", "billing"]);
        assert!(
            tested.code != 0 && tested.stderr.contains("lacks a client secret"),
            "{tested:?}"
        );
        let back = json!({"properties": properties, "client_secret": CLIENT_SECRET});
        let (status, moved) = azure.api("PATCH", &path, &back);
        assert_eq!(
            (status, has(&moved)),
            (200, (json!(true), json!(true))),
            "{moved:#}"
        );
    }
    let (status, moved) = azure.api("PATCH", &path, &json!({"port": other.port()}));
    assert_eq!(
        (status, has(&moved)),
        (200, (json!(false), json!(false))),
        "{moved:#}"
    );
    for part in [Part::App, Part::Authority, Part::Workspace] {
        assert_eq!(other.requests(part), 0, "{part:?}");
    }
}
