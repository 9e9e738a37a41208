//! Connections that accept any server, on real ones: who may make them, by every way in, and what each use leaves behind.

use courier_engine::Environment;
use courier_sftp::server::{RunningServer, SftpServer, User};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    harness::{Answer, Client, TestServer, config},
    proftpd::{PASSWORD, ProFtpd},
};

/// A partner's server of either kind, with what accepts anything there.
struct Partner {
    /// A connection that looks at who answers.
    careful: Value,
    /// What makes it accept anybody.
    careless: Value,
    /// The audit record of each use.
    record: &'static str,
    /// Codes: for who is no admin, and in FIPS mode.
    codes: [u16; 2],
}

fn with(connection: &Value, more: &Value) -> Value {
    let mut all = connection.as_object().unwrap().clone();
    all.extend(more.as_object().unwrap().clone());
    Value::Object(all)
}

/// One server of each kind.
struct Servers {
    sftp: RunningServer,
    ftps: ProFtpd,
    /// What the first one shows.
    _files: TempDir,
}

impl Servers {
    fn start() -> Self {
        let files = tempfile::tempdir().unwrap();
        let user = User::new("partner").password(PASSWORD.to_owned().into());
        let sftp = SftpServer::builder().user(user).root(files.path()).start();
        Self {
            sftp: sftp.unwrap(),
            ftps: ProFtpd::start(),
            _files: files,
        }
    }

    fn partners(&self) -> [Partner; 2] {
        let connection = |name: &str, protocol: &str, port: u16| {
            json!({"name": name, "protocol": protocol, "host": "127.0.0.1", "port": port, "username": "partner",
                   "auth_method": "password", "password": PASSWORD, "connect_timeout_sec": 10})
        };
        let pinned = json!({"tls_cert_policy": "pinned_thumbprint", "tls_pinned_thumbprint": self.ftps.thumbprint.to_string()});
        [
            Partner {
                careful: connection("sftp", "sftp", self.sftp.addr().port()),
                careless: json!({"host_key_policy": "always_trust"}),
                record: "insecure_host_key_policy_used",
                codes: [3004, 3005],
            },
            Partner {
                careful: with(&connection("ftps", "ftps", self.ftps.port), &pinned),
                careless: json!({"tls_cert_policy": "insecure"}),
                record: "insecure_tls_policy_used",
                codes: [3006, 3007],
            },
        ]
    }
}

impl Partner {
    /// Tries to have it accept anybody: by a new connection, by both kinds of change, and by a test before saving.
    async fn every_way_in(&self, client: &Client, careful: &str) -> Vec<Answer> {
        let whole = with(&self.careful, &self.careless);
        let new = with(&whole, &json!({"name": format!("new {}", self.record)}));
        let path = format!("/api/connections/{careful}");
        vec![
            client.post("/api/connections", new.clone()).await,
            client.put(&path, whole).await,
            client.patch(&path, self.careless.clone()).await,
            client
                .patch(&path, with(&self.careless, &json!({"status": "disabled"})))
                .await,
            client.post("/api/connections/test", new).await,
        ]
    }
}

async fn setting(admin: &Client, name: &str, value: bool) {
    let path = format!("/api/settings/security.{name}");
    admin.put(&path, json!({"value": value})).await.ok();
}

/// Runs a job of these steps, under a name of its own.
async fn run(client: &Client, steps: &Value) -> Value {
    client.run_job(&uuid::Uuid::now_v7().to_string(), steps).await
}

