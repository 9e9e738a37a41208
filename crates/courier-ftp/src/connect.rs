//! From a host name to a session that is logged in. The server's certificate is decided upon before any credential leaves.

mod login;
mod stage;

use std::{sync::Arc, time::Duration};

use courier_transfer::{ConnectOptions, Error, ErrorKind, RemotePath, Result, ServerInfo, Target, dial};
use tokio::time::{Instant, timeout_at};

use self::stage::Stage;
use crate::{
    codec::{Command, Features, Malformed, Reply},
    config::{Options, is_implicit},
    control::Control,
    names::Names,
    session::{LoggedIn, Session},
    tls::{Tls, TlsOptions},
};

/// The most greetings that ask for patience (120).
const MAX_WAITS: u32 = 100;
/// As much of a greeting as is kept, in characters.
const BANNER: usize = 400;

/// One connection that is being made.
#[derive(Debug)]
struct Dial {
    target: Target,
    options: ConnectOptions,
    deadline: Instant,
    stage: Stage,
    info: ServerInfo,
    implicit: bool,
}

/// Connects, has the certificate decided upon, logs in, and asks what the server can do.
///
/// # Errors
/// As [`Protocol::connect`](courier_transfer::Protocol::connect).
pub(crate) async fn connect(
    target: Target,
    options: ConnectOptions,
    settings: Options,
) -> Result<(Arc<Session>, ServerInfo)> {
    let (host, port) = (target.host.clone(), target.port);
    let timeout = options.connect_timeout;
    let mut dial = Dial {
        implicit: settings.tls.is_some() && is_implicit(&target.settings, target.port),
        deadline: Instant::now() + timeout,
        stage: Stage::default(),
        info: ServerInfo::default(),
        target,
        options,
    };
    let (deadline, stage) = (dial.deadline, dial.stage.clone());
    match timeout_at(deadline, dial.session(settings)).await {
        Ok(Ok(session)) => Ok((session, dial.info)),
        Ok(Err(e)) => Err(e),
        Err(_) => Err(timed_out(timeout, &stage)),
    }
    .map_err(|e: Error| e.with("host", host).with("port", port))
}

fn timed_out(timeout: Duration, stage: &Stage) -> Error {
    Error::new(
        ErrorKind::Timeout,
        format!(
            "Connection timed out after {} seconds while {}",
            timeout.as_secs_f64(),
            stage.text()
        ),
    )
}

impl Dial {
    async fn session(&mut self, settings: Options) -> Result<Arc<Session>> {
        let tcp = dial(&self.target.host, self.target.port, self.deadline, |stage| {
            self.stage.enter(stage)
        })
        .await?;
        let mut control = Control::new(tcp)?;
        let tls = match &settings.tls {
            None => {
                self.greeting(&mut control).await?;
                None
            }
            Some(options) => {
                let tls = self.tls(options.clone()).await?;
                if self.implicit {
                    self.secure(&mut control, &tls).await?;
                    self.greeting(&mut control).await?;
                } else {
                    self.greeting(&mut control).await?;
                    self.ask_for_tls(&mut control).await?;
                    self.secure(&mut control, &tls).await?;
                }
                Some(tls)
            }
        };
        let method = login::log_in(&mut control, &self.target, tls.is_some(), &self.stage).await?;
        self.stage.enter("asking the server what it can do");
        let features = self.features(&mut control, &settings).await?;
        let data_tls = match (&tls, settings.quirks.clear_data) {
            (None, _) => None,
            (Some(_), true) => {
                self.protect(&mut control, "C").await?;
                None
            }
            (Some(tls), false) => {
                self.protect(&mut control, "P").await?;
                Some(tls.clone())
            }
        };
        let uses_utf8 = features.utf8 && !settings.quirks.no_utf8;
        let names = Names::new(settings.encoding.filter(|_| !uses_utf8));
        let (raw_home, home) = self.home(&mut control, names).await?;
        self.transfer_type(&mut control, &settings).await?;
        self.options.observer.authenticated(&self.info, &method).await?;
        let made = LoggedIn {
            control,
            options: settings,
            features,
            names,
            data_tls,
            home,
            raw_home,
            sets_times_by_mdtm: self.greets_as("vsFTPd"),
            answers_in_turn: self.greets_as("vsFTPd"),
            bends_names: self.greets_as("Pure-FTPd"),
            connect_timeout: self.options.connect_timeout,
        };
        Ok(Session::new(made, self.options.keepalive_interval))
    }

