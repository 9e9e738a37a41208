//! Files that may hold a private key: no panic, and a key that is accepted can be written and read again.
#![no_main]

use base64::{Engine, engine::general_purpose::STANDARD};
use courier_keys::{PrivateKey, PublicKey};
use libfuzzer_sys::fuzz_target;
use secrecy::{ExposeSecret, SecretString};

const LABELS: [&str; 5] = ["OPENSSH ", "RSA ", "EC ", "", "ENCRYPTED "];

fuzz_target!(|data: &[u8]| {
    // Below the base64 the fuzzer gets further; a first byte above the labels is a part of the file, which may be binary.
    let file = match data.split_first() {
        Some((&label, body)) if usize::from(label) < LABELS.len() => {
            let (label, body) = (LABELS[usize::from(label)], STANDARD.encode(body));
            format!("-----BEGIN {label}PRIVATE KEY-----\n{body}\n-----END {label}PRIVATE KEY-----\n").into_bytes()
        }
        _ => data.to_vec(),
    };
    let key = PrivateKey::import(&file, None);
    let beside = PublicKey::beside_private(&file);
    if let Ok(key) = key {
        assert!(beside.is_none_or(|public| public == *key.public()));
        let text = key.to_openssh().expect("what was accepted can be written");
        let again =
            PrivateKey::import(text.expose_secret().as_bytes(), None).expect("what was written can be read");
        assert_eq!(again.public(), key.public());
        let text = courier_keys::file_as_text(&file);
        if text.expose_secret().len() <= 64 * 1024 {
            let again = PrivateKey::import(text.expose_secret().as_bytes(), None).expect("it can be sent as text");
            assert_eq!(again.public(), key.public());
        }
    } else if file.len() % 64 == 0 {
        // Seldom, because making a key of a passphrase is slow by intent.
        let _ = PrivateKey::import(&file, Some(&SecretString::from("secret")));
    }
});
