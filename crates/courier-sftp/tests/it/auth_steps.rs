//! Servers that want several things, in their order, and write down all that they are shown.

use std::{borrow::Cow, sync::Arc, time::Duration};

use courier_keys::{KeyType, PrivateKey};
use courier_transfer::{AuthMethod, ErrorKind, Retry, TrustPins};
use parking_lot::Mutex;
use russh::{
    MethodKind, MethodSet,
    keys::{Algorithm, HashAlg},
    server::{Auth, Config, Handler, PublicKeyOffer, Response, VerifiedPublicKey},
};
use serde_json::json;

use crate::client::Try;

const PASSWORD: &str = "secret";

/// A server for one connection.
struct Script {
    /// What it takes at first, after the first thing that it accepted, and so on.
    steps: Vec<Vec<MethodKind>>,
    /// The questions of keyboard-interactive, one after the other.
    questions: Vec<&'static str>,
    refuses_keys: bool,
    /// Hangs up instead of looking at this.
    hangs_up: Option<MethodKind>,
    asked: usize,
    seen: Seen,
}

type Seen = Arc<Mutex<Vec<String>>>;

impl Script {
    fn new(steps: &[&[MethodKind]]) -> Self {
        Self {
            steps: steps.iter().map(|step| step.to_vec()).collect(),
            questions: vec!["Password: "],
            refuses_keys: false,
            hangs_up: None,
            asked: 0,
            seen: Seen::default(),
        }
    }

    fn questions(mut self, questions: &[&'static str]) -> Self {
        self.questions = questions.to_vec();
        self
    }

    fn refuses_keys(mut self) -> Self {
        self.refuses_keys = true;
        self
    }

    fn hangs_up(mut self, method: MethodKind) -> Self {
        self.hangs_up = Some(method);
        self
    }

    /// Starts it. The login is over when the last thing is accepted; there is no SFTP behind it.
    async fn start(self) -> (Try, Seen) {
        self.start_with(Config::default()).await
    }

    async fn start_with(self, config: Config) -> (Try, Seen) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let key = PrivateKey::generate(KeyType::Ed25519).unwrap();
        let config = Arc::new(Config {
            keys: vec![key.inner().clone()],
            auth_rejection_time: Duration::ZERO,
            ..config
        });
        let seen = Arc::clone(&self.seen);
        tokio::spawn(async move {
            let (tcp, _) = listener.accept().await.unwrap();
            let running = russh::server::run_stream(config, tcp, self).await;
            let _ = running.unwrap().await;
        });
        let pin = key.fingerprint().parse().unwrap();
        let attempt = Try::to(port, TrustPins::new([pin])).user("u").password(PASSWORD);
        (attempt, seen)
    }

    fn takes(&self, method: MethodKind) -> bool {
        self.steps.first().is_some_and(|step| step.contains(&method))
    }

    fn judge(&mut self, method: MethodKind, is_right: bool) -> Result<Auth, russh::Error> {
        if self.hangs_up == Some(method) {
            return Err(russh::Error::Disconnect);
        }
        let is_accepted = is_right && self.takes(method);
        if is_accepted {
            self.steps.remove(0);
        }
        Ok(match self.steps.first() {
            None => Auth::Accept,
            Some(next) => Auth::Reject {
                proceed_with_methods: Some(MethodSet::from(next.as_slice())),
                partial_success: is_accepted,
            },
        })
    }

    fn saw(&self, what: impl Into<String>) {
        self.seen.lock().push(what.into());
    }
}

impl Handler for Script {
    type Error = russh::Error;

    async fn auth_none(&mut self, _: &str) -> Result<Auth, russh::Error> {
        self.judge(MethodKind::None, false)
    }

    async fn auth_password(&mut self, _: &str, password: &str) -> Result<Auth, russh::Error> {
        self.saw(format!("password {password}"));
        self.judge(MethodKind::Password, password == PASSWORD)
    }

