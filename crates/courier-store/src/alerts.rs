//! Alerts: rules about whom to tell of what, and the messages.
//!
//! What the store itself does, such as ending an execution, it tells of in the same transaction; so what happened and the
//! message about it are there together, or neither is. [`Alerts::take`] hands messages out one by one.

mod files;
mod health;
mod look;
mod outbox;
mod raise;
mod rule;
mod undelivered;

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, Set,
};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    Error, Page, PageRequest, Result, Store,
    audit::NewAudit,
    entities::{
        alert_deliveries,
        alerts::{ActiveModel, Column, Entity, Model},
    },
    ids::{now, stamp},
    page::Order,
    row,
    words::words,
};

pub(crate) use files::{PulledFile, PulledFor, files_pulled};
pub(crate) use health::{health_changed, mapping_health_changed};
pub use look::{NOT_STARTED, Unfinished};
pub use outbox::{Outgoing, Sent, Settled, Taken};
pub(crate) use raise::execution_over;
pub use rule::{AlertKind, Channel, Expect, NotATime, QuietHours, Rule, TimeOfDay, Weekday};
pub use undelivered::Undelivered;

/// Alerts.
#[derive(Clone, Copy, Debug)]
pub struct Alerts<'a>(pub(crate) &'a Store);

/// A rule about whom to tell of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Its id.
    pub id: Uuid,
    /// Its name, unique.
    pub name: String,
    /// Does it tell anybody anything?
    pub enabled: bool,
    /// What it says.
    pub rule: Rule,
    /// Is there something to sign its webhooks with?
    pub has_secret: bool,
    /// The last deadline of its file that was looked at, or else when it was made.
    pub checked_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// An alert as it is to be.
#[derive(Clone, Debug)]
pub struct AlertInput {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Does it tell anybody anything?
    pub enabled: bool,
    /// What it says.
    pub rule: Rule,
    /// What to sign webhooks with, sealed, or none any more; where nothing is given, it stays.
    pub secret: Option<Option<Vec<u8>>>,
    /// When it was changed last, as far as the one knows who changes it.
    pub if_updated_at: Option<Timestamp>,
}

/// How grave it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// All is well again. Told to those only who know that it wasn't.
    Recovered,
    /// Worth a message.
    Problem,
    /// Worth another message, also where one about the same was sent just now.
    Grave,
}

impl Severity {
    fn number(self) -> i32 {
        match self {
            Self::Recovered => 0,
            Self::Problem => 1,
            Self::Grave => 2,
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What.
    pub kind: AlertKind,
    /// With what: repeats are counted by it.
    pub subject: String,
    /// How grave it is.
    pub severity: Severity,
    /// The job that it is about, or the folder mapping where it is about the pull of one.
    pub job: Option<Uuid>,
    /// The connection that it is about.
    pub connection: Option<Uuid>,
    /// The folder mapping that it is about.
    pub mapping: Option<Uuid>,
    /// What is known; an object. No secrets.
    pub facts: Value,
}

words! {
    /// How a message stands.
    DeliveryState {
        /// It is to be sent.
        Pending = "pending",
        /// The other side has it.
        Delivered = "delivered",
        /// It could not be delivered, and is not tried again.
        Failed = "failed",
        /// It goes out with another one.
        Joined = "joined",
        /// The alert was disabled before it was sent.
        Dropped = "dropped",
    }
}

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// Its id, the same in every attempt.
    pub id: Uuid,
    /// The alert that it is of.
    pub alert_id: Uuid,
    /// What it tells of.
    pub kind: AlertKind,
    /// Does it tell that all is well again?
    pub recovered: bool,
    /// What is known.
    pub facts: Value,
    /// How many others it stands for.
    pub held: u32,
    /// The last of those in brief, oldest first.
    pub earlier: Value,
    /// How it stands.
    pub state: DeliveryState,
    /// How often somebody began to send it.
    pub attempts: u32,
    /// When it happened.
    pub happened_at: Timestamp,
    /// When it is sent, or tried again.
    pub due_at: Timestamp,
    /// When it was delivered or given up.
    pub ended_at: Option<Timestamp>,
    /// What the other side said last, or why it could not be asked.
    pub answer: Option<String>,
    /// The message that it goes out with.
    pub joined_into: Option<Uuid>,
}

const NOT_FOUND: Error = Error::NotFound { what: "alert" };

impl Alerts<'_> {
    /// Makes an alert, with the audit record of it.
    ///
    /// # Errors
    /// [`Error::Duplicate`] for the name.
    pub async fn insert(&self, new: AlertInput, record: impl FnOnce(&Alert) -> NewAudit) -> Result<Alert> {
        let at = stamp().1.as_microsecond();
        let row = Model {
            id: new.id,
            name: row::clean(&new.name),
            enabled: new.enabled,
            rule: stored(&new.rule)?,
            secret: new.secret.flatten(),
            checked_at: at,
            created_at: at,
            updated_at: at,
        };
        let alert = Alert::try_from(row.clone())?;
        let record = record(&alert);
        self.0
            .transact(async |db| {
                Entity::insert(row.into_active_model().reset_all())
                    .exec_without_returning(db)
                    .await?;
                self.0.append_audit(db, vec![record]).await
            })
            .await?;
        Ok(alert)
    }

