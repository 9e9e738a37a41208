//! Messages out of the outbox: each is taken by one node at a time, and again where that one doesn't say what became of it.

use jiff::{SignedDuration, Timestamp};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, ExprTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set, Statement,
    sea_query::{Expr, LockBehavior, LockType},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Alert, AlertKind, Channel, Delivery, DeliveryState, load, look::NOT_STARTED};
use crate::{
    Error, Result, Store,
    entities::{
        alert_deliveries::{ActiveModel, Column, Entity, Model},
        alert_subjects,
    },
    ids::{first_id_at, stamp},
    row,
};

/// As many go out as one message at most.
const TOGETHER: u64 = 100;
/// As many messages about files are taken at a time, each of which goes out alone.
const ALONE: u64 = 64;

/// Messages of one alert that were taken to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// Whom to tell.
    pub alert: Alert,
    /// What to sign with, sealed.
    pub secret: Option<Vec<u8>>,
    /// What to send: one message, or several about a file each.
    pub messages: Vec<Outgoing>,
}

/// What goes out as one message.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    /// The first, whose id is the message's.
    pub delivery: Delivery,
    /// The others, oldest first.
    pub joined: Vec<Delivery>,
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The other side has it.
    Delivered,
    /// It is to be tried again at this time.
    Again(Timestamp),
    /// There will be no other attempt.
    Failed,
    /// Nobody wants it any more.
    Dropped,
}

pub(super) async fn take(
    store: &Store,
    now: Timestamp,
    lease: SignedDuration,
    busy: &[Uuid],
) -> Result<Option<Taken>> {
    // A look without a lock first: most looks find nothing.
    for alert in with_due(store, now).await? {
        if !busy.contains(&alert)
            && let Some(taken) = take_of(store, alert, now, lease).await?
        {
            return Ok(Some(taken));
        }
    }
    Ok(None)
}

/// Alerts with messages that are due, the one with the oldest first.
async fn with_due(store: &Store, now: Timestamp) -> Result<Vec<Uuid>> {
    let sql = "SELECT id FROM (
            SELECT alerts.id AS id, (
                SELECT due_at FROM alert_deliveries AS message
                WHERE message.alert_id = alerts.id AND message.state = 'pending' ORDER BY due_at LIMIT 1
            ) AS due FROM alerts
        ) AS heads WHERE due <= $1 ORDER BY due, id";
    let db = store.read();
    let question =
        Statement::from_sql_and_values(db.get_database_backend(), sql, [now.as_microsecond().into()]);
    let rows = db.query_all_raw(question).await?;
    let ids: std::result::Result<Vec<Uuid>, DbErr> = rows.iter().map(|row| row.try_get("", "id")).collect();
    Ok(ids?)
}

async fn take_of(store: &Store, alert: Uuid, now: Timestamp, lease: SignedDuration) -> Result<Option<Taken>> {
    let due = Entity::find()
        .filter(Column::AlertId.eq(alert))
        .filter(Column::State.eq(DeliveryState::Pending.as_str()))
        .filter(Column::DueAt.lte(now.as_microsecond()))
        .order_by_asc(Column::DueAt)
        .order_by_asc(Column::Id)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    let file = AlertKind::FilePulled.as_str();
    store
        .transact(async |db| {
            let Some(head) = due.clone().one(db).await? else {
                return Ok(None);
            };
            let (alert, secret) = match load(db, alert).await {
                // It must not stand in the way of others.
                Err(Error::Database(DbErr::Json(words) | DbErr::Type(words))) => {
                    give_up(db, head.id, &words, now).await?;
                    return Ok(None);
                }
                loaded => loaded?,
            };
            // Programs want files one by one, people don't.
            let is_webhook = matches!(alert.rule.channel, Channel::Webhook { .. });
            let taken = match is_webhook && head.kind == file {
                true => due.filter(Column::Kind.eq(file)).limit(ALONE).all(db).await?,
                false => {
                    if head.attempts == 0 {
                        let mut others = due.filter(Column::Attempts.eq(0)).filter(Column::Id.ne(head.id));
                        if is_webhook {
                            others = others.filter(Column::Kind.ne(file));
                        }
                        join(db, head.id, others.limit(TOGETHER - 1).all(db).await?).await?;
                    }
                    vec![head]
                }
            };
            let ids: Vec<Uuid> = taken.iter().map(|row| row.id).collect();
            // Until then nobody else takes them.
            Entity::update_many()
                .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
                .col_expr(Column::DueAt, Expr::value((now + lease).as_microsecond()))
                .filter(Column::Id.is_in(ids.clone()))
                .exec(db)
                .await?;
            let joined = Entity::find()
                .filter(Column::JoinedInto.is_in(ids))
                .order_by_asc(Column::Id)
                .all(db)
                .await?;
            let mut messages = Vec::with_capacity(taken.len());
            for row in taken {
                let id = row.id;
                let joined = joined.iter().filter(|other| other.joined_into == Some(id));
                match outgoing(row, joined) {
                    Err(Error::Database(DbErr::Json(words) | DbErr::Type(words))) => {
                        give_up(db, id, &words, now).await?;
                    }
                    message => messages.push(message?),
                }
            }
            Ok((!messages.is_empty()).then_some(Taken {
                alert,
                secret,
                messages,
            }))
        })
        .await
}

/// The others go out with the head.
async fn join(db: &impl ConnectionTrait, head: Uuid, others: Vec<Model>) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::State, Expr::value(DeliveryState::Joined.as_str()))
        .col_expr(Column::JoinedInto, Expr::value(head))
        .filter(Column::Id.is_in(others.into_iter().map(|other| other.id)))
        .exec(db)
        .await?;
    Ok(())
}

