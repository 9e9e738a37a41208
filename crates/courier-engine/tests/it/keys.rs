//! The SSH key store, and the keys of connections.

use courier_engine::{Error, PageRequest, connections::AddKey, keys::KeyStatus};
use courier_keys::{KeyType, PrivateKey};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::fixture::{Fixture, admin, connection_input, fields, map, operator};

#[tokio::test]
async fn a_key_is_made_shown_and_taken_out_of_use() {
    let t = Fixture::new().await;
    let key = t
        .keys()
        .generate(&operator(), "Partner X", "ed25519", Some("n".into()))
        .await
        .unwrap();
    assert_eq!(
        (key.key_type.as_str(), key.status, key.created_by.as_str()),
        ("ed25519", KeyStatus::Active, "otto")
    );
    let line = t.keys().public_key(key.id).await.unwrap();
    assert!(
        line.starts_with("ssh-ed25519 AAAA") && line.ends_with(" Partner X"),
        "{line}"
    );
    t.keys()
        .update(&operator(), key.id, Some("Partner Y"), Some(None))
        .await
        .unwrap();
    assert!(t.keys().public_key(key.id).await.unwrap().ends_with(" Partner Y"));
    assert_eq!(
        t.keys().retire(&operator(), key.id).await.unwrap().status,
        KeyStatus::Retired
    );
    assert_eq!(
        t.keys()
            .list(Some(KeyStatus::Active), PageRequest::first(9))
            .await
            .unwrap()
            .items
            .len(),
        0
    );
    t.keys().activate(&operator(), key.id).await.unwrap();
    t.keys().delete(&operator(), key.id).await.unwrap();
    assert!(matches!(
        t.keys().get(key.id).await.unwrap_err(),
        Error::NotFound { .. }
    ));
    for operation in [
        "key_generated",
        "key_changed",
        "key_retired",
        "key_activated",
        "key_deleted",
    ] {
        assert_eq!(t.audit_of(operation).await.len(), 1, "{operation}");
    }
}

#[tokio::test]
async fn what_cannot_be_imported_says_why() {
    let t = Fixture::new().await;
    let key = PrivateKey::generate(KeyType::Ed25519).unwrap();
    let text = key.to_openssh().unwrap();
    let import = async |name: &str, text: &str| {
        t.keys()
            .import(&operator(), name, &SecretString::from(text), None, None)
            .await
    };
    let kept = import("k", text.expose_secret()).await.unwrap();
    assert_eq!(kept.fingerprint, key.fingerprint());
    assert!(
        matches!(import("other", text.expose_secret()).await.unwrap_err(), Error::KeyExists { name } if name == "k")
    );
    assert!(matches!(
        import("junk", "hello").await.unwrap_err(),
        Error::KeyImport(_)
    ));
    assert_eq!(
        fields(&import("", text.expose_secret()).await.unwrap_err()),
        ["name"]
    );
    let again = t
        .keys()
        .generate(&operator(), "k", "ed25519", None)
        .await
        .unwrap_err();
    assert!(matches!(again, Error::Duplicate { what: "SSH key", .. }));
    assert_eq!(
        fields(
            &t.keys()
                .generate(&operator(), "x", "rsa_1", None)
                .await
                .unwrap_err()
        ),
        ["key_type"]
    );
    t.settings()
        .set(&admin(), "security.fips_mode_enabled", json!(true))
        .await
        .unwrap();
    assert!(matches!(
        t.keys()
            .generate(&operator(), "f", "ed25519", None)
            .await
            .unwrap_err(),
        Error::FipsKeyType { .. }
    ));
    assert!(
        t.keys()
            .generate(&operator(), "f", "ecdsa_256", None)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn keys_of_a_connection_are_replaced_without_a_gap() {
    let t = Fixture::new().await;
    let made = t
        .connection(json!({"auth_method": "ssh_key", "password": null}))
        .await;
    let connections = t.connections();
    let old = connections
        .add_key(&operator(), made.id, AddKey::Generate("ed25519".into()))
        .await
        .unwrap();
    assert!(connections.test(&operator(), made.id).await.unwrap().success);
    let used = connections.keys(made.id).await.unwrap();
    assert!(
        used[0].last_used_at.is_some(),
        "the key that the server took is noted"
    );

    let key = t
        .keys()
        .generate(&operator(), "new", "ecdsa_256", None)
        .await
        .unwrap();
    connections
        .add_key(&operator(), made.id, AddKey::Existing(key.id))
        .await
        .unwrap();
    let shown = connections.get(made.id).await.unwrap();
    assert_eq!(shown.ssh_key_ids, [key.id, old.key.id], "newest first");
    assert!(matches!(
        t.keys().delete(&operator(), key.id).await.unwrap_err(),
        Error::KeyInUse { .. }
    ));
    connections.test(&operator(), made.id).await.unwrap();
    let used = connections.keys(made.id).await.unwrap();
    assert!(
        used[0].key.id == key.id && used[0].last_used_at.is_some(),
        "tried first"
    );

    connections
        .revoke_key(&operator(), made.id, old.key.id, false)
        .await
        .unwrap();
    let error = connections
        .revoke_key(&operator(), made.id, key.id, false)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Conflict(_)), "a warning for the last one");
    connections
        .revoke_key(&operator(), made.id, key.id, true)
        .await
        .unwrap();
    assert!(!connections.get(made.id).await.unwrap().has_ssh_key);
    assert_eq!(t.audit_of("key_revoked").await.len(), 2);
}

