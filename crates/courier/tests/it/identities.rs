//! Which keys a one-off command logs in with: named ones, the agent's, the default ones, and their certificates.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use courier_keys::PublicKey;
use courier_sftp::server::{SftpServer, User};
use tempfile::TempDir;

use crate::support::{Cli, Sshd, keygen};

/// A running `ssh-agent`; stops when dropped.
struct SshAgent {
    child: Child,
    folder: TempDir,
}

impl SshAgent {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(folder.path().join("socket"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It says where it listens once it does.
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut String::new()).unwrap();
        Self { child, folder }
    }

    fn socket(&self) -> String {
        self.folder.path().join("socket").display().to_string()
    }

    /// Hands over the key in a file.
    fn add(&self, file: &Path) {
        run(Command::new("ssh-add")
            .arg("-q")
            .arg(file)
            .env("SSH_AUTH_SOCK", self.socket()));
    }
}

impl Drop for SshAgent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}

fn public(file: &Path) -> String {
    let mut name = file.to_owned().into_os_string();
    name.push(".pub");
    fs::read_to_string(name).unwrap()
}

fn fingerprint(file: &Path) -> String {
    PublicKey::from_authorized_keys_line(&public(file))
        .unwrap()
        .fingerprint()
}

/// Encrypts a key file, in OpenSSH's form or in the older PEM.
fn encrypt(file: &Path, options: &[&str]) {
    run(Command::new("ssh-keygen")
        .args(["-q", "-p", "-P", "", "-N", "open sesame"])
        .args(options)
        .arg("-f")
        .arg(file));
}

/// A server with a file, and a user who knows it and has no key.
fn keyless() -> (Sshd, Cli) {
    let sshd = Sshd::start();
    sshd.file("a", "a");
    let cli = sshd.friend();
    fs::remove_file(cli.path(".ssh/id_ed25519")).unwrap();
    (sshd, cli)
}

/// A new key that the server knows.
fn known_key(sshd: &Sshd, file: &Path) -> PathBuf {
    keygen(file, "");
    sshd.authorize(&public(file));
    file.to_owned()
}

#[test]
fn the_agents_keys_log_in() {
    let (sshd, cli) = keyless();
    let agent = SshAgent::start();
    agent.add(&sshd.user_key());
    cli.run(["get", &sshd.url("a")])
        .failed_with(3, "COURIER_PASSWORD");
    let cli = cli.env("SSH_AUTH_SOCK", agent.socket());
    let outcome = cli.ok(["get", &sshd.url("a")]);
    assert_eq!(outcome.stderr, "");
}

#[test]
fn the_agent_has_opened_an_encrypted_key() {
    let (sshd, cli) = keyless();
    let agent = SshAgent::start();
    let cli = cli.env("SSH_AUTH_SOCK", agent.socket());
    for (name, in_pem) in [("new", false), ("old", true)] {
        let file = cli.path(name);
        if in_pem {
            run(Command::new("ssh-keygen")
                .args(["-q", "-t", "ecdsa", "-m", "PEM", "-N", "", "-C", "", "-f"])
                .arg(&file));
            sshd.authorize(&public(&file));
        } else {
            known_key(&sshd, &file);
        }
        let url = sshd.url("a");
        let get = ["get", "-i", name, &url];
        agent.add(&file);
        encrypt(&file, if in_pem { &["-m", "PEM"] } else { &[] });
        cli.ok(get);
    }
    // A default key, too.
    fs::rename(cli.path("new"), cli.path(".ssh/id_ed25519")).unwrap();
    cli.ok(["get", &sshd.url("a")]);
}

#[test]
fn an_identity_may_be_the_public_half_of_the_agents() {
    let (sshd, cli) = keyless();
    let agent = SshAgent::start();
    agent.add(&sshd.user_key());
    fs::write(cli.path("key.pub"), public(&sshd.user_key())).unwrap();
    cli.run(["get", "-i", "key.pub", &sshd.url("a")])
        .failed_with(2, "no SSH agent holds");
    let cli = cli.env("SSH_AUTH_SOCK", agent.socket());
    cli.ok(["get", "-i", "key.pub", &sshd.url("a")]);
    keygen(&cli.path("other"), "");
    cli.run(["get", "-i", "other.pub", &sshd.url("a")])
        .failed_with(2, "ssh-add");
}

#[test]
fn named_identities_are_the_only_ones() {
    let (sshd, cli) = keyless();
    let agent = SshAgent::start();
    agent.add(&sshd.user_key());
    fs::copy(sshd.user_key(), cli.path(".ssh/id_ed25519")).unwrap();
    keygen(&cli.path("other"), "");
    let cli = cli.env("SSH_AUTH_SOCK", agent.socket());
    cli.run(["get", "-i", "other", &sshd.url("a")])
        .failed_with(3, &fingerprint(&cli.path("other")));
    assert!(
        !sshd.log().contains(&fingerprint(&sshd.user_key())),
        "{}",
        sshd.log()
    );
}

