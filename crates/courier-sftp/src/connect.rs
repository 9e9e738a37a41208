//! From a host name to an SSH connection whose server is trusted. No credential is sent here.

use std::{sync::Arc, time::Duration};

use courier_transfer::{ConnectOptions, Credentials, Error, ErrorKind, Result, Retry, Target, dial};
use russh::{
    ChannelOpenFailure, Preferred, SshId,
    client::{self, Handle, Handler},
    keys::agent::AgentSessionBinding,
};
use tokio::time::{Instant, timeout_at};

use crate::{algorithms, config::algorithm_settings, peer::Peer, session::Fault, stream::Stream};

/// Keepalives without an answer until a connection counts as dead.
const KEEPALIVES: u32 = 3;
/// The largest SSH packet that is accepted.
const MAX_PACKET: u32 = 32 * 1024;
const CLIENT_ID: &str = concat!("SSH-2.0-Courier_", env!("CARGO_PKG_VERSION"));

/// One connection to be made.
#[derive(Debug)]
pub(crate) struct Dial {
    host: String,
    port: u16,
    pub(crate) username: String,
    pub(crate) credentials: Credentials,
    preferred: Preferred,
    pub(crate) peer: Arc<Peer>,
    /// FIPS mode rules it.
    pub(crate) fips: bool,
    deadline: Instant,
    timeout: Duration,
    keepalive: Duration,
}

impl Dial {
    /// To be called on the caller's runtime.
    ///
    /// # Errors
    /// [`ErrorKind::NotFips`] where FIPS mode leaves nothing to offer.
    pub(crate) async fn new(target: Target, options: ConnectOptions) -> Result<Self> {
        let pinned = options.trust.pinned_key_types().await;
        let settings = algorithm_settings(&target.settings);
        Ok(Self {
            preferred: algorithms::preferred(&settings, &pinned, options.fips)?,
            host: target.host,
            port: target.port,
            username: target.username,
            credentials: target.credentials,
            peer: Arc::new(Peer::new(options.trust, options.observer, options.fips)),
            fips: options.fips,
            deadline: Instant::now() + options.connect_timeout,
            timeout: options.connect_timeout,
            keepalive: options.keepalive_interval,
        })
    }

    /// Runs a part of the connection's making within its time.
    pub(crate) async fn in_time<T>(&self, part: impl Future<Output = Result<T>>) -> Result<T> {
        timeout_at(self.deadline, part).await.unwrap_or_else(|_| {
            let seconds = self.timeout.as_secs_f64();
            Err(self.named(Error::new(
                ErrorKind::Timeout,
                format!(
                    "Connection timed out after {seconds} seconds while {}",
                    self.peer.stage()
                ),
            )))
        })
    }

    /// Names the server in an error.
    pub(crate) fn named(&self, error: Error) -> Error {
        error.with("host", &self.host).with("port", self.port)
    }

    /// May RSA keys sign with SHA-1?
    pub(crate) fn allows_sha1(&self) -> bool {
        self.preferred
            .key
            .contains(&russh::keys::Algorithm::Rsa { hash: None })
    }

    /// Connects, exchanges keys, and has the server's key decided upon.
    pub(crate) async fn handshake<H>(&self, window: u32, handler: H) -> Result<Handle<H>>
    where
        H: Handler<Error = Fault> + 'static,
    {
        let tcp = dial(&self.host, self.port, self.deadline, |stage| {
            self.peer.enter(stage)
        })
        .await?;
        // Small requests must not wait for the answers to others.
        tcp.set_nodelay(true)
            .map_err(|e| Error::new(ErrorKind::Unreachable, format!("could not connect: {e}")))?;
        self.peer.enter("waiting for the server's identification");
        let stream = Stream::new(tcp, Arc::clone(&self.peer), self.keepalive * (KEEPALIVES + 1));
        let config = client::Config {
            client_id: SshId::Standard(CLIENT_ID.into()),
            window_size: window,
            maximum_packet_size: MAX_PACKET,
            preferred: self.preferred.clone(),
            keepalive_interval: Some(self.keepalive),
            keepalive_max: KEEPALIVES as usize,
            nodelay: true,
            ..client::Config::default()
        };
        let ssh = client::connect_stream(Arc::new(config), stream, handler)
            .await
            .map_err(|Fault(error)| self.explain(error))?;
        self.check_signature(&ssh)?;
        Ok(ssh)
    }

