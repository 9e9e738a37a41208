//! What the demo does over the API: the same requests that anybody would send.

use std::time::Duration;

use courier_api::{GenerateKey, KeyType, LoginRequest, Secret};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::partner::{Partner, USER};
use crate::api::Api;
use crate::commands::{audit, body, execution};
use crate::exit::{Code, Failure, Result};
use crate::output::Output;
use crate::output::text::cell;

/// How often the partner's reports are looked at.
const PULLED_EACH: Duration = Duration::from_secs(10);

/// A key in the server's store.
pub(super) struct Key {
    id: String,
    pub(super) public: String,
}

/// Logs in as `admin`.
pub(super) async fn login(url: &str, password: &SecretString) -> Result<SecretString> {
    let request = LoginRequest {
        username: "admin".to_owned(),
        password: Secret::from(password.expose_secret()),
    };
    let answer = Api::with_token(url, None)?
        .post(&["auth", "login"], &body(&request)?)
        .await?;
    Ok(SecretString::from(text(&answer, "token")?))
}

/// Has the server make a key; its private half stays there, sealed.
pub(super) async fn generate_key(api: &Api) -> Result<Key> {
    let request = GenerateKey {
        name: "demo-key".to_owned(),
        key_type: KeyType::Ed25519,
        notes: None,
    };
    let answer = api.post(&["ssh-keys", "generate"], &body(&request)?).await?;
    Ok(Key {
        id: text(&answer, "id")?,
        public: text(&answer, "public_key")?.trim_end().to_owned(),
    })
}

/// Goes from a connection to an execution.
pub(super) struct Tour<'a> {
    api: &'a Api,
    output: Output,
    connection: String,
    job: String,
    mapping: String,
    runs: u32,
    /// So many pulled files were told of.
    pulled: usize,
}

impl<'a> Tour<'a> {
    pub(super) fn new(api: &'a Api, output: Output) -> Self {
        Self {
            api,
            output,
            connection: String::new(),
            job: String::new(),
            mapping: String::new(),
            runs: 0,
            pulled: 0,
        }
    }

    /// Makes a connection and tests it, which pins the host key.
    pub(super) async fn connect(&mut self, partner: &Partner, key: &Key) -> Result<()> {
        let address = partner.address();
        let connection = json!({
            "name": "partner",
            "protocol": "sftp",
            "host": address.ip().to_string(),
            "port": address.port(),
            "username": USER,
            "auth_method": "ssh_key",
            "ssh_key_ids": [key.id],
        });
        let made = self.api.post(&["connections"], &connection).await?;
        self.connection = text(&made, "id")?;
        let tested = self
            .api
            .post(&["connections", &self.connection, "test"], &Value::Null)
            .await?;
        if tested.get("success").and_then(Value::as_bool) != Some(true) {
            let why = cell(tested.get("error_message").unwrap_or(&Value::Null));
            return Err(Failure::new(
                Code::Failed,
                format!("the demo's own connection does not work: {why}"),
            ));
        }
        let part = |name: &str| cell(tested.get(name).unwrap_or(&Value::Null));
        let latency = match part("latency_ms").as_str() {
            "0" => "less than 1 ms".to_owned(),
            ms => format!("{ms} ms"),
        };
        self.output.info(format!(
            "The connection \"partner\" is tested: {}, {latency} for a round trip.\n  Its host key is pinned: {}\n",
            part("server_banner"),
            part("host_key_fingerprint")
        ))
    }

