//! Who a request comes from, as far as the network tells.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, HeaderName, request::Parts},
    middleware::Next,
    response::Response,
};

use super::AppState;
use crate::{config::TrustedProxies, listen::Peer};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Where a request comes from, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    /// Its address, or that of a proxy that nobody calls trusted.
    pub(crate) address: IpAddr,
    /// Did it come over TLS to this server?
    pub(crate) tls: bool,
    /// Or to a proxy that says so? A lie there can only make cookies stricter.
    pub(crate) secure: bool,
}

impl Client {
    fn new(peer: Peer, headers: &HeaderMap, proxies: &TrustedProxies) -> Self {
        Self {
            address: address(peer.address, headers, proxies),
            tls: peer.tls,
            secure: peer.tls
                || headers
                    .get(FORWARDED_PROTO)
                    .is_some_and(|scheme| scheme == "https"),
        }
    }

    /// That of a request which [`identify`] has seen.
    pub(crate) fn of(request: &Request) -> Self {
        request.extensions().get().copied().unwrap_or(UNKNOWN)
    }
}

/// A request that came by no connection.
const UNKNOWN: Client = Client {
    address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    tls: false,
    secure: false,
};

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or(UNKNOWN))
    }
}

/// Notes with the request who it comes from.
pub(crate) async fn identify(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    if let Some(peer) = request.extensions().get::<Peer>() {
        let client = Client::new(*peer, request.headers(), &state.listener.proxies);
        request.extensions_mut().insert(client);
    }
    next.run(request).await
}

/// Each proxy adds who spoke to it at the end. So the list is followed from its end for as long as proxies are trusted:
/// what stands further left was written by anybody.
fn address(peer: IpAddr, headers: &HeaderMap, proxies: &TrustedProxies) -> IpAddr {
    let mut address = peer;
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    let hops = lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
    for hop in hops {
        if !proxies.contains(address) {
            break;
        }
        match hop_address(hop.trim()) {
            Some(next) => address = next.to_canonical(),
            None => break,
        }
    }
    address
}

/// Some proxies write the port as well, and brackets around IPv6 addresses.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']'));
    let address = bare.unwrap_or(hop).parse();
    address
        .ok()
        .or_else(|| Some(hop.parse::<SocketAddr>().ok()?.ip()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed() {
        let proxies: TrustedProxies = "10.0.0.1,10.0.0.2".parse().unwrap();
        for (peer, lines, expected) in [
            ("192.0.2.1", &["198.51.100.1"][..], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["203.0.113.9, 198.51.100.1"], "198.51.100.1"),
            (
                "10.0.0.1",
                &["203.0.113.9", "198.51.100.1, 10.0.0.2"],
                "198.51.100.1",
            ),
            ("10.0.0.1", &["nonsense"], "10.0.0.1"),
            ("10.0.0.1", &["2001:db8::1"], "2001:db8::1"),
            ("10.0.0.1", &["198.51.100.1:40122"], "198.51.100.1"),
            ("10.0.0.1", &["[2001:db8::1]:40122"], "2001:db8::1"),
            ("10.0.0.1", &["[2001:db8::1]"], "2001:db8::1"),
            ("10.0.0.1", &["198.51.100.1:"], "10.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(FORWARDED_FOR, line.parse().unwrap());
            }
            let found = address(peer.parse().unwrap(), &headers, &proxies);
            assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{peer} {lines:?}");
        }
    }
}
