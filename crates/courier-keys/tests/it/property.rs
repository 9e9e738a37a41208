use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use courier_keys::{Identity, KeyType, PrivateKey, PublicKey};
use proptest::prelude::*;
use russh::keys::ssh_key::{Cipher, Kdf, LineEnding};
use secrecy::SecretString;

use crate::tools::{Keys, PASSPHRASE, passphrase};

/// Files of every format, encrypted and not, to start from.
static FILES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let keys = Keys::new();
    let mut files = Vec::new();
    for options in ["-t rsa -b 1024", "-t ed25519", "-t ecdsa"] {
        for format in ["RFC4716", "PEM", "PKCS8"] {
            for passphrase in ["", PASSPHRASE] {
                files.push(keys.ssh_keygen(&format!("{options} -m {format}"), passphrase));
            }
        }
    }
    for sample in keys.of_openssh() {
        for version in ["version=2", "version=3,memory=64,passes=1"] {
            for passphrase in ["", PASSPHRASE] {
                files.push(keys.puttygen(&sample.path, version, passphrase));
            }
        }
    }
    keys.write("secret", PASSPHRASE.as_bytes());
    for sample in keys.of_openssl() {
        let key = sample.path.display();
        for how in [
            "-nocrypt",
            "-passout file:secret -v2 des3 -iter 1",
            "-passout file:secret -v1 PBE-SHA1-3DES -iter 1",
        ] {
            files.push(keys.openssl(&format!("pkcs8 -topk8 -in {key} -outform DER {how}")));
        }
    }
    files
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
        prop_assert!(PrivateKey::import(&bytes, None).is_err());
    }

    #[test]
    fn arbitrary_content_in_every_container_never_panics(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        label in prop::sample::select(vec!["OPENSSH ", "RSA ", "EC ", "", "ENCRYPTED "]),
    ) {
        let body = STANDARD.encode(bytes);
        let text = format!("-----BEGIN {label}PRIVATE KEY-----\n{body}\n-----END {label}PRIVATE KEY-----\n");
        prop_assert!(PrivateKey::import(text.as_bytes(), Some(&passphrase())).is_err());
    }

    #[test]
    fn mutated_files_never_panic(
        file in any::<prop::sample::Index>(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let mut bytes = file.get(&FILES).clone();
        for (position, byte) in edits {
            let position = position.index(bytes.len());
            bytes[position] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = PrivateKey::import(&bytes, Some(&passphrase()));
        let _ = PrivateKey::import(&bytes, None);
    }

    /// Edits below the base64, which reach the numbers of the key.
    #[test]
    fn mutated_content_never_panics(
        file in any::<prop::sample::Index>(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let Ok(text) = String::from_utf8(file.get(&FILES).clone()) else { return Ok(()) };
        let body: String = text.lines().filter(|line| !line.contains([':', '-', ' '])).collect();
        let Ok(mut bytes) = STANDARD.decode(&body) else { return Ok(()) };
        for (position, byte) in edits {
            let position = position.index(bytes.len());
            bytes[position] = byte;
        }
        let label = text.lines().next().unwrap();
        let end = label.replace("BEGIN", "END");
        let mutated = format!("{label}\n{}\n{end}\n", STANDARD.encode(bytes));
        let _ = PrivateKey::import(mutated.as_bytes(), Some(&passphrase()));
    }

    #[test]
    fn arbitrary_public_lines_never_panic(line in ".*", key in "(ssh-rsa|ssh-ed25519|ecdsa-sha2-nistp256) [A-Za-z0-9+/=]{0,200}") {
        let _ = PublicKey::from_authorized_keys_line(&line);
        let _ = PublicKey::from_authorized_keys_line(&key);
        let _ = Identity::from_openssh(&line);
        let _ = Identity::from_openssh(&key);
    }

    #[test]
    fn arbitrary_blobs_of_every_type_never_panic(
        name in "(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp256|sk-ssh-ed25519@openssh.com)", cert: bool, rest: Vec<u8>,
    ) {
        let name = match (cert, name.split_once('@')) {
            (false, _) => name,
            (true, Some((name, _))) => format!("{name}-cert-v01@openssh.com"),
            (true, None) => format!("{name}-cert-v01@openssh.com"),
        };
        let length = u32::try_from(name.len()).unwrap().to_be_bytes();
        let _ = Identity::from_blob(&[&length[..], name.as_bytes(), &rest].concat());
    }
}

proptest! {
    // Few cases: bcrypt is slow by intent.
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_passphrase_opens_what_it_closed(text in "[^\0]{1,40}") {
        let key = PrivateKey::generate(KeyType::Ed25519).unwrap();
        let kdf = Kdf::Bcrypt { salt: vec![7; 16], rounds: 1 };
        let encrypted = key.inner().encrypt_with(Cipher::Aes256Ctr, kdf, 1, text.as_bytes()).unwrap();
        let file = encrypted.to_openssh(LineEnding::LF).unwrap();
        let opened = PrivateKey::import(file.as_bytes(), Some(&SecretString::from(text))).unwrap();
        prop_assert_eq!(opened.public(), key.public());
    }
}