    /// Makes a job that takes everything from the inbox to the outbox.
    pub(super) async fn make_job(&mut self) -> Result<()> {
        let connection = &self.connection;
        let job = json!({
            "name": "inbox-to-outbox",
            "description": "Looks into the partner's inbox, fetches every file, and delivers it to the outbox.",
            "steps": [
                {"name": "look", "step_type": "remote.list",
                    "config": {"connection_id": connection, "remote_path": "/inbox"}},
                {"name": "fetch", "step_type": "sftp.download",
                    "config": {"connection_id": connection, "remote_path": "/inbox/*", "local_path": "fetched/"}},
                {"name": "deliver", "step_type": "sftp.upload",
                    "config": {"connection_id": connection, "local_path": "fetched/*", "remote_path": "/outbox/"}},
            ],
        });
        let made = self.api.post(&["jobs"], &job).await?;
        self.job = text(&made, "id")?;
        self.output.info(
            "The job \"inbox-to-outbox\" looks into /inbox, fetches every file and delivers it to /outbox.",
        )
    }

    /// Maps the partner's reports, which are pulled from then on by themselves.
    pub(super) async fn map_folder(&mut self) -> Result<()> {
        let mapping = json!({
            "name": "reports",
            "remote_path": "/reports",
            "prefix": "partner",
            "interval_sec": PULLED_EACH.as_secs(),
            "min_age_sec": 0,
        });
        let path = ["connections", &self.connection, "folder-mappings"];
        self.mapping = text(&self.api.post(&path, &mapping).await?, "id")?;
        self.output.info(format!(
            "\nThe folder mapping \"reports\" pulls each file of /reports once into the storage \"default\", each {} s.",
            PULLED_EACH.as_secs()
        ))
    }

    /// Pulls now, and shows what came.
    pub(super) async fn pull(&mut self) -> Result<()> {
        let path = ["folder-mappings", &self.mapping, "run"];
        let started = self.api.post(&path, &Value::Null).await?;
        let quiet = Output {
            json: false,
            quiet: true,
        };
        execution::watch(self.api, quiet, &text(&started, "id")?).await?;
        self.pulled().await
    }

    /// The files that came since the last look, the oldest first.
    pub(super) async fn pulled(&mut self) -> Result<()> {
        let path = ["connections", &self.connection, "history"];
        let history = self.api.list(&path, &Vec::new(), usize::MAX).await?;
        let new = history.len().saturating_sub(self.pulled);
        if new == 0 {
            return self
                .output
                .info("  nothing new: what is in the history isn't pulled again");
        }
        for entry in history.iter().take(new).rev() {
            let part = |name: &str| cell(entry.get(name).unwrap_or(&Value::Null));
            let sum: String = part("sha256").chars().take(16).collect();
            self.output.info(format!(
                "  pulled {} to {}, {} bytes, sha256 {sum}…",
                part("path"),
                part("key"),
                part("size")
            ))?;
        }
        self.pulled = history.len();
        Ok(())
    }

    /// Runs the job and shows how it goes; gives the execution.
    pub(super) async fn run(&mut self) -> Result<Value> {
        self.runs += 1;
        self.output.info(format!("\nRun {}", self.runs))?;
        let started = self.api.post(&["jobs", &self.job, "run"], &Value::Null).await?;
        let id = text(&started, "id")?;
        execution::watch(
            self.api,
            Output {
                json: false,
                quiet: self.output.quiet || self.output.json,
            },
            &id,
        )
        .await?;
        let execution = self.api.get(&["executions", &id]).await?;
        self.files(&execution)?;
        Ok(execution)
    }

    /// The files that an execution delivered.
    fn files(&self, execution: &Value) -> Result<()> {
        let delivered = execution
            .get("context")
            .and_then(|context| context.get("3.uploaded_files"));
        for file in delivered.and_then(Value::as_array).into_iter().flatten() {
            self.output.info(format!("  delivered {}", cell(file)))?;
        }
        Ok(())
    }

    /// The newest entries of the audit log, the oldest of them first.
    pub(super) async fn audit_tail(&self) -> Result<()> {
        let mut entries = self.api.list(&["audit"], &Vec::new(), 10).await?;
        entries.reverse();
        self.output
            .info(format!("\nThe end of the audit log:\n{}", audit::lines(entries)))
    }
}

fn text(document: &Value, name: &str) -> Result<String> {
    let text = document.get(name).and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| Failure::new(Code::Failed, format!("the server's answer has no {name}")))
}
