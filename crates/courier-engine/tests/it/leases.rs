//! Nodes on one PostgreSQL: one that can't reach it stops before another goes on with what it ran.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use courier_engine::{
    Engine, EngineConfig, Environment, PasswordCost, Protocols,
    executions::{Execution, ExecutionState},
};
use courier_store::Store;
use courier_transfer::memory::Event;
use courier_vault::{LocalKey, Vault};
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    sync::watch,
};
use uuid::Uuid;

use crate::{
    fake::Server,
    fixture::{admin, connection_input, map, operator, path},
    postgres,
};

/// The way to a PostgreSQL, which can be shut for a while: what is said meanwhile arrives later.
struct Way {
    folder: TempDir,
    open: watch::Sender<bool>,
}

impl Way {
    fn to(server: PathBuf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(SOCKET)).unwrap();
        let open = watch::Sender::new(true);
        let gate = open.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = UnixStream::connect(server.join(SOCKET)).await.unwrap();
                let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                tokio::spawn(pass(near_in, far_out, gate.subscribe()));
                tokio::spawn(pass(far_in, near_out, gate.subscribe()));
            }
        });
        Self { folder, open }
    }

    fn url(&self, direct: &str) -> String {
        let (before, _) = direct.split_once("host=").unwrap();
        format!("{before}host={}", self.folder.path().display())
    }
}

const SOCKET: &str = ".s.PGSQL.5432";

async fn pass(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut open: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 65536];
    while let Ok(count) = from.read(&mut buffer).await {
        if count == 0 || open.wait_for(|open| *open).await.is_err() {
            break;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            break;
        }
    }
}

pub(crate) async fn node(name: &str, url: &str, folder: &Path, server: &Server) -> Engine {
    let store = Store::open(url).await.unwrap();
    let key = LocalKey::load_or_create(&folder.join("kek")).unwrap();
    let data_dir = folder.join(name);
    std::fs::create_dir_all(&data_dir).unwrap();
    let config = EngineConfig {
        node: name.into(),
        data_dir,
        local_roots: Vec::new(),
        environment: Environment::Development,
        concurrency: 4,
        password_cost: PasswordCost {
            memory_kib: 64,
            passes: 1,
        },
    };
    let protocols = Protocols::new(vec![server.protocol()]);
    Engine::start(store, Vault::new(Arc::new(key)), protocols, config)
        .await
        .unwrap()
}

/// Looks until it is as wanted.
pub(crate) async fn until(engine: &Engine, id: Uuid, wanted: impl Fn(&Execution) -> bool) -> Execution {
    let begun = Instant::now();
    loop {
        let execution = engine.executions().get(id).await.unwrap();
        if wanted(&execution) {
            return execution;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{execution:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_without_its_lease_stops_before_another_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let direct = tokio::task::spawn_blocking(postgres::new_database).await.unwrap();
    let (_, socket) = direct.split_once("host=").unwrap();
    let way = Way::to(socket.into());
    let servers = [Server::new("memory"), Server::new("memory")];
    let one = node("one", &way.url(&direct), folder.path(), &servers[0]).await;

    // Each node has a partner of its own here, to see who is at it.
    for server in &servers {
        server
            .memory()
            .put(&path("/home/out/a.csv"), vec![1u8; 3_000_000]);
    }
    servers[0].memory().at_byte(1_500_000, Event::Hang);
    let connection = one
        .connections()
        .create(&admin(), connection_input())
        .await
        .unwrap();
    let config = json!({"connection_id": connection.id, "remote_path": "out/a.csv"});
    let steps = json!([{"step_type": "remote.download", "config": config}]);
    let job = map(json!({"name": "j", "steps": steps}));
    let job = one.jobs().create(&operator(), job).await.unwrap();
    let id = one.jobs().run(&operator(), job.id).await.unwrap().id;
    until(&one, id, |execution| execution.steps[0].bytes_transferred > 0).await;
    let two = node("two", &direct, folder.path(), &servers[1]).await;
    assert!(one.holds_lease() && two.holds_lease());

    way.open.send_replace(false);
    let shut = Instant::now();
    until(&two, id, |execution| execution.node.as_deref() == Some("two")).await;
    assert!(shut.elapsed() < Duration::from_secs(15));
    assert!(!one.holds_lease());
    assert_eq!(servers[0].open_sessions(), 0, "it had stopped by then");
    let done = until(&two, id, |execution| execution.state.is_final()).await;
    assert_eq!((done.state, done.attempts), (ExecutionState::Completed, 2));

    // What it still had to say arrives, and changes nothing.
    way.open.send_replace(true);
    while !one.holds_lease() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let again = one.jobs().run(&operator(), job.id).await.unwrap().id;
    let done_before = two.executions().get(id).await.unwrap();
    assert_eq!(done_before.state, ExecutionState::Completed);
    servers[0].memory().at_byte(u64::MAX, Event::Hang);
    until(&two, again, |execution| {
        execution.state == ExecutionState::Completed
    })
    .await;
    for engine in [one, two] {
        engine.shutdown(Duration::from_secs(5)).await;
    }
}