    /// Changes an alert, with the audit record of it, which is given what was there before. Deadlines of files that have
    /// passed by now are not looked at.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Duplicate`] for the name, [`Error::Conflict`] where somebody else has changed it.
    pub async fn update(
        &self,
        new: AlertInput,
        record: impl FnOnce(&Alert, &Alert) -> NewAudit,
    ) -> Result<Alert> {
        let rule = stored(&new.rule)?;
        self.0
            .transact(async |db| {
                let before = Entity::find_by_id(new.id).lock_exclusive().one(db).await?;
                let before = before.ok_or(NOT_FOUND)?;
                if new
                    .if_updated_at
                    .is_some_and(|seen| seen.as_microsecond() != before.updated_at)
                {
                    let message = "somebody else changed the alert in the meantime: look again";
                    return Err(Error::Conflict(message.into()));
                }
                let at = now().as_microsecond().max(before.updated_at.saturating_add(1));
                let mut change = ActiveModel {
                    name: Set(row::clean(&new.name)),
                    enabled: Set(new.enabled),
                    rule: Set(rule),
                    checked_at: Set(at),
                    updated_at: Set(at),
                    ..Default::default()
                };
                if let Some(secret) = new.secret {
                    change.secret = Set(secret);
                }
                Entity::update_many()
                    .set(change)
                    .filter(Column::Id.eq(new.id))
                    .exec(db)
                    .await?;
                let (after, _) = load(db, new.id).await?;
                let record = record(&before.try_into()?, &after);
                self.0.append_audit(db, vec![record]).await?;
                Ok(after)
            })
            .await
    }

    /// Deletes an alert and its messages, with the audit record of it.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete(&self, id: Uuid, record: impl FnOnce(&Alert) -> NewAudit) -> Result<()> {
        self.0
            .transact(async |db| {
                let (alert, _) = load(db, id).await?;
                Entity::delete_by_id(id).exec(db).await?;
                self.0.append_audit(db, vec![record(&alert)]).await
            })
            .await
    }

    /// One alert.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&self, id: Uuid) -> Result<Alert> {
        Ok(load(self.0.read(), id).await?.0)
    }

    /// What an alert's webhooks are signed with, sealed.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn secret(&self, id: Uuid) -> Result<Option<Vec<u8>>> {
        Ok(load(self.0.read(), id).await?.1)
    }

    /// Alerts, oldest first.
    ///
    /// # Errors
    /// [`Error::BadCursor`].
    pub async fn list(&self, page: &PageRequest) -> Result<Page<Alert>> {
        let rows = page
            .apply(Entity::find(), Column::Id, Order::OldestFirst)?
            .all(self.0.read())
            .await?;
        page.page(rows, |row| row.id).try_map(Alert::try_from)
    }

    /// Those that are enabled. What can't be read is left out.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Unavailable`].
    pub async fn enabled(&self) -> Result<Vec<Alert>> {
        let rows = Entity::find()
            .filter(Column::Enabled.eq(true))
            .order_by_asc(Column::Id)
            .all(self.0.read())
            .await?;
        Ok(rows
            .into_iter()
            .filter(|row| rule_of(row).is_some())
            .filter_map(|row| Alert::try_from(row).ok())
            .collect())
    }

    /// Messages of an alert, newest first.
    ///
    /// # Errors
    /// [`Error::BadCursor`].
    pub async fn deliveries(&self, alert: Uuid, page: &PageRequest) -> Result<Page<Delivery>> {
        use alert_deliveries::{Column, Entity};
        let of = Entity::find().filter(Column::AlertId.eq(alert));
        let rows = page
            .apply(of, Column::Id, Order::NewestFirst)?
            .all(self.0.read())
            .await?;
        page.page(rows, |row| row.id).try_map(Delivery::try_from)
    }

    /// Tells everybody who wants to know of this. For what the store does not do itself.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Unavailable`].
    pub async fn raise(&self, event: &Event, at: Timestamp) -> Result<()> {
        self.0
            .transact(async |db| raise::raise(db, event, at).await)
            .await
    }

    /// Tells by one alert, if it is there and enabled.
    ///
    /// # Errors
    /// As [`Self::raise`].
    pub async fn tell(&self, alert: Uuid, event: &Event, at: Timestamp) -> Result<()> {
        look::tell_by(self.0, alert, event, at).await
    }

    /// The subjects of which this alert has told that they are not well.
    ///
    /// # Errors
    /// As [`Self::raise`].
    pub async fn told(&self, alert: Uuid) -> Result<HashSet<String>> {
        look::told(self.0, alert).await
    }

    /// Executions that were due before this moment and are not over, oldest first, 1,000 at most; those `behind` one to go on.
    ///
    /// # Errors
    /// As [`Self::raise`].
    pub async fn unfinished(&self, before: Timestamp, behind: Option<Uuid>) -> Result<Vec<Unfinished>> {
        look::unfinished(self.0, before, behind).await
    }

    /// Notes that this deadline of the alert's file was looked at, and tells of it where the file is missing. `false` where
    /// another node did, or the alert was changed since.
    ///
    /// # Errors
    /// As [`Self::raise`].
    pub async fn checked(
        &self,
        alert: &Alert,
        deadline: Timestamp,
        missing: Option<&Event>,
        at: Timestamp,
    ) -> Result<bool> {
        look::checked(self.0, alert, deadline, missing, at).await
    }

    /// What is due first, of an alert that is not busy: a message, with all that is due of the same alert, or some messages
    /// about a file each. For so long nobody else gets them; after that, who took them is taken for dead.
    ///
    /// # Errors
    /// As [`Self::raise`].
    pub async fn take(&self, now: Timestamp, lease: SignedDuration, busy: &[Uuid]) -> Result<Option<Taken>> {
        outbox::take(self.0, now, lease, busy).await
    }

    /// Notes what became of messages that were taken. Answers of how many: the others somebody else has taken since.
    ///
    /// # Errors
    /// As [`Self::raise`].
    pub async fn settle(&self, all: &[Settled<'_>], now: Timestamp) -> Result<u64> {
        outbox::settle(self.0, all, now).await
    }

    /// Notes what became of a message that was sent to try the alert out.
    ///
    /// # Errors
    /// [`Error::NotFound`] where the alert is gone.
    pub async fn tried(
        &self,
        id: Uuid,
        alert: Uuid,
        facts: Value,
        delivered: bool,
        answer: &str,
    ) -> Result<()> {
        outbox::tried(self.0, id, alert, facts, delivered, answer).await
    }

    /// Forgets messages that are over and were written before this moment, and those about files that were delivered and
    /// written before that one.
    ///
    /// # Errors
    /// As [`Self::raise`].
    pub async fn prune(&self, before: Timestamp, files_before: Timestamp) -> Result<u64> {
        outbox::prune(self.0, before, files_before).await
    }

    /// How many messages wait, and how many were given up since then.
    ///
    /// # Errors
    /// As [`Self::raise`].
    pub async fn standing(&self, since: Timestamp) -> Result<(u64, u64)> {
        outbox::standing(self.0, since).await
    }
}

