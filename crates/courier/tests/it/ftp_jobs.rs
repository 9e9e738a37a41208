//! Jobs on connections to real FTP servers, in the clear and over TLS, as somebody in a shell sets them up.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::support::{Cli, FTP_PASSWORD, Ftpd, Serve, Software, content};

/// What makes a connection to the server, with these flags besides; its password is on standard input.
fn create(server: &Ftpd, name: &str, more: &[&str]) -> Vec<String> {
    let port = server.port().to_string();
    let protocol = match scheme(server).as_str() {
        "ftp" => "--protocol ftp",
        "ftps" => "--protocol ftps --ftps-mode implicit",
        _ => "--protocol ftps",
    };
    let line = format!(
        "connection create {name} --host 127.0.0.1 --port {port} --username ftp --password-stdin {protocol}"
    );
    let flags = line.split(' ').chain(more.iter().copied());
    flags.map(str::to_owned).collect()
}

fn connect(admin: &Cli, server: &Ftpd, name: &str, more: &[&str]) {
    let made = admin.run_with_input(create(server, name, more), FTP_PASSWORD);
    assert_eq!(made.code, 0, "{made:?}");
}

fn scheme(server: &Ftpd) -> String {
    let url = server.url("");
    url.split_once(':').unwrap().0.to_owned()
}

fn id(admin: &Cli, connection: &str) -> Value {
    admin.ok(["connection", "show", connection, "--json"]).json()["id"].clone()
}

/// Makes a job of these steps; each step is its type and its configuration.
fn job(admin: &Cli, name: &str, steps: &[Value]) {
    fs::write(
        admin.path("job.json"),
        json!({"name": name, "steps": steps}).to_string(),
    )
    .unwrap();
    admin.ok(["job", "create", "-f", "job.json"]);
}

fn records(admin: &Cli, connection: &str, operation: &str) -> Vec<Value> {
    let list = [
        "audit",
        "list",
        "--connection",
        connection,
        "--operation",
        operation,
        "--json",
    ];
    admin.ok(list).json().as_array().unwrap().clone()
}

/// Ten uploads in one session, a listing, and a download that goes on where an earlier one stopped.
fn files_move_through_a_job(server: &Ftpd) {
    let serve = Serve::start();
    let admin = serve.admin();
    let thumbprint = server.thumbprint();
    let pin = match scheme(server).as_str() {
        "ftp" => Vec::new(),
        _ => vec!["--tls-pin", &thumbprint],
    };
    connect(&admin, server, "partner", &pin);
    let tested = admin.ok(["connection", "test", "partner"]);
    assert!(
        tested.stdout.contains(&thumbprint) == (scheme(server) != "ftp"),
        "{tested:?}"
    );

    let files = serve.data().join("files");
    let bytes = content(2_000_000, 5);
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    server.file("big", &bytes);
    let source = File::options().write(true).open(server.files().join("big"));
    source.unwrap().set_modified(hour_ago).unwrap();
    fs::write(files.join("big.part"), &bytes[..600_000]).unwrap();

    let connection = id(&admin, "partner");
    let verb = |verb: &str| match scheme(server).as_str() {
        "ftp" => format!("ftp.{verb}"),
        _ => format!("ftps.{verb}"),
    };
    let mut steps = Vec::new();
    for n in 0..10 {
        let local = files.join(format!("up {n}"));
        fs::write(&local, content(10_000 * n, n as u64)).unwrap();
        steps.push(json!({"step_type": verb("upload"), "config": {
            "connection_id": connection, "local_path": local, "remote_path": "/files/in/", "create_parents": true}}));
    }
    steps.push(json!({"step_type": "remote.list", "config": {"connection_id": connection, "remote_path": "/files/in"}}));
    steps.push(json!({"step_type": verb("download"), "config": {
        "connection_id": connection, "remote_path": "/files/big", "local_path": files.join("big")}}));
    job(&admin, "all", &steps);
    let run = admin.run(["job", "run", "all", "--watch"]);
    assert_eq!(run.code, 0, "{run:?}\n{}", server.log());

    for n in 0..10 {
        let there = server.read(&format!("in/up {n}"));
        assert!(there == content(10_000 * n, n as u64), "{n}");
    }
    assert_eq!(fs::read_dir(server.files().join("in")).unwrap().count(), 10);
    assert!(fs::read(files.join("big")).unwrap() == bytes);
    let executions = admin.ok(["execution", "list", "--job", "all", "--json"]).json();
    let execution = executions[0]["id"].as_str().unwrap();
    let shown = admin.ok(["execution", "show", execution, "--json"]).json();
    let context = &shown["context"];
    assert_eq!(context["11.files"].as_array().unwrap().len(), 10, "{context:#}");
    assert_eq!(
        context["12.transfer_state"]["resumed_from"], 600_000,
        "{context:#}"
    );
    let in_job = |record: &Value| record["job_execution_id"] == execution;
    let sessions = records(&admin, "partner", "connected");
    assert_eq!(sessions.iter().filter(|record| in_job(record)).count(), 1);
}