fn outgoing<'a>(row: Model, joined: impl Iterator<Item = &'a Model>) -> Result<Outgoing> {
    let mut delivery = Delivery::try_from(row)?;
    delivery.attempts = delivery.attempts.saturating_add(1);
    let joined = joined.cloned().map(Delivery::try_from);
    Ok(Outgoing {
        delivery,
        joined: joined.collect::<Result<_>>()?,
    })
}

async fn give_up(db: &impl ConnectionTrait, id: Uuid, why: &str, now: Timestamp) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::State, Expr::value(DeliveryState::Failed.as_str()))
        .col_expr(Column::EndedAt, Expr::value(now.as_microsecond()))
        .col_expr(Column::Answer, Expr::value(row::clean(why)))
        .filter(Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

/// What became of a message that was taken, and what the other side said.
#[derive(Clone, Copy, Debug)]
pub struct Settled<'a> {
    /// The message.
    pub delivery: &'a Delivery,
    /// What became of it.
    pub sent: &'a Sent,
    /// What the other side said, or why it could not be asked.
    pub answer: &'a str,
}

pub(super) async fn settle(store: &Store, all: &[Settled<'_>], now: Timestamp) -> Result<u64> {
    // Of many, most had the same fate.
    let mut fates: Vec<(Settled<'_>, Vec<Uuid>)> = Vec::new();
    for one in all {
        let is_same = |other: &Settled<'_>| {
            (other.sent, other.answer, other.delivery.attempts)
                == (one.sent, one.answer, one.delivery.attempts)
        };
        match fates.iter_mut().find(|(other, _)| is_same(other)) {
            Some((_, ids)) => ids.push(one.delivery.id),
            None => fates.push((*one, vec![one.delivery.id])),
        }
    }
    store
        .transact(async |db| {
            let mut settled = 0;
            for (one, ids) in &fates {
                settled += settle_alike(db, *one, ids.clone(), now).await?;
            }
            Ok(settled)
        })
        .await
}

async fn settle_alike(
    db: &impl ConnectionTrait,
    one: Settled<'_>,
    ids: Vec<Uuid>,
    now: Timestamp,
) -> Result<u64> {
    let mut change = ActiveModel {
        answer: Set(Some(row::clean(one.answer))),
        ..Default::default()
    };
    match one.sent {
        Sent::Again(at) => change.due_at = Set(at.as_microsecond()),
        Sent::Delivered | Sent::Failed | Sent::Dropped => {
            let state = match one.sent {
                Sent::Delivered => DeliveryState::Delivered,
                Sent::Dropped => DeliveryState::Dropped,
                _ => DeliveryState::Failed,
            };
            change.state = Set(state.as_str().into());
            change.ended_at = Set(Some(now.as_microsecond()));
        }
    }
    let settled = Entity::update_many()
        .set(change)
        .filter(Column::Id.is_in(ids))
        .filter(Column::Attempts.eq(row::small(one.delivery.attempts)))
        .filter(Column::State.eq(DeliveryState::Pending.as_str()))
        .exec(db)
        .await?;
    Ok(settled.rows_affected)
}

/// Keeps what became of a test, which goes out without the outbox.
pub(super) async fn tried(
    store: &Store,
    id: Uuid,
    alert: Uuid,
    facts: Value,
    delivered: bool,
    answer: &str,
) -> Result<()> {
    let at = stamp().1.as_microsecond();
    let state = match delivered {
        true => DeliveryState::Delivered,
        false => DeliveryState::Failed,
    };
    let row = Model {
        id,
        alert_id: alert,
        kind: AlertKind::Test.as_str().into(),
        recovered: false,
        facts: row::clean_json(facts),
        held: 0,
        earlier: json!([]),
        state: state.as_str().into(),
        attempts: 1,
        happened_at: at,
        due_at: at,
        ended_at: Some(at),
        answer: Some(row::clean(answer)),
        joined_into: None,
    };
    Entity::insert(row.into_active_model().reset_all())
        .exec_without_returning(store.write())
        .await?;
    Ok(())
}

pub(super) async fn prune(store: &Store, before: Timestamp, files_before: Timestamp) -> Result<u64> {
    let over = DeliveryState::ALL
        .iter()
        .filter(|state| **state != DeliveryState::Pending);
    let over = over.map(|state| state.as_str());
    let old = Entity::delete_many()
        .filter(Column::State.is_in(over))
        .filter(Column::Id.lt(first_id_at(before)));
    let old = old.exec(store.write()).await?.rows_affected;
    // There are many of these, and the history tells of their files for ever.
    let arrived = Entity::delete_many()
        .filter(Column::State.eq(DeliveryState::Delivered.as_str()))
        .filter(Column::Kind.eq(AlertKind::FilePulled.as_str()))
        .filter(Column::Id.lt(first_id_at(files_before)));
    let arrived = arrived.exec(store.write()).await?.rows_affected;
    alert_subjects::Entity::delete_many()
        .filter(alert_subjects::Column::Subject.starts_with(NOT_STARTED))
        .filter(alert_subjects::Column::WindowUntil.lt(before.as_microsecond()))
        .exec(store.write())
        .await?;
    Ok(old + arrived)
}

/// How many wait, and how many have failed for good since then. Tests don't count.
pub(super) async fn standing(store: &Store, since: Timestamp) -> Result<(u64, u64)> {
    let of = |state: DeliveryState| {
        Entity::find()
            .filter(Column::State.eq(state.as_str()))
            .filter(Column::Kind.ne(AlertKind::Test.as_str()))
    };
    let waiting = of(DeliveryState::Pending).count(store.read()).await?;
    let failed = of(DeliveryState::Failed).filter(Column::EndedAt.gte(since.as_microsecond()));
    Ok((waiting, failed.count(store.read()).await?))
}