async fn load(db: &impl ConnectionTrait, id: Uuid) -> Result<(Alert, Option<Vec<u8>>)> {
    let row = Entity::find_by_id(id).one(db).await?.ok_or(NOT_FOUND)?;
    let secret = row.secret.clone();
    Ok((row.try_into()?, secret))
}

fn stored(rule: &Rule) -> Result<Value> {
    let rule = serde_json::to_value(rule);
    let rule = rule.map_err(|e| Error::Database(sea_orm::DbErr::Json(e.to_string())))?;
    Ok(row::clean_json(rule))
}

fn read_rule(row: &Model) -> Result<Rule> {
    serde_json::from_value(row.rule.clone()).map_err(|e| {
        Error::Database(sea_orm::DbErr::Json(format!(
            "alerts.rule of \"{}\": {e}",
            row.name
        )))
    })
}

/// The rule, where it can be read: one that can't must not stop what it would tell of.
fn rule_of(row: &Model) -> Option<Rule> {
    read_rule(row)
        .inspect_err(|error| tracing::error!(alert = %row.id, %error, "an alert can't be read, and tells nobody anything"))
        .ok()
}

impl TryFrom<Model> for Alert {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        Ok(Self {
            rule: read_rule(&row)?,
            id: row.id,
            name: row.name,
            enabled: row.enabled,
            has_secret: row.secret.is_some(),
            checked_at: row::time(row.checked_at)?,
            created_at: row::time(row.created_at)?,
            updated_at: row::time(row.updated_at)?,
        })
    }
}

impl TryFrom<alert_deliveries::Model> for Delivery {
    type Error = Error;

    fn try_from(row: alert_deliveries::Model) -> Result<Self> {
        Ok(Self {
            id: row.id,
            alert_id: row.alert_id,
            kind: row::word("alert_deliveries.kind", &row.kind)?,
            recovered: row.recovered,
            facts: row.facts,
            held: row::number(row.held),
            earlier: row.earlier,
            state: row::word("alert_deliveries.state", &row.state)?,
            attempts: row::number(row.attempts),
            happened_at: row::time(row.happened_at)?,
            due_at: row::time(row.due_at)?,
            ended_at: row::maybe_time(row.ended_at)?,
            answer: row.answer,
            joined_into: row.joined_into,
        })
    }
}
