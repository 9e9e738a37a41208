//! Checksums that the server computes: by the protocol, and by a command.

use std::time::{Duration, Instant};

use courier_sftp::server::SftpServer;
use courier_transfer::{Algorithm, ChecksumBy, ErrorKind, RemotePath};

use crate::{
    client::{Try, path},
    own_server::{try_it, user},
    sshd::Sshd,
};

const SHA256_OF_ABC: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[tokio::test]
async fn the_protocol_computes_them_where_the_server_offers_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("f"), "abc").unwrap();
    let server = SftpServer::builder()
        .user(user())
        .root(folder.path())
        .start()
        .unwrap();
    let client = try_it(&server).connect().await.unwrap();
    assert!(client.capabilities().checksum);
    let of = async |name: &str| {
        client
            .checksum(&RemotePath::new(name).unwrap(), ChecksumBy::Protocol)
            .await
    };
    assert_eq!(of("f").await.unwrap().to_string(), SHA256_OF_ABC);
    assert_eq!(of("g").await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(of("/").await.unwrap_err().kind(), ErrorKind::Denied);

    // It has no shell.
    let error = client
        .checksum(&RemotePath::new("f").unwrap(), ChecksumBy::Command)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(client.is_connected());
}

#[tokio::test]
async fn a_command_computes_them_whatever_the_name() {
    let server = Sshd::start();
    let folder = server.folder();
    let client = Try::sshd(&server).connect().await.unwrap();
    for name in [
        "plain",
        "-b",
        "it's",
        "a b",
        "$(touch x)`touch y`",
        "back\\slash",
        "\"; touch z; '",
        "*",
        "ümläut",
    ] {
        std::fs::write(folder.join(name), "abc").unwrap();
        let checksum = client
            .checksum(&path(folder.join(name)), ChecksumBy::Command)
            .await
            .unwrap();
        assert_eq!(checksum.to_string(), SHA256_OF_ABC, "{name}");
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 9);

    let large = vec![7; 5_000_000];
    std::fs::write(folder.join("large"), &large).unwrap();
    let checksum = client
        .checksum(&path(folder.join("large")), ChecksumBy::Command)
        .await
        .unwrap();
    assert_eq!(checksum, Algorithm::Sha256.of(&mut large.as_slice()).unwrap());

    let error = |name: &str| {
        let (client, path) = (client.clone(), path(folder.join(name)));
        async move {
            client
                .checksum(&path, ChecksumBy::Command)
                .await
                .unwrap_err()
                .kind()
        }
    };
    assert_eq!(error("missing").await, ErrorKind::NotFound);
    assert_eq!(error(".").await, ErrorKind::WrongKind);

    assert!(!client.capabilities().checksum);
    let plain = path(folder.join("plain"));
    let by_protocol = client.checksum(&plain, ChecksumBy::Protocol).await;
    assert_eq!(by_protocol.unwrap_err().kind(), ErrorKind::Unsupported);
    client.stat(&plain).await.unwrap();
}

/// Such an account runs the SFTP server whatever the command: it must not be waited for.
#[tokio::test]
async fn a_user_without_a_shell_has_no_commands() {
    let server = Sshd::with("ForceCommand internal-sftp");
    let folder = server.folder();
    std::fs::write(folder.join("f"), "abc").unwrap();
    let client = Try::sshd(&server).connect().await.unwrap();
    let started = Instant::now();
    let error = client
        .checksum(&path(folder.join("f")), ChecksumBy::Command)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(started.elapsed() < Duration::from_secs(5));
    client.stat(&path(folder.join("f"))).await.unwrap();
}

#[tokio::test]
async fn a_server_with_one_channel_has_no_commands() {
    let server = Sshd::with("MaxSessions 1");
    let folder = server.folder();
    std::fs::write(folder.join("f"), "abc").unwrap();
    let client = Try::sshd(&server).connect().await.unwrap();
    let error = client
        .checksum(&path(folder.join("f")), ChecksumBy::Command)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    client.stat(&path(folder.join("f"))).await.unwrap();
}

/// A flood of output ends, a command without end can be left, and the session goes on.
#[tokio::test]
async fn commands_are_bounded() {
    let server = Sshd::with(
        "ForceCommand case \"$SSH_ORIGINAL_COMMAND\" in *flood*) exec yes;; *sleep*) exec sleep 1000;; \
         *) exec $SSH_ORIGINAL_COMMAND;; esac",
    );
    let client = Try::sshd(&server).connect().await.unwrap();
    let error = client
        .checksum(&path("/flood"), ChecksumBy::Command)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");

    let sleeping = path("/sleep");
    let waiting = client.checksum(&sleeping, ChecksumBy::Command);
    assert!(
        tokio::time::timeout(Duration::from_millis(300), waiting)
            .await
            .is_err()
    );
    client.stat(&path("/")).await.unwrap();
    let started = Instant::now();
    client.disconnect().await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(3));
}
