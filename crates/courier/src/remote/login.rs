//! How a one-off command logs in: what is tried, in which order, and what the user is asked for.

use std::sync::Arc;

use courier_transfer::{
    ACCEPTED_KEY, ACCEPTED_PASSWORD, Client, Credentials, Error, ErrorKind, KeyCredential,
};
use serde_json::json;

use super::SessionArgs;
use super::dial::{ANONYMOUS, Dialer};
use super::identities::{Identities, unlock};
use super::url::Scheme;
use crate::exit::{Code, Failure, Result};
use crate::secret;

impl Dialer {
    /// The first session.
    pub(super) async fn authenticate(self: &Arc<Self>, args: &SessionArgs) -> Result<Arc<dyn Client>> {
        match self.endpoint.scheme {
            Scheme::Ftp | Scheme::Ftpes | Scheme::Ftps => self.with_password(args).await,
            Scheme::Sftp | Scheme::File => self.with_keys(args).await,
        }
    }

    /// FTP takes a password, once: servers lock accounts after some wrong ones. Where no user is named, anybody logs in,
    /// who is asked for nothing and whose login has no use for a password.
    async fn with_password(self: &Arc<Self>, args: &SessionArgs) -> Result<Arc<dyn Client>> {
        let mut credentials = Credentials {
            client_certificate: args.client_certificate(&*self.protocol)?,
            ..Credentials::default()
        };
        let endpoint = &self.endpoint;
        if self.username == ANONYMOUS {
            let result = self.first(credentials).await;
            return result.map_err(|error| match error.kind() {
                ErrorKind::Auth if endpoint.user.is_none() => auth_failure(format!(
                    "{error}. No user is named in the URL, so the login was anonymous; write {}USER@{}/…",
                    endpoint.scheme, endpoint.host
                )),
                _ => error.into(),
            });
        }
        credentials.password = match secret::from_env(secret::PASSWORD)? {
            Some(password) => Some(password),
            None => secret::ask(&format!("Password of {}@{}", self.username, endpoint.host))?,
        };
        // A certificate may be all that the server wants.
        if credentials.password.is_none() && credentials.client_certificate.is_none() {
            return Err(auth_failure(format!(
                "{endpoint} wants a password, and there is no terminal to ask on; set {}",
                secret::PASSWORD
            )));
        }
        if endpoint.scheme == Scheme::Ftp {
            self.output.note(
                "note: ftp:// sends the password and all that is moved in the clear; ftpes:// and ftps:// don't",
            );
        }
        Ok(self.first(credentials).await?)
    }

    /// First with what is at hand. Only when the server wants something else is the user asked for it: passphrases
    /// of default keys, then the password. What it has accepted in part comes along.
    async fn with_keys(self: &Arc<Self>, args: &SessionArgs) -> Result<Arc<dyn Client>> {
        let identities = Identities::read(args, self.output).await?;
        let password = secret::from_env(secret::PASSWORD)?;
        let first = Credentials {
            password: password.clone(),
            keys: identities.keys,
            ..Credentials::default()
        };
        let rejected = match self.log_in(&first).await? {
            Ok(client) => return Ok(client),
            Err(rejected) => rejected,
        };
        let mut keys = accepted_keys(&rejected, first.keys);
        if keys.is_empty() && !identities.locked.is_empty() && secret::can_unlock()? {
            let locked = identities.locked.iter();
            let unlocked = Credentials {
                // Not once more where it was wrong.
                password: password
                    .clone()
                    .filter(|_| has_accepted(&rejected, ACCEPTED_PASSWORD)),
                keys: locked.map(|path| unlock(path)).collect::<Result<_>>()?,
                ..Credentials::default()
            };
            keys = match self.log_in(&unlocked).await? {
                Ok(client) => return Ok(client),
                Err(rejected) => accepted_keys(&rejected, unlocked.keys),
            };
            if password.is_some() && !keys.is_empty() {
                return Ok(self
                    .first(Credentials {
                        password,
                        keys,
                        ..Credentials::default()
                    })
                    .await?);
            }
        }
        if password.is_some() {
            return Err(rejected.into());
        }
        let place = format!("{}@{}", self.username, self.endpoint.host);
        let password = secret::ask(&format!("Password of {place}"))?;
        if password.is_none() {
            return Err(auth_failure(format!(
                "{rejected}. There is no terminal to ask for a password on; set {} or give --identity",
                secret::PASSWORD
            )));
        }
        Ok(self
            .first(Credentials {
                password,
                keys,
                ..Credentials::default()
            })
            .await?)
    }

    /// A session, or what the server says to these credentials.
    async fn log_in(self: &Arc<Self>, credentials: &Credentials) -> Result<Result<Arc<dyn Client>, Error>> {
        match self.first(credentials.clone()).await {
            Err(e) if e.kind() == ErrorKind::Auth => Ok(Err(e)),
            result => Ok(Ok(result?)),
        }
    }
}

fn has_accepted(rejected: &Error, what: &str) -> bool {
    rejected.context().iter().any(|(key, _)| *key == what)
}

/// The key that the server has accepted, where that was not enough for it.
fn accepted_keys(rejected: &Error, mut keys: Vec<KeyCredential>) -> Vec<KeyCredential> {
    let mut context = rejected.context().iter();
    let accepted = context.find(|(key, _)| *key == ACCEPTED_KEY);
    keys.retain(|key| accepted.is_some_and(|(_, id)| *id == key.id));
    keys
}

/// The server wants other credentials, or more.
fn auth_failure(message: String) -> Failure {
    let document = json!({"exit_code": Code::Auth as u8, "kind": "auth", "detail": message});
    Failure::new(Code::Auth, message).with_document(document)
}
