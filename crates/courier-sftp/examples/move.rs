//! Moves one file, or the files of a folder, and says how long that took: the least that a measurement needs.
//!
//! `move get|put PORT KEY_FILE FINGERPRINT REMOTE LOCAL [CIPHER]`; a folder moves with 64 files at once.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::panic)]

use std::{fs::File, path::Path, sync::Arc, time::Instant};

use courier_sftp::SftpProtocol;
use courier_transfer::{
    Client, ConnectOptions, CreateOptions, Credentials, Fetch, FileSink, FileSource, KeyCredential, Listed,
    NoProgress, Protocol, RemotePath, Result, Store, Target, TrustPins, Unobserved,
};
use futures::{StreamExt, stream};

async fn get(client: &dyn Client, remote: &RemotePath, local: &Path, size: Option<u64>) -> Result<u64> {
    let sink = FileSink::new(File::create(local).unwrap(), local, 0, Arc::new(NoProgress));
    client
        .fetch(
            remote,
            Fetch {
                offset: 0,
                size_hint: size,
                sink: Arc::new(sink),
            },
        )
        .await
}

async fn put(client: &dyn Client, remote: &RemotePath, local: &Path) -> Result<u64> {
    let source = FileSource::new(File::open(local).unwrap(), local, Arc::new(NoProgress));
    client
        .store(
            remote,
            Store {
                options: CreateOptions::default(),
                source: Arc::new(source),
            },
        )
        .await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [way, port, key, pin, remote, local, cipher @ ..] = args.as_slice() else {
        panic!("see the source")
    };
    let private_key = std::fs::read_to_string(key).unwrap().into();
    let mut settings = serde_json::Map::new();
    if let [cipher] = cipher {
        settings.insert(
            "ssh_algorithms".into(),
            serde_json::json!({"encryption": [cipher]}),
        );
    }
    let target = Target {
        host: "127.0.0.1".into(),
        port: port.parse().unwrap(),
        username: std::env::var("USER").unwrap_or("root".into()),
        credentials: Credentials {
            password: None,
            keys: vec![KeyCredential {
                id: "k".into(),
                private_key,
            }],
        },
        settings,
        local_root: None,
    };
    let options = ConnectOptions {
        trust: Arc::new(TrustPins::new([pin.parse().unwrap()])),
        observer: Arc::new(Unobserved),
        connect_timeout: std::time::Duration::from_secs(10),
        keepalive_interval: std::time::Duration::from_secs(30),
    };
    let client = &*SftpProtocol.connect(target, options).await?;
    let (remote, local) = (RemotePath::new(remote)?, Path::new(local));
    let started = Instant::now();
    let mut files = Vec::new();
    if way == "get" && client.stat(&remote).await?.is_dir() {
        let mut listing = client.list(&remote).await?;
        while let Some(listed) = listing.next().await {
            if let Listed::Entry(entry) = listed? {
                let local = local.join(entry.name().unwrap().to_text());
                files.push((entry.path, local, entry.size));
            }
        }
    } else if way == "put" && local.is_dir() {
        for entry in std::fs::read_dir(local).unwrap() {
            let local = entry.unwrap().path();
            let name = courier_transfer::RemoteName::new(local.file_name().unwrap().to_str().unwrap())?;
            files.push((remote.join(&name), local, None));
        }
    } else {
        files.push((
            remote.clone(),
            local.to_owned(),
            client.stat(&remote).await.ok().and_then(|e| e.size),
        ));
    }
    let count = files.len();
    let bytes: u64 = stream::iter(files)
        .map(|(remote, local, size)| async move {
            if way == "get" {
                get(client, &remote, &local, size).await
            } else {
                put(client, &remote, &local).await
            }
        })
        .buffer_unordered(64)
        .map(|moved| moved.unwrap())
        .collect::<Vec<_>>()
        .await
        .into_iter()
        .sum();
    let took = started.elapsed().as_secs_f64();
    println!(
        "{count} files, {bytes} bytes, {took:.3} s, {:.0} MB/s, {:.0} files/s",
        bytes as f64 / took / 1e6,
        count as f64 / took
    );
    client.disconnect().await
}
