//! Data connections resume the control connection's session.

use std::{
    io::{self, Read, Write},
    net,
};

use courier_transfer::ErrorKind;
use openssl::ssl::{SslContextBuilder, SslOptions, SslSessionCacheMode, SslStream, SslVersion};

use super::*;

fn data(tls: &Tls, server: &Server) -> Result<SslStream<net::TcpStream>> {
    tls.data(net::TcpStream::connect(server.address).unwrap())
}

/// An upload that looks at nothing that comes back, its own tickets least of all; or a download.
fn transfer(tls: &Tls, server: &Server, upload: bool) {
    let mut data = data(tls, server).unwrap();
    if upload {
        data.write_all(b"bytes").unwrap();
    } else {
        let mut greeting = [0; server::GREETING.len()];
        data.read_exact(&mut greeting).unwrap();
        assert_eq!(greeting, server::GREETING);
    }
    data.shutdown().unwrap();
    let mut below = data.get_ref();
    below.shutdown(net::Shutdown::Write).unwrap();
    io::copy(&mut below, &mut io::sink()).unwrap();
}

async fn all_resume(version: SslVersion, options: &TlsOptions, prepare: impl Fn(&mut SslContextBuilder)) {
    let authority = Authority::new("Authority");
    let mut context = server::context(&authority.issue(&Request::server(&[HOST])), &[]);
    context.set_max_proto_version(Some(version)).unwrap();
    prepare(&mut context);
    let server = Server::of(context);
    let tls = tls_with(&authority, HOST, options, None);
    let control = control(&tls, &server).await.unwrap();
    for n in 0..6 {
        transfer(&tls, &server, n % 2 == 0);
        let seen = server.seen();
        assert!(
            seen.resumed,
            "data connection {n} of {} was not resumed",
            seen.version
        );
        assert!(control.negotiated.starts_with(&seen.version));
        assert_eq!(seen.received, if n % 2 == 0 { &b"bytes"[..] } else { b"" });
    }
    drop(control);
    assert!(!server.seen().resumed);
    // Another control connection is another session.
    drop(super::control(&tls, &server).await.unwrap());
    assert!(!server.seen().resumed);
}

#[tokio::test]
async fn with_tls_1_3() {
    all_resume(SslVersion::TLS1_3, &TlsOptions::default(), |_| ()).await;
}

#[tokio::test]
async fn with_tls_1_3_and_sessions_that_the_server_keeps() {
    all_resume(SslVersion::TLS1_3, &TlsOptions::default(), |context| {
        context.set_options(SslOptions::NO_TICKET);
    })
    .await;
}

#[tokio::test]
async fn with_tls_1_3_and_one_ticket() {
    all_resume(SslVersion::TLS1_3, &TlsOptions::default(), |context| {
        context.set_num_tickets(1).unwrap();
    })
    .await;
}

#[tokio::test]
async fn with_tls_1_2_tickets() {
    all_resume(SslVersion::TLS1_2, &TlsOptions::default(), |_| ()).await;
}

#[tokio::test]
async fn with_tls_1_2_session_ids() {
    all_resume(SslVersion::TLS1_2, &TlsOptions::default(), |context| {
        context.set_options(SslOptions::NO_TICKET);
    })
    .await;
}

#[tokio::test]
async fn with_tls_1_1_and_1_0() {
    for version in [SslVersion::TLS1_1, SslVersion::TLS1] {
        all_resume(version, &floor(TlsVersion::Tls10), |_| ()).await;
    }
}

#[tokio::test]
async fn a_ticket_that_comes_late_counts() {
    let authority = Authority::new("Authority");
    let server = Server::with(&authority.issue(&Request::server(&[HOST])));
    let tls = tls(&authority);
    // The tickets lie behind the handshake, and nothing was read yet.
    let mut control = tls.control(tcp(&server).await).await.unwrap();
    transfer(&tls, &server, true);
    assert!(!server.seen().resumed);
    control
        .stream
        .read_exact(&mut [0; server::GREETING.len()])
        .await
        .unwrap();
    transfer(&tls, &server, true);
    assert!(server.seen().resumed);
}

#[tokio::test]
async fn a_server_that_resumes_nothing_is_served() {
    let authority = Authority::new("Authority");
    let mut context = server::context(&authority.issue(&Request::server(&[HOST])), &[]);
    context.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap();
    context.set_options(SslOptions::NO_TICKET);
    context.set_session_cache_mode(SslSessionCacheMode::OFF);
    let server = Server::of(context);
    let tls = tls(&authority);
    let _control = control(&tls, &server).await.unwrap();
    for _ in 0..3 {
        transfer(&tls, &server, true);
        assert!(!server.seen().resumed);
    }
}

#[tokio::test]
async fn a_data_connection_of_another_server_is_refused() {
    let authority = Authority::new("Authority");
    let request = Request::server(&[HOST]);
    let contexts = [authority.issue(&request), authority.issue(&request)]
        .map(|identity| server::context(&identity, &[]).build());
    let server = Server::each(move |n| contexts[n].clone());
    let tls = tls(&authority);
    let _control = control(&tls, &server).await.unwrap();
    let refused = data(&tls, &server).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Certificate);
    assert!(refused.message().contains("another certificate"), "{refused}");
}

#[tokio::test]
async fn there_is_no_data_without_control() {
    let authority = Authority::new("Authority");
    let tls = tls(&authority);
    let refused = tls.data(io::Cursor::new(Vec::new())).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn what_is_shown_of_a_session_holds_no_secret() {
    let authority = Authority::new("Authority");
    let server = Server::with(&authority.issue(&Request::server(&[HOST])));
    let tls = tls(&authority);
    let control = control(&tls, &server).await.unwrap();
    let shown = format!("{tls:?} {control:?}");
    assert!(shown.contains("known: true"), "{shown}");
    assert!(shown.len() < 600, "{shown}");
}
