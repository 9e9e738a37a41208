//! A real PostgreSQL: one server for all tests of a run, one database for each test.
//!
//! The first test that needs it starts it, under a lock; the others find it. A small watcher outside stops the server
//! and removes its folder once the run is over, whichever way it ended.

use std::{
    fs::{self, File},
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::{CommandExt, parent_id},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Makes an empty database and answers its address.
pub(crate) fn new_database() -> String {
    let server = Server::of_this_run();
    let name = format!("t{}", courier_store::new_id().simple());
    server.run(
        "psql",
        &[
            "-h",
            &server.socket(),
            "-U",
            "postgres",
            "-qc",
            &format!("CREATE DATABASE {name}"),
            "postgres",
        ],
    );
    format!("postgres://postgres@localhost/{name}?host={}", server.socket())
}

struct Server {
    programs: PathBuf,
    folder: PathBuf,
    /// PostgreSQL refuses to run as root; then it runs as this user and group.
    user: Option<(u32, u32)>,
}

impl Server {
    fn of_this_run() -> Self {
        // nextest runs each test in a process of its own, and names the run; `cargo test` runs all in one.
        let (run, owner) = match std::env::var("NEXTEST_RUN_ID") {
            Ok(id) => (id.chars().take(13).collect(), parent_id()),
            Err(_) => (std::process::id().to_string(), std::process::id()),
        };
        let folder = std::env::temp_dir().join(format!("courier-store-{run}"));
        fs::create_dir_all(&folder).unwrap();
        let lock = File::create(folder.join("lock")).unwrap();
        lock.lock().unwrap();
        let user = (fs::metadata(&folder).unwrap().uid() == 0).then(unprivileged);
        let server = Self {
            programs: programs(),
            folder,
            user,
        };
        if !server.folder.join("ready").exists() {
            server.start(owner);
            fs::write(server.folder.join("ready"), "").unwrap();
        }
        server
    }

    fn start(&self, owner: u32) {
        let (home, data) = (self.folder.join("home"), self.data());
        // What is left of a start that failed would make every later one fail.
        let _ = fs::remove_dir_all(&home);
        fs::create_dir(&home).unwrap();
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
        if let Some((uid, gid)) = self.user {
            std::os::unix::fs::chown(&home, Some(uid), Some(gid)).unwrap();
        }
        self.run(
            "initdb",
            &[
                "-D",
                &data,
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-locale",
                "--no-sync",
            ],
        );
        let options = format!(
            "-c listen_addresses= -c unix_socket_directories={} -c fsync=off -c full_page_writes=off \
             -c synchronous_commit=off -c max_connections=500 -c shared_buffers=32MB",
            self.socket()
        );
        let log = home.join("log");
        self.run(
            "pg_ctl",
            &[
                "-D",
                &data,
                "-w",
                "-l",
                log.to_str().unwrap(),
                "-o",
                &options,
                "start",
            ],
        );

        // The shell that we wait for leaves the watcher behind. QUIT makes the server stop at once.
        let watch = format!(
            "(while kill -0 {owner}; do sleep 0.5; done; kill -QUIT $(head -n 1 '{data}/postmaster.pid'); sleep 1; \
             rm -rf '{}') &",
            self.folder.display(),
        );
        let mut shell = Command::new("sh");
        shell.args(["-c", &watch]).process_group(0);
        shell
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        assert!(shell.status().expect("a shell").success());
    }

    /// The folder of its socket; it listens nowhere else.
    fn socket(&self) -> String {
        self.folder.join("home").to_str().unwrap().to_owned()
    }

    fn data(&self) -> String {
        self.folder.join("home/data").to_str().unwrap().to_owned()
    }

    /// Runs one of PostgreSQL's programs to its end. Its output goes to a file, since the server would hold a pipe open.
    fn run(&self, program: &str, arguments: &[&str]) {
        let output = self.folder.join(format!("{program}-{}", std::process::id()));
        let file = File::create(&output).unwrap();
        let mut command = self.command(self.programs.join(program));
        command
            .args(arguments)
            .stdout(file.try_clone().unwrap())
            .stderr(file);
        let status = command
            .status()
            .unwrap_or_else(|e| panic!("{program} can't be run: {e}"));
        let said = fs::read_to_string(output).unwrap_or_default();
        let log = fs::read_to_string(self.folder.join("home/log")).unwrap_or_default();
        assert!(
            status.success(),
            "{program} failed: {said}\nthe server's log:\n{log}"
        );
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir("/")
            .stdin(Stdio::null())
            .env_remove("PGOPTIONS");
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }
}

/// The newest server that is installed.
fn programs() -> PathBuf {
    let installed = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"));
    let searched = std::env::var_os("PATH");
    let on_path = searched.iter().flat_map(std::env::split_paths);
    let version = |bin: &Path| {
        let folder = bin
            .parent()
            .and_then(Path::file_name)
            .and_then(|name| name.to_str());
        folder.and_then(|name| name.parse::<u32>().ok()).unwrap_or(0)
    };
    let complete = |bin: &PathBuf| {
        ["initdb", "pg_ctl", "psql"]
            .iter()
            .all(|program| bin.join(program).exists())
    };
    installed
        .chain(on_path)
        .filter(complete)
        .max_by_key(|bin| version(bin))
        .expect("these tests need PostgreSQL: initdb, pg_ctl and psql in /usr/lib/postgresql/*/bin or on PATH (Debian: apt-get install postgresql)")
}

/// Somebody who isn't root.
fn unprivileged() -> (u32, u32) {
    let users = fs::read_to_string("/etc/passwd").expect("the list of users");
    let find = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let fields: Vec<&str> = line.split(':').collect();
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    };
    find("postgres")
        .or_else(|| find("nobody"))
        .expect("a user `postgres` or `nobody`, because root may not run PostgreSQL")
}
