use courier_keys::{KeyType, PrivateKey, PublicKey};
use secrecy::ExposeSecret;

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
fn a_passphrase_for_a_key_without_one_is_ignored() {
    let keys = Keys::new();
    for format in ["RFC4716", "PEM", "PKCS8"] {
        let file = keys.ssh_keygen(&format!("-t ecdsa -m {format}"), "");
        PrivateKey::import(&file, Some(&passphrase())).unwrap();
    }
}

#[test]
fn text_bent_by_copying_is_still_read() {
    let keys = Keys::new();
    for (format, passphrase) in [("RFC4716", ""), ("PEM", ""), ("PKCS8", ""), ("PEM", PASSPHRASE)] {
        let file = String::from_utf8(keys.ssh_keygen(&format!("-t ecdsa -m {format}"), passphrase)).unwrap();
        let public = std::fs::read_to_string(keys.path("ssh-keygen.pub")).unwrap();
        let public = public.strip_suffix(" somebody@somewhere\n").unwrap();
        for text in [
            file.replace('\n', "\r\n"),
            file.replace('\n', "\r"),
            file.replace('\n', "\n\n"),
            format!("\u{feff}\n\n  {file}\n\n"),
            file.trim_end().to_owned(),
            file.replace('\n', " "),
            file.replace('\n', "\n    "),
            // As it stands in JSON and in variables.
            file.replace('\n', "\\n"),
            file.replace('\n', "\\r\\n"),
            format!("# of the partner\n{file}"),
            format!("Here is the key:\n{file}Regards"),
            format!("Bag Attributes\n    friendlyName: key\nKey Attributes: <No Attributes>\n{file}"),
        ] {
            keys.opens(&format!("{text:?}"), text.as_bytes(), Some(PASSPHRASE), public);
        }
        // Windows' "Unicode", and a remark in Windows' other encoding.
        let utf_16 = |unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
            let text = format!("\u{feff}{file}").replace('\n', "\r\n");
            text.encode_utf16().flat_map(unit).collect()
        };
        let latin = [b"Schl\xfcssel:\r\n", file.as_bytes()].concat();
        for bytes in [utf_16(u16::to_le_bytes), utf_16(u16::to_be_bytes), latin] {
            keys.opens(format, &bytes, Some(PASSPHRASE), public);
        }
    }
}

/// The text between the lines of a PEM file, without them.
#[test]
fn the_body_of_a_file_alone_is_read() {
    let keys = Keys::new();
    for format in ["RFC4716", "PEM", "PKCS8"] {
        let file = String::from_utf8(keys.ssh_keygen(&format!("-t ecdsa -m {format}"), "")).unwrap();
        let body: Vec<&str> = file.lines().filter(|line| !line.starts_with('-')).collect();
        assert_eq!(
            PrivateKey::import(body.join("\n").as_bytes(), None)
                .unwrap()
                .public(),
            PrivateKey::import(file.as_bytes(), None).unwrap().public()
        );
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
