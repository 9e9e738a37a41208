//! A real OpenSSH server with a configuration, keys and a folder of its own.
//!
//! The port is taken here and stays taken: each connection is handed to an `sshd -i`, which reads the configuration
//! anew. So no port is lost to somebody else between choosing and using it, and host keys can change in between.

use std::fs;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{Cli, Visits};

pub(crate) struct Sshd {
    folder: TempDir,
    port: u16,
    visits: Visits,
}

/// Who runs the tests, which is also who logs in.
pub(crate) fn user() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Sshd {
    pub(crate) fn start() -> Self {
        Self::with("")
    }

    /// With arguments for `internal-sftp`, e.g. `-R` for read-only.
    pub(crate) fn with(sftp_arguments: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("files")).unwrap();
        keygen(&at("host_key"), "");
        keygen(&at("user_key"), "");
        fs::copy(at("user_key.pub"), at("authorized_keys")).unwrap();
        let configuration = format!(
            "HostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nLogLevel VERBOSE\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nPidFile none\n\
             Subsystem sftp internal-sftp -d {} {sftp_arguments}\n",
            at("host_key").display(),
            at("authorized_keys").display(),
            at("files").display(),
        );
        fs::write(at("sshd_config"), configuration).unwrap();
        if user() == "root" {
            // Where sshd as root looks for an empty folder; a booted system has it.
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (config, log) = (at("sshd_config"), at("log"));
        let visits = Visits::default();
        let served = visits.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let stream = OwnedFd::from(connection.unwrap());
                let mut sshd = Command::new("/usr/sbin/sshd");
                sshd.arg("-i").arg("-f").arg(&config).arg("-E").arg(&log);
                sshd.stdin(Stdio::from(stream.try_clone().unwrap()))
                    .stdout(Stdio::from(stream));
                served.serve(sshd.stderr(Stdio::null()));
            }
        });
        Self { folder, port, visits }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its sessions.
    pub(crate) fn visits(&self) -> &Visits {
        &self.visits
    }

    /// The URL of a path below the server's files.
    pub(crate) fn url(&self, path: &str) -> String {
        self.url_on(self.port, path)
    }

    /// The same on another port, which leads here.
    pub(crate) fn url_on(&self, port: u16, path: &str) -> String {
        format!(
            "sftp://{}@127.0.0.1:{port}{}/{path}",
            user(),
            self.files().display()
        )
    }

    /// The URL of a path below the login folder, which is the same folder.
    pub(crate) fn home_url(&self, path: &str) -> String {
        format!("sftp://127.0.0.1:{}/~/{path}", self.port)
    }

    /// The server's files.
    pub(crate) fn files(&self) -> PathBuf {
        self.folder.path().join("files")
    }

    /// Puts a file there.
    pub(crate) fn file(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.files().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Reads a file there.
    pub(crate) fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.files().join(path)).unwrap()
    }

    /// The private key that logs in.
    pub(crate) fn user_key(&self) -> PathBuf {
        self.folder.path().join("user_key")
    }

    /// Lets this public key log in, too.
    pub(crate) fn authorize(&self, line: &str) {
        self.set_authorized(|known| format!("{known}{}\n", line.trim()));
    }

    /// This public key logs in no more.
    pub(crate) fn refuse(&self, line: &str) {
        self.set_authorized(|known| known.replace(&format!("{}\n", line.trim()), ""));
    }

    /// At one go, since somebody may be logging in.
    fn set_authorized(&self, change: impl FnOnce(&str) -> String) {
        let (path, new) = (
            self.folder.path().join("authorized_keys"),
            self.folder.path().join("authorized_keys.new"),
        );
        fs::write(&new, change(&fs::read_to_string(&path).unwrap())).unwrap();
        fs::rename(new, path).unwrap();
    }

    /// From now on the server has another host key.
    pub(crate) fn change_host_key(&self) {
        let key = self.folder.path().join("host_key");
        fs::remove_file(&key).unwrap();
        keygen(&key, "");
    }

    /// One more line of configuration for whoever connects from now on. Of most lines the first counts.
    pub(crate) fn configure(&self, line: &str) {
        let path = self.folder.path().join("sshd_config");
        let known = fs::read_to_string(&path).unwrap();
        fs::write(path, format!("{line}\n{known}")).unwrap();
    }

    /// A second host key, of this type of ssh-keygen's.
    pub(crate) fn add_host_key(&self, key_type: &str) {
        let path = self.folder.path().join(key_type);
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", key_type, "-N", "", "-f"])
            .arg(&path)
            .status()
            .unwrap();
        assert!(made.success());
        self.configure(&format!("HostKey {}", path.display()));
    }

    /// From now on who connects is served by OpenSSH's separate program, which writes down what it is asked for.
    pub(crate) fn write_down(&self) {
        let (program, log, files) = (sftp_server(), self.folder.path().join("requests"), self.files());
        self.configure(&format!(
            "ForceCommand {} -e -l INFO -d {} 2>> {}",
            program.display(),
            files.display(),
            log.display()
        ));
    }

    /// The lines that it wrote down.
    pub(crate) fn requests(&self) -> String {
        fs::read_to_string(self.folder.path().join("requests")).unwrap_or_default()
    }

    /// The fingerprint of the host key, as ssh-keygen prints it.
    pub(crate) fn fingerprint(&self) -> String {
        let key = self.folder.path().join("host_key.pub");
        let output = Command::new("ssh-keygen").arg("-lf").arg(key).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_whitespace().nth(1).unwrap().to_owned()
    }

    /// The line that a `known_hosts` file has for this server.
    pub(crate) fn known_hosts_line(&self) -> String {
        let key = fs::read_to_string(self.folder.path().join("host_key.pub")).unwrap();
        let mut words = key.split_whitespace();
        let (key_type, key) = (words.next().unwrap(), words.next().unwrap());
        format!("[127.0.0.1]:{} {key_type} {key}\n", self.port)
    }

    /// What the server logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// A user who knows the server and has the key for it.
    pub(crate) fn friend(&self) -> Cli {
        let cli = self.stranger();
        fs::write(cli.path(".ssh/known_hosts"), self.known_hosts_line()).unwrap();
        cli
    }

    /// A user who has the key, and has never been there.
    pub(crate) fn stranger(&self) -> Cli {
        let cli = Cli::new();
        fs::create_dir(cli.path(".ssh")).unwrap();
        fs::copy(self.user_key(), cli.path(".ssh/id_ed25519")).unwrap();
        cli
    }
}

fn sftp_server() -> PathBuf {
    ["/usr/lib/openssh/sftp-server", "/usr/libexec/sftp-server"]
        .into_iter()
        .map(PathBuf::from)
        .find(|path| path.exists())
        .expect("OpenSSH's sftp-server: run scripts/setup test")
}

/// Makes an Ed25519 key.
pub(crate) fn keygen(path: &Path, passphrase: &str) {
    let _ = fs::remove_file(path.with_extension("pub"));
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f"])
        .arg(path)
        .status()
        .unwrap();
    assert!(made.success());
}
