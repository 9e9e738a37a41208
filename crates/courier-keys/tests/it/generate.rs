use std::time::{Duration, Instant};

use courier_keys::{Error, KeyType, PrivateKey};
use secrecy::ExposeSecret;

use crate::tools::{Keys, fingerprint, public_line};

#[test]
fn ssh_keygen_reads_every_generated_key() {
    let keys = Keys::new();
    for key_type in KeyType::GENERATED {
        let key = PrivateKey::generate(key_type).unwrap();
        assert_eq!(key.key_type(), key_type);
        let path = keys.write("key", key.to_openssh().unwrap().expose_secret().as_bytes());
        assert_eq!(fingerprint(&path), key.fingerprint(), "{key_type}");
        assert_eq!(
            public_line(&path),
            key.public().authorized_keys_line("").unwrap(),
            "{key_type}"
        );
    }
}

#[test]
fn a_generated_key_survives_the_way_to_the_vault_and_back() {
    for key_type in KeyType::GENERATED {
        let key = PrivateKey::generate(key_type).unwrap();
        let read = PrivateKey::from_openssh(&key.to_openssh().unwrap()).unwrap();
        assert_eq!(read.key_type(), key_type);
        assert_eq!(read.public(), key.public());
    }
}

#[test]
fn two_generated_keys_differ() {
    let one = PrivateKey::generate(KeyType::Ed25519).unwrap();
    let two = PrivateKey::generate(KeyType::Ed25519).unwrap();
    assert_ne!(one.fingerprint(), two.fingerprint());
}

#[test]
fn rsa_with_4096_bits_is_quick_enough_for_a_request() {
    let start = Instant::now();
    PrivateKey::generate(KeyType::RSA_4096).unwrap();
    let took = start.elapsed();
    assert!(took < Duration::from_secs(30), "{took:?}");
}

#[test]
fn other_sizes_are_not_generated() {
    let error = PrivateKey::generate(KeyType::Rsa(1024)).unwrap_err();
    assert!(matches!(error, Error::NotGenerated { .. }));
    assert!(
        error.to_string().contains("rsa_1024") && error.to_string().contains("ed25519"),
        "{error}"
    );
}

#[test]
fn names_of_types_are_read_back() {
    for key_type in
        KeyType::GENERATED
            .into_iter()
            .chain([KeyType::Rsa(1024), KeyType::Rsa(2047), KeyType::Rsa(8192)])
    {
        assert_eq!(key_type.to_string().parse::<KeyType>().unwrap(), key_type);
    }
    for name in [
        "",
        "rsa",
        "RSA_2048",
        "rsa_",
        "rsa_02048",
        "rsa_+2048",
        "rsa_1023",
        "rsa_8193",
        "dsa",
        "ed25519 ",
    ] {
        let error = name.parse::<KeyType>().unwrap_err();
        assert!(matches!(error, Error::UnknownKeyType { .. }), "{name}");
    }
}

#[test]
fn debug_shows_no_secret() {
    let key = PrivateKey::generate(KeyType::Ed25519).unwrap();
    let printed = format!("{key:?}");
    assert_eq!(
        printed,
        format!(
            "PrivateKey {{ key_type: Ed25519, fingerprint: \"{}\", .. }}",
            key.fingerprint()
        )
    );
}

#[test]
fn fips_mode_approves_of_rsa_from_2048_bits_and_of_the_nist_curves() {
    let approved = KeyType::GENERATED.map(KeyType::is_fips_approved);
    assert_eq!(approved, [false, true, true, true, true, true, true]);
    assert!(!KeyType::Rsa(2047).is_fips_approved());
}
