//! Proves who the caller is (RFC 4252; keyboard-interactive: RFC 4256).
//!
//! Each credential is offered once. A password that was refused is never sent again, in no other form:
//! servers lock accounts.

use courier_keys::{AuthSigner, PrivateKey, SignError, SignatureAlgorithm};
use courier_transfer::{AuthMethod, Error, ErrorKind, KeyCredential, Result, Retry};
use russh::{
    Disconnect, MethodKind, MethodSet,
    client::{AuthResult, Handle, Handler, KeyboardInteractiveAuthResponse as Interactive},
    keys::HashAlg,
};
use secrecy::{ExposeSecret, SecretString};

use crate::connect::{Dial, ssh_error};

/// What is being waited for while the caller proves who it is.
pub(crate) const AUTHENTICATING: &str = "authenticating";

/// Rounds of questions that a server may ask.
const MAX_ROUNDS: usize = 8;

/// One authentication.
struct Attempt<'a, H: Handler> {
    ssh: &'a mut Handle<H>,
    dial: &'a Dial,
    /// What the server said that it takes; `None` before it said anything.
    offers: Option<MethodSet>,
    /// What was refused, in words.
    refused: Vec<String>,
    /// The server has said that it rejects something.
    has_rejected: bool,
    /// The key that was accepted, where that was not enough.
    accepted_key: Option<String>,
}

/// Tries the keys in their order, then the password; the key and the password where a server wants both.
///
/// # Errors
/// [`ErrorKind::Auth`] with what was refused and what the server takes; only where the server has said that it refuses. A
/// connection that ends while the server looks is [`ErrorKind::Lost`]: nobody has judged the credential.
pub(crate) async fn authenticate<H: Handler>(ssh: &mut Handle<H>, dial: &Dial) -> Result<AuthMethod> {
    let mut attempt = Attempt {
        ssh,
        dial,
        offers: None,
        refused: Vec::new(),
        has_rejected: false,
        accepted_key: None,
    };
    for key in &dial.credentials.keys {
        if !attempt.is_offered(MethodKind::PublicKey) || attempt.accepted_key.is_some() {
            break;
        }
        if attempt.key(key).await? {
            return Ok(AuthMethod::Key { id: key.id.clone() });
        }
    }
    if let Some(password) = &dial.credentials.password
        && attempt.password(password).await?
    {
        return Ok(match attempt.accepted_key {
            Some(id) => AuthMethod::KeyAndPassword { id },
            None => AuthMethod::Password,
        });
    }
    let has_credential = dial.credentials.password.is_some() || !dial.credentials.keys.is_empty();
    if !has_credential && attempt.none().await? {
        return Ok(AuthMethod::None);
    }
    Err(attempt.error())
}

