//! Watching executions: on another node, over a restart, with what is told of files.

use std::io::{BufRead, BufReader, copy};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Child;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use courier_transfer::testkit::{Direction::Down, Proxy};
use serde_json::{Value, json};

use crate::support::{Cli, Postgres, Serve, Sshd, content, user, wait_until};

const FILES: u64 = 3;
const SIZE: usize = 2_000_000;
/// All files take three seconds.
const RATE: u64 = FILES * SIZE as u64 / 3;
/// What is told is at most a second old; a machine that is busy with other tests has another one.
const STALE: Duration = Duration::from_millis(2000);

/// A partner with some files behind a slow line, and a job that fetches them.
struct Partner {
    _sshd: Sshd,
    _line: Proxy,
}

impl Partner {
    fn with_job(admin: &Cli) -> Self {
        let sshd = Sshd::start();
        for n in 0..FILES {
            let path = sshd.files().join(format!("in/{n}.bin"));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content(SIZE, n + 1)).unwrap();
        }
        let line = Proxy::to(sshd.port());
        line.throttle(Down, RATE);
        admin.ok(["key", "generate", "partner-key"]);
        sshd.authorize(&admin.ok(["key", "public", "partner-key"]).stdout);
        let (port, user) = (line.port().to_string(), user());
        admin.ok([
            "connection",
            "create",
            "partner",
            "--host",
            "127.0.0.1",
            "--port",
            &port,
            "--username",
            &user,
            "--ssh-key",
            "partner-key",
        ]);
        admin.ok(["connection", "test", "partner"]);
        let connection = admin.ok(["connection", "show", "partner", "--json"]).json()["id"].clone();
        let from = sshd.files().join("in/*.bin").display().to_string();
        let config = json!({"connection_id": connection, "remote_path": from, "local_path": "in/"});
        let job = json!({"name": "fetch", "steps": [{"step_type": "sftp.download", "config": config}]});
        std::fs::write(admin.path("job.json"), job.to_string()).unwrap();
        admin.ok(["job", "create", "-f", "job.json"]);
        Self {
            _sshd: sshd,
            _line: line,
        }
    }
}

fn run(admin: &Cli) -> String {
    let started = admin.ok(["job", "run", "fetch", "--json"]).json();
    started["id"].as_str().unwrap().to_owned()
}

/// `courier execution watch --json`, and its lines with the time when they came.
struct Watch {
    child: Child,
    lines: mpsc::Receiver<(Instant, Value)>,
}

impl Watch {
    fn start(admin: &Cli, id: &str) -> Self {
        let mut child = admin
            .command(["execution", "watch", id, "--json"])
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in stdout.lines() {
                let line = serde_json::from_str(&line.unwrap()).unwrap();
                if sender.send((Instant::now(), line)).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    fn next(&self) -> (Instant, Value) {
        self.lines.recv_timeout(Duration::from_secs(60)).unwrap()
    }

    /// Waits until bytes move.
    fn wait_for_progress(&self) {
        while self.next().1["event"] != "progress" {}
    }

    /// What comes until the end, and the exit code.
    fn until_the_end(mut self) -> (Vec<(Instant, Value)>, i32) {
        let lines = self.lines.iter().collect();
        (lines, self.child.wait().unwrap().code().unwrap())
    }
}

#[test]
fn a_watcher_on_another_node_sees_it_live() {
    let database = Postgres::start();
    let key = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=";
    let start = |name: &str| {
        let url = database.url();
        Serve::start_with(&[
            ("COURIER_DATABASE_URL", &url),
            ("COURIER_KEK", key),
            ("COURIER_NODE", name),
        ])
    };
    let nodes = [start("n1"), start("n2")];
    let admins = [nodes[0].admin(), nodes[1].admin()];
    let partner = Partner::with_job(&admins[0]);
    let id = run(&admins[0]);
    let mut node = Value::Null;
    wait_until("the start", || {
        node = admins[0].ok(["execution", "show", &id, "--json"]).json()["node"].clone();
        !node.is_null()
    });
    let other = usize::from(node == "n1");

    let watch = Watch::start(&admins[other], &id);
    assert_eq!(watch.next().1["event"], "state");
    watch.wait_for_progress();
    // What is shown comes from the row, a moment later.
    let moving = Instant::now();
    wait_until("bytes in the row", || {
        let shown = admins[other].ok(["execution", "show", &id, "--json"]).json();
        shown["steps"][0]["bytes_transferred"].as_u64().unwrap() > 0
    });
    assert!(moving.elapsed() < STALE);

    let (events, code) = watch.until_the_end();
    assert_eq!(code, 0);
    let last = &events.last().unwrap().1;
    assert_eq!(last["data"]["state"], "completed", "{last:#}");
    let of = |name: &str| {
        let named = events.iter().filter(move |(_, event)| event["event"] == name);
        named.cloned().collect::<Vec<_>>()
    };
    let (progress, summaries) = (of("progress"), of("summary"));
    let gaps = summaries.windows(2).map(|pair| pair[1].0 - pair[0].0);
    assert!(gaps.max().unwrap() < STALE, "{summaries:#?}");
    for (_, event) in &progress {
        let data = &event["data"];
        assert_eq!(data["total_bytes"], SIZE, "{event:#}");
        let left = SIZE as f64 - data["bytes_transferred"].as_f64().unwrap();
        let rate = data["transfer_rate_bytes_per_sec"].as_f64().unwrap();
        if rate > 1000.0 {
            let told = data["eta_sec"].as_f64().unwrap();
            assert!((told - left / rate).abs() < 1.5, "{event:#}");
        }
    }
    let total = &summaries.last().unwrap().1["data"];
    assert!(
        total["bytes_transferred"].as_u64().unwrap() > (FILES - 1) * SIZE as u64 / 2,
        "{total:#}"
    );
    drop(partner);
}

#[test]
fn a_watcher_goes_on_over_a_restart_of_the_server() {
    let mut serve = Serve::start();
    let partner = Partner::with_job(&serve.admin());
    let front = Front::to(&serve.url);
    let admin = serve.admin().env("COURIER_SERVER", &front.url);
    let id = run(&admin);
    let watch = Watch::start(&admin, &id);
    watch.wait_for_progress();
    assert_eq!(serve.stop(), 0);
    serve.start_again();
    front.lead_to(&serve.url);
    let (events, code) = watch.until_the_end();
    assert_eq!(code, 0, "{events:#?}");
    let last = &events.last().unwrap().1;
    assert_eq!(last["data"]["state"], "completed", "{last:#}");
    assert_eq!(last["data"]["attempts"], 2, "{last:#}");
    drop(partner);
}

/// An address that stays, as that of a load balancer does.
struct Front {
    url: String,
    target: Arc<Mutex<String>>,
}

impl Front {
    fn to(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let target = Arc::new(Mutex::new(address_of(url)));
        let to = target.clone();
        thread::spawn(move || {
            for here in listener.incoming() {
                let there = TcpStream::connect(to.lock().unwrap().as_str());
                if let (Ok(here), Ok(there)) = (here, there) {
                    join(here.try_clone().unwrap(), there.try_clone().unwrap());
                    join(there, here);
                }
            }
        });
        Self {
            url: format!("http://{address}"),
            target,
        }
    }

    fn lead_to(&self, url: &str) {
        *self.target.lock().unwrap() = address_of(url);
    }
}

fn address_of(url: &str) -> String {
    url.split_once("://").unwrap().1.to_owned()
}

/// Carries bytes one way, and the end of them.
fn join(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        let _ = copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
}
