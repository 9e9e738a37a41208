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
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::{Error, PasswordCost, Result, argon::Argon};

/// Hashes that wait for the one being computed. A hash takes some hundredths of a second, so that the last in the queue
/// waits for about one second; whoever finds it full is told to come back.
const WAITING: usize = 32;

/// When to come back, seconds.
const COME_BACK: u64 = 2;

/// Hashes and verifies passwords, off the async threads and one at a time: each takes its memory and a core.
#[derive(Clone, Debug)]
pub(crate) struct Passwords {
    cost: PasswordCost,
    thread: mpsc::Sender<Work>,
    /// One for the hash being computed, and those in the queue.
    places: Arc<Semaphore>,
    /// The one whose turn it is.
    turns: Arc<Semaphore>,
    /// What an unknown user's password is compared with, so that the answer takes as long as for a known one.
    decoy: Arc<str>,
}

impl Passwords {
    pub(crate) async fn new(cost: PasswordCost) -> Result<Self> {
        let mut passwords = Self {
            cost,
            thread: start_thread()?,
            places: Arc::new(Semaphore::new(1 + WAITING)),
            turns: Arc::new(Semaphore::new(1)),
            decoy: "".into(),
        };
        passwords.decoy = passwords.hash(random_token("")?).await?.into();
        Ok(passwords)
    }

    /// The hash of a password, as PHC text.
    ///
    /// # Errors
    /// [`Error::Busy`].
    pub(crate) async fn hash(&self, password: SecretString) -> Result<String> {
        let cost = self.cost;
        self.turn()
            .await?
            .compute(move |argon| argon.hash(cost, password.expose_secret().as_bytes()))
            .await
    }

    /// Waits for a turn. What decides whether somebody may try is looked at in it, and written in it, so that guesses
    /// sent at once can't slip past the brake.
    ///
    /// # Errors
    /// [`Error::Busy`] where too many wait already.
    pub(crate) async fn turn(&self) -> Result<Turn<'_>> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| Error::Busy {
            retry_after_sec: COME_BACK,
        })?;
        let turn = self
            .turns
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| Error::Internal("shutting down".into()))?;
        Ok(Turn {
            passwords: self,
            permits: Arc::new([place, turn]),
        })
    }
}

/// The right to compute one hash at a time. Work under way has a share in it: the turn is over when whoever took it is
/// gone *and* nothing is computed for them any more.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    passwords: &'a Passwords,
    permits: Arc<[OwnedSemaphorePermit; 2]>,
}

impl Turn<'_> {
    /// Does the password belong to the hash? No user, no hash: it takes as long and says no.
    pub(crate) async fn verify(&self, hash: Option<String>, password: SecretString) -> Result<bool> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.passwords.decoy.to_string());
        let verified = self.compute(move |argon| argon.verify(&hash, password.expose_secret().as_bytes()));
        Ok(verified.await? && known)
    }

    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Argon) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let stopped = || Error::Internal("the password thread stopped".into());
        let (tell, told) = oneshot::channel();
        let permits = self.permits.clone();
        let work = Box::new(move |argon: &mut Argon| {
            let _permits = permits;
            // Nothing is computed for somebody who has gone.
            if !tell.is_closed() {
                let _ = tell.send(work(argon));
            }
        });
        self.passwords.thread.send(work).map_err(|_| stopped())?;
        told.await.unwrap_or_else(|_| Err(stopped()))
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
/// How long it has to wait, and how long failures are remembered: so long after the last one, counting starts over.
pub(crate) const LOCKED_FOR: Duration = Duration::from_secs(60);
/// User names remembered at most. More than there can be hashes within [`LOCKED_FOR`], at a cost worth its name.
const REMEMBERED: usize = 10_000;

/// Counts failed logins under names that no user has; those of users are counted in the store, in the same way, so that
/// nobody can tell the two apart.
#[derive(Debug, Default)]
pub(crate) struct Brake(Mutex<HashMap<NameHash, Failures>>);

/// The SHA-256 of a name without regard to case, as users are found: what is remembered has one size, however long the names.
type NameHash = [u8; 32];

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Failures {
    fn wait(self, now: Instant) -> Option<Duration> {
        (self.last + LOCKED_FOR)
            .checked_duration_since(now)
            .filter(|wait| !wait.is_zero())
    }
}

