//! Who is let in, who is not, and what is said then.

use std::{sync::Arc, time::Duration};

use courier_keys::{KeyType, PrivateKey};
use courier_sftp::server::{SftpServer, User};
use courier_transfer::{AuthMethod, ErrorKind, Retry, TrustPins};
use russh::server::Auth;
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
    let server = Sshd::with("MaxAuthTries 2");
    let mut attempt = Try::sshd(&server);
    attempt.target.credentials.keys.clear();
    for _ in 0..4 {
        attempt = attempt.key("k", &ed25519());
    }
    let text = refused(attempt).await;
    assert!(
        text.contains("Too many authentication failures") || text.contains("ended the connection"),
        "{text}"
    );
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

/// Takes keys for a part of the login, and hangs up when it is to look at a password.
struct HangsUp {
    after_key: bool,
}

impl russh::server::Handler for HangsUp {
    type Error = russh::Error;

    async fn auth_publickey_offered(
        &mut self,
        _: &str,
        _: russh::server::PublicKeyOffer<'_>,
    ) -> Result<Auth, russh::Error> {
        match self.after_key {
            true => Ok(Auth::reject()),
            false => Err(russh::Error::Disconnect),
        }
    }

    async fn auth_password(&mut self, _: &str, _: &str) -> Result<Auth, russh::Error> {
        Err(russh::Error::Disconnect)
    }
}

async fn hanging_up(after_key: bool) -> Try {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let key = ed25519();
    let config = Arc::new(russh::server::Config {
        keys: vec![key.inner().clone()],
        auth_rejection_time: Duration::ZERO,
        ..Default::default()
    });
    tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let running = russh::server::run_stream(config, tcp, HangsUp { after_key }).await;
        let _ = running.unwrap().await;
    });
    let pin = key.fingerprint().to_string().parse().unwrap();
    Try::to(port, TrustPins::new([pin])).user("u").password("secret")
}

#[tokio::test]
async fn a_connection_that_breaks_during_the_login_rejects_nothing() {
    let attempt = async |after_key, key: bool| {
        let attempt = hanging_up(after_key).await;
        let attempt = match key {
            true => attempt.key("k", &ed25519()),
            false => attempt,
        };
        attempt.connect().await.unwrap_err()
    };
    for key in [true, false] {
        let error = attempt(false, key).await;
        assert_eq!(
            (error.kind(), error.retry()),
            (ErrorKind::Lost, Retry::Later),
            "{error}"
        );
    }
    // A key that was rejected before stays rejected.
    let error = attempt(true, true).await;
    assert_eq!(error.kind(), ErrorKind::Auth, "{error}");
}
