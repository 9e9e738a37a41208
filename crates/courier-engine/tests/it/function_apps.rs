//! Connections to function apps: what they are, what changes with what, and that nobody finds files there.

use courier_engine::{Error, connections::Connection};
use courier_store::Store;
use sea_orm::ConnectionTrait;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    database::database,
    fixture::{Fixture, admin, connection_input, fields, map, operator, viewer},
};

const MASTER_KEY: &str = "the-master-key";
const CLIENT_SECRET: &str = "the-client-secret";

fn properties(more: Value) -> Value {
    let mut properties = json!({
        "workspace_id": "3d1b4e1a-9f3c-4a0e-8f57-0c7f8a3b2d10",
        "tenant_id": "contoso.onmicrosoft.com",
        "client_id": "0b7c1f86-3f0e-4d3c-9f0c-5f5c1f1d2e3a",
    });
    map(more)
        .into_iter()
        .for_each(|(name, value)| properties[name] = value);
    properties
}

fn input(more: Value) -> Map<String, Value> {
    let mut input = map(json!({
        "name": Uuid::now_v7(),
        "protocol": "azure_function",
        "host": "billing.azurewebsites.net",
        "password": MASTER_KEY,
        "client_secret": CLIENT_SECRET,
        "properties": properties(json!({})),
    }));
    input.extend(map(more));
    input
}

async fn made(t: &Fixture) -> Connection {
    t.connections()
        .create(&operator(), input(json!({})))
        .await
        .unwrap()
}

/// Whom its stored secrets are for, by field.
async fn receivers(t: &Fixture, id: Uuid) -> Vec<(String, String)> {
    let url = format!("sqlite://{}", t.dir.path().join("courier.db").display());
    let store = Store::open_existing(&url).await.unwrap();
    let mut all = Vec::new();
    for field in ["client_secret", "password"] {
        if let Some(secret) = store.connections().secret(id, field).await.unwrap() {
            all.push((field.to_owned(), secret.endpoint.unwrap()));
        }
    }
    all
}

#[tokio::test]
async fn is_shown_as_it_was_given_without_its_secrets() {
    let t = Fixture::new().await;
    let made = made(&t).await;
    let shown = serde_json::to_value(&made).unwrap();
    for (field, value) in [
        ("protocol", json!("azure_function")),
        ("port", json!(443)),
        ("auth_method", json!("service_principal")),
        ("has_password", json!(true)),
        ("has_client_secret", json!(true)),
        ("properties", properties(json!({}))),
        ("connect_timeout_sec", json!(30)),
        ("operation_timeout_sec", json!(300)),
        ("fips_override", json!(false)),
        ("health", json!("unknown")),
        ("warnings", json!([])),
        ("username", json!(null)),
        ("base_path", json!(null)),
        ("host_key_policy", json!(null)),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
    for absent in ["keepalive_interval_sec", "transport_retries", "max_sessions"] {
        assert_eq!(shown.get(absent), None, "{absent}");
    }
    let text = shown.to_string();
    assert!(!text.contains(MASTER_KEY) && !text.contains(CLIENT_SECRET));
    // What was shown may be sent back as it is, also with the nulls that the API adds.
    let mut back = map(shown);
    for field in ["keepalive_interval_sec", "transport_retries", "max_sessions"] {
        back.insert(field.into(), Value::Null);
    }
    let again = t.connections().replace(&operator(), made.id, back).await.unwrap();
    assert!(again.has_password && again.has_client_secret);
    let records = t.audit_of("connection_created").await;
    let details = records[0].details.to_string();
    assert!(
        details.contains("contoso") && details.contains("client_secret"),
        "{details}"
    );
    assert!(!details.contains(MASTER_KEY) && !details.contains(CLIENT_SECRET));
}

#[tokio::test]
async fn every_problem_of_its_properties_is_named() {
    let t = Fixture::new().await;
    let refused = async |more: Value| {
        let error = t
            .connections()
            .create(&operator(), input(more.clone()))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::ProtocolConfig { .. }), "{more}: {error:?}");
        assert!(!format!("{error:?}").contains(CLIENT_SECRET), "{error:?}");
        fields(&error)
    };
    let odd = json!({
        "workspace_id": "a/b", "tenant_id": "..", "client_id": null, "authority_host": "http://login.example",
        "logs_endpoint": "https://logs.example/v2", "secret": "x",
    });
    assert_eq!(
        refused(json!({ "properties": odd })).await,
        [
            "properties.authority_host",
            "properties.client_id",
            "properties.logs_endpoint",
            "properties.secret",
            "properties.tenant_id",
            "properties.workspace_id",
        ]
    );
    for (more, field) in [
        (json!({"properties": null}), "properties"),
        (json!({"properties": "x"}), "properties"),
        (
            json!({"properties": {"workspace_id": "w", "tenant_id": "t"}}),
            "properties.client_id",
        ),
        (json!({"auth_method": "password"}), "auth_method"),
        (json!({"username": "u"}), "username"),
        (json!({"base_path": "/in"}), "base_path"),
        (json!({"keepalive_interval_sec": 60}), "keepalive_interval_sec"),
        (json!({"transport_retries": 2}), "transport_retries"),
        (json!({"max_sessions": 4}), "max_sessions"),
        (json!({"ssh_key_ids": [Uuid::now_v7()]}), "ssh_key_ids"),
        (json!({"host_key_policy": "manual"}), "host_key_policy"),
        (json!({"tls_cert_policy": "insecure"}), "tls_cert_policy"),
        (json!({"client_certificate": "x"}), "client_certificate"),
    ] {
        assert_eq!(refused(more.clone()).await, [field], "{more}");
    }
    // And properties are none of other protocols.
    let mut other = connection_input();
    other.insert("properties".into(), properties(json!({})));
    let error = t.connections().create(&operator(), other).await.unwrap_err();
    assert_eq!(fields(&error), ["properties"]);
}

