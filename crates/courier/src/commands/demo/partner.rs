//! The demo's SFTP server: a partner with sample files.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use courier_keys::PublicKey;
use courier_sftp::server::{RunningServer, SftpServer, User};

use crate::exit::{Code, Failure, Result};

/// The login name.
pub(super) const USER: &str = "courier";

/// Order files in the inbox at the start.
const FIRST_ORDERS: u32 = 4;
/// Rows of an order file.
const ROWS: u32 = 400;
/// Rows of the catalogue, which make some MB.
const CATALOGUE_ROWS: u32 = 90_000;

/// A running server and its folder.
pub(super) struct Partner {
    server: RunningServer,
    inbox: PathBuf,
    reports: PathBuf,
    days: AtomicU32,
}

impl Partner {
    /// Starts it on a free port, with files in its inbox; whoever has this key may log in.
    pub(super) fn start(folder: &Path, public_key: &str) -> Result<Self> {
        let root = folder.join("partner");
        let [inbox, outbox, reports] = ["inbox", "outbox", "reports"].map(|name| root.join(name));
        for folder in [&inbox, &outbox, &reports] {
            fs::create_dir_all(folder).map_err(|e| failed("make", folder, &e))?;
        }
        let key = PublicKey::from_authorized_keys_line(public_key).map_err(|e| {
            Failure::new(
                Code::Failed,
                format!("the server gave a key that can't be read: {e}"),
            )
        })?;
        let server = SftpServer::builder()
            .user(User::new(USER).key(key))
            .root(&root)
            .start()?;
        let partner = Self {
            server,
            inbox,
            reports,
            days: AtomicU32::new(0),
        };
        for _ in 0..FIRST_ORDERS {
            partner.put_orders()?;
        }
        let catalogue = rows("article,in_stock,price_cents,code", CATALOGUE_ROWS);
        put(&partner.inbox, "catalogue.csv", &catalogue)?;
        put(
            &partner.reports,
            "prices.csv",
            &rows("article,price_cents,code,hash", ROWS),
        )?;
        partner.put_stock()?;
        Ok(partner)
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.server.addr()
    }

    /// How many files are in the inbox.
    pub(super) fn files(&self) -> Result<usize> {
        Ok(fs::read_dir(&self.inbox)
            .map_err(|e| failed("read", &self.inbox, &e))?
            .count())
    }

    /// Empties the inbox, so that a demo that runs for days does not fill the disk, puts the next orders there, and a new
    /// stock report in the old one's place.
    pub(super) fn next_day(&self) -> Result<String> {
        for entry in fs::read_dir(&self.inbox).map_err(|e| failed("read", &self.inbox, &e))? {
            let path = entry.map_err(|e| failed("read", &self.inbox, &e))?.path();
            fs::remove_file(&path).map_err(|e| failed("remove", &path, &e))?;
        }
        let name = self.put_orders()?;
        self.put_stock()?;
        Ok(name)
    }

    fn put_orders(&self) -> Result<String> {
        let day = self.days.fetch_add(1, Ordering::Relaxed) + 1;
        let name = format!("orders-{day:04}.csv");
        put(&self.inbox, &name, &rows("order,quantity,price_cents,code", ROWS))?;
        Ok(name)
    }

    /// A report that has one row more each day, under one name.
    fn put_stock(&self) -> Result<()> {
        let day = self.days.load(Ordering::Relaxed);
        put(
            &self.reports,
            "stock.csv",
            &rows("article,in_stock,hash,code", ROWS + day),
        )
    }
}

/// Writes beside the folder and moves in, so that nobody fetches half a file.
fn put(folder: &Path, name: &str, text: &str) -> Result<()> {
    let unfinished = folder.with_file_name(format!("{name}.unfinished"));
    fs::write(&unfinished, text).map_err(|e| failed("write", &unfinished, &e))?;
    fs::rename(&unfinished, folder.join(name)).map_err(|e| failed("write", folder, &e))
}

/// Rows that look like somebody's data.
fn rows(heading: &str, count: u32) -> String {
    let mut text = format!("{heading}\n");
    for row in 1..=count {
        let mixed = row.wrapping_mul(2_654_435_761);
        // Writing to a `String` can't fail.
        let _ = writeln!(
            text,
            "{row:08},{},{},{:08x}",
            mixed % 97 + 1,
            mixed % 99_991 + 100,
            mixed
        );
    }
    text
}

fn failed(doing: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::new(
        Code::Failed,
        format!("could not {doing} {}: {error}", path.display()),
    )
}
