//! `courier serve` on a free port.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Stdio};

use tempfile::TempDir;

use super::{Cli, processes, signal};

/// The password of the user `admin`.
pub(crate) const PASSWORD: &str = "correct-horse-7f3a-battery";

pub(crate) struct Serve {
    child: Child,
    stdout: BufReader<ChildStdout>,
    folder: TempDir,
    env: Vec<(String, String)>,
    pub(crate) url: String,
}

impl Serve {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// With environment variables.
    pub(crate) fn start_with(env: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let env: Vec<_> = env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let (child, stdout, url) = launch(folder.path(), &env);
        Self {
            child,
            stdout,
            folder,
            env,
            url,
        }
    }

    /// On the same data folder, after a stop.
    pub(crate) fn start_again(&mut self) {
        (self.child, self.stdout, self.url) = launch(self.folder.path(), &self.env);
    }

    /// On the same data folder, with one more environment variable, until the next start.
    #[cfg(feature = "failpoints")]
    pub(crate) fn start_again_with(&mut self, name: &str, value: &str) {
        let mut env = self.env.clone();
        env.push((name.to_owned(), value.to_owned()));
        (self.child, self.stdout, self.url) = launch(self.folder.path(), &env);
    }

    /// Waits until it has ended without being asked to.
    #[cfg(feature = "failpoints")]
    #[track_caller]
    pub(crate) fn died(&mut self, why: &str) {
        super::wait_until(why, || self.child.try_wait().unwrap().is_some());
    }

    /// The data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What was logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Somebody in a shell with an admin's token.
    pub(crate) fn admin(&self) -> Cli {
        let login = Cli::new()
            .env("COURIER_SERVER", &self.url)
            .env("COURIER_PASSWORD", PASSWORD);
        let token = login.ok(["login"]).stdout.trim().to_owned();
        Cli::new()
            .env("COURIER_SERVER", &self.url)
            .env("COURIER_TOKEN", token)
    }

    /// Asks the server to stop with SIGTERM, and gives its exit code.
    pub(crate) fn stop(&mut self) -> i32 {
        signal(&self.child, "TERM");
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        let mut rest = String::new();
        self.stdout.read_line(&mut rest).unwrap();
        assert_eq!(rest, "");
        code
    }

    /// Kills it, as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal: `STOP` freezes it, `CONT` lets it go on.
    pub(crate) fn send(&self, name: &str) {
        processes::send(name, &[self.child.id()]);
    }

    /// The files of the data folder that hold `secret`, and the log if it does.
    pub(crate) fn holds(&self, secret: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut open = vec![self.folder.path().to_owned()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else if contains(&path, secret.as_bytes()) {
                    found.push(path);
                }
            }
        }
        found
    }
}

/// Starts the server and waits until it says where it is.
fn launch(folder: &Path, env: &[(String, String)]) -> (Child, BufReader<ChildStdout>, String) {
    let log = File::options()
        .append(true)
        .create(true)
        .open(folder.join("log"))
        .unwrap();
    let data = folder.join("data");
    let arguments = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        data.to_str().unwrap(),
        "--log",
        "debug",
    ];
    let cli = env.iter().fold(
        Cli::new().env("COURIER_ADMIN_PASSWORD", PASSWORD),
        |cli, (name, value)| cli.env(name, value),
    );
    let mut child = cli.command(arguments).stderr(Stdio::from(log)).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let url = line.split_whitespace().last().unwrap_or_default().to_owned();
    let log = fs::read_to_string(folder.join("log")).unwrap();
    let address = url.split_once("://").map(|(_, address)| address);
    assert!(
        address.is_some_and(|address| address.starts_with("127.0.0.1:")),
        "{line:?}\n{log}"
    );
    (child, stdout, url)
}

fn contains(path: &Path, wanted: &[u8]) -> bool {
    fs::read(path)
        .unwrap()
        .windows(wanted.len())
        .any(|window| window == wanted)
}

impl Drop for Serve {
    fn drop(&mut self) {
        // A test that failed leaves it running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
