//! One session with the server of a URL.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use courier_transfer::layers::{Lanes, Parallel, Reconnecting};
use courier_transfer::ops::{NoPartials, Partials};
use courier_transfer::{Client, Credentials, Fingerprint};

use super::Endpoint;
use super::dial::Dialer;
use super::partials::StateFolder;
use super::transfer::{RETRIES, TransferArgs};
use super::url::Scheme;
use crate::exit::{Failure, Result};
use crate::output::Output;

/// How long a goodbye may take to leave. Everything was acknowledged by then, so nobody waits for the answer.
const GOODBYE: Duration = Duration::from_millis(5);

/// How to connect.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct SessionArgs {
    /// A private key to authenticate with, or the public half of one that the SSH agent (SSH_AUTH_SOCK) holds. A
    /// FILE-cert.pub beside it is its certificate. Repeatable [default: what the agent holds, and ~/.ssh/id_ed25519,
    /// id_ecdsa and id_rsa]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) identity: Vec<PathBuf>,

    /// Trust this host key and no other. Repeatable
    #[arg(long, value_name = "SHA256:…")]
    pub(crate) host_key: Vec<Fingerprint>,

    /// Where known host keys are [default: ~/.ssh/known_hosts]
    #[arg(long, value_name = "FILE", conflicts_with = "host_key")]
    pub(crate) known_hosts: Option<PathBuf>,

    /// Trust a host that is not known yet, and add it to the known hosts
    #[arg(long, conflicts_with = "host_key")]
    pub(crate) accept_new_host_key: bool,

    /// Trust any host key. Dangerous: somebody in between could read and change everything
    #[arg(long, conflicts_with_all = ["host_key", "known_hosts", "accept_new_host_key"])]
    pub(crate) insecure: bool,

    /// How long the server may stay without an answer
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: u64,

    /// Ciphers to offer, the best first
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) cipher: Vec<String>,
}

/// An open session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) client: Arc<dyn Client>,
    endpoint: Endpoint,
}

impl Session {
    /// Connects, makes sure that it is the right server, and authenticates. A session that breaks is opened again.
    pub(crate) async fn open(endpoint: &Endpoint, args: &SessionArgs, output: Output) -> Result<Self> {
        Self::opened(endpoint, args, RETRIES, None, None, output).await
    }

    /// As [`open`](Self::open), to move files in the way that `transfer` says. `sends` is the size of the one file that is
    /// about to be sent, where it is one.
    pub(crate) async fn open_for(
        endpoint: &Endpoint,
        args: &SessionArgs,
        transfer: &TransferArgs,
        sends: Option<u64>,
        output: Output,
    ) -> Result<Self> {
        let lanes = Some(transfer.lanes());
        Self::opened(endpoint, args, transfer.retries(), lanes, sends, output).await
    }

    async fn opened(
        endpoint: &Endpoint,
        args: &SessionArgs,
        retries: u32,
        lanes: Option<Lanes>,
        sends: Option<u64>,
        output: Output,
    ) -> Result<Self> {
        let name = match endpoint.scheme {
            Scheme::Sftp => "sftp",
            Scheme::File => "local",
        };
        let protocols = courier_server::protocols();
        let protocol = protocols
            .get(name)
            .ok_or_else(|| Failure::usage(format!("this version has no {name}")))?;
        let dialer = Dialer::new(protocol.clone(), endpoint, args, output)?;
        let dialer = Arc::new(match lanes.zip(sends) {
            Some((lanes, bytes)) => dialer.expecting(bytes, lanes),
            None => dialer,
        });
        let client: Arc<dyn Client> = match endpoint.scheme {
            Scheme::File => dialer.open(Credentials::default()).await?,
            Scheme::Sftp => {
                let first = dialer.authenticate(args).await?;
                let client = Arc::new(Reconnecting::new(first, dialer.clone(), retries));
                match lanes {
                    Some(lanes) => Arc::new(Parallel::new(client, dialer, lanes)),
                    None => client,
                }
            }
        };
        Ok(Self {
            client,
            endpoint: endpoint.clone(),
        })
    }

    /// Where the identities of partial files are kept. Without `--resume`, too: a later one may find what a killed process
    /// left behind.
    pub(crate) fn partials(&self) -> Arc<dyn Partials> {
        match StateFolder::of(&self.endpoint) {
            Some(folder) => Arc::new(folder),
            None => Arc::new(NoPartials),
        }
    }

    /// Ends the session. What was asked for is done by now, so a server that does not answer changes nothing.
    pub(crate) async fn close(&self) {
        let _ = tokio::time::timeout(GOODBYE, self.client.disconnect()).await;
    }
}
