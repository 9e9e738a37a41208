//! The partner at the other end: OpenSSH behind a slow line, or vsftpd that is slow by itself.

use std::fs;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use courier_transfer::testkit::Direction::{Down, Up};
use courier_transfer::testkit::Proxy;

use super::size;
use crate::support::{Cli, FTP_PASSWORD, Ftpd, Software, Sshd, Visits, user, wait_until};

/// How long the big file takes each way, so that there is a middle to kill in.
const SECONDS: u64 = 2;

pub(super) enum Partner {
    Sftp { server: Sshd, line: Proxy },
    Ftp(Ftpd),
}

/// What had happened at the partner at some moment.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    up: u64,
    down: u64,
    /// Bytes of the server's log.
    log: usize,
}

impl Partner {
    pub(super) fn sftp() -> Self {
        let server = Sshd::start();
        server.write_down();
        let line = Proxy::to(server.port());
        for direction in [Up, Down] {
            line.throttle(direction, size() as u64 / SECONDS);
        }
        Self::Sftp { server, line }
    }

    /// By FTP with explicit TLS.
    pub(super) fn ftps() -> Self {
        let rate = format!("anon_max_rate={}\n", size() as u64 / SECONDS);
        Self::Ftp(Ftpd::with(Software::Vsftpd, "ftpes", &rate))
    }

    /// Makes the connection `partner`, and tests it.
    pub(super) fn connect(&self, admin: &Cli) {
        let create = ["connection", "create", "partner", "--host", "127.0.0.1"];
        match self {
            Self::Sftp { server, line } => {
                admin.ok(["key", "generate", "partner-key"]);
                server.authorize(&admin.ok(["key", "public", "partner-key"]).stdout);
                let (port, user) = (line.port().to_string(), user());
                let flags = ["--port", &port, "--username", &user, "--ssh-key", "partner-key"];
                admin.ok(create.into_iter().chain(flags));
            }
            Self::Ftp(server) => {
                let (port, pin) = (server.port().to_string(), server.thumbprint());
                let flags = ["--port", &port, "--username", "ftp", "--password-stdin"];
                let tls = ["--protocol", "ftps", "--tls-pin", &pin];
                let all = create.into_iter().chain(flags).chain(tls);
                let made = admin.run_with_input(all, FTP_PASSWORD);
                assert_eq!(made.code, 0, "{made:?}");
            }
        }
        admin.ok(["connection", "test", "partner"]);
    }

    pub(super) fn step_type(&self, verb: &str) -> String {
        match self {
            Self::Sftp { .. } => format!("sftp.{verb}"),
            Self::Ftp(_) => format!("ftps.{verb}"),
        }
    }

    /// Where its files are for us.
    pub(super) fn files(&self) -> PathBuf {
        match self {
            Self::Sftp { server, .. } => server.files(),
            Self::Ftp(server) => server.files(),
        }
    }

    /// Where a file is for who logs in.
    pub(super) fn remote(&self, path: &str) -> String {
        match self {
            Self::Sftp { server, .. } => server.files().join(path).display().to_string(),
            Self::Ftp(_) => format!("/files/{path}"),
        }
    }

    /// Puts a file there.
    pub(super) fn file(&self, path: &str, content: &[u8]) {
        match self {
            Self::Sftp { server, .. } => {
                server.file(path, content);
            }
            Self::Ftp(server) => server.file(path, content),
        }
    }

    /// An empty folder `out`.
    pub(super) fn clear_out(&self) {
        let out = self.files().join("out");
        let _ = fs::remove_dir_all(&out);
        self.file("out/first", b"");
        fs::remove_file(out.join("first")).unwrap();
    }

    pub(super) fn visits(&self) -> &Visits {
        match self {
            Self::Sftp { server, .. } => server.visits(),
            Self::Ftp(server) => server.visits(),
        }
    }

    /// Kills what serves the present connections; for a while nobody takes new ones.
    pub(super) fn kill(&self, away: Duration) {
        if let Self::Sftp { line, .. } = self {
            line.refuse();
        }
        self.visits().kill();
        if let Self::Sftp { line, .. } = self {
            sleep(away);
            line.accept();
        }
    }

    pub(super) fn mark(&self) -> Mark {
        let (up, down) = match self {
            Self::Sftp { line, .. } => (line.bytes(Up), line.bytes(Down)),
            Self::Ftp(_) => (0, 0),
        };
        let log = self.log().len();
        Mark { up, down, log }
    }

    /// Waits until so many bytes have passed since, up and down together. Where nobody counts, it takes as long as it
    /// usually does.
    pub(super) fn moved(&self, since: Mark, bytes: u64) {
        match self {
            Self::Sftp { line, .. } => wait_until("the moment to kill", || {
                line.bytes(Up) + line.bytes(Down) >= since.up + since.down + bytes
            }),
            Self::Ftp(_) => sleep(Duration::from_millis(bytes * 1000 * SECONDS / size() as u64)),
        }
    }

    /// Bytes up and down since, where somebody counts.
    pub(super) fn passed(&self, since: Mark) -> Option<(u64, u64)> {
        match self {
            Self::Sftp { line, .. } => Some((line.bytes(Up) - since.up, line.bytes(Down) - since.down)),
            Self::Ftp(_) => None,
        }
    }

    /// How often somebody asked since to give a file this last name.
    pub(super) fn named(&self, since: Mark, path: &str) -> usize {
        let remote = self.remote(path);
        let (log, asked) = match self {
            Self::Sftp { .. } => (self.log(), format!("new \"{remote}\"")),
            Self::Ftp(_) => (
                self.log(),
                format!("FTP command: Client \"127.0.0.1\", \"RNTO {remote}\""),
            ),
        };
        let log = log.get(since.log..).unwrap();
        log.lines().filter(|line| line.contains(&asked)).count()
    }

    /// What the server wrote down.
    pub(super) fn log(&self) -> String {
        match self {
            Self::Sftp { server, .. } => server.requests(),
            Self::Ftp(server) => server.log(),
        }
    }
}
