//! Alerts whose messages nobody got.

use jiff::Timestamp;
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::Alerts;
use crate::{Result, connections::Top, row, sql::Sql};

/// An alert with messages that were given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undelivered {
    /// The alert.
    pub alert_id: Uuid,
    /// Its name.
    pub name: String,
    /// How many messages.
    pub messages: u64,
    /// When the last one was given up.
    pub last_at: Option<Timestamp>,
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    name: String,
    messages: i64,
    last_at: Option<i64>,
    total: i64,
}

impl Alerts<'_> {
    /// Alerts with messages that were given up since then, the last first; so many at most. Tests don't count.
    ///
    /// # Errors
    /// [`Error::Database`](crate::Error::Database), [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn undelivered(&self, since: Timestamp, limit: u64) -> Result<Top<Undelivered>> {
        let db = self.0.read();
        let sql = Sql::new(
            db.get_database_backend(),
            "SELECT alerts.id, alerts.name, given_up.messages, given_up.last_at, COUNT(*) OVER () AS total FROM \
             (SELECT alert_id, COUNT(*) AS messages, MAX(ended_at) AS last_at FROM alert_deliveries \
             WHERE state = 'failed' AND kind <> 'test' AND ended_at >= ",
        );
        let sql = sql
            .value(since.as_microsecond())
            .text(" GROUP BY alert_id) AS given_up JOIN alerts ON alerts.id = given_up.alert_id ORDER BY given_up.last_at DESC LIMIT ")
            .text(&limit.to_string());
        let rows = Row::find_by_statement(sql.build()).all(db).await?;
        let total = rows.first().map(|row| row.total);
        let alerts = rows.into_iter().map(|row| {
            Ok(Undelivered {
                alert_id: row.id,
                name: row.name,
                messages: row::amount(row.messages),
                last_at: row::maybe_time(row.last_at)?,
            })
        });
        Ok(Top::of(alerts.collect::<Result<_>>()?, total))
    }
}
