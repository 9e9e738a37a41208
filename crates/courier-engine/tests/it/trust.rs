//! Which host keys are trusted, by policy, and what happens when they change.

use courier_engine::{Environment, Error};
use serde_json::{Value, json};

use crate::{
    fake::{PASSWORD, fingerprint},
    fixture::{Fixture, admin, connection_input, fields, map, operator},
};

fn mkdir(connection: uuid::Uuid) -> Value {
    json!([{"step_type": "remote.mkdir", "config": {"connection_id": connection, "remote_path": "a/b", "recursive": true}}])
}

#[tokio::test]
async fn the_first_key_is_pinned_after_the_login() {
    let t = Fixture::new().await;
    let made = t.connection(json!({"password": "wrong"})).await;
    let report = t.connections().test(&operator(), made.id).await.unwrap();
    assert_eq!(report.error.unwrap().kind, "auth");
    assert_eq!(
        report.host_key_fingerprint,
        Some(fingerprint(1)),
        "a failed test tells what it learnt"
    );
    assert_eq!(report.server_banner.as_deref(), Some("Fake_1.0"));
    assert!(
        t.connections().known_hosts(made.id).await.unwrap().is_empty(),
        "nothing pinned before a login"
    );

    t.connections()
        .patch(&operator(), made.id, map(json!({"password": PASSWORD})))
        .await
        .unwrap();
    let report = t.connections().test(&operator(), made.id).await.unwrap();
    assert!(report.success && report.latency_ms.is_some() && report.capabilities.is_some());
    let shown = t.connections().get(made.id).await.unwrap();
    assert_eq!(shown.stored_host_fingerprint, Some(fingerprint(1)));
    assert_eq!(shown.health.as_str(), "healthy");
    let hosts = t.connections().known_hosts(made.id).await.unwrap();
    assert_eq!(hosts[0].approved_by.as_deref(), Some("system"));
    t.connections().test(&operator(), made.id).await.unwrap();
    assert_eq!(
        t.server.offered_types(),
        ["ssh-ed25519"],
        "the pinned type is offered first"
    );
    for (operation, count) in [
        ("connected", 2),
        ("disconnected", 2),
        ("auth_success", 2),
        ("auth_failed", 1),
        ("test_connection", 3),
    ] {
        assert_eq!(t.audit_of(operation).await.len(), count, "{operation}");
    }
}

#[tokio::test]
async fn a_changed_key_is_refused_until_it_is_approved() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    assert!(t.connections().test(&operator(), made.id).await.unwrap().success);
    let logins = t.server.logins();

    t.server.change_host_key(2);
    let run = t.run_steps(mkdir(made.id)).await;
    let error = run.error.unwrap();
    assert_eq!(error.kind, "host_key");
    assert!(
        error.message.contains(&fingerprint(1)) && error.message.contains(&fingerprint(2)),
        "{}",
        error.message
    );
    assert_eq!(t.server.logins(), logins, "no credential was sent");
    let shown = t.connections().get(made.id).await.unwrap();
    assert_eq!(shown.health.as_str(), "requires_attention");
    assert_eq!(
        shown.health_detail,
        Some(format!(
            "Host key changed: expected {}, got {}",
            fingerprint(1),
            fingerprint(2)
        ))
    );
    let rejected = &t.audit_of("host_key_rejected").await[0];
    assert_eq!(rejected.details["expected"], json!([fingerprint(1)]));
    assert_eq!(rejected.details["presented"], json!(fingerprint(2)));

    // Only tests connect, and that the old key is back heals nothing.
    t.server.change_host_key(1);
    assert_eq!(
        t.run_steps(mkdir(made.id)).await.error.unwrap().kind,
        "connection_not_usable"
    );
    let tested = t.connections().test(&operator(), made.id).await.unwrap();
    let again = format!("approve {} again", fingerprint(1));
    assert!(
        tested.success && tested.warnings.iter().any(|w| w.contains(&again)),
        "{tested:?}"
    );
    assert_eq!(
        t.connections().get(made.id).await.unwrap().health.as_str(),
        "requires_attention"
    );

    t.server.change_host_key(2);
    let approve = async |actor, seed| {
        t.connections()
            .approve_host_key(&actor, made.id, &fingerprint(seed), false)
            .await
    };
    assert!(matches!(
        approve(operator(), 2).await.unwrap_err(),
        Error::Forbidden(_)
    ));
    assert_eq!(
        fields(&approve(admin(), 3).await.unwrap_err()),
        ["fingerprint"],
        "never presented"
    );
    approve(admin(), 2).await.unwrap();
    let shown = t.connections().get(made.id).await.unwrap();
    assert_eq!(
        (shown.health.as_str(), shown.stored_host_fingerprint),
        ("unknown", Some(fingerprint(2)))
    );
    let approved = &t.audit_of("host_key_approved").await[0];
    assert_eq!(
        (&approved.details["before"], &approved.details["after"]),
        (&json!([fingerprint(1)]), &json!(fingerprint(2)))
    );
    assert!(t.run_steps(mkdir(made.id)).await.error.is_none());
}

