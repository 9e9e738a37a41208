//! How connections' uses went: each outcome is one conditional update, so that none overwrites what weighs more.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, sea_query::Expr};
use uuid::Uuid;

use super::{Health, Outcome, Seen};
use crate::{
    Result, Store, alerts,
    audit::NewAudit,
    entities::connections::{Column, Entity},
    folder_mappings,
    ids::now,
    row,
};

pub(super) async fn note(
    store: &Store,
    seen: Seen,
    outcome: Outcome<'_>,
    record: Option<NewAudit>,
) -> Result<bool> {
    let before = Entity::find_by_id(seen.id).one(store.read()).await?;
    // Most uses change nothing.
    let may_change = before.is_some_and(|before| before.health != aimed_at(outcome).as_str());
    match record {
        None if !may_change => write(store.write(), seen, outcome).await,
        record => {
            let noted = store
                .transact(async |db| {
                    let noted = match may_change {
                        true => write_and_tell(db, seen, outcome).await?,
                        false => write(db, seen, outcome).await?,
                    };
                    store.append_audit(db, record.into_iter().collect()).await?;
                    Ok(noted)
                })
                .await?;
            if noted && may_change {
                store.bus().changed("connections", Some(seen.id));
            }
            Ok(noted)
        }
    }
}

/// The health that this outcome leads to, where nothing weighs more.
fn aimed_at(outcome: Outcome<'_>) -> Health {
    match outcome {
        Outcome::Healthy => Health::Healthy,
        Outcome::Failing(_) => Health::Failing,
        Outcome::RequiresAttention(_) | Outcome::HostKeyChanged(_) => Health::RequiresAttention,
    }
}

/// Writes it, and tells of it whom alerts name where the health is another one now.
async fn write_and_tell(db: &impl ConnectionTrait, seen: Seen, outcome: Outcome<'_>) -> Result<bool> {
    let Some(before) = Entity::find_by_id(seen.id).lock_exclusive().one(db).await? else {
        return Ok(false);
    };
    let noted = write(db, seen, outcome).await?;
    let weighs_more =
        before.health == Health::RequiresAttention.as_str() && matches!(outcome, Outcome::Failing(_));
    let after = aimed_at(outcome);
    if noted && !weighs_more && before.health != after.as_str() {
        let detail = match outcome {
            Outcome::Healthy => None,
            Outcome::Failing(detail)
            | Outcome::RequiresAttention(detail)
            | Outcome::HostKeyChanged(detail) => Some(detail),
        };
        // Mappings before alerts, as everywhere.
        if after == Health::Healthy {
            folder_mappings::wake(db, seen.id, now()).await?;
        }
        alerts::health_changed(db, &before, after, detail).await?;
    }
    Ok(noted)
}

async fn write(db: &impl ConnectionTrait, seen: Seen, outcome: Outcome<'_>) -> Result<bool> {
    let mut update = unchanged(Entity::update_many(), seen);
    let (health, detail) = match outcome {
        Outcome::Healthy => {
            update = update.col_expr(Column::LastOkAt, Expr::value(now().as_microsecond()));
            (Expr::value(Health::Healthy.as_str()), None)
        }
        Outcome::Failing(detail) => {
            let attention = Health::RequiresAttention.as_str();
            let health =
                Expr::case(Column::Health.eq(attention), attention).finally(Health::Failing.as_str());
            (health.into(), Some(detail))
        }
        Outcome::RequiresAttention(detail) | Outcome::HostKeyChanged(detail) => {
            (Expr::value(Health::RequiresAttention.as_str()), Some(detail))
        }
    };
    update = match outcome {
        Outcome::HostKeyChanged(_) => update.col_expr(Column::WaitsForHostKey, Expr::value(true)),
        _ => update.filter(Column::WaitsForHostKey.eq(false)),
    };
    let noted = update
        .col_expr(Column::Health, health)
        .col_expr(Column::HealthDetail, Expr::value(detail.map(row::clean)))
        .exec(db)
        .await?;
    Ok(noted.rows_affected > 0)
}

/// Only the connection that was looked at, and only while it is unchanged.
pub(crate) fn unchanged<Q: QueryFilter>(query: Q, seen: Seen) -> Q {
    query
        .filter(Column::Id.eq(seen.id))
        .filter(Column::UpdatedAt.eq(seen.updated_at.as_microsecond()))
}

/// Somebody has decided about its host key: nothing is known of its health from then on.
pub(crate) async fn decided(db: &impl ConnectionTrait, connection: Uuid) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::Health, Expr::value(Health::Unknown.as_str()))
        .col_expr(Column::HealthDetail, Expr::value(None::<String>))
        .col_expr(Column::WaitsForHostKey, Expr::value(false))
        .filter(Column::Id.eq(connection))
        .exec(db)
        .await?;
    folder_mappings::wake(db, connection, now()).await
}