    /// On a thread that may block: the system's trust store is read from files.
    async fn tls(&self, options: TlsOptions) -> Result<Tls> {
        let host = self.target.host.clone();
        let certificate = self.target.credentials.client_certificate.clone();
        let made = tokio::task::spawn_blocking(move || Tls::new(&options, &host, certificate.as_ref()));
        made.await.unwrap_or_else(|e| {
            Err(Error::new(ErrorKind::Failed, "preparing TLS was broken off").with_source(e))
        })
    }

    /// Waits for 220, also behind 120.
    async fn greeting(&mut self, control: &mut Control) -> Result<()> {
        self.stage.enter(match self.implicit {
            true => "waiting for the server's greeting",
            false => {
                "waiting for the server's greeting; a server that stays silent may expect TLS at once (the protocol ftps \
                 with ftps_mode implicit, ftps:// in a URL)"
            }
        });
        let first = self.explained(control.any_reply().await)?;
        let mut greeting = first;
        for _ in 0..MAX_WAITS {
            if !greeting.is_preliminary() {
                break;
            }
            greeting = control.any_reply().await?;
        }
        self.info.banner = Some(greeting.text().chars().take(BANNER).collect());
        self.options.observer.learnt(&self.info);
        if self.greets_as("vsFTPd") || self.greets_as("Pure-FTPd") {
            control.without_telnet();
        }
        match greeting.code {
            220 => Ok(()),
            code if greeting.is_done() => Err(Error::new(
                ErrorKind::Protocol,
                format!(
                    "the server greeted with {code}, not with 220: {}",
                    greeting.text()
                ),
            )),
            400..=599 => Err(not_now(&greeting)),
            _ => Err(Error::new(
                ErrorKind::Protocol,
                format!("the server greeted with \"{greeting}\", which is no greeting"),
            )),
        }
    }

    /// Is it that software, as far as its greeting says? Of use only where nothing else tells what it can do.
    fn greets_as(&self, software: &str) -> bool {
        self.info
            .banner
            .as_deref()
            .is_some_and(|banner| banner.contains(software))
    }

    /// Says what may be wrong where the first thing that the server said is no reply, or it said nothing.
    fn explained(&self, first: Result<Reply>) -> Result<Reply> {
        first.map_err(|e| {
            let malformed = std::error::Error::source(&e).and_then(|s| s.downcast_ref::<Malformed>());
            match (malformed, e.kind()) {
                (Some(Malformed::Tls), _) => Error::new(
                    ErrorKind::Negotiation,
                    "the server speaks TLS from the first byte on; use the protocol ftps with ftps_mode implicit \
                     (ftps://)",
                ),
                (Some(what), _) => Error::new(
                    ErrorKind::Protocol,
                    format!("this is no FTP server: {what}; check host and port"),
                ),
                (None, ErrorKind::Lost) => Error::new(
                    ErrorKind::Lost,
                    "the server closed the connection before it greeted; it may be no FTP server, expect TLS at once \
                     (ftps_mode implicit, ftps://), have too many connections, or not admit this address",
                ),
                _ => e,
            }
        })
    }

    /// AUTH TLS (RFC 4217 section 4).
    async fn ask_for_tls(&mut self, control: &mut Control) -> Result<()> {
        self.stage.enter("asking the server for TLS");
        let reply = control.any_answer(&Command::new("AUTH").arg("TLS")?).await?;
        match reply.code {
            234 => Ok(()),
            421 => Err(not_now(&reply)),
            _ => Err(Error::new(
                ErrorKind::Negotiation,
                format!(
                    "the server refused TLS (AUTH TLS: {reply}). No credential was sent. Have its operator switch TLS on, or \
                     try ftps_mode implicit (ftps://) on port 990"
                ),
            )),
        }
    }

