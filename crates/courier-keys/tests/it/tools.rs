//! The programs that make and read keys: `ssh-keygen`, `openssl` and `puttygen`.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use courier_keys::{Error, PrivateKey, SignatureAlgorithm};
use russh::keys::ssh_encoding::Encode;
use secrecy::SecretString;
use tempfile::TempDir;

pub(crate) const PASSPHRASE: &str = "correct horse";

pub(crate) fn passphrase() -> SecretString {
    SecretString::from(PASSPHRASE)
}

/// A folder for one test's keys.
pub(crate) struct Keys {
    folder: TempDir,
}

/// A key that a tool made, not encrypted.
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) path: PathBuf,
    /// What the tool says its public half is, without a comment.
    pub(crate) public: String,
}

impl Keys {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `ssh-keygen` with these options (split at spaces) and passphrase, and the key it made.
    pub(crate) fn ssh_keygen(&self, options: &str, passphrase: &str) -> Vec<u8> {
        let path = self.path("ssh-keygen");
        let _ = fs::remove_file(&path);
        let mut command = Command::new("ssh-keygen");
        command
            .args(["-q", "-a", "1", "-C", "somebody@somewhere", "-N", passphrase])
            .args(options.split(' '));
        run(command.arg("-f").arg(&path));
        fs::read(path).unwrap()
    }

    /// A copy of a key as `ssh-keygen -p` writes it with these options.
    pub(crate) fn rewritten(&self, sample: &Sample, options: &str, passphrase: &str) -> Vec<u8> {
        let path = self.write("rewritten", &fs::read(&sample.path).unwrap());
        let mut command = Command::new("ssh-keygen");
        command
            .args(["-q", "-p", "-a", "1", "-P", "", "-N", passphrase])
            .args(options.split(' ').filter(|option| !option.is_empty()));
        run(command.arg("-f").arg(&path));
        fs::read(path).unwrap()
    }

    /// `openssl` with these arguments (split at spaces), and its output.
    pub(crate) fn openssl(&self, arguments: &str) -> Vec<u8> {
        let mut command = Command::new("openssl");
        run(command.args(arguments.split(' ')).current_dir(self.folder.path())).stdout
    }

    /// A copy of a key as `puttygen` writes it with these parameters (`--ppk-param`).
    pub(crate) fn puttygen(&self, key: &Path, parameters: &str, passphrase: &str) -> Vec<u8> {
        let (secret, path) = (
            self.write("passphrase", passphrase.as_bytes()),
            self.path("key.ppk"),
        );
        let mut command = Command::new("puttygen");
        command.arg(key).args(["-O", "private", "-o"]).arg(&path);
        command
            .args([
                "-C",
                "from puttygen",
                "--ppk-param",
                parameters,
                "--new-passphrase",
            ])
            .arg(secret);
        run(&mut command);
        fs::read(path).unwrap()
    }

    /// A key of each type in OpenSSH's format, by `ssh-keygen`.
    pub(crate) fn of_openssh(&self) -> Vec<Sample> {
        let types = [
            ("rsa", "-t rsa -b 2048"),
            ("ed25519", "-t ed25519"),
            ("p256", "-t ecdsa -b 256"),
            ("p384", "-t ecdsa -b 384"),
            ("p521", "-t ecdsa -b 521"),
        ];
        types
            .map(|(name, options)| {
                let path = self.write(&format!("{name}.openssh"), &self.ssh_keygen(options, ""));
                let public = fs::read_to_string(self.path("ssh-keygen.pub")).unwrap();
                Sample {
                    name,
                    path,
                    public: without_comment(&public),
                }
            })
            .into()
    }

    /// A key of each type in PKCS#8, by `openssl`.
    pub(crate) fn of_openssl(&self) -> Vec<Sample> {
        let types = [
            ("rsa", "RSA -pkeyopt rsa_keygen_bits:2048"),
            ("ed25519", "ED25519"),
            ("p256", "EC -pkeyopt ec_paramgen_curve:P-256"),
            ("p384", "EC -pkeyopt ec_paramgen_curve:P-384"),
            ("p521", "EC -pkeyopt ec_paramgen_curve:P-521"),
        ];
        types
            .map(|(name, options)| {
                let key = self.openssl(&format!("genpkey -algorithm {options}"));
                let path = self.write(&format!("{name}.pem"), &key);
                let public = self.public_by_openssl(&path);
                Sample { name, path, public }
            })
            .into()
    }

