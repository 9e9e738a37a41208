//! Somebody who is posted webhooks over TLS, and answers as told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

/// A message that was posted.
#[derive(Clone, Debug)]
pub(crate) struct Posted {
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Posted {
    pub(crate) fn header(&self, name: &str) -> &str {
        let header = self.headers.iter().find(|(header, _)| header == name);
        header.map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

#[derive(Default)]
struct Inside {
    posted: Vec<Posted>,
    /// What the next ones are answered; 204 where nothing is left.
    answers: Vec<&'static str>,
}

pub(crate) struct Hook {
    inside: Arc<Mutex<Inside>>,
    port: u16,
}

impl Hook {
    /// With the certificate and key that are in this folder.
    pub(crate) fn start(folder: &Path) -> Self {
        let config = server_config(folder);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, inside) = (
            listener.local_addr().unwrap().port(),
            Arc::new(Mutex::new(Inside::default())),
        );
        let theirs = inside.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, inside) = (config.clone(), theirs.clone());
                thread::spawn(move || {
                    let tls = ServerConnection::new(config).unwrap();
                    // A client that doesn't trust us is gone in the middle of it.
                    let _ = serve(StreamOwned::new(tls, stream), &inside);
                });
            }
        });
        Self { inside, port }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    /// The next messages are answered so, such as `503 Service Unavailable`, one after the other.
    pub(crate) fn answer(&self, answers: &[&'static str]) {
        self.inside.lock().unwrap().answers = answers.to_vec();
    }

    pub(crate) fn posted(&self) -> Vec<Posted> {
        self.inside.lock().unwrap().posted.clone()
    }
}

/// TLS with the certificate `server.pem` and the key `server.key` of this folder.
pub(crate) fn server_config(folder: &Path) -> Arc<ServerConfig> {
    let chain = CertificateDer::pem_file_iter(folder.join("server.pem")).unwrap();
    let chain = chain.map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key);
    Arc::new(config.unwrap())
}

fn serve(stream: impl Read + Write, inside: &Mutex<Inside>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.to_owned())),
            None => break,
        }
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.and_then(|(_, length)| length.parse().ok()).unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let posted = Posted {
        path,
        headers,
        body: String::from_utf8(body).unwrap(),
    };
    let answer = {
        let mut inside = inside.lock().unwrap();
        inside.posted.push(posted);
        match inside.answers.is_empty() {
            true => "204 No Content",
            false => inside.answers.remove(0),
        }
    };
    let stream = reader.get_mut();
    write!(
        stream,
        "HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )?;
    stream.flush()
}
