//! A real OpenSSH server with its own configuration, keys and port.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use courier_keys::{KeyType, PrivateKey};
use courier_transfer::Fingerprint;
use secrecy::ExposeSecret;
use tempfile::TempDir;

/// A running sshd; stops when dropped.
pub struct Sshd {
    child: Child,
    pub port: u16,
    pub dir: TempDir,
    pub host_key: PrivateKey,
    pub user_key: PrivateKey,
}

impl Sshd {
    pub fn start() -> Self {
        Self::with("")
    }

    /// With more lines of configuration.
    pub fn with(config: &str) -> Self {
        Self::with_host_keys(config, vec![PrivateKey::generate(KeyType::Ed25519).unwrap()])
    }

    /// The first host key is [`host_key`](Self::host_key).
    pub fn with_host_keys(config: &str, host_keys: Vec<PrivateKey>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        // Where sshd of root drops its privileges; it refuses to start without.
        if fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0) {
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let user_key = PrivateKey::generate(KeyType::Ed25519).unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        let mut lines = String::new();
        for (i, key) in host_keys.iter().enumerate() {
            let file = path(&format!("host_key_{i}"));
            fs::write(&file, key.to_openssh().unwrap().expose_secret()).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
            lines += &format!("HostKey {file}\n");
        }
        fs::write(
            path("authorized_keys"),
            user_key.public().authorized_keys_line("test").unwrap() + "\n",
        )
        .unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        lines += &format!(
            "Port {port}\nListenAddress 127.0.0.1\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\n\
             PermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPidFile none\n\
             LogLevel VERBOSE\nMaxStartups 200\nSubsystem sftp {}\n{config}\n",
            path("authorized_keys"),
            subsystem(),
        );
        fs::write(path("sshd_config"), lines).unwrap();
        let log = fs::File::create(path("log")).unwrap();
        let child = Command::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-f", &path("sshd_config")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut server = Self {
            child,
            port,
            dir,
            user_key,
            host_key: host_keys.into_iter().next().unwrap(),
        };
        server.wait();
        server
    }

    fn wait(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(
                self.child.try_wait().unwrap().is_none(),
                "sshd did not start: {}",
                self.log()
            );
            assert!(Instant::now() < deadline, "sshd does not listen: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn fingerprint(&self) -> Fingerprint {
        self.host_key.fingerprint().parse().unwrap()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    /// A folder of its own, for files.
    pub fn folder(&self) -> PathBuf {
        let folder = self.dir.path().join("files");
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// Sends a signal to the processes that serve connections; the listener goes on.
    pub fn signal_sessions(&self, signal: &str) {
        let children = format!("/proc/{0}/task/{0}/children", self.child.id());
        for pid in fs::read_to_string(children).unwrap().split_whitespace() {
            assert!(
                Command::new("kill")
                    .args([signal, pid])
                    .status()
                    .unwrap()
                    .success()
            );
        }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn subsystem() -> &'static str {
    [
        "/usr/lib/openssh/sftp-server",
        "/usr/libexec/openssh/sftp-server",
        "/usr/lib/ssh/sftp-server",
    ]
    .into_iter()
    .find(|path| fs::exists(path).unwrap_or(false))
    .unwrap_or("internal-sftp")
}

/// The user that runs the tests: sshd can log in no other.
pub fn username() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
