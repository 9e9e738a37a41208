//! Who is let in, who is not, and what is said then.

use courier_keys::{KeyType, PrivateKey};
use courier_sftp::server::{SftpServer, User};
use courier_transfer::{AuthMethod, ErrorKind};
use serde_json::json;

use crate::{
    client::Try,
    own_server::{try_it, user},
    sshd::Sshd,
};

fn ed25519() -> PrivateKey {
    PrivateKey::generate(KeyType::Ed25519).unwrap()
}

fn serving(user: User) -> (courier_sftp::server::RunningServer, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (
        SftpServer::builder()
            .user(user)
            .root(folder.path())
            .start()
            .unwrap(),
        folder,
    )
}

async fn accepted(attempt: Try) -> AuthMethod {
    let heard = attempt.heard.clone();
    attempt.connect().await.unwrap();
    heard.method.lock().clone().unwrap()
}

async fn refused(attempt: Try) -> String {
    let error = attempt.connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth, "{error:?}");
    error.to_string()
}

#[tokio::test]
async fn every_type_of_key_works_on_openssh() {
    for key_type in [
        KeyType::Ed25519,
        KeyType::Ecdsa256,
        KeyType::Ecdsa384,
        KeyType::Ecdsa521,
        KeyType::RSA_2048,
    ] {
        let server = Sshd::start();
        let key = PrivateKey::generate(key_type).unwrap();
        let line = key.public().authorized_keys_line("").unwrap();
        std::fs::write(server.dir.path().join("authorized_keys"), line).unwrap();
        let mut attempt = Try::sshd(&server);
        attempt.target.credentials.keys.clear();
        let method = accepted(attempt.key("k", &key)).await;
        assert_eq!(method, AuthMethod::Key { id: "k".into() }, "{key_type}");
    }
}

#[tokio::test]
async fn keys_are_tried_in_their_order() {
    let server = Sshd::start();
    let mut attempt = Try::sshd(&server);
    attempt.target.credentials.keys.clear();
    let attempt = attempt
        .key("unknown", &ed25519())
        .key("first", &server.user_key)
        .key("second", &server.user_key);
    assert_eq!(accepted(attempt).await, AuthMethod::Key { id: "first".into() });
}

#[tokio::test]
async fn a_password_works_and_a_wrong_one_is_sent_once() {
    let (server, _folder) = serving(user());
    assert_eq!(accepted(try_it(&server)).await, AuthMethod::Password);
    let text = refused(try_it(&server).password("wrong")).await;
    assert!(
        text.contains("Authentication failed: server rejected password; the server takes: password"),
        "{text}"
    );
    assert!(!text.contains("wrong"), "{text}");
    refused(try_it(&server).user("nobody")).await;
}

#[tokio::test]
async fn keyboard_interactive_is_answered_with_the_password() {
    let (server, _folder) = serving(user().asks_interactively());
    assert_eq!(accepted(try_it(&server)).await, AuthMethod::Password);
    let text = refused(try_it(&server).password("wrong")).await;
    assert!(
        text.contains("server rejected password; the server takes: keyboard-interactive"),
        "{text}"
    );
}

#[tokio::test]
async fn key_and_password_where_both_are_wanted() {
    let key = ed25519();
    for interactive in [false, true] {
        let user = user().key(key.public().clone()).needs_both();
        let (server, _folder) = serving(if interactive {
            user.asks_interactively()
        } else {
            user
        });
        let both = accepted(try_it(&server).key("k", &key)).await;
        assert_eq!(both, AuthMethod::KeyAndPassword { id: "k".into() });
        let mut only_key = try_it(&server).key("k", &key);
        only_key.target.credentials.password = None;
        let text = refused(only_key).await;
        assert!(
            text.contains("the key alone was accepted, but is not enough"),
            "{text}"
        );
        refused(try_it(&server)).await;
        refused(try_it(&server).key("k", &key).password("wrong")).await;
    }
}

#[tokio::test]
async fn a_refused_key_is_named_and_the_password_comes_after_it() {
    let (server, _folder) = serving(user().key(ed25519().public().clone()));
    let other = ed25519();
    assert_eq!(
        accepted(try_it(&server).key("k", &other)).await,
        AuthMethod::Password
    );
    let mut only_key = try_it(&server).key("k", &other);
    only_key.target.credentials.password = None;
    let text = refused(only_key).await;
    assert!(
        text.contains(&other.fingerprint()) && text.contains("publickey, password"),
        "{text}"
    );
}

