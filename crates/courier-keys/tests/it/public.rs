use courier_keys::{Error, KeyType, PrivateKey, PublicKey};

use crate::tools::{Keys, fingerprint};

#[test]
fn ssh_keygen_reads_the_public_line() {
    let keys = Keys::new();
    for key_type in KeyType::GENERATED {
        let public = PrivateKey::generate(key_type).unwrap().public().clone();
        let line = public.authorized_keys_line("partner@example.com").unwrap();
        assert!(
            line.starts_with(&public.algorithm_name()) && line.ends_with(" partner@example.com"),
            "{line}"
        );
        assert_eq!(
            fingerprint(&keys.write("key.pub", line.as_bytes())),
            public.fingerprint()
        );
        assert_eq!(PublicKey::from_authorized_keys_line(&line).unwrap(), public);
    }
}

#[test]
fn a_comment_cannot_add_a_line() {
    let public = PrivateKey::generate(KeyType::Ed25519).unwrap().public().clone();
    let bare = public.authorized_keys_line("").unwrap();
    assert_eq!(bare.split(' ').count(), 2);
    for (comment, expected) in [
        ("a\nssh-rsa AAAA", "a ssh-rsa AAAA"),
        ("a\r\nb", "a  b"),
        ("\u{1b}[31m\u{0}", "[31m"),
        ("a\u{2028}b\u{85}c", "a b c"),
        ("  Schlüssel für Müller  ", "Schlüssel für Müller"),
    ] {
        assert_eq!(
            public.authorized_keys_line(comment).unwrap(),
            format!("{bare} {expected}"),
            "{comment:?}"
        );
    }
    for comment in ["", " ", "\n", "\t\r"] {
        assert_eq!(public.authorized_keys_line(comment).unwrap(), bare, "{comment:?}");
    }
}

#[test]
fn lines_that_are_no_public_key_are_refused() {
    let good = PrivateKey::generate(KeyType::Ed25519)
        .unwrap()
        .public()
        .authorized_keys_line("")
        .unwrap();
    let base64 = good.split(' ').nth(1).unwrap();
    for line in [
        "",
        "hunter2",
        "ssh-ed25519",
        "ssh-ed25519 AAAA",
        "ssh-ed25519 ????",
        &format!("ssh-rsa {base64}"),
        &format!("{good}\n{good}"),
        &format!("no-pty {good}"),
        &good[..good.len() - 4],
    ] {
        let error = PublicKey::from_authorized_keys_line(line).unwrap_err();
        assert!(matches!(error, Error::BadPublicKey { .. }), "{line}: {error}");
    }
}

#[test]
fn a_public_dsa_key_is_refused_with_words() {
    // p = 251, q = 5, g = 20, y = 113: no use, but well-formed.
    let line = "ssh-dss AAAAB3NzaC1kc3MAAAACAPsAAAABBQAAAAEUAAAAAXE= somebody";
    let error = PublicKey::from_authorized_keys_line(line)
        .unwrap_err()
        .to_string();
    assert!(error.contains("DSA (ssh-dss)"), "{error}");
}