#[tokio::test]
async fn each_secret_is_for_those_whom_it_is_sent_to() {
    let t = Fixture::new().await;
    let made = made(&t).await;
    let app = "azure_function://billing.azurewebsites.net:443";
    let principal = format!("{app}, https://login.microsoftonline.com, https://api.loganalytics.io");
    assert_eq!(
        receivers(&t, made.id).await,
        [
            ("client_secret".into(), principal),
            ("password".into(), app.into())
        ]
    );
    let patch = async |change: Value| {
        t.connections()
            .patch(&operator(), made.id, map(change))
            .await
            .unwrap()
    };
    let with = |more: Value| json!({"properties": properties(more)});

    // Another tenant, application or workspace is asked for at the same places; so is another spelling.
    for change in [
        with(json!({"tenant_id": "fabrikam.example", "client_id": "other", "workspace_id": "other"})),
        with(
            json!({"authority_host": "LOGIN.microsoftonline.com", "logs_endpoint": "https://api.loganalytics.io/v1"}),
        ),
        json!({"host": "BILLING.azurewebsites.net", "port": 443, "notes": "n"}),
        with(json!({})),
    ] {
        let saved = patch(change.clone()).await;
        assert!(saved.has_password && saved.has_client_secret, "{change}");
    }
    // Another authority gets neither the old secret, nor the workspace's old place a token of it.
    for elsewhere in [
        json!({"authority_host": "login.evil.example"}),
        json!({"logs_endpoint": "https://logs.evil.example"}),
        json!({"authority_host": "https://login.microsoftonline.com:8443"}),
    ] {
        patch(json!({"client_secret": CLIENT_SECRET, "properties": properties(json!({}))})).await;
        let saved = patch(with(elsewhere.clone())).await;
        assert!(saved.has_password && !saved.has_client_secret, "{elsewhere}");
        let record = &t.audit_of("connection_changed").await[0];
        assert_eq!(
            record.details["secrets_cleared"],
            json!(["client_secret"]),
            "{elsewhere}"
        );
    }
    // With a new one the move is whole.
    let sovereign =
        json!({"authority_host": "login.microsoftonline.us", "logs_endpoint": "api.loganalytics.us"});
    let saved = patch(json!({"properties": properties(sovereign), "client_secret": CLIENT_SECRET})).await;
    assert!(saved.has_client_secret);
    let principal = format!("{app}, https://login.microsoftonline.us, https://api.loganalytics.us");
    assert_eq!(receivers(&t, made.id).await[0].1, principal);
    // Another app gets neither.
    let saved = patch(json!({"host": "evil.azurewebsites.net"})).await;
    assert!(!saved.has_password && !saved.has_client_secret);
    let record = &t.audit_of("connection_changed").await[0];
    assert_eq!(
        record.details["secrets_cleared"],
        json!(["client_secret", "password"])
    );
}

