//! Proves who the caller is (RFC 4252; keyboard-interactive: RFC 4256).
//!
//! Each credential is offered once. A password that was refused is never sent again, in no other form:
//! servers lock accounts.

mod keys;
mod password;

use std::collections::HashSet;

use courier_transfer::{ACCEPTED_KEY, ACCEPTED_PASSWORD, AuthMethod, Error, ErrorKind, Result, Retry};
use russh::{
    Disconnect, MethodKind, MethodSet,
    client::{AuthResult, Handle, Handler},
    keys::HashAlg,
};

use crate::connect::{Dial, ssh_error};

/// What is being waited for while the caller proves who it is.
pub(crate) const AUTHENTICATING: &str = "authenticating";
/// The stage of a connection from the login on.
pub(crate) const LOGGED_IN: &str = "opening the SFTP subsystem";

/// One authentication.
struct Attempt<'a, H: Handler> {
    ssh: &'a mut Handle<H>,
    dial: &'a Dial,
    /// What the server said that it takes; `None` before it said anything.
    offers: Option<MethodSet>,
    /// What the server rejected, in words.
    refused: Vec<String>,
    /// What was not offered to it and why, in words.
    unused: Vec<String>,
    /// FIPS mode kept a key from being offered.
    not_fips: bool,
    /// The key blobs that were shown to it, and with which signatures.
    shown: HashSet<(Vec<u8>, Signatures)>,
    /// The fingerprints of the keys among them.
    keys_shown: HashSet<String>,
    /// How the server has RSA sign: the outer `None` before it was asked, the others as russh gives them.
    rsa_hash: Option<Option<Option<HashAlg>>>,
    /// The key that was accepted.
    accepted_key: Option<String>,
    accepted_password: bool,
}

/// How keys are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Signatures {
    /// With the best that the server says it verifies.
    Best,
    /// RSA with SHA-256, when all else was refused: OpenSSH up to 9.6 says that it verifies SHA-512 also where it is
    /// configured not to, and others say nothing.
    RsaSha256,
}

/// What a server says to a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// That was all that it wanted.
    Welcome,
    /// Accepted, and it wants more.
    More,
    No,
}

/// Tries the keys in their order, then the password; both, in the server's order, where it wants both.
///
/// # Errors
/// [`ErrorKind::Auth`] with what was refused and what the server takes; only where the server has said that it refuses.
/// [`ErrorKind::NotFips`] where it has refused nothing, and FIPS mode kept a key from it. A connection that ends while the server looks is [`ErrorKind::Lost`]: nobody has judged the credential.
pub(crate) async fn authenticate<H: Handler>(ssh: &mut Handle<H>, dial: &Dial) -> Result<AuthMethod> {
    let mut attempt = Attempt {
        ssh,
        dial,
        offers: None,
        refused: Vec::new(),
        unused: Vec::new(),
        not_fips: false,
        shown: HashSet::new(),
        keys_shown: HashSet::new(),
        rsa_hash: None,
        accepted_key: None,
        accepted_password: false,
    };
    let mut keys = dial.credentials.keys.iter();
    let mut password = dial.credentials.password.as_ref();
    // To ask what the server takes costs a round trip, which keys save: the first that is refused tells it. A password
    // must not be sent to a server that doesn't want it, or not yet.
    if (password.is_some() || keys.len() == 0) && attempt.none().await? == Answer::Welcome {
        return Ok(AuthMethod::None);
    }
    let mut again = dial.credentials.keys.iter();
    loop {
        let takes_keys = attempt.takes(MethodKind::PublicKey);
        let password_first = attempt.accepted_key.is_some();
        let has_password = password.is_some() && attempt.takes_password();
        let answer = if takes_keys
            && !(password_first && has_password)
            && let Some(key) = keys.next()
        {
            attempt.key(key, Signatures::Best).await?
        } else if has_password && let Some(password) = password.take() {
            attempt.password(password).await?
        } else if takes_keys && let Some(key) = again.next() {
            attempt.key(key, Signatures::RsaSha256).await?
        } else {
            return Err(attempt.error());
        };
        if answer == Answer::Welcome {
            return Ok(attempt.method());
        }
    }
}

