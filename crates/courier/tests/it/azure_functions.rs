//! Functions as steps of jobs, from outside: the built server against a cloud that speaks as Azure does, over TLS.

mod crashes;
mod refusals;
mod runs;
mod secrets;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use courier_azure::testkit::{AzureCloud, Triggered};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Cli, Serve, wait_until};

/// A cloud, a server that trusts its authority, and an admin with the connection `billing` to the cloud's function app.
struct Azure {
    cloud: AzureCloud,
    serve: Serve,
    admin: Cli,
    folder: TempDir,
}

impl Azure {
    fn start() -> Self {
        Self::start_with(&[])
    }

    /// With further environment variables for the server.
    fn start_with(more: &[(&str, &str)]) -> Self {
        let cloud = AzureCloud::start();
        let folder = tempfile::tempdir().unwrap();
        let authority = folder.path().join("ca.pem");
        fs::write(&authority, cloud.authority_pem()).unwrap();
        let mut env = vec![("SSL_CERT_FILE", authority.to_str().unwrap())];
        env.extend(more);
        let serve = Serve::start_with(&env);
        let azure = Self {
            admin: serve.admin(),
            cloud,
            serve,
            folder,
        };
        azure.create("billing", &azure.cloud.connection());
        azure
    }

    /// Starts the server again after it was stopped or killed.
    fn start_again(&mut self) {
        self.serve.start_again();
        self.admin = self.serve.admin();
    }

    /// Writes a document where the command line finds it.
    fn document(&self, document: &Value) {
        fs::write(self.admin.path("document.json"), document.to_string()).unwrap();
    }

    /// Makes a connection of this document.
    fn create(&self, name: &str, connection: &Value) {
        self.document(connection);
        self.admin
            .ok(["connection", "create", name, "-f", "document.json"]);
    }

    /// The id of a connection.
    fn id(&self, connection: &str) -> Value {
        self.admin.ok(["connection", "show", connection, "--json"]).json()["id"].clone()
    }

    /// A step that calls a function over `billing`, with more settings.
    fn call(&self, function: &str, more: Value) -> Value {
        let mut config =
            json!({"connection_id": self.id("billing"), "function_name": function, "poll_interval_sec": 1});
        merge(&mut config, more);
        json!({"step_type": "azure_function.execute", "config": config})
    }

    /// Makes a job of these steps.
    fn job(&self, name: &str, steps: Value) {
        self.document(&json!({"name": name, "steps": steps}));
        self.admin.ok(["job", "create", "-f", "document.json"]);
    }

    /// Starts a job, and gives its execution's id.
    fn run(&self, job: &str) -> String {
        let started = self.admin.ok(["job", "run", job, "--json"]).json();
        started["id"].as_str().unwrap().to_owned()
    }

    fn execution(&self, id: &str) -> Value {
        self.admin.ok(["execution", "show", id, "--json"]).json()
    }

    /// Waits until an execution is in this state.
    #[track_caller]
    fn wait_for(&self, id: &str, state: &str) -> Value {
        let mut seen = Value::Null;
        wait_until(&format!("{state} of an execution"), || {
            seen = self.execution(id);
            let over = ["completed", "failed", "cancelled"];
            assert!(
                seen["state"] == state || !over.contains(&seen["state"].as_str().unwrap()),
                "{seen:#}\n{}",
                self.serve.log()
            );
            seen["state"] == state
        });
        seen
    }

    /// Runs a job of this step alone, to this end.
    #[track_caller]
    fn ends(&self, job: &str, step: Value, state: &str) -> Value {
        self.job(job, json!([step]));
        self.wait_for(&self.run(job), state)
    }

    /// Waits until the app has taken a call.
    #[track_caller]
    fn wait_for_trigger(&self) -> Triggered {
        wait_until("a call of the function", || !self.cloud.triggers().is_empty());
        self.cloud.triggers().remove(0)
    }

    /// Waits until the workspace was asked for runs of this function.
    #[track_caller]
    fn wait_for_look(&self) {
        let before = self.cloud.queries().len();
        wait_until("a look into the logs", || self.cloud.queries().len() > before);
    }

    /// The audit records of an operation, newest first.
    fn records(&self, operation: &str) -> Vec<Value> {
        let list = ["audit", "list", "--operation", operation, "--json"];
        self.admin.ok(list).json().as_array().unwrap().clone()
    }

    /// A request to the API, by an admin: status and document.
    fn api(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let address = self.serve.url.split_once("://").unwrap().1;
        let token = self
            .admin
            .command(["x"])
            .get_envs()
            .find(|(name, _)| *name == "COURIER_TOKEN")
            .unwrap()
            .1
            .unwrap()
            .to_owned();
        let body = body.to_string();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\nauthorization: Bearer {}\r\ncontent-type: \
             application/json\r\ncontent-length: {}\r\n\r\n{body}",
            token.to_str().unwrap(),
            body.len()
        );
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_default())
    }
}

/// Puts the fields of one document over those of another, those within `properties` one by one.
fn merge(into: &mut Value, more: Value) {
    let Value::Object(more) = more else {
        panic!("{more} is no document")
    };
    for (name, value) in more {
        match into.get_mut(&name) {
            Some(inner @ Value::Object(_)) if value.is_object() => merge(inner, value),
            _ => into[name] = value,
        }
    }
}
