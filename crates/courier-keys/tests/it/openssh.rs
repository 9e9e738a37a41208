//! OpenSSH's own format, as `ssh-keygen` writes it.

use courier_keys::{PrivateKey, PublicKey};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::nid::Nid;

use crate::tools::{Keys, PASSPHRASE, Sample, passphrase, public_line, run};

/// All that `ssh-keygen -Z` takes.
const CIPHERS: [&str; 10] = [
    "3des-cbc",
    "aes128-cbc",
    "aes192-cbc",
    "aes256-cbc",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
];

#[test]
fn the_ciphers_are_those_that_ssh_keygen_knows() {
    let mut known = run(std::process::Command::new("ssh").args(["-Q", "cipher"])).stdout;
    known.retain(|byte| *byte != b'\r');
    let known = String::from_utf8(known).unwrap();
    for cipher in known.lines().filter(|cipher| !cipher.starts_with("rijndael")) {
        assert!(CIPHERS.contains(&cipher), "{cipher}");
    }
}

#[test]
fn every_type_under_every_cipher() {
    let keys = Keys::new();
    for sample in keys.of_openssh() {
        keys.opens(
            sample.name,
            &std::fs::read(&sample.path).unwrap(),
            None,
            &sample.public,
        );
        for cipher in CIPHERS {
            let file = keys.rewritten(&sample, &format!("-Z {cipher}"), PASSPHRASE);
            keys.opens_with_the_passphrase(&format!("{} {cipher}", sample.name), &file, &sample.public);
        }
    }
}

/// One key in 256 has a scalar that begins with a zero byte, and the number is written without it.
#[test]
fn ecdsa_keys_with_short_scalars() {
    let keys = Keys::new();
    for (curve, size) in [
        (Nid::X9_62_PRIME256V1, 32),
        (Nid::SECP384R1, 48),
        (Nid::SECP521R1, 66),
    ] {
        for zeros in [1, 2, 8] {
            let what = format!("{curve:?}, {zeros} zeros");
            let mut scalar = vec![0x5a; size];
            scalar[..zeros].fill(0);
            let pem = ec_pem(curve, &scalar);
            let path = keys.write("short", &pem);
            let public = public_line(&path);
            keys.opens(&what, &pem, None, &public);
            let sample = Sample {
                name: "short",
                path,
                public,
            };
            let file = keys.rewritten(&sample, "", "");
            assert!(file.starts_with(b"-----BEGIN OPENSSH PRIVATE KEY-----"), "{what}");
            keys.opens(&what, &file, None, &sample.public);
            let file = keys.rewritten(&sample, "", PASSPHRASE);
            keys.opens_with_the_passphrase(&what, &file, &sample.public);
            let file = keys.puttygen(
                &keys.write("openssh", &keys.rewritten(&sample, "", "")),
                "version=3",
                "",
            );
            keys.opens(&what, &file, None, &sample.public);
        }
    }
}

fn ec_pem(curve: Nid, scalar: &[u8]) -> Vec<u8> {
    let group = EcGroup::from_curve_name(curve).unwrap();
    let scalar = BigNum::from_slice(scalar).unwrap();
    let mut point = EcPoint::new(&group).unwrap();
    let mut context = openssl::bn::BigNumContext::new().unwrap();
    point.mul_generator2(&group, &scalar, &mut context).unwrap();
    let key = EcKey::from_private_components(&group, &scalar, &point).unwrap();
    key.private_key_to_pem().unwrap()
}

#[test]
fn the_public_half_is_read_without_the_passphrase() {
    let keys = Keys::new();
    for sample in keys.of_openssh() {
        let file = keys.rewritten(&sample, "", PASSPHRASE);
        let public = PublicKey::beside_private(&file).unwrap();
        assert_eq!(public.authorized_keys_line("").unwrap(), sample.public);
    }
    let pem = keys.openssl("genpkey -algorithm ED25519");
    assert!(PublicKey::beside_private(&pem).is_none());
}

#[test]
fn damage_to_an_encrypted_key_is_told() {
    let keys = Keys::new();
    let file = String::from_utf8(keys.ssh_keygen("-t ed25519", PASSPHRASE)).unwrap();
    let lines: Vec<&str> = file.lines().collect();
    let cut = [&lines[..lines.len() - 3], &lines[lines.len() - 1..]]
        .concat()
        .join("\n");
    let error = PrivateKey::import(cut.as_bytes(), Some(&passphrase())).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the OpenSSH private key is damaged"),
        "{error}"
    );
}