impl Brake {
    /// May this name try now?
    pub(crate) fn admit(&self, name: &str, now: Instant) -> Result<()> {
        let names = self.0.lock();
        match names.get(&name_hash(name)) {
            Some(failures) if failures.count >= FAILURES => match failures.wait(now) {
                Some(wait) => Err(rate_limited(wait.as_secs())),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Notes a failure.
    pub(crate) fn failed(&self, name: &str, now: Instant) {
        let name = name_hash(name);
        let mut names = self.0.lock();
        if names.len() >= REMEMBERED && !names.contains_key(&name) {
            names.retain(|_, failures| failures.wait(now).is_some());
        }
        if names.len() >= REMEMBERED && !names.contains_key(&name) {
            let oldest = names.iter().min_by_key(|(_, failures)| failures.last);
            if let Some(oldest) = oldest.map(|(name, _)| *name) {
                names.remove(&oldest);
            }
        }
        let failures = names.entry(name).or_insert(Failures { count: 0, last: now });
        if failures.wait(now).is_none() {
            failures.count = 0;
        }
        failures.count = failures.count.saturating_add(1);
        failures.last = now;
    }
}

/// The answer to a name that has to wait that many seconds.
pub(crate) fn rate_limited(seconds: u64) -> Error {
    Error::RateLimited {
        retry_after_sec: seconds.max(1),
    }
}

fn name_hash(name: &str) -> NameHash {
    let mut hash = NameHash::default();
    hash.copy_from_slice(digest::digest(&digest::SHA256, name.to_lowercase().as_bytes()).as_ref());
    hash
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_close_the_door_for_a_minute() {
        let brake = Brake::default();
        let start = Instant::now();
        for _ in 0..4 {
            brake.failed("anna", start);
        }
        assert!(brake.admit("anna", start).is_ok());
        brake.failed("anna", start);
        let error = brake.admit("anna", start + Duration::from_secs(1)).unwrap_err();
        assert!(
            matches!(error, Error::RateLimited { retry_after_sec: 59 }),
            "{error:?}"
        );
        assert!(
            brake.admit("Anna", start).is_err(),
            "as users' names, without regard to case"
        );
        assert!(brake.admit("anna", start + LOCKED_FOR).is_ok());
        brake.failed("anna", start + LOCKED_FOR);
        assert!(
            brake.admit("anna", start + LOCKED_FOR).is_ok(),
            "the count starts over"
        );
    }

    #[test]
    fn no_more_names_are_remembered_than_that() {
        let brake = Brake::default();
        let start = Instant::now();
        let moment = |n: u64| start + Duration::from_millis(n);
        for _ in 0..FAILURES {
            brake.failed("first", start);
        }
        for n in 1..=REMEMBERED as u64 {
            brake.failed(&format!("{n}"), moment(n));
        }
        assert_eq!(brake.0.lock().len(), REMEMBERED);
        assert!(brake.admit("first", moment(1)).is_ok(), "the oldest makes room");
        brake.failed("late", start + LOCKED_FOR * 9);
        assert_eq!(brake.0.lock().len(), 1, "what is over makes room first");
    }

    async fn cheap() -> Passwords {
        Passwords::new(PasswordCost {
            memory_kib: 64,
            passes: 1,
        })
        .await
        .unwrap()
    }

    #[tokio::test]
    async fn a_turn_lasts_as_long_as_its_work_and_work_for_nobody_is_skipped() {
        let passwords = cheap().await;
        let (go, wait) = mpsc::channel::<()>();
        let turn = passwords.turn().await.unwrap();
        let (began, begun) = oneshot::channel();
        let slow = turn.compute(move |_| {
            began.send(()).unwrap();
            wait.recv().unwrap();
            Ok(())
        });
        tokio::select! {
            _ = slow => panic!("it waits"),
            begun = begun => begun.unwrap(),
        }
        // Whoever asked has gone, the thread has not finished.
        drop(turn);
        assert_eq!(passwords.turns.available_permits(), 0);
        let mut waiting: Vec<_> = (0..WAITING).map(|_| Box::pin(passwords.turn())).collect();
        for turn in &mut waiting {
            assert!(futures::poll!(turn).is_pending());
        }
        let error = passwords.turn().await.unwrap_err();
        assert!(matches!(error, Error::Busy { retry_after_sec: 1.. }), "{error:?}");
        assert_eq!(error.kind(), "rate_limited");
        drop(waiting);
        go.send(()).unwrap();

        let turn = passwords.turn().await.unwrap();
        let skipped = turn.compute(|_| -> Result<()> { panic!("computed for nobody") });
        let (hold, held) = mpsc::channel::<()>();
        passwords
            .thread
            .send(Box::new(move |_| held.recv().unwrap()))
            .unwrap();
        {
            let mut skipped = Box::pin(skipped);
            assert!(futures::poll!(&mut skipped).is_pending());
        }
        drop(turn);
        hold.send(()).unwrap();
        assert!(passwords.hash("still computes".into()).await.is_ok());
    }

    #[tokio::test]
    async fn verifies_what_it_hashed() {
        let passwords = cheap().await;
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
