//! ProFTPD with TLS, as whoever runs the tests, on a free port of loopback.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use courier_transfer::Thumbprint;
use tempfile::TempDir;

use crate::harness::PATIENCE;

pub(crate) const PASSWORD: &str = "correct horse";
/// What `openssl passwd -6` makes of it.
const PASSWORD_HASH: &str =
    "$6$courierftp$cDh/k6437azzKRzOa/BOd8IfHED/e/rWG.gWFMMEuLMos7SCJhluPEyv3Jo9jpQYeSCTCP1d.ZkDqSyFuq55f1";

/// A server that takes explicit TLS, and plain FTP too. It ends when dropped.
pub(crate) struct ProFtpd {
    process: Child,
    pub(crate) port: u16,
    pub(crate) thumbprint: Thumbprint,
    dir: TempDir,
}

impl ProFtpd {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        Self::start_at(port)
    }

    /// With a new certificate, at this port.
    pub(crate) fn start_at(port: u16) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        fs::create_dir(at("home")).unwrap();
        let thumbprint = certify(dir.path());
        let this = fs::metadata("/proc/self").unwrap();
        let (uid, gid) = (this.uid(), this.gid());
        private(
            Path::new(&at("users")),
            &format!("partner:{PASSWORD_HASH}:{uid}:{gid}::{}:/bin/sh\n", at("home")),
        );
        let root = root();
        let name = |what: &str| output(Command::new("id").arg(what));
        let config = format!(
            "ModulePath {modules}\nLoadModule mod_tls.c\nServerType standalone\nDefaultAddress 127.0.0.1\n\
             SocketBindTight on\nPort {port}\nUser {user}\nGroup {group}\nPidFile {pid}\nScoreboardFile none\n\
             SystemLog {log}\nTransferLog none\nWtmpLog off\nDelayEngine off\nUseReverseDNS off\nMaxInstances none\n\
             AuthOrder mod_auth_file.c\nAuthUserFile {users}\nRequireValidShell off\nRootLogin on\nAllowOverwrite on\n\
             AllowStoreRestart on\nTLSEngine on\nTLSRequired off\nTLSLog {tls_log}\nTLSECCertificateFile {certificate}\n\
             TLSECCertificateKeyFile {key}\n",
            modules = root.join("usr/lib/proftpd").display(),
            user = name("-un"),
            group = name("-gn"),
            pid = at("pid"),
            log = at("log"),
            users = at("users"),
            tls_log = at("tls.log"),
            certificate = at("certificate.pem"),
            key = at("key.pem"),
        );
        private(Path::new(&at("proftpd.conf")), &config);
        let process = Command::new(root.join("usr/sbin/proftpd"))
            .args(["--nodaemon", "--config", &at("proftpd.conf")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(at("errors")).unwrap())
            .spawn()
            .unwrap();
        let server = Self {
            process,
            port,
            thumbprint,
            dir,
        };
        server.wait();
        server
    }

    fn wait(&self) {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let log = |name: &str| fs::read_to_string(self.dir.path().join(name)).unwrap_or_default();
            assert!(
                Instant::now() < deadline,
                "ProFTPD does not answer: {}{}",
                log("errors"),
                log("log")
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// A file of its user's, where it lies on disk.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join("home").join(name)
    }

    /// Its certificate and private key, as PEM.
    pub(crate) fn identity(&self) -> String {
        let part = |name: &str| fs::read_to_string(self.dir.path().join(name)).unwrap();
        part("certificate.pem") + &part("key.pem")
    }

    /// Its sessions stand still until what comes back is dropped.
    pub(crate) fn freeze(&self) -> Frozen {
        let sessions = fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.process.id())).unwrap();
        let frozen = Frozen(sessions.split_whitespace().map(str::to_owned).collect());
        frozen.signal("-STOP");
        frozen
    }

    pub(crate) fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for ProFtpd {
    fn drop(&mut self) {
        self.end();
    }
}

/// Processes that stand still.
pub(crate) struct Frozen(Vec<String>);

impl Frozen {
    fn signal(&self, signal: &str) {
        Command::new("kill").arg(signal).args(&self.0).status().unwrap();
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.signal("-CONT");
    }
}

/// Makes a certificate that nobody but itself vouches for.
fn certify(dir: &Path) -> Thumbprint {
    let at = |name: &str| dir.join(name).display().to_string();
    let mut openssl = Command::new("openssl");
    openssl
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ])
        .args([
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-days",
            "30",
        ])
        .args(["-keyout", &at("key.pem"), "-out", &at("certificate.pem")]);
    output(&mut openssl);
    fs::set_permissions(dir.join("key.pem"), fs::Permissions::from_mode(0o600)).unwrap();
    let mut openssl = Command::new("openssl");
    openssl.args([
        "x509",
        "-noout",
        "-fingerprint",
        "-sha256",
        "-in",
        &at("certificate.pem"),
    ]);
    let printed = output(&mut openssl);
    let (_, thumbprint) = printed.split_once('=').unwrap();
    thumbprint.parse().unwrap()
}

fn private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Where it is: installed, or unpacked by `scripts/setup test`.
fn root() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = variable("XDG_CACHE_HOME")
        .or_else(|| Some(variable("HOME")?.join(".cache")))
        .unwrap_or_default();
    let tools = variable("COURIER_TOOLS").unwrap_or_else(|| cache.join("courier/tools"));
    [tools.join("servers/proftpd"), PathBuf::from("/")]
        .into_iter()
        .find(|root| root.join("usr/lib/proftpd/mod_tls.so").exists())
        .expect("ProFTPD is missing: run scripts/setup test")
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
