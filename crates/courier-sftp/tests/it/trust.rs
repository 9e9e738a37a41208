//! Which servers are trusted, and what is known of those that are not.

use courier_keys::{KeyType, PrivateKey};
use courier_transfer::{ErrorKind, TrustPins};

use crate::{client::Try, sshd::Sshd};

#[tokio::test]
async fn a_wrong_host_key_ends_it_before_anything_secret_is_sent() {
    let server = Sshd::start();
    let other: courier_transfer::Fingerprint = PrivateKey::generate(KeyType::Ed25519)
        .unwrap()
        .fingerprint()
        .parse()
        .unwrap();
    let attempt = Try::to(server.port, TrustPins::new([other]))
        .key("k", &server.user_key)
        .password("secret");
    let heard = attempt.heard.clone();
    let error = attempt.connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HostKey);
    let text = error.to_string();
    assert!(
        text.contains(&other.to_string()) && text.contains(&server.fingerprint().to_string()),
        "{text}"
    );

    let info = heard.info.lock().clone();
    assert_eq!(info.host_key.unwrap().fingerprint, server.fingerprint());
    assert!(info.banner.unwrap().starts_with("OpenSSH_"));
    assert!(heard.method.lock().is_none());
    let log = server.log();
    assert!(
        !log.contains("userauth") && !log.contains("publickey") && !log.contains("password"),
        "{log}"
    );
}

#[tokio::test]
async fn a_pinned_key_type_is_asked_for_first() {
    let keys: Vec<_> = [KeyType::RSA_2048, KeyType::Ed25519]
        .map(|t| PrivateKey::generate(t).unwrap())
        .into();
    let server = Sshd::with_host_keys("", keys);
    let mut pins = TrustPins::new([server.fingerprint()]);
    assert_eq!(
        Try::to(server.port, pins.clone())
            .connect()
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::HostKey,
        "without its type the other key is presented"
    );
    pins.key_types = vec!["ssh-rsa".into()];
    let attempt = Try::to(server.port, pins).key("k", &server.user_key);
    let heard = attempt.heard.clone();
    attempt.connect().await.unwrap();
    assert_eq!(heard.info.lock().host_key.clone().unwrap().key_type, "ssh-rsa");
}

#[tokio::test]
async fn what_the_server_tells_is_known() {
    let server = Sshd::with("Ciphers aes256-ctr,aes128-gcm@openssh.com\nMACs hmac-sha2-256");
    let client = Try::sshd(&server).connect().await.unwrap();
    let info = client.server();
    let algorithms = info.algorithms.as_ref().unwrap();
    assert_eq!(algorithms.encryption, ["aes256-ctr", "aes128-gcm@openssh.com"]);
    assert_eq!(algorithms.mac, ["hmac-sha2-256"]);
    assert!(info.extensions.iter().any(|e| e == "posix-rename@openssh.com"));
    let negotiated = info.negotiated.as_ref().unwrap();
    assert!(
        negotiated.starts_with("aes128-gcm@openssh.com, mlkem768x25519-sha256, ssh-ed25519")
            || negotiated.starts_with("aes128-gcm@openssh.com, curve25519-sha256, ssh-ed25519"),
        "{negotiated}"
    );
    assert!(client.capabilities().atomic_replace);
}

#[tokio::test]
async fn the_algorithms_are_known_where_none_is_common() {
    let server = Sshd::with("Ciphers aes256-cbc");
    let attempt = Try::sshd(&server);
    let heard = attempt.heard.clone();
    let error = attempt.connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Negotiation);
    assert!(
        error.to_string().contains("the server takes aes256-cbc"),
        "{error}"
    );
    assert_eq!(
        heard.info.lock().algorithms.clone().unwrap().encryption,
        ["aes256-cbc"]
    );
}
