//! What a connection may be, and what changes with what.

use courier_engine::{Environment, Error, PageRequest, connections::ConnectionFilter};
use serde_json::json;

use crate::{
    fake::{PASSWORD, fingerprint},
    fixture::{Fixture, admin, connection_input, fields, map, operator},
};

#[tokio::test]
async fn shows_defaults_and_warnings_but_no_secret() {
    let t = Fixture::new().await;
    let made = t.connection(json!({"mode": "weak", "group": "Partners"})).await;
    let shown = serde_json::to_value(&made).unwrap();
    for (field, value) in [
        ("port", json!(4000)),
        ("connect_timeout_sec", json!(30)),
        ("operation_timeout_sec", json!(300)),
        ("keepalive_interval_sec", json!(60)),
        ("transport_retries", json!(2)),
        ("max_sessions", json!(4)),
        ("host_key_policy", json!("trust_on_first_use")),
        ("status", json!("active")),
        ("health", json!("unknown")),
        ("has_password", json!(true)),
        ("has_ssh_key", json!(false)),
        ("group", json!("Partners")),
        ("notes", json!(null)),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
    assert!(
        made.warnings
            .iter()
            .any(|w| w.contains("Password authentication"))
    );
    assert!(made.warnings.iter().any(|w| w == "The mode is weak."));
    assert!(!shown.to_string().contains(PASSWORD));
    // What was shown may be sent back as it is.
    let again = t
        .connections()
        .replace(&operator(), made.id, map(shown))
        .await
        .unwrap();
    assert!(again.has_password);
}

#[tokio::test]
async fn how_it_logs_in_follows_from_what_it_brings() {
    let t = Fixture::new().await;
    let mut input = map(json!({"name": "implied", "protocol": "memory", "host": "h", "username": "u"}));
    input.insert("password".into(), json!(PASSWORD));
    let made = t.connections().create(&admin(), input.clone()).await.unwrap();
    assert_eq!(made.fields["auth_method"], "password");
    input.remove("password");
    let kept = t
        .connections()
        .replace(&admin(), made.id, input.clone())
        .await
        .unwrap();
    assert_eq!(kept.fields["auth_method"], "password");
    input.insert("password".into(), json!(null));
    let cleared = t.connections().replace(&admin(), made.id, input).await.unwrap();
    assert_eq!(cleared.fields["auth_method"], "ssh_key");
}

#[tokio::test]
async fn every_problem_is_named_at_once() {
    let t = Fixture::new().await;
    let wrong = map(json!({
        "name": "", "protocol": "memory", "host": "", "port": 70000, "auth_method": "pigeon",
        "connect_timeout_sec": "soon", "mode": "odd", "passive_mode": true, "ssh_key_ids": ["x"],
        "stored_host_fingerprint": "SHA256:short",
    }));
    let error = t.connections().create(&admin(), wrong).await.unwrap_err();
    assert!(matches!(error, Error::Validation { .. }), "{error:?}");
    assert_eq!(
        fields(&error),
        [
            "auth_method",
            "connect_timeout_sec",
            "host",
            "mode",
            "name",
            "passive_mode",
            "port",
            "ssh_key_ids",
            "stored_host_fingerprint",
        ]
    );
    for (more, field) in [
        (json!({"passive_mode": true}), "passive_mode"),
        (json!({"mode": "odd"}), "mode"),
        (json!({"client_secret": "s"}), "client_secret"),
        (
            json!({"stored_host_fingerprint": fingerprint(1)}),
            "stored_host_fingerprint",
        ),
    ] {
        let mut input = connection_input();
        input.extend(map(more));
        let error = t.connections().create(&admin(), input).await.unwrap_err();
        assert!(matches!(error, Error::ProtocolConfig { .. }), "{error:?}");
        assert_eq!(fields(&error), [field]);
    }
    for (more, field) in [
        (json!({"protocol": "gopher"}), "protocol"),
        (json!({"username": null}), "username"),
        (json!({"base_path": "/a/../b"}), "base_path"),
        (json!({"transport_retries": 4}), "transport_retries"),
        (json!({"ssh_key_ids": [uuid::Uuid::now_v7()]}), "ssh_key_ids"),
        (json!({"password": 7}), "password"),
    ] {
        let mut input = connection_input();
        input.extend(map(more));
        let error = t.connections().create(&admin(), input).await.unwrap_err();
        assert!(matches!(error, Error::Validation { .. }), "{error:?}");
        assert_eq!(fields(&error), [field]);
    }
}

#[tokio::test]
async fn a_local_connection_lies_under_a_local_root() {
    let t = Fixture::new().await;
    let input =
        |base: String| map(json!({"name": uuid::Uuid::now_v7(), "protocol": "local", "base_path": base}));
    let inside = t.files().join("inbox");
    std::fs::create_dir(&inside).unwrap();
    let made = t
        .connections()
        .create(&operator(), input(inside.display().to_string()))
        .await
        .unwrap();
    assert_eq!(made.fields["host"], json!(null));
    assert!(t.connections().test(&operator(), made.id).await.unwrap().success);
    for outside in [
        "/etc".to_owned(),
        t.dir.path().display().to_string(),
        "inbox".to_owned(),
    ] {
        let error = t
            .connections()
            .create(&operator(), input(outside))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::ProtocolConfig { .. }));
        assert_eq!(fields(&error), ["base_path"]);
    }
    let shown = serde_json::to_value(&made).unwrap();
    assert!(
        t.connections()
            .replace(&operator(), made.id, map(shown))
            .await
            .is_ok()
    );
    let mut with_host = input(inside.display().to_string());
    with_host.extend(map(json!({"host": "h", "password": "p", "port": null})));
    let error = t.connections().create(&operator(), with_host).await.unwrap_err();
    assert_eq!(fields(&error), ["host", "password"]);
}

