//! Somebody who writes the database, and can't open the vault: no secret goes to another server than the one that it was
//! entered for.

use std::{sync::Arc, time::Duration};

use courier_engine::{Environment, admin::Admin, connections::Connection};
use courier_store::Store;
use courier_vault::{Binding, LocalKey, Vault};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;
use uuid::Uuid;

use crate::{
    database::database,
    fake::{CLIENT_CERTIFICATE, PASSWORD, Server},
    fixture::{Fixture, admin, map, operator},
};

pub(crate) async fn sql(t: &Fixture, statement: &str) {
    database(t).await.execute_unprepared(statement).await.unwrap();
}

/// The servers that stored secrets are for.
pub(crate) async fn endpoints(t: &Fixture) -> Vec<Option<String>> {
    let db = database(t).await;
    let question = "SELECT endpoint FROM connection_secrets ORDER BY field";
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), question));
    let rows = rows.await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

pub(crate) fn vault(t: &Fixture) -> Vault {
    Vault::new(Arc::new(LocalKey::load(&t.dir.path().join("kek")).unwrap()))
}

/// Its password as earlier versions sealed it.
async fn without_endpoint(t: &Fixture, id: Uuid) {
    let binding = Binding::new("connection", id, "password");
    let sealed = vault(t).seal_str(&binding, &PASSWORD.into()).await.unwrap();
    let hex: String = sealed.iter().map(|byte| format!("{byte:02x}")).collect();
    let older = format!("UPDATE connection_secrets SET endpoint = NULL, sealed = x'{hex}'");
    sql(t, &older).await;
}

async fn restart(t: &Fixture) -> Fixture {
    t.shutdown(Duration::from_secs(9)).await;
    Fixture::start(t.dir.clone(), t.server.clone(), Environment::Development)
        .await
        .unwrap()
}

async fn works(t: &Fixture, id: Uuid) -> bool {
    t.connections().test(&operator(), id).await.unwrap().success
}

/// How often any server was reached for.
fn contacts(t: &Fixture) -> usize {
    let servers: [&Server; 3] = [&t.server, &t.sftp, &t.ftps];
    servers.iter().map(|server| server.fips().len()).sum()
}

/// Used in every way, no server hears of it, and whoever looks learns what to do.
async fn check_nothing_is_sent(t: &Fixture, made: &Connection, after: &str) {
    let before = contacts(t);
    let report = t.connections().test(&operator(), made.id).await.unwrap();
    let error = report.error.unwrap();
    assert_eq!(error.kind, "auth", "{after}: {error:?}");
    assert!(error.message.contains("enter it anew"), "{after}: {error:?}");
    let config = json!({"connection_id": made.id, "remote_path": "/home"});
    let job = json!({
        "name": Uuid::now_v7(),
        "steps": [{"step_type": "remote.list", "config": config}],
        "failure_policy": {"type": "retry_step", "backoff_base_sec": 0},
    });
    let ran = t.run_job(job).await;
    assert_eq!(ran.error.unwrap().kind, "auth", "{after}");
    assert_eq!(ran.steps[0].attempts, 1, "{after}: not tried again");
    t.connections()
        .browse(&operator(), made.id, None)
        .await
        .unwrap_err();
    assert_eq!(contacts(t), before, "{after}");
    let shown = t.connections().get(made.id).await.unwrap();
    assert_eq!(shown.health.as_str(), "requires_attention", "{after}");
}

#[tokio::test]
async fn a_password_does_not_follow_its_connection_through_the_database() {
    let evil = "UPDATE connections SET host = 'evil.example'";
    for edit in [
        evil.to_owned(),
        "UPDATE connections SET host = 'partner.example:22@evil.example'".into(),
        "UPDATE connections SET host = NULL".into(),
        "UPDATE connections SET port = 4001".into(),
        "UPDATE connections SET protocol = 'sftp'".into(),
        "UPDATE connection_secrets SET endpoint = NULL".into(),
        "UPDATE connection_secrets SET endpoint = ''".into(),
        "UPDATE connection_secrets SET endpoint = replace(endpoint, 'partner', 'evil')".into(),
        format!("{evil}; UPDATE connection_secrets SET endpoint = NULL"),
        format!(
            "{evil}; UPDATE connection_secrets SET endpoint = replace(endpoint, 'partner.example', 'evil.example')"
        ),
    ] {
        let t = Fixture::new().await;
        let made = t.connection(json!({})).await;
        assert!(works(&t, made.id).await);
        sql(&t, &edit).await;
        check_nothing_is_sent(&t, &made, &edit).await;
    }
}