#[tokio::test]
async fn operators_approve_where_the_setting_lets_them() {
    let t = Fixture::new().await;
    t.settings()
        .set(&admin(), "security.host_key_approval_require_admin", json!(false))
        .await
        .unwrap();
    let made = t.connection(json!({})).await;
    t.connections().test(&operator(), made.id).await.unwrap();
    t.server.change_host_key(2);
    t.server.change_key_type("ssh-rsa");
    assert!(!t.connections().test(&operator(), made.id).await.unwrap().success);
    t.connections()
        .approve_host_key(&operator(), made.id, &fingerprint(2), true)
        .await
        .unwrap();
    for seed in [1, 2] {
        t.server.change_host_key(seed);
        assert!(
            t.connections().test(&operator(), made.id).await.unwrap().success,
            "{seed}: both are pinned"
        );
    }
}

#[tokio::test]
async fn manual_connects_nowhere_without_a_fingerprint() {
    let t = Fixture::new().await;
    let made = t.connection(json!({"host_key_policy": "manual"})).await;
    let report = t.connections().test(&admin(), made.id).await.unwrap();
    assert_eq!(report.error.unwrap().kind, "host_key_not_approved");
    assert_eq!(
        t.run_steps(mkdir(made.id)).await.error.unwrap().kind,
        "host_key_not_approved"
    );
    assert_eq!(t.server.logins(), 0);
    // What it presented can be approved.
    t.connections()
        .approve_host_key(&admin(), made.id, &fingerprint(1), false)
        .await
        .unwrap();
    assert!(t.run_steps(mkdir(made.id)).await.error.is_none());
}

#[tokio::test]
async fn manual_takes_a_fingerprint_from_who_may_decide() {
    let t = Fixture::new().await;
    let made = t.connection(json!({"host_key_policy": "manual"})).await;
    let pin = map(json!({"stored_host_fingerprint": fingerprint(1).replace("SHA256:", "")}));
    let error = t
        .connections()
        .patch(&operator(), made.id, pin.clone())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Forbidden(_)));
    let shown = t.connections().patch(&admin(), made.id, pin).await.unwrap();
    assert_eq!(shown.stored_host_fingerprint, Some(fingerprint(1)));
    assert_eq!(t.audit_of("host_key_approved").await.len(), 1);
    assert!(t.connections().test(&operator(), made.id).await.unwrap().success);
    // An operator may send back what was shown.
    let same = map(json!({"stored_host_fingerprint": fingerprint(1), "notes": "n"}));
    t.connections().patch(&operator(), made.id, same).await.unwrap();
    t.server.change_host_key(2);
    assert_eq!(
        t.connections()
            .test(&operator(), made.id)
            .await
            .unwrap()
            .error
            .unwrap()
            .kind,
        "host_key"
    );
}

