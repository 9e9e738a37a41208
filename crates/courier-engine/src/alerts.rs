//! Alerts: whom to tell of what, so that nobody sleeps through a failure.
//!
//! The store writes messages together with what they are about. Here they are sent (`deliver`), what nobody reports is
//! looked for (`look`), and rules are kept.

mod deliver;
mod input;
mod look;
mod mail;
mod message;
mod webhook;

use courier_store::{
    alerts::{self as store, AlertInput, Channel},
    audit::NewAudit,
    new_id, now,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    Actor, Engine, Error, Page, PageRequest, Result,
    audit::Entry,
    secrets,
    settings::{SMTP_FROM, SMTP_HOST, SMTP_SECURITY},
};

pub use courier_store::alerts::{Delivery, Rule};
pub(crate) use deliver::deliver;
use input::{Wanted, merged, read};
pub(crate) use look::look_out;
pub(crate) use mail::{CLEAR, check_sender};

/// Alerts.
#[derive(Clone, Copy, Debug)]
pub struct Alerts<'a>(pub(crate) &'a Engine);

/// A rule about whom to tell of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Does it tell anybody anything?
    pub enabled: bool,
    /// What it says.
    pub rule: Rule,
    /// Are its webhooks signed?
    pub has_secret: bool,
    /// What is insecure or doesn't work about it, in words.
    pub warnings: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// What became of a message that was sent to try an alert out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Has the other side taken it?
    pub delivered: bool,
    /// What it said, or why it could not be asked.
    pub answer: String,
    /// How long it took, milliseconds.
    pub duration_ms: u64,
}

/// How messages stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// So many wait to be sent.
    pub pending: u64,
    /// So many were given up in the last 24 hours.
    pub failed_24h: u64,
}