    async fn auth_publickey_offered(
        &mut self,
        _: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, russh::Error> {
        self.saw(format!("key {}", offer.algorithm));
        let is_wanted = self.takes(MethodKind::PublicKey) && !self.refuses_keys;
        match is_wanted && self.hangs_up != Some(MethodKind::PublicKey) {
            true => Ok(Auth::Accept),
            false => self.judge(MethodKind::PublicKey, false),
        }
    }

    async fn auth_publickey(&mut self, _: &str, _: VerifiedPublicKey<'_>) -> Result<Auth, russh::Error> {
        self.judge(MethodKind::PublicKey, true)
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, russh::Error> {
        if let Some(mut answers) = response {
            let answer = answers.next().unwrap_or_default();
            self.saw(format!("answer {}", String::from_utf8_lossy(&answer)));
            if answer != PASSWORD.as_bytes() && self.asked == self.questions.len() {
                return self.judge(MethodKind::KeyboardInteractive, false);
            }
        }
        let Some(question) = self.questions.get(self.asked) else {
            return self.judge(MethodKind::KeyboardInteractive, true);
        };
        self.asked += 1;
        Ok(Auth::Partial {
            name: Cow::Borrowed(""),
            instructions: Cow::Borrowed(""),
            prompts: Cow::Owned(vec![(Cow::Borrowed(*question), false)]),
        })
    }
}

fn ed25519() -> PrivateKey {
    PrivateKey::generate(KeyType::Ed25519).unwrap()
}

/// What the server accepted; that there is no SFTP is what ends it.
async fn accepted(attempt: Try) -> AuthMethod {
    let heard = attempt.heard.clone();
    let error = attempt.connect().await.unwrap_err();
    let method = heard.method.lock().clone();
    method.unwrap_or_else(|| panic!("{error}"))
}

async fn refused(attempt: Try) -> String {
    let error = attempt.connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth, "{error:?}");
    error.to_string()
}

#[tokio::test]
async fn key_and_password_come_in_the_servers_order() {
    use MethodKind::{KeyboardInteractive, Password, PublicKey};
    let orders: [(&[&[MethodKind]], &[&str]); 5] = [
        (
            &[&[PublicKey], &[Password]],
            &["key ssh-ed25519", "password secret"],
        ),
        (
            &[&[Password], &[PublicKey]],
            &["password secret", "key ssh-ed25519"],
        ),
        (
            &[&[KeyboardInteractive], &[PublicKey]],
            &["answer secret", "key ssh-ed25519"],
        ),
        // It goes on to offer what it has accepted.
        (
            &[&[PublicKey, Password], &[PublicKey, Password]],
            &["key ssh-ed25519", "password secret"],
        ),
        (
            &[&[Password, KeyboardInteractive], &[PublicKey, Password]],
            &["password secret", "key ssh-ed25519"],
        ),
    ];
    for (steps, expected) in orders {
        let (attempt, seen) = Script::new(steps).start().await;
        let method = accepted(attempt.key("k", &ed25519()).key("k2", &ed25519())).await;
        assert_eq!(method, AuthMethod::KeyAndPassword { id: "k".into() }, "{steps:?}");
        assert_eq!(*seen.lock(), expected, "{steps:?}");
    }
}

#[tokio::test]
async fn a_password_goes_out_once_and_only_where_it_is_wanted() {
    use MethodKind::{KeyboardInteractive, Password, PublicKey};
    // Both ways are open: the refused password doesn't take the second.
    let (attempt, seen) = Script::new(&[&[Password, KeyboardInteractive]]).start().await;
    let text = refused(attempt.password("wrong")).await;
    assert_eq!(*seen.lock(), ["password wrong"]);
    assert!(
        text.contains("server rejected password") && !text.contains("wrong"),
        "{text}"
    );

    let (attempt, seen) = Script::new(&[&[KeyboardInteractive]]).start().await;
    assert_eq!(accepted(attempt).await, AuthMethod::Password);
    assert_eq!(*seen.lock(), ["answer secret"]);

    let (attempt, seen) = Script::new(&[&[PublicKey]]).start().await;
    let text = refused(attempt).await;
    assert!(text.contains("the server takes: publickey"), "{text}");
    assert_eq!(seen.lock().len(), 0);

    let (attempt, seen) = Script::new(&[&[Password], &[KeyboardInteractive]]).start().await;
    let text = refused(attempt).await;
    assert!(
        text.contains("the password alone was accepted, but is not enough"),
        "{text}"
    );
    assert_eq!(*seen.lock(), ["password secret"]);
}

#[tokio::test]
async fn questions_that_are_not_for_the_password_stay_open() {
    let asking = async |questions: &[&'static str]| {
        let script = Script::new(&[&[MethodKind::KeyboardInteractive]]).questions(questions);
        let (attempt, seen) = script.start().await;
        let text = refused(attempt).await;
        (text, seen.lock().clone())
    };
    let (text, seen) = asking(&["Verification code: "]).await;
    assert!(text.contains("the server asks \"Verification code: \""), "{text}");
    assert_eq!(seen, [""; 0]);
    let (text, seen) = asking(&["Password: ", "Token: "]).await;
    assert!(text.contains("Token: "), "{text}");
    assert_eq!(seen, ["answer secret"]);
    // Asked for again, it was the wrong one.
    let (text, seen) = asking(&["Password: ", "Password: "]).await;
    assert!(text.contains("server rejected password"), "{text}");
    assert_eq!(seen, ["answer secret"]);
}

#[tokio::test]
async fn a_server_that_wants_nothing_gets_nothing() {
    let (attempt, seen) = Script::new(&[]).start().await;
    assert_eq!(accepted(attempt.key("k", &ed25519())).await, AuthMethod::None);
    assert_eq!(seen.lock().len(), 0);
}

#[tokio::test]
async fn a_server_that_takes_nothing_more_has_rejected() {
    let script = Script::new(&[&[MethodKind::Password], &[]]);
    let text = refused(script.start().await.0).await;
    assert!(text.contains("Authentication failed"), "{text}");
}

/// A server that says that it verifies these.
fn verifying(algorithms: &[Algorithm]) -> Config {
    let preferred = russh::Preferred {
        key: algorithms.to_vec().into(),
        ..russh::Preferred::DEFAULT
    };
    Config {
        preferred,
        ..Config::default()
    }
}

#[tokio::test]
async fn rsa_signs_as_the_server_says() {
    use HashAlg::{Sha256, Sha512};
    let (modern, sha1) = (&[Some(Sha256), Some(Sha512)], &[None]);
    type Case<'a> = (&'a [Option<HashAlg>], &'a str, &'a [&'a str]);
    let cases: [Case<'_>; 5] = [
        (modern, "default", &["key rsa-sha2-512", "key rsa-sha2-256"]),
        (&modern[..1], "default", &["key rsa-sha2-256"]),
        // It says nothing of RSA.
        (&[], "default", &["key rsa-sha2-512", "key rsa-sha2-256"]),
        (sha1, "default", &[]),
        (sha1, "legacy", &["key ssh-rsa"]),
    ];
    let rsa = PrivateKey::generate(KeyType::RSA_2048).unwrap();
    for (hashes, preset, expected) in cases {
        let mut algorithms = vec![Algorithm::Ed25519];
        algorithms.extend(hashes.iter().map(|hash| Algorithm::Rsa { hash: *hash }));
        let script = Script::new(&[&[MethodKind::PublicKey]]).refuses_keys();
        let (mut attempt, seen) = script.start_with(verifying(&algorithms)).await;
        attempt.target.credentials.password = None;
        let attempt = attempt.setting("ssh_algorithms", json!({"preset": preset}));
        // Others come first; nothing is lost by offering RSA in vain.
        let text = refused(attempt.key("rsa", &rsa).key("k", &ed25519())).await;
        let (first, second) = expected.split_at(expected.len().min(1));
        assert_eq!(
            *seen.lock(),
            [first, &["key ssh-ed25519"], second].concat(),
            "{hashes:?}"
        );
        assert_eq!(text.contains("legacy"), expected.is_empty(), "{text}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_during_the_login_rejects_nothing() {
    use MethodKind::{Password, PublicKey};
    for (hangs_up, key) in [(PublicKey, true), (Password, false)] {
        let script = Script::new(&[&[Password, PublicKey]]).hangs_up(hangs_up);
        let (attempt, _) = script.start().await;
        let attempt = match key {
            true => attempt.key("k", &ed25519()),
            false => attempt,
        };
        let error = attempt.connect().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.retry()),
            (ErrorKind::Lost, Retry::Later),
            "{error}"
        );
    }
    // A key that was rejected before stays rejected.
    let script = Script::new(&[&[Password, PublicKey]])
        .refuses_keys()
        .hangs_up(Password);
    let (attempt, _) = script.start().await;
    refused(attempt.key("k", &ed25519())).await;
}
