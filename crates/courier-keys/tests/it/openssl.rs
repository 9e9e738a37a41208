//! The formats of OpenSSL: PKCS#1, SEC 1 and PKCS#8, as text and binary, under each scheme of encryption.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use courier_keys::{Error, KeyType, PrivateKey};
use secrecy::{ExposeSecret, SecretString};

use crate::tools::{Keys, PASSPHRASE, Sample, public_line};

/// What was left out of OpenSSL's usual build, from version 3 on.
const LEGACY: &str = "-provider legacy -provider default";

/// The ciphers of RFC 1421 that OpenSSL writes, and what it needs for them.
const LEGACY_CIPHERS: [(&str, &str); 5] = [
    ("aes128", ""),
    ("aes192", ""),
    ("aes256", ""),
    ("des3", ""),
    ("des", LEGACY),
];

/// The schemes for PKCS#8 of today and of old.
const SCHEMES: [&str; 16] = [
    "",
    "-v2 aes-128-cbc",
    "-v2 aes-192-cbc",
    "-v2 aes-256-cbc",
    "-v2 des3",
    "-v2 aes-256-cbc -v2prf hmacWithSHA1",
    "-v2 aes-256-cbc -v2prf hmacWithSHA224",
    "-v2 aes-256-cbc -v2prf hmacWithSHA384",
    "-v2 aes-256-cbc -v2prf hmacWithSHA512",
    "-v2 des3 -v2prf hmacWithSHA1",
    "-scrypt",
    "-scrypt -v2 des3",
    "-v1 PBE-SHA1-3DES",
    "-v1 PBE-SHA1-2DES",
    "-v1 PBE-MD5-DES -provider legacy -provider default",
    "-v1 PBE-SHA1-DES -provider legacy -provider default",
];

fn key_type(sample: &Sample) -> &'static str {
    match sample.name {
        "rsa" => "rsa",
        _ => "ec",
    }
}

/// PKCS#1 and SEC 1, in which OpenSSL has no Ed25519.
fn traditional(keys: &Keys) -> Vec<Sample> {
    let samples = keys.of_openssl().into_iter();
    samples.filter(|sample| sample.name != "ed25519").collect()
}

fn spawn(keys: &Keys, arguments: &str) -> Vec<u8> {
    let words: Vec<&str> = arguments.split_whitespace().collect();
    keys.openssl(&words.join(" "))
}

#[test]
fn pkcs1_and_sec1() {
    let keys = Keys::new();
    for sample in traditional(&keys) {
        let (path, command) = (sample.path.display(), key_type(&sample));
        let traditional = if command == "rsa" { "-traditional" } else { "" };
        for form in ["PEM", "DER"] {
            let what = format!("{} {form}", sample.name);
            let file = spawn(
                &keys,
                &format!("{command} -in {path} {traditional} -outform {form}"),
            );
            keys.opens(&what, &file, None, &sample.public);
        }
        for (cipher, provider) in LEGACY_CIPHERS {
            let what = format!("{} {cipher}", sample.name);
            keys.write("secret", PASSPHRASE.as_bytes());
            let file = spawn(
                &keys,
                &format!("{command} -in {path} {traditional} -{cipher} -passout file:secret {provider}"),
            );
            assert!(file.windows(8).any(|window| window == b"DEK-Info"), "{what}");
            keys.opens_with_the_passphrase(&what, &file, &sample.public);
        }
    }
}

#[test]
fn pkcs8() {
    let keys = Keys::new();
    keys.write("secret", PASSPHRASE.as_bytes());
    for sample in keys.of_openssl() {
        let path = sample.path.display();
        for form in ["PEM", "DER"] {
            let what = format!("{} {form}", sample.name);
            let file = spawn(
                &keys,
                &format!("pkcs8 -topk8 -in {path} -nocrypt -outform {form}"),
            );
            keys.opens(&what, &file, None, &sample.public);
            let schemes = if form == "DER" { &SCHEMES[..1] } else { &SCHEMES };
            for scheme in schemes {
                let what = format!("{what} {scheme}");
                let file = spawn(
                    &keys,
                    &format!("pkcs8 -topk8 -in {path} -passout file:secret -outform {form} {scheme}"),
                );
                keys.opens_with_the_passphrase(&what, &file, &sample.public);
            }
        }
    }
}

/// Version 2 of PKCS#8 holds the public half as well (RFC 5958); OpenSSL 3.0 neither writes nor reads it, others do.
#[test]
fn pkcs8_with_the_public_half() {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    let keys = Keys::new();
    let pair = Ed25519KeyPair::generate().unwrap();
    let der = pair.to_pkcs8().unwrap();
    let blob = [b"\0\0\0\x0bssh-ed25519\0\0\0\x20", pair.public_key().as_ref()].concat();
    let public = format!("ssh-ed25519 {}", STANDARD.encode(blob));
    keys.opens("version 2", der.as_ref(), None, &public);
    let key = PrivateKey::import(der.as_ref(), None).unwrap();
    let closed = russh::keys::pkcs8::encode_pkcs8_encrypted(PASSPHRASE.as_bytes(), 1, key.inner()).unwrap();
    assert!(closed.len() > 150, "the public half is there");
    keys.opens_with_the_passphrase("version 2", &closed, &public);
}

