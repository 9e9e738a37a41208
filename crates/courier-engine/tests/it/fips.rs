//! FIPS mode: what it refuses to save, what it tells connections, and what an exemption leaves behind.

use std::process::Command;

use courier_engine::{
    Error,
    connections::{AddKey, Connection},
    executions::ExecutionState,
    keys::Key,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fixture::{Fixture, admin, connection_input, map, operator};

async fn switch(t: &Fixture, on: bool) {
    t.settings()
        .set(&admin(), "security.fips_mode_enabled", json!(on))
        .await
        .unwrap();
}

async fn key(t: &Fixture, key_type: &str) -> Key {
    t.keys()
        .generate(&operator(), &Uuid::now_v7().to_string(), key_type, None)
        .await
        .unwrap()
}

/// The fields that FIPS mode refuses.
fn refused(result: Result<Connection, Error>) -> Vec<String> {
    let error = result.unwrap_err();
    assert!(error.to_string().contains("fips_override"), "{error}");
    match error {
        Error::NotFips { fields } => fields.into_iter().map(|problem| problem.field).collect(),
        other => panic!("{other:?}"),
    }
}

fn sftp(keys: &[Uuid]) -> Value {
    json!({"protocol": "sftp", "auth_method": "ssh_key", "ssh_key_ids": keys, "password": null})
}

fn with(more: Value) -> serde_json::Map<String, Value> {
    let mut input = connection_input();
    input.extend(map(more));
    input
}

#[tokio::test]
async fn what_it_would_not_use_is_not_saved() {
    let t = Fixture::new().await;
    let modern = key(&t, "ed25519").await;
    let approved = key(&t, "ecdsa_256").await;
    let before = t.connection(json!({})).await;
    let keyed = t.connection(sftp(&[approved.id])).await;
    switch(&t, true).await;

    let connections = t.connections();
    let weak = json!({"mode": "weak"});
    assert_eq!(
        refused(connections.create(&admin(), with(weak.clone())).await),
        ["mode"]
    );
    assert_eq!(
        refused(connections.patch(&operator(), before.id, map(weak.clone())).await),
        ["mode"]
    );
    assert_eq!(
        refused(
            connections
                .replace(&operator(), before.id, with(weak.clone()))
                .await
        ),
        ["mode"]
    );
    let unsaved = connections
        .test_unsaved(&operator(), with(weak.clone()))
        .await
        .unwrap_err();
    assert!(matches!(unsaved, Error::NotFips { .. }), "{unsaved:?}");

    let keys = [approved.id, modern.id];
    assert_eq!(
        refused(connections.create(&operator(), with(sftp(&keys))).await),
        ["ssh_key_ids"]
    );
    let both = map(json!({ "ssh_key_ids": keys }));
    assert_eq!(
        refused(connections.patch(&operator(), keyed.id, both).await),
        ["ssh_key_ids"]
    );
    let added = connections
        .add_key(&operator(), keyed.id, AddKey::Existing(modern.id))
        .await;
    assert!(matches!(added, Err(Error::NotFips { .. })), "{added:?}");
    let made = connections
        .add_key(&operator(), keyed.id, AddKey::Generate("ed25519".into()))
        .await;
    assert!(matches!(made, Err(Error::FipsKeyType { .. })), "{made:?}");

    let certificate = json!({"protocol": "ftps", "client_certificate": "-----BEGIN CERTIFICATE-----Ed25519"});
    assert_eq!(
        refused(connections.create(&admin(), with(certificate)).await),
        ["client_certificate"]
    );

    // Exempt, an admin may have all of that.
    let exempt = with(json!({"mode": "weak", "fips_override": true}));
    let denied = connections.create(&operator(), exempt.clone()).await.unwrap_err();
    assert!(matches!(denied, Error::FipsOverrideNeedsAdmin), "{denied:?}");
    connections.create(&admin(), exempt).await.unwrap();
    connections
        .patch(
            &admin(),
            keyed.id,
            map(json!({"fips_override": true, "ssh_key_ids": keys})),
        )
        .await
        .unwrap();
    t.keys().retire(&operator(), modern.id).await.unwrap();
    let back = t.keys().activate(&operator(), modern.id).await;
    assert!(matches!(back, Err(Error::FipsKeyType { .. })), "{back:?}");
}

#[tokio::test]
async fn the_mode_counts_from_the_next_session_on_and_an_exemption_is_recorded_each_time() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    let exempt = t
        .connections()
        .create(&admin(), with(json!({"fips_override": true})))
        .await
        .unwrap();
    for id in [made.id, exempt.id] {
        t.connections().test(&operator(), id).await.unwrap();
    }
    assert_eq!(t.server.fips(), [false, false]);
    assert!(
        t.audit_of("fips_override_used").await.is_empty(),
        "the mode is off"
    );

    switch(&t, true).await;
    for id in [made.id, exempt.id] {
        t.connections().test(&operator(), id).await.unwrap();
        t.connections().browse(&operator(), id, None).await.unwrap();
    }
    assert_eq!(t.server.fips()[2..], [true, true, false, false]);
    let used = t.audit_of("fips_override_used").await;
    assert_eq!(used.len(), 2, "one for each session");
    assert!(used.iter().all(|record| record.connection_id == Some(exempt.id)));
    assert_eq!(used[0].details["host"], "partner.example");
    assert_eq!(used[0].performed_by, "otto");

    // In jobs as well.
    let steps =
        json!([{"step_type": "remote.mkdir", "config": {"connection_id": exempt.id, "remote_path": "a"}}]);
    assert_eq!(t.run_steps(steps).await.state, ExecutionState::Completed);
    let used = t.audit_of("fips_override_used").await;
    assert_eq!(used.len(), 3);
    assert!(used[0].job_execution_id.is_some());

    switch(&t, false).await;
    t.connections().test(&operator(), made.id).await.unwrap();
    assert_eq!(t.server.fips().last(), Some(&false));
}

