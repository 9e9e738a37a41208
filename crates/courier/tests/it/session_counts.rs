//! One session for each server and job, and none a second after the end, however it came: counted at the servers.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use courier_transfer::testkit::{
    Direction::{Down, Up},
    Proxy,
};
use serde_json::{Value, json};

use crate::support::{Cli, FTP_PASSWORD, Ftpd, Serve, Software, Sshd, Visits, content, user, wait_until};

/// A server of a partner's, and the line to it, which can be made slow where that doesn't slow data itself.
enum Partner {
    Ssh(Sshd, Option<Proxy>),
    Ftp(Ftpd),
}

/// A big file moves at a megabyte a second, so that there is time to end things in the middle.
const RATE: u64 = 1_000_000;
const BIG: usize = 40_000_000;

impl Partner {
    fn ssh(sshd: Sshd) -> Self {
        let line = Proxy::to(sshd.port());
        line.throttle(Down, RATE);
        line.throttle(Up, RATE);
        Self::Ssh(sshd, Some(line))
    }

    fn ftp(software: Software, scheme: &'static str) -> Self {
        let slow = match software {
            Software::Vsftpd => format!("anon_max_rate={RATE}\n"),
            _ => format!("TransferRate RETR,STOR,APPE {}\n", RATE / 1024),
        };
        Self::Ftp(Ftpd::with(software, scheme, &slow))
    }

    fn visits(&self) -> &Visits {
        match self {
            Self::Ssh(sshd, _) => sshd.visits(),
            Self::Ftp(ftpd) => ftpd.visits(),
        }
    }

    /// Makes a connection, and gives its id.
    fn connect(&self, admin: &Cli, name: &str) -> Value {
        let create = |flags: &str| {
            let line = format!("connection create {name} --host 127.0.0.1 {flags}");
            line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        match self {
            Self::Ssh(sshd, line) => {
                admin.ok(["key", "generate", name]);
                sshd.authorize(&admin.ok(["key", "public", name]).stdout);
                let (user, port) = (user(), line.as_ref().map_or(sshd.port(), Proxy::port));
                admin.ok(create(&format!(
                    "--port {port} --username {user} --ssh-key {name}"
                )));
            }
            Self::Ftp(ftpd) => {
                let protocol = match ftpd.url("").starts_with("ftp:") {
                    true => "--protocol ftp".to_owned(),
                    false => format!("--protocol ftps --tls-pin {}", ftpd.thumbprint()),
                };
                let flags = format!(
                    "--port {} --username ftp --password-stdin {protocol}",
                    ftpd.port()
                );
                let made = admin.run_with_input(create(&flags), FTP_PASSWORD);
                assert_eq!(made.code, 0, "{made:?}");
            }
        }
        admin.ok(["connection", "show", name, "--json"]).json()["id"].clone()
    }

    fn file(&self, name: &str, bytes: &[u8]) {
        match self {
            Self::Ssh(sshd, _) => drop(sshd.file(name, bytes)),
            Self::Ftp(ftpd) => ftpd.file(name, bytes),
        }
    }

    fn path(&self, name: &str) -> String {
        match self {
            Self::Ssh(sshd, _) => sshd.files().join(name).display().to_string(),
            Self::Ftp(_) => format!("/files/{name}"),
        }
    }

    fn step(&self, connection: &Value, verb: &str, name: &str, more: Value) -> Value {
        let mut config = json!({"connection_id": connection, "remote_path": self.path(name)});
        config
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().cloned().unwrap());
        json!({"step_type": format!("remote.{verb}"), "config": config})
    }
}

/// Courier and a partner, with a connection between them.
struct Ends<'a> {
    serve: Serve,
    admin: Cli,
    partner: &'a Partner,
    connection: Value,
}

impl<'a> Ends<'a> {
    fn new(partner: &'a Partner) -> Self {
        let serve = Serve::start();
        let admin = serve.admin();
        let connection = partner.connect(&admin, "partner");
        partner.file("small", &content(50_000, 1));
        let ends = Self {
            serve,
            admin,
            partner,
            connection,
        };
        fs::write(ends.local("small"), content(50_000, 1)).unwrap();
        ends
    }

    fn local(&self, name: &str) -> PathBuf {
        self.serve.data().join("files").join(name)
    }

    fn step(&self, verb: &str, name: &str, more: Value) -> Value {
        self.partner.step(&self.connection, verb, name, more)
    }

