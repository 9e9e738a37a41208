//! Real servers on free ports of loopback, each with a configuration, a folder and a certificate of its own.
//!
//! ProFTPD runs as whoever runs the tests. vsftpd and Pure-FTPd have to be started by root: they confine their users to
//! a folder (chroot) and take on their rights.

mod attempt;
mod ends;
mod proftpd;
mod pure_ftpd;
mod vsftpd;

use std::{
    fs,
    io::{BufRead, BufReader},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use courier_transfer::{Client, RemotePath, testkit::Fixture};
use tempfile::TempDir;

pub use self::{
    attempt::{Attempt, Reconnects},
    ends::{SlowSink, SlowSource, bytes, remembering},
};
use crate::certificates::{Identity, Request};

pub const PASSWORD: &str = "correct horse";
/// What `openssl passwd -6` makes of it.
const PASSWORD_HASH: &str =
    "$6$courierftp$cDh/k6437azzKRzOa/BOd8IfHED/e/rWG.gWFMMEuLMos7SCJhluPEyv3Jo9jpQYeSCTCP1d.ZkDqSyFuq55f1";

/// Whose rights vsftpd and Pure-FTPd take on: an account that every system has.
const ACCOUNT: &str = "daemon";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Software {
    ProFtpd,
    PureFtpd,
    Vsftpd,
}

/// How a session is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Not at all.
    Plain,
    /// From AUTH on, which the server insists on, for data too. vsftpd and ProFTPD want each data connection to resume the
    /// control connection's TLS session.
    Explicit,
    /// From the first byte; else as explicit. Pure-FTPd hasn't got it.
    Implicit,
}

/// A server to be started.
#[derive(Clone, Debug)]
pub struct Setup {
    software: Software,
    mode: Mode,
    address: IpAddr,
    identity: Identity,
    version: Option<&'static str>,
    openssl: String,
    config: String,
    files: Vec<(&'static str, String)>,
}

impl Setup {
    pub fn new(software: Software, mode: Mode) -> Self {
        Self {
            software,
            mode,
            address: Ipv4Addr::LOCALHOST.into(),
            identity: Request::server(&["localhost", "127.0.0.1"]).self_signed(),
            version: None,
            openssl: String::new(),
            config: String::new(),
            files: Vec::new(),
        }
    }

    /// Speaks this version of TLS and no other (`TLSv1.2`, as OpenSSL's configuration has it).
    #[must_use]
    pub fn only(mut self, version: &'static str) -> Self {
        self.version = Some(version);
        self
    }

    /// One more line for the server's OpenSSL (`Ciphersuites = …`, `Groups = …`).
    #[must_use]
    pub fn openssl(mut self, line: &str) -> Self {
        self.openssl += line;
        self.openssl += "\n";
        self
    }

    /// Presents this certificate.
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = identity;
        self
    }

    /// Listens at that address.
    #[must_use]
    pub fn at(mut self, address: impl Into<IpAddr>) -> Self {
        self.address = address.into();
        self
    }

    /// One more line of configuration, or for Pure-FTPd one more argument.
    #[must_use]
    pub fn config(mut self, line: &str) -> Self {
        self.config += line;
        self.config += "\n";
        self
    }

    /// A file beside the configuration, which names it `{dir}/name`.
    #[must_use]
    pub fn file(mut self, name: &'static str, text: String) -> Self {
        self.files.push((name, text));
        self
    }

    pub fn start(self) -> Server {
        Server::start(self)
    }
}

/// A running server; ends when dropped, or with the test.
#[derive(Debug)]
pub struct Server {
    /// A shell that started the server and kills it when its own input ends: also when nobody was left to drop this.
    guard: Child,
    /// The connection that showed that it listens. After the end of any, ProFTPD takes no other for 0.4 seconds.
    first: Option<TcpStream>,
    pub identity: Identity,
    pub mode: Mode,
    pub software: Software,
    pub address: SocketAddr,
    dir: TempDir,
}

