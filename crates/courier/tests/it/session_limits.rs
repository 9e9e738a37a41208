//! A connection's sessions over two nodes on one PostgreSQL: counted together, and gone with the lease.

use std::fs;
use std::time::{Duration, Instant};

use courier_transfer::testkit::{Direction::Down, Proxy};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Cli, Postgres, Serve, Sshd, content, user, wait_until};

const KEK: &str = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=";
/// Between two looks, each of which is a process.
const LOOK: Duration = Duration::from_millis(50);

/// Nodes that each run one execution at a time, and a partner whose big file takes its time.
struct Ends {
    database: Postgres,
    nodes: Vec<(Serve, Cli)>,
    sshd: Sshd,
    _line: Proxy,
    shared: TempDir,
    connection: Value,
}

impl Ends {
    fn start(nodes: &[&str]) -> Self {
        let database = Postgres::start();
        let shared = tempfile::tempdir().unwrap();
        let (url, roots) = (database.url(), shared.path().display().to_string());
        let nodes: Vec<(Serve, Cli)> = nodes
            .iter()
            .map(|name| {
                let serve = Serve::start_with(&[
                    ("COURIER_DATABASE_URL", &url),
                    ("COURIER_KEK", KEK),
                    ("COURIER_LOCAL_ROOTS", &roots),
                    ("COURIER_NODE", name),
                    ("COURIER_WORKER_CONCURRENCY", "1"),
                ]);
                let admin = serve.admin();
                (serve, admin)
            })
            .collect();
        let sshd = Sshd::start();
        let line = Proxy::to(sshd.port());
        line.throttle(Down, 1_000_000);
        sshd.file("big", content(60_000_000, 1));
        let admin = &nodes[0].1;
        admin.ok(["key", "generate", "key"]);
        sshd.authorize(&admin.ok(["key", "public", "key"]).stdout);
        let partner = json!({
            "host": "127.0.0.1", "port": line.port(), "username": user(), "max_sessions": 1, "connect_timeout_sec": 2,
        });
        fs::write(admin.path("partner.json"), partner.to_string()).unwrap();
        let create = "connection create partner -f partner.json --ssh-key key";
        admin.ok(create.split(' '));
        let connection = admin.ok(["connection", "show", "partner", "--json"]).json()["id"].clone();
        Self {
            database,
            nodes,
            sshd,
            _line: line,
            shared,
            connection,
        }
    }

    /// Starts a job that holds a session, and gives its execution.
    fn hold(&self, name: &str) -> String {
        let admin = &self.nodes[0].1;
        let config = json!({
            "connection_id": self.connection,
            "remote_path": self.sshd.files().join("big"),
            "local_path": self.shared.path().join(name),
        });
        let job = json!({"name": name, "steps": [{"step_type": "remote.download", "config": config}]});
        fs::write(admin.path("job.json"), job.to_string()).unwrap();
        admin.ok(["job", "create", "-f", "job.json"]);
        let run = admin.ok(["job", "run", name, "--json"]).json();
        run["id"].as_str().unwrap().to_owned()
    }

    fn shown(&self, execution: &str) -> Value {
        let admin = &self.nodes[0].1;
        admin.ok(["execution", "show", execution, "--json"]).json()
    }

    fn moves(&self, execution: &str) -> bool {
        std::thread::sleep(LOOK);
        self.shown(execution)["steps"][0]["bytes_transferred"].as_u64() > Some(0)
    }
}

#[test]
fn two_nodes_share_the_sessions_of_a_connection() {
    let ends = Ends::start(&["n1", "n2"]);
    let visits = ends.sshd.visits();
    let first = ends.hold("first");
    wait_until("the first transfer", || ends.moves(&first));
    let second = ends.hold("second");
    let why = "all 1 of its max_sessions are in use";
    wait_until("a word of the second one's wait", || {
        std::thread::sleep(LOOK);
        ends.shown(&second)["history"].to_string().contains(why)
    });
    let (one, two) = (ends.shown(&first), ends.shown(&second));
    assert_eq!(
        (&one["state"], &two["state"]),
        (&json!("running"), &json!("running"))
    );
    assert_ne!(one["node"], two["node"]);
    assert_eq!((visits.opened(), visits.open()), (1, 1));

    // Nor is there one for a person, on either node, or for a test.
    for (_, admin) in &ends.nodes {
        admin
            .run(["connection", "files", "partner", "/"])
            .failed_with(6, "all 1 sessions");
        let tested = admin.run(["connection", "test", "partner"]);
        assert!(
            tested.code != 0 && tested.stderr.contains("all 1 sessions"),
            "{tested:?}"
        );
    }
    let shown = ends.nodes[0]
        .1
        .ok(["connection", "show", "partner", "--json"])
        .json();
    assert_eq!(shown["health"], "healthy");

    let began = Instant::now();
    ends.nodes[1].1.ok(["execution", "cancel", &first]);
    wait_until("the second one's session", || visits.opened() == 2);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    wait_until("the second transfer", || ends.moves(&second));
    ends.nodes[0].1.ok(["execution", "cancel", &second]);
    visits.all_end("a cancel");
}

#[test]
fn sessions_end_with_the_lease() {
    let mut ends = Ends::start(&["n1"]);
    let execution = ends.hold("first");
    wait_until("a transfer", || ends.moves(&execution));
    let visits = ends.sshd.visits().clone();
    ends.database.kill();
    let began = Instant::now();
    wait_until("the end of the session", || visits.open() == 0);
    let lasted = began.elapsed();
    assert!(
        lasted > Duration::from_secs(4),
        "it goes on while the lease lasts, not {lasted:?}"
    );
    assert!(
        lasted < Duration::from_secs(10),
        "another node may begin by then: {lasted:?}"
    );
}
