//! Functions that are called, waited for, and told apart.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use courier_azure::testkit::{Function, Mood, Part, Tables};
use serde_json::{Value, json};

use super::Azure;
use crate::support::{Sshd, content, user, wait_until};

/// Makes the job `statements`: it fetches a file, hands it over to a function, and delivers what that named its outcome.
pub(super) fn statements(azure: &Azure, sshd: &Sshd, function: &str) {
    let admin = &azure.admin;
    admin.ok(["key", "generate", "partner-key"]);
    sshd.authorize(&admin.ok(["key", "public", "partner-key"]).stdout);
    azure.document(&json!({
        "protocol": "sftp", "host": "127.0.0.1", "port": sshd.port(), "username": user(), "base_path": sshd.files(),
    }));
    let create = "connection create partner -f document.json --ssh-key partner-key";
    admin.ok(create.split(' '));
    admin.ok(["connection", "test", "partner"]);
    let partner = azure.id("partner");
    fs::create_dir(sshd.files().join("out")).unwrap();
    let input = json!({"file": "{{context:1.downloaded_file}}", "job": "{{job.name}}", "rows": 3});
    let fetch = json!({"connection_id": partner, "remote_path": "in/a.csv", "local_path": "a.csv"});
    let deliver = json!({"connection_id": partner, "local_path": "a.csv", "remote_path": "out/{{context:2.outcome}}.csv"});
    azure.job(
        "statements",
        json!([
            {"step_type": "sftp.download", "config": fetch},
            azure.call(function, json!({"input": input})),
            {"step_type": "sftp.upload", "config": deliver},
        ]),
    );
}

#[test]
fn a_function_between_two_transfers() {
    let (azure, sshd) = (Azure::start(), Sshd::start());
    let bytes = content(300_000, 7);
    sshd.file("in/a.csv", &bytes);
    let digest = Function::new("DigestStatements").takes(Duration::from_millis(250));
    azure
        .cloud
        .put(digest.writes("digested 3 rows", 1).writes("one is odd", 2));
    azure.cloud.set_lag(Duration::from_millis(500));

    let tested = azure.admin.ok(["connection", "test", "billing"]);
    for says in ["Azure Functions 4.", "(Running)", "host", "token", "workspace"] {
        assert!(tested.stdout.contains(says), "{says}: {tested:?}");
    }
    assert!(azure.cloud.triggers().is_empty(), "a test triggers nothing");

    statements(&azure, &sshd, "DigestStatements");
    let watched = azure.admin.run(["job", "run", "statements", "--watch"]);
    assert_eq!(watched.code, 0, "{watched:?}\n{}", azure.serve.log());
    assert_eq!(sshd.read("out/succeeded.csv"), bytes);

    let triggers = azure.cloud.triggers();
    assert_eq!(triggers.len(), 1, "{triggers:?}");
    let input: Value = serde_json::from_str(triggers[0].input.as_deref().unwrap()).unwrap();
    assert_eq!((&input["job"], &input["rows"]), (&json!("statements"), &json!(3)));
    assert!(input["file"].as_str().unwrap().ends_with("a.csv"), "{input}");

    let listed = azure
        .admin
        .ok(["execution", "list", "--job", "statements", "--json"])
        .json();
    let id = listed[0]["id"].as_str().unwrap();
    let context = azure.execution(id)["context"].clone();
    let output = |name: &str| &context[format!("2.{name}")];
    assert_eq!(output("outcome"), "succeeded", "{context:#}");
    assert_eq!(output("success"), true);
    assert_eq!(output("result_code"), "0");
    assert_eq!(output("function_name"), "DigestStatements");
    assert_eq!(output("invocation_id"), &triggers[0].invocation_id);
    assert_eq!(output("operation_id"), &json!(triggers[0].trace_id));
    assert!(output("duration_ms").as_f64().unwrap() >= 250.0, "{context:#}");
    assert!(
        output("triggered_at").is_string() && output("started_at").is_string(),
        "{context:#}"
    );

    let traces = azure.admin.ok(["execution", "traces", id, "2"]);
    let lines: Vec<&str> = traces.stdout.lines().collect();
    assert!(lines[0].ends_with("information  digested 3 rows"), "{traces:?}");
    assert!(
        lines[1].contains("warning") && lines[1].ends_with("one is odd"),
        "{traces:?}"
    );
    let (status, none) = azure.api(
        "GET",
        &format!("/api/executions/{id}/steps/1/traces"),
        &json!(null),
    );
    assert_eq!((status, &none["code"]), (409, &json!(1050)), "{none:#}");
    let (status, none) = azure.api(
        "GET",
        &format!("/api/executions/{id}/steps/9/traces"),
        &json!(null),
    );
    assert_eq!((status, &none["code"]), (404, &json!(1030)), "{none:#}");

    for (operation, says) in [
        ("function_triggered", triggers[0].trace_id.as_deref().unwrap()),
        ("function_completed", &*triggers[0].invocation_id),
    ] {
        let records = azure.records(operation);
        assert_eq!(records.len(), 1, "{operation}: {records:#?}");
        let record = records[0].to_string();
        assert!(
            record.contains(says) && record.contains("DigestStatements"),
            "{record}"
        );
        assert_eq!(records[0]["job_execution_id"], id, "{record}");
        assert_eq!(records[0]["connection_id"], azure.id("billing"), "{record}");
    }
}