#[tokio::test]
async fn nor_does_a_client_certificate() {
    for edit in [
        "UPDATE connections SET host = 'evil.example'",
        "UPDATE connections SET settings = json_set(settings, '$.ftps_mode', 'implicit')",
        "UPDATE connections SET settings = json_set(settings, '$.ftps_mode', 'explicit')",
    ] {
        let t = Fixture::new().await;
        let mode = if edit.contains("implicit") {
            "explicit"
        } else {
            "implicit"
        };
        let input = json!({"protocol": "ftps", "ftps_mode": mode, "client_certificate": CLIENT_CERTIFICATE});
        let made = t.connection(input).await;
        assert!(works(&t, made.id).await);
        sql(&t, "DELETE FROM connection_secrets WHERE field = 'password'").await;
        sql(&t, "UPDATE connections SET auth_method = 'none'").await;
        sql(&t, edit).await;
        let before = contacts(&t);
        let report = t.connections().test(&operator(), made.id).await.unwrap();
        let error = report.error.unwrap();
        assert_eq!(error.kind, "auth", "{error:?}");
        assert!(
            error.message.contains("the client certificate was entered"),
            "{error:?}"
        );
        assert_eq!(contacts(&t), before, "{edit}");
    }
}

#[tokio::test]
async fn a_secret_that_is_entered_anew_is_for_the_server_of_now() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    sql(&t, "UPDATE connections SET host = 'new.example'").await;
    let patch = async |change| {
        t.connections()
            .patch(&operator(), made.id, map(change))
            .await
            .unwrap()
    };
    patch(json!({"notes": "looked at"})).await;
    assert!(
        !works(&t, made.id).await,
        "a change of something else is no entering"
    );
    patch(json!({"password": PASSWORD})).await;
    assert!(works(&t, made.id).await);
    patch(json!({"host": "2001:DB8::1", "port": 2022, "password": PASSWORD})).await;
    assert!(works(&t, made.id).await);
    assert_eq!(endpoints(&t).await, [Some("memory://[2001:db8::1]:2022".into())]);
}

#[tokio::test]
async fn changes_that_leave_the_server_leave_its_secrets() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    for change in [
        json!({"name": "renamed"}),
        json!({"username": "other", "notes": "n", "connect_timeout_sec": 5}),
        json!({"host": "PARTNER.Example"}),
        json!({"port": made.fields["port"]}),
        json!({"port": null}),
        json!({"status": "disabled"}),
        json!({"status": "active"}),
    ] {
        let saved = t
            .connections()
            .patch(&operator(), made.id, map(change.clone()))
            .await;
        assert!(saved.unwrap().has_password, "{change}");
        assert!(works(&t, made.id).await, "{change}");
    }
    let url = format!("sqlite://{}", t.dir.path().join("courier.db").display());
    LocalKey::add_first(&t.dir.path().join("kek")).unwrap();
    let beside = Admin::new(Store::open_existing(&url).await.unwrap(), vault(&t));
    let report = beside.rewrap().await.unwrap();
    assert!(report.rewrapped > 0 && report.failed.is_empty(), "{report:?}");
    let found = beside
        .doctor(Environment::Development, &t.dir.path().join("audit-seal"), false)
        .await
        .unwrap();
    let secrets = found
        .iter()
        .find(|finding| finding.check == "stored secrets")
        .unwrap();
    assert!(secrets.message.starts_with("all "), "{secrets:?}");
    let t = restart(&t).await;
    assert!(works(&t, made.id).await);
    assert_eq!(t.audit_of("secret_bound").await.len(), 0);
}

#[tokio::test]
async fn a_secret_of_an_earlier_version_is_bound_at_the_start() {
    let t = Fixture::new().await;
    let made = t.connection(json!({"port": 4000})).await;
    without_endpoint(&t, made.id).await;
    check_nothing_is_sent(&t, &made, "without endpoint").await;
    let t = restart(&t).await;
    assert_eq!(
        endpoints(&t).await,
        [Some("memory://partner.example:4000".into())]
    );
    let bound = t.audit_of("secret_bound").await;
    assert_eq!(bound.len(), 1, "{bound:?}");
    assert_eq!(bound[0].details["endpoint"], "memory://partner.example:4000");
    assert!(works(&t, made.id).await);
    let t = restart(&t).await;
    assert_eq!(t.audit_of("secret_bound").await.len(), 1);
}

/// What is bound once is bound to no other server by a start.
#[tokio::test]
async fn a_start_binds_nothing_that_was_bound_elsewhere() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    sql(&t, "UPDATE connections SET host = 'evil.example'").await;
    for field in ["password", "password for memory://partner.example:4000"] {
        let clear = format!("UPDATE connection_secrets SET endpoint = NULL, field = '{field}'");
        sql(&t, &clear).await;
        restart(&t).await;
        assert_eq!(endpoints(&t).await, [None], "{field}");
    }
    sql(&t, "UPDATE connection_secrets SET field = 'password'").await;
    let t = restart(&t).await;
    check_nothing_is_sent(&t, &made, "a start").await;
    let saved = t
        .connections()
        .patch(&admin(), made.id, map(json!({"password": PASSWORD})))
        .await;
    assert!(saved.unwrap().has_password && works(&t, made.id).await);
}