#[tokio::test]
async fn names_are_unique() {
    let t = Fixture::new().await;
    let first = t.connection(json!({"name": "one"})).await;
    let second = t.connection(json!({"name": "two"})).await;
    let mut input = connection_input();
    input.extend(map(json!({"name": "one"})));
    let error = t.connections().create(&admin(), input).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Duplicate {
                what: "connection",
                ..
            }
        ),
        "{error:?}"
    );
    let error = t
        .connections()
        .patch(&admin(), second.id, map(json!({"name": "one"})))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Duplicate { .. }));
    let all = t
        .connections()
        .list(ConnectionFilter::default(), PageRequest::first(10))
        .await
        .unwrap();
    assert_eq!(
        all.items.iter().map(|c| c.id).collect::<Vec<_>>(),
        [first.id, second.id]
    );
}

#[tokio::test]
async fn secrets_and_pins_follow_their_server() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    assert!(t.connections().test(&admin(), made.id).await.unwrap().success);
    let patch = async |change| {
        t.connections()
            .patch(&admin(), made.id, map(change))
            .await
            .unwrap()
    };
    let pinned = patch(json!({"notes": "x", "host": "PARTNER.example", "port": 4000})).await;
    assert!(
        pinned.has_password,
        "the same host and the default port are no change"
    );
    assert_eq!(pinned.stored_host_fingerprint, Some(fingerprint(1)));

    for change in [
        json!({"host": "other.example"}),
        json!({"port": 4001}),
        json!({"protocol": "sftp"}),
    ] {
        let moved = patch(change.clone()).await;
        assert!(!moved.has_password, "{change}");
        assert_eq!(moved.stored_host_fingerprint, None, "{change}");
        assert_eq!(moved.health.as_str(), "unknown");
        assert!(t.connections().known_hosts(made.id).await.unwrap().is_empty());
        patch(json!({"password": PASSWORD})).await;
        assert!(t.connections().test(&admin(), made.id).await.unwrap().success);
    }
    let moved = patch(json!({"host": "third.example", "password": PASSWORD})).await;
    assert!(moved.has_password, "a new secret came along");
    assert_eq!(moved.stored_host_fingerprint, None);
    assert!(!patch(json!({"password": null})).await.has_password);

    let last = &t.audit_of("connection_changed").await[0];
    assert_eq!(last.details["secrets_cleared"], json!(["password"]));
    assert!(
        !t.audit_of("connection_changed")
            .await
            .iter()
            .any(|r| r.details.to_string().contains(PASSWORD))
    );
}

#[tokio::test]
async fn a_connection_in_use_stays() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    let job = json!({"name": "nightly", "steps": [{"step_type": "remote.mkdir", "config": {"connection_id": made.id, "remote_path": "a"}}]});
    let job = t.jobs().create(&operator(), map(job)).await.unwrap();
    let error = t.connections().delete(&operator(), made.id).await.unwrap_err();
    assert!(
        matches!(&error, Error::ConnectionInUse { jobs } if jobs[0].contains("nightly")),
        "{error:?}"
    );
    t.jobs().delete(&operator(), job.id).await.unwrap();
    t.connections().delete(&operator(), made.id).await.unwrap();
    assert!(matches!(
        t.connections().get(made.id).await.unwrap_err(),
        Error::NotFound { .. }
    ));
}

#[tokio::test]
async fn a_disabled_connection_is_not_used() {
    let t = Fixture::new().await;
    let made = t.connection(json!({"status": "disabled"})).await;
    let run = t
        .run_steps(
            json!([{"step_type": "remote.mkdir", "config": {"connection_id": made.id, "remote_path": "a"}}]),
        )
        .await;
    assert_eq!(run.error.unwrap().kind, "connection_not_usable");
    assert_eq!(t.server.sessions(), 0);
}

#[tokio::test]
async fn only_an_admin_exempts_from_fips_mode() {
    let t = Fixture::new().await;
    let mut input = connection_input();
    input.extend(map(json!({"fips_override": true})));
    let error = t
        .connections()
        .create(&operator(), input.clone())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::FipsOverrideNeedsAdmin));
    assert!(t.connections().create(&admin(), input).await.is_ok());
}

#[tokio::test]
async fn a_wrong_vault_key_stops_the_start() {
    let t = Fixture::new().await;
    let Fixture {
        engine, server, dir, ..
    } = t;
    engine.shutdown(std::time::Duration::from_secs(5)).await;
    std::fs::remove_file(dir.path().join("kek")).unwrap();
    let result = Fixture::start(dir, server, Environment::Development).await;
    assert!(matches!(result.err().unwrap(), Error::KeysMissing(_)));
}
