//! A server that says what a test tells it to say, and else what a small server says. It has no data connections.

use std::{net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use courier_ftp::{FtpProtocol, FtpsProtocol};
use courier_transfer::{
    CertificatePolicy, Client, ConnectOptions, Credentials, Protocol, Result, Target, Unobserved,
};
use openssl::ssl::{Ssl, SslContext};
use parking_lot::Mutex;
use secrecy::SecretString;
use serde_json::{Map, Value};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_openssl::SslStream;

/// What the server does about a command.
#[derive(Clone, Debug)]
pub enum Answer {
    /// What a small server says.
    Usual,
    /// These lines; CR LF is put behind each.
    Say(&'static str),
    /// These bytes and nothing else.
    Bytes(Vec<u8>),
    /// These bytes, again and again.
    Endless(&'static [u8]),
    /// Nothing, for ever.
    Nothing,
    /// These bytes, and then the end of the connection.
    Last(&'static [u8]),
    /// "234", and then TLS.
    Secure(SslContext),
}

/// The server; ends when dropped.
#[derive(Debug)]
pub struct Scripted {
    pub address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Scripted {
    /// Asks `script` for the greeting (of the empty command), and for the answer to each command.
    pub async fn start<F>(script: F) -> Self
    where
        F: FnMut(&str) -> Answer + Clone + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        Self {
            address: listener.local_addr().unwrap(),
            heard: Arc::clone(&heard),
            task: tokio::spawn(async move {
                let mut sessions = tokio::task::JoinSet::new();
                while let Ok((tcp, _)) = listener.accept().await {
                    sessions.spawn(serve(tcp, script.clone(), Arc::clone(&heard)));
                }
            }),
        }
    }

    /// The commands until now.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().clone()
    }

    /// How often it was told a command that begins so.
    pub fn count(&self, verb: &str) -> usize {
        self.heard
            .lock()
            .iter()
            .filter(|line| line.starts_with(verb))
            .count()
    }

    pub async fn connect(&self) -> Result<Arc<dyn Client>> {
        self.connect_with(Value::Null).await
    }

    /// By plain FTP, with these settings.
    pub async fn connect_with(&self, settings: Value) -> Result<Arc<dyn Client>> {
        FtpProtocol.connect(self.target(settings), options(20.0)).await
    }

    /// By FTPS, whatever the certificate.
    pub async fn connect_secured(&self, settings: Value) -> Result<Arc<dyn Client>> {
        FtpsProtocol.connect(self.target(settings), options(20.0)).await
    }

    /// Within so many seconds.
    pub async fn connect_within(&self, seconds: f64) -> Result<Arc<dyn Client>> {
        FtpProtocol
            .connect(self.target(Value::Null), options(seconds))
            .await
    }

    pub fn target(&self, settings: Value) -> Target {
        Target {
            host: self.address.ip().to_string(),
            port: self.address.port(),
            username: "anna".into(),
            credentials: Credentials {
                password: Some(SecretString::from("s3cret")),
                ..Credentials::default()
            },
            settings: match settings {
                Value::Object(settings) => settings,
                _ => Map::new(),
            },
            local_root: None,
        }
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub fn options(seconds: f64) -> ConnectOptions {
    ConnectOptions {
        trust: Arc::new(CertificatePolicy::Insecure),
        observer: Arc::new(Unobserved),
        connect_timeout: Duration::from_secs_f64(seconds),
        keepalive_interval: Duration::from_secs(30),
        fips: false,
    }
}

/// The control line, in clear or not.
trait Line: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

/// One session, until either side ends it.
async fn serve<F: FnMut(&str) -> Answer>(tcp: TcpStream, mut script: F, heard: Arc<Mutex<Vec<String>>>) {
    let mut to = BufReader::new(Box::new(tcp) as Box<dyn Line>);
    let mut command = String::new();
    loop {
        let answer = match script(&command) {
            Answer::Usual => Answer::Say(usual(&command)),
            other => other,
        };
        let sent = match answer {
            Answer::Say(lines) => {
                let lines: String = lines.lines().map(|line| format!("{line}\r\n")).collect();
                to.write_all(lines.as_bytes()).await
            }
            Answer::Bytes(bytes) => to.write_all(&bytes).await,
            Answer::Endless(bytes) => loop {
                if let Err(e) = to.write_all(bytes).await {
                    break Err(e);
                }
            },
            Answer::Last(bytes) => {
                let _ = to.write_all(bytes).await;
                return;
            }
            Answer::Secure(context) => {
                let _ = to.write_all(b"234 Go\r\n").await;
                let mut tls = SslStream::new(Ssl::new(&context).unwrap(), to.into_inner()).unwrap();
                if Pin::new(&mut tls).accept().await.is_err() {
                    return;
                }
                to = BufReader::new(Box::new(tls));
                Ok(())
            }
            Answer::Usual | Answer::Nothing => Ok(()),
        };
        let mut line = Vec::new();
        if sent.is_err() || to.read_until(b'\n', &mut line).await.unwrap_or(0) == 0 {
            return;
        }
        command = String::from_utf8_lossy(&line)
            .trim_end_matches(['\r', '\n'])
            .to_owned();
        heard.lock().push(command.clone());
    }
}

fn usual(command: &str) -> &'static str {
    match command.split(' ').next().unwrap_or_default() {
        "" => "220 Scripted",
        "USER" => "331 Password?",
        "PASS" => "230 Hello",
        "FEAT" => "211-Features:\n MDTM\n REST STREAM\n SIZE\n UTF8\n211 End",
        "PWD" => "257 \"/home\" is it",
        "OPTS" | "TYPE" | "NOOP" | "PBSZ" | "PROT" => "200 Fine",
        "QUIT" => "221 Bye",
        "CWD" | "SIZE" | "MDTM" | "DELE" | "RMD" | "MKD" | "RNFR" => "550 No such file or directory",
        _ => "502 What?",
    }
}