    /// A download or an upload of a file that takes its time.
    fn big(&self, verb: &str) -> Value {
        match verb {
            "download" => self.partner.file("big", &content(BIG, 2)),
            _ => fs::write(self.local("big"), content(BIG, 2)).unwrap(),
        }
        self.step(verb, "big", json!({"local_path": self.local("big")}))
    }

    /// Starts a job, and gives its execution.
    fn start(&self, mut job: Value) -> String {
        let name = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos().to_string();
        job["name"] = json!(name);
        fs::write(self.admin.path("job.json"), job.to_string()).unwrap();
        self.admin.ok(["job", "create", "-f", "job.json"]);
        let run = self.admin.ok(["job", "run", &name, "--json"]).json();
        run["id"].as_str().unwrap().to_owned()
    }

    fn shown(&self, execution: &str) -> Value {
        self.admin.ok(["execution", "show", execution, "--json"]).json()
    }

    fn act(&self, verb: &str, execution: &str) {
        self.admin.ok(["execution", verb, execution]);
    }

    /// Waits until bytes of a big file move.
    fn moving(&self, execution: &str) {
        wait_until("a transfer in progress", || {
            let shown = self.shown(execution);
            assert_eq!(shown["error"], Value::Null, "{shown:#}");
            let steps = shown["steps"].as_array().unwrap();
            steps
                .iter()
                .any(|step| step["bytes_transferred"].as_u64() > Some(0))
        });
    }

    /// Waits until the execution is in that state.
    fn becomes(&self, execution: &str, state: &str) -> Value {
        let mut shown = Value::Null;
        wait_until(state, || {
            shown = self.shown(execution);
            shown["state"] == state
        });
        shown
    }

    /// Waits until the execution is in that state, and then no longer than a second for the end of its sessions.
    #[track_caller]
    fn ends(&self, execution: &str, state: &str) {
        self.becomes(execution, state);
        self.partner.visits().all_end(state);
    }

    /// The same in the middle of a file. An FTP server that is slow to read an upload looks for the end behind what has
    /// arrived: some megabytes.
    #[track_caller]
    fn ends_in(&self, verb: &str, execution: &str, state: &str) {
        self.becomes(execution, state);
        let patience = match self.partner {
            Partner::Ftp(_) if verb == "upload" => 15,
            _ => 1,
        };
        let patience = Duration::from_secs(patience);
        self.partner.visits().all_end_within(patience, state);
    }
}

fn a_job_on_one_server_is_one_session_and_on_two_it_is_two(partner: &Partner) {
    let ends = Ends::new(partner);
    let visits = partner.visits();
    let local = |name: &str| json!({"local_path": ends.local(name)});
    let steps = json!([
        ends.step("list", "", json!({})),
        ends.step("download", "small", local("a")),
        ends.step("upload", "up", local("a")),
        ends.step("rename", "up", json!({"new_path": partner.path("renamed")})),
        ends.step("delete", "renamed", json!({})),
    ]);
    let execution = ends.start(json!({"steps": steps}));
    ends.ends(&execution, "completed");
    assert_eq!(visits.opened(), 1);

    let other = Partner::Ssh(Sshd::start(), None);
    let elsewhere = other.connect(&ends.admin, "elsewhere");
    let steps = json!([
        ends.step("download", "small", local("b")),
        other.step(&elsewhere, "upload", "b", local("b")),
        ends.step("upload", "b", local("b")),
        other.step(&elsewhere, "download", "b", local("c")),
    ]);
    let execution = ends.start(json!({"steps": steps}));
    ends.ends(&execution, "completed");
    other.visits().all_end("completed");
    assert_eq!((visits.opened(), other.visits().opened()), (2, 1));
}

fn a_failure_ends_its_session_whatever_comes_of_it(partner: &Partner) {
    let ends = Ends::new(partner);
    let visits = partner.visits();
    for (policy, state) in [
        (json!({"type": "stop"}), "failed"),
        (json!({"type": "retry_job", "max_retries": 1}), "failed"),
        (json!({"type": "skip_and_continue"}), "completed"),
    ] {
        let before = visits.opened();
        let steps = json!([
            ends.step("list", "", json!({})),
            ends.step("download", "nowhere", json!({"local_path": ends.local("d")})),
            ends.step("list", "", json!({})),
        ]);
        let execution = ends.start(json!({"steps": steps, "failure_policy": policy}));
        ends.ends(&execution, state);
        assert_eq!(visits.opened() - before, 1, "{policy}");
    }
}