#[test]
fn a_failed_function_fails_its_step_and_a_policy_calls_it_again() {
    let azure = Azure::start();
    azure
        .cloud
        .put(Function::new("import").fails("500").writes("no such table", 3));
    let step = azure.call("import", json!({}));
    let failed = azure.ends("once", step.clone(), "failed");
    let error = &failed["steps"][0]["error"];
    assert_eq!(
        (&error["kind"], &error["code"]),
        (&json!("function_failed"), &json!(3000)),
        "{failed:#}"
    );
    let first = azure.cloud.triggers().remove(0);
    for says in ["import", "500", &first.invocation_id] {
        assert!(
            error["message"].as_str().unwrap().contains(says),
            "{says}: {error}"
        );
    }
    assert_eq!(failed["context"]["1.outcome"], "failed", "{failed:#}");
    assert_eq!(failed["context"]["1.result_code"], "500");
    let run = azure.admin.run(["job", "run", "once", "--watch"]);
    assert_ne!(run.code, 0, "{run:?}");
    assert!(format!("{}{}", run.stdout, run.stderr).contains("500"), "{run:?}");
    assert_eq!(azure.cloud.triggers().len(), 2);
    let id = failed["id"].as_str().unwrap();
    let traces = azure.admin.ok(["execution", "traces", id, "1"]);
    assert!(traces.stdout.contains("error        no such table"), "{traces:?}");

    let mut again = step;
    again["failure_policy"] = json!({"type": "retry_step", "max_retries": 2, "backoff_base_sec": 1});
    let tried = azure.ends("thrice", again, "failed");
    assert_eq!(azure.cloud.triggers().len(), 2 + 3, "{tried:#}");
    assert_eq!(azure.records("function_triggered").len(), 5);
}

#[test]
fn what_nobody_waits_for_is_done_when_it_is_taken() {
    let azure = Azure::start();
    azure
        .cloud
        .put(Function::new("later").takes(Duration::from_secs(3600)));
    let step = azure.call("later", json!({"wait": false, "input": "as it is"}));
    let done = azure.ends("shoot", step, "completed");
    assert_eq!(done["context"]["1.outcome"], "not_awaited", "{done:#}");
    let triggers = azure.cloud.triggers();
    assert_eq!(triggers.len(), 1);
    assert_eq!(triggers[0].input.as_deref(), Some("as it is"));
    // Nothing of it is in the logs as long as it runs.
    let id = done["id"].as_str().unwrap();
    let (status, none) = azure.api(
        "GET",
        &format!("/api/executions/{id}/steps/1/traces"),
        &json!(null),
    );
    assert_eq!((status, &none["code"]), (409, &json!(1050)), "{none:#}");
    let none = azure.admin.run(["execution", "traces", id, "1"]);
    assert!(
        none.code != 0 && none.stderr.contains("in a few minutes"),
        "{none:?}"
    );
}