#[tokio::test]
async fn connections_that_were_there_before_say_what_is_not_used() {
    let t = Fixture::new().await;
    let modern = key(&t, "ed25519").await;
    let weak = t.connection(json!({"mode": "weak"})).await;
    let keyed = t.connection(sftp(&[modern.id])).await;
    let open = t
        .connections()
        .create(&admin(), with(json!({"host_key_policy": "always_trust"})))
        .await
        .unwrap();
    t.connections().test(&operator(), keyed.id).await.unwrap();
    let fips = |connection: &Connection| -> Vec<String> {
        let warnings = connection.warnings.iter();
        warnings
            .filter(|warning| warning.contains("FIPS"))
            .cloned()
            .collect()
    };
    for id in [weak.id, keyed.id, open.id] {
        assert_eq!(fips(&t.connections().get(id).await.unwrap()), [] as [&str; 0]);
    }

    switch(&t, true).await;
    let listed = t
        .connections()
        .list(Default::default(), courier_engine::PageRequest::first(100))
        .await
        .unwrap();
    let of = |id: Uuid| fips(listed.items.iter().find(|c| c.id == id).unwrap());
    assert_eq!(
        of(weak.id),
        ["FIPS mode: mode: weak is not allowed in FIPS mode."]
    );
    assert!(of(open.id)[0].contains("connects nowhere"), "{:?}", of(open.id));
    let words = of(keyed.id);
    assert_eq!(words.len(), 2, "{words:?}");
    assert!(words[0].contains("of the type ed25519"), "{words:?}");
    assert!(
        words[1].contains("the pinned host key is of the type ssh-ed25519"),
        "{words:?}"
    );
    assert_eq!(fips(&t.connections().get(keyed.id).await.unwrap()), words);
    let report = t.connections().test(&operator(), keyed.id).await.unwrap();
    assert!(
        words.iter().all(|word| report.warnings.contains(word)),
        "{report:?}"
    );

    // It can be disabled as it is, and not be taken into use again.
    let status = |status: &str| map(json!({ "status": status }));
    t.connections()
        .patch(&operator(), weak.id, status("disabled"))
        .await
        .unwrap();
    assert_eq!(
        refused(
            t.connections()
                .patch(&operator(), weak.id, status("active"))
                .await
        ),
        ["mode"]
    );

    let exempted = t
        .connections()
        .patch(&admin(), keyed.id, map(json!({"fips_override": true})))
        .await
        .unwrap();
    assert_eq!(fips(&exempted).len(), 1);
    switch(&t, false).await;
    let exempted = t.connections().get(keyed.id).await.unwrap();
    assert!(
        fips(&exempted)[0].contains("should that be switched on"),
        "{exempted:?}"
    );
}

#[tokio::test]
async fn another_type_of_host_key_is_no_change_of_it() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    t.connections().test(&operator(), made.id).await.unwrap();
    switch(&t, true).await;

    // What the server shows when Ed25519 isn't offered to it.
    t.server.change_key_type("ecdsa-sha2-nistp256");
    t.server.change_host_key(2);
    let report = t.connections().test(&operator(), made.id).await.unwrap();
    let error = report.error.unwrap();
    assert_eq!(error.kind, "host_key_not_approved");
    assert!(
        error.message.contains(
            "not approved yet, and FIPS mode does not allow the type of the pinned one (ssh-ed25519)"
        ),
        "{}",
        error.message
    );
    assert_eq!(
        t.connections().get(made.id).await.unwrap().health.as_str(),
        "failing"
    );

    let presented = report.host_key_fingerprint.unwrap();
    t.connections()
        .approve_host_key(&admin(), made.id, &presented, false)
        .await
        .unwrap();
    assert!(t.connections().test(&operator(), made.id).await.unwrap().success);
    let hosts = t.connections().known_hosts(made.id).await.unwrap();
    assert_eq!(
        hosts.iter().filter(|host| host.pinned).count(),
        2,
        "the old one stays for later"
    );

    // Now there is one that counts, so that a third is a change.
    t.server.change_host_key(3);
    let report = t.connections().test(&operator(), made.id).await.unwrap();
    assert_eq!(report.error.unwrap().kind, "host_key");
}

#[tokio::test]
async fn short_keys_are_called_weak() {
    let t = Fixture::new().await;
    let file = t.dir.path().join("short");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "rsa", "-b", "1024", "-N", "", "-f"])
        .arg(&file)
        .status()
        .unwrap();
    assert!(made.success());
    let short = std::fs::read_to_string(&file).unwrap();
    let imported = t
        .keys()
        .import(&operator(), "short", &short.into(), None, None)
        .await
        .unwrap();
    let made = t.connection(sftp(&[imported.id])).await;
    let words = "The SSH key \"short\" is an RSA key of 1024 bits, which is weak; replace it.";
    assert!(
        made.warnings.iter().any(|warning| warning == words),
        "{:?}",
        made.warnings
    );
}