#[test]
fn passphrases_are_utf_8() {
    const UMLAUTS: &str = "Grüße_aus_Köln_🔑";
    let keys = Keys::new();
    let sample = &keys.of_openssl()[1];
    let path = sample.path.display();
    for scheme in ["-v2 aes-256-cbc", "-v1 PBE-SHA1-3DES", "-v1 PBE-SHA1-2DES"] {
        let file = keys.openssl(&format!(
            "pkcs8 -topk8 -in {path} -passout pass:{UMLAUTS} {scheme}"
        ));
        keys.opens(scheme, &file, Some(UMLAUTS), &sample.public);
    }
    let sample = &keys.of_openssh()[1];
    let file = keys.rewritten(sample, "", UMLAUTS);
    keys.opens("OpenSSH", &file, Some(UMLAUTS), &sample.public);
    let file = keys.puttygen(&sample.path, "version=3,memory=64,passes=1", UMLAUTS);
    keys.opens("PuTTY", &file, Some(UMLAUTS), &sample.public);
}

/// OpenSSL itself makes and takes no more than 32 MiB.
#[test]
fn scrypt_with_64_mib() {
    use openssl::symm::{Cipher, encrypt};
    let keys = Keys::new();
    let sample = &keys.of_openssl()[1];
    let path = sample.path.display();
    let plain = keys.openssl(&format!("pkcs8 -topk8 -nocrypt -in {path} -outform DER"));
    let mut file = keys.openssl(&format!(
        "pkcs8 -topk8 -in {path} -passout pass:x -outform DER -v2 aes-256-cbc -scrypt"
    ));
    let find = |file: &[u8], part: &[u8]| {
        file.windows(part.len())
            .position(|window| window == part)
            .unwrap()
    };
    // Behind the salt: N of 16384, and r of 8, which becomes 32.
    let numbers = find(&file, &[2, 2, 0x40, 0, 2, 1, 8]);
    file[numbers + 6] = 32;
    let salt = [8, 16]
        .into_iter()
        .find(|length| file[numbers - length - 2..numbers - length] == [4, u8::try_from(*length).unwrap()]);
    let salt = file[numbers - salt.unwrap()..numbers].to_vec();
    let aes_256_cbc = [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 0x2a, 4, 16];
    let iv = find(&file, &aes_256_cbc) + aes_256_cbc.len();
    let mut key = [0; 32];
    openssl::pkcs5::scrypt(PASSPHRASE.as_bytes(), &salt, 16384, 32, 1, 1 << 30, &mut key).unwrap();
    let data = encrypt(Cipher::aes_256_cbc(), &key, Some(&file[iv..iv + 16]), &plain).unwrap();
    let at = file.len() - data.len();
    file[at..].copy_from_slice(&data);
    keys.opens_with_the_passphrase("64 MiB", &file, &sample.public);
}

#[test]
fn binary_files_travel_as_base64() {
    let keys = Keys::new();
    keys.write("secret", PASSPHRASE.as_bytes());
    for sample in keys.of_openssl() {
        let path = sample.path.display();
        let plain = keys.openssl(&format!("pkcs8 -topk8 -nocrypt -in {path} -outform DER"));
        let closed = keys.openssl(&format!(
            "pkcs8 -topk8 -in {path} -passout file:secret -outform DER"
        ));
        let wrapped = |data: &[u8]| {
            let text = STANDARD.encode(data);
            let lines: Vec<&str> = text
                .as_bytes()
                .chunks(76)
                .map(|line| str::from_utf8(line).unwrap())
                .collect();
            lines.join("\r\n")
        };
        keys.opens(
            sample.name,
            STANDARD.encode(&plain).as_bytes(),
            None,
            &sample.public,
        );
        keys.opens(sample.name, wrapped(&plain).as_bytes(), None, &sample.public);
        keys.opens_with_the_passphrase(sample.name, wrapped(&closed).as_bytes(), &sample.public);
        for file in [&plain, &std::fs::read(&sample.path).unwrap()] {
            let text = courier_keys::file_as_text(file);
            keys.opens(sample.name, text.expose_secret().as_bytes(), None, &sample.public);
        }
        // A text file as well, whatever it is in.
        let text = std::fs::read(&sample.path).unwrap();
        keys.opens(sample.name, wrapped(&text).as_bytes(), None, &sample.public);
    }
}

#[test]
fn curves_given_by_their_numbers() {
    let keys = Keys::new();
    for curve in ["prime256v1", "secp384r1", "secp521r1"] {
        let sec1 = keys.openssl(&format!(
            "ecparam -name {curve} -param_enc explicit -genkey -noout"
        ));
        let path = keys.write("explicit", &sec1);
        let public = public_line(&path);
        keys.opens(curve, &sec1, None, &public);
        let pkcs8 = keys.openssl("pkcs8 -topk8 -nocrypt -in explicit");
        keys.opens(curve, &pkcs8, None, &public);
        keys.write("secret", PASSPHRASE.as_bytes());
        let closed = keys.openssl("pkcs8 -topk8 -in explicit -passout file:secret");
        keys.opens_with_the_passphrase(curve, &closed, &public);
    }
}

