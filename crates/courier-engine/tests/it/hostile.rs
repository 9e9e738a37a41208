//! An operator with bad intent: whatever he does, no secret goes to another server than the one it was entered for, no
//! pin changes by the way, and no local path leads out.

use courier_engine::{Error, connections::Connection};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    database::database,
    fake::{CLIENT_CERTIFICATE, PASSWORD, Server, fingerprint, thumbprint},
    fixture::{Fixture, admin, connection_input, fields, map, operator, viewer},
};

const HOME: &str = "partner.example";

/// Where a password has been sent that is not the partner's server.
fn sent_elsewhere(server: &Server) -> Vec<String> {
    let sent = server.passwords().into_iter();
    sent.filter(|(host, password)| !host.eq_ignore_ascii_case(HOME) && password == PASSWORD)
        .map(|(host, _)| host)
        .collect()
}

impl Fixture {
    fn servers(&self) -> [&Server; 3] {
        [&self.server, &self.sftp, &self.ftps]
    }

    fn check_nothing_was_sent_elsewhere(&self, after: &Value) {
        for server in self.servers() {
            assert_eq!(sent_elsewhere(server), Vec::<String>::new(), "{after}");
        }
    }

    /// Uses it in every way that sends credentials.
    async fn use_it(&self, id: Uuid) {
        for actor in [operator(), viewer()] {
            let _ = self.connections().test(&actor, id).await;
            let _ = self.connections().browse(&actor, id, None).await;
        }
    }

    /// An admin's connection with secrets, which has been used.
    async fn victim(&self, protocol: &str) -> Connection {
        let mut more = json!({"protocol": protocol, "host": HOME});
        if protocol == "ftps" {
            more["client_certificate"] = json!(CLIENT_CERTIFICATE);
        }
        let made = self.connection(more).await;
        assert!(self.connections().test(&admin(), made.id).await.unwrap().success);
        self.connections().get(made.id).await.unwrap()
    }

    async fn endpoint(&self, id: Uuid) -> (Value, Value, Value) {
        let fields = self.connections().get(id).await.unwrap().fields;
        let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
        let host = json!(field("host").as_str().unwrap_or_default().to_lowercase());
        (host, field("port"), field("protocol"))
    }
}

/// Every way to name another server, and some that name the same one.
fn moves() -> Vec<Value> {
    let hosts = [
        "evil.example",
        "partner.example.evil.example",
        "PARTNER.EXAMPLE",
        "partner.example.",
        "partner.example..",
        "partner.examp\u{0}le",
        "partner.example\n",
        "partner.example:22@evil.example",
        "evil.example/partner.example",
        "partner\u{3002}example",
        "p\u{430}rtner.example",
        "\u{17f}partner.example",
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "::1",
        "[::1]",
        "::ffff:127.0.0.1",
        "xn--prtner-4ta.example",
    ];
    let mut all: Vec<Value> = hosts.iter().map(|host| json!({"host": host})).collect();
    all.extend([
        json!({"port": 4001}),
        json!({"port": 22}),
        json!({"protocol": "memory"}),
        json!({"protocol": "sftp"}),
        json!({"protocol": "ftps"}),
        json!({"ftps_mode": "explicit"}),
        json!({"ftps_mode": "explicit", "port": null}),
        json!({"ftps_mode": "implicit", "port": 21}),
        json!({"host": "evil.example", "has_password": true}),
        json!({"host": "evil.example", "has_client_certificate": true, "health": "healthy"}),
        json!({"host": "evil.example", "stored_host_fingerprint": fingerprint(1)}),
        json!({"host": "evil.example", "stored_host_fingerprint": null}),
        json!({"host": "evil.example", "tls_pinned_thumbprint": thumbprint(1), "tls_cert_policy": "pinned_thumbprint"}),
        json!({"host": "evil.example", "status": "disabled"}),
        json!({"host": "evil.example", "username": "evil", "base_path": "/evil"}),
        json!({"host": "evil.example", "password": ""}),
        json!({"host": "evil.example", "password": null}),
        json!({"id": Uuid::now_v7(), "host": "evil.example"}),
        json!({"username": "evil", "base_path": "/evil", "auth_method": "password"}),
    ]);
    all
}

#[tokio::test]
async fn no_change_takes_a_password_along_to_another_server() {
    move_away("memory").await;
}

#[tokio::test]
async fn no_change_takes_a_certificate_along_to_another_server() {
    move_away("ftps").await;
}

