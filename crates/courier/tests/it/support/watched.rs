//! A server that logs all it can, and what is looked for in all that it says and writes.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Cli, FTP_PASSWORD, Needles, signal};
use crate::listener::certificates;

pub(crate) const ADMIN: &str = "admin-7c1e-p\u{e4}ssw\u{f6}rd";
pub(crate) const USER: &str = "user-91b2-\"quoted\"-password";
pub(crate) const PARTNER: &str = "partner-5d0a-password\\of";
pub(crate) const TYPED: &str = "typed-e3c9-by-mistake";
pub(crate) const PASSPHRASE: &str = "passphrase-08fa-of-a-key";
pub(crate) const DATABASE: &str = "database-2b6d-password";
/// What somebody takes for a number.
pub(crate) const NUMBER: u64 = 733_164_928_455_102;
/// The key that wraps all others, in hex.
pub(crate) const KEK: &str = "5a1f0c7be29d4836af50e1c2b3d498760f1e2d3c4b5a69788796a5b4c3d2e1f0";

/// A server, what is looked for, and all that was said.
pub(crate) struct Watched {
    child: Child,
    pub(crate) folder: TempDir,
    pub(crate) address: String,
    pub(crate) needles: Needles,
    pub(crate) seen: Vec<(String, Vec<u8>)>,
    pub(crate) token: String,
}

