//! The beginning of a connection over TLS.

use std::{io, sync::Arc};

use courier_api::{CONTENT_TYPE, ErrorCode, Problem};
use courier_engine::Engine;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::tls::CurrentCertificate;

/// How bytes come in.
#[derive(Clone, Debug)]
pub(crate) enum Transport {
    /// As they are.
    Plain,
    /// By TLS.
    Tls {
        /// What is shown to clients.
        certificate: Arc<CurrentCertificate>,
        /// Knows whether FIPS mode is on.
        engine: Engine,
    },
}

/// The setting that is asked at each handshake, so that a change counts for the next connection.
const FIPS_MODE: &str = "security.fips_mode_enabled";

/// No request line of HTTP that matters is longer, bytes.
const REQUEST_LINE: usize = 8192;

/// Agrees on TLS with a client. One that speaks plain HTTP is told so.
pub(super) async fn handshake(
    mut stream: TcpStream,
    certificate: &CurrentCertificate,
    engine: &Engine,
) -> io::Result<TlsStream<TcpStream>> {
    // Flights of a handshake and small records are worth a packet each.
    stream.set_nodelay(true)?;
    let mut first = [0];
    stream.peek(&mut first).await?;
    // A method is in capitals; a TLS record begins with a number below 32.
    if first.iter().all(u8::is_ascii_uppercase) {
        refuse_plain(&mut stream).await?;
        return Err(io::Error::other("the client speaks plain HTTP"));
    }
    let config = certificate.config(is_fips(engine).await).ok_or_else(|| {
        tracing::error!(
            "FIPS mode is on, and the key of the listener's certificate is not of an approved type"
        );
        io::Error::other("FIPS mode forbids the listener's key")
    })?;
    TlsAcceptor::from(config).accept(stream).await
}

/// Where the database doesn't answer, the stricter one of the two.
async fn is_fips(engine: &Engine) -> bool {
    match engine.settings().get(FIPS_MODE).await {
        Ok(setting) => setting.value == true,
        Err(error) => {
            tracing::warn!(%error, "could not look whether FIPS mode is on; a handshake goes as if it were");
            true
        }
    }
}

async fn refuse_plain(stream: &mut TcpStream) -> io::Result<()> {
    // What is not read would turn the answer into a reset.
    let mut request = vec![0; REQUEST_LINE];
    let _ = stream.read(&mut request).await?;
    let problem = Problem::new(
        ErrorCode::Validation,
        "this address speaks HTTPS only; use https://",
    );
    let body = serde_json::to_string(&problem)?;
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: {CONTENT_TYPE}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}