async fn move_away(protocol: &str) {
    let t = Fixture::new().await;
    for change in moves() {
        for whole in [false, true] {
            let victim = t.victim(protocol).await;
            let before = t.endpoint(victim.id).await;
            let result = if whole {
                let mut input = map(serde_json::to_value(&victim).unwrap());
                input.extend(map(change.clone()));
                t.connections().replace(&operator(), victim.id, input).await
            } else {
                t.connections()
                    .patch(&operator(), victim.id, map(change.clone()))
                    .await
            };
            let now = t.connections().get(victim.id).await.unwrap();
            if t.endpoint(victim.id).await == before {
                let asked = change.get("host").and_then(Value::as_str).unwrap_or(HOME);
                assert!(result.is_err() || asked.eq_ignore_ascii_case(HOME), "{change}");
            } else {
                assert!(!now.has_password && !now.has_client_certificate, "{change}");
                assert_eq!(now.stored_host_fingerprint, None, "{change}");
                assert!(
                    now.fields
                        .get("tls_pinned_thumbprint")
                        .is_none_or(|pin| pin.is_null() || change.get("tls_pinned_thumbprint").is_some())
                );
            }
            t.use_it(victim.id).await;
            t.check_nothing_was_sent_elsewhere(&change);
            // There and back again brings nothing back.
            if !now.has_password {
                let back = json!({"host": HOME, "port": before.1, "protocol": before.2});
                if let Ok(back) = t.connections().patch(&operator(), victim.id, map(back)).await {
                    assert!(
                        !back.has_password && back.stored_host_fingerprint.is_none(),
                        "{change}"
                    );
                }
            }
            let _ = t.connections().delete(&admin(), victim.id).await;
        }
    }
}

#[tokio::test]
async fn no_secret_is_caught_while_a_connection_moves() {
    let t = Fixture::new().await;
    let victim = t.victim("memory").await;
    let hostile = {
        let (engine, id) = (t.engine.clone(), victim.id);
        tokio::spawn(async move {
            for _ in 0..40 {
                let away = map(json!({"host": "evil.example"}));
                let _ = engine.connections().patch(&operator(), id, away).await;
                let (test, browse) = (engine.clone(), engine.clone());
                let _ = tokio::join!(
                    async move { test.connections().test(&operator(), id).await },
                    async move { browse.connections().browse(&operator(), id, None).await },
                );
            }
        })
    };
    while !hostile.is_finished() {
        let home = map(json!({"host": HOME, "password": PASSWORD}));
        t.connections().patch(&admin(), victim.id, home).await.unwrap();
        let _ = t.connections().test(&admin(), victim.id).await;
    }
    hostile.await.unwrap();
    t.check_nothing_was_sent_elsewhere(&json!("a race"));
    let sent = t.server.passwords();
    assert!(sent.iter().any(|(host, _)| host == HOME), "{sent:?}");
}

#[tokio::test]
async fn a_test_before_saving_has_only_what_it_brings() {
    let t = Fixture::new().await;
    let victim = t.victim("memory").await;
    let mut input = map(serde_json::to_value(&victim).unwrap());
    for (host, name) in [("evil.example", "id"), (HOME, "connection_id"), (HOME, "copy_of")] {
        input.insert("host".into(), json!(host));
        input.insert(name.into(), json!(victim.id));
        input.insert("stored_host_fingerprint".into(), json!(null));
        match t.connections().test_unsaved(&operator(), input.clone()).await {
            Ok(report) => assert!(!report.success),
            Err(error) => assert!(matches!(error, Error::ProtocolConfig { .. }), "{error:?}"),
        }
        input.remove(name);
    }
    let sent = t.server.passwords();
    assert_eq!(sent.len(), 1, "only the victim's own test: {sent:?}");
}

