//! Steps that call functions: what they give the function, and what they leave of its run.

mod interrupted;
mod logs;
mod together;

use std::time::Duration;

use courier_azure::testkit::{AzureCloud, Function, MASTER_KEY, Mood, Part};
use courier_engine::{
    Engine,
    connections::Connection,
    executions::{Execution, ExecutionState},
};
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) use crate::cloud::cloud;
use crate::cloud::cloud_connection;
use crate::fixture::{Fixture, fields, map, operator, path};

/// An engine, and a cloud that it trusts.
pub(crate) struct Azure {
    pub(crate) t: Fixture,
    pub(crate) cloud: AzureCloud,
    pub(crate) connection: Uuid,
}

impl Azure {
    pub(crate) async fn new() -> Self {
        let cloud = cloud();
        let t = Fixture::new().await;
        let connection = connection(&t, &cloud).await.id;
        Self { t, cloud, connection }
    }

    /// A step that calls this function, with these settings besides.
    pub(crate) fn step(&self, function: &str, more: Value) -> Value {
        step(self.connection, function, more)
    }

    /// Runs one step that calls this function.
    pub(crate) async fn call(&self, function: &str, more: Value) -> Execution {
        self.t.run_steps(json!([self.step(function, more)])).await
    }

    /// Sets one going.
    pub(crate) async fn start(&self, function: &str, more: Value) -> Uuid {
        let job = json!({"name": Uuid::now_v7(), "steps": [self.step(function, more)]});
        self.t.start_job(job).await
    }