const GUARD: &str = r#"echo $$ >"$1"; shift; "$@" & read -r line; kill -9 $!; wait"#;

impl Server {
    fn start(setup: Setup) -> Self {
        let dir = tempfile::Builder::new().prefix("courier-ftp").tempdir().unwrap();
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        mode(dir.path(), 0o755);
        let listener = TcpListener::bind((setup.address, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let place = Place {
            dir: dir.path(),
            address,
            setup: &setup,
        };
        fs::create_dir_all(place.at("home/files")).unwrap();
        place.private("identity.pem", &setup.identity.pem());
        for (name, text) in &setup.files {
            place.private(name, text);
        }
        let protocols = setup.version.map_or_else(String::new, |version| {
            format!("MinProtocol = {version}\nMaxProtocol = {version}\n")
        });
        place.private(
            "openssl.cnf",
            &format!(
                "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\n\
                 CipherString = DEFAULT@SECLEVEL=0\n{protocols}{more}",
                more = setup.openssl,
            ),
        );
        let server = match setup.software {
            Software::ProFtpd => proftpd::command(&place),
            Software::PureFtpd => pure_ftpd::command(&place),
            Software::Vsftpd => vsftpd::command(&place),
        };
        let guard = Command::new("sh")
            .args(["-c", GUARD, "guard"])
            .arg(place.at("guard"))
            .args(server)
            .env("OPENSSL_CONF", place.at("openssl.cnf"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(fs::File::create(place.at("errors")).unwrap())
            .spawn()
            .unwrap();
        let mut server = Self {
            guard,
            first: None,
            identity: setup.identity,
            mode: setup.mode,
            software: setup.software,
            address,
            dir,
        };
        if server.is_confined() {
            server.give_away(&server.folder());
        }
        server.wait();
        server
    }

    fn wait(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        let greeted = |tcp: &TcpStream| {
            tcp.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            let mut line = String::new();
            BufReader::new(tcp)
                .read_line(&mut line)
                .is_ok_and(|_| line.starts_with("220"))
        };
        loop {
            let tcp = TcpStream::connect(self.address).ok();
            if let Some(tcp) = tcp.filter(|tcp| self.mode == Mode::Implicit || greeted(tcp)) {
                self.first = Some(tcp);
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{:?} does not answer: {}",
                self.software,
                self.log()
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn user(&self) -> &'static str {
        match self.software {
            Software::Vsftpd => vsftpd::USER,
            Software::ProFtpd | Software::PureFtpd => "partner",
        }
    }

    /// Does the server see only its folder, and has it other rights than the test?
    fn is_confined(&self) -> bool {
        self.software != Software::ProFtpd
    }

    /// The folder that the user may write to.
    pub fn folder(&self) -> PathBuf {
        self.dir.path().join("home/files")
    }

    /// Something in the folder, where it lies on disk.
    pub fn on_disk(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// The folder, as the client names it.
    pub fn remote_folder(&self) -> RemotePath {
        let folder = self.folder();
        let path = if self.is_confined() {
            "/files"
        } else {
            folder.to_str().unwrap()
        };
        RemotePath::new(path).unwrap()
    }

    /// Something in the folder, as the client names it.
    pub fn remote(&self, name: &str) -> RemotePath {
        RemotePath::new(format!("{}/{name}", self.remote_folder())).unwrap()
    }

    /// Makes a file of the user's own.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.on_disk(name), bytes).unwrap();
        self.give_away(&self.on_disk(name));
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.on_disk(name)).unwrap()
    }

    /// Makes a folder of the user's own.
    pub fn make_dir(&self, name: &str) {
        fs::create_dir(self.on_disk(name)).unwrap();
        self.give_away(&self.on_disk(name));
    }

    fn give_away(&self, path: &Path) {
        if self.is_confined() {
            let (uid, gid) = account();
            chown(path, Some(uid), Some(gid)).unwrap();
        }
    }

    /// A place on this machine that the server doesn't serve.
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// What it wrote about itself, where it writes such things.
    pub fn log(&self) -> String {
        ["errors", "log", "tls.log"]
            .map(|name| fs::read_to_string(self.dir.path().join(name)).unwrap_or_default())
            .concat()
    }

    /// Kills it and all its sessions at once.
    pub fn kill(&self) {
        let guard = fs::read_to_string(self.dir.path().join("guard")).unwrap();
        // The listener is the first, so that it hears of no session's end.
        let kill = Command::new("kill")
            .arg("-9")
            .args(descendants(guard.trim()))
            .output()
            .unwrap();
        assert!(kill.status.success(), "{kill:?}");
    }

    /// A session of the user's, with the server's certificate pinned where it has one.
    pub async fn connect(&self) -> Arc<dyn Client> {
        let session = Attempt::to(self).connect().await;
        session.unwrap_or_else(|e| panic!("{e}\n{}", self.log()))
    }

    /// For the conformance suite.
    pub async fn fixture(self) -> Fixture {
        Fixture {
            client: self.connect().await,
            folder: self.remote_folder(),
            keep: Box::new(self),
        }
    }
}

/// What the server wrote is shown where the test fails.
#[allow(clippy::print_stderr)]
impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{:?} wrote:\n{}", self.software, self.log());
        }
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// One test for each server and case: an `async fn(Software)`.
macro_rules! on_each_server {
    (@on $software:ident $($case:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case($crate::support::Software::$software).await;
            }
        )*
    };
    ($($case:ident),* $(,)?) => {
        mod proftpd { $crate::support::on_each_server!(@on ProFtpd $($case)*); }
        mod pure_ftpd { $crate::support::on_each_server!(@on PureFtpd $($case)*); }
        mod vsftpd { $crate::support::on_each_server!(@on Vsftpd $($case)*); }
    };
}
pub(crate) use on_each_server;

/// What a server's own module needs for its configuration.
struct Place<'a> {
    dir: &'a Path,
    address: SocketAddr,
    setup: &'a Setup,
}

impl Place<'_> {
    fn at(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    fn private(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).unwrap();
        fs::set_permissions(self.at(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn more(&self) -> String {
        self.setup
            .config
            .replace("{dir}", &self.dir.display().to_string())
    }
}

/// The processes below one, parents before children.
fn descendants(pid: &str) -> Vec<String> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children: Vec<&str> = children.split_whitespace().collect();
    let mut all: Vec<String> = children.iter().map(|&child| child.to_owned()).collect();
    all.extend(children.iter().flat_map(|child| descendants(child)));
    all
}

/// Where a server's file is: installed, or unpacked by `scripts/setup test`.
fn root(name: &str, file: &str) -> PathBuf {
    let cache = || {
        std::env::var_os("XDG_CACHE_HOME").map_or_else(
            || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache"),
            PathBuf::from,
        )
    };
    let tools =
        std::env::var_os("COURIER_TOOLS").map_or_else(|| cache().join("courier/tools"), PathBuf::from);
    let found = [tools.join("servers").join(name), PathBuf::from("/")]
        .into_iter()
        .find(|root| root.join(file).exists());
    found.unwrap_or_else(|| panic!("{name} is missing: run scripts/setup test"))
}

/// The user and group of [`ACCOUNT`].
fn account() -> (u32, u32) {
    let accounts = fs::read_to_string("/etc/passwd").unwrap();
    let fields = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let account = fields.into_iter().find(|fields| fields[0] == ACCOUNT).unwrap();
    (account[2].parse().unwrap(), account[3].parse().unwrap())
}

/// The user and group that run the tests.
fn own_ids() -> (u32, u32) {
    let this = fs::metadata("/proc/self").unwrap();
    (this.uid(), this.gid())
}

fn must_be_root(server: &str) {
    assert_eq!(
        own_ids().0,
        0,
        "{server} confines its users and takes on their rights, which only root may: run the tests as root, for example \
         in a container"
    );
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