#[tokio::test]
async fn pins_change_by_nothing_but_a_decision() {
    let t = Fixture::new().await;
    let patch = async |actor, id, change: Value| t.connections().patch(&actor, id, map(change)).await;

    // Trust on first use: nothing that is entered changes what was met.
    let first = t.victim("memory").await;
    for change in [
        json!({"stored_host_fingerprint": fingerprint(9)}),
        json!({"stored_host_fingerprint": null}),
        json!({"host_key_policy": "manual", "stored_host_fingerprint": fingerprint(9)}),
        json!({"host_key_policy": "always_trust"}),
        json!({"status": "disabled"}),
        json!({"status": "active", "username": "other", "password": PASSWORD}),
    ] {
        let _ = patch(operator(), first.id, change.clone()).await;
        let now = t.connections().get(first.id).await.unwrap();
        assert_eq!(now.stored_host_fingerprint, Some(fingerprint(1)), "{change}");
        assert_eq!(now.fields["host_key_policy"], "trust_on_first_use", "{change}");
    }

    // Manual: neither entered, nor taken away, nor let go by another policy.
    let more = json!({"host_key_policy": "manual", "stored_host_fingerprint": fingerprint(1)});
    let manual = t.connection(more).await;
    let shown = map(serde_json::to_value(&manual).unwrap());
    for change in [
        json!({"stored_host_fingerprint": fingerprint(9)}),
        json!({"stored_host_fingerprint": null}),
        json!({"host_key_policy": "trust_on_first_use"}),
        json!({"host_key_policy": null}),
        json!({"host_key_policy": "always_trust"}),
    ] {
        let error = patch(operator(), manual.id, change.clone()).await.unwrap_err();
        let forbidden = matches!(error, Error::Forbidden(_) | Error::InsecureHostKeyNeedsAdmin);
        assert!(forbidden, "{change}: {error:?}");
        let mut whole = shown.clone();
        whole.extend(map(change.clone()));
        assert!(
            t.connections()
                .replace(&operator(), manual.id, whole)
                .await
                .is_err(),
            "{change}"
        );
    }
    let mut without = shown.clone();
    for field in ["host_key_policy", "stored_host_fingerprint"] {
        without.remove(field);
    }
    let error = t
        .connections()
        .replace(&operator(), manual.id, without)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Forbidden(_)), "{error:?}");
    let moved = patch(
        operator(),
        manual.id,
        json!({"host": "evil.example", "stored_host_fingerprint": fingerprint(1)}),
    );
    assert!(
        matches!(moved.await.unwrap_err(), Error::Forbidden(_)),
        "the pin doesn't move along"
    );

    // Who may decide takes the pin away, and that is written down.
    let cleared = patch(admin(), manual.id, json!({"stored_host_fingerprint": null}))
        .await
        .unwrap();
    assert_eq!(cleared.stored_host_fingerprint, None);
    assert!(cleared.has_password, "the server is the same");
    let removed = &t.audit_of("host_key_removed").await[0];
    assert_eq!(
        removed.details,
        json!({"before": fingerprint(1), "after": null, "policy": "manual"})
    );
    let report = t.connections().test(&operator(), manual.id).await.unwrap();
    assert_eq!(report.error.unwrap().kind, "host_key_not_approved");

    // Made anew under the same name, it is another connection.
    let name = first.fields["name"].clone();
    t.connections().delete(&operator(), first.id).await.unwrap();
    let mut again = connection_input();
    again.insert("name".into(), name);
    again.remove("password");
    again.insert("auth_method".into(), json!("password"));
    let again = t.connections().create(&operator(), again).await.unwrap();
    assert!(again.id != first.id && !again.has_password && again.stored_host_fingerprint.is_none());
}

#[tokio::test]
async fn a_pin_that_is_sent_back_with_a_move_goes_with_the_others() {
    let t = Fixture::new().await;
    let made = t.victim("memory").await;
    let mut whole = map(serde_json::to_value(&made).unwrap());
    whole.insert("host".into(), json!("other.example"));
    let moved = t
        .connections()
        .replace(&operator(), made.id, whole)
        .await
        .unwrap();
    assert_eq!(moved.stored_host_fingerprint, None);
    assert!(!moved.has_password);
}

#[tokio::test]
async fn a_host_that_was_stored_with_a_dot_can_still_be_disabled() {
    let t = Fixture::new().await;
    let made = t.victim("memory").await;
    let dotted = "UPDATE connections SET host = 'partner.example.'";
    database(&t).await.execute_unprepared(dotted).await.unwrap();
    let patch = async |change: Value| t.connections().patch(&operator(), made.id, map(change)).await;
    assert!(patch(json!({"status": "disabled"})).await.unwrap().has_password);
    let error = patch(json!({"host": "partner.example.."})).await.unwrap_err();
    assert_eq!(fields(&error), ["host"]);
    let same = patch(json!({"host": HOME, "status": "active"})).await.unwrap();
    assert!(
        same.has_password && same.stored_host_fingerprint.is_some(),
        "it is the same server"
    );
}

#[tokio::test]
async fn what_was_changed_is_written_down_before_and_after() {
    let t = Fixture::new().await;
    let made = t.connection(json!({"mode": "plain", "notes": "old"})).await;
    let created = &t.audit_of("connection_created").await[0];
    assert_eq!(created.details["fields"]["mode"], "plain");
    assert_eq!(created.details["secrets_set"], json!(["password"]));
    let long = "x".repeat(5000);
    let change =
        json!({"mode": "weak", "connect_timeout_sec": 5, "notes": long, "username": "other", "port": 4000});
    t.connections()
        .patch(&operator(), made.id, map(change))
        .await
        .unwrap();
    let changed = &t.audit_of("connection_changed").await[0];
    let changes = &changed.details["changes"];
    assert_eq!(changes["mode"], json!({"before": "plain", "after": "weak"}));
    assert_eq!(
        changes["connect_timeout_sec"],
        json!({"before": null, "after": 5})
    );
    assert_eq!(
        changes["username"],
        json!({"before": "courier", "after": "other"})
    );
    assert_eq!(changes["notes"]["after"]["bytes"], 5000);
    assert!(
        changes["notes"]["after"]["checksum"]
            .as_str()
            .unwrap()
            .starts_with("sha256:")
    );
    assert!(!changed.details.to_string().contains(PASSWORD));
}
