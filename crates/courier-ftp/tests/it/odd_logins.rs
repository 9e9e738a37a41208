//! Logins that are refused, and servers that want something else first.

use courier_ftp::FtpProtocol;
use courier_transfer::{Credentials, ErrorKind, Protocol, Retry, Target};
use secrecy::SecretString;
use serde_json::json;

use crate::scripted::{Answer, Scripted, options};

/// A server that answers that command so.
async fn answering(verb: &'static str, answer: &'static str) -> Scripted {
    Scripted::start(move |command| match command.starts_with(verb) {
        true => Answer::Say(answer),
        false => Answer::Usual,
    })
    .await
}

#[tokio::test]
async fn refusals_keep_the_servers_words_and_no_password() {
    let server = answering("PASS", "530 Login incorrect.").await;
    let error = server.connect().await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Auth, Retry::Never));
    assert!(error.message().contains("Login incorrect."), "{error}");
    assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    for repeated in [
        "530 Wrong password: s3cret",
        "530-Sorry,\n s3cret is wrong\n530 End",
        "421 s3cret?",
    ] {
        let error = answering("PASS", repeated).await.connect().await.unwrap_err();
        assert!(error.message().contains("****"), "{error}");
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
    let server = answering("PASS", "332 Need account.").await;
    let error = server.connect().await.unwrap_err();
    assert!(
        error.kind() == ErrorKind::Auth && error.message().contains("ACCT"),
        "{error}"
    );
}

#[tokio::test]
async fn a_full_server_is_tried_again_later() {
    for (verb, answer) in [
        (
            "USER",
            "421 There are too many connected users, please try later.",
        ),
        (
            "PASS",
            "530 Sorry, the maximum number of clients (5) for this user are already connected.",
        ),
        ("USER", "450 Busy."),
    ] {
        let error = answering(verb, answer).await.connect().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.retry()),
            (ErrorKind::Busy, Retry::Later),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_server_that_wants_tls_first_is_understood() {
    for (verb, answer) in [
        ("USER", "530 Non-anonymous sessions must use encryption."),
        ("USER", "550 SSL/TLS required on the control channel"),
        (
            "USER",
            "421 Sorry, cleartext sessions and weak ciphers are not accepted on this server.",
        ),
        ("PASS", "530 Login requires a secure connection."),
    ] {
        let error = answering(verb, answer).await.connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Negotiation, "{error}");
        assert!(error.message().contains("protocol ftps"), "{error}");
    }
}

#[tokio::test]
async fn without_tls_no_credential_leaves() {
    let server = answering("AUTH", "502 AUTH not implemented.").await;
    let error = server
        .connect_secured(json!({"ftps_mode": "explicit"}))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Negotiation, "{error}");
    assert!(error.message().contains("No credential was sent"), "{error}");
    assert_eq!(server.heard(), ["AUTH TLS"]);
}

#[tokio::test]
async fn what_is_put_in_before_the_handshake_is_found() {
    let server = answering("AUTH", "234 Go\n220 I am somebody else").await;
    let error = server
        .connect_secured(json!({"ftps_mode": "explicit"}))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    assert!(error.message().contains("before TLS"), "{error}");
    assert_eq!(server.heard(), ["AUTH TLS"]);
}

#[tokio::test]
async fn a_server_whose_tls_does_not_work_is_told_from_somebody_on_the_way() {
    // As Pure-FTPd without a certificate does.
    let server = Scripted::start(|command| match command {
        "AUTH TLS" => Answer::Bytes(b"234 AUTH TLS OK.\r\n\x15\x03\x01\x00\x02\x02\x50".to_vec()),
        _ => Answer::Usual,
    })
    .await;
    let error = server
        .connect_secured(json!({"ftps_mode": "explicit"}))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Negotiation, "{error}");
    assert!(error.message().contains("certificate or key"), "{error}");
    assert_eq!(server.heard(), ["AUTH TLS"]);
}

#[tokio::test]
async fn plain_text_where_tls_was_expected_is_named() {
    let server = Scripted::start(|_| Answer::Usual).await;
    let error = server
        .connect_secured(json!({"ftps_mode": "implicit"}))
        .await
        .unwrap_err();
    assert!(error.message().contains("ftps_mode to explicit"), "{error}");
}

#[tokio::test]
async fn a_name_alone_or_nobody_in_particular_may_log_in() {
    let server = Scripted::start(|command| match command.split(' ').next() {
        Some("USER") => Answer::Say("230 Come in."),
        _ => Answer::Usual,
    })
    .await;
    let target = |username: &str| Target {
        username: username.into(),
        credentials: Credentials::default(),
        ..server.target(json!({}))
    };
    FtpProtocol.connect(target("anna"), options(20.0)).await.unwrap();
    FtpProtocol.connect(target(""), options(20.0)).await.unwrap();
    assert_eq!(server.count("USER anna"), 1);
    assert_eq!(server.count("USER anonymous"), 1);
    assert_eq!(server.count("PASS"), 0);
}

#[tokio::test]
async fn no_line_break_gets_into_a_login() {
    let server = Scripted::start(|_| Answer::Usual).await;
    for (username, password) in [("anna\r\nDELE x", "s3cret"), ("anna", "s3cret\nDELE x")] {
        let target = Target {
            username: username.into(),
            credentials: Credentials {
                password: Some(SecretString::from(password)),
                ..Credentials::default()
            },
            ..server.target(json!({}))
        };
        let error = FtpProtocol.connect(target, options(20.0)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
    assert_eq!(server.count("DELE"), 0);
}

#[tokio::test]
async fn a_timeout_names_what_was_waited_for() {
    for (verb, words) in [
        ("USER", "logging in"),
        ("FEAT", "asking the server what it can do"),
    ] {
        let server = Scripted::start(move |command| match command.starts_with(verb) {
            true => Answer::Nothing,
            false => Answer::Usual,
        })
        .await;
        let error = server.connect_within(0.3).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.message().contains(words), "{error}");
    }
}
