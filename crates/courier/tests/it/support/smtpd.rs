//! A mail server that speaks SMTP (RFC 5321) with STARTTLS (RFC 3207) and AUTH PLAIN and LOGIN (RFC 4954), and keeps what
//! it is given.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::from_base64;
use super::hook::server_config;

/// How the server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    /// Encryption begins with a command.
    StartTls,
    /// It is there from the first byte.
    Tls,
    /// There is none.
    Clear,
}

/// A mail that was taken.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) text: String,
    /// Did it come over TLS?
    pub(crate) encrypted: bool,
}

pub(crate) struct Smtpd {
    mails: Arc<Mutex<Vec<Mail>>>,
    pub(crate) port: u16,
}

struct Session {
    config: Arc<ServerConfig>,
    login: Option<(String, String)>,
    mails: Arc<Mutex<Vec<Mail>>>,
    security: Security,
}

impl Smtpd {
    /// With the certificate and key in this folder; mail is taken after this login only, where there is one.
    pub(crate) fn start(folder: &Path, security: Security, login: Option<(&str, &str)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mails = Arc::new(Mutex::new(Vec::new()));
        let session = Arc::new(Session {
            config: server_config(folder),
            login: login.map(|(user, password)| (user.to_owned(), password.to_owned())),
            mails: mails.clone(),
            security,
        });
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let session = session.clone();
                thread::spawn(move || {
                    // A client that doesn't trust us is gone in the middle of it.
                    let _ = session.begin(stream);
                });
            }
        });
        Self { mails, port }
    }

    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }
}

impl Session {
    fn begin(&self, mut stream: std::net::TcpStream) -> std::io::Result<()> {
        let tls = || ServerConnection::new(self.config.clone()).unwrap();
        match self.security {
            Security::Tls => self.talk(StreamOwned::new(tls(), stream), true, true),
            Security::Clear => self.talk(stream, true, false),
            Security::StartTls => {
                self.talk(&mut stream, true, false)?;
                self.talk(StreamOwned::new(tls(), stream), false, true)
            }
        }
    }

    /// Talks until the client quits, or wants TLS.
    fn talk(&self, stream: impl Read + Write, greets: bool, encrypted: bool) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream);
        let mut mail = Mail {
            from: String::new(),
            to: Vec::new(),
            text: String::new(),
            encrypted,
        };
        let mut known = self.login.is_none();
        if greets {
            say(&mut reader, "220 mail.example.com ESMTP")?;
        }
        while let Some(line) = read_line(&mut reader)? {
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" => {
                    let can_encrypt = self.security == Security::StartTls && !encrypted;
                    let more = match (can_encrypt, &self.login) {
                        (true, _) => "250-STARTTLS\r\n",
                        (false, Some(_)) => "250-AUTH PLAIN LOGIN\r\n",
                        (false, None) => "",
                    };
                    say(
                        &mut reader,
                        &format!("250-mail.example.com\r\n{more}250 8BITMIME"),
                    )?;
                }
                "STARTTLS" => return say(&mut reader, "220 go on"),
                "AUTH" => {
                    known = self.is_known(&mut reader, rest)?;
                    let answer = match known {
                        true => "235 welcome",
                        false => "535 5.7.8 who are you?",
                    };
                    say(&mut reader, answer)?;
                }
                "MAIL" if !known => say(&mut reader, "530 5.7.0 log in first")?,
                "MAIL" => {
                    mail.from = address(rest);
                    say(&mut reader, "250 ok")?;
                }
                "RCPT" if address(rest).starts_with("nobody@") => say(&mut reader, "550 5.1.1 no such user")?,
                "RCPT" => {
                    mail.to.push(address(rest));
                    say(&mut reader, "250 ok")?;
                }
                "DATA" => {
                    say(&mut reader, "354 go on")?;
                    while let Some(line) = read_line(&mut reader)?
                        && line != "."
                    {
                        mail.text.push_str(line.strip_prefix('.').unwrap_or(&line));
                        mail.text.push('\n');
                    }
                    self.mails.lock().unwrap().push(mail.clone());
                    say(&mut reader, "250 2.0.0 queued as 4711")?;
                }
                "QUIT" => return say(&mut reader, "221 bye"),
                _ => say(&mut reader, "250 ok")?,
            }
        }
        Ok(())
    }

    fn is_known<S: Read + Write>(&self, reader: &mut BufReader<S>, how: &str) -> std::io::Result<bool> {
        let text = |encoded: &str| String::from_utf8(from_base64(encoded)).unwrap();
        let given = match how.split_once(' ') {
            Some(("PLAIN", encoded)) => {
                let all = text(encoded);
                let mut parts = all.split('\0').skip(1).map(str::to_owned);
                (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
            }
            _ => {
                say(reader, "334 VXNlcm5hbWU6")?;
                let user = read_line(reader)?.unwrap_or_default();
                say(reader, "334 UGFzc3dvcmQ6")?;
                let password = read_line(reader)?.unwrap_or_default();
                (text(&user), text(&password))
            }
        };
        Ok(Some(given) == self.login)
    }
}

fn say<S: Read + Write>(reader: &mut BufReader<S>, line: &str) -> std::io::Result<()> {
    let stream = reader.get_mut();
    write!(stream, "{line}\r\n")?;
    stream.flush()
}

fn read_line(reader: &mut impl BufRead) -> std::io::Result<Option<String>> {
    let mut line = String::new();
    let read = reader.read_line(&mut line)?;
    Ok((read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// What stands between the angle brackets.
fn address(text: &str) -> String {
    let inner = text.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map(|(address, _)| address.to_owned()).unwrap_or_default()
}
