//! The way to the server: is it safe, and why did it fail?

use std::{error::Error, io};

use reqwest::Url;

use crate::exit::{Code, Failure};

/// Can others read on the way what goes to this server? Not on this machine, and not over TLS.
pub(super) fn is_in_clear(server: &Url) -> bool {
    server.scheme() == "http"
        && match server.host_str() {
            None => true,
            Some(host) => !is_this_machine(host),
        }
}

fn is_this_machine(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    host == "localhost"
        || host.ends_with(".localhost")
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Why there is no answer, and what to do about it.
pub(super) fn failure(server: &Url, error: &reqwest::Error) -> Failure {
    let cause = root(error);
    match tls_error(error) {
        Some(rustls::Error::InvalidCertificate(_)) => {
            // What `openssl req -x509` makes, unless it is told otherwise.
            let fix = match cause.contains("CaUsedAsEndEntity") {
                true => {
                    "it calls itself an authority; make the server's own with -addext basicConstraints=critical,CA:FALSE"
                }
                false => {
                    "where an authority of your own has signed it, name the file with that authority's certificate in \
                     SSL_CERT_FILE"
                }
            };
            let message =
                format!("the certificate of {server} is not trusted ({cause}), so nothing was sent; {fix}");
            return Failure::new(Code::Trust, message);
        }
        Some(rustls::Error::InvalidMessage(_)) => {
            let message =
                format!("{server} does not speak TLS ({cause}); is it http:// there, or another port?");
            return Failure::new(Code::Lost, message);
        }
        Some(_) | None => {}
    }
    let message = if error.is_timeout() {
        format!("{server} did not answer in time ({cause})")
    } else if error.is_connect() {
        format!(
            "could not connect to {server} ({cause}); is `courier serve` running there, or is --server wrong?"
        )
    } else {
        format!("the exchange with {server} broke off ({cause})")
    };
    Failure::new(Code::Lost, message)
}

/// The innermost cause, which says most.
pub(super) fn root(error: &reqwest::Error) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

/// What TLS said, if it was TLS.
fn tls_error(error: &reqwest::Error) -> Option<&rustls::Error> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let first: &(dyn Error + 'static) = error;
    std::iter::successors(Some(first), |&cause| {
        // An I/O error around another error doesn't have that as its source.
        match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inside) => Some(inside),
            None => cause.source(),
        }
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_tls_and_this_machine_are_safe() {
        for (server, expected) in [
            ("http://127.0.0.1:8440", false),
            ("http://[::1]:8440", false),
            ("http://localhost:8440", false),
            ("http://courier.localhost", false),
            ("https://courier.example.com", false),
            ("http://courier.example.com", true),
            ("http://192.168.1.5:8440", true),
            ("http://0.0.0.0:8440", true),
            ("http://localhost.example.com", true),
        ] {
            assert_eq!(is_in_clear(&server.parse().unwrap()), expected, "{server}");
        }
    }
}