/// The last one that works is not always the last one.
#[tokio::test]
async fn the_only_key_that_the_server_took_is_not_taken_away_by_mistake() {
    let t = Fixture::new().await;
    let made = t
        .connection(json!({"auth_method": "ssh_key", "password": null}))
        .await;
    let connections = t.connections();
    let add = async |key_type: &str| {
        let key = AddKey::Generate(key_type.into());
        let added = connections.add_key(&operator(), made.id, key).await.unwrap();
        added.key.id
    };
    let revoke = async |key, force| connections.revoke_key(&operator(), made.id, key, force).await;
    let old = add("ed25519").await;
    assert!(connections.test(&operator(), made.id).await.unwrap().success);
    let untried = add("ecdsa_256").await;
    let warned = revoke(old, false).await.unwrap_err();
    assert!(
        matches!(&warned, Error::Conflict(why) if why.contains("only key that the server has accepted")),
        "{warned:?}"
    );
    revoke(untried, false).await.unwrap();

    // Once the new one has logged in, the old one may go.
    let new = add("ecdsa_384").await;
    assert!(connections.test(&operator(), made.id).await.unwrap().success);
    let on = json!(true);
    t.settings()
        .set(&admin(), "security.fips_mode_enabled", on)
        .await
        .unwrap();
    let warned = revoke(new, false).await.unwrap_err();
    assert!(
        matches!(&warned, Error::Conflict(why) if why.contains("last key")),
        "the other one is Ed25519: {warned:?}"
    );
    revoke(old, false).await.unwrap();
    let records = t.audit_of("key_revoked").await;
    assert_eq!(records[0].details["left"].as_array().unwrap().len(), 1);

    // A deleted key keeps its name where it was used.
    t.keys().delete(&operator(), old).await.unwrap();
    let used = connections.keys(made.id).await.unwrap();
    let gone = used.iter().find(|used| used.key.id == old).unwrap();
    assert_eq!(gone.key.status, KeyStatus::Deleted);
    assert!(gone.key.public_key.starts_with("ssh-ed25519 "));
    let deleted = t
        .keys()
        .list(Some(KeyStatus::Deleted), PageRequest::first(9))
        .await
        .unwrap();
    assert_eq!(deleted.items[0].name, gone.key.name);
    assert!(matches!(
        t.keys().get(old).await.unwrap_err(),
        Error::NotFound { .. }
    ));
}

#[tokio::test]
async fn a_retired_key_is_not_given_to_connections() {
    let t = Fixture::new().await;
    let key = t
        .keys()
        .generate(&operator(), "k", "ed25519", None)
        .await
        .unwrap();
    t.keys().retire(&operator(), key.id).await.unwrap();
    let mut input = connection_input();
    input.extend(map(json!({"auth_method": "ssh_key", "ssh_key_ids": [key.id]})));
    let error = t.connections().create(&operator(), input).await.unwrap_err();
    assert!(matches!(error, Error::KeyNotActive { .. }), "{error:?}");
    let made = t.connection(json!({})).await;
    let error = t
        .connections()
        .add_key(&operator(), made.id, AddKey::Existing(key.id))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::KeyNotActive { .. }), "{error:?}");
}

#[tokio::test]
async fn without_an_active_key_or_a_password_no_login_is_tried() {
    let t = Fixture::new().await;
    let key = t
        .keys()
        .generate(&operator(), "k", "ed25519", None)
        .await
        .unwrap();
    let with_key = t
        .connection(json!({"name": "key", "auth_method": "ssh_key", "ssh_key_ids": [key.id]}))
        .await;
    t.keys().retire(&operator(), key.id).await.unwrap();
    let with_password = t.connection(json!({"name": "password", "password": null})).await;
    for (id, lacks) in [(with_key.id, "active SSH key"), (with_password.id, "password")] {
        let report = t.connections().test(&operator(), id).await.unwrap();
        let error = report.error.unwrap();
        assert_eq!(error.kind, "auth");
        assert!(error.message.contains(lacks), "{}", error.message);
    }
    assert_eq!(t.server.logins(), 0);
}

#[tokio::test]
async fn nothing_secret_lies_in_the_data_folder() {
    let t = Fixture::new().await;
    let key = PrivateKey::generate(KeyType::Ed25519)
        .unwrap()
        .to_openssh()
        .unwrap();
    t.keys().import(&operator(), "k", &key, None, None).await.unwrap();
    t.connection(json!({"password": "a very secret password"})).await;
    let middle: String = key.expose_secret().lines().nth(2).unwrap().into();
    for entry in std::fs::read_dir(t.dir.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            for secret in ["a very secret password", &middle, "BEGIN OPENSSH PRIVATE KEY"] {
                assert!(
                    !bytes.windows(secret.len()).any(|w| w == secret.as_bytes()),
                    "{secret} in {}",
                    path.display()
                );
            }
        }
    }
}