impl<H: Handler> Attempt<'_, H> {
    /// Before the server said anything, it takes all.
    fn takes(&self, method: MethodKind) -> bool {
        self.offers.as_ref().is_none_or(|offers| offers.contains(&method))
    }

    /// Notes what the server says to a credential.
    fn note(&mut self, result: AuthResult, what: &str) -> Result<Answer> {
        match result {
            AuthResult::Success => Ok(Answer::Welcome),
            AuthResult::Failure {
                remaining_methods,
                partial_success,
            } => {
                // This is what russh answers when the connection has gone.
                if remaining_methods.is_empty() && self.ssh.is_closed() {
                    return Err(self.closed(what));
                }
                self.offers = Some(remaining_methods);
                if partial_success {
                    return Ok(Answer::More);
                }
                // With whatever signature, a key is one credential.
                if !self.refused.iter().any(|refused| refused == what) {
                    self.refused.push(what.to_owned());
                }
                Ok(Answer::No)
            }
        }
    }

    /// Asks to be let in without a credential, which tells what the server takes.
    async fn none(&mut self) -> Result<Answer> {
        let result = self
            .ssh
            .authenticate_none(&self.dial.username)
            .await
            .map_err(ssh_error)?;
        let answer = self.note(result, "a login without credentials")?;
        // No credential has been looked at yet.
        self.refused.clear();
        Ok(answer)
    }

    fn method(self) -> AuthMethod {
        match (self.accepted_key, self.accepted_password) {
            (Some(id), true) => AuthMethod::KeyAndPassword { id },
            (Some(id), false) => AuthMethod::Key { id },
            (None, true) => AuthMethod::Password,
            (None, false) => AuthMethod::None,
        }
    }

    /// The connection ended instead of an answer. Servers hang up after too many failures, and networks at any time.
    fn closed(&self, what: &str) -> Error {
        if self.refused.is_empty() {
            return Error::new(
                ErrorKind::Lost,
                format!("the connection ended before the server answered to {what}"),
            )
            .with_retry(Retry::Later);
        }
        let advice = match self.keys_shown.len() {
            0 | 1 => String::new(),
            shown => format!(
                "; {shown} of {} keys were offered by then, and servers allow only some tries: configure fewer keys, \
                 the right one first",
                self.dial.credentials.keys.len()
            ),
        };
        Error::new(
            ErrorKind::Auth,
            format!(
                "Authentication failed: server rejected {} and ended the connection when it was offered {what}{advice}",
                self.refused.join(" and ")
            ),
        )
    }

    fn error(&self) -> Error {
        let has_credentials =
            self.dial.credentials.password.is_some() || !self.dial.credentials.keys.is_empty();
        let kept_back = self.not_fips && self.refused.is_empty();
        let refused = match self.refused.as_slice() {
            [] if kept_back => "no credential that FIPS mode allows".to_owned(),
            [] if has_credentials => "no credential that the server takes".to_owned(),
            [] => "server rejected a login without credentials".to_owned(),
            refused => format!("server rejected {}", refused.join(" and ")),
        };
        let accepted = match (&self.accepted_key, self.accepted_password) {
            (Some(_), true) => "; the key and the password were accepted, but are not enough",
            (Some(_), false) => "; the key alone was accepted, but is not enough",
            (None, true) => "; the password alone was accepted, but is not enough",
            (None, false) => "",
        };
        let unused = match self.unused.as_slice() {
            [] => String::new(),
            unused => format!("; not used: {}", unused.join(", ")),
        };
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
        let kind = match kept_back {
            true => ErrorKind::NotFips,
            false => ErrorKind::Auth,
        };
        let mut error = Error::new(
            kind,
            format!("Authentication failed: {refused}{accepted}{unused}{offers}"),
        );
        if let Some(id) = &self.accepted_key {
            error = error.with(ACCEPTED_KEY, id);
        }
        if self.accepted_password {
            error = error.with(ACCEPTED_PASSWORD, true);
        }
        error
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