impl Watched {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        // Whom the server trusts: those who show `server.pem`.
        certificates(folder.path());
        let data = folder.path().join("data");
        let serve = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--log",
            "trace",
            "--data-dir",
            data.to_str().unwrap(),
        ];
        let cli = Cli::new()
            .env("COURIER_ADMIN_PASSWORD", ADMIN)
            .env("COURIER_ENVIRONMENT", "development")
            .env("SSL_CERT_FILE", folder.path().join("ca.pem").to_str().unwrap())
            .env("COURIER_KEK", KEK);
        let mut child = cli.command(serve).stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().rsplit("//").next().unwrap().to_owned();
        let mut needles = Needles::default();
        for (name, secret) in [
            ("the admin's password", ADMIN),
            ("a user's password", USER),
            ("a partner's password", PARTNER),
            ("what was typed by mistake", TYPED),
            ("a passphrase", PASSPHRASE),
            ("the database's password", DATABASE),
            ("the FTP server's password", FTP_PASSWORD),
            ("the wrapping key's text", KEK),
        ] {
            needles.add(name, secret);
        }
        let kek: Vec<u8> = (0..32)
            .map(|i| u8::from_str_radix(&KEK[i * 2..i * 2 + 2], 16).unwrap())
            .collect();
        needles.add("the wrapping key", kek);
        needles.add("a number for a password", NUMBER.to_string());
        let mut this = Self {
            child,
            folder,
            address,
            needles,
            seen: Vec::new(),
            token: String::new(),
        };
        this.token = this.login("admin", ADMIN);
        this
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// One request with a body as it is, answered whole.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let status = answer.get(9..12).and_then(|code| str::from_utf8(code).ok());
        (status.and_then(|code| code.parse().ok()).unwrap_or(0), answer)
    }

    /// The same with admin's token; what is answered is kept.
    pub(crate) fn raw(&mut self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let headers = format!(
            "authorization: Bearer {}\r\ncontent-type: application/json\r\n",
            self.token
        );
        let (status, answer) = self.send(method, path, &headers, body);
        let start = answer
            .windows(4)
            .position(|w| w == b"\r\n\r\n")
            .map_or(0, |at| at + 4);
        let json = serde_json::from_slice(&answer[start..]).unwrap_or_default();
        self.seen.push((format!("the answer to {method} {path}"), answer));
        (status, json)
    }

    pub(crate) fn ok(&mut self, method: &str, path: &str, body: Value) -> Value {
        let (status, json) = self.raw(method, path, &body.to_string());
        assert!((200..300).contains(&status), "{method} {path}: {status} {json:#}");
        json
    }

    pub(crate) fn refused(&mut self, method: &str, path: &str, body: impl ToString) {
        let (status, json) = self.raw(method, path, &body.to_string());
        assert!((400..500).contains(&status), "{method} {path}: {status} {json:#}");
    }

    /// Logs in; the token, which is shown here and nowhere else, is looked for from now on.
    pub(crate) fn login(&mut self, username: &str, password: &str) -> String {
        let body = json!({"username": username, "password": password}).to_string();
        let (status, answer) = self.send(
            "POST",
            "/api/auth/login",
            "content-type: application/json\r\n",
            &body,
        );
        let text = String::from_utf8(answer).unwrap();
        assert_eq!(status, 200, "{text}");
        let json: Value = serde_json::from_str(text.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        self.shown_once(&json, text)
    }

    /// Takes note of a token in an answer that shows it.
    pub(crate) fn shown_once(&mut self, json: &Value, text: String) -> String {
        let token = json["token"].as_str().unwrap().to_owned();
        self.needles.add("a token", &token);
        self.seen.push((
            "an answer with a token".into(),
            text.replace(&token, "").into_bytes(),
        ));
        token
    }

    /// Notes what a command said until its end, which comes within seconds or is made.
    pub(crate) fn said(&mut self, cli: &Cli, arguments: &[&str]) {
        let at = |name: &str| self.folder.path().join(name);
        let (out, err) = (File::create(at("out")).unwrap(), File::create(at("err")).unwrap());
        let mut child = cli.command(arguments).stdout(out).stderr(err).spawn().unwrap();
        let began = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if began.elapsed() > Duration::from_secs(5) {
                child.kill().unwrap();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let said = ["out", "err"].map(|name| fs::read(at(name)).unwrap()).concat();
        self.seen.push((format!("courier {}", arguments.join(" ")), said));
    }

    /// What the commands said that were called so.
    pub(crate) fn said_of(&self, command: &str) -> String {
        let said = self.seen.iter().filter(|(place, _)| place.contains(command));
        said.map(|(_, bytes)| String::from_utf8_lossy(bytes)).collect()
    }

    /// As [`Self::said`], of a command with a secret among its arguments.
    pub(crate) fn said_without_arguments(&mut self, cli: &Cli, arguments: &[&str]) {
        self.said(cli, arguments);
        if let Some((place, _)) = self.seen.last_mut() {
            *place = "a command with a password in a URL".into();
        }
    }

    /// Makes a connection, tests it, browses it, and runs a job over it.
    pub(crate) fn use_connection(&mut self, input: &Value) -> Value {
        let made = self.ok("POST", "/api/connections", input.clone());
        let path = format!("/api/connections/{}", made["id"].as_str().unwrap());
        let tested = self.ok("POST", &format!("{path}/test"), json!({}));
        self.raw("GET", &format!("{path}/files"), "");
        let steps = json!([
            {"step_type": "remote.download", "config": {"connection_id": made["id"], "remote_path": "a.txt", "local_path": "a.txt"}},
            {"step_type": "remote.upload", "config": {"connection_id": made["id"], "local_path": "a.txt", "remote_path": "b.txt"}},
        ]);
        let job = self.ok("POST", "/api/jobs", json!({"name": made["name"], "steps": steps}));
        let run = self.ok(
            "POST",
            &format!("/api/jobs/{}/run", job["id"].as_str().unwrap()),
            json!({}),
        );
        let id = run["id"].as_str().unwrap().to_owned();
        // The stream ends with the execution.
        self.raw("GET", &format!("/api/executions/{id}/events"), "");
        let ended = self.ok("GET", &format!("/api/executions/{id}"), json!(null));
        self.raw("POST", "/api/connections/test", &input.to_string());
        self.ok("PATCH", &path, json!({"notes": "seen"}));
        json!({"id": made["id"], "tested": tested["success"], "state": ended["state"]})
    }

    /// Ends the server, and looks everywhere.
    pub(crate) fn leaks(&mut self) -> Vec<String> {
        signal(&self.child, "TERM");
        self.child.wait().unwrap();
        let mut leaks = Vec::new();
        let mut look = |place: &str, bytes: &[u8]| {
            let found = self.needles.find(bytes);
            leaks.extend(found.iter().map(|what| format!("{place} holds {what}")));
        };
        for (place, bytes) in &self.seen {
            look(place, bytes);
        }
        let mut open = vec![self.folder.path().to_owned()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => open.push(path),
                    false => look(&path.display().to_string(), &fs::read(&path).unwrap()),
                }
            }
        }
        leaks
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
