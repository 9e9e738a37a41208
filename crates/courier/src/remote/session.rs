//! One session with the server of a URL.

use std::sync::Arc;
use std::time::Duration;

use courier_transfer::layers::{Lanes, Parallel, Reconnecting};
use courier_transfer::ops::{NoPartials, Partials};
use courier_transfer::{Client, Credentials};

use super::dial::Dialer;
use super::partials::StateFolder;
use super::transfer::{FTP_LANES, RETRIES, TransferArgs};
use super::url::Scheme;
use super::{Endpoint, SessionArgs};
use crate::exit::{Failure, Result};
use crate::output::Output;

/// How long a goodbye may take to leave. Everything was acknowledged by then, so nobody waits for the answer.
const GOODBYE: Duration = Duration::from_millis(5);

/// An open session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) client: Arc<dyn Client>,
    endpoint: Endpoint,
}

impl Session {
    /// Connects, makes sure that it is the right server, and authenticates. A session that breaks is opened again.
    pub(crate) async fn open(endpoint: &Endpoint, args: &SessionArgs, output: Output) -> Result<Self> {
        // FTP does one thing at a time, so that even a listing of many folders wants several sessions.
        let lanes = endpoint.scheme.is_ftp().then_some(FTP_LANES);
        Self::opened(endpoint, args, RETRIES, lanes, None, output).await
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
        let lanes = Some(transfer.lanes(endpoint.scheme));
        let sends = sends.filter(|_| endpoint.scheme == Scheme::Sftp);
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
        args.check_for(endpoint.scheme)?;
        let name = endpoint.scheme.protocol();
        let protocols = courier_server::protocols();
        let protocol = protocols
            .files(name)
            .ok_or_else(|| Failure::usage(format!("this version has no {name}")))?;
        let dialer = Dialer::new(protocol.clone(), endpoint, args, output)?;
        let dialer = Arc::new(match lanes.zip(sends) {
            Some((lanes, bytes)) => dialer.expecting(bytes, lanes),
            None => dialer,
        });
        let client: Arc<dyn Client> = match endpoint.scheme {
            Scheme::File => dialer.open(Credentials::default()).await?,
            _ => {
                let first = dialer.authenticate(args).await?;
                let client = Arc::new(Reconnecting::new(first, dialer.clone(), retries));
                // Also with a single session: FTP does one thing at a time on it, and somebody has to queue the rest.
                let lanes = lanes.unwrap_or(Lanes::Exactly(1));
                Arc::new(Parallel::new(client, dialer, lanes))
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
