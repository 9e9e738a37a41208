//! What isn't a usable private key, and what is said about it.

use courier_keys::{Error, PrivateKey};
use russh::keys::ssh_key::private::{KeypairData, RsaKeypair, RsaPrivateKey};
use russh::keys::ssh_key::public::RsaPublicKey;
use russh::keys::ssh_key::{self, LineEnding, Mpint};

use crate::tools::{Keys, PASSPHRASE, passphrase};

fn message(bytes: impl AsRef<[u8]>) -> String {
    PrivateKey::import(bytes.as_ref(), None).unwrap_err().to_string()
}

#[test]
fn what_is_no_private_key_is_told() {
    let keys = Keys::new();
    keys.ssh_keygen("-t ed25519", "");
    let public = std::fs::read(keys.path("ssh-keygen.pub")).unwrap();
    let certificate =
        "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29t somebody";
    for (bytes, expected) in [
        (&b""[..], "it is empty"),
        (b" \n ", "it is empty"),
        (b"hunter2", "expected text that starts with"),
        (&public, "it is a public key"),
        (certificate.as_bytes(), "it is an SSH certificate"),
        (
            b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
            "it is a public key",
        ),
        (b"---- BEGIN SSH2 PUBLIC KEY ----\nAAAA", "it is a public key"),
        (
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
            "it is an X.509 certificate",
        ),
        (b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n", "it is an OpenPGP key"),
        (b"\x7fELF\xff\xfe", "it is not text"),
        (&[b'A'; 70_000], "it has 70000 bytes"),
    ] {
        let error = PrivateKey::import(bytes, None).unwrap_err();
        assert!(matches!(error, Error::NotAPrivateKey { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[test]
fn known_containers_that_are_not_read_are_named() {
    for (bytes, expected) in [
        (&b"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n"[..], "ssh.com"),
        (b"SSH PRIVATE KEY FILE FORMAT 1.1\n\0\0", "SSH protocol 1"),
        (b"{\"kty\":\"RSA\",\"d\":\"AAAA\"}", "a JSON Web Key"),
        (b"\xfe\xed\xfe\xed\0\0\0\x02", "keytool"),
        (
            b"-----BEGIN ANY PRIVATE KEY-----\nAAAA\n-----END ANY PRIVATE KEY-----",
            "\"ANY PRIVATE KEY\"",
        ),
        (
            b"-----BEGIN DSA PRIVATE KEY-----\nAAAA\n-----END DSA PRIVATE KEY-----",
            "DSA (ssh-dss)",
        ),
    ] {
        let error = PrivateKey::import(bytes, None).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn files_around_a_key_are_told_apart() {
    let keys = Keys::new();
    keys.write("key", &keys.openssl("genpkey -algorithm RSA"));
    keys.write(
        "cert",
        &keys.openssl("req -x509 -key key -subj /CN=somebody -days 1"),
    );
    for (arguments, expected) in [
        (
            "pkcs12 -export -inkey key -in cert -passout pass:secret",
            "openssl pkcs12 -in FILE -nocerts",
        ),
        ("x509 -in cert -outform DER", "X.509 certificate"),
        ("x509 -in cert", "X.509 certificate"),
        ("req -new -key key -subj /CN=somebody", "X.509 certificate"),
        ("pkey -in key -pubout", "it is a public key"),
        ("pkey -in key -pubout -outform DER", "it is a public key"),
        ("rsa -in key -RSAPublicKey_out", "it is a public key"),
        ("rsa -in key -RSAPublicKey_out -outform DER", "it is a public key"),
    ] {
        let file = keys.openssl(arguments);
        let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &file);
        for file in [file.as_slice(), base64.as_bytes()] {
            let error = message(file);
            assert!(error.contains(expected), "{arguments}: {error}");
        }
    }
    // With the certificate in front, the key is found.
    let both = ["cert", "key"].map(|name| std::fs::read(keys.path(name)).unwrap());
    PrivateKey::import(&both.concat(), None).unwrap();
}

#[test]
fn damaged_keys_say_which_format_is_damaged() {
    let keys = Keys::new();
    for (format, name) in [("RFC4716", "OpenSSH"), ("PEM", "SEC1"), ("PKCS8", "PKCS#8")] {
        let file = String::from_utf8(keys.ssh_keygen(&format!("-t ecdsa -m {format}"), "")).unwrap();
        let lines: Vec<&str> = file.lines().collect();
        let without_end = lines[..lines.len() - 1].join("\n");
        let without_a_line = [&lines[..2], &lines[3..]].concat().join("\n");
        let not_base64 = file.replace(lines[1], &lines[1].replacen('A', "?", 1));
        for (text, expected) in [
            (without_end, "END line is missing"),
            (without_a_line, "damaged"),
            (not_base64, "not base64"),
        ] {
            let error = message(&text);
            assert!(
                error.contains(name) && error.contains(expected),
                "{format}: {error}"
            );
        }
    }
}

#[test]
fn types_that_cannot_be_used_are_named() {
    let keys = Keys::new();
    for (arguments, expected) in [
        ("genpkey -algorithm X25519", "1.3.101.110"),
        ("ecparam -name secp256k1 -genkey -noout", "1.3.132.0.10"),
    ] {
        let error = message(keys.openssl(arguments));
        assert!(
            error.contains(expected) && error.contains("not supported"),
            "{arguments}: {error}"
        );
    }
    keys.write(
        "parameters",
        &keys.openssl("genpkey -genparam -algorithm DSA -pkeyopt dsa_paramgen_bits:1024"),
    );
    let error = message(keys.openssl("genpkey -paramfile parameters"));
    assert!(
        error.contains("DSA (ssh-dss)") && error.contains("ed25519"),
        "{error}"
    );
}

#[test]
fn rsa_that_is_too_weak_or_too_large_is_refused_with_its_size() {
    let keys = Keys::new();
    for (format, bits) in [("-traditional", 512), ("-traditional", 1023), ("", 1016)] {
        let arguments = format!("genrsa {format} {bits}").replace("  ", " ");
        let error = PrivateKey::import(&keys.openssl(&arguments), None).unwrap_err();
        assert!(
            matches!(error, Error::RsaSize { bits: found } if found == bits),
            "{arguments}: {error}"
        );
        assert!(error.to_string().contains("too weak"), "{error}");
    }
    let large = rsa([0xff; 1025], [1, 0, 1], [3], [3], [3]);
    assert!(message(large).contains("8200 bits is too large"));
}

#[test]
fn too_many_bcrypt_rounds_are_refused_before_they_are_computed() {
    let keys = Keys::new();
    let file = keys.ssh_keygen("-t ed25519", PASSPHRASE);
    let key = ssh_key::PrivateKey::from_openssh(file).unwrap();
    let mut bytes = key.to_bytes().unwrap().to_vec();
    // magic, cipher, name and length of the options, salt of 16 bytes: then the rounds.
    let rounds = 15 + (4 + 10) + (4 + 6) + 4 + (4 + 16);
    assert_eq!(bytes[rounds..rounds + 4], [0, 0, 0, 1]);
    bytes[rounds..rounds + 4].copy_from_slice(&u32::MAX.to_be_bytes());
    let text = ssh_key::PrivateKey::from_bytes(&bytes)
        .unwrap()
        .to_openssh(LineEnding::LF)
        .unwrap();
    let error = PrivateKey::import(text.as_bytes(), Some(&passphrase()))
        .unwrap_err()
        .to_string();
    assert!(error.contains("4294967295 bcrypt rounds"), "{error}");
}

/// OpenSSH text of an RSA key of these numbers, whatever they are.
fn rsa(
    n: impl AsRef<[u8]>,
    e: impl AsRef<[u8]>,
    d: impl AsRef<[u8]>,
    p: impl AsRef<[u8]>,
    q: impl AsRef<[u8]>,
) -> String {
    let number = |bytes: &[u8]| Mpint::from_positive_bytes(bytes);
    let public = RsaPublicKey::new(number(e.as_ref()), number(n.as_ref())).unwrap();
    let one = number(&[1]);
    let private =
        RsaPrivateKey::new(number(d.as_ref()), one, number(p.as_ref()), number(q.as_ref())).unwrap();
    let pair = KeypairData::Rsa(RsaKeypair::new(public, private).unwrap());
    ssh_key::PrivateKey::new(pair, "")
        .unwrap()
        .to_openssh(LineEnding::LF)
        .unwrap()
        .to_string()
}

#[test]
fn numbers_that_make_no_rsa_key_are_refused() {
    let odd = [0x81; 256];
    let mut even = odd;
    even[255] = 0x80;
    for n in [odd, even] {
        for e in [&[1, 0, 1][..], &[1], &[2], &[0xff; 256]] {
            for d in [&[1][..], &[3], &odd] {
                for (p, q) in [
                    (&[1][..], &n[..]),
                    (&n, &[1]),
                    (&[1], &[1]),
                    (&[2], &[2]),
                    (&[3], &[3]),
                    (&odd[..128], &odd[..128]),
                ] {
                    let error = PrivateKey::import(rsa(n, e, d, p, q).as_bytes(), None).unwrap_err();
                    assert!(matches!(error, Error::Mismatch), "{error}");
                }
            }
        }
    }
}

#[test]
fn halves_of_two_keys_are_refused() {
    let keys = Keys::new();
    for (options, at) in [
        ("-t ed25519", "ed25519"),
        ("-t ecdsa", "ecdsa"),
        ("-t rsa -b 2048", "rsa"),
    ] {
        let one = ssh_key::PrivateKey::from_openssh(keys.ssh_keygen(options, "")).unwrap();
        let two = ssh_key::PrivateKey::from_openssh(keys.ssh_keygen(options, "")).unwrap();
        let mixed = match (one.key_data(), two.key_data()) {
            (KeypairData::Rsa(one), KeypairData::Rsa(two)) => {
                KeypairData::Rsa(RsaKeypair::new(one.public().clone(), two.private().clone()).unwrap())
            }
            (KeypairData::Ed25519(one), KeypairData::Ed25519(two)) => {
                KeypairData::Ed25519(ssh_key::private::Ed25519Keypair {
                    public: one.public,
                    private: two.private.clone(),
                })
            }
            (
                KeypairData::Ecdsa(ssh_key::private::EcdsaKeypair::NistP256 { public, .. }),
                KeypairData::Ecdsa(ssh_key::private::EcdsaKeypair::NistP256 { private, .. }),
            ) => KeypairData::Ecdsa(ssh_key::private::EcdsaKeypair::NistP256 {
                public: *public,
                private: private.clone(),
            }),
            _ => panic!("{at}"),
        };
        let text = ssh_key::PrivateKey::new(mixed, "")
            .unwrap()
            .to_openssh(LineEnding::LF)
            .unwrap();
        let error = PrivateKey::import(text.as_bytes(), None).unwrap_err();
        assert!(
            matches!(error, Error::Mismatch | Error::Malformed { .. }),
            "{at}: {error}"
        );
    }
}