impl Alerts<'_> {
    /// Alerts, oldest first.
    ///
    /// # Errors
    /// [`Error::Store`], also for a cursor that no list gave out.
    pub async fn list(&self, page: PageRequest) -> Result<Page<Alert>> {
        let page = self.0.0.store.alerts().list(&page).await?;
        let mut items = Vec::with_capacity(page.items.len());
        for alert in page.items {
            items.push(self.shown(alert).await?);
        }
        Ok(Page {
            items,
            next_cursor: page.next_cursor,
        })
    }

    /// One.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&self, id: Uuid) -> Result<Alert> {
        self.shown(self.stored(id).await?).await
    }

    /// Makes one.
    ///
    /// # Errors
    /// [`Error::Validation`], [`Error::Duplicate`].
    pub async fn create(&self, actor: &Actor, values: Map<String, Value>) -> Result<Alert> {
        let wanted = read(values)?;
        self.check_named(&wanted.rule, None).await?;
        let id = new_id();
        let (name, new) = (wanted.name.clone(), self.sealed(id, wanted, None).await?);
        let made = |alert: &store::Alert| record(actor, "alert_created", alert, None);
        let alert = named(self.0.0.store.alerts().insert(new, made).await, &name, id)?;
        self.shown(alert).await
    }

    /// Replaces one. Its secret stays where none is given.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Validation`], [`Error::Duplicate`].
    pub async fn replace(&self, actor: &Actor, id: Uuid, values: Map<String, Value>) -> Result<Alert> {
        self.update(actor, id, |_| values.clone()).await
    }

    /// Changes what is given. Somebody else's change in between is not lost.
    ///
    /// # Errors
    /// As [`Self::replace`].
    pub async fn patch(&self, actor: &Actor, id: Uuid, changes: Map<String, Value>) -> Result<Alert> {
        self.update(actor, id, |before| merged(before, changes.clone()))
            .await
    }

    async fn update(
        &self,
        actor: &Actor,
        id: Uuid,
        values: impl Fn(&store::Alert) -> Map<String, Value>,
    ) -> Result<Alert> {
        let mut tries = 0;
        loop {
            let before = self.stored(id).await?;
            let wanted = read(values(&before))?;
            self.check_named(&wanted.rule, Some(&before.rule)).await?;
            let name = wanted.name.clone();
            let change = self.sealed(id, wanted, Some(before.updated_at)).await?;
            let changed = |before: &store::Alert, after: &store::Alert| {
                record(actor, "alert_changed", after, Some(before))
            };
            match self.0.0.store.alerts().update(change, changed).await {
                Err(courier_store::Error::Conflict(_)) if tries < 5 => tries += 1,
                result => return self.shown(named(result, &name, id)?).await,
            }
        }
    }

    /// Deletes one, and its messages.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete(&self, actor: &Actor, id: Uuid) -> Result<()> {
        let deleted = |alert: &store::Alert| record(actor, "alert_deleted", alert, None);
        named(self.0.0.store.alerts().delete(id, deleted).await, "", id)
    }

    /// Messages of one, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`], also for a cursor that no list gave out.
    pub async fn deliveries(&self, id: Uuid, page: PageRequest) -> Result<Page<Delivery>> {
        self.stored(id).await?;
        Ok(self.0.0.store.alerts().deliveries(id, &page).await?)
    }

    /// Sends a message now, also where the alert is disabled or quiet, and says what became of it.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn test(&self, actor: &Actor, id: Uuid) -> Result<Trial> {
        let alert = self.stored(id).await?;
        let alerts = self.0.0.store.alerts();
        let secret = alerts.secret(id).await?;
        let begun = now();
        let trial = message::trial(&alert, new_id(), begun);
        let outcome = deliver::send(self.0, &alert, secret.as_deref(), &trial, &[]).await;
        let took = now().duration_since(begun);
        let delivered = matches!(outcome, deliver::Outcome::Delivered(_));
        let answer = outcome.answer();
        named(
            alerts.tried(trial.id, id, trial.facts, delivered, answer).await,
            "",
            id,
        )?;
        let details = json!({"alert_id": id, "name": alert.name, "delivered": delivered, "answer": answer});
        self.0
            .audit()
            .record(Entry::new("alert_tested", &actor.name, details))
            .await?;
        Ok(Trial {
            delivered,
            answer: answer.into(),
            duration_ms: u64::try_from(took.as_millis()).unwrap_or_default(),
        })
    }

    /// How messages stand.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn standing(&self) -> Result<Standing> {
        let day = now() - SignedDuration::from_hours(24);
        let (pending, failed_24h) = self.0.0.store.alerts().standing(day).await?;
        Ok(Standing { pending, failed_24h })
    }

    /// What somebody should look at who sees no message, in words.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn attention(&self) -> Result<Vec<String>> {
        let mut attention = Vec::new();
        let standing = self.standing().await?;
        if standing.failed_24h > 0 {
            attention.push(format!(
                "{} messages of alerts could not be delivered in the last 24 hours; each alert's deliveries tell why",
                standing.failed_24h
            ));
        }
        let settings = self.0.settings();
        if !settings.value(&SMTP_HOST).await?.is_null() && settings.value(&SMTP_SECURITY).await? == CLEAR {
            attention.push("mail goes in the clear: smtp.security is none".into());
        }
        Ok(attention)
    }

    async fn stored(&self, id: Uuid) -> Result<store::Alert> {
        named(self.0.0.store.alerts().get(id).await, "", id)
    }

    async fn sealed(&self, id: Uuid, wanted: Wanted, if_updated_at: Option<Timestamp>) -> Result<AlertInput> {
        let secret = match wanted.secret {
            Some(Some(secret)) => Some(Some(secrets::seal_alert(self.0, id, &secret).await?)),
            Some(None) => Some(None),
            None => None,
        };
        Ok(AlertInput {
            id,
            name: wanted.name,
            enabled: wanted.enabled,
            rule: wanted.rule,
            secret,
            if_updated_at,
        })
    }

    /// What is named anew must be there. What an alert has named already may be gone since.
    async fn check_named(&self, rule: &Rule, before: Option<&Rule>) -> Result<()> {
        let before = before.map(names).unwrap_or_default();
        for name in names(rule).into_iter().filter(|name| !before.contains(name)) {
            if !self.is_there(&name).await? {
                let message = format!("there is no {} {}", name.what, name.id);
                return Err(Error::field(name.field, message));
            }
        }
        Ok(())
    }

    async fn is_there(&self, name: &Name) -> Result<bool> {
        let store = &self.0.0.store;
        let found = match name.what {
            "job" => store.jobs().get(name.id).await.map(drop),
            "folder mapping" => store.folder_mappings().get(name.id).await.map(drop),
            _ => store.connections().get(name.id).await.map(drop),
        };
        match found {
            Ok(()) => Ok(true),
            Err(courier_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn shown(&self, alert: store::Alert) -> Result<Alert> {
        let warnings = self.warnings(&alert).await?;
        Ok(Alert {
            id: alert.id,
            name: alert.name,
            enabled: alert.enabled,
            rule: alert.rule,
            has_secret: alert.has_secret,
            warnings,
            created_at: alert.created_at,
            updated_at: alert.updated_at,
        })
    }

    async fn warnings(&self, alert: &store::Alert) -> Result<Vec<String>> {
        let mut warnings = Vec::new();
        match &alert.rule.channel {
            Channel::Webhook { url } => {
                if url.starts_with("http:") {
                    warnings.push(
                        "messages go over http, in the clear: anybody on the way can read them".to_owned(),
                    );
                }
                if !alert.has_secret {
                    warnings.push(
                        "messages are not signed: the receiver can't tell them from others'; set channel.secret".to_owned(),
                    );
                }
            }
            Channel::Email { .. } => {
                let settings = self.0.settings();
                let is_set = async |setting| Ok::<_, Error>(!settings.value(setting).await?.is_null());
                if !is_set(&SMTP_HOST).await? || !is_set(&SMTP_FROM).await? {
                    warnings.push(
                        "no mail can be sent: an admin sets smtp.host and smtp.from, and what else the mail server wants"
                            .to_owned(),
                    );
                }
                if settings.value(&SMTP_SECURITY).await? == CLEAR {
                    warnings.push(
                        "mail goes in the clear (smtp.security is none): anybody on the way can read and change it".to_owned(),
                    );
                }
            }
        }
        for name in names(&alert.rule) {
            if !self.is_there(&name).await? {
                warnings.push(format!("the {} {} ({}) is gone", name.what, name.id, name.field));
            }
        }
        Ok(warnings)
    }
}

/// A record that a rule names.
#[derive(Debug, PartialEq, Eq)]
struct Name {
    field: &'static str,
    what: &'static str,
    id: Uuid,
}

fn names(rule: &Rule) -> Vec<Name> {
    let jobs = rule.jobs.iter().map(|id| ("jobs", "job", *id));
    let connections = rule
        .connections
        .iter()
        .map(|id| ("connections", "connection", *id));
    let mappings = rule.mappings.iter().map(|id| ("mappings", "folder mapping", *id));
    let expect = rule.expect.as_ref();
    let job = expect
        .and_then(|e| e.job_id)
        .map(|id| ("expect.job_id", "job", id));
    let connection = expect
        .and_then(|e| e.connection_id)
        .map(|id| ("expect.connection_id", "connection", id));
    let all = jobs
        .chain(connections)
        .chain(mappings)
        .chain(job)
        .chain(connection);
    all.map(|(field, what, id)| Name { field, what, id }).collect()
}

fn named<T>(result: courier_store::Result<T>, name: &str, id: Uuid) -> Result<T> {
    match result {
        Err(courier_store::Error::Duplicate { .. }) => Err(Error::Duplicate {
            what: "alert",
            name: name.into(),
        }),
        Err(courier_store::Error::NotFound { .. }) => Err(Error::not_found("alert", id)),
        result => Ok(result?),
    }
}

/// What is recorded of a change: of a webhook's address only the host, since the rest may be known to its owner alone.
fn record(actor: &Actor, operation: &str, alert: &store::Alert, before: Option<&store::Alert>) -> NewAudit {
    let told = |alert: &store::Alert| {
        let mut rule = json!(alert.rule);
        if let Channel::Webhook { url } = &alert.rule.channel {
            let url = webhook::address(url).ok();
            let host = url.as_ref().and_then(reqwest::Url::host_str);
            let scheme = url.as_ref().map(reqwest::Url::scheme);
            if let Value::Object(rule) = &mut rule {
                rule.insert(
                    "channel".into(),
                    json!({"type": "webhook", "scheme": scheme, "host": host}),
                );
            }
        }
        json!({"name": alert.name, "enabled": alert.enabled, "has_secret": alert.has_secret, "rule": rule})
    };
    let mut details = json!({"alert_id": alert.id, "name": alert.name, "after": told(alert)});
    if let (Some(before), Value::Object(details)) = (before, &mut details) {
        details.insert("before".into(), told(before));
    }
    Entry::new(operation, &actor.name, details).into()
}
