//! Is everything in order, from the configuration to the database? Looks, and changes nothing.

use std::{
    fs, io,
    net::{IpAddr, ToSocketAddrs},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use courier_engine::admin::{ANCHOR_FILE, Finding};
use jiff::Timestamp;
use rustix::fs::statvfs;

use super::open;
use crate::{Config, INITIAL_PASSWORD_FILE, config::database_file, tls};

/// Below this there is hardly room for a database to grow, bytes.
const LITTLE_ROOM: u64 = 1 << 30;

/// Below this, nothing can be relied on, bytes.
const NO_ROOM: u64 = 64 << 20;

/// Looks at the data folder, the listener, the keys, the database and what is in it. `full` looks at every audit record.
pub async fn doctor(config: &Config, full: bool) -> Vec<Finding> {
    let mut found = vec![data_folder(&config.data_dir)];
    found.extend(private_files(config));
    found.push(room(&config.data_dir));
    found.extend(local_roots(config));
    found.push(listener(config));
    match open(config).await {
        Ok(admin) => {
            let anchor = config.data_dir.join(ANCHOR_FILE);
            match admin.doctor(config.environment, &anchor, full).await {
                Ok(inside) => found.extend(inside),
                Err(error) => found.push(Finding::fail("database", error.to_string())),
            }
            // It was only looked at.
            let _ = admin.close().await;
        }
        Err(error) => found.push(Finding::fail("key and database", error.to_string())),
    }
    found
}

fn data_folder(folder: &Path) -> Finding {
    const CHECK: &str = "data folder";
    let shown = folder.display();
    match fs::metadata(folder) {
        Err(error) => Finding::fail(
            CHECK,
            format!(
                "{shown} can't be looked at: {error}; name it with --data-dir, or start a server, which makes it"
            ),
        ),
        Ok(metadata) if !metadata.is_dir() => Finding::fail(CHECK, format!("{shown} is no folder")),
        Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => Finding::fail(
            CHECK,
            format!(
                "{shown} is open to others (mode {:03o}); run: chmod 700 '{shown}'",
                metadata.permissions().mode() & 0o777
            ),
        ),
        Ok(metadata) if metadata.uid() != rustix::process::getuid().as_raw() => Finding::warn(
            CHECK,
            format!(
                "{shown} belongs to user {}, and this is user {}; run this as the server's user",
                metadata.uid(),
                rustix::process::getuid().as_raw()
            ),
        ),
        Ok(_) => Finding::ok(CHECK, format!("{shown}, for its owner only")),
    }
}

/// Files that nobody else may read, and one that should be gone.
fn private_files(config: &Config) -> Vec<Finding> {
    const CHECK: &str = "private files";
    let mut found = Vec::new();
    let initial_password = config.data_dir.join(INITIAL_PASSWORD_FILE);
    let mut files: Vec<PathBuf> = ["kek", ANCHOR_FILE].map(|name| config.data_dir.join(name)).into();
    files.push(initial_password.clone());
    // What SQLite writes beside its file holds parts of it.
    if let Ok(Some(database)) = database_file(&config.database_url) {
        files.extend(["", "-wal", "-shm"].map(|suffix| {
            let mut file = database.clone().into_os_string();
            file.push(suffix);
            file.into()
        }));
    }
    for path in files {
        let Ok(metadata) = fs::metadata(&path) else {
            continue;
        };
        let mode = metadata.permissions().mode() & 0o777;
        if metadata.is_file() && mode & 0o077 != 0 {
            let shown = path.display();
            found.push(Finding::fail(
                CHECK,
                format!("{shown} is open to others (mode {mode:03o}); run: chmod 600 '{shown}'"),
            ));
        }
        if path == initial_password {
            found.push(Finding::warn(
                CHECK,
                format!(
                    "{} is still there; change admin's password and delete it",
                    path.display()
                ),
            ));
        }
    }
    if found.is_empty() {
        found.push(Finding::ok(CHECK, "key and database are for their owner only"));
    }
    found
}

fn room(folder: &Path) -> Finding {
    const CHECK: &str = "disk space";
    match statvfs(folder) {
        Err(error) => Finding::fail(CHECK, format!("can't be asked for: {}", io::Error::from(error))),
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let message = format!("{} MiB free", free >> 20);
            if free < NO_ROOM {
                Finding::fail(CHECK, message)
            } else if free < LITTLE_ROOM {
                Finding::warn(CHECK, message)
            } else {
                Finding::ok(CHECK, message)
            }
        }
    }
}

fn local_roots(config: &Config) -> Vec<Finding> {
    let missing = config.local_roots.iter().filter(|root| !root.is_dir());
    missing
        .map(|root| {
            Finding::fail(
                "local roots",
                format!(
                    "{} is no folder; make it, or take it out of local_roots",
                    root.display()
                ),
            )
        })
        .collect()
}

fn listener(config: &Config) -> Finding {
    const CHECK: &str = "listener";
    let Some(tls) = &config.tls else {
        return match is_loopback(&config.listen) {
            true => Finding::ok(
                CHECK,
                format!("{}, for this machine only, without TLS", config.listen),
            ),
            false => Finding::warn(
                CHECK,
                format!(
                    "{} is reached by others without TLS: passwords and tokens go in clear; set tls.certificate and tls.key",
                    config.listen
                ),
            ),
        };
    };
    match tls::check(tls) {
        Err(error) => Finding::fail(CHECK, error.to_string()),
        Ok(certificate) => {
            let problems = certificate.problems(Timestamp::now());
            let what = format!(
                "certificate for {}, until {}",
                certificate.names.join(", "),
                certificate.not_after
            );
            match problems.is_empty() {
                true => Finding::ok(CHECK, what),
                false => Finding::warn(CHECK, format!("{what}: {}", problems.join("; "))),
            }
        }
    }
}

fn is_loopback(listen: &str) -> bool {
    let addresses = listen.to_socket_addrs().map(Iterator::collect::<Vec<_>>);
    addresses.is_ok_and(|all| !all.is_empty() && all.iter().all(|address| IpAddr::is_loopback(&address.ip())))
}
