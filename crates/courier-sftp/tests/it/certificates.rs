//! User certificates on OpenSSH (`PROTOCOL.certkeys`).

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use courier_transfer::{AuthMethod, ErrorKind, KeyCredential};
use secrecy::SecretString;
use tempfile::TempDir;

use crate::{
    agent::{SshAgent, keygen, keyless, run},
    client::Try,
    sshd::{Sshd, username},
};

const TYPES: [&[&str]; 4] = [
    &["-t", "ed25519"],
    &["-t", "rsa", "-b", "2048"],
    &["-t", "ecdsa", "-b", "256"],
    &["-t", "ecdsa", "-b", "521"],
];

/// A server that trusts a certificate authority, and knows no key.
struct Authority {
    server: Sshd,
    folder: TempDir,
}

impl Authority {
    fn start(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca");
        keygen(&ca, &["-t", "ed25519"]);
        let server = Sshd::with(&format!("TrustedUserCAKeys {}.pub\n{config}", ca.display()));
        fs::write(server.dir.path().join("authorized_keys"), "").unwrap();
        Self { server, folder }
    }

    /// Makes a key and a certificate for it, and gives the key's file.
    fn certified(&self, key: &[&str], certificate: &[&str]) -> PathBuf {
        let file = self.folder.path().join("key");
        for old in [&file, &certificate_of(&file), &file.with_extension("pub")] {
            let _ = fs::remove_file(old);
        }
        keygen(&file, key);
        run(Command::new("ssh-keygen")
            .args(["-q", "-I", "id", "-n", &username(), "-s"])
            .arg(self.folder.path().join("ca"))
            .args(certificate)
            .arg(file.with_extension("pub")));
        file
    }
}

fn certificate_of(file: &Path) -> PathBuf {
    file.with_file_name("key-cert.pub")
}

/// A key with the certificate beside it.
fn credential(file: &Path) -> KeyCredential {
    let text = SecretString::from(fs::read_to_string(file).unwrap());
    KeyCredential {
        certificate: Some(fs::read_to_string(certificate_of(file)).unwrap()),
        ..KeyCredential::new("k", text)
    }
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
async fn every_type_of_key_is_certified() {
    // One try: the certificate comes first.
    let authority = Authority::start("MaxAuthTries 1");
    for options in TYPES {
        let file = authority.certified(options, &[]);
        let method = accepted(keyless(&authority.server).credential(credential(&file))).await;
        assert_eq!(method, AuthMethod::Key { id: "k".into() }, "{options:?}");
    }
    assert!(
        authority.server.log().contains("Accepted certificate"),
        "{}",
        authority.server.log()
    );
}

#[tokio::test]
async fn a_certified_rsa_key_signs_as_the_server_verifies() {
    for hash in ["rsa-sha2-256", "rsa-sha2-512"] {
        let authority = Authority::start(&format!("PubkeyAcceptedAlgorithms {hash}-cert-v01@openssh.com"));
        let file = authority.certified(&["-t", "rsa", "-b", "2048"], &[]);
        accepted(keyless(&authority.server).credential(credential(&file))).await;
    }
}

#[tokio::test]
async fn the_plain_key_comes_after_its_certificate() {
    let server = Sshd::start();
    let authority = Authority::start("");
    let file = authority.certified(TYPES[0], &[]);
    let public = fs::read(file.with_extension("pub")).unwrap();
    fs::write(server.dir.path().join("authorized_keys"), public).unwrap();
    // This server doesn't know the authority.
    accepted(keyless(&server).credential(credential(&file))).await;
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_said() {
    let authority = Authority::start("");
    let file = authority.certified(TYPES[0], &["-V", "20200101:20210101"]);
    let text = refused(keyless(&authority.server).credential(credential(&file))).await;
    assert!(
        text.contains("certificate of SHA256:") && text.contains("expired at 202"),
        "{text}"
    );

    let other = credential(&authority.certified(TYPES[0], &[]));
    let mut mixed = credential(&authority.certified(TYPES[0], &[]));
    mixed.certificate = other.certificate;
    let text = refused(keyless(&authority.server).credential(mixed.clone())).await;
    assert!(
        text.contains("a certificate that is not for the key SHA256:"),
        "{text}"
    );

    mixed.certificate = Some("ssh-ed25519-cert-v01@openssh.com AAAA".into());
    let text = refused(keyless(&authority.server).credential(mixed)).await;
    assert!(text.contains("cannot be read"), "{text}");
}

#[tokio::test]
async fn an_agent_signs_for_certificates() {
    let authority = Authority::start("MaxAuthTries 1");
    let agent = SshAgent::start(authority.folder.path());
    for options in TYPES {
        let file = authority.certified(options, &[]);
        let [public, certificate] =
            [file.with_extension("pub"), certificate_of(&file)].map(|f| fs::read_to_string(f).unwrap());
        agent.add(&[], &file);
        // It holds the certificate.
        accepted(keyless(&authority.server).credential(agent.credential("k", &certificate))).await;
        // It holds the key, and the certificate is here.
        let mut beside = agent.credential("k", &public);
        beside.certificate = Some(certificate);
        accepted(keyless(&authority.server).credential(beside)).await;
    }
}