#[tokio::test]
async fn a_server_that_hangs_up_on_too_many_keys_is_understood() {
    let server = Sshd::with("MaxAuthTries 3");
    let mut attempt = Try::sshd(&server);
    let right = std::mem::take(&mut attempt.target.credentials.keys);
    for _ in 0..4 {
        attempt = attempt.key("k", &ed25519());
    }
    attempt.target.credentials.keys.extend(right);
    let text = refused(attempt).await;
    assert!(
        text.contains("3 of 5 keys were offered")
            && text.contains("configure fewer keys")
            && text.contains("Too many authentication failures"),
        "{text}"
    );
}

#[tokio::test]
async fn a_key_is_offered_once() {
    let server = Sshd::with("MaxAuthTries 3");
    let mut attempt = Try::sshd(&server);
    let right = std::mem::take(&mut attempt.target.credentials.keys);
    let wrong = ed25519();
    for _ in 0..4 {
        attempt = attempt.key("wrong", &wrong);
    }
    attempt.target.credentials.keys.extend(right);
    assert_eq!(accepted(attempt).await, AuthMethod::Key { id: "k1".into() });
}

#[tokio::test]
async fn two_keys_where_both_are_wanted() {
    let server = Sshd::with("AuthenticationMethods publickey,publickey");
    let second = ed25519();
    let lines = [&server.user_key, &second].map(|key| key.public().authorized_keys_line("").unwrap());
    std::fs::write(server.dir.path().join("authorized_keys"), lines.join("\n")).unwrap();
    let attempt = Try::sshd(&server).key("stranger", &ed25519()).key("k2", &second);
    assert_eq!(accepted(attempt).await, AuthMethod::Key { id: "k2".into() });
    let text = refused(Try::sshd(&server)).await;
    assert!(
        text.contains("the key alone was accepted, but is not enough"),
        "{text}"
    );
}

#[tokio::test]
async fn rsa_signs_as_the_server_verifies() {
    let rsa = PrivateKey::generate(KeyType::RSA_2048).unwrap();
    for algorithms in [
        "rsa-sha2-256",
        "rsa-sha2-512",
        "rsa-sha2-256,rsa-sha2-512,ssh-rsa",
    ] {
        let server = Sshd::with(&format!("PubkeyAcceptedAlgorithms {algorithms}"));
        let line = rsa.public().authorized_keys_line("").unwrap();
        std::fs::write(server.dir.path().join("authorized_keys"), line).unwrap();
        let mut attempt = Try::sshd(&server);
        attempt.target.credentials.keys.clear();
        let method = accepted(attempt.key("rsa", &rsa)).await;
        assert_eq!(method, AuthMethod::Key { id: "rsa".into() }, "{algorithms}");
    }
}

#[tokio::test]
async fn no_credentials_are_no_login() {
    let server = Sshd::start();
    let mut attempt = Try::sshd(&server);
    attempt.target.credentials.keys.clear();
    let text = refused(attempt).await;
    assert!(text.contains("the server takes: publickey"), "{text}");
}

#[tokio::test]
async fn weak_servers_need_the_legacy_preset_and_then_work() {
    let server = Sshd::with("KexAlgorithms diffie-hellman-group1-sha1\nCiphers 3des-cbc\nMACs hmac-sha1");
    let error = Try::sshd(&server).connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Negotiation);
    let text = error.to_string();
    assert!(
        text.contains("curve25519-sha256") && text.contains("diffie-hellman-group1-sha1"),
        "{text}"
    );

    let legacy = Try::sshd(&server).setting("ssh_algorithms", json!({"preset": "legacy"}));
    assert_eq!(accepted(legacy).await, AuthMethod::Key { id: "k1".into() });
}

#[tokio::test]
async fn the_password_of_a_stranger_is_not_compared() {
    let (server, _folder) = serving(User::new("key-only").key(ed25519().public().clone()));
    let attempt = try_it(&server).user("key-only").password("");
    assert!(refused(attempt).await.contains("publickey"));
}
