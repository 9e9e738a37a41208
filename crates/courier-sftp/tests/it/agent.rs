//! Keys that an SSH agent keeps.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use courier_keys::{KeyType, PrivateKey};
use courier_transfer::{AuthMethod, KeyCredential, PrivateHalf};

use crate::{client::Try, sshd::Sshd};

/// A running `ssh-agent`; stops when dropped.
pub struct SshAgent {
    child: Child,
    pub socket: PathBuf,
}

impl SshAgent {
    pub fn start(folder: &Path) -> Self {
        let socket = folder.join("agent");
        let mut child = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(&socket)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It says where it listens once it does.
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut String::new()).unwrap();
        Self { child, socket }
    }

    /// Hands over the key in a file, and the certificate beside it if there is one.
    pub fn add(&self, options: &[&str], file: &Path) {
        run(Command::new("ssh-add")
            .arg("-q")
            .args(options)
            .arg(file)
            .env("SSH_AUTH_SOCK", &self.socket));
    }

    /// A key of the agent, by its public line.
    pub fn credential(&self, id: &str, public_key: &str) -> KeyCredential {
        KeyCredential {
            id: id.into(),
            private_key: PrivateHalf::Agent {
                socket: self.socket.clone(),
                public_key: public_key.into(),
            },
            certificate: None,
        }
    }
}

impl Drop for SshAgent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}

/// Makes a key file, with its public half in `FILE.pub`, which is returned.
pub fn keygen(file: &Path, options: &[&str]) -> String {
    run(Command::new("ssh-keygen")
        .args(["-q", "-N", "", "-C", "somebody"])
        .args(options)
        .arg("-f")
        .arg(file));
    fs::read_to_string(file.with_extension("pub")).unwrap()
}

/// To a server, without any key yet.
pub fn keyless(server: &Sshd) -> Try {
    let mut attempt = Try::sshd(server);
    attempt.target.credentials.keys.clear();
    attempt
}

#[tokio::test]
async fn every_type_of_key_signs_through_the_agent() {
    // RSA with SHA-1 is nothing to this server, nor is a second try.
    let server = Sshd::with("MaxAuthTries 1");
    let agent = SshAgent::start(server.dir.path());
    for (i, options) in [
        &["-t", "ed25519"][..],
        &["-t", "rsa", "-b", "2048"],
        &["-t", "ecdsa", "-b", "256"],
        &["-t", "ecdsa", "-b", "384"],
        &["-t", "ecdsa", "-b", "521"],
    ]
    .into_iter()
    .enumerate()
    {
        let file = server.dir.path().join(format!("key{i}"));
        let public = keygen(&file, options);
        agent.add(&[], &file);
        // From here on only the agent has it.
        fs::remove_file(&file).unwrap();
        fs::write(server.dir.path().join("authorized_keys"), &public).unwrap();
        let attempt = keyless(&server).credential(agent.credential("k", &public));
        let heard = attempt.heard.clone();
        attempt.connect().await.unwrap();
        assert_eq!(
            *heard.method.lock(),
            Some(AuthMethod::Key { id: "k".into() }),
            "{options:?}"
        );
    }
}

#[tokio::test]
async fn an_agent_that_does_not_sign_is_passed_over() {
    let server = Sshd::start();
    let agent = SshAgent::start(server.dir.path());
    let file = server.dir.path().join("key");
    let public = keygen(&file, &["-t", "ed25519"]);
    let lines = format!(
        "{public}{}",
        server.user_key.public().authorized_keys_line("").unwrap()
    );
    fs::write(server.dir.path().join("authorized_keys"), lines).unwrap();

    // The agent doesn't have it.
    let credential = agent.credential("not held", &public);
    let attempt = keyless(&server)
        .credential(credential.clone())
        .key("k1", &server.user_key);
    let heard = attempt.heard.clone();
    attempt.connect().await.unwrap();
    assert_eq!(*heard.method.lock(), Some(AuthMethod::Key { id: "k1".into() }));

    let text = keyless(&server).credential(credential.clone()).connect().await;
    let text = text.unwrap_err().to_string();
    assert!(text.contains("could not sign (the SSH agent refused)"), "{text}");

    drop(agent);
    let text = keyless(&server).credential(credential).connect().await;
    let text = text.unwrap_err().to_string();
    assert!(text.contains("the SSH agent can't be reached"), "{text}");
}

/// `ssh-add -h`: the agent signs only for the host that the session was bound to.
#[tokio::test]
async fn a_key_for_certain_hosts_signs_for_them_alone() {
    let server = Sshd::start();
    let agent = SshAgent::start(server.dir.path());
    let key = PrivateKey::generate(KeyType::Ed25519).unwrap();
    for (host_key, is_held_for) in [(&server.host_key, true), (&key, false)] {
        let file = server.dir.path().join(format!("key-{is_held_for}"));
        let public = keygen(&file, &["-t", "ed25519"]);
        let line = host_key.public().authorized_keys_line("").unwrap();
        let hosts = server.dir.path().join("hosts");
        fs::write(&hosts, format!("there {line}\n")).unwrap();
        agent.add(&["-H", hosts.to_str().unwrap(), "-h", "there"], &file);
        fs::write(server.dir.path().join("authorized_keys"), &public).unwrap();
        let attempt = keyless(&server).credential(agent.credential("k", &public));
        let result = attempt.connect().await;
        assert_eq!(result.is_ok(), is_held_for, "{:?}", result.err());
    }
}
