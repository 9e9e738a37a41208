//! The TCP connection of the control line.

use std::{io, net::SocketAddr};

use courier_transfer::{Error, ErrorKind, Result, Target};
use tokio::{
    net::{TcpStream, lookup_host},
    time::{Instant, timeout},
};

use super::stage::Stage;

/// Tries each address of the host in turn; none may use up the time of the others.
pub(super) async fn connect(target: &Target, deadline: Instant, stage: &Stage) -> Result<TcpStream> {
    stage.enter("resolving the host name");
    let host = target.host.trim_start_matches('[').trim_end_matches(']');
    let addresses: Vec<SocketAddr> = lookup_host((host, target.port))
        .await
        .map_err(|e| {
            Error::new(
                ErrorKind::Unreachable,
                format!("the host name could not be resolved: {e}"),
            )
            .with_source(e)
        })?
        .collect();
    stage.enter("connecting");
    let mut failed = Error::new(ErrorKind::Unreachable, "the host name has no address");
    for (i, address) in addresses.iter().enumerate() {
        let others = u32::try_from(addresses.len() - i).unwrap_or(u32::MAX);
        let share = deadline.saturating_duration_since(Instant::now()) / others;
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => return Ok(tcp),
            Ok(Err(e)) => failed = unreachable_host(&e).with("address", address.ip()),
            Err(_) => {
                failed = Error::new(
                    ErrorKind::Timeout,
                    "Connection timed out: no answer from the host",
                )
                .with("address", address.ip());
            }
        }
    }
    Err(failed)
}

fn unreachable_host(error: &io::Error) -> Error {
    Error::new(ErrorKind::Unreachable, format!("could not connect: {error}"))
}
