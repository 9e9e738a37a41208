//! Real FTP servers, each with a configuration, a certificate and a folder of its own.
//!
//! As with [`Sshd`](super::Sshd), the port is taken here and stays taken: each connection is handed to a server that was
//! started for it alone. vsftpd and Pure-FTPd confine their users, so they have to be started by root.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{Cli, Visits, wait_until};

pub(crate) const PASSWORD: &str = "correct horse";
/// What `openssl passwd -6` makes of it.
const HASH: &str =
    "$6$courierftp$cDh/k6437azzKRzOa/BOd8IfHED/e/rWG.gWFMMEuLMos7SCJhluPEyv3Jo9jpQYeSCTCP1d.ZkDqSyFuq55f1";
/// The account that everything is done as: one that every system has.
const ACCOUNT: (&str, u32) = ("daemon", 1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Software {
    ProFtpd,
    PureFtpd,
    Vsftpd,
}

pub(crate) struct Ftpd {
    folder: TempDir,
    software: Software,
    scheme: &'static str,
    port: u16,
    visits: Visits,
    /// The server itself, where it listens by itself.
    alone: Option<Child>,
}

impl Drop for Ftpd {
    fn drop(&mut self) {
        if let Some(server) = &mut self.alone {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

impl Ftpd {
    /// A server for URLs of that scheme. With TLS it insists on that, and on data connections that resume the session.
    pub(crate) fn start(software: Software, scheme: &'static str) -> Self {
        Self::with(software, scheme, "")
    }

    /// With more lines of configuration, or for Pure-FTPd arguments.
    pub(crate) fn with(software: Software, scheme: &'static str, more: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self::at_port(software, scheme, listener.local_addr().unwrap().port());
        let (program, arguments) = match software {
            Software::ProFtpd => server.proftpd(more),
            Software::PureFtpd => server.pure_ftpd(more),
            Software::Vsftpd => server.vsftpd(more),
        };
        let visits = server.visits.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let stream = OwnedFd::from(connection.unwrap());
                let mut command = Command::new(&program);
                command
                    .args(&arguments)
                    .stdin(Stdio::from(stream.try_clone().unwrap()))
                    .stdout(Stdio::from(stream))
                    .stderr(Stdio::null());
                visits.serve(&mut command);
            }
        });
        server
    }

    /// A vsftpd that listens by itself, since only such a one counts its clients: one at a time.
    pub(crate) fn for_one() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut server = Self::at_port(Software::Vsftpd, "ftp", free.local_addr().unwrap().port());
        drop(free);
        let lines = format!(
            "listen=YES\nlisten_address=127.0.0.1\nlisten_port={}\nbackground=NO\nmax_clients=1\n",
            server.port
        );
        let (program, arguments) = server.vsftpd(&lines);
        server.alone = Some(Command::new(program).args(arguments).spawn().unwrap());
        wait_until("vsftpd to listen", || {
            TcpStream::connect(("127.0.0.1", server.port)).is_ok()
        });
        server
    }

    fn at_port(software: Software, scheme: &'static str, port: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("home/files")).unwrap();
        fs::create_dir(at("empty")).unwrap();
        chown(at("home/files"), Some(ACCOUNT.1), Some(ACCOUNT.1)).unwrap();
        certificate(&at("identity.pem"));
        Self {
            folder,
            software,
            scheme,
            port,
            visits: Visits::default(),
            alone: None,
        }
    }

    fn at(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn vsftpd(&self, more: &str) -> (PathBuf, Vec<String>) {
        fs::write(self.at("passwords"), format!("{PASSWORD}\n")).unwrap();
        let mut lines = format!(
            "listen=NO\nlocal_enable=NO\nanonymous_enable=YES\nftp_username={account}\nanon_root={home}\n\
             secure_email_list_enable=YES\nemail_password_file={passwords}\nwrite_enable=YES\nanon_upload_enable=YES\n\
             anon_mkdir_write_enable=YES\nanon_other_write_enable=YES\nanon_world_readable_only=NO\nanon_umask=022\n\
             secure_chroot_dir={empty}\nseccomp_sandbox=NO\ndelay_failed_login=0\nxferlog_enable=YES\n\
             log_ftp_protocol=YES\nvsftpd_log_file={log}\n",
            account = ACCOUNT.0,
            home = self.at("home"),
            passwords = self.at("passwords"),
            empty = self.at("empty"),
            log = self.at("log"),
        );
        if self.has_tls() {
            let identity = self.at("identity.pem");
            lines += &format!(
                "ssl_enable=YES\nallow_anon_ssl=YES\nforce_anon_logins_ssl=YES\nforce_anon_data_ssl=YES\n\
                 require_ssl_reuse=YES\nssl_ciphers=HIGH\nrsa_cert_file={identity}\nrsa_private_key_file={identity}\n"
            );
        }
        if self.scheme == "ftps" {
            lines += "implicit_ssl=YES\n";
        }
        lines += more;
        fs::write(self.at("vsftpd.conf"), lines).unwrap();
        let program = root("vsftpd", "usr/sbin/vsftpd").join("usr/sbin/vsftpd");
        (program, vec![self.at("vsftpd.conf")])
    }

    fn proftpd(&self, more: &str) -> (PathBuf, Vec<String>) {
        let (account, id) = ACCOUNT;
        fs::write(
            self.at("users"),
            format!("ftp:{HASH}:{id}:{id}::{}:/bin/sh\n", self.at("home")),
        )
        .unwrap();
        fs::set_permissions(self.at("users"), fs::Permissions::from_mode(0o600)).unwrap();
        let root = root("proftpd", "usr/lib/proftpd/mod_tls.so");
        let mut lines = format!(
            "ModulePath {modules}\nServerType inetd\nDefaultAddress 127.0.0.1\nPort {port}\nDefaultServer on\n\
             User {account}\nGroup {account}\nPidFile {pid}\nScoreboardFile none\nSystemLog {log}\nTransferLog none\n\
             WtmpLog off\nDelayEngine off\nUseReverseDNS off\nAuthOrder mod_auth_file.c\nAuthUserFile {users}\n\
             RequireValidShell off\nAllowOverwrite on\nAllowStoreRestart on\nDefaultRoot {home}\n",
            modules = root.join("usr/lib/proftpd").display(),
            port = self.port,
            pid = self.at("pid"),
            log = self.at("log"),
            users = self.at("users"),
            home = self.at("home"),
        );
        if self.has_tls() {
            let identity = self.at("identity.pem");
            lines += &format!(
                "LoadModule mod_tls.c\nTLSEngine on\nTLSRequired on\nTLSECCertificateFile {identity}\n\
                 TLSECCertificateKeyFile {identity}\n"
            );
        }
        if self.scheme == "ftps" {
            lines += "TLSOptions UseImplicitSSL\n";
        }
        lines += more;
        fs::write(self.at("proftpd.conf"), lines).unwrap();
        let arguments = vec!["--config".to_owned(), self.at("proftpd.conf")];
        (root.join("usr/sbin/proftpd"), arguments)
    }

    fn pure_ftpd(&self, more: &str) -> (PathBuf, Vec<String>) {
        let root = root("pure-ftpd", "usr/sbin/pure-ftpd");
        let (users, database) = (self.at("users"), self.at("users.pdb"));
        let (home, id) = (self.at("home"), ACCOUNT.1);
        fs::write(&users, format!("ftp:{HASH}:{id}:{id}::{home}/./::::::::::::\n")).unwrap();
        let made = Command::new(root.join("usr/bin/pure-pw"))
            .args(["mkdb", &database, "-f", &users])
            .status()
            .unwrap();
        assert!(made.success());
        let mut arguments = vec![
            format!("-lpuredb:{database}"),
            "-E".into(),
            "-H".into(),
            "-u1".into(),
            "-fnone".into(),
            "-U022:022".into(),
        ];
        if self.has_tls() {
            arguments.extend(["-Y3".into(), format!("-2{}", self.at("identity.pem"))]);
        }
        arguments.extend(more.lines().map(str::to_owned));
        (root.join("usr/sbin/pure-ftpd"), arguments)
    }

    fn has_tls(&self) -> bool {
        self.scheme != "ftp"
    }

    pub(crate) fn software(&self) -> Software {
        self.software
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
        format!("{}://ftp@127.0.0.1:{port}/files/{path}", self.scheme)
    }

    /// The same without a user.
    pub(crate) fn anonymous_url(&self, path: &str) -> String {
        format!("{}://127.0.0.1:{}/files/{path}", self.scheme, self.port)
    }

    pub(crate) fn files(&self) -> PathBuf {
        self.folder.path().join("home/files")
    }

    /// Puts a file there.
    pub(crate) fn file(&self, path: &str, content: impl AsRef<[u8]>) {
        let own = |path: &Path| chown(path, Some(ACCOUNT.1), Some(ACCOUNT.1)).unwrap();
        let path = self.files().join(path);
        let folder = path.parent().unwrap();
        fs::create_dir_all(folder).unwrap();
        own(folder);
        fs::write(&path, content).unwrap();
        own(&path);
    }

    /// Reads a file there.
    pub(crate) fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.files().join(path)).unwrap()
    }

    /// vsftpd lets in from now on who has this password.
    pub(crate) fn set_password(&self, password: &str) {
        fs::write(self.at("passwords"), format!("{password}\n")).unwrap();
    }

    /// From now on the server has another certificate.
    pub(crate) fn change_certificate(&self) {
        certificate(Path::new(&self.identity()));
    }

    /// What vsftpd and ProFTPD logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.at("log")).unwrap_or_default()
    }

    /// The file with the certificate and its key.
    pub(crate) fn identity(&self) -> String {
        self.at("identity.pem")
    }

    /// The SHA-256 of the certificate, as openssl prints it.
    pub(crate) fn thumbprint(&self) -> String {
        let output = Command::new("openssl")
            .args([
                "x509",
                "-noout",
                "-fingerprint",
                "-sha256",
                "-in",
                &self.identity(),
            ])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.trim().split_once('=').unwrap().1.to_owned()
    }

    /// A user who knows the password, and whose system trusts the certificate.
    pub(crate) fn friend(&self) -> Cli {
        Cli::new()
            .env("COURIER_PASSWORD", PASSWORD)
            .env("SSL_CERT_FILE", self.identity())
    }
}

/// A certificate that vouches for itself.
fn certificate(path: &Path) {
    let path = path.display().to_string();
    let made = Command::new("openssl")
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
            "subjectAltName=IP:127.0.0.1,DNS:localhost",
        ])
        .args(["-days", "2", "-keyout", &path, "-out", &format!("{path}.crt")])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let certificate = fs::read_to_string(format!("{path}.crt")).unwrap();
    let key = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{certificate}{key}")).unwrap();
}

/// Where a server lies unpacked, or the system.
fn root(name: &str, file: &str) -> PathBuf {
    let cache = || {
        std::env::var_os("XDG_CACHE_HOME").map_or_else(
            || std::env::home_dir().unwrap_or_default().join(".cache"),
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
