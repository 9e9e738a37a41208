//! Sends what is in the outbox, again and again until the other side has it or a day is over.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use aws_lc_rs::rand;
use courier_store::alerts::{Alert, AlertKind, Channel, Delivery, Outgoing, Sent, Settled, Taken};
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use reqwest::Client;
use secrecy::SecretString;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{mail, message::Message, webhook};
use crate::{Engine, secrets};

/// How often the outbox is looked into.
const LOOK: Duration = Duration::from_secs(1);
/// So many are taken at once, of all alerts …
const AT_ONCE: usize = 16;
/// … and of one: one that hangs is nobody else's delay.
const OF_ONE: usize = 2;
/// As many messages about files of an alert are on their way at once, for each time that some were taken.
const FILES: usize = 16;
/// How long messages are taken for, longer than sending them takes: of files, the first that gets no answer is the last that is
/// tried.
const LEASE: SignedDuration = SignedDuration::from_secs(90);
/// How long files are not told to somebody who didn't answer.
const REST: Duration = Duration::from_secs(5);
/// How long those that are under way may take when the engine stops.
const LAST: Duration = Duration::from_secs(2);

/// The first pause between two attempts; each further one is twice as long, up to [`LONGEST`].
const PAUSE: SignedDuration = SignedDuration::from_secs(5);
const LONGEST: SignedDuration = SignedDuration::from_hours(1);
/// With these pauses, about a day.
const ATTEMPTS: u32 = 33;
/// Where the other side says that it will not take it: with these pauses, about ten minutes.
const ATTEMPTS_REFUSED: u32 = 8;

/// What became of one attempt, and what the other side said, or why it could not be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The other side has it.
    Delivered(String),
    /// It may take it later.
    Unreachable {
        answer: String,
        /// How long it wants to be left alone.
        after: Option<SignedDuration>,
    },
    /// It will hardly take it, unless somebody mends something.
    Refused {
        answer: String,
        after: Option<SignedDuration>,
    },
    /// It wants no more messages.
    Gone(String),
}

impl Outcome {
    pub(super) fn unreachable(answer: String) -> Self {
        Self::Unreachable { answer, after: None }
    }

    pub(super) fn refused(answer: String) -> Self {
        Self::Refused { answer, after: None }
    }

    pub(super) fn answer(&self) -> &str {
        match self {
            Self::Delivered(answer)
            | Self::Gone(answer)
            | Self::Unreachable { answer, .. }
            | Self::Refused { answer, .. } => answer,
        }
    }

    /// What is to become of the message after so many attempts.
    fn verdict(&self, attempts: u32, now: Timestamp) -> Sent {
        let (limit, after) = match self {
            Self::Delivered(_) => return Sent::Delivered,
            Self::Gone(_) => return Sent::Failed,
            Self::Unreachable { after, .. } => (ATTEMPTS, after),
            Self::Refused { after, .. } => (ATTEMPTS_REFUSED, after),
        };
        if attempts >= limit {
            return Sent::Failed;
        }
        let asked = after.unwrap_or_default().min(SignedDuration::from_hours(24));
        Sent::Again(now + pause(attempts).max(asked))
    }
}

/// Twice as long each time, and up to a quarter more by chance, so that many that failed together don't come back together.
fn pause(attempts: u32) -> SignedDuration {
    let doubled = PAUSE * 2_i32.saturating_pow(attempts.saturating_sub(1).min(12));
    let mut chance = [0];
    // Without randomness there is none.
    let _ = rand::fill(&mut chance);
    let pause = doubled.min(LONGEST);
    pause + pause * i32::from(chance[0]) / 1024
}