async fn count(client: &Client, connection: &str, operation: &str) -> usize {
    let path = format!("/api/connections/{connection}/audit?operation={operation}");
    client.get(&path).await.ok()["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn it_takes_an_admin_by_every_way_in_and_every_use_is_recorded() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let operator = server.with_role("operator").await;
    let viewer = server.with_role("viewer").await;
    let servers = Servers::start();
    for partner in servers.partners() {
        let made = operator
            .post("/api/connections", partner.careful.clone())
            .await
            .created();
        let id = made["id"].as_str().unwrap();
        let path = format!("/api/connections/{id}");
        for answer in partner.every_way_in(&operator, id).await {
            answer.problem(403, partner.codes[0]);
        }
        for answer in partner.every_way_in(&viewer, id).await {
            answer.problem(403, 1020);
        }

        // An admin's decision, which an operator may use, and whoever looks sees.
        let changed = admin.patch(&path, partner.careless.clone()).await.ok();
        for client in [admin, &operator, &viewer] {
            let shown = client.get(&path).await.ok();
            let listed = client.get("/api/connections").await.ok();
            let listed = listed["items"]
                .as_array()
                .unwrap()
                .iter()
                .find(|c| c["id"] == made["id"]);
            for connection in [&changed, &shown, listed.unwrap()] {
                assert!(
                    connection["warnings"].to_string().contains("man-in-the-middle"),
                    "{connection:#}"
                );
            }
        }
        // It stays as it is where an operator changes something else, and is new again where he moves it.
        operator.patch(&path, json!({"notes": "n"})).await.ok();
        operator
            .patch(&path, json!({"host": "localhost", "password": PASSWORD}))
            .await
            .problem(403, partner.codes[0]);

        let mkdir = |name: &str| json!([{"step_type": "remote.mkdir", "config": {"connection_id": id, "remote_path": name}}]);
        assert_eq!(
            operator.post(&format!("{path}/test"), json!({})).await.ok()["success"],
            true
        );
        operator.get(&format!("{path}/files")).await.ok();
        assert_eq!(run(&operator, &mkdir("one")).await["state"], "completed");
        assert_eq!(run(&operator, &mkdir("two")).await["state"], "completed");
        assert_eq!(count(admin, id, "connected").await, 4);
        assert_eq!(
            count(admin, id, partner.record).await,
            4,
            "one at every connection"
        );

        // Settings take effect on what is there, at once and both ways.
        setting(admin, "fips_mode_enabled", true).await;
        let whole = with(&partner.careful, &partner.careless);
        let new = with(&whole, &json!({"name": "new"}));
        for (path, input) in [("/api/connections", &new), ("/api/connections/test", &new)] {
            admin
                .post(path, input.clone())
                .await
                .problem(403, partner.codes[1]);
        }
        admin.put(&path, whole).await.problem(403, partner.codes[1]);
        admin
            .patch(&path, json!({"notes": "m"}))
            .await
            .problem(403, partner.codes[1]);
        let ended = run(&operator, &mkdir("three")).await;
        assert_eq!(ended["error"]["code"], partner.codes[1], "{ended:#}");
        let tested = operator.post(&format!("{path}/test"), json!({})).await.ok();
        assert_eq!(tested["error_code"], partner.codes[1]);
        operator
            .get(&format!("{path}/files"))
            .await
            .problem(403, partner.codes[1]);
        // An exemption from FIPS mode is none from this.
        let exempt = with(
            &partner.careless,
            &json!({"name": "exempt", "fips_override": true}),
        );
        let exempt = with(&partner.careful, &exempt);
        admin
            .post("/api/connections", exempt)
            .await
            .problem(403, partner.codes[1]);
        setting(admin, "fips_mode_enabled", false).await;
        assert_eq!(run(&operator, &mkdir("four")).await["state"], "completed");
        assert_eq!(count(admin, id, partner.record).await, 5);
    }
    server.stop().await;
}

#[tokio::test]
async fn in_production_it_takes_the_setting_too_at_every_use() {
    let folder = tempfile::tempdir().unwrap();
    let mut production = config(folder.path());
    production.environment = Environment::Production;
    let server = TestServer::start_with(folder, production).await;
    let admin = &server.admin;
    let servers = Servers::start();
    for partner in servers.partners() {
        let made = admin
            .post("/api/connections", partner.careful.clone())
            .await
            .created();
        let id = made["id"].as_str().unwrap();
        let path = format!("/api/connections/{id}");
        for answer in partner.every_way_in(admin, id).await {
            answer.problem(403, 3008);
        }
        setting(admin, "insecure_trust_allow_production", true).await;
        admin.patch(&path, partner.careless.clone()).await.ok();
        let steps =
            json!([{"step_type": "remote.mkdir", "config": {"connection_id": id, "remote_path": "made"}}]);
        assert_eq!(run(admin, &steps).await["state"], "completed");
        setting(admin, "insecure_trust_allow_production", false).await;
        assert_eq!(run(admin, &steps).await["error"]["code"], 3008);
        assert_eq!(
            admin.post(&format!("{path}/test"), json!({})).await.ok()["error_code"],
            3008
        );
        // A change of something else doesn't take it up again; turning it off is always possible.
        admin.patch(&path, json!({"notes": "n"})).await.problem(403, 3008);
        admin.patch(&path, json!({"status": "disabled"})).await.ok();
        admin
            .patch(&path, json!({"status": "active"}))
            .await
            .problem(403, 3008);
        assert_eq!(count(admin, id, partner.record).await, 1);
    }
    server.stop().await;
}