#[tokio::test]
async fn always_trust_is_for_admins_outside_of_production_and_fips() {
    let insecure = || {
        let mut input = connection_input();
        input.extend(map(json!({"host_key_policy": "always_trust"})));
        input
    };
    let t = Fixture::in_environment(Environment::Production).await;
    let create = async |actor| t.connections().create(&actor, insecure()).await;
    assert!(matches!(
        create(operator()).await.unwrap_err(),
        Error::InsecureHostKeyNeedsAdmin
    ));
    assert!(matches!(
        create(admin()).await.unwrap_err(),
        Error::InsecureTrustInProduction(_)
    ));
    t.settings()
        .set(&admin(), "security.insecure_trust_allow_production", json!(true))
        .await
        .unwrap();
    let made = create(admin()).await.unwrap();
    assert!(made.warnings[0].contains("man-in-the-middle"));
    t.settings()
        .set(&admin(), "security.insecure_trust_require_admin", json!(false))
        .await
        .unwrap();
    assert!(create(operator()).await.is_ok());

    // Every use is written down, with the key that was taken.
    for seed in [1, 2] {
        t.server.change_host_key(seed);
        assert!(t.run_steps(mkdir(made.id)).await.error.is_none());
    }
    let used = t.audit_of("insecure_host_key_policy_used").await;
    let keys: Vec<&Value> = used.iter().map(|r| &r.details["fingerprint"]).collect();
    assert_eq!(keys, [&json!(fingerprint(2)), &json!(fingerprint(1))]);
    assert_eq!(used[0].details["host"], json!("partner.example"));

    // What was allowed once is looked at again at each use.
    t.settings()
        .set(&admin(), "security.fips_mode_enabled", json!(true))
        .await
        .unwrap();
    assert!(matches!(
        create(admin()).await.unwrap_err(),
        Error::InsecureHostKeyInFips
    ));
    assert_eq!(
        t.run_steps(mkdir(made.id)).await.error.unwrap().kind,
        "insecure_host_key_in_fips"
    );
    assert_eq!(
        t.connections()
            .test(&admin(), made.id)
            .await
            .unwrap()
            .error
            .unwrap()
            .kind,
        "insecure_host_key_in_fips"
    );
    t.settings()
        .set(&admin(), "security.fips_mode_enabled", json!(false))
        .await
        .unwrap();
    t.settings()
        .set(&admin(), "security.insecure_trust_allow_production", json!(false))
        .await
        .unwrap();
    assert_eq!(
        t.run_steps(mkdir(made.id)).await.error.unwrap().kind,
        "insecure_trust_in_production"
    );
    let off = map(json!({"status": "disabled"}));
    assert!(
        t.connections().patch(&operator(), made.id, off).await.is_ok(),
        "it can always be turned off"
    );
}

#[tokio::test]
async fn one_failed_login_stops_all_until_somebody_has_looked() {
    let t = Fixture::new().await;
    let made = t.connection(json!({"password": "wrong"})).await;
    let job = json!({"name": "j", "steps": mkdir(made.id), "failure_policy": {"type": "retry_step", "backoff_base_sec": 0}});
    assert_eq!(t.run_job(job).await.error.unwrap().kind, "auth");
    assert_eq!(t.server.logins(), 1, "not tried again");
    assert_eq!(
        t.connections().get(made.id).await.unwrap().health.as_str(),
        "requires_attention"
    );
    assert_eq!(
        t.run_steps(mkdir(made.id)).await.error.unwrap().kind,
        "connection_not_usable"
    );
    assert_eq!(t.server.logins(), 1);
    assert_eq!(t.audit_of("auth_failed").await.len(), 1);
    assert!(!t.connections().test(&operator(), made.id).await.unwrap().success);
    assert_eq!(
        t.connections().get(made.id).await.unwrap().health.as_str(),
        "requires_attention"
    );

    t.connections()
        .patch(&operator(), made.id, map(json!({"password": PASSWORD})))
        .await
        .unwrap();
    assert!(t.connections().test(&operator(), made.id).await.unwrap().success);
    assert_eq!(
        t.connections().get(made.id).await.unwrap().health.as_str(),
        "healthy"
    );
    assert!(t.run_steps(mkdir(made.id)).await.error.is_none());
}

