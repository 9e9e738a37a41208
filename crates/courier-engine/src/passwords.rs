//! Password hashes (argon2id), random bearer tokens, and the brake on guessing.

use std::{
    collections::HashMap,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use aws_lc_rs::digest;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

use crate::{Error, PasswordCost, Result, argon::Argon};

/// Hashes that may be computed at once. Each takes its memory and a core for some hundredths of a second; logins that
/// come together wait for each other.
const AT_ONCE: usize = 1;

/// Hashes and verifies passwords, off the async threads.
#[derive(Clone, Debug)]
pub(crate) struct Passwords {
    cost: PasswordCost,
    thread: mpsc::Sender<Work>,
    permits: Arc<Semaphore>,
    /// What an unknown user's password is compared with, so that the answer takes as long as for a known one.
    decoy: Arc<str>,
}

impl Passwords {
    pub(crate) async fn new(cost: PasswordCost) -> Result<Self> {
        let mut passwords = Self {
            cost,
            thread: start_thread()?,
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            decoy: "".into(),
        };
        passwords.decoy = passwords.hash(random_token("")?).await?.into();
        Ok(passwords)
    }

    /// The hash of a password, as PHC text.
    pub(crate) async fn hash(&self, password: SecretString) -> Result<String> {
        let cost = self.cost;
        let _turn = self.turn().await?;
        self.compute(move |argon| argon.hash(cost, password.expose_secret().as_bytes()))
            .await
    }

    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Argon) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let stopped = || Error::Internal("the password thread stopped".into());
        let (tell, told) = oneshot::channel();
        let work = Box::new(move |argon: &mut Argon| {
            // Nobody waits where the caller has gone.
            let _ = tell.send(work(argon));
        });
        self.thread.send(work).map_err(|_| stopped())?;
        told.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Waits for a turn. What decides whether somebody may try is looked at in it, so that guesses sent at once can't
    /// slip past the brake.
    pub(crate) async fn turn(&self) -> Result<Turn<'_>> {
        let permit = self
            .permits
            .acquire()
            .await
            .map_err(|_| Error::Internal("shutting down".into()))?;
        Ok(Turn {
            passwords: self,
            _permit: permit,
        })
    }
}

/// The right to compute one hash.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    passwords: &'a Passwords,
    _permit: SemaphorePermit<'a>,
}

impl Turn<'_> {
    /// Does the password belong to the hash? No user, no hash: it takes as long and says no.
    pub(crate) async fn verify(&self, hash: Option<String>, password: SecretString) -> Result<bool> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.passwords.decoy.to_string());
        let verified = self
            .passwords
            .compute(move |argon| argon.verify(&hash, password.expose_secret().as_bytes()));
        Ok(verified.await? && known)
    }
}

type Work = Box<dyn FnOnce(&mut Argon) + Send>;

/// The thread that computes hashes, as long as somebody may ask it.
fn start_thread() -> Result<mpsc::Sender<Work>> {
    let (send, receive) = mpsc::channel::<Work>();
    std::thread::Builder::new()
        .name("passwords".into())
        .spawn(move || {
            let mut argon = Argon::default();
            receive.into_iter().for_each(|work| work(&mut argon));
        })
        .map_err(|e| Error::Internal(format!("could not start the password thread: {e}")))?;
    Ok(send)
}

/// 256 random bits as text behind a prefix.
pub(crate) fn random_token(prefix: &str) -> Result<SecretString> {
    let mut bytes = [0u8; 32];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Error::Internal("the system gave no random bytes".into()))?;
    Ok(SecretString::from(format!(
        "{prefix}{}",
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    )))
}

/// What is kept of a bearer token: its SHA-256. A random token needs no slow hash.
pub(crate) fn token_hash(token: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, token.as_bytes())
        .as_ref()
        .to_vec()
}

/// Failed logins after which a user name has to wait.
pub(crate) const FAILURES: u32 = 5;
/// How long it has to wait, and how long failures are remembered.
pub(crate) const LOCKED_FOR: Duration = Duration::from_secs(60);
/// User names remembered at most.
const REMEMBERED: usize = 10_000;

/// Counts failed logins under names that no user has; those of users are counted in the store.
#[derive(Debug, Default)]
pub(crate) struct Brake(Mutex<HashMap<String, (u32, Instant)>>);

impl Brake {
    /// May this name try now?
    pub(crate) fn admit(&self, name: &str, now: Instant) -> Result<()> {
        let names = self.0.lock();
        match names.get(&name.to_lowercase()) {
            Some((failures, last)) if *failures >= FAILURES && now < *last + LOCKED_FOR => {
                let wait = (*last + LOCKED_FOR).duration_since(now);
                Err(Error::RateLimited {
                    retry_after_sec: wait.as_secs().max(1),
                })
            }
            _ => Ok(()),
        }
    }

    /// Notes a failure.
    pub(crate) fn failed(&self, name: &str, now: Instant) {
        let mut names = self.0.lock();
        if names.len() >= REMEMBERED {
            names.retain(|_, (_, last)| now < *last + LOCKED_FOR);
        }
        let (failures, last) = names.entry(name.to_lowercase()).or_insert((0, now));
        if now >= *last + LOCKED_FOR {
            *failures = 0;
        }
        *failures += 1;
        *last = now;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_close_the_door_for_a_minute() {
        let brake = Brake::default();
        let start = Instant::now();
        for _ in 0..4 {
            brake.failed("Anna", start);
        }
        assert!(brake.admit("anna", start).is_ok());
        brake.failed("anna", start);
        let error = brake.admit("anna", start + Duration::from_secs(1)).unwrap_err();
        assert!(
            matches!(error, Error::RateLimited { retry_after_sec: 59 }),
            "{error:?}"
        );
        assert!(brake.admit("berta", start).is_ok());
        assert!(brake.admit("anna", start + LOCKED_FOR).is_ok());
        brake.failed("anna", start + LOCKED_FOR);
        assert!(
            brake.admit("anna", start + LOCKED_FOR).is_ok(),
            "the count starts over"
        );
    }

    #[tokio::test]
    async fn verifies_what_it_hashed() {
        let passwords = Passwords::new(PasswordCost {
            memory_kib: 64,
            passes: 1,
        })
        .await
        .unwrap();
        let hash = passwords.hash("s3cret".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$") && !hash.contains("s3cret"));
        for (hash, password, expected) in [
            (Some(hash.clone()), "s3cret", true),
            (Some(hash), "S3cret", false),
            (None, "s3cret", false),
        ] {
            assert_eq!(
                passwords
                    .turn()
                    .await
                    .unwrap()
                    .verify(hash, password.into())
                    .await
                    .unwrap(),
                expected
            );
        }
    }
}
