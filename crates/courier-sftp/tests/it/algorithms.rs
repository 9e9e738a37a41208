//! Which algorithms are agreed on, and what is told where none is.

use std::{os::unix::fs::PermissionsExt, process::Command};

use courier_keys::{KeyType, PrivateKey};
use courier_transfer::{ErrorKind, Fingerprint, TrustPins};
use serde_json::json;

use crate::{client::Try, sshd::Sshd};

#[tokio::test]
async fn without_a_common_one_both_lists_are_shown() {
    let server = Sshd::with("Ciphers aes256-ctr\nMACs hmac-sha2-512");
    let settings = [
        (
            json!({"encryption": ["aes128-gcm@openssh.com", "aes128-ctr"]}),
            "no common encryption algorithm: offered were aes128-gcm@openssh.com, aes128-ctr; the server takes aes256-ctr.",
        ),
        (
            json!({"mac": ["hmac-sha2-256"]}),
            "no common MAC algorithm: offered were hmac-sha2-256; the server takes hmac-sha2-512.",
        ),
        (
            json!({"host_key": ["rsa-sha2-512"]}),
            "no common host key algorithm: offered were rsa-sha2-512; the server takes ssh-ed25519.",
        ),
        (
            json!({"key_exchange": ["diffie-hellman-group1-sha1"]}),
            "no common key exchange algorithm: offered were diffie-hellman-group1-sha1; the server takes ",
        ),
    ];
    for (setting, text) in settings {
        let attempt = Try::sshd(&server).setting("ssh_algorithms", setting);
        let error = attempt.connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Negotiation);
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[tokio::test]
async fn what_is_weak_is_told() {
    let server = Sshd::with("Ciphers aes128-cbc\nMACs hmac-sha1\nKexAlgorithms diffie-hellman-group14-sha1");
    let attempt = Try::sshd(&server).setting("ssh_algorithms", json!({"preset": "legacy"}));
    let client = attempt.connect().await.unwrap();
    assert_eq!(
        client.server().negotiated.as_deref(),
        Some(
            "aes128-cbc, diffie-hellman-group14-sha1, ssh-ed25519, hmac-sha1; \
             weak: aes128-cbc, diffie-hellman-group14-sha1, hmac-sha1"
        )
    );
    let sound = Sshd::start();
    let client = Try::sshd(&sound).connect().await.unwrap();
    let negotiated = client.server().negotiated.clone().unwrap();
    assert!(!negotiated.contains("weak"), "{negotiated}");
}

#[tokio::test]
async fn each_of_several_pins_is_good() {
    let keys: Vec<_> = [KeyType::RSA_2048, KeyType::Ed25519]
        .map(|t| PrivateKey::generate(t).unwrap())
        .into();
    let fingerprints: Vec<Fingerprint> = keys.iter().map(|k| k.fingerprint().parse().unwrap()).collect();
    let server = Sshd::with_host_keys("", keys);
    for (types, presented) in [
        (&["ssh-rsa", "ssh-ed25519"][..], "ssh-ed25519"),
        (&["ssh-rsa"], "ssh-rsa"),
        (&["ssh-ed25519"], "ssh-ed25519"),
    ] {
        let mut pins = TrustPins::new(fingerprints.clone());
        pins.key_types = types.iter().map(|t| (*t).to_owned()).collect();
        let attempt = Try::to(server.port, pins).key("k", &server.user_key);
        let client = attempt.connect().await.unwrap();
        let key = client.server().host_key.clone().unwrap();
        assert_eq!(key.key_type, presented);
    }
}

/// A server with a host certificate serves those who only know its plain key.
#[tokio::test]
async fn a_host_certificate_is_no_hindrance() {
    let dir = tempfile::tempdir().unwrap();
    let key = PrivateKey::generate(KeyType::Ed25519).unwrap();
    let ca = PrivateKey::generate(KeyType::Ed25519).unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let text = secrecy::ExposeSecret::expose_secret(&ca.to_openssh().unwrap()).to_owned();
    std::fs::write(path("ca"), text).unwrap();
    std::fs::set_permissions(path("ca"), std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(
        path("key.pub"),
        key.public().authorized_keys_line("host").unwrap() + "\n",
    )
    .unwrap();
    let signed = Command::new("ssh-keygen")
        .args([
            "-q",
            "-s",
            &path("ca"),
            "-I",
            "host",
            "-h",
            "-n",
            "127.0.0.1",
            &path("key.pub"),
        ])
        .status()
        .unwrap();
    assert!(signed.success());
    let server = Sshd::with_host_keys(&format!("HostCertificate {}", path("key-cert.pub")), vec![key]);
    let client = Try::sshd(&server).connect().await.unwrap();
    let offered = client.server().algorithms.clone().unwrap().host_key;
    assert!(
        offered.contains(&"ssh-ed25519-cert-v01@openssh.com".to_owned()),
        "{offered:?}"
    );
    assert_eq!(
        client.server().host_key.clone().unwrap().fingerprint,
        server.fingerprint()
    );
}