    /// The handshake, and the decision about the certificate.
    async fn secure(&mut self, control: &mut Control, tls: &Tls) -> Result<()> {
        self.stage.enter(match self.implicit {
            true => {
                "waiting for the TLS handshake; a server that expects plain text first needs ftps_mode explicit (ftpes://)"
            }
            false => "waiting for the TLS handshake",
        });
        let tcp = control.take_plain()?;
        let secured = tls.control(tcp).await?;
        control.secured(secured.stream, tls.clone());
        self.info.certificate = Some(secured.certificate.clone());
        self.info.agreed = secured.negotiated.split(", ").map(str::to_owned).collect();
        self.info.negotiated = Some(secured.negotiated);
        self.options.observer.learnt(&self.info);
        if let Some(why) = secured.not_fips {
            return Err(Error::new(ErrorKind::NotFips, why));
        }
        self.stage.enter("deciding about the server's certificate");
        self.options.trust.certificate(&secured.certificate).await
    }

    /// FEAT, and what follows from it.
    async fn features(&mut self, control: &mut Control, settings: &Options) -> Result<Features> {
        let mut features = Features::of(&control.command(&Command::new("FEAT")).await?);
        self.info.extensions.clone_from(&features.lines);
        self.options.observer.learnt(&self.info);
        // Refusals of these change nothing: what was announced still goes.
        if features.utf8 && !settings.quirks.no_utf8 {
            control.command(&Command::new("OPTS").arg("UTF8 ON")?).await?;
        }
        if let Some(facts) = features.wanted_facts() {
            let command = Command::new("OPTS MLST").arg(&facts)?;
            features.agreed(&control.command(&command).await?);
        }
        // Some servers can do it and announce nothing.
        if !features.rest_stream {
            let reply = control.command(&Command::new("REST").arg("0")?).await?;
            features.rest_stream = reply.is_intermediate();
        }
        Ok(features)
    }

    /// How data goes: P is private, C is clear (RFC 4217 section 9).
    async fn protect(&mut self, control: &mut Control, level: &str) -> Result<()> {
        self.stage.enter("agreeing on TLS for data");
        // Some servers do not know it, and protect all the same.
        control.command(&Command::new("PBSZ").arg("0")?).await?;
        let reply = control.command(&Command::new("PROT").arg(level)?).await?;
        match reply.is_done() {
            true => Ok(()),
            false => Err(Error::new(
                ErrorKind::Negotiation,
                match level {
                    "P" => format!(
                        "the server refused to encrypt data (PROT P: {reply}). Have its operator switch it on; the quirk \
                         clear_data transfers without, which anybody on the way can read"
                    ),
                    _ => format!(
                        "the server refused to send data unencrypted (PROT {level}: {reply}); remove the quirk clear_data"
                    ),
                },
            )),
        }
    }

    /// TYPE, once: what files are, and what SIZE tells of them, depends on it.
    async fn transfer_type(&mut self, control: &mut Control, settings: &Options) -> Result<()> {
        let letter = if settings.ascii { "A" } else { "I" };
        let reply = control.command(&Command::new("TYPE").arg(letter)?).await?;
        if !reply.is_done() {
            return Err(Error::new(
                ErrorKind::Negotiation,
                format!("the server refused the type of transfers (TYPE {letter}: {reply})"),
            ));
        }
        Ok(())
    }

    /// The login folder, as the server writes it and, where that is a path of Unix, as a path.
    async fn home(&mut self, control: &mut Control, names: Names) -> Result<(Vec<u8>, Option<RemotePath>)> {
        let reply = control.command(&Command::new("PWD")).await?;
        let raw = match reply.code {
            257 => reply
                .quoted_path()
                // It has to be sent again.
                .filter(|path| Command::new("CWD").path(path).is_ok())
                .unwrap_or_default(),
            _ => Vec::new(),
        };
        let home = Some(names.decode(&raw))
            .filter(|home| home.first() == Some(&b'/'))
            .and_then(|home| RemotePath::new(home).ok())
            .filter(|home| names.encode(home.as_wire()).is_ok());
        Ok((raw, home))
    }
}

/// The server does not take this session now: too many, or closed for maintenance. Another attempt may succeed.
fn not_now(reply: &Reply) -> Error {
    Error::new(
        ErrorKind::Busy,
        format!(
            "the server takes no session now: {}. Try again later; where sessions of this user or address are too many, \
             open fewer at once (max_sessions, --parallel)",
            reply.text().trim_end_matches('.')
        ),
    )
}