#[test]
fn keys_come_in_the_order_of_ssh() {
    let (sshd, cli) = keyless();
    let agent = SshAgent::start();
    let [stranger, held, last] = ["stranger", ".ssh/id_ecdsa", ".ssh/id_ed25519"].map(|name| {
        keygen(&cli.path(name), "");
        cli.path(name)
    });
    agent.add(&stranger);
    agent.add(&held);
    sshd.authorize(&public(&last));
    let cli = cli.env("SSH_AUTH_SOCK", agent.socket());
    cli.ok(["get", &sshd.url("a")]);
    let log = sshd.log();
    let [held, stranger, last] = [held, stranger, last].map(|file| log.find(&fingerprint(&file)).unwrap());
    assert!(held < stranger && stranger < last, "{log}");
}

#[test]
fn an_agent_that_is_not_there_is_a_note() {
    let sshd = Sshd::start();
    sshd.file("a", "a");
    let agent = SshAgent::start();
    let socket = agent.socket();
    let cli = sshd.friend().env("SSH_AUTH_SOCK", &socket);
    drop(agent);
    let outcome = cli.ok(["get", &sshd.url("a")]);
    assert!(
        outcome.stderr.contains("the SSH agent is not used") && outcome.stderr.contains(&socket),
        "{outcome:?}"
    );
    let outcome = sshd.friend().env("SSH_AUTH_SOCK", "").ok(["get", &sshd.url("a")]);
    assert_eq!(outcome.stderr, "");
}

#[test]
fn a_default_key_that_cannot_be_read_is_a_note() {
    let sshd = Sshd::start();
    sshd.file("a", "a");
    let cli = sshd.friend();
    fs::create_dir(cli.path(".ssh/id_rsa")).unwrap();
    fs::write(cli.path(".ssh/id_ecdsa"), "no key").unwrap();
    let outcome = cli.ok(["get", &sshd.url("a")]);
    for name in ["id_rsa is not used", "id_ecdsa is not used"] {
        assert!(outcome.stderr.contains(name), "{outcome:?}");
    }
}

#[test]
fn a_certificate_beside_a_key_is_used() {
    let (sshd, cli) = keyless();
    let ca = cli.path("ca");
    keygen(&ca, "");
    sshd.authorize(&format!("cert-authority {}", public(&ca)));
    let certify = |file: &Path| {
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        run(Command::new("ssh-keygen")
            .args([
                "-q",
                "-I",
                "id",
                "-n",
                String::from_utf8(user).unwrap().trim(),
                "-s",
            ])
            .arg(&ca)
            .arg(format!("{}.pub", file.display())));
    };
    let named = cli.path("key");
    keygen(&named, "");
    cli.run(["get", "-i", "key", &sshd.url("a")])
        .failed_with(3, "rejected");
    certify(&named);
    cli.ok(["get", "-i", "key", &sshd.url("a")]);

    let default = cli.path(".ssh/id_ed25519");
    keygen(&default, "");
    certify(&default);
    cli.ok(["get", &sshd.url("a")]);
    fs::remove_file(&default).unwrap();

    // The agent holds the certificate as well, or only the key that belongs to it.
    let agent = SshAgent::start();
    agent.add(&named);
    let cli = cli.env("SSH_AUTH_SOCK", agent.socket());
    cli.ok(["get", &sshd.url("a")]);
    cli.ok(["get", "-i", "key-cert.pub", &sshd.url("a")]);
    let certificate = fs::read(cli.path("key-cert.pub")).unwrap();
    fs::remove_file(cli.path("key-cert.pub")).unwrap();
    let agent = SshAgent::start();
    agent.add(&named);
    let cli = cli.env("SSH_AUTH_SOCK", agent.socket());
    cli.run(["get", "-i", "key.pub", &sshd.url("a")])
        .failed_with(3, "rejected");
    fs::write(cli.path("key-cert.pub"), certificate).unwrap();
    cli.ok(["get", "-i", "key.pub", &sshd.url("a")]);
}

#[test]
fn a_key_and_a_password_together() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a"), "a").unwrap();
    let cli = Cli::new().env("COURIER_PASSWORD", "pass-4c1d word");
    keygen(&cli.path("key"), "");
    let user = User::new("ann")
        .password("pass-4c1d word".into())
        .key(PublicKey::from_authorized_keys_line(&public(&cli.path("key"))).unwrap())
        .needs_both();
    let server = SftpServer::builder()
        .user(user)
        .root(folder.path())
        .start()
        .unwrap();
    let url = format!("sftp://ann@{}/a", server.addr());
    let fingerprint = server.host_key().fingerprint.to_string();
    let get = ["get", "--host-key", &fingerprint, &url];
    cli.run(get).failed_with(3, "Authentication failed");
    cli.ok(get.into_iter().chain(["-i", "key"]));

    // The key is a default one and encrypted: it is opened when the server has asked for it.
    encrypt(&cli.path("key"), &[]);
    fs::create_dir(cli.path(".ssh")).unwrap();
    fs::rename(cli.path("key"), cli.path(".ssh/id_ed25519")).unwrap();
    cli.run(get).failed_with(3, "Authentication failed");
    cli.env("COURIER_KEY_PASSPHRASE", "open sesame").ok(get);
}