impl<H: Handler> Attempt<'_, H> {
    fn is_offered(&self, method: MethodKind) -> bool {
        self.offers.as_ref().is_none_or(|offers| offers.contains(&method))
    }

    /// True where the server is satisfied; else notes what it says.
    fn note(&mut self, result: AuthResult, what: &str) -> Result<bool> {
        match result {
            AuthResult::Success => Ok(true),
            AuthResult::Failure {
                remaining_methods,
                partial_success,
            } => {
                // This is what russh answers when the connection has gone.
                if remaining_methods.is_empty() && self.ssh.is_closed() {
                    return Err(self.closed(what));
                }
                self.offers = Some(remaining_methods);
                if !partial_success {
                    self.refused.push(what.to_owned());
                    self.has_rejected = true;
                }
                Ok(false)
            }
        }
    }

    async fn none(&mut self) -> Result<bool> {
        let result = self
            .ssh
            .authenticate_none(&self.dial.username)
            .await
            .map_err(ssh_error)?;
        self.note(result, "a login without credentials")
    }

    async fn key(&mut self, credential: &KeyCredential) -> Result<bool> {
        let key = match PrivateKey::from_openssh(&credential.private_key) {
            Ok(key) => key,
            Err(e) => {
                self.refused
                    .push(format!("nothing, since a key cannot be used ({e})"));
                return Ok(false);
            }
        };
        let what = format!("the key {}", key.fingerprint());
        for algorithm in self.algorithms(&key).await? {
            let before = self.refused.len();
            let public = key.public().inner().clone();
            let result = self
                .ssh
                .authenticate_publickey_with(
                    &self.dial.username,
                    public,
                    algorithm.hash_alg(),
                    &mut AuthSigner::new(&key),
                )
                .await
                .map_err(|e| match e {
                    SignError::Send(_) => self.closed(&what),
                    SignError::Key(e) => Error::new(ErrorKind::Auth, format!("{what} could not sign: {e}")),
                })?;
            if self.note(result, &what)? {
                return Ok(true);
            }
            if self.refused.len() == before {
                // Accepted, and the server wants more.
                self.accepted_key = Some(credential.id.clone());
                return Ok(false);
            }
        }
        self.refused.dedup();
        Ok(false)
    }

    /// How a key signs: RSA as the server says that it can verify (RFC 8308), with SHA-1 only where the
    /// connection's algorithms allow that.
    async fn algorithms(&self, key: &PrivateKey) -> Result<Vec<SignatureAlgorithm>> {
        let all = SignatureAlgorithm::of(key.key_type());
        if !all.contains(&SignatureAlgorithm::RsaSha512) {
            return Ok(all.to_vec());
        }
        let best = self.ssh.best_supported_rsa_hash().await.map_err(ssh_error)?;
        let sha1 = self.dial.allows_sha1().then_some(SignatureAlgorithm::RsaSha1);
        Ok(match best {
            Some(Some(HashAlg::Sha512)) => vec![SignatureAlgorithm::RsaSha512],
            Some(Some(_)) => vec![SignatureAlgorithm::RsaSha256],
            Some(None) => sha1.into_iter().collect(),
            // Not told: what every server since 2016 takes, then what the others take.
            None => std::iter::once(SignatureAlgorithm::RsaSha512)
                .chain(sha1)
                .collect(),
        })
    }

    async fn password(&mut self, password: &SecretString) -> Result<bool> {
        if self.is_offered(MethodKind::Password) {
            let username = &self.dial.username;
            let result = self
                .ssh
                .authenticate_password(username, password.expose_secret())
                .await
                .map_err(ssh_error)?;
            if self.note(result, "password")? {
                return Ok(true);
            }
            // Still on offer: then it was looked at, and is wrong.
            if self.is_offered(MethodKind::Password) || !self.is_offered(MethodKind::KeyboardInteractive) {
                return Ok(false);
            }
            self.refused.retain(|r| r != "password");
        }
        if self.is_offered(MethodKind::KeyboardInteractive) {
            return self.interactive(password).await;
        }
        Ok(false)
    }

    /// Answers one question with the password; a server that asks anything else is not satisfied.
    async fn interactive(&mut self, password: &SecretString) -> Result<bool> {
        let mut unused = Some(password);
        let mut response = self
            .ssh
            .authenticate_keyboard_interactive_start(&self.dial.username, None)
            .await
            .map_err(ssh_error)?;
        for _ in 0..MAX_ROUNDS {
            let prompts = match response {
                Interactive::Success => return Ok(true),
                Interactive::Failure {
                    remaining_methods,
                    partial_success,
                } => {
                    let result = AuthResult::Failure {
                        remaining_methods,
                        partial_success,
                    };
                    return self.note(result, "password");
                }
                Interactive::InfoRequest { prompts, .. } => prompts,
            };
            let answers = match prompts.as_slice() {
                [] => Vec::new(),
                [prompt] if !prompt.echo && unused.is_some() => unused
                    .take()
                    .map(|p| p.expose_secret().to_owned())
                    .into_iter()
                    .collect(),
                [prompt, ..] => {
                    let question: String = prompt.prompt.escape_debug().take(120).collect();
                    return Err(Error::new(
                        ErrorKind::Auth,
                        format!(
                            "Authentication failed: the server asks \"{question}\", which nobody can answer here"
                        ),
                    ));
                }
            };
            response = self
                .ssh
                .authenticate_keyboard_interactive_respond(answers)
                .await
                .map_err(ssh_error)?;
        }
        Err(Error::new(
            ErrorKind::Auth,
            "Authentication failed: the server keeps asking questions",
        ))
    }

    /// The connection ended instead of an answer. Servers hang up after too many failures, and networks at any time.
    fn closed(&self, what: &str) -> Error {
        if !self.has_rejected {
            return Error::new(
                ErrorKind::Lost,
                format!("the connection ended before the server answered to {what}"),
            )
            .with_retry(Retry::Later);
        }
        Error::new(
            ErrorKind::Auth,
            format!(
                "Authentication failed: server rejected {} and ended the connection",
                self.refused.join(" and ")
            ),
        )
    }

    fn error(&self) -> Error {
        let refused = match self.refused.as_slice() {
            [] => "no credential that the server takes".to_owned(),
            refused => format!("server rejected {}", refused.join(" and ")),
        };
        let accepted = self
            .accepted_key
            .as_ref()
            .map_or("", |_| "; the key alone was accepted, but is not enough");
        let offers: Vec<&str> = self
            .offers
            .iter()
            .flat_map(|o| o.iter())
            .map(<&str>::from)
            .collect();
        let offers = match offers.as_slice() {
            [] => String::new(),
            offers => format!("; the server takes: {}", offers.join(", ")),
        };
        Error::new(
            ErrorKind::Auth,
            format!("Authentication failed: {refused}{accepted}{offers}"),
        )
    }
}

/// Does a server that disconnects while somebody logs in say by that that it rejects the login?
///
/// There is a code for that (RFC 4253, 11.1), which OpenSSH doesn't use: it calls too many failures a protocol error.
pub(crate) fn is_rejection(reason: Disconnect, message: &str) -> bool {
    matches!(
        reason,
        Disconnect::NoMoreAuthMethodsAvailable | Disconnect::IllegalUserName
    ) || message.to_ascii_lowercase().contains("authentication failure")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_say_by_code_or_words_that_they_reject_a_login() {
        let too_many = "Too many authentication failures";
        assert!(is_rejection(Disconnect::ProtocolError, too_many));
        assert!(is_rejection(Disconnect::NoMoreAuthMethodsAvailable, ""));
        assert!(!is_rejection(Disconnect::ByApplication, "shutting down"));
        assert!(!is_rejection(Disconnect::TooManyConnections, "try again later"));
    }
}