#[tokio::test]
async fn a_test_before_saving_pins_nothing() {
    let t = Fixture::new().await;
    let mut input = connection_input();
    input.remove("name");
    let report = t
        .connections()
        .test_unsaved(&operator(), input.clone())
        .await
        .unwrap();
    assert!(report.success && report.host_key_fingerprint == Some(fingerprint(1)));
    input.extend(map(json!({"host_key_policy": "manual"})));
    let report = t
        .connections()
        .test_unsaved(&operator(), input.clone())
        .await
        .unwrap();
    assert_eq!(report.error.unwrap().kind, "host_key_not_approved");
    input.extend(map(json!({"stored_host_fingerprint": fingerprint(1)})));
    assert!(
        t.connections()
            .test_unsaved(&operator(), input.clone())
            .await
            .unwrap()
            .success
    );
    input.extend(map(json!({"stored_host_fingerprint": fingerprint(9)})));
    let report = t.connections().test_unsaved(&operator(), input).await.unwrap();
    assert_eq!(report.error.unwrap().kind, "host_key");
    let all = t
        .connections()
        .list(Default::default(), courier_engine::PageRequest::first(9))
        .await
        .unwrap();
    assert!(all.items.is_empty());
    assert_eq!(t.server.open_sessions(), 0);
}

#[tokio::test]
async fn an_unreachable_server_is_failing_and_heals() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    t.server.down(Some(courier_transfer::ErrorKind::Unreachable));
    let report = t.connections().test(&operator(), made.id).await.unwrap();
    assert_eq!(report.error.unwrap().kind, "unreachable");
    let shown = t.connections().get(made.id).await.unwrap();
    assert_eq!(shown.health.as_str(), "failing");
    assert!(shown.health_detail.unwrap().contains("partner.example"));
    t.server.down(None);
    assert!(t.run_steps(mkdir(made.id)).await.error.is_none());
    let shown = t.connections().get(made.id).await.unwrap();
    assert_eq!(shown.health.as_str(), "healthy");
    assert!(shown.last_ok_at.is_some());
}

#[tokio::test]
async fn a_late_login_pins_nothing_for_the_server_that_came_after() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    let stop = t.server.stop_before_login();
    let testing = {
        let (engine, id) = (t.engine.clone(), made.id);
        tokio::spawn(async move { engine.connections().test(&operator(), id).await.unwrap() })
    };
    stop.wait().await;
    let moved = map(json!({"host": "other.example", "password": PASSWORD}));
    t.connections().patch(&operator(), made.id, moved).await.unwrap();
    stop.wait().await;
    let report = testing.await.unwrap();
    assert!(
        report.error.as_ref().unwrap().message.contains("was changed"),
        "{report:?}"
    );
    assert!(t.connections().known_hosts(made.id).await.unwrap().is_empty());
    let shown = t.connections().get(made.id).await.unwrap();
    assert_eq!((shown.health.as_str(), shown.health_detail), ("unknown", None));
}

#[tokio::test]
async fn a_session_that_came_up_before_does_not_hide_a_changed_key() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    assert!(t.connections().test(&operator(), made.id).await.unwrap().success);
    for password in [PASSWORD, "wrong"] {
        let stop = t.server.stop_before_login();
        let browsing = {
            let (engine, id) = (t.engine.clone(), made.id);
            tokio::spawn(async move { engine.connections().browse(&operator(), id, None).await })
        };
        stop.wait().await;
        // Another session meets the new key while this one still logs in, well or not.
        t.server.change_host_key(2);
        assert!(!t.connections().test(&operator(), made.id).await.unwrap().success);
        stop.wait().await;
        assert_eq!(browsing.await.unwrap().is_ok(), password == PASSWORD);
        let shown = t.connections().get(made.id).await.unwrap();
        assert!(shown.health_detail.unwrap().starts_with("Host key changed"));

        t.connections()
            .approve_host_key(&admin(), made.id, &fingerprint(1), false)
            .await
            .unwrap();
        t.server.change_host_key(1);
        let next = map(json!({"password": "wrong"}));
        t.connections().patch(&operator(), made.id, next).await.unwrap();
    }
}

