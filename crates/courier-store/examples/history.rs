//! What a long history of pulled files costs: `bench/history.py` runs this, and says what the figures mean.
//!
//! `history fill URL ROWS`, `history look-up URL NAMES known|half|new`, `history commit URL FILES`, `history list URL`
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::{error::Error, sync::Arc, time::Instant};

use courier_store::{
    Kind, PageRequest, Store,
    audit::{Authenticator, NewAudit},
    executions::{NewExecution, Origin},
    new_id,
    pulls::{
        AfterState, Entry, Group, HistoryFilter, Identity, Modified, NewPull, Pulled, Puller, Standing,
        Wanted,
    },
};
use jiff::Timestamp;
use sea_orm::ConnectionTrait;
use serde_json::json;
use uuid::Uuid;

/// Folders that the files of the history lie in; each file came into another one than the file before.
const FOLDERS: i64 = 100;
const CONNECTION: Uuid = Uuid::from_u128(0x1111);
const MAPPING: Uuid = Uuid::from_u128(0x2222);
const BEGIN: i64 = 1_700_000_000;

type Done = Result<(), Box<dyn Error>>;

#[tokio::main]
async fn main() -> Done {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["fill", url, rows] => fill(url, rows.parse()?).await,
        ["look-up", url, names, which] => look_up(url, names.parse()?, which).await,
        ["commit", url, files] => commit(url, files.parse()?).await,
        ["list", url] => list(url).await,
        _ => Err("see the head of the file for the arguments".into()),
    }
}

fn path(n: i64) -> String {
    format!("/out/{:04}/order-{:09}.csv", n % FOLDERS, n / FOLDERS)
}

/// Rows as pulls write them, by the database itself.
async fn fill(url: &str, rows: i64) -> Done {
    let kind = Store::open(url).await?.kind();
    let db =
        sea_orm::Database::connect(sea_orm::ConnectOptions::new(url).max_connections(1).to_owned()).await?;
    let begun = Instant::now();
    let (id, path, sha256, series) = match kind {
        Kind::Sqlite => {
            db.execute_unprepared("PRAGMA synchronous = OFF; PRAGMA cache_size = -2000000")
                .await?;
            (
                "unhex(printf('%012x7%03x8%015x', n, n % 4096, n))",
                format!("CAST(printf('/out/%04d/order-%09d.csv', n % {FOLDERS}, n / {FOLDERS}) AS BLOB)"),
                "randomblob(32)",
                "WITH RECURSIVE s(n) AS (VALUES (LOW) UNION ALL SELECT n + 1 FROM s WHERE n + 1 < HIGH)",
            )
        }
        Kind::Postgres => (
            "(lpad(to_hex(n), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid",
            format!(
                "convert_to('/out/' || lpad((n % {FOLDERS})::text, 4, '0') || '/order-' || lpad((n / {FOLDERS})::text, 9, '0') || '.csv', 'UTF8')"
            ),
            "sha256(int8send(n))",
            "WITH s(n) AS (SELECT generate_series(LOW::bigint, HIGH::bigint - 1))",
        ),
    };
    let literal = |id: Uuid| match kind {
        Kind::Sqlite => format!("x'{}'", id.simple()),
        Kind::Postgres => format!("'{id}'::uuid"),
    };
    let (connection, mapping, nobody) = (literal(CONNECTION), literal(MAPPING), literal(Uuid::nil()));
    for from in (0..rows).step_by(500_000) {
        let to = (from + 500_000).min(rows);
        let series = series
            .replace("LOW", &from.to_string())
            .replace("HIGH", &to.to_string());
        let key = "'orders/2026/order-' || n || '.csv'";
        db.execute_unprepared(&format!(
            "{series} INSERT INTO pulls (id, connection_id, mapping_id, execution_id, path, size, modified, span, replay,
             storage_id, destination, object_key, sha256, begun_at, pulled_at, after_state)
             SELECT {id}, {connection}, {mapping}, {mapping}, {path}, 4096, ({BEGIN} + n) * 1000000, 1, {nobody},
             {mapping}, 's3://incoming/partner/' || {key}, {key}, {sha256}, ({BEGIN} + n) * 1000000,
             ({BEGIN} + n) * 1000000 + 500, 'none' FROM s"
        ))
        .await?;
    }
    let end = match kind {
        Kind::Sqlite => "PRAGMA wal_checkpoint(TRUNCATE)",
        Kind::Postgres => "VACUUM (ANALYZE) pulls",
    };
    db.execute_unprepared(end).await?;
    println!(
        "{}",
        json!({"rows": rows, "seconds": begun.elapsed().as_secs_f64()})
    );
    Ok(())
}