    /// The server must sign by the algorithm that was agreed on (RFC 8332 section 3.1). The SSH layer verifies what its key
    /// can do otherwise, too: by an RSA key, SHA-1.
    fn check_signature<H: Handler>(&self, ssh: &Handle<H>) -> Result<()> {
        let signature = ssh.agent_session_binding().map(AgentSessionBinding::signature);
        let signed = signature
            .and_then(|signature| string(signature))
            .unwrap_or("nothing");
        let agreed = self.peer.host_key_algorithm();
        if agreed.as_deref() == Some(signed) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Protocol,
            format!(
                "the server's proof of its host key is signed by {}, and {} was agreed on. No credential was sent",
                signed.escape_default(),
                agreed.as_deref().unwrap_or("nothing"),
            ),
        ))
    }

    /// Before the server has identified itself, the SSH layer's errors say little; and where there is no common algorithm,
    /// it depends on the connection what helps.
    fn explain(&self, error: Error) -> Error {
        if error.kind() == ErrorKind::Negotiation {
            let (kind, advice) = match self.fips {
                true => (
                    ErrorKind::NotFips,
                    "FIPS mode allows no others; have the server take one of them, or an admin exempt the connection \
                     (fips_override)",
                ),
                false => (
                    ErrorKind::Negotiation,
                    "Old servers may need ssh_algorithms with the preset \"legacy\"",
                ),
            };
            return Error::new(kind, format!("{}. {advice}", error.message()));
        }
        if self.peer.info().banner.is_some()
            || matches!(error.kind(), ErrorKind::HostKey | ErrorKind::HostKeyNotApproved)
        {
            return error;
        }
        match self.peer.first_line() {
            Some(line) if says_full(&line) => full(&line),
            Some(line) => Error::new(
                ErrorKind::Protocol,
                format!(
                    "this is no SSH server: it answered \"{line}\" instead of \"SSH-2.0-…\"; check host and port"
                ),
            ),
            None => Error::new(
                ErrorKind::Lost,
                "the server closed the connection before it identified itself; it may be no SSH server, have too many \
                 connections, or not admit this address",
            ),
        }
    }
}

/// Do a server's words say that it has too many sessions already? OpenSSH says "Exceeded MaxStartups" or, in later versions,
/// "Not allowed at this time" in place of its identification.
pub(crate) fn says_full(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    [
        "maxstartups",
        "not allowed at this time",
        "too many connections",
        "too many sessions",
        "too many users",
        "too many logins",
        "maximum number",
        "limit",
        "server is full",
        "busy",
        "at capacity",
        "try again later",
    ]
    .iter()
    .any(|part| words.contains(part))
}

/// The server takes no session now, as it says in these words.
pub(crate) fn full(words: &str) -> Error {
    Error::new(
        ErrorKind::Busy,
        format!(
            "the server takes no session now: {words}. Try again later; where sessions of this user or address are too many, \
             open fewer at once (max_sessions, --parallel)"
        ),
    )
}

/// The first `string` of a blob (RFC 4251 section 5), where it is a name.
fn string(blob: &[u8]) -> Option<&str> {
    let (length, rest) = blob.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    std::str::from_utf8(rest.get(..length)?).ok()
}

/// An error of the SSH layer, in the terms of the interface.
pub(crate) fn ssh_error(error: russh::Error) -> Error {
    use russh::Error as Ssh;
    let lost = |message: String| Error::new(ErrorKind::Lost, message).with_retry(Retry::Later);
    match error {
        Ssh::NoCommonAlgo { kind, ours, theirs } => {
            let list = match kind {
                russh::AlgorithmKind::Kex => "key exchange",
                russh::AlgorithmKind::Key => "host key",
                russh::AlgorithmKind::Cipher => "encryption",
                russh::AlgorithmKind::Compression => "compression",
                russh::AlgorithmKind::Mac => "MAC",
            };
            let names = |names: Vec<String>| {
                let names = names
                    .into_iter()
                    .filter(|n| !n.starts_with("ext-info") && !n.starts_with("kex-strict"));
                names.collect::<Vec<_>>().join(", ")
            };
            Error::new(
                ErrorKind::Negotiation,
                format!(
                    "no common {list} algorithm: offered were {}; the server takes {}",
                    names(ours),
                    names(theirs)
                ),
            )
        }
        Ssh::HUP | Ssh::Disconnect => lost("the server closed the connection".into()),
        Ssh::KeepaliveTimeout | Ssh::InactivityTimeout => lost("the server stopped answering".into()),
        Ssh::IO(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
            lost("the server closed the connection".into())
        }
        Ssh::IO(e) => lost(format!("the connection broke: {e}")),
        Ssh::SendError | Ssh::RecvError | Ssh::Join(_) => lost("the connection ended".into()),
        Ssh::NoAuthMethod => Error::new(
            ErrorKind::Auth,
            "Authentication failed: server rejected the login, and takes nothing else",
        ),
        Ssh::ChannelOpenFailure(reason) => {
            // Right after a line broke, the server may still count the session that was on it.
            let retry = match reason {
                ChannelOpenFailure::ResourceShortage | ChannelOpenFailure::ConnectFailed => Retry::Later,
                _ => Retry::Never,
            };
            Error::new(
                ErrorKind::Denied,
                format!("the server refused to open a session: {}", reason.description()),
            )
            .with_retry(retry)
        }
        other => Error::new(
            ErrorKind::Protocol,
            format!("the server broke the SSH protocol: {other}"),
        ),
    }
}