#[tokio::test]
async fn what_it_is_exempt_from_it_is_not_elsewhere() {
    let t = Fixture::new().await;
    let exempt = input(json!({"fips_override": true}));
    let made = t.connections().create(&admin(), exempt).await.unwrap();
    let patch = async |change: Value| t.connections().patch(&operator(), made.id, map(change)).await;
    patch(json!({"properties": properties(json!({"tenant_id": "other"}))}))
        .await
        .unwrap();
    let elsewhere = json!({"properties": properties(json!({"authority_host": "login.example"}))});
    let refused = patch(elsewhere).await.unwrap_err();
    assert!(matches!(refused, Error::FipsOverrideNeedsAdmin), "{refused:?}");
}

#[tokio::test]
async fn a_change_of_who_asks_begins_its_health_anew() {
    let t = Fixture::new().await;
    let made = made(&t).await;
    let ill = format!(
        "UPDATE connections SET health = 'requires_attention', health_detail = 'refused' WHERE name = '{}'",
        made.fields["name"].as_str().unwrap()
    );
    let patch = async |change: Value| {
        t.connections()
            .patch(&operator(), made.id, map(change))
            .await
            .unwrap()
    };
    for (change, after) in [
        (json!({"notes": "looked at"}), "requires_attention"),
        (
            json!({"properties": properties(json!({"client_id": "other"}))}),
            "unknown",
        ),
        (json!({"client_secret": "another"}), "unknown"),
        (json!({"password": "another"}), "unknown"),
    ] {
        database(&t).await.execute_unprepared(&ill).await.unwrap();
        assert_eq!(patch(change.clone()).await.health.as_str(), after, "{change}");
    }
}

#[tokio::test]
async fn nobody_finds_files_there() {
    let t = Fixture::new().await;
    let made = made(&t).await;
    for actor in [admin(), viewer()] {
        let error = t.connections().browse(&actor, made.id, None).await.unwrap_err();
        let Error::ConnectionNotUsable(message) = &error else {
            panic!("{error:?}");
        };
        assert!(message.contains("function app, which has no files"), "{message}");
    }
    for step in [
        json!({"step_type": "remote.list", "config": {"connection_id": made.id, "remote_path": "/in"}}),
        json!({"step_type": "remote.mkdir", "config": {"connection_id": made.id, "remote_path": "/in"}}),
        json!({
            "step_type": "remote.upload",
            "config": {"connection_id": made.id, "local_path": "a", "remote_path": "/a"},
        }),
        json!({
            "step_type": "sftp.download",
            "config": {"connection_id": made.id, "local_path": "a", "remote_path": "/a"},
        }),
    ] {
        let job = map(json!({"name": Uuid::now_v7(), "steps": [step.clone()]}));
        let error = t.jobs().create(&operator(), job).await.unwrap_err();
        assert_eq!(fields(&error), ["steps[0].config.connection_id"], "{step}");
        assert!(!error.to_string().contains("use remote."), "{error}");
    }
    let mapping = map(json!({"name": "m", "remote_path": "/in", "interval_sec": 60}));
    let error = t
        .folder_mappings()
        .create(&operator(), made.id, mapping)
        .await
        .unwrap_err();
    let Error::ProtocolConfig { fields } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(fields[0].field, "connection_id");
    assert!(
        fields[0].message.ends_with("one of ftps, local, memory, sftp"),
        "{fields:?}"
    );
    assert_eq!(
        t.connections().get(made.id).await.unwrap().health.as_str(),
        "unknown"
    );
}

#[tokio::test]
async fn a_connection_of_files_may_become_one_and_go_back() {
    let t = Fixture::new().await;
    let files = t.connection(json!({"base_path": "/in", "max_sessions": 2})).await;
    let patch = async |change: Value| t.connections().patch(&operator(), files.id, map(change)).await;
    // What only sessions have is refused, until it is taken away.
    let become_one = json!({"protocol": "azure_function", "properties": properties(json!({}))});
    assert_eq!(
        fields(&patch(become_one.clone()).await.unwrap_err()),
        ["auth_method", "base_path", "username"]
    );
    let mut become_one = map(become_one);
    for field in ["auth_method", "base_path", "username"] {
        become_one.insert(field.into(), Value::Null);
    }
    let app = patch(become_one.into()).await.unwrap();
    assert_eq!(app.fields["port"], 443);
    assert!(!app.has_password, "the password was for another server");
    let back = patch(json!({"protocol": "memory", "auth_method": "password", "username": "u"}));
    assert_eq!(back.await.unwrap().fields["port"], 4000);
}
