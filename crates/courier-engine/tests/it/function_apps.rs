//! Connections to function apps: what they are, what changes with what, and that nobody finds files there.

use courier_engine::{
    Environment, Error,
    admin::Admin,
    connections::{AddKey, Connection},
};
use courier_store::Store;
use courier_vault::LocalKey;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    endpoints::{endpoints, sql, vault},
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
        "logs_endpoint": "https://logs.example/v2", "client_secret": CLIENT_SECRET,
    });
    assert_eq!(
        refused(json!({ "properties": odd })).await,
        [
            "properties.authority_host",
            "properties.client_id",
            "properties.client_secret",
            "properties.logs_endpoint",
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
    let some = |text: &str| Some(text.to_owned());
    let principal = format!("{app}, https://login.microsoftonline.com, https://api.loganalytics.io");
    assert_eq!(endpoints(&t).await, [some(&principal), some(app)]);
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
    assert_eq!(endpoints(&t).await, [some(&principal), some(app)]);
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
        sql(&t, &ill).await;
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
    let generated = AddKey::Generate("ecdsa_256".into());
    let error = t
        .connections()
        .add_key(&operator(), made.id, generated)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("ssh_key_ids: is not known"), "{error}");
    assert!(!t.connections().get(made.id).await.unwrap().has_ssh_key);
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

/// What the checks of a test found that have to do with secrets: the one of the host, and the one of the token.
async fn tested(t: &Fixture, id: Uuid) -> [String; 2] {
    let report = t.connections().test(&operator(), id).await.unwrap();
    assert!(!report.success, "{report:?}");
    ["host", "token"].map(|name| {
        let check = report.checks.iter().find(|check| check.name == name);
        check.unwrap_or_else(|| panic!("{report:?}")).message.clone()
    })
}

#[tokio::test]
async fn no_secret_follows_its_connection_through_the_database() {
    const ELSEWHERE: &str = "was entered for another server";
    let t = Fixture::new().await;
    // Nobody answers at any of these.
    let here = json!({
        "host": "127.0.0.1",
        "port": 9,
        "connect_timeout_sec": 1,
        "properties": properties(json!({"authority_host": "127.0.0.1:9", "logs_endpoint": "127.0.0.1:9"})),
    });
    let made = t.connections().create(&operator(), input(here)).await.unwrap();
    let [host, token] = tested(&t, made.id).await;
    assert!(
        !host.contains(ELSEWHERE) && !token.contains(ELSEWHERE),
        "{host}; {token}"
    );
    for (edit, undo, moves) in [
        (
            "json_set(settings, '$.properties.authority_host', 'evil.invalid')",
            "json_set(settings, '$.properties.authority_host', '127.0.0.1:9')",
            [false, true],
        ),
        (
            "json_set(settings, '$.properties.logs_endpoint', 'https://evil.invalid')",
            "json_set(settings, '$.properties.logs_endpoint', '127.0.0.1:9')",
            [false, true],
        ),
    ] {
        sql(&t, &format!("UPDATE connections SET settings = {edit}")).await;
        let found = tested(&t, made.id).await;
        assert_eq!(
            found.clone().map(|check| check.contains(ELSEWHERE)),
            moves,
            "{edit}: {found:?}"
        );
        assert!(found[1].contains("properties, and enter it anew"), "{found:?}");
        sql(&t, &format!("UPDATE connections SET settings = {undo}")).await;
    }
    sql(&t, "UPDATE connections SET host = 'evil.invalid'").await;
    let found = tested(&t, made.id).await;
    assert!(found.iter().all(|check| check.contains(ELSEWHERE)), "{found:?}");
    sql(&t, "UPDATE connections SET host = '127.0.0.1'").await;
    // Nor does one pass for the other.
    sql(&t, "DELETE FROM connection_secrets WHERE field = 'password'").await;
    sql(&t, "UPDATE connection_secrets SET field = 'password', endpoint = substr(endpoint, 1, instr(endpoint, ',') - 1)").await;
    let [host, token] = tested(&t, made.id).await;
    assert!(host.contains("was altered in the database"), "{host}");
    assert!(token.contains("lacks a client secret"), "{token}");
}

#[tokio::test]
async fn its_secrets_move_to_a_new_key() {
    let t = Fixture::new().await;
    let made = made(&t).await;
    let url = format!("sqlite://{}", t.dir.path().join("courier.db").display());
    LocalKey::add_first(&t.dir.path().join("kek")).unwrap();
    let beside = Admin::new(Store::open_existing(&url).await.unwrap(), vault(&t));
    let report = beside.rewrap().await.unwrap();
    assert!(report.rewrapped >= 2 && report.failed.is_empty(), "{report:?}");
    let seal = t.dir.path().join("audit-seal");
    let found = beside
        .doctor(Environment::Development, &seal, false)
        .await
        .unwrap();
    let secrets = found
        .iter()
        .find(|finding| finding.check == "stored secrets")
        .unwrap();
    assert!(secrets.message.starts_with("all "), "{secrets:?}");
    let kept = t.connections().get(made.id).await.unwrap();
    assert!(kept.has_password && kept.has_client_secret);
}