/// A refusal by each certificate policy, by a test and through a job; no login was tried.
fn refusals_come_before_the_password(server: &Ftpd) {
    let serve = Serve::start();
    let admin = serve.admin();
    let other = "00:".repeat(31) + "00";
    connect(&admin, server, "trusting", &[]);
    connect(&admin, server, "pinned", &["--tls-pin", &other]);
    let thumbprint = server.thumbprint();
    for (connection, reason) in [("trusting", "self-signed"), ("pinned", other.as_str())] {
        let tested = admin.run(["connection", "test", connection]);
        tested.failed_with(4, reason);
        tested.failed_with(4, &format!("--tls-pin {thumbprint}"));
        let config = json!({"connection_id": id(&admin, connection), "remote_path": "/files"});
        job(
            &admin,
            connection,
            &[json!({"step_type": "remote.list", "config": config})],
        );
        admin
            .run(["job", "run", connection, "--watch"])
            .failed_with(4, reason);
        let rejected = records(&admin, connection, "certificate_rejected");
        assert_eq!(rejected.len(), 2, "{rejected:#?}");
        assert_eq!(rejected[0]["details"]["presented"], json!(thumbprint));
        for operation in ["auth_success", "auth_failed"] {
            assert!(records(&admin, connection, operation).is_empty());
        }
    }

    // Any certificate: not in production, unless it is allowed there.
    let insecure = ["--tls-cert-policy", "insecure"];
    admin
        .run_with_input(create(server, "any", &insecure), FTP_PASSWORD)
        .failed_with(7, "production");
    let allowed = "security.insecure_trust_allow_production";
    admin.ok(["setting", "set", allowed, "true"]);
    connect(&admin, server, "any", &insecure);
    admin.ok(["connection", "test", "any"]);
    let used = records(&admin, "any", "insecure_tls_policy_used");
    assert_eq!(used[0]["details"]["policy_errors"], "self-signed");
    let fips = ["setting", "set", "security.fips_mode_enabled", "true"];
    admin.ok(fips);
    admin.run(["connection", "test", "any"]).failed_with(7, "FIPS");
}

macro_rules! on_each {
    ($($name:ident: $software:ident $scheme:literal $($case:ident)*;)+) => {
        $(mod $name {
            $(
                #[test]
                fn $case() {
                    super::$case(&crate::support::Ftpd::start(super::Software::$software, $scheme));
                }
            )*
        })+
    };
}

on_each! {
    vsftpd_ftp: Vsftpd "ftp" files_move_through_a_job;
    vsftpd_ftpes: Vsftpd "ftpes" files_move_through_a_job refusals_come_before_the_password;
    vsftpd_ftps: Vsftpd "ftps" files_move_through_a_job;
    proftpd_ftp: ProFtpd "ftp" files_move_through_a_job;
    proftpd_ftpes: ProFtpd "ftpes" files_move_through_a_job refusals_come_before_the_password;
    proftpd_ftps: ProFtpd "ftps" files_move_through_a_job;
    pure_ftpd_ftp: PureFtpd "ftp" files_move_through_a_job;
    pure_ftpd_ftpes: PureFtpd "ftpes" files_move_through_a_job refusals_come_before_the_password;
}