fn a_session_ends_in_the_middle_of_a_file(partner: &Partner) {
    let ends = Ends::new(partner);
    for verb in ["download", "upload"] {
        let job = json!({"steps": [ends.big(verb)]});
        let execution = ends.start(job);
        ends.moving(&execution);
        for _ in 0..2 {
            ends.act("pause", &execution);
            ends.ends_in(verb, &execution, "paused");
            ends.act("resume", &execution);
            wait_until("a session after the pause", || partner.visits().open() > 0);
        }
        let began = Instant::now();
        ends.act("cancel", &execution);
        ends.becomes(&execution, "cancelled");
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        ends.ends_in(verb, &execution, "cancelled");
    }
}

/// While a job waits to try a step again, its session with another server is idle, and alive.
#[test]
fn an_idle_session_is_kept_alive() {
    let ftpd = Ftpd::with(Software::Vsftpd, "ftp", "idle_session_timeout=2\n");
    let partner = Partner::Ftp(ftpd);
    let ends = Ends::new(&partner);
    let alive = json!({"keepalive_interval_sec": 1});
    fs::write(ends.admin.path("alive.json"), alive.to_string()).unwrap();
    ends.admin
        .ok(["connection", "update", "partner", "-f", "alive.json"]);
    let elsewhere = Partner::ssh(Sshd::start());
    let other = elsewhere.connect(&ends.admin, "elsewhere");
    let Partner::Ssh(_, Some(line)) = &elsewhere else {
        panic!("not by a line")
    };
    line.refuse();
    let list = ends.step("list", "", json!({}));
    let mut listed_elsewhere = elsewhere.step(&other, "list", "", json!({}));
    listed_elsewhere["failure_policy"] =
        json!({"type": "retry_step", "max_retries": 1, "backoff_base_sec": 4, "backoff_max_sec": 4});
    let execution = ends.start(json!({"steps": [list, listed_elsewhere, list]}));
    wait_until("a failure of the second step", || {
        !ends.shown(&execution)["steps"][1]["retry_at"].is_null()
    });
    line.accept();
    ends.ends(&execution, "completed");
    assert_eq!(partner.visits().opened(), 1);
}

/// Where the server answers nothing any more, it sees the end as soon as it looks again.
fn a_session_with_a_server_that_hangs_ends(partner: &Partner) {
    let ends = Ends::new(partner);
    let visits = partner.visits();
    for (way, state) in [
        ("timeout", "failed"),
        ("pause", "paused"),
        ("cancel", "cancelled"),
    ] {
        let mut step = ends.big("download");
        if way == "timeout" {
            step["timeout_sec"] = json!(2);
        }
        let execution = ends.start(json!({"steps": [step]}));
        ends.moving(&execution);
        visits.freeze();
        let began = Instant::now();
        if way != "timeout" {
            ends.act(way, &execution);
        }
        let shown = ends.becomes(&execution, state);
        let waited = began.elapsed();
        let patience = Duration::from_secs(if way == "timeout" { 6 } else { 3 });
        assert!(waited < patience, "{way} after {waited:?}: {shown:#}");
        visits.thaw();
        visits.all_end(way);
    }
}

fn sessions_end_with_courier_itself(partner: &Partner) {
    let mut ends = Ends::new(partner);
    let visits = partner.visits();
    let execution = ends.start(json!({"steps": [ends.big("download")]}));
    ends.moving(&execution);
    assert_eq!(ends.serve.stop(), 0);
    visits.all_end("a shutdown");
    ends.serve.start_again();
    wait_until("a session after the start", || visits.open() > 0);
    ends.serve.kill();
    visits.all_end("a kill");
}

macro_rules! on_each {
    ($($server:ident: $partner:expr, [$($more:ident)*];)+) => {
        $(mod $server {
            use super::*;
            on_each!(@ $partner;
                a_job_on_one_server_is_one_session_and_on_two_it_is_two
                a_failure_ends_its_session_whatever_comes_of_it
                a_session_ends_in_the_middle_of_a_file
                sessions_end_with_courier_itself
                $($more)*
            );
        })+
    };
    (@ $partner:expr; $($case:ident)+) => {
        $(
            #[test]
            fn $case() {
                super::$case(&$partner);
            }
        )+
    };
}

on_each! {
    openssh: Partner::ssh(Sshd::start()), [a_session_with_a_server_that_hangs_ends];
    // Its processes wait for each other for ever after they were frozen.
    vsftpd: Partner::ftp(Software::Vsftpd, "ftpes"), [];
    proftpd: Partner::ftp(Software::ProFtpd, "ftp"), [a_session_with_a_server_that_hangs_ends];
}
