//! Stores that speak the real protocols, each test's own: moto for S3 and Azurite for Azure Blob, which `scripts/setup test`
//! installs, and our own server for Google Cloud Storage, of which no emulator that could be found knows preconditions.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use aws_lc_rs::{
    encoding::AsDer,
    hmac,
    rsa::{KeyPair, KeySize},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::google::Google;
use crate::{Credentials, Storage, StorageUrl, objects::Objects};

/// The bucket or container that each store has.
const BUCKET: &str = "pulled";

/// Azurite's account, and its key, which everybody knows.
const ACCOUNT: &str = "devstoreaccount1";
const ACCOUNT_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A store with one empty bucket. It ends when this is dropped.
#[derive(Debug)]
pub struct Store {
    scheme: &'static str,
    /// With a slash at its end.
    endpoint: String,
    credentials: Value,
    _server: Running,
}

impl Store {
    /// S3, by moto.
    pub async fn s3() -> Self {
        let mut server = Command::new(tools("moto/bin/moto_server"));
        server.args(["-H", "127.0.0.1", "-p", "0"]);
        let server = Server::start(server, "Running on ");
        let endpoint = format!("{}/", server.address);
        call(Client::new().put(format!("{endpoint}{BUCKET}"))).await;
        Self {
            scheme: "s3",
            endpoint,
            credentials: json!({"access_key_id": "AKIAEXAMPLE", "secret_access_key": "secret"}),
            _server: Running::Program(server),
        }
    }

    /// Azure Blob Storage, by Azurite.
    pub async fn azblob() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut server = Command::new(tools("azurite/node_modules/.bin/azurite-blob"));
        server
            .args([
                "--blobHost",
                "127.0.0.1",
                "--blobPort",
                "0",
                "--skipApiVersionCheck",
                "--disableTelemetry",
            ])
            .arg("--location")
            .arg(folder.path());
        let mut server = Server::start(server, "listens on ");
        server.folder = Some(folder);
        let endpoint = format!("{}/{ACCOUNT}/", server.address);
        call(create_container(&endpoint)).await;
        Self {
            scheme: "azblob",
            endpoint,
            credentials: json!({"account_name": ACCOUNT, "account_key": ACCOUNT_KEY}),
            _server: Running::Program(server),
        }
    }

    /// Google Cloud Storage, by a server of our own.
    pub async fn gcs() -> Self {
        let google = Google::start().await;
        Self {
            scheme: "gcs",
            endpoint: format!("http://{}/", google.address()),
            credentials: json!({"service_account": service_account(&google.token_uri())}),
            _server: Running::Task(google),
        }
    }

    /// The URL of a storage in it, below a prefix.
    pub fn url(&self, prefix: &str) -> String {
        self.url_at(&self.endpoint, prefix)
    }

    /// The same, reached at another address (`http://host:port`), as through a proxy.
    pub fn url_through(&self, address: &str, prefix: &str) -> String {
        self.url_at(
            &self
                .endpoint
                .replacen(&format!("http://{}", self.address()), address, 1),
            prefix,
        )
    }

    fn url_at(&self, endpoint: &str, prefix: &str) -> String {
        format!("{}://{BUCKET}/{prefix}?endpoint={endpoint}", self.scheme)
    }

    /// Where it listens: `host:port`.
    pub fn address(&self) -> &str {
        let address = self.endpoint.strip_prefix("http://").unwrap();
        address.split('/').next().unwrap()
    }

    /// The credentials, as [`Credentials::parse`] and the API take them.
    pub fn credentials(&self) -> Value {
        self.credentials.clone()
    }

    /// A storage in it.
    pub fn open(&self, url: &str) -> Arc<dyn Storage> {
        Arc::new(self.objects(url))
    }

    fn objects(&self, url: &str) -> Objects {
        let url: StorageUrl = url.parse().unwrap();
        let credentials = Credentials::parse(url.scheme(), &self.credentials).unwrap();
        Objects::new(url, Some(&credentials)).unwrap()
    }

    /// Every object of the bucket, with its size.
    pub async fn list(&self) -> BTreeMap<String, u64> {
        let objects = self.objects(&self.url(""));
        let found = objects.operator().lister_with("").recursive(true).await.unwrap();
        let found: Vec<opendal::Entry> = found.try_collect().await.unwrap();
        let files = found.iter().filter(|entry| entry.metadata().is_file());
        files
            .map(|entry| (entry.path().to_owned(), entry.metadata().content_length()))
            .collect()
    }

    /// What each object of the bucket comes to, all of which are read.
    pub async fn each<T>(&self, of: impl Fn(&[u8]) -> T) -> BTreeMap<String, T> {
        let objects = self.objects(&self.url(""));
        let (operator, of) = (objects.operator(), &of);
        let read = |name: String| async move {
            let bytes = operator.read(&name).await.unwrap().to_bytes();
            (name, of(&bytes))
        };
        let names = self.list().await.into_keys();
        stream::iter(names).map(read).buffer_unordered(8).collect().await
    }

    /// The bytes of an object, by its whole name.
    pub async fn read(&self, name: &str) -> Bytes {
        self.objects(&self.url(""))
            .operator()
            .read(name)
            .await
            .unwrap()
            .to_bytes()
    }
}

