//! Messages out of the outbox: each is taken by one node at a time, and again where that one doesn't say what became of it.

use jiff::{SignedDuration, Timestamp};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Set,
    sea_query::{Expr, LockBehavior, LockType},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Alert, AlertKind, Delivery, DeliveryState, load, look::NOT_STARTED};
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

/// Messages that were taken to be sent as one.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// The first of them, whose id is the message's.
    pub delivery: Delivery,
    /// The others, oldest first.
    pub joined: Vec<Delivery>,
    /// Whom to tell.
    pub alert: Alert,
    /// What to sign with, sealed.
    pub secret: Option<Vec<u8>>,
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

pub(super) async fn take(store: &Store, now: Timestamp, lease: SignedDuration) -> Result<Option<Taken>> {
    let due = Entity::find()
        .filter(Column::State.eq(DeliveryState::Pending.as_str()))
        .filter(Column::DueAt.lte(now.as_microsecond()));
    let head = due.clone().order_by_asc(Column::DueAt).order_by_asc(Column::Id);
    // A look without a lock first: most looks find nothing.
    let look = head.clone().select_only().column(Column::Id).into_tuple::<Uuid>();
    if look.one(store.read()).await?.is_none() {
        return Ok(None);
    }
    store
        .transact(async |db| {
            let head = head.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
            let Some(head) = head.one(db).await? else {
                return Ok(None);
            };
            if head.attempts == 0 {
                let others = due
                    .filter(Column::AlertId.eq(head.alert_id))
                    .filter(Column::Attempts.eq(0))
                    .filter(Column::Id.ne(head.id))
                    .order_by_asc(Column::Id)
                    .limit(TOGETHER - 1)
                    .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
                let others: Vec<Uuid> = others.all(db).await?.into_iter().map(|other| other.id).collect();
                Entity::update_many()
                    .col_expr(Column::State, Expr::value(DeliveryState::Joined.as_str()))
                    .col_expr(Column::JoinedInto, Expr::value(head.id))
                    .filter(Column::Id.is_in(others))
                    .exec(db)
                    .await?;
            }
            // Until then nobody else takes it.
            let change = ActiveModel {
                attempts: Set(head.attempts.saturating_add(1)),
                due_at: Set((now + lease).as_microsecond()),
                ..Default::default()
            };
            let taken = Model {
                attempts: head.attempts.saturating_add(1),
                ..head
            };
            Entity::update_many()
                .set(change)
                .filter(Column::Id.eq(taken.id))
                .exec(db)
                .await?;
            let joined = Entity::find()
                .filter(Column::JoinedInto.eq(taken.id))
                .order_by_asc(Column::Id)
                .all(db)
                .await?;
            let id = taken.id;
            match read(db, taken, joined).await {
                // It must not stand in the way of others.
                Err(Error::Database(DbErr::Json(words) | DbErr::Type(words))) => {
                    give_up(db, id, &words, now).await?;
                    Ok(None)
                }
                taken => taken.map(Some),
            }
        })
        .await
}

/// What was taken, with whom to tell.
async fn read(db: &impl ConnectionTrait, taken: Model, joined: Vec<Model>) -> Result<Taken> {
    let (alert, secret) = load(db, taken.alert_id).await?;
    let joined = joined.into_iter().map(Delivery::try_from);
    Ok(Taken {
        delivery: taken.try_into()?,
        joined: joined.collect::<Result<_>>()?,
        alert,
        secret,
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

pub(super) async fn settle(
    store: &Store,
    delivery: &Delivery,
    sent: Sent,
    answer: &str,
    now: Timestamp,
) -> Result<bool> {
    let mut change = ActiveModel {
        answer: Set(Some(row::clean(answer))),
        ..Default::default()
    };
    match sent {
        Sent::Again(at) => change.due_at = Set(at.as_microsecond()),
        Sent::Delivered | Sent::Failed | Sent::Dropped => {
            let state = match sent {
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
        .filter(Column::Id.eq(delivery.id))
        .filter(Column::Attempts.eq(row::small(delivery.attempts)))
        .filter(Column::State.eq(DeliveryState::Pending.as_str()))
        .exec(store.write())
        .await?;
    Ok(settled.rows_affected > 0)
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

pub(super) async fn prune(store: &Store, before: Timestamp) -> Result<u64> {
    let over = DeliveryState::ALL
        .iter()
        .filter(|state| **state != DeliveryState::Pending);
    let over = over.map(|state| state.as_str());
    let pruned = Entity::delete_many()
        .filter(Column::State.is_in(over))
        .filter(Column::Id.lt(first_id_at(before)))
        .exec(store.write())
        .await?;
    alert_subjects::Entity::delete_many()
        .filter(alert_subjects::Column::Subject.starts_with(NOT_STARTED))
        .filter(alert_subjects::Column::WindowUntil.lt(before.as_microsecond()))
        .exec(store.write())
        .await?;
    Ok(pruned.rows_affected)
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
