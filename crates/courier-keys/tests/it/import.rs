use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use courier_keys::{Error, KeyType, PrivateKey, PublicKey};
use secrecy::{ExposeSecret, SecretString};

use crate::tools::{Keys, PASSPHRASE, fingerprint, passphrase, public_line};

/// Options of `ssh-keygen` and the type they make.
const TYPES: [(&str, KeyType); 7] = [
    ("-t rsa -b 1024", KeyType::Rsa(1024)),
    ("-t rsa -b 2048", KeyType::RSA_2048),
    ("-t rsa -b 3072", KeyType::RSA_3072),
    ("-t ed25519", KeyType::Ed25519),
    ("-t ecdsa -b 256", KeyType::Ecdsa256),
    ("-t ecdsa -b 384", KeyType::Ecdsa384),
    ("-t ecdsa -b 521", KeyType::Ecdsa521),
];

#[test]
fn keys_of_ssh_keygen_in_every_format() {
    let keys = Keys::new();
    for (options, key_type) in TYPES {
        for format in ["RFC4716", "PEM", "PKCS8"] {
            let file = keys.ssh_keygen(&format!("{options} -m {format}"), "");
            let key =
                PrivateKey::import(&file, None).unwrap_or_else(|error| panic!("{options} {format}: {error}"));
            assert_eq!(key.key_type(), key_type, "{options} {format}");
            assert_eq!(
                key.fingerprint(),
                fingerprint(&keys.path("ssh-keygen.pub")),
                "{options} {format}"
            );
            // What goes to the vault is the same key.
            let stored = keys.write("stored", key.to_openssh().unwrap().expose_secret().as_bytes());
            assert_eq!(
                public_line(&stored),
                key.public().authorized_keys_line("").unwrap(),
                "{options} {format}"
            );
        }
    }
}

#[test]
fn encrypted_keys_of_ssh_keygen() {
    let keys = Keys::new();
    for (options, key_type) in TYPES {
        for format in ["RFC4716", "PEM", "PKCS8"] {
            let what = format!("{options} -m {format}");
            let file = keys.ssh_keygen(&what, PASSPHRASE);
            if format == "PEM" && options.contains("ecdsa") {
                let error = PrivateKey::import(&file, Some(&passphrase()))
                    .unwrap_err()
                    .to_string();
                assert!(
                    error.contains("PEM EC key encrypted with AES-128-CBC"),
                    "{what}: {error}"
                );
                assert!(error.contains("ssh-keygen -p"), "{what}: {error}");
                continue;
            }
            let key = PrivateKey::import(&file, Some(&passphrase()))
                .unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(key.key_type(), key_type, "{what}");
            assert_eq!(
                key.fingerprint(),
                fingerprint(&keys.path("ssh-keygen.pub")),
                "{what}"
            );

            for none in [None, Some(SecretString::from(""))] {
                let error = PrivateKey::import(&file, none.as_ref()).unwrap_err();
                assert!(matches!(error, Error::PassphraseNeeded), "{what}: {error}");
            }
            let error = PrivateKey::import(&file, Some(&SecretString::from("wrong"))).unwrap_err();
            assert!(matches!(error, Error::PassphraseWrong), "{what}: {error}");
        }
    }
}

#[test]
fn every_cipher_of_openssh() {
    let keys = Keys::new();
    for cipher in [
        "aes128-cbc",
        "aes192-cbc",
        "aes256-cbc",
        "aes128-ctr",
        "aes192-ctr",
        "aes256-ctr",
        "aes128-gcm@openssh.com",
        "aes256-gcm@openssh.com",
        "chacha20-poly1305@openssh.com",
    ] {
        let file = keys.ssh_keygen(&format!("-t ed25519 -Z {cipher}"), PASSPHRASE);
        PrivateKey::import(&file, Some(&passphrase())).unwrap_or_else(|error| panic!("{cipher}: {error}"));
        let error = PrivateKey::import(&file, Some(&SecretString::from("wrong"))).unwrap_err();
        assert!(matches!(error, Error::PassphraseWrong), "{cipher}: {error}");
    }
    let file = keys.ssh_keygen("-t ed25519 -Z 3des-cbc", PASSPHRASE);
    let error = PrivateKey::import(&file, Some(&passphrase()))
        .unwrap_err()
        .to_string();
    assert!(error.contains("the cipher 3des-cbc"), "{error}");
}

#[test]
fn a_passphrase_for_a_key_without_one_is_ignored() {
    let keys = Keys::new();
    for format in ["RFC4716", "PEM", "PKCS8"] {
        let file = keys.ssh_keygen(&format!("-t ecdsa -m {format}"), "");
        PrivateKey::import(&file, Some(&passphrase())).unwrap();
    }
}

#[test]
fn keys_of_openssl() {
    let keys = Keys::new();
    for (arguments, key_type) in [
        ("genpkey -algorithm ED25519", KeyType::Ed25519),
        (
            "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048",
            KeyType::RSA_2048,
        ),
        (
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384",
            KeyType::Ecdsa384,
        ),
        ("genrsa -traditional 2048", KeyType::RSA_2048),
        // A block with the curve comes first.
        ("ecparam -name secp521r1 -genkey", KeyType::Ecdsa521),
        // The curve's numbers instead of its name.
        (
            "ecparam -name prime256v1 -param_enc explicit -genkey -noout",
            KeyType::Ecdsa256,
        ),
    ] {
        let file = keys.openssl(arguments);
        let key = PrivateKey::import(&file, None).unwrap_or_else(|error| panic!("{arguments}: {error}"));
        assert_eq!(key.key_type(), key_type, "{arguments}");
    }
}

