//! How mappings fare, for the pages that show many, and for the connections that are shown with theirs.

use jiff::Timestamp;
use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, Query},
};
use uuid::Uuid;

use super::FolderMappings;
use crate::{
    Result,
    connections::{ConnectionStatus, Health, TOTAL, Top},
    entities::{
        connections,
        folder_mappings::{Column, Entity},
    },
    row,
};

/// A mapping that fails or waits for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ailing {
    /// Its connection.
    pub connection_id: Uuid,
    /// Its name.
    pub name: String,
    /// How grave it is: [`Health::Failing`] or [`Health::RequiresAttention`].
    pub health: Health,
    /// Why, in words.
    pub detail: Option<String>,
}

/// A mapping that fails or waits for somebody while its connection fares well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AilingAlone {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Its connection.
    pub connection_id: Uuid,
    /// How grave it is: [`Health::Failing`] or [`Health::RequiresAttention`].
    pub health: Health,
    /// Why, in words.
    pub detail: Option<String>,
    /// Since when.
    pub since: Option<Timestamp>,
}

/// A mapping that pulls by itself, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpcomingPull {
    /// Its id.
    pub mapping_id: Uuid,
    /// Its name.
    pub mapping_name: String,
    /// Its connection.
    pub connection_id: Uuid,
    /// The connection's name.
    pub connection_name: String,
    /// When.
    pub at: Timestamp,
}

#[derive(FromQueryResult)]
struct Counted {
    id: Uuid,
    name: String,
    connection_id: Uuid,
    health: String,
    health_detail: Option<String>,
    failing_since: Option<i64>,
    total: i64,
}

impl FolderMappings<'_> {
    /// Those of these connections that pull by themselves, and fail or wait for somebody, oldest first.
    ///
    /// # Errors
    /// [`Error::Database`](crate::Error::Database), [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn ailing(&self, connections: &[Uuid]) -> Result<Vec<Ailing>> {
        let ails = [Health::Failing, Health::RequiresAttention].map(Health::as_str);
        let rows: Vec<(Uuid, String, String, Option<String>)> = Entity::find()
            .select_only()
            .columns([
                Column::ConnectionId,
                Column::Name,
                Column::Health,
                Column::HealthDetail,
            ])
            .filter(Column::ConnectionId.is_in(connections.iter().copied()))
            .filter(Column::Enabled.eq(true))
            .filter(Column::Health.is_in(ails))
            .order_by_asc(Column::Id)
            .into_tuple()
            .all(self.0.read())
            .await?;
        let ailing = rows.into_iter().map(|(connection_id, name, health, detail)| {
            Ok(Ailing {
                connection_id,
                name,
                health: row::word("folder_mappings.health", &health)?,
                detail,
            })
        });
        ailing.collect()
    }

    /// Those that pull by themselves and fail or wait for somebody, though their connections may be used and fare well; the
    /// gravest first, then by name; so many at most.
    ///
    /// # Errors
    /// As [`Self::ailing`].
    pub async fn ailing_alone(&self, limit: u64) -> Result<Top<AilingAlone>> {
        let ails = [Health::Failing, Health::RequiresAttention].map(Health::as_str);
        let well = Query::select()
            .column(connections::Column::Id)
            .from(connections::Entity)
            .and_where(connections::Column::Status.eq(ConnectionStatus::Active.as_str()))
            .and_where(connections::Column::Health.is_not_in(ails))
            .take();
        let rows = Entity::find()
            .column_as(Expr::cust(TOTAL), "total")
            .filter(Column::Enabled.eq(true))
            .filter(Column::Health.is_in(ails))
            .filter(Column::ConnectionId.in_subquery(well))
            // `requires_attention` comes after `failing` in the alphabet.
            .order_by_desc(Column::Health)
            .order_by_asc(Column::Name)
            .limit(limit)
            .into_model::<Counted>()
            .all(self.0.read())
            .await?;
        let total = rows.first().map(|row| row.total);
        let ailing = rows.into_iter().map(|row| {
            Ok(AilingAlone {
                id: row.id,
                name: row.name,
                connection_id: row.connection_id,
                health: row::word("folder_mappings.health", &row.health)?,
                detail: row.health_detail,
                since: row::maybe_time(row.failing_since)?,
            })
        });
        Ok(Top::of(ailing.collect::<Result<_>>()?, total))
    }

    /// How many that pull by themselves are in each health, every health listed.
    ///
    /// # Errors
    /// As [`Self::ailing`].
    pub async fn count_by_health(&self) -> Result<Vec<(Health, u64)>> {
        let rows: Vec<(String, i64)> = Entity::find()
            .select_only()
            .column(Column::Health)
            .column_as(Column::Id.count(), "count")
            .filter(Column::Enabled.eq(true))
            .group_by(Column::Health)
            .into_tuple()
            .all(self.0.read())
            .await?;
        Ok(Health::counted(&rows))
    }

    /// Those that are due first, so many at most; of connections that may be used, since of others none is pulled.
    ///
    /// # Errors
    /// As [`Self::ailing`].
    pub async fn upcoming(&self, limit: u64) -> Result<Vec<UpcomingPull>> {
        let usable = Query::select()
            .column(connections::Column::Id)
            .from(connections::Entity)
            .and_where(connections::Column::Status.eq(ConnectionStatus::Active.as_str()))
            .and_where(connections::Column::Health.ne(Health::RequiresAttention.as_str()))
            .take();
        let due = Entity::find()
            .filter(Column::ConnectionId.in_subquery(usable))
            .filter(Column::Enabled.eq(true))
            .filter(Column::LookAt.is_not_null())
            .filter(Column::NextRunAt.is_not_null())
            .order_by_asc(Column::LookAt)
            .order_by_asc(Column::Id)
            .limit(limit)
            .all(self.0.read())
            .await?;
        let names: Vec<(Uuid, String)> = connections::Entity::find()
            .select_only()
            .columns([connections::Column::Id, connections::Column::Name])
            .filter(connections::Column::Id.is_in(due.iter().map(|row| row.connection_id)))
            .into_tuple()
            .all(self.0.read())
            .await?;
        let upcoming = due.into_iter().map(|row| {
            let name = names.iter().find(|(id, _)| *id == row.connection_id);
            Ok(UpcomingPull {
                mapping_id: row.id,
                mapping_name: row.name,
                connection_id: row.connection_id,
                connection_name: name.map(|(_, name)| name.clone()).unwrap_or_default(),
                at: row::time(row.next_run_at.unwrap_or_default())?,
            })
        });
        upcoming.collect()
    }
}
