//! Keys that PuTTYgen wrote.

use std::process::Command;

use courier_keys::{Error, PrivateKey};
use openssl::pkey::{Id, PKey};
use secrecy::ExposeSecret;

use crate::tools::{Keys, PASSPHRASE, passphrase, run};

/// Cheap to open, and with each of the key derivations.
const VERSIONS: [&str; 4] = [
    "version=2",
    "version=3,kdf=argon2id,memory=1024,passes=2",
    "version=3,kdf=argon2i,memory=1024,passes=2,parallelism=2",
    "version=3,kdf=argon2d,memory=256,passes=1",
];

#[test]
fn keys_of_every_type_in_both_versions() {
    let keys = Keys::new();
    for sample in keys.of_openssh() {
        for version in VERSIONS {
            let what = format!("{} {version}", sample.name);
            let file = keys.puttygen(&sample.path, version, "");
            keys.opens(&what, &file, None, &sample.public);
            let file = keys.puttygen(&sample.path, version, PASSPHRASE);
            keys.opens_with_the_passphrase(&what, &file, &sample.public);
        }
    }
}

#[test]
fn keys_that_puttygen_made() {
    let keys = Keys::new();
    keys.write("passphrase", PASSPHRASE.as_bytes());
    for options in ["-t rsa -b 2048", "-t ed25519", "-t ecdsa -b 384"] {
        let mut command = Command::new("puttygen");
        command.args(options.split(' ')).current_dir(keys.path(""));
        run(command.args(["-q", "-o", "made.ppk", "--new-passphrase", "passphrase"]));
        let public = run(Command::new("puttygen").arg(keys.path("made.ppk")).arg("-L")).stdout;
        let public = String::from_utf8(public).unwrap();
        let public: Vec<&str> = public.split_whitespace().take(2).collect();
        // As PuTTYgen does it unless told otherwise.
        let file = std::fs::read(keys.path("made.ppk")).unwrap();
        keys.opens(options, &file, Some(PASSPHRASE), &public.join(" "));
    }
}

#[test]
fn ed25519_keys_that_begin_or_end_with_zeros() {
    let keys = Keys::new();
    for (zeros, at_the_end) in [(1, false), (2, false), (1, true), (3, true)] {
        let mut seed = [0x5a; 32];
        match at_the_end {
            false => seed[..zeros].fill(0),
            true => seed[32 - zeros..].fill(0),
        }
        let key = PKey::private_key_from_raw_bytes(&seed, Id::ED25519).unwrap();
        let key = PrivateKey::import(&key.private_key_to_pem_pkcs8().unwrap(), None).unwrap();
        let path = keys.write("zeros", key.to_openssh().unwrap().expose_secret().as_bytes());
        let public = key.public().authorized_keys_line("").unwrap();
        for version in [VERSIONS[0], VERSIONS[1]] {
            let what = format!("{zeros} zeros, at the end: {at_the_end}, {version}");
            keys.opens(&what, &keys.puttygen(&path, version, ""), None, &public);
            let file = keys.puttygen(&path, version, PASSPHRASE);
            keys.opens(&what, &file, Some(PASSPHRASE), &public);
        }
    }
}

#[test]
fn text_bent_by_copying_is_still_read() {
    let keys = Keys::new();
    let sample = &keys.of_openssh()[1];
    for version in [VERSIONS[0], VERSIONS[1]] {
        let file = String::from_utf8(keys.puttygen(&sample.path, version, PASSPHRASE)).unwrap();
        for bent in [
            file.replace('\n', "\r\n"),
            file.replace('\n', "\r"),
            file.replace('\n', "\n\n"),
            file.replace('\n', "\n    "),
            file.trim_end().to_owned(),
            format!("\u{feff}\n  {file}\n\n"),
            format!("Here is the key:\n\n{file}"),
        ] {
            keys.opens(
                &format!("{bent:?}"),
                bent.as_bytes(),
                Some(PASSPHRASE),
                &sample.public,
            );
        }
    }
}

#[test]
fn the_comment_may_be_in_any_encoding() {
    let keys = Keys::new();
    let sample = &keys.of_openssh()[1];
    for comment in [
        &b"Schl\xfcssel von M\xfcller"[..],
        "Schlüssel".as_bytes(),
        b"",
        b"  two  spaces",
    ] {
        let path = keys.path("key.ppk");
        let mut command = Command::new("puttygen");
        command.arg(&sample.path).args(["-O", "private", "-o"]).arg(&path);
        command
            .arg("-C")
            .arg(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(
                comment,
            ));
        run(&mut command);
        let file = std::fs::read(&path).unwrap();
        let what = format!("{comment:?}");
        keys.opens(&what, &file, None, &sample.public);
        // As it was read on Windows and pasted.
        let pasted: String = file.iter().map(|byte| char::from(*byte)).collect();
        keys.opens(&what, pasted.as_bytes(), None, &sample.public);
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let keys = Keys::new();
    let ed25519 = &keys.of_openssh()[1].path;
    let plain = String::from_utf8(keys.puttygen(ed25519, VERSIONS[1], "")).unwrap();
    let encrypted = String::from_utf8(keys.puttygen(ed25519, VERSIONS[1], PASSPHRASE)).unwrap();
    let version_2 = String::from_utf8(keys.puttygen(ed25519, VERSIONS[0], "")).unwrap();
    for (text, expected) in [
        (plain.replace("ssh-ed25519", "ssh-dss"), "DSA (ssh-dss)"),
        (
            version_2.replace("File-2", "File-1"),
            "version 1 of PuTTY's key format",
        ),
        (
            plain.replace("ssh-ed25519", "ssh-ed448"),
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
            encrypted.replace("Argon2-Passes: 2", "Argon2-Passes: 0"),
            "Argon2 parameters don't fit",
        ),
        (
            encrypted.replace("Argon2id", "Argon2x"),
            "the key derivation Argon2x",
        ),
        (
            encrypted.replace("Encryption: ", "Encrypted: "),
            "no Encryption line",
        ),
        (
            plain.replace("Comment: from puttygen", "Comment: from elsewhere"),
            "Private-MAC",
        ),
        (
            plain.lines().take(6).collect::<Vec<_>>().join("\n"),
            "its private half can't be read",
        ),
        (plain.split("Private-MAC").next().unwrap().to_owned(), "cut off"),
        ("PuTTY-User-Key-File-3".to_owned(), "first line"),
    ] {
        let error = PrivateKey::import(text.as_bytes(), Some(&passphrase())).unwrap_err();
        assert!(error.to_string().contains(expected), "{expected}: {error}");
        assert!(
            matches!(error, Error::Unsupported { .. } | Error::Malformed { .. }),
            "{expected}: {error:?}"
        );
    }
}

#[test]
fn types_that_cannot_be_used_are_named() {
    let keys = Keys::new();
    for (options, expected) in [("-t dsa -b 1024", "DSA (ssh-dss)"), ("-t ed448", "ssh-ed448")] {
        let path = keys.path("other.ppk");
        let mut command = Command::new("puttygen");
        command.args(options.split(' ')).args(["-q", "-o"]).arg(&path);
        command.arg("--new-passphrase").arg(keys.write("passphrase", b""));
        run(&mut command);
        let error = PrivateKey::import(&std::fs::read(path).unwrap(), None).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}