/// Sends until the engine stops.
pub(crate) async fn deliver(engine: Engine) {
    let mut under_way = JoinSet::new();
    let mut places = Places::default();
    loop {
        while under_way.len() < AT_ONCE {
            let busy = places.busy();
            match engine
                .0
                .store
                .alerts()
                .take(courier_store::now(), LEASE, &busy)
                .await
            {
                Ok(Some(taken)) => {
                    let (engine, place) = (engine.clone(), places.take(taken.alert.id));
                    under_way.spawn(async move {
                        let silent = attempt(&engine, taken).await;
                        drop(place);
                        silent
                    });
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(%error, "messages of alerts can't be looked for; trying again");
                    break;
                }
            }
        }
        tokio::select! {
            () = engine.0.stopping.cancelled() => break,
            Some(over) = under_way.join_next() => {
                if let Ok(Some(silent)) = over {
                    places.rest(silent);
                }
            }
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    // What is cut off here is sent again, under the same id.
    let all = async { while under_way.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(LAST, all).await;
}

/// Which alerts have messages on their way, and which are left alone.
#[derive(Debug, Default)]
struct Places {
    /// Whoever sends holds one of these.
    taken: HashMap<Uuid, Arc<()>>,
    resting: HashMap<Uuid, Instant>,
}

impl Places {
    /// Those that have to wait.
    fn busy(&mut self) -> Vec<Uuid> {
        let now = Instant::now();
        self.resting.retain(|_, until| now < *until);
        self.taken.retain(|_, place| Arc::strong_count(place) > 1);
        let full = self
            .taken
            .iter()
            .filter(|(_, place)| Arc::strong_count(place) > OF_ONE)
            .map(|(id, _)| *id);
        full.chain(self.resting.keys().copied()).collect()
    }

    fn take(&mut self, alert: Uuid) -> Arc<()> {
        Arc::clone(self.taken.entry(alert).or_default())
    }

    fn rest(&mut self, alert: Uuid) {
        self.resting.insert(alert, Instant::now() + REST);
    }
}

/// Sends what was taken, and writes down what became of it. Answers which alert is to be left alone.
async fn attempt(engine: &Engine, taken: Taken) -> Option<Uuid> {
    let Taken {
        alert,
        secret,
        messages,
    } = taken;
    let silent = OnceLock::new();
    let several = messages.len() > 1;
    let shared = Batch {
        engine,
        alert: &alert,
        secret: secret.as_deref(),
        silent: several.then_some(&silent),
    };
    // Made before they are polled: a closure that borrows would not do in a task.
    let sends: Vec<_> = messages.iter().map(|message| shared.send(message)).collect();
    let fates: Vec<(&Delivery, Fate)> = stream::iter(sends).buffer_unordered(FILES).collect().await;
    for (delivery, (sent, answer)) in &fates {
        log(&alert, delivery, sent, answer);
    }
    let settled: Vec<Settled<'_>> = fates
        .iter()
        .map(|(delivery, (sent, answer))| Settled {
            delivery,
            sent,
            answer,
        })
        .collect();
    let alerts = engine.0.store.alerts();
    if let Err(error) = alerts.settle(&settled, courier_store::now()).await {
        let (alert, messages) = (&alert.name, settled.len());
        tracing::warn!(%error, alert, messages, "what became of messages could not be written down; they will be sent again");
    }
    // Who looks at its messages sees what became of them.
    engine.changed("alerts", Some(alert.id));
    silent.get().map(|_| alert.id)
}

/// What becomes of a message, and what the other side said.
type Fate = (Sent, String);

/// What the messages that were taken together have in common.
#[derive(Clone, Copy)]
struct Batch<'a> {
    engine: &'a Engine,
    alert: &'a Alert,
    secret: Option<&'a [u8]>,
    /// Of several, the first that gets no answer speaks for those that nobody has begun to send.
    silent: Option<&'a OnceLock<Outcome>>,
}

impl Batch<'_> {
    async fn send(self, message: &Outgoing) -> (&Delivery, Fate) {
        let Outgoing { delivery, joined } = message;
        let judged = |outcome: &Outcome| {
            let sent = outcome.verdict(delivery.attempts, courier_store::now());
            (sent, outcome.answer().to_owned())
        };
        if !self.alert.enabled {
            return (delivery, (Sent::Dropped, "the alert is disabled".to_owned()));
        }
        // Something stops whoever sends it before the end.
        if delivery.attempts > ATTEMPTS {
            let answer = format!("it was begun {ATTEMPTS} times, and nobody could say what became of it");
            return (delivery, (Sent::Failed, answer));
        }
        if let Some(outcome) = self.silent.and_then(OnceLock::get) {
            return (delivery, judged(outcome));
        }
        let outcome = send(self.engine, self.alert, self.secret, delivery, joined).await;
        let fate = judged(&outcome);
        if let Some(silent) = self
            .silent
            .filter(|_| matches!(outcome, Outcome::Unreachable { .. }))
        {
            let _ = silent.set(outcome);
        }
        (delivery, fate)
    }
}

fn log(alert: &Alert, delivery: &Delivery, sent: &Sent, answer: &str) {
    let (alert, id, attempts) = (&alert.name, delivery.id, delivery.attempts);
    match sent {
        Sent::Delivered if delivery.kind == AlertKind::FilePulled => {
            tracing::debug!(alert, message = %id, attempts, answer, "a message about a file was delivered");
        }
        Sent::Delivered => {
            tracing::info!(alert, message = %id, attempts, answer, "a message of an alert was delivered");
        }
        Sent::Again(at) => {
            tracing::warn!(alert, message = %id, attempts, answer, again = %at, "a message of an alert was not delivered");
        }
        Sent::Failed => {
            tracing::error!(alert, message = %id, attempts, answer, "a message of an alert was given up");
        }
        Sent::Dropped => {}
    }
}

/// Sends these as one message, once.
pub(super) async fn send(
    engine: &Engine,
    alert: &Alert,
    sealed: Option<&[u8]>,
    first: &Delivery,
    others: &[Delivery],
) -> Outcome {
    let message = Message::about(alert, first, others);
    match &alert.rule.channel {
        Channel::Webhook { url } => {
            let secret = match open(engine, alert, sealed).await {
                Ok(secret) => secret,
                Err(why) => return Outcome::refused(why),
            };
            match http(engine) {
                Ok(client) => {
                    webhook::send(client, url, secret.as_ref(), &message, courier_store::now()).await
                }
                Err(why) => Outcome::unreachable(why),
            }
        }
        Channel::Email { to } => mail::send(engine, to, &message).await,
    }
}

async fn open(engine: &Engine, alert: &Alert, sealed: Option<&[u8]>) -> Result<Option<SecretString>, String> {
    match sealed {
        None => Ok(None),
        Some(sealed) => match secrets::open_alert(engine, alert.id, sealed).await {
            Ok(secret) => Ok(Some(secret)),
            Err(error) => Err(format!("the secret does not open: {error}; enter it anew")),
        },
    }
}

/// One client for all, made when it is needed first.
fn http(engine: &Engine) -> Result<&Client, String> {
    if let Some(client) = engine.0.webhooks.get() {
        return Ok(client);
    }
    let client = webhook::client()?;
    Ok(engine.0.webhooks.get_or_init(|| client))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_an_hour_and_fill_about_a_day() {
        let all: SignedDuration = (1..ATTEMPTS).map(pause).sum();
        assert!((23..=30).contains(&all.as_hours()), "{all:?}");
        let few: SignedDuration = (1..ATTEMPTS_REFUSED).map(pause).sum();
        assert!((5..=15).contains(&few.as_mins()), "{few:?}");
    }

    #[test]
    fn a_message_is_tried_again_as_long_as_it_may_help() {
        let now = Timestamp::UNIX_EPOCH;
        let is_again = |outcome: &Outcome, attempts| matches!(outcome.verdict(attempts, now), Sent::Again(_));
        let away = Outcome::unreachable("503".into());
        let refused = Outcome::refused("404".into());
        assert!(is_again(&away, 1) && is_again(&away, ATTEMPTS - 1) && !is_again(&away, ATTEMPTS));
        assert!(is_again(&refused, 1) && !is_again(&refused, ATTEMPTS_REFUSED));
        assert_eq!(Outcome::Gone("410".into()).verdict(1, now), Sent::Failed);
        let patient = Outcome::Unreachable {
            answer: "429".into(),
            after: Some(SignedDuration::from_hours(2)),
        };
        assert_eq!(
            patient.verdict(1, now),
            Sent::Again(now + SignedDuration::from_hours(2))
        );
    }
}