    pub(crate) async fn health(&self) -> String {
        let connection = self.t.connections().get(self.connection).await.unwrap();
        serde_json::to_value(connection).unwrap()["health"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Waits until the cloud is as it is wanted.
    pub(crate) async fn until(&self, wanted: impl Fn(&AzureCloud) -> bool) {
        let came = async {
            while !wanted(&self.cloud) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), came).await.unwrap();
    }
}

/// A connection that waits for little.
pub(crate) async fn connection(engine: &Engine, cloud: &AzureCloud) -> Connection {
    let impatient = json!({"connect_timeout_sec": 2, "operation_timeout_sec": 5});
    cloud_connection(engine, cloud, impatient).await
}

pub(crate) fn step(connection: Uuid, function: &str, more: Value) -> Value {
    let mut config =
        map(json!({"connection_id": connection, "function_name": function, "poll_interval_sec": 1}));
    config.extend(map(more));
    json!({"step_type": "azure_function.execute", "config": config})
}

/// The kind and the words of the error of an execution's first step.
pub(crate) fn error(execution: &Execution) -> (String, String) {
    let error = execution.steps[0].error.as_ref().unwrap();
    (error.kind.clone(), error.message.clone())
}

#[tokio::test]
async fn what_came_of_a_run_is_there_for_later_steps() {
    let a = Azure::new().await;
    a.cloud
        .put(Function::new("Digest").takes(Duration::from_millis(40)));
    let done = a.call("digest", json!({"input": "a,b"})).await;
    assert_eq!(done.error, None);
    let triggers = a.cloud.triggers();
    assert_eq!(triggers.len(), 1);
    assert_eq!(triggers[0].input.as_deref(), Some("a,b"));
    let left = |name: &str| done.context[&format!("1.{name}")].clone();
    for (name, value) in [
        ("function_name", json!("digest")),
        ("outcome", json!("succeeded")),
        ("success", json!(true)),
        ("result_code", json!("0")),
        ("duration_ms", json!(40)),
        ("invocation_id", json!(triggers[0].invocation_id)),
        ("operation_id", json!(triggers[0].trace_id)),
    ] {
        assert_eq!(left(name), value, "{name}");
    }
    let time = |name: &str| left(name).as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(
        time("triggered_at") <= triggers[0].at
            && triggers[0].at <= time("started_at") + Duration::from_secs(1)
    );
    assert_eq!(a.health().await, "healthy");

    let began = a.t.audit_of("function_triggered").await;
    let ended = a.t.audit_of("function_completed").await;
    assert_eq!((began.len(), ended.len()), (1, 1));
    assert_eq!(
        (began[0].connection_id, began[0].job_execution_id),
        (Some(a.connection), Some(done.id))
    );
    assert_eq!(
        (&*began[0].performed_by, &began[0].details["result"]),
        ("otto", &json!("accepted"))
    );
    assert_eq!(began[0].details["trace_id"], json!(triggers[0].trace_id));
    assert_eq!(ended[0].details["outcome"], json!("succeeded"));
    assert_eq!(
        ended[0].details["invocation_id"],
        json!(triggers[0].invocation_id)
    );
    assert_eq!(ended[0].duration_ms, Some(40));
    for record in began.iter().chain(&ended) {
        let details = record.details.to_string();
        assert!(
            !details.contains(MASTER_KEY) && !details.contains("a,b"),
            "{details}"
        );
    }
}

#[tokio::test]
async fn the_input_has_whatever_shape_the_function_wants() {
    let a = Azure::new().await;
    a.cloud.put(Function::new("f"));
    a.t.server.memory().put(&path("/home/a.csv"), "a");
    let files = a.t.connection(json!({})).await.id;
    let list =
        json!({"step_type": "remote.list", "config": {"connection_id": files, "remote_path": "/home"}});
    let inputs = [
        (json!("{{job.name}}: .."), r#"nightly: .."#),
        (
            json!({"b": [1, {"file": "{{execution.id}}"}], "a": null}),
            r#"{"a":null,"b":[1,{"file":"{id}"}]}"#,
        ),
        (json!([]), "[]"),
        (json!(7), "7"),
        (json!({"found": "context:1.files"}), r#""path":"#),
        (json!("context:1.files"), r#"[{"#),
    ];
    let mut steps = vec![list];
    let wait = |input: &Value| a.step("f", json!({"input": input, "wait": false}));
    steps.extend(inputs.iter().map(|(input, _)| wait(input)));
    steps.push(a.step("f", json!({"wait": false})));
    let done = a.t.run_job(json!({"name": "nightly", "steps": steps})).await;
    assert_eq!(done.error, None);
    let triggers = a.cloud.triggers();
    assert_eq!(triggers.len(), inputs.len() + 1);
    for ((_, told), trigger) in inputs.iter().zip(&triggers) {
        let given = trigger.input.as_deref().unwrap();
        assert!(
            given.contains(&told.replace("{id}", &done.id.to_string())),
            "{given}"
        );
    }
    assert_eq!(triggers[inputs.len()].input, None);
}

#[tokio::test]
async fn a_function_that_fails_fails_the_step_with_its_code() {
    let a = Azure::new().await;
    a.cloud.put(
        Function::new("Bill")
            .fails("500")
            .takes(Duration::from_millis(12)),
    );
    let failed = a.call("Bill", json!({})).await;
    assert_eq!(failed.state, ExecutionState::Failed);
    let (kind, words) = error(&failed);
    assert_eq!(kind, "function_failed");
    let id = &a.cloud.triggers()[0].invocation_id;
    for told in ["\"Bill\"", "result code 500", "12 ms", id, "execution traces"] {
        assert!(words.contains(told), "{words}");
    }
    assert_eq!(failed.context["1.outcome"], json!("failed"));
    assert_eq!(failed.context["1.success"], json!(false));
    assert_eq!(failed.context["1.result_code"], json!("500"));
    assert_eq!(a.health().await, "healthy", "the connection can't help it");
    assert_eq!(
        a.t.audit_of("function_completed").await[0].details["outcome"],
        json!("failed")
    );
}

#[tokio::test]
async fn a_policy_calls_anew_what_has_surely_failed() {
    for kind in ["retry_step", "retry_job"] {
        let a = Azure::new().await;
        a.cloud.put(Function::new("f").fails("1"));
        let policy = json!({"type": kind, "max_retries": 1, "backoff_base_sec": 0});
        let job = json!({"name": "j", "failure_policy": policy, "steps": [a.step("f", json!({}))]});
        let failed = a.t.run_job(job).await;
        assert_eq!(error(&failed).0, "function_failed");
        let triggers = a.cloud.triggers();
        assert_eq!(triggers.len(), 2, "{kind}");
        assert_ne!(triggers[0].trace_id, triggers[1].trace_id);
        assert_eq!(
            failed.context["1.invocation_id"],
            json!(triggers[1].invocation_id)
        );
        assert_eq!(a.t.audit_of("function_triggered").await.len(), 2);
    }
}

#[tokio::test]
async fn whoever_does_not_wait_is_done_when_it_is_triggered() {
    let a = Azure::new().await;
    a.cloud.put(Function::new("f").fails("1"));
    // Nothing asks the logs, so that it doesn't matter who may.
    a.cloud.refuse_tokens(Some("AADSTS7000222: expired"));
    let done = a.call("f", json!({"wait": false})).await;
    assert_eq!(done.error, None);
    assert_eq!(done.context["1.outcome"], json!("not_awaited"));
    assert!(done.context.get("1.success").is_none());
    assert_eq!(
        (a.cloud.triggers().len(), a.cloud.requests(Part::Workspace)),
        (1, 0)
    );

    // Where it isn't known whether it was triggered, that is looked up, and what came of it said.
    a.cloud.refuse_tokens(None);
    a.cloud.feel(
        Part::App,
        Mood::Losing {
            times: 1,
            status: None,
        },
    );
    let done = a.call("f", json!({"wait": false})).await;
    assert_eq!(done.error, None);
    assert_eq!(done.context["1.outcome"], json!("failed"));
    assert_eq!(a.cloud.triggers().len(), 2);
}

#[tokio::test]
async fn what_surely_triggered_nothing_is_told_at_once() {
    let a = Azure::new().await;
    a.cloud.put(Function::new("Digest"));
    a.cloud.put(Function::new("Off").disabled());
    let policy = json!({"type": "retry_step", "max_retries": 2, "backoff_base_sec": 0});
    let refused = async |function: &str| {
        let step = a.step(function, json!({}));
        let job = json!({"name": Uuid::now_v7(), "failure_policy": policy, "steps": [step]});
        let failed = a.t.run_job(job).await;
        assert_eq!(failed.state, ExecutionState::Failed);
        (error(&failed), failed)
    };
    let ((kind, words), failed) = refused("Digset").await;
    assert_eq!(kind, "not_found");
    assert!(
        words.contains("Digset") && words.contains("Digest, Off"),
        "{words}"
    );
    assert_eq!(failed.steps[0].attempts, 1, "a retry would not help");
    assert_eq!(
        a.t.audit_of("function_triggered").await[0].details["result"],
        json!("refused")
    );
    let ((_, words), _) = refused("Off").await;
    assert!(words.contains("disabled"), "{words}");
    assert_eq!(a.health().await, "unknown", "the connection can't help it");

    a.cloud.set_master_key("another");
    let asked = a.cloud.requests(Part::App);
    let ((kind, words), _) = refused("Digest").await;
    assert_eq!(kind, "auth");
    let asked_once = "a greeting, and one call";
    assert_eq!(a.cloud.requests(Part::App) - asked, 2, "{asked_once}");
    assert!(
        words.contains("master key") && !words.contains(MASTER_KEY),
        "{words}"
    );
    assert_eq!(a.health().await, "requires_attention");
    let ((kind, words), _) = refused("Digest").await;
    assert_eq!(
        kind, "connection_not_usable",
        "nobody asks until somebody has looked"
    );
    assert!(
        words.contains("correct the master key") && !words.contains("approve"),
        "{words}"
    );
    assert_eq!(a.cloud.requests(Part::App) - asked, 2);
    assert!(a.cloud.triggers().is_empty());
}

#[tokio::test]
async fn a_call_that_surely_was_not_taken_is_made_again() {
    let a = Azure::new().await;
    a.cloud.put(Function::new("f"));
    let throttled = Mood::Failing {
        times: 2,
        status: 429,
        retry_after: Some(0),
    };
    a.cloud.feel(Part::App, throttled);
    let done = a.call("f", json!({})).await;
    assert_eq!(done.error, None);
    assert_eq!(a.cloud.triggers().len(), 1);
    assert_eq!(a.t.audit_of("function_triggered").await.len(), 1);
}

#[tokio::test]
async fn wrong_settings_are_refused_when_the_job_is_saved() {
    let a = Azure::new().await;
    let files = a.t.connection(json!({})).await.id;
    let config = json!({
        "function_name": "a' or true //", "wait": "yes", "poll_interval_sec": 0, "max_wait_sec": 604_801, "retries": 1,
    });
    let refused = a.step("f", config);
    let elsewhere = step(files, "f", json!({"input": ["{{unknown}}"]}));
    let job = json!({"name": "j", "steps": [refused, elsewhere]});
    let error = a.t.jobs().create(&operator(), map(job)).await.unwrap_err();
    assert_eq!(
        fields(&error),
        [
            "steps[0].config.function_name",
            "steps[0].config.max_wait_sec",
            "steps[0].config.poll_interval_sec",
            "steps[0].config.retries",
            "steps[0].config.wait",
            "steps[1].config.connection_id",
            "steps[1].config.input[0]",
        ],
        "{error}"
    );
    // And what a placeholder stands for, when it runs.
    let named = a.step("{{job.name}}", json!({}));
    let failed = a.t.run_job(json!({"name": "f-", "steps": [named]})).await;
    assert_eq!(error_kind(&failed), "not_found");
    let named = a.step("{{context:1.function_name}}{{date:' x'}}", json!({}));
    let job = json!({"name": "j", "steps": [a.step("f", json!({"wait": false})), named]});
    assert!(a.t.jobs().create(&operator(), map(job)).await.is_err());
}

fn error_kind(execution: &Execution) -> String {
    error(execution).0
}
