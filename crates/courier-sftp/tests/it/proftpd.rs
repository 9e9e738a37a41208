//! A real ProFTPD with mod_sftp, and what is different there from OpenSSH: no limits that it tells, its own rules for
//! overwriting and continuing files, AES in counter mode as its best cipher.

use std::{
    collections::HashMap,
    fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use courier_keys::{KeyType, PrivateKey};
use courier_transfer::{
    AuthMethod, Client, ErrorKind, RemotePath, Result, TrustPins,
    ops::{Context, DownloadOptions, Identity, Partials, UploadOptions, Verified, Verify, download, upload},
    testkit::{Direction, Fault, Fixture, Proxy},
};
use parking_lot::Mutex;
use secrecy::ExposeSecret;
use tempfile::TempDir;

use crate::client::{Try, path};

const USER: &str = "partner";
const PASSWORD: &str = "correct horse";

/// What a server of today allows its users.
const GENEROUS: &str = "AllowOverwrite on";

/// A running ProFTPD; stops when dropped.
struct ProFtpd {
    child: Child,
    /// The connection that showed that it listens. After the end of any, the server sleeps for 0.4 seconds.
    first: Option<TcpStream>,
    port: u16,
    dir: TempDir,
    host_key: PrivateKey,
    user_key: PrivateKey,
}

impl ProFtpd {
    fn start() -> Self {
        Self::with(GENEROUS)
    }

    /// With these lines of configuration besides what it needs to run.
    fn with(config: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = || PrivateKey::generate(KeyType::Ed25519).unwrap();
        let (host_key, user_key) = (key(), key());
        let at = |name: &str| dir.path().join(name).display().to_string();
        private_file(at("host_key"), host_key.to_openssh().unwrap().expose_secret());
        let line = user_key.public().authorized_keys_line("test").unwrap();
        private_file(at("authorized_keys"), &rfc4716(&line));
        fs::create_dir(at("files")).unwrap();
        let (user, uid, gid) = (id("-un"), id("-u"), id("-g"));
        let hash = output(Command::new("openssl").args(["passwd", "-6", PASSWORD]));
        let files = at("files");
        private_file(
            at("users"),
            &format!("{USER}:{hash}:{uid}:{gid}::{files}:/bin/sh\n"),
        );
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let root = root();
        let lines = format!(
            "ModulePath {modules}\nLoadModule mod_sftp.c\nServerType standalone\nDefaultAddress 127.0.0.1\n\
             SocketBindTight on\nPort {port}\nUser {user}\nGroup {group}\nPidFile {pid}\nScoreboardFile none\n\
             SystemLog {log}\nTransferLog none\nWtmpLog off\nDelayEngine off\nUseReverseDNS off\nMaxInstances none\n\
             AuthOrder mod_auth_file.c\nAuthUserFile {users}\nRequireValidShell off\nRootLogin on\n\
             SFTPEngine on\nSFTPLog {log}\nSFTPHostKey {host_key}\nSFTPAuthorizedUserKeys file:{keys}\n{config}\n",
            modules = root.join("usr/lib/proftpd").display(),
            group = id("-gn"),
            pid = at("pid"),
            log = at("log"),
            users = at("users"),
            host_key = at("host_key"),
            keys = at("authorized_keys"),
        );
        fs::write(at("proftpd.conf"), lines).unwrap();
        let errors = fs::File::create(at("errors")).unwrap();
        let child = Command::new(root.join("usr/sbin/proftpd"))
            .args(["--nodaemon", "--config", &at("proftpd.conf")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()
            .unwrap();
        let mut server = Self {
            child,
            first: None,
            port,
            dir,
            host_key,
            user_key,
        };
        server.wait();
        server
    }

    fn wait(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.first.is_none() {
            self.first = TcpStream::connect(("127.0.0.1", self.port)).ok();
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "ProFTPD did not start: {}", self.log());
            assert!(
                Instant::now() < deadline,
                "ProFTPD does not listen: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn log(&self) -> String {
        ["errors", "log"]
            .map(|name| fs::read_to_string(self.dir.path().join(name)).unwrap_or_default())
            .concat()
    }

    /// What the user sees as home.
    fn folder(&self) -> PathBuf {
        self.dir.path().join("files")
    }

    fn try_at(&self, port: u16) -> Try {
        let fingerprint = self.host_key.fingerprint().parse().unwrap();
        Try::to(port, TrustPins::new([fingerprint])).user(USER)
    }

    async fn connect(&self) -> Arc<dyn Client> {
        let attempt = self.try_at(self.port).password(PASSWORD);
        attempt
            .connect()
            .await
            .unwrap_or_else(|e| panic!("{e}\n{}", self.log()))
    }
}

impl Drop for ProFtpd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where it is installed, or where `scripts/setup test` has unpacked it.
fn root() -> PathBuf {
    let cache = || {
        std::env::var_os("XDG_CACHE_HOME").map_or_else(
            || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache"),
            PathBuf::from,
        )
    };
    let tools =
        std::env::var_os("COURIER_TOOLS").map_or_else(|| cache().join("courier/tools"), PathBuf::from);
    let found = [tools.join("servers/proftpd"), PathBuf::from("/")]
        .into_iter()
        .find(|root| root.join("usr/lib/proftpd/mod_sftp.so").exists());
    found.expect("ProFTPD with mod_sftp is missing: run scripts/setup test")
}

fn private_file(path: impl AsRef<Path>, text: &str) {
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// A public key as mod_sftp wants it (RFC 4716 section 3).
fn rfc4716(authorized_keys_line: &str) -> String {
    let body = authorized_keys_line.split(' ').nth(1).unwrap();
    let lines: Vec<&str> = body
        .as_bytes()
        .chunks(70)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "---- BEGIN SSH2 PUBLIC KEY ----\n{}\n---- END SSH2 PUBLIC KEY ----\n",
        lines.join("\n")
    )
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn id(what: &str) -> String {
    output(Command::new("id").arg(what))
}

async fn fixture() -> Fixture {
    let server = ProFtpd::start();
    Fixture {
        client: server.connect().await,
        folder: path(server.folder()),
        keep: Box::new(server),
    }
}

courier_transfer::conformance!(fixture);

/// Bytes of which no two blocks are equal, in a file that is older than any upload of it.
fn source(server: &ProFtpd, len: usize) -> (PathBuf, Vec<u8>) {
    let bytes: Vec<u8> = (0..len as u64 / 8 + 1)
        .flat_map(u64::to_le_bytes)
        .take(len)
        .collect();
    let path = server.dir.path().join("source");
    fs::write(&path, &bytes).unwrap();
    let older = std::time::SystemTime::now() - Duration::from_secs(3600);
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(older).unwrap();
    (path, bytes)
}

#[tokio::test]
async fn the_password_and_the_key_log_in() {
    let server = ProFtpd::start();
    let attempt = server.try_at(server.port).password(PASSWORD);
    let heard = attempt.heard.clone();
    attempt.connect().await.unwrap();
    assert_eq!(*heard.method.lock(), Some(AuthMethod::Password));

    let attempt = server.try_at(server.port).key("k1", &server.user_key);
    let heard = attempt.heard.clone();
    attempt.connect().await.unwrap();
    assert_eq!(*heard.method.lock(), Some(AuthMethod::Key { id: "k1".into() }));
    let banner = heard.info.lock().banner.clone().unwrap();
    assert!(banner.contains("mod_sftp"), "{banner}");

    let wrong = server.try_at(server.port).password("battery staple");
    assert_eq!(wrong.connect().await.unwrap_err().kind(), ErrorKind::Auth);
}

/// The name of the file that the transfers below write.
fn target(server: &ProFtpd) -> RemotePath {
    path(server.folder().join("f"))
}

fn atomic() -> UploadOptions {
    UploadOptions {
        atomic: true,
        ..UploadOptions::default()
    }
}

#[tokio::test]
async fn twenty_megabytes_go_up_and_down_and_replace_what_was_there() {
    let server = ProFtpd::start();
    let client = server.connect().await;
    assert!(client.capabilities().atomic_replace, "it offers posix-rename");
    let ((source, bytes), back) = (source(&server, 20_000_000), server.dir.path().join("back"));
    let (remote, context) = (target(&server), Context::default());
    for _ in 0..2 {
        upload(&client, &source, &remote, &atomic(), &context)
            .await
            .unwrap();
        download(&client, &remote, &back, &DownloadOptions::default(), &context)
            .await
            .unwrap();
        assert!(fs::read(&back).unwrap() == bytes);
    }
}

#[tokio::test]
async fn it_computes_checksums_without_announcing_them() {
    let (source, context) = (|server: &ProFtpd| source(server, 100_000).0, Context::default());
    let options = UploadOptions {
        verify: Verify::Checksum,
        ..atomic()
    };
    for (config, verified) in [
        (GENEROUS, Verified::Checksum),
        ("AllowOverwrite on\nSFTPExtensions -checkFile", Verified::Size),
    ] {
        let server = ProFtpd::with(config);
        let client = server.connect().await;
        let sent = upload(&client, &source(&server), &target(&server), &options, &context).await;
        assert_eq!(sent.unwrap().verified, verified, "{config}");
    }
}

/// Remembers of which file the partials are, as the command line and jobs do.
#[derive(Debug, Default)]
struct Remembered(Mutex<HashMap<String, Identity>>);

#[async_trait::async_trait]
impl Partials for Remembered {
    async fn load(&self, key: &str) -> Result<Option<Identity>> {
        Ok(self.0.lock().get(key).cloned())
    }

    async fn save(&self, key: &str, identity: &Identity) -> Result<()> {
        self.0.lock().insert(key.to_owned(), identity.clone());
        Ok(())
    }

    async fn forget(&self, key: &str) -> Result<()> {
        self.0.lock().remove(key);
        Ok(())
    }
}

fn remembering() -> Context {
    Context {
        partials: Arc::new(Remembered::default()),
        ..Context::default()
    }
}

/// What may cross the line besides a file of 20 MB that is sent once: what was in flight when it broke, and the
/// protocol around the data.
const ONCE: std::ops::Range<u64> = 20_000_000..24_000_000;

#[tokio::test]
async fn a_broken_upload_goes_on() {
    let server = ProFtpd::start();
    let line = Proxy::to(server.port);
    let (source, bytes) = source(&server, 20_000_000);
    let (remote, context) = (target(&server), remembering());
    line.after(Direction::Up, 8_000_000, Fault::Reset);
    let client = server
        .try_at(line.port())
        .password(PASSWORD)
        .connect()
        .await
        .unwrap();
    let broken = upload(&client, &source, &remote, &atomic(), &context).await;
    assert_eq!(broken.unwrap_err().kind(), ErrorKind::Lost);

    let client = server
        .try_at(line.port())
        .password(PASSWORD)
        .connect()
        .await
        .unwrap();
    let sent = upload(&client, &source, &remote, &atomic(), &context)
        .await
        .unwrap();
    assert!(sent.resumed_from.unwrap() > 4_000_000, "{sent:?}");
    assert!(fs::read(server.folder().join("f")).unwrap() == bytes);
    assert!(ONCE.contains(&line.bytes(Direction::Up)), "{line:?}");
}

#[tokio::test]
async fn a_broken_download_goes_on() {
    let server = ProFtpd::start();
    let line = Proxy::to(server.port);
    let ((_, bytes), back) = (source(&server, 20_000_000), server.dir.path().join("back"));
    fs::write(server.folder().join("f"), &bytes).unwrap();
    let (remote, context) = (target(&server), remembering());
    line.after(Direction::Down, 8_000_000, Fault::Reset);
    let client = server
        .try_at(line.port())
        .password(PASSWORD)
        .connect()
        .await
        .unwrap();
    let broken = download(&client, &remote, &back, &DownloadOptions::default(), &context).await;
    assert_eq!(broken.unwrap_err().kind(), ErrorKind::Lost);

    let client = server
        .try_at(line.port())
        .password(PASSWORD)
        .connect()
        .await
        .unwrap();
    let got = download(&client, &remote, &back, &DownloadOptions::default(), &context)
        .await
        .unwrap();
    assert!(got.resumed_from.unwrap() > 4_000_000, "{got:?}");
    assert!(fs::read(&back).unwrap() == bytes);
    assert!(ONCE.contains(&line.bytes(Direction::Down)), "{line:?}");
}

/// Its own default, without `AllowOverwrite`: no file that exists is opened for writing, a partial neither.
#[tokio::test]
async fn where_nothing_is_overwritten_partials_are_started_over() {
    let server = ProFtpd::with("AllowOverwrite off");
    let client = server.connect().await;
    let (source, bytes) = source(&server, 1_000_000);
    let (remote, context) = (target(&server), Context::default());
    for resume in [true, false] {
        fs::write(server.folder().join("f.tmp"), &bytes[..400_000]).unwrap();
        let options = UploadOptions { resume, ..atomic() };
        let sent = upload(&client, &source, &remote, &options, &context)
            .await
            .unwrap();
        assert_eq!((sent.resumed_from, sent.bytes), (None, 1_000_000));
        assert!(fs::read(server.folder().join("f")).unwrap() == bytes);
        assert!(!server.folder().join("f.tmp").exists());
    }

    fs::write(server.folder().join("f"), "precious").unwrap();
    let direct = upload(&client, &source, &remote, &UploadOptions::default(), &context).await;
    assert_eq!(direct.unwrap_err().kind(), ErrorKind::Denied);
    assert_eq!(fs::read(server.folder().join("f")).unwrap(), b"precious");
}