#[tokio::test]
async fn a_move_there_and_back_approves_no_host_key() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    assert!(t.connections().test(&operator(), made.id).await.unwrap().success);
    // A pinned connection that is well may move: its secrets and pins don't come along.
    let patch = async |actor, change: Value| t.connections().patch(&actor, made.id, map(change)).await;
    let moved = patch(operator(), json!({"port": 2, "password": PASSWORD}))
        .await
        .unwrap();
    assert_eq!(moved.stored_host_fingerprint, None);
    assert!(t.connections().test(&operator(), made.id).await.unwrap().success);

    t.server.change_host_key(2);
    assert!(!t.connections().test(&operator(), made.id).await.unwrap().success);
    for change in [
        json!({"port": 1}),
        json!({"host": "other.example"}),
        json!({"protocol": "sftp"}),
        json!({"protocol": "local", "host": null, "username": null, "password": null, "auth_method": "none", "base_path": t.files()}),
    ] {
        let error = patch(operator(), change.clone()).await.unwrap_err();
        assert!(
            matches!(&error, Error::Forbidden(why) if why.contains("waits for a decision") && why.contains("admin")),
            "{change}: {error}"
        );
    }
    t.settings()
        .set(&admin(), "security.insecure_trust_require_admin", json!(false))
        .await
        .unwrap();
    let careless = patch(operator(), json!({"host_key_policy": "always_trust"})).await;
    assert!(matches!(careless.unwrap_err(), Error::Forbidden(_)));
    // Whatever else changes leaves the wait as it is.
    for change in [
        json!({"notes": "n"}),
        json!({"password": PASSWORD, "username": "else"}),
        json!({"host_key_policy": "manual"}),
    ] {
        let shown = patch(operator(), change).await.unwrap();
        assert_eq!(shown.health.as_str(), "requires_attention");
        assert_eq!(shown.stored_host_fingerprint, Some(fingerprint(1)));
    }
    let moved = patch(admin(), json!({"port": 1})).await.unwrap();
    assert_eq!(
        (moved.health.as_str(), moved.stored_host_fingerprint),
        ("unknown", None)
    );
}

#[tokio::test]
async fn who_may_not_approve_does_not_leave_manual() {
    let t = Fixture::new().await;
    let made = t.connection(json!({"host_key_policy": "manual"})).await;
    let patch = async |actor, change: Value| t.connections().patch(&actor, made.id, map(change)).await;
    let first_use = || json!({"host_key_policy": "trust_on_first_use"});
    for change in [
        first_use(),
        json!({"host_key_policy": "trust_on_first_use", "port": 1}),
        json!({"host_key_policy": null}),
        json!({"protocol": "sftp"}),
    ] {
        let error = patch(operator(), change.clone()).await.unwrap_err();
        assert!(
            matches!(&error, Error::Forbidden(why) if why.contains("manual")),
            "{change}: {error}"
        );
    }
    let mut whole = connection_input();
    whole.insert("name".into(), json!("other"));
    let replaced = t.connections().replace(&operator(), made.id, whole).await;
    assert!(matches!(replaced.unwrap_err(), Error::Forbidden(_)));
    // It may move as it is: it then connects nowhere until somebody has approved.
    assert!(patch(operator(), json!({"port": 1})).await.is_ok());

    t.settings()
        .set(&admin(), "security.host_key_approval_require_admin", json!(false))
        .await
        .unwrap();
    assert!(patch(operator(), first_use()).await.is_ok());
}

#[tokio::test]
async fn the_exemption_from_fips_mode_is_for_one_server() {
    let t = Fixture::new().await;
    let mut input = connection_input();
    input.insert("fips_override".into(), json!(true));
    let made = t.connections().create(&admin(), input).await.unwrap();
    let patch = async |actor, change: Value| t.connections().patch(&actor, made.id, map(change)).await;
    assert!(patch(operator(), json!({"notes": "n"})).await.is_ok());
    let moved = patch(operator(), json!({"host": "other.example"})).await;
    assert!(matches!(moved.unwrap_err(), Error::FipsOverrideNeedsAdmin));
    assert!(patch(admin(), json!({"port": 1})).await.is_ok());
    let without = json!({"host": "other.example", "fips_override": false});
    assert!(patch(operator(), without).await.is_ok());
}
