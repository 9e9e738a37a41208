//! FIPS mode against OpenSSH: what is offered, what is refused, and that nothing is sent where something is.

use std::{fs, process::Command};

use courier_keys::{KeyType, PrivateKey};
use courier_transfer::{AuthMethod, ErrorKind};
use serde_json::json;

use crate::{client::Try, sshd::Sshd};

fn key(key_type: KeyType) -> PrivateKey {
    PrivateKey::generate(key_type).unwrap()
}

/// A server that knows these keys of the user.
fn sshd(config: &str, host_key: PrivateKey, users: &[&PrivateKey]) -> Sshd {
    let server = Sshd::with_host_keys(config, vec![host_key]);
    let lines: Vec<String> = users
        .iter()
        .map(|key| key.public().authorized_keys_line("user").unwrap() + "\n")
        .collect();
    fs::write(server.dir.path().join("authorized_keys"), lines.concat()).unwrap();
    server
}

fn attempt(server: &Sshd, users: &[&PrivateKey]) -> Try {
    let mut attempt = Try::to(
        server.port,
        courier_transfer::TrustPins::new([server.fingerprint()]),
    );
    for (i, key) in users.iter().enumerate() {
        attempt = attempt.key(&format!("k{i}"), key);
    }
    attempt.options.fips = true;
    attempt
}

#[tokio::test]
async fn only_what_is_approved_is_agreed_on() {
    for (host_key, user_key) in [
        (KeyType::Ecdsa256, KeyType::RSA_2048),
        (KeyType::RSA_2048, KeyType::Ecdsa384),
        (KeyType::Ecdsa521, KeyType::Ecdsa521),
    ] {
        let user = key(user_key);
        let server = sshd("", key(host_key), &[&user]);
        let client = attempt(&server, &[&user]).connect().await.unwrap();
        let negotiated = client.server().negotiated.clone().unwrap();
        assert!(
            negotiated.starts_with("aes128-gcm@openssh.com, ecdh-sha2-nistp256, "),
            "{negotiated}"
        );
        assert!(!negotiated.contains("25519"), "{negotiated}");
    }
}

#[tokio::test]
async fn each_approved_key_exchange_and_cipher_works() {
    let user = key(KeyType::Ecdsa256);
    let server = sshd("", key(KeyType::Ecdsa256), &[&user]);
    for exchange in [
        "ecdh-sha2-nistp384",
        "ecdh-sha2-nistp521",
        "diffie-hellman-group14-sha256",
        "diffie-hellman-group16-sha512",
    ] {
        let only =
            json!({"key_exchange": [exchange], "encryption": ["aes256-ctr"], "mac": ["hmac-sha2-512"]});
        let attempt = attempt(&server, &[&user]).setting("ssh_algorithms", only);
        let client = attempt.connect().await.unwrap();
        assert_eq!(
            client.server().negotiated.as_deref(),
            Some(format!("aes256-ctr, {exchange}, ecdsa-sha2-nistp256, hmac-sha2-512").as_str())
        );
    }
}

#[tokio::test]
async fn a_server_that_has_none_of_them_is_refused_with_both_lists() {
    let user = key(KeyType::Ecdsa256);
    for (config, host_key, text) in [
        (
            "",
            KeyType::Ed25519,
            "no common host key algorithm: offered were ecdsa-sha2-nistp256, ecdsa-sha2-nistp384, ecdsa-sha2-nistp521, \
             rsa-sha2-512, rsa-sha2-256; the server takes ssh-ed25519. FIPS mode allows no others",
        ),
        (
            "KexAlgorithms curve25519-sha256",
            KeyType::Ecdsa256,
            "the server takes curve25519-sha256",
        ),
        (
            "Ciphers chacha20-poly1305@openssh.com",
            KeyType::Ecdsa256,
            "the server takes chacha20-poly1305@openssh.com. FIPS mode allows no others",
        ),
        (
            "Ciphers aes128-ctr\nMACs hmac-sha1",
            KeyType::Ecdsa256,
            "the server takes hmac-sha1. FIPS mode allows no others",
        ),
    ] {
        let server = sshd(config, key(host_key), &[&user]);
        // The preset brings the weak ones in, and the mode takes them out again.
        let attempt = attempt(&server, &[&user]).setting("ssh_algorithms", json!({"preset": "legacy"}));
        let refused = attempt.connect().await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::NotFips, "{refused}");
        assert!(refused.message().contains(text), "{refused}");
        assert!(!server.log().contains("userauth"), "{}", server.log());
    }
}

#[tokio::test]
async fn lists_that_leave_nothing_are_refused_before_the_server_is_asked() {
    let user = key(KeyType::Ecdsa256);
    let server = sshd("", key(KeyType::Ecdsa256), &[&user]);
    let only = json!({"encryption": ["aes128-cbc", "chacha20-poly1305@openssh.com"]});
    let attempt = attempt(&server, &[&user]).setting("ssh_algorithms", only);
    let heard = attempt.heard.clone();
    let refused = attempt.connect().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFips);
    assert!(
        refused.message().contains(
            "it names aes128-cbc, chacha20-poly1305@openssh.com, and the mode allows aes128-gcm@openssh.com"
        ),
        "{refused}"
    );
    assert!(heard.info.lock().banner.is_none());
}

#[tokio::test]
async fn short_host_keys_are_refused_and_else_called_weak() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("short");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "rsa", "-b", "1024", "-N", "", "-f"])
        .arg(&file)
        .status()
        .unwrap();
    assert!(made.success());
    let short = PrivateKey::import(&fs::read(&file).unwrap(), None).unwrap();
    let user = key(KeyType::Ecdsa256);
    let server = sshd("", short, &[&user]);

    let refused = attempt(&server, &[&user]).connect().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFips);
    assert!(refused.message().contains("rsa_1024"), "{refused}");
    assert!(!server.log().contains("userauth"), "{}", server.log());

    let mut outside = attempt(&server, &[&user]);
    outside.options.fips = false;
    let client = outside.connect().await.unwrap();
    let negotiated = client.server().negotiated.clone().unwrap();
    assert!(
        negotiated.ends_with("; weak: a host key of 1024 bits"),
        "{negotiated}"
    );
}

#[tokio::test]
async fn keys_that_are_not_approved_stay_here() {
    let (modern, approved) = (key(KeyType::Ed25519), key(KeyType::Ecdsa256));
    let server = sshd("", key(KeyType::Ecdsa256), &[&modern, &approved]);

    let alone = attempt(&server, &[&modern]);
    let heard = alone.heard.clone();
    let refused = alone.connect().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFips, "{refused}");
    for part in [
        "no credential that FIPS mode allows",
        "(ed25519), since FIPS mode allows",
        "RSA keys from 2048 bits and ECDSA keys only",
    ] {
        assert!(refused.message().contains(part), "{refused}");
    }
    assert!(heard.info.lock().host_key.is_some());
    assert!(!server.log().contains(&modern.fingerprint()), "{}", server.log());

    let both = attempt(&server, &[&modern, &approved]);
    let heard = both.heard.clone();
    both.connect().await.unwrap();
    assert_eq!(*heard.method.lock(), Some(AuthMethod::Key { id: "k1".into() }));
    assert!(!server.log().contains(&modern.fingerprint()), "{}", server.log());
}
