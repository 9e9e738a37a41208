//! How connections' uses went: each outcome is one conditional update, so that none overwrites what weighs more.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::Expr};
use uuid::Uuid;

use super::{Health, Outcome, Seen};
use crate::{
    Result, Store,
    audit::NewAudit,
    entities::connections::{Column, Entity},
    ids::now,
    row,
};

pub(super) async fn note(
    store: &Store,
    seen: Seen,
    outcome: Outcome<'_>,
    record: Option<NewAudit>,
) -> Result<bool> {
    let Some(record) = record else {
        return write(store.write(), seen, outcome).await;
    };
    store
        .transact(async |db| {
            let noted = write(db, seen, outcome).await?;
            store.append_audit(db, vec![record]).await?;
            Ok(noted)
        })
        .await
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
    Ok(())
}