/// A listing of one folder, a thousand names at a time, in an order that isn't that of the names.
async fn look_up(url: &str, names: i64, which: &str) -> Done {
    let store = Store::open_existing(url).await?;
    let begun = Instant::now();
    let (mut known, mut slowest) = (0_u64, 0_f64);
    for from in (0..names).step_by(1000) {
        let files: Vec<(String, Modified)> = (from..names.min(from + 1000))
            .map(|at| {
                // 7,919 is a prime, so each name comes once.
                let n = at * 7919 % names * FOLDERS + 42;
                let is_new = which == "new" || which == "half" && at % 2 == 0;
                let name = if is_new {
                    format!("{}.new", path(n))
                } else {
                    path(n)
                };
                let modified = Timestamp::from_second(BEGIN + n).expect("a time of our days");
                (name, Modified::exact(modified))
            })
            .collect();
        let files = files.iter().map(|(path, modified)| Wanted {
            path: path.as_bytes(),
            size: 4096,
            modified: *modified,
        });
        let files: Vec<Wanted<'_>> = files.collect();
        let batch = Instant::now();
        let found = store
            .pulls()
            .look_up(CONNECTION, Identity::PathAndVersion, &files)
            .await?;
        slowest = slowest.max(batch.elapsed().as_secs_f64());
        known += found
            .iter()
            .filter(|one| matches!(one, Standing::Pulled(_)))
            .count() as u64;
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{}",
        json!({"names": names, "known": known, "seconds": seconds, "slowest_batch": slowest, "rss_kib": peak()})
    );
    Ok(())
}

/// Files pulled in groups of a hundred: a group's record goes with the intents of the next.
async fn commit(url: &str, files: usize) -> Done {
    let store = Store::open_existing(url).await?;
    store.chain_audit_with(Arc::new(Key))?;
    let node = store.executions().join(&new_id().to_string()).await?;
    let execution = NewExecution {
        origin: Origin::Mapping(MAPPING),
        job_name: "orders".into(),
        triggered_by: "bench".into(),
        context: json!({}),
        steps: Vec::new(),
        max_instances: None,
        scheduled_at: None,
        timezone: None,
    };
    let audit = |_: &_| NewAudit::new("mapping_run", "bench");
    let execution = store.executions().enqueue(execution, audit).await?;
    let claimed = store.executions().claim(execution.id, &node.life()).await?;
    let puller = Puller {
        claim: claimed.ok_or("the execution can't be claimed")?.claim(),
        connection: CONNECTION,
        mapping: MAPPING,
        identity: Identity::PathAndVersion,
    };
    let run = new_id();
    let files: Vec<NewPull> = (0..files)
        .map(|n| NewPull {
            id: new_id(),
            path: format!("/out/0042/{run}-{n}.csv").into(),
            size: 4096,
            modified: Modified::exact(Timestamp::now()),
            storage_id: MAPPING,
            destination: format!("s3://incoming/partner/{n}.csv"),
            key: format!("{n}.csv"),
            replay: None,
        })
        .collect();
    let begun = Instant::now();
    let mut before: &[NewPull] = &[];
    for group in files.chunks(100).chain([[].as_slice()]) {
        let group_of = Group {
            begin: group.to_vec(),
            record: before
                .iter()
                .map(|file| Pulled {
                    id: file.id,
                    sha256: [1; 32],
                    after: AfterState::None,
                })
                .collect(),
            ..Group::default()
        };
        let pulled = |entry: &Entry| NewAudit {
            connection_id: Some(entry.connection_id),
            job_execution_id: Some(entry.execution_id),
            bytes_transferred: Some(entry.size),
            details: json!({
                "path": String::from_utf8_lossy(&entry.path), "destination": entry.destination, "size": entry.size
            }),
            ..NewAudit::new("file_pulled", "system")
        };
        store.pulls().commit(puller, &group_of, pulled).await?;
        before = group;
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{}",
        json!({"files": files.len(), "seconds": seconds, "rss_kib": peak()})
    );
    Ok(())
}

/// What people ask of a history: its newest page, one far back, one file by its path, a day.
async fn list(url: &str) -> Done {
    let store = Store::open_existing(url).await?;
    let newest = store
        .pulls()
        .list(CONNECTION, &HistoryFilter::default(), &PageRequest::first(1))
        .await?;
    let newest = newest.items.first().ok_or("the history is empty")?.pulled_at;
    let middle = Timestamp::from_second((BEGIN + newest.as_second()) / 2)?;
    let day = HistoryFilter {
        since: Some(middle),
        until: Some(middle + jiff::SignedDuration::from_hours(1)),
        ..Default::default()
    };
    let of_path = HistoryFilter {
        prefix: Some(path(123_456).into()),
        ..Default::default()
    };
    let of_folder = HistoryFilter {
        prefix: Some(b"/out/0042/".to_vec()),
        ..Default::default()
    };
    let with_part = HistoryFilter {
        path: Some(b"order-000001234.csv".to_vec()),
        ..Default::default()
    };
    let asked = [
        ("newest", HistoryFilter::default()),
        ("an hour far back", day),
        ("one file", of_path),
        ("one folder", of_folder),
        ("part of a name", with_part),
    ];
    for (what, filter) in asked {
        let begun = Instant::now();
        let page = store
            .pulls()
            .list(CONNECTION, &filter, &PageRequest::first(50))
            .await?;
        let seconds = begun.elapsed().as_secs_f64();
        println!(
            "{}",
            json!({"list": what, "items": page.items.len(), "seconds": seconds})
        );
    }
    Ok(())
}

/// The most memory that this process has had, KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}

/// Nobody attacks it.
#[derive(Debug)]
struct Key;

impl Authenticator for Key {
    fn authenticate(&self, bytes: &[u8]) -> [u8; 32] {
        let mut code = [0; 32];
        code.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref());
        code
    }
}