/// Runs a function from several executions at once, and gives whose run each took for its own.
fn at_once(azure: &Azure, count: usize) -> Vec<(Value, Value)> {
    azure
        .cloud
        .put(Function::new("both").takes(Duration::from_millis(400)));
    azure.job("both", json!([azure.call("both", json!({}))]));
    azure.cloud.hold_logs(true);
    let ids: Vec<String> = (0..count).map(|_| azure.run("both")).collect();
    wait_until("all calls", || azure.cloud.triggers().len() == count);
    azure.cloud.hold_logs(false);
    ids.iter()
        .map(|id| {
            let context = azure.wait_for(id, "completed")["context"].clone();
            (
                context["1.invocation_id"].clone(),
                context["1.operation_id"].clone(),
            )
        })
        .collect()
}

#[test]
fn executions_at_once_have_a_run_each() {
    let azure = Azure::start();
    // The run bears the trace of its call: whose it is, is certain.
    let own = at_once(&azure, 3);
    for trigger in azure.cloud.triggers() {
        let pair = (json!(trigger.invocation_id), json!(trigger.trace_id));
        assert!(own.contains(&pair), "{pair:?}: {own:?}");
    }
    assert_eq!(azure.records("function_triggered").len(), 3);
}

#[test]
fn no_run_is_taken_twice_without_a_trace_in_it() {
    let azure = Azure::start();
    azure.cloud.keep_trace_ids(false);
    azure.cloud.set_tables(Tables::Insights);
    let own = at_once(&azure, 3);
    let began: BTreeSet<String> = azure
        .cloud
        .triggers()
        .into_iter()
        .map(|t| t.invocation_id)
        .collect();
    let found: BTreeSet<String> = own
        .iter()
        .map(|(id, _)| id.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(found, began);
}

#[test]
fn a_long_wait_survives_tokens_throttling_and_outages() {
    let azure = Azure::start();
    azure.cloud.set_token_lifetime(2);
    azure.cloud.put(Function::new("slow"));
    azure.cloud.hold_logs(true);
    azure.job("wait", json!([azure.call("slow", json!({"max_wait_sec": 300}))]));
    let id = azure.run("wait");
    azure.wait_for_trigger();
    azure.wait_for_look();
    azure.cloud.feel(
        Part::Workspace,
        Mood::Failing {
            times: 2,
            status: 429,
            retry_after: Some(1),
        },
    );
    azure.cloud.revoke_tokens();
    azure.wait_for_look();
    azure.cloud.feel(Part::Workspace, Mood::Gone);
    // Each look takes a new token by now.
    let tokens = azure.cloud.requests(Part::Authority);
    wait_until("two looks in vain", || {
        azure.cloud.requests(Part::Authority) >= tokens + 2
    });
    azure.cloud.feel(Part::Workspace, Mood::Well);
    azure.wait_for_look();
    assert_eq!(azure.execution(&id)["state"], "running");
    azure.cloud.hold_logs(false);
    let done = azure.wait_for(&id, "completed");
    assert_eq!(done["context"]["1.outcome"], "succeeded", "{done:#}");
    assert_eq!(azure.cloud.triggers().len(), 1);
    assert!(
        azure.cloud.requests(Part::Authority) > 2,
        "tokens end while it waits"
    );
    let shown = azure.admin.ok(["connection", "show", "billing", "--json"]).json();
    assert_eq!(shown["health"], "healthy", "{shown:#}");
}

#[test]
fn fips_mode_rules_the_calls() {
    let azure = Azure::start();
    azure.cloud.put(Function::new("import"));
    let set = ["setting", "set", "security.fips_mode_enabled", "true"];
    azure.admin.ok(set);
    azure.ends("import", azure.call("import", json!({})), "completed");
    assert!(azure.records("fips_override_used").is_empty());
    azure
        .admin
        .ok(["connection", "update", "billing", "--fips-override", "true"]);
    let id = azure.run("import");
    azure.wait_for(&id, "completed");
    let records = azure.records("fips_override_used");
    assert_eq!(records[0]["job_execution_id"], id, "{records:#?}");
    let shown = azure.admin.ok(["connection", "show", "billing", "--json"]).json();
    assert!(shown["warnings"].to_string().contains("FIPS"), "{shown:#}");
}
