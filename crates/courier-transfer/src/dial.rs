//! From a host name to a TCP connection, for every protocol over one.

use std::{io, net::SocketAddr};

use tokio::{
    net::{TcpStream, lookup_host},
    time::{Instant, timeout},
};

use crate::{Error, ErrorKind, Result};

/// Tries each address of the host in turn; none may use up the time of the others. `enter` hears what is waited for now,
/// for the text of a timeout. An IPv6 address may stand in brackets.
///
/// # Errors
/// [`ErrorKind::Unreachable`], [`ErrorKind::Timeout`].
pub async fn dial(
    host: &str,
    port: u16,
    deadline: Instant,
    enter: impl Fn(&'static str),
) -> Result<TcpStream> {
    enter("resolving the host name");
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let addresses: Vec<SocketAddr> = lookup_host((host, port))
        .await
        .map_err(|e| {
            Error::new(
                ErrorKind::Unreachable,
                format!("the host name could not be resolved: {e}"),
            )
            .with_source(e)
        })?
        .collect();
    enter("connecting");
    let mut failed = Error::new(ErrorKind::Unreachable, "the host name has no address");
    for (i, address) in addresses.iter().enumerate() {
        let others = u32::try_from(addresses.len() - i).unwrap_or(u32::MAX);
        let share = deadline.saturating_duration_since(Instant::now()) / others;
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => return Ok(tcp),
            Ok(Err(e)) => failed = unreachable_host(e).with("address", address.ip()),
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

fn unreachable_host(error: io::Error) -> Error {
    Error::new(ErrorKind::Unreachable, format!("could not connect: {error}")).with_source(error)
}
