//! How clients reach the server, and what is unsafe about that.

use std::{net::SocketAddr, sync::Arc};

use courier_engine::Engine;
use jiff::Timestamp;

use super::Transport;
use crate::{config::TrustedProxies, tls::CurrentCertificate};

/// How clients reach the server.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    pub(crate) address: SocketAddr,
    pub(crate) certificate: Option<Arc<CurrentCertificate>>,
    pub(crate) proxies: TrustedProxies,
}

impl Listener {
    /// In clear, on an address that isn't this machine's alone?
    pub(crate) fn is_in_clear(&self) -> bool {
        self.certificate.is_none() && !self.address.ip().to_canonical().is_loopback()
    }

    /// What administrators should know, in sentences.
    pub(crate) fn warnings(&self, now: Timestamp) -> Vec<String> {
        let in_clear = self.is_in_clear().then(|| {
            format!(
                "The API is served without TLS on {}, which other machines may reach: passwords and tokens can be read \
                 on their way. Set tls.certificate and tls.key, or listen on 127.0.0.1 behind a proxy that ends TLS.",
                self.address
            )
        });
        let certificate = self.certificate.iter().flat_map(|c| c.warnings(now));
        in_clear.into_iter().chain(certificate).collect()
    }

    /// Where it is, for people and programs on this machine.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.certificate.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.address)
    }

    pub(crate) fn transport(&self, engine: &Engine) -> Transport {
        match &self.certificate {
            None => Transport::Plain,
            Some(certificate) => Transport::Tls {
                certificate: certificate.clone(),
                engine: engine.clone(),
            },
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_may_be_spoken_to_in_clear() {
        for (address, in_clear) in [
            ("127.0.0.1:1", false),
            ("127.8.8.8:1", false),
            ("[::1]:1", false),
            ("[::ffff:127.0.0.1]:1", false),
            ("0.0.0.0:1", true),
            ("[::]:1", true),
            ("192.168.1.1:1", true),
        ] {
            let listener = Listener {
                address: address.parse().unwrap(),
                certificate: None,
                proxies: TrustedProxies::default(),
            };
            assert_eq!(listener.is_in_clear(), in_clear, "{address}");
            assert_eq!(listener.warnings(Timestamp::now()).len(), usize::from(in_clear));
            assert_eq!(listener.url(), format!("http://{address}"));
        }
    }
}
