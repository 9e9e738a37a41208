//! The programs that make and read keys: `ssh-keygen` and `openssl`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

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

    /// `openssl` with these arguments (split at spaces), and its output.
    pub(crate) fn openssl(&self, arguments: &str) -> Vec<u8> {
        let mut command = Command::new("openssl");
        run(command.args(arguments.split(' ')).current_dir(self.folder.path())).stdout
    }

    /// Writes a key the way `ssh-keygen` wants it: readable by the owner only.
    pub(crate) fn write(&self, name: &str, text: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }
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