#[test]
fn keys_straight_from_openssl() {
    let keys = Keys::new();
    for (arguments, key_type) in [
        ("genrsa -traditional 2048", KeyType::RSA_2048),
        ("genrsa 3072", KeyType::RSA_3072),
        // A block with the curve comes first.
        ("ecparam -name secp521r1 -genkey", KeyType::Ecdsa521),
    ] {
        let file = keys.openssl(arguments);
        let key = PrivateKey::import(&file, None).unwrap_or_else(|error| panic!("{arguments}: {error}"));
        assert_eq!(key.key_type(), key_type, "{arguments}");
    }
}

/// Programs write PKCS#8 under the label of PKCS#1, and the other way round.
#[test]
fn a_wrong_label_does_not_matter() {
    let keys = Keys::new();
    let key = keys.openssl("genrsa -traditional 2048");
    keys.write("key", &key);
    let pkcs8 = String::from_utf8(keys.openssl("pkcs8 -topk8 -nocrypt -in key")).unwrap();
    let expected = PrivateKey::import(&key, None).unwrap().fingerprint();
    let key = String::from_utf8(key).unwrap();
    for text in [
        key.replace("RSA PRIVATE", "PRIVATE"),
        key.replace("RSA PRIVATE", "EC PRIVATE"),
        pkcs8.replace("PRIVATE", "RSA PRIVATE"),
        pkcs8.replace("PRIVATE", "ENCRYPTED PRIVATE"),
    ] {
        assert_eq!(
            PrivateKey::import(text.as_bytes(), None).unwrap().fingerprint(),
            expected
        );
    }
}

#[test]
fn schemes_that_are_not_read_are_named() {
    let keys = Keys::new();
    keys.write("plain", &keys.openssl("genpkey -algorithm ED25519"));
    for (how, expected) in [
        ("-v2 camellia-256-cbc", "a cipher other than AES and 3DES"),
        ("-v1 PBE-SHA1-RC4-128 -provider legacy -provider default", "RC4"),
        ("-v1 PBE-SHA1-RC2-40 -provider legacy -provider default", "RC2"),
    ] {
        let file = keys.openssl(&format!("pkcs8 -topk8 -in plain -passout pass:secret {how}"));
        let error = PrivateKey::import(&file, Some(&SecretString::from("secret"))).unwrap_err();
        assert!(
            matches!(error, Error::Unsupported { .. }) && error.to_string().contains(expected),
            "{how}: {error}"
        );
        assert!(
            error.to_string().contains("convert a copy of it with: "),
            "{error}"
        );
    }
    let file = keys.openssl("genrsa -traditional -camellia256 -passout pass:secret 2048");
    let error = PrivateKey::import(&file, Some(&SecretString::from("secret"))).unwrap_err();
    assert!(
        error.to_string().contains("encrypted with CAMELLIA-256-CBC"),
        "{error}"
    );
}

#[test]
fn types_under_a_passphrase_that_cannot_be_used_are_named() {
    let keys = Keys::new();
    for (arguments, expected) in [
        ("genpkey -algorithm X25519", "1.3.101.110"),
        ("genpkey -algorithm ED448", "1.3.101.113"),
        ("ecparam -name secp256k1 -genkey -noout", "1.3.132.0.10"),
    ] {
        keys.write("plain", &keys.openssl(arguments));
        let file = keys.openssl("pkcs8 -topk8 -in plain -passout pass:secret");
        let error = PrivateKey::import(&file, Some(&SecretString::from("secret"))).unwrap_err();
        assert!(
            matches!(error, Error::Unsupported { .. }) && error.to_string().contains(expected),
            "{arguments}: {error}"
        );
    }
}

#[test]
fn keys_that_take_for_ever_to_open_are_refused() {
    let keys = Keys::new();
    keys.write("plain", &keys.openssl("genpkey -algorithm ED25519"));
    for (how, from, to, expected) in [
        // 65536 iterations become 8388607.
        (
            "-v2 aes-256-cbc -iter 65536",
            &[2, 3, 1, 0, 0][..],
            &[2, 3, 0x7f, 0xff, 0xff][..],
            "8388607 iterations",
        ),
        (
            "-v1 PBE-SHA1-3DES -iter 65536",
            &[2, 3, 1, 0, 0],
            &[2, 3, 0x7f, 0xff, 0xff],
            "8388607 iterations",
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
        let error = PrivateKey::import(&der, Some(&SecretString::from("secret"))).unwrap_err();
        assert!(
            matches!(error, Error::Unsupported { .. }) && error.to_string().contains(expected),
            "{how}: {error}"
        );
    }
}