#[test]
fn encrypted_pkcs8_of_openssl() {
    let keys = Keys::new();
    keys.write(
        "plain",
        &keys.openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"),
    );
    let read = [
        "-v2 aes-128-cbc",
        "-v2 aes-192-cbc",
        "-v2 aes-256-cbc",
        "-v2 aes-256-cbc -v2prf hmacWithSHA512",
        "-scrypt",
    ];
    for how in read {
        let file = keys.openssl(&format!("pkcs8 -topk8 -in plain -passout pass:secret {how}"));
        let import = |passphrase| PrivateKey::import(&file, Some(&SecretString::from(passphrase)));
        let key = import("secret").unwrap_or_else(|error| panic!("{how}: {error}"));
        assert_eq!(key.key_type(), KeyType::Ecdsa256, "{how}");
        assert!(matches!(import("wrong"), Err(Error::PassphraseWrong)), "{how}");
        assert!(
            matches!(PrivateKey::import(&file, None), Err(Error::PassphraseNeeded)),
            "{how}"
        );
    }
    for (how, expected) in [
        ("-v2 des3", "3DES"),
        ("-v2 camellia-256-cbc", "a cipher other than AES"),
        ("-v2 aes-256-cbc -v2prf hmacWithSHA1", "HMAC-SHA1"),
        ("-v1 PBE-SHA1-3DES", "older than PBES2"),
    ] {
        let file = keys.openssl(&format!("pkcs8 -topk8 -in plain -passout pass:secret {how}"));
        let error = PrivateKey::import(&file, Some(&SecretString::from("secret"))).unwrap_err();
        assert!(
            matches!(error, Error::Unsupported { .. }) && error.to_string().contains(expected),
            "{how}: {error}"
        );
    }
}

#[test]
fn pkcs8_that_takes_for_ever_to_open_is_refused() {
    let keys = Keys::new();
    keys.write(
        "plain",
        &keys.openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"),
    );
    for (how, from, to, expected) in [
        // 65536 iterations become 8388607.
        (
            "-v2 aes-256-cbc -iter 65536",
            &[2, 3, 1, 0, 0][..],
            &[2, 3, 0x7f, 0xff, 0xff][..],
            "8388607 PBKDF2 iterations",
        ),
        // N of 16384 becomes 32767, r of 8 becomes 127: over 500 MB.
        (
            "-scrypt",
            &[2, 2, 0x40, 0, 2, 1, 8],
            &[2, 2, 0x7f, 0xff, 2, 1, 0x7f],
            "scrypt parameters this large",
        ),
    ] {
        let mut der = keys.openssl(&format!(
            "pkcs8 -topk8 -in plain -passout pass:secret -outform DER {how}"
        ));
        let at = der.windows(from.len()).position(|window| window == from).unwrap();
        der[at..at + to.len()].copy_from_slice(to);
        let body = STANDARD.encode(der);
        let text =
            format!("-----BEGIN ENCRYPTED PRIVATE KEY-----\n{body}\n-----END ENCRYPTED PRIVATE KEY-----\n");
        let error = PrivateKey::import(text.as_bytes(), Some(&SecretString::from("secret"))).unwrap_err();
        assert!(
            matches!(error, Error::Unsupported { .. }) && error.to_string().contains(expected),
            "{how}: {error}"
        );
    }
}

#[test]
fn legacy_encrypted_pem_names_its_cipher() {
    let keys = Keys::new();
    for cipher in ["aes192", "aes256", "des3"] {
        let file = keys.openssl(&format!(
            "genrsa -traditional -{cipher} -passout pass:secret 2048"
        ));
        let error = PrivateKey::import(&file, Some(&SecretString::from("secret")))
            .unwrap_err()
            .to_string();
        assert!(error.contains("PEM RSA key encrypted with"), "{cipher}: {error}");
    }
}

#[test]
fn text_bent_by_copying_is_still_read() {
    let keys = Keys::new();
    for format in ["RFC4716", "PEM", "PKCS8"] {
        let file = String::from_utf8(keys.ssh_keygen(&format!("-t ecdsa -m {format}"), "")).unwrap();
        let bent = [
            file.replace('\n', "\r\n"),
            format!("\u{feff}\n\n  {file}\n\n"),
            file.replace('\n', " "),
            file.replace('\n', "\n    "),
            format!("Here is the key:\n{file}Regards"),
        ];
        let expected = PrivateKey::import(file.as_bytes(), None).unwrap().fingerprint();
        for text in bent {
            assert_eq!(
                PrivateKey::import(text.as_bytes(), None).unwrap().fingerprint(),
                expected,
                "{text:?}"
            );
        }
    }
}

#[test]
fn the_comment_of_a_key_is_not_stored() {
    let keys = Keys::new();
    let key = PrivateKey::import(&keys.ssh_keygen("-t ed25519", ""), None).unwrap();
    let stored = keys.write("stored", key.to_openssh().unwrap().expose_secret().as_bytes());
    assert!(!public_line(&stored).contains("somebody"));
    let public = std::fs::read_to_string(keys.path("ssh-keygen.pub")).unwrap();
    assert_eq!(
        &PublicKey::from_authorized_keys_line(&public).unwrap(),
        key.public()
    );
}
