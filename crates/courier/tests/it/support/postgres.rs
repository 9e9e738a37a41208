//! A PostgreSQL of one's own, to be killed and started again.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{processes, user, wait_until};

pub(crate) struct Postgres {
    folder: TempDir,
    programs: PathBuf,
    /// It refuses to run as root; then it runs as this user and group.
    account: Option<(u32, u32)>,
    server: Child,
}

impl Postgres {
    /// With one empty database.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let account = (user() == "root").then(unprivileged);
        let home = folder.path().join("home");
        fs::create_dir(&home).unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
        if let Some((uid, gid)) = account {
            chown(&home, Some(uid), Some(gid)).unwrap();
        }
        let programs = programs();
        let mut initdb = program(&programs.join("initdb"), account, &home);
        let made = initdb.args([
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-locale",
            "--no-sync",
        ]);
        let made = made.arg("-D").arg(home.join("data")).status().unwrap();
        assert!(made.success(), "{}", read(&home.join("log")));
        let server = launch(&programs, account, &home);
        let database = Self {
            folder,
            programs,
            account,
            server,
        };
        database.wait();
        database.ask("CREATE DATABASE courier");
        database
    }

    /// The address of the database.
    pub(crate) fn url(&self) -> String {
        format!(
            "postgres://postgres@localhost/courier?host={}",
            self.home().display()
        )
    }

    /// Kills the server and all its processes at once, as a power cut would.
    pub(crate) fn kill(&mut self) {
        processes::send("KILL", &processes::family(self.server.id()));
        self.server.wait().unwrap();
    }

    /// On the same data, after a kill.
    pub(crate) fn start_again(&mut self) {
        // What is left of a process that was killed keeps the next server away until it is gone.
        self.server = launch(&self.programs, self.account, &self.home());
        self.wait();
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    fn wait(&self) {
        wait_until("PostgreSQL's start", || {
            let mut ready = program(&self.programs.join("pg_isready"), self.account, &self.home());
            ready
                .arg("-q")
                .arg("-h")
                .arg(self.home())
                .status()
                .unwrap()
                .success()
        });
    }

    /// Runs a statement outside of Courier's database; its output as bare text.
    fn ask(&self, sql: &str) {
        let mut psql = program(&self.programs.join("psql"), self.account, &self.home());
        let asked = psql.args(["-U", "postgres", "-qc", sql, "-h"]).arg(self.home());
        assert!(
            asked.arg("postgres").status().unwrap().success(),
            "{}",
            self.log()
        );
    }

    pub(crate) fn log(&self) -> String {
        read(&self.home().join("log"))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}

fn launch(programs: &Path, account: Option<(u32, u32)>, home: &Path) -> Child {
    let mut server = program(&programs.join("postgres"), account, home);
    // A process that is killed loses nothing that the system has; what a lost commit would do is for the disk to say.
    let settings = [
        "listen_addresses=",
        "fsync=off",
        "full_page_writes=off",
        "shared_buffers=16MB",
    ];
    server.args(settings.iter().flat_map(|setting| ["-c", setting]));
    server
        .arg("-c")
        .arg(format!("unix_socket_directories={}", home.display()));
    server.arg("-D").arg(home.join("data")).spawn().unwrap()
}

/// One of PostgreSQL's programs; what it says goes to a file.
fn program(path: &Path, account: Option<(u32, u32)>, home: &Path) -> Command {
    let log = File::options()
        .append(true)
        .create(true)
        .open(home.join("log"))
        .unwrap();
    let mut command = Command::new(path);
    command.current_dir("/").env_remove("PGOPTIONS");
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    if let Some((uid, gid)) = account {
        command.uid(uid).gid(gid);
    }
    command
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// Where the newest server is that is installed.
fn programs() -> PathBuf {
    let installed = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let searched = std::env::var_os("PATH");
    let version = |bin: &PathBuf| {
        let name = bin
            .parent()
            .and_then(Path::file_name)
            .and_then(|name| name.to_str());
        name.and_then(|name| name.parse::<u32>().ok()).unwrap_or(0)
    };
    installed
        .map(|version| version.path().join("bin"))
        .chain(searched.iter().flat_map(std::env::split_paths))
        .filter(|bin| {
            ["initdb", "postgres", "psql", "pg_isready"]
                .iter()
                .all(|name| bin.join(name).exists())
        })
        .max_by_key(version)
        .expect("PostgreSQL: run scripts/setup test")
}

/// Somebody who isn't root.
fn unprivileged() -> (u32, u32) {
    let users = read(Path::new("/etc/passwd"));
    let find = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let fields: Vec<&str> = line.split(':').collect();
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    };
    find("postgres")
        .or_else(|| find("nobody"))
        .expect("a user `postgres` or `nobody`")
}
