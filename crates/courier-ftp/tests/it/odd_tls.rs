//! Servers that are odd about TLS.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use courier_transfer::{Client, Error, ErrorKind, Fetch, RemotePath, testkit::BytesSink};
use openssl::ssl::{Ssl, SslContext, SslMethod, SslStream};
use serde_json::json;
use tokio::time::timeout;

use crate::{
    certificates::Request,
    scripted::{Answer, Scripted},
};

fn context() -> SslContext {
    let identity = Request::server(&["127.0.0.1"]).self_signed();
    let mut context = SslContext::builder(SslMethod::tls_server()).unwrap();
    context.set_certificate(&identity.certificate).unwrap();
    context.set_private_key(&identity.key).unwrap();
    context.set_session_id_context(b"ftp").unwrap();
    context.build()
}

/// Sends "hello" over each data connection; gives the reply to EPSV.
fn data_port(context: SslContext) -> Vec<u8> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // Ends with the process: it waits for connections that may never come.
    std::thread::spawn(move || {
        for tcp in listener.incoming() {
            let mut tls = SslStream::new(Ssl::new(&context).unwrap(), tcp.unwrap()).unwrap();
            if tls.accept().is_ok() {
                let _ = tls.write_all(b"hello").and_then(|()| tls.flush());
                let _ = tls.shutdown();
                let _ = tls.get_mut().shutdown(std::net::Shutdown::Write);
                let _ = tls.get_mut().read_to_end(&mut Vec::new());
            }
        }
    });
    format!("229 Here (|||{port}|)\r\n").into_bytes()
}

/// A server that confirms so many downloads, and refuses each after that.
async fn forgetting(confirmed: usize, refusal: &'static str) -> Scripted {
    let context = context();
    let extended = data_port(context.clone());
    let downloads = Arc::new(AtomicUsize::new(0));
    Scripted::start(move |command| match command {
        "AUTH TLS" => Answer::Secure(context.clone()),
        "EPSV" => Answer::Bytes(extended.clone()),
        "RETR /file" if downloads.fetch_add(1, Ordering::Relaxed) < confirmed => {
            Answer::Say("150 Begins\n226 Done")
        }
        "RETR /file" => Answer::Say(refusal),
        _ => Answer::Usual,
    })
    .await
}

async fn fetch(client: &Arc<dyn Client>) -> Result<u64, Error> {
    let sink = Arc::new(BytesSink::default());
    client
        .fetch(&RemotePath::new("/file").unwrap(), Fetch::new(sink, 0, None))
        .await
}

#[tokio::test]
async fn a_tls_session_that_the_server_forgot_is_a_lost_one() {
    for refusal in [
        "150 Begins\n522 SSL connection failed; session reuse required: see require_ssl_reuse option",
        "150 Begins\n425 Unable to build data connection: Operation not permitted",
        "425 Unable to build data connection: TLS session of data connection not resumed.",
    ] {
        let server = forgetting(2, refusal).await;
        let client = server
            .connect_secured(json!({"ftps_mode": "explicit"}))
            .await
            .unwrap();
        for _ in 0..2 {
            assert_eq!(fetch(&client).await.unwrap(), 5);
        }
        let lost = fetch(&client).await.unwrap_err();
        assert_eq!(lost.kind(), ErrorKind::Lost, "{lost}");
        assert!(lost.message().contains("TLS session"), "{lost}");
        assert!(!client.is_connected());

        let server = forgetting(0, refusal).await;
        let client = server
            .connect_secured(json!({"ftps_mode": "explicit"}))
            .await
            .unwrap();
        let refused = fetch(&client).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Negotiation, "{refused}");
        assert!(refused.message().contains("require_ssl_reuse=NO"), "{refused}");
        assert!(client.is_connected());
    }
}

#[tokio::test]
async fn a_download_that_stalls_ends_behind_abor() {
    let context = context();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(AtomicUsize::new(0));
    let (data, aborts) = (context.clone(), Arc::clone(&heard));
    let ended = std::thread::spawn(move || {
        let mut tls = SslStream::new(Ssl::new(&data).unwrap(), listener.accept().unwrap().0).unwrap();
        tls.accept().unwrap();
        tls.write_all(b"hello").unwrap();
        // Ends with the connection.
        let _ = tls.get_mut().read_to_end(&mut Vec::new());
        aborts.load(Ordering::SeqCst)
    });
    let server = Scripted::start(move |command| match command {
        "AUTH TLS" => Answer::Secure(context.clone()),
        "EPSV" => Answer::Bytes(format!("229 Here (|||{port}|)\r\n").into_bytes()),
        "RETR /file" => Answer::Say("150 Begins"),
        "ABOR" => {
            heard.fetch_add(1, Ordering::SeqCst);
            Answer::Say("426 Aborted\n226 Done")
        }
        _ => Answer::Usual,
    })
    .await;
    let client = server
        .connect_secured(json!({"ftps_mode": "explicit"}))
        .await
        .unwrap();
    assert!(timeout(Duration::from_millis(500), fetch(&client)).await.is_err());
    client.keepalive().await.unwrap();
    assert_eq!(
        client.stat(&RemotePath::root()).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert!(client.is_connected());
    assert_eq!(
        ended.join().unwrap(),
        1,
        "the data connection ended before ABOR was heard"
    );
}
