//! An engine in a folder of its own.

use std::{path::PathBuf, sync::Arc, time::Duration};

use courier_engine::{
    Actor, Engine, EngineConfig, Environment, Error, ExecutionEvent, PageRequest, PasswordCost, Protocols,
    Role,
    audit::{AuditFilter, AuditRecord},
    connections::Connection,
    executions::{Execution, ExecutionState},
};
use courier_local::LocalProtocol;
use courier_store::Store;
use courier_transfer::RemotePath;
use courier_vault::{LocalKey, Vault};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::fake::{PASSWORD, Server};

/// Ten seconds, after which a test has failed.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Fixture {
    pub(crate) engine: Engine,
    /// The protocol `memory`.
    pub(crate) server: Server,
    /// The protocol `sftp`.
    pub(crate) sftp: Server,
    /// The protocol `ftps`.
    pub(crate) ftps: Server,
    pub(crate) dir: Arc<TempDir>,
}

impl std::ops::Deref for Fixture {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::in_environment(Environment::Development).await
    }

    pub(crate) async fn in_environment(environment: Environment) -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        Self::start(dir, Server::new("memory"), environment)
            .await
            .unwrap()
    }

    /// Starts on what another engine has left in the folder.
    pub(crate) async fn start(
        dir: Arc<TempDir>,
        server: Server,
        environment: Environment,
    ) -> Result<Self, Error> {
        let url = format!("sqlite://{}", dir.path().join("courier.db").display());
        let store = Store::open(&url).await.unwrap();
        let vault = Vault::new(Arc::new(
            LocalKey::load_or_create(&dir.path().join("kek")).unwrap(),
        ));
        let sftp = Server::new("sftp");
        let ftps = Server::with_certificate("ftps");
        let protocols = Protocols::new(vec![
            server.protocol(),
            sftp.protocol(),
            ftps.protocol(),
            Arc::new(LocalProtocol),
        ]);
        let config = EngineConfig {
            node: "test".into(),
            data_dir: dir.path().to_owned(),
            local_roots: Vec::new(),
            environment,
            concurrency: 4,
            password_cost: PasswordCost {
                memory_kib: 64,
                passes: 1,
            },
        };
        let engine = Engine::start(store, vault, protocols, config).await?;
        Ok(Self {
            engine,
            server,
            sftp,
            ftps,
            dir,
        })
    }

    /// A folder that jobs may touch.
    pub(crate) fn files(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join("files")
    }

    /// A connection to the server in memory, with these fields besides.
    pub(crate) async fn connection(&self, more: Value) -> Connection {
        let mut input = connection_input();
        input.extend(map(more));
        self.connections().create(&admin(), input).await.unwrap()
    }

    /// Makes a job of these steps and runs it to its end.
    pub(crate) async fn run_steps(&self, steps: Value) -> Execution {
        self.run_job(json!({"name": Uuid::now_v7(), "steps": steps}))
            .await
    }

    /// Makes a job and runs it to its end.
    pub(crate) async fn run_job(&self, job: Value) -> Execution {
        let id = self.start_job(job).await;
        self.finished(id).await
    }

    /// Makes a job and sets it going.
    pub(crate) async fn start_job(&self, job: Value) -> Uuid {
        let job = self.jobs().create(&operator(), map(job)).await.unwrap();
        self.jobs().run(&operator(), job.id).await.unwrap().id
    }

    /// Waits for the end of an execution.
    pub(crate) async fn finished(&self, id: Uuid) -> Execution {
        self.wait(
            id,
            |event| matches!(event, ExecutionEvent::State { state, .. } if state.is_final()),
        )
        .await;
        self.executions().get(id).await.unwrap()
    }

    pub(crate) async fn wait_for_state(&self, id: Uuid, wanted: ExecutionState) {
        self.wait(
            id,
            |event| matches!(event, ExecutionEvent::State { state, .. } if *state == wanted),
        )
        .await;
    }

    /// Waits until bytes move.
    pub(crate) async fn wait_for_progress(&self, id: Uuid) {
        self.wait(id, |event| matches!(event, ExecutionEvent::Progress(_)))
            .await;
    }

    async fn wait(&self, id: Uuid, wanted: impl Fn(&ExecutionEvent) -> bool) {
        let mut events = self.executions().subscribe(id).await.unwrap();
        let heard = async {
            while let Some(event) = events.next().await {
                if wanted(&event) {
                    return;
                }
            }
            panic!("the execution ended: {:?}", self.executions().get(id).await);
        };
        if tokio::time::timeout(PATIENCE, heard).await.is_err() {
            panic!("nothing happened: {:?}", self.executions().get(id).await);
        }
    }

    /// Audit records of this operation, newest first.
    pub(crate) async fn audit_of(&self, operation: &str) -> Vec<AuditRecord> {
        let filter = AuditFilter {
            operation: Some(operation.into()),
            ..AuditFilter::default()
        };
        self.audit()
            .list(filter, PageRequest::first(100))
            .await
            .unwrap()
            .items
    }
}

pub(crate) fn admin() -> Actor {
    Actor {
        id: None,
        name: "anna".into(),
        role: Role::Admin,
        token: None,
    }
}

pub(crate) fn operator() -> Actor {
    Actor {
        id: None,
        name: "otto".into(),
        role: Role::Operator,
        token: None,
    }
}

pub(crate) fn viewer() -> Actor {
    Actor {
        id: None,
        name: "vera".into(),
        role: Role::Viewer,
        token: None,
    }
}

pub(crate) fn map(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

pub(crate) fn path(text: &str) -> RemotePath {
    RemotePath::new(text).unwrap()
}

pub(crate) fn connection_input() -> Map<String, Value> {
    map(json!({
        "name": Uuid::now_v7(),
        "protocol": "memory",
        "host": "partner.example",
        "auth_method": "password",
        "username": "courier",
        "password": PASSWORD,
    }))
}

/// The fields that an error names, sorted.
pub(crate) fn fields(error: &Error) -> Vec<String> {
    let (Error::Validation { fields }
    | Error::ProtocolConfig { fields }
    | Error::StepConfig { fields }
    | Error::StepType { fields }) = error
    else {
        panic!("{error:?}");
    };
    let mut names: Vec<String> = fields.iter().map(|p| p.field.clone()).collect();
    names.sort();
    names
}
