//! Keys made by PuTTYgen 0.78. They were made for this test and open nothing.

use courier_keys::{Error, KeyType, PrivateKey};
use secrecy::SecretString;

use crate::tools::passphrase;

macro_rules! samples {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("putty/", $name, ".ppk")))),*]
    };
}

/// Name and content. The passphrase of the encrypted ones is [`crate::tools::PASSPHRASE`].
pub(crate) const SAMPLES: [(&str, &str); 10] = samples![
    "rsa-2",
    "rsa-3-encrypted",
    "ed25519-2-encrypted",
    "ed25519-3",
    "ed25519-3-encrypted",
    "ecdsa-2",
    "ecdsa-3-encrypted",
    "dsa-3",
    "ed25519-3-zero",
    "ed25519-2-zero-encrypted",
];

fn sample(name: &str) -> &'static str {
    SAMPLES.iter().find(|(found, _)| *found == name).unwrap().1
}

#[test]
fn keys_of_puttygen() {
    for (name, key_type, fingerprint) in [
        (
            "rsa-2",
            KeyType::RSA_2048,
            "SHA256:EV6AtnySV7mR4vH9mYeEGhS3ILGmHYX/YLrzIJLvpLc",
        ),
        (
            "rsa-3-encrypted",
            KeyType::RSA_2048,
            "SHA256:oWSBNffWUuK4zftFUDNRyYvD+0CwxVF5O/ULTdjybMc",
        ),
        (
            "ed25519-2-encrypted",
            KeyType::Ed25519,
            "SHA256:mtrKV09JI1nf/w0Gicl3+Lk/5AYEfYTOVJSj4ca1Spg",
        ),
        (
            "ed25519-3",
            KeyType::Ed25519,
            "SHA256:ybwy7xB4FgGnoW4KjMaVLCopcHbEUS5M8NpZUGQc8cM",
        ),
        (
            "ed25519-3-encrypted",
            KeyType::Ed25519,
            "SHA256:hBdc4jLFKaDiMxuFps8aeKD5S+jk7ZJECMwtL+Lpc+Q",
        ),
        (
            "ecdsa-2",
            KeyType::Ecdsa256,
            "SHA256:0cRthgQl+84git7WKPI9LTcorSSZg8zQa7aqWst6SRU",
        ),
        (
            "ecdsa-3-encrypted",
            KeyType::Ecdsa521,
            "SHA256:l+xe0rNdakXGg97S4n4iw0zcnUn+VdkTFjIbmTKnCcE",
        ),
    ] {
        for text in [sample(name).to_owned(), sample(name).replace('\n', "\r\n")] {
            let key = PrivateKey::import(text.as_bytes(), Some(&passphrase()))
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(
                (key.key_type(), key.fingerprint().as_str()),
                (key_type, fingerprint),
                "{name}"
            );
        }
        if name.ends_with("encrypted") {
            let import = |passphrase| PrivateKey::import(sample(name).as_bytes(), passphrase);
            assert!(matches!(import(None), Err(Error::PassphraseNeeded)), "{name}");
            assert!(
                matches!(
                    import(Some(&SecretString::from("wrong"))),
                    Err(Error::PassphraseWrong)
                ),
                "{name}"
            );
        }
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let message = |text: &str| {
        PrivateKey::import(text.as_bytes(), Some(&passphrase()))
            .unwrap_err()
            .to_string()
    };
    let encrypted = sample("ed25519-3-encrypted");
    for (text, expected) in [
        (sample("dsa-3").to_owned(), "DSA (ssh-dss)"),
        (sample("ed25519-3-zero").to_owned(), "this one Ed25519 key"),
        (
            sample("ed25519-2-zero-encrypted").to_owned(),
            "this one Ed25519 key",
        ),
        (
            sample("rsa-2").replace("File-2", "File-1"),
            "version 1 of PuTTY's key format",
        ),
        (
            sample("ed25519-3").replace("ssh-ed25519", "ssh-ed448"),
            "the key type ssh-ed448",
        ),
        (
            encrypted.replace("aes256-cbc", "aes512-xyz"),
            "the cipher aes512-xyz",
        ),
        (
            encrypted.replace("Argon2-Memory: 1024", "Argon2-Memory: 4000000000"),
            "4000000000 KiB of Argon2 memory",
        ),
        (
            encrypted.replace("Argon2-Passes: 2", "Argon2-Passes: 4000000000"),
            "4000000000 passes",
        ),
        (
            encrypted.replace("Argon2-Passes: 2", "Argon2-Passes: 2\nArgon2-Passes: 3"),
            "Argon2 parameters can't be read",
        ),
        (
            encrypted.replace("Encryption: ", "Encrypted: "),
            "no Encryption line",
        ),
        (
            sample("ed25519-3").replace("Comment: putty", "Comment: petty"),
            "Private-MAC",
        ),
        ("PuTTY-User-Key-File-3".to_owned(), "first line"),
    ] {
        let error = message(&text);
        assert!(error.contains(expected), "{expected}: {error}");
    }
}