    /// The public half that `openssl` sees in a key, as a line of `authorized_keys`.
    pub(crate) fn public_by_openssl(&self, key: &Path) -> String {
        let key = key.display();
        let der = self.openssl(&format!("pkey -in {key} -pubout -outform DER"));
        // ssh-keygen reads no Ed25519 key of OpenSSL: RFC 8410 puts the key's 32 bytes behind a header of 12.
        if let Some(key) = der
            .strip_prefix(b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00")
            .filter(|key| key.len() == 32)
        {
            let blob = [b"\0\0\0\x0bssh-ed25519\0\0\0\x20", key].concat();
            return format!("ssh-ed25519 {}", STANDARD.encode(blob));
        }
        let pem = self.openssl(&format!("pkey -in {key} -pubout"));
        let public = self.write("public.pem", &pem);
        let output = run(Command::new("ssh-keygen")
            .args(["-i", "-m", "PKCS8", "-f"])
            .arg(public));
        without_comment(&String::from_utf8(output.stdout).unwrap())
    }

    /// Writes a key the way `ssh-keygen` wants it: readable by the owner only.
    pub(crate) fn write(&self, name: &str, text: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// The file opens, its key has this public half, and `ssh-keygen` accepts what it signs.
    pub(crate) fn opens(&self, what: &str, file: &[u8], passphrase: Option<&str>, public: &str) {
        let passphrase = passphrase.map(SecretString::from);
        let key = PrivateKey::import(file, passphrase.as_ref()).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_eq!(key.public().authorized_keys_line("").unwrap(), public, "{what}");
        self.signs(what, &key);
    }

    /// As [`Keys::opens`] with [`PASSPHRASE`], and with no other one.
    pub(crate) fn opens_with_the_passphrase(&self, what: &str, file: &[u8], public: &str) {
        self.opens(what, file, Some(PASSPHRASE), public);
        for none in [None, Some(SecretString::from(""))] {
            let error = PrivateKey::import(file, none.as_ref()).unwrap_err();
            assert!(matches!(error, Error::PassphraseNeeded), "{what}: {error}");
        }
        let error = PrivateKey::import(file, Some(&SecretString::from("wrong"))).unwrap_err();
        assert!(matches!(error, Error::PassphraseWrong), "{what}: {error}");
    }

    /// Has `ssh-keygen` look at a signature (OpenSSH's `PROTOCOL.sshsig`).
    fn signs(&self, what: &str, key: &PrivateKey) {
        const MESSAGE: &[u8] = b"a message";
        let algorithm = SignatureAlgorithm::of(key.key_type())[0];
        let public: Vec<u8> = key.public().inner().to_bytes().unwrap();
        let hash = digest::digest(&digest::SHA512, MESSAGE);
        let strings = |parts: &[&[u8]]| {
            let mut bytes = b"SSHSIG".to_vec();
            for part in parts {
                part.encode(&mut bytes).unwrap();
            }
            bytes
        };
        let signed = strings(&[b"test", b"", b"sha512", hash.as_ref()]);
        let signature = key.sign(algorithm, &signed).unwrap();
        let mut blob = strings(&[&public, b"test", b"", b"sha512", &signature]);
        blob.splice(6..6, 1_u32.to_be_bytes());
        let armoured = format!(
            "-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n",
            STANDARD.encode(blob)
        );
        let path = self.write("signature", armoured.as_bytes());
        let mut verify = Command::new("ssh-keygen")
            .args(["-Y", "check-novalidate", "-n", "test", "-s"])
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        verify.stdin.take().unwrap().write_all(MESSAGE).unwrap();
        let output = verify.wait_with_output().unwrap();
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && said.contains(&key.fingerprint()),
            "{what}: {said}"
        );
    }
}

/// The first two words of a public key's line.
fn without_comment(line: &str) -> String {
    line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

/// The fingerprint that `ssh-keygen -l` prints for a public or private key file.
pub(crate) fn fingerprint(path: &Path) -> String {
    let output = run(Command::new("ssh-keygen").arg("-l").arg("-f").arg(path));
    String::from_utf8(output.stdout)
        .unwrap()
        .split(' ')
        .nth(1)
        .unwrap()
        .to_owned()
}

/// The public key that `ssh-keygen -y` derives from a private key file.
pub(crate) fn public_line(path: &Path) -> String {
    let output = run(Command::new("ssh-keygen")
        .arg("-y")
        .arg("-P")
        .arg("")
        .arg("-f")
        .arg(path));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

pub(crate) fn run(command: &mut Command) -> Output {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?} can't be started: {error}"));
    assert!(
        output.status.success(),
        "{command:?} failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}
