//! A real `ssh-agent`.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use courier_keys::{Agent, AgentError, Identity, PrivateKey, PublicKey};
use russh::keys::HashAlg;

use crate::tools::{Keys, passphrase, run};

/// A running agent; stops when dropped.
struct Running {
    child: Child,
    socket: PathBuf,
    keys: Keys,
}

impl Running {
    fn start() -> Self {
        let keys = Keys::new();
        let socket = keys.path("agent");
        let mut child = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(&socket)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It says where it listens once it does.
        let mut line = String::new();
        let mut output = std::io::BufReader::new(child.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut output, &mut line).unwrap();
        Self { child, socket, keys }
    }

    /// Makes a key and hands it over.
    fn add(&self, options: &str) -> PublicKey {
        let file = self.keys.ssh_keygen(options, "");
        run(Command::new("ssh-add")
            .arg("-q")
            .arg(self.keys.path("ssh-keygen"))
            .env("SSH_AUTH_SOCK", &self.socket));
        PrivateKey::import(&file, None).unwrap().public().clone()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn what_it_holds_signs() {
    let running = Running::start();
    let mut agent = Agent::connect(&running.socket).await.unwrap();
    assert_eq!(agent.identities().await.unwrap(), []);
    for options in [
        "-t ed25519",
        "-t rsa -b 2048",
        "-t ecdsa -b 256",
        "-t ecdsa -b 521",
    ] {
        let key = running.add(options);
        let held = agent.identities().await.unwrap().pop().unwrap();
        assert_eq!(held, Identity::from(&key));
        for hash in [HashAlg::Sha256, HashAlg::Sha512] {
            let signature = agent.sign(&held, Some(hash), b"data").await.unwrap();
            key.verify(b"data", &signature).unwrap();
        }
    }
    let stranger = Keys::new().ssh_keygen("-t ed25519", "");
    let stranger = PrivateKey::import(&stranger, None).unwrap();
    let error = agent.sign(&stranger.public().into(), None, b"data").await;
    assert!(matches!(error, Err(AgentError::Refused)), "{error:?}");
}

#[tokio::test]
async fn an_agent_that_has_gone_is_unreachable() {
    let running = Running::start();
    let mut agent = Agent::connect(&running.socket).await.unwrap();
    let socket = running.socket.clone();
    drop(running);
    let error = agent.identities().await;
    assert!(matches!(error, Err(AgentError::Unreachable(_))), "{error:?}");
    assert!(Agent::connect(&socket).await.is_err());
}

#[test]
fn certificates_are_identities() {
    let keys = Keys::new();
    for options in ["-t ed25519", "-t rsa -b 2048", "-t ecdsa -b 384"] {
        keys.ssh_keygen(options, "");
        let path = keys.path("ssh-keygen");
        let sign = |options: &[&str]| {
            run(Command::new("ssh-keygen")
                .arg("-q")
                .arg("-s")
                .arg(&path)
                .args(options)
                .arg(path.with_extension("pub")));
            std::fs::read_to_string(keys.path("ssh-keygen-cert.pub")).unwrap()
        };
        let line = sign(&["-I", "id", "-n", "ann"]);
        let certificate = Identity::from_openssh(&line).unwrap();
        let public = std::fs::read_to_string(path.with_extension("pub")).unwrap();
        let key = Identity::from_openssh(&public).unwrap();
        assert!(certificate.is_of(&key) && certificate != key);
        assert_eq!(certificate.without_certificate(), key);
        assert_eq!(certificate.certificate().unwrap().key_id(), "id");
        let written = certificate.to_openssh().unwrap();
        assert!(line.starts_with(&written), "{written}");
        assert!(public.starts_with(&key.to_openssh().unwrap()));

        let error = Identity::from_openssh(&sign(&["-h", "-I", "id", "-n", "host"])).unwrap_err();
        assert!(error.to_string().contains("host"), "{error}");
    }
}

/// The name of a type could hold a line end, which would end the line that is written.
#[test]
fn certificates_for_keys_of_unknown_types_are_refused() {
    let keys = Keys::new();
    keys.ssh_keygen("-t ed25519", "");
    let path = keys.path("ssh-keygen");
    run(Command::new("ssh-keygen")
        .args(["-q", "-I", "id", "-n", "ann", "-s"])
        .args([&path, &path.with_extension("pub")]));
    let line = std::fs::read_to_string(keys.path("ssh-keygen-cert.pub")).unwrap();
    let mut blob = Identity::from_openssh(&line).unwrap().blob().unwrap();
    assert_eq!(&blob[4..15], b"ssh-ed25519");
    blob[10] = b'\r';
    let error = Identity::from_blob(&blob).unwrap_err();
    assert!(error.to_string().contains("type is not known"), "{error}");
}

#[test]
fn the_public_half_stands_beside_an_encrypted_one() {
    let keys = Keys::new();
    let file = keys.ssh_keygen("-t ed25519", crate::tools::PASSPHRASE);
    let public = PublicKey::beside_private(&file).unwrap();
    assert_eq!(
        &public,
        PrivateKey::import(&file, Some(&passphrase())).unwrap().public()
    );
    assert_eq!(PublicKey::beside_private(b"ssh-ed25519 AAAA"), None);
}
