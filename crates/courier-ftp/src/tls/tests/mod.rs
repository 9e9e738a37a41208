//! TLS against servers of OpenSSL in this process.

#[path = "../../../tests/it/certificates.rs"]
mod certificates;
mod clients;
mod fips;
mod groups;
mod handshakes;
mod problems;
mod resumption;
mod revoked;
mod server;

use std::sync::Arc;

use courier_transfer::{CertificateProblem, Result};
use secrecy::SecretString;
use tokio::{io::AsyncReadExt, net::TcpStream};

use self::{
    certificates::{Authority, Identity, Request},
    server::Server,
};
use super::{
    Tls, TlsControl, TlsOptions, TlsVersion, client_certificate_not_fips, negotiated, trust_store::TrustStore,
};

/// The host of every test, unless it is about names.
const HOST: &str = "ftp.partner.com";

/// TLS to that host, which trusts the authority and nobody else.
fn tls(authority: &Authority) -> Tls {
    tls_with(authority, HOST, &TlsOptions::default(), None)
}

fn tls_with(authority: &Authority, host: &str, options: &TlsOptions, client: Option<&Identity>) -> Tls {
    let trusted = TrustStore {
        certificates: vec![authority.0.certificate.clone()],
        problem: None,
    };
    let client = client.map(|identity| SecretString::from(identity.pem()));
    Tls::trusting(Arc::new(trusted), options, host, client.as_ref()).unwrap()
}

fn floor(floor: TlsVersion) -> TlsOptions {
    TlsOptions {
        floor,
        ..TlsOptions::default()
    }
}

async fn tcp(server: &Server) -> TcpStream {
    TcpStream::connect(server.address).await.unwrap()
}

/// A control connection whose greeting was read, and with it whatever TLS sent before.
async fn control(tls: &Tls, server: &Server) -> Result<TlsControl> {
    let mut control = tls.control(tcp(server).await).await?;
    let mut greeting = [0; server::GREETING.len()];
    control
        .stream
        .read_exact(&mut greeting)
        .await
        .map_err(|e| tls.line_error(e))?;
    Ok(control)
}

/// What is wrong with a server's certificate.
async fn problems(tls: &Tls, server: &Server) -> Vec<CertificateProblem> {
    control(tls, server).await.unwrap().certificate.problems
}