/// What serves it.
#[derive(Debug)]
#[expect(dead_code, reason = "held until it is dropped")]
enum Running {
    Program(Server),
    Task(Google),
}

/// A server program; killed when this is dropped.
#[derive(Debug)]
struct Server {
    child: Child,
    /// What stands behind the word that says that it is up.
    address: String,
    folder: Option<TempDir>,
}

impl Server {
    fn start(mut command: Command, up: &str) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let (reader, writer) = std::io::pipe().unwrap();
        command
            .stdin(Stdio::null())
            .stdout(writer.try_clone().unwrap())
            .stderr(writer);
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error}; `scripts/setup test` installs it"));
        // The command holds the pipe's other end, and with it this would wait for ever should the server end.
        drop(command);
        let mut lines = BufReader::new(reader);
        let mut said = String::new();
        let address = loop {
            let mut line = String::new();
            assert_ne!(lines.read_line(&mut line).unwrap(), 0, "{name} ended: {said}");
            if let Some((_, address)) = line.split_once(up) {
                break address.trim().to_owned();
            }
            said.push_str(&line);
        };
        // A full pipe would stop it.
        std::thread::spawn(move || lines.read_to_end(&mut Vec::new()));
        Self {
            child,
            address,
            folder: None,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        self.folder = None;
    }
}

fn tools(program: &str) -> PathBuf {
    let cache = || match std::env::var_os("XDG_CACHE_HOME") {
        Some(cache) => PathBuf::from(cache),
        None => PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache"),
    };
    let tools =
        std::env::var_os("COURIER_TOOLS").map_or_else(|| cache().join("courier/tools"), PathBuf::from);
    tools.join("stores").join(program)
}

async fn call(request: RequestBuilder) {
    let response = request.send().await.unwrap();
    let status = response.status();
    assert!(
        status.is_success(),
        "{status}: {}",
        response.text().await.unwrap()
    );
}

/// Creates the container, with the account's key: "Authorize with Shared Key" of Azure Storage.
fn create_container(endpoint: &str) -> RequestBuilder {
    let date = jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&jiff::Timestamp::now())
        .unwrap();
    let headers = format!("x-ms-date:{date}\nx-ms-version:2021-08-06");
    let resource = format!("/{ACCOUNT}/{ACCOUNT}/{BUCKET}\nrestype:container");
    let to_sign = format!("PUT{}{headers}\n{resource}", "\n".repeat(12));
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(ACCOUNT_KEY).unwrap());
    let signature = STANDARD.encode(hmac::sign(&key, to_sign.as_bytes()));
    Client::new()
        .put(format!("{endpoint}{BUCKET}?restype=container"))
        .header("x-ms-date", date)
        .header("x-ms-version", "2021-08-06")
        .header("authorization", format!("SharedKey {ACCOUNT}:{signature}"))
        .header("content-length", "0")
}

/// The key of a service account that gets its tokens at this address.
pub fn service_account(token_uri: &str) -> Value {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der = STANDARD.encode(key.as_der().unwrap().as_ref());
    json!({
        "type": "service_account",
        "client_email": "courier@example.iam.gserviceaccount.com",
        "private_key_id": "1",
        "private_key": format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n"),
        "token_uri": token_uri,
    })
}
