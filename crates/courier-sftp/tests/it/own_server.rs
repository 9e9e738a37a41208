//! The conformance suite on our own server, which has limits but little else of OpenSSH's.

use courier_sftp::server::{RunningServer, SftpServer, User};
use courier_transfer::{RemotePath, TrustPins, testkit::Fixture};
use secrecy::SecretString;

use crate::client::Try;

pub fn try_it(server: &RunningServer) -> Try {
    Try::to(
        server.addr().port(),
        TrustPins::new([server.host_key().fingerprint]),
    )
    .user("u")
    .password("secret")
}

pub fn user() -> User {
    User::new("u").password(SecretString::from("secret"))
}

async fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let server = SftpServer::builder()
        .user(user())
        .root(folder.path())
        .start()
        .unwrap();
    let client = try_it(&server).connect().await.unwrap();
    Fixture {
        client,
        folder: RemotePath::root(),
        keep: Box::new((server, folder)),
    }
}

courier_transfer::conformance!(fixture);

/// OpenSSH's own client works with it, `..` included.
#[test]
fn openssh_sftp_is_served() {
    let (key, folder, shown) = (
        courier_keys::PrivateKey::generate(courier_keys::KeyType::Ed25519).unwrap(),
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
    );
    let user = User::new("u").key(key.public().clone());
    let server = SftpServer::builder()
        .user(user)
        .root(shown.path())
        .start()
        .unwrap();
    let identity = folder.path().join("key");
    std::fs::write(
        &identity,
        secrecy::ExposeSecret::expose_secret(&key.to_openssh().unwrap()),
    )
    .unwrap();
    std::fs::set_permissions(&identity, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    std::fs::write(folder.path().join("up"), vec![7; 1_000_000]).unwrap();
    let batch = "mkdir d\ncd d\nput up\ncd ../../..\nrename d/up d/moved\nget d/moved down\nls -l d\nrm d/moved\nrmdir d\n";
    std::fs::write(folder.path().join("batch"), batch).unwrap();
    let output = std::process::Command::new("sftp")
        .args([
            "-F",
            "none",
            "-b",
            "batch",
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=known_hosts",
        ])
        .args([
            "-i",
            identity.to_str().unwrap(),
            "-P",
            &server.addr().port().to_string(),
            "u@127.0.0.1",
        ])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(
        std::fs::read(folder.path().join("down")).unwrap(),
        vec![7; 1_000_000]
    );

    // What OpenSSH noted of the server is what we read from its file.
    let known = std::fs::read(folder.path().join("known_hosts")).unwrap();
    let keys = courier_sftp::known_hosts::lookup(&known, "127.0.0.1", server.addr().port()).keys;
    assert_eq!(keys, [server.host_key().clone()]);
}
