use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use courier_azure::testkit::{Issued, Meeting, Reply, Request, Server, Service};
use courier_azure::{ErrorKind, Http, Limits};
use reqwest::{Method, StatusCode};
use url::Url;

use crate::scripted::{IMPATIENT, Scripted, soon};

#[tokio::test]
async fn what_fails_before_the_request_is_told_from_what_fails_after_it() {
    let silent = Scripted::meeting(Meeting::Silence);
    let http = silent.http(IMPATIENT, false);
    let error = http.send_once("it", soon(), silent.get(&http)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    assert_eq!(
        error.message(),
        "it can't be reached: no connection within 0.3 seconds"
    );

    let rude = Scripted::meeting(Meeting::HangUp);
    let http = rude.http(IMPATIENT, false);
    let error = http.send_once("it", soon(), rude.get(&http)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");

    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let nowhere = Url::parse(&format!("https://127.0.0.1:{port}")).unwrap();
    let request = http.request(Method::GET, nowhere);
    let error = http.send_once("it", soon(), request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    assert!(error.kind().nothing_sent() && error.kind().may_pass());

    let lossy = Scripted::new([None]);
    let http = lossy.http(IMPATIENT, false);
    let error = http.send_once("it", soon(), lossy.get(&http)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Lost, "{error}");
    assert!(!error.kind().nothing_sent() && error.kind().may_pass());
    assert_eq!(lossy.asked().len(), 1, "it is sent once");
}

/// Takes its time.
struct Slow;

impl Service for Slow {
    fn reply(&self, _: &Request) -> Option<Reply> {
        thread::sleep(Duration::from_secs(2));
        None
    }
}

#[tokio::test]
async fn who_takes_too_long_is_not_waited_for() {
    let certificate = Issued::for_loopback();
    let server = Server::start(Some(certificate.acceptor()), Arc::new(Slow));
    let url = Url::parse(&format!("https://localhost:{}", server.port())).unwrap();
    let authority = certificate.authority_pem();
    let patient = Http::trusting(Limits::default(), false, &authority).unwrap();
    let impatient = Http::trusting(IMPATIENT, false, &authority).unwrap();
    let now = tokio::time::Instant::now();
    for (http, deadline) in [(patient, now + Duration::from_millis(600)), (impatient, soon())] {
        let started = Instant::now();
        let request = http.request(Method::GET, url.clone());
        let error = http.send_once("it", deadline, request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert_eq!(error.message(), "it did not answer in time");
        assert!(!error.kind().nothing_sent(), "it may have done it");
        assert!(started.elapsed() < Duration::from_secs(2));
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_ends_it_before_anything_is_sent() {
    let server = Scripted::new([]);
    let http = Http::new(Limits::default(), false).unwrap();
    let started = Instant::now();
    let error = http
        .send("it", soon(), &[], || server.get(&http))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Certificate, "{error}");
    assert!(
        error.message().contains("the certificate of it was rejected"),
        "{error}"
    );
    assert!(error.message().contains("SSL_CERT_FILE"), "{error}");
    assert!(error.kind().nothing_sent() && !error.kind().may_pass());
    assert!(started.elapsed() < Duration::from_secs(3), "it is final");
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn without_tls_nothing_is_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut said = [0; 4096];
        let length = stream.read(&mut said).unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        said[..length].to_vec()
    });
    let http = Http::new(IMPATIENT, false).unwrap();
    let url = |scheme: &str| Url::parse(&format!("{scheme}://127.0.0.1:{port}")).unwrap();
    let request = || http.request(Method::GET, url("http"));
    let error = http.send("it", soon(), &[], request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");

    let request = http.request(Method::GET, url("https")).bearer_auth("hunter2");
    let error = http.send_once("it", soon(), request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    assert!(
        error.message().starts_with("it does not speak TLS there"),
        "{error}"
    );
    let said = server.join().unwrap();
    assert!(!String::from_utf8_lossy(&said).contains("hunter2"));
}

#[tokio::test]
async fn what_may_pass_is_asked_again_and_nothing_else() {
    let throttled = Reply::raw(429, "").header("Retry-After", "1");
    let server = Scripted::new([
        Some(throttled),
        Some(Reply::raw(503, "")),
        None,
        Some(Reply::raw(200, "done")),
    ]);
    let http = server.http(Limits::default(), false);
    let started = Instant::now();
    let answer = http.send("it", soon(), &[], || server.get(&http)).await.unwrap();
    assert_eq!((answer.status, &**answer.body), (StatusCode::OK, &b"done"[..]));
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(server.asked().len(), 4);

    for status in [301, 400, 401, 403, 404, 501] {
        let reply = Reply::raw(status, "").header("Location", "/elsewhere");
        let server = Scripted::new([Some(reply)]);
        let http = server.http(Limits::default(), false);
        let answer = http.send("it", soon(), &[], || server.get(&http)).await.unwrap();
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(server.asked().len(), 1, "{status}");
    }
    let server = Scripted::new([Some(Reply::raw(404, ""))]);
    let http = server.http(Limits::default(), false);
    let also = [StatusCode::NOT_FOUND];
    let answer = http
        .send("it", soon(), &also, || server.get(&http))
        .await
        .unwrap();
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_pause_past_the_deadline_is_not_made() {
    let throttled = Reply::raw(429, "").header("Retry-After", "3600");
    let server = Scripted::new([Some(throttled)]);
    let http = server.http(Limits::default(), false);
    let started = Instant::now();
    let answer = http.send("it", soon(), &[], || server.get(&http)).await.unwrap();
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    let pause = courier_azure::http::retry_after(&answer.headers);
    assert_eq!(pause, Some(Duration::from_secs(3600)));
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn answers_are_bounded() {
    let long = |status| Some(Reply::raw(status, vec![b'x'; 100_000]));
    let server = Scripted::new([long(200), long(200), long(400)]);
    let http = server.http(Limits::default(), false);
    let answer = http.send_once("it", soon(), server.get(&http)).await.unwrap();
    assert_eq!(answer.body.len(), 100_000);
    let short = http.with_max_answer(50_000);
    let error = short
        .send_once("it", soon(), server.get(&short))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    assert!(error.message().contains("longer than 50000 bytes"), "{error}");
    // What a refusal says is cut, and still a refusal.
    let answer = short.send_once("it", soon(), server.get(&short)).await.unwrap();
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.body.len() <= 50_000);
    assert!(!format!("{answer:?}").contains("xx"));
}

#[tokio::test]
async fn an_answer_may_end_with_its_connection_if_it_shows_that_it_is_whole() {
    let whole = "{\"a\": [1, 2]}\n";
    let server = Scripted::new([Some(Reply::raw(200, whole).hanging_up())]);
    let http = server.http(Limits::default(), false);
    let answer = http.send_once("it", soon(), server.get(&http)).await.unwrap();
    assert_eq!(&**answer.body, whole.as_bytes());
    for reply in [
        Reply::raw(200, "{\"a\": [1, 2").hanging_up(),
        Reply::raw(200, "12").hanging_up(),
        Reply::raw(200, "").hanging_up(),
        Reply::raw(200, whole).cut_short(),
    ] {
        let server = Scripted::new([Some(reply.clone())]);
        let http = server.http(Limits::default(), false);
        let error = http.send_once("it", soon(), server.get(&http)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Lost, "{reply:?}: {error}");
        assert_eq!(
            error.message(),
            "it ended the connection before its answer was whole"
        );
    }
}
