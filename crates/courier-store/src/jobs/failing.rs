//! Jobs whose last execution failed.

use jiff::Timestamp;
use sea_orm::{FromQueryResult, Statement};
use serde_json::Value;
use uuid::Uuid;

use super::Jobs;
use crate::{Result, connections::Top, row};

/// A job whose last execution failed.
#[derive(Clone, Debug, PartialEq)]
pub struct FailingJob {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Why the execution failed.
    pub error: Option<Value>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    name: String,
    error: Option<Value>,
    ended_at: Option<i64>,
    total: i64,
}

/// For each job, one look at the end of the index of its executions.
const FAILING: &str = "SELECT jobs.id, jobs.name, last.error, last.ended_at, COUNT(*) OVER () AS total \
     FROM jobs JOIN executions AS last ON last.id = (SELECT one.id FROM executions AS one \
     WHERE one.job_id = jobs.id AND one.state IN ('completed', 'failed', 'cancelled') ORDER BY one.id DESC LIMIT 1) \
     WHERE jobs.enabled AND last.state = 'failed' ORDER BY last.id DESC LIMIT ";

impl Jobs<'_> {
    /// Jobs that may run, and whose last execution that is over failed, the last to fail first; so many at most.
    ///
    /// # Errors
    /// [`Error::Database`](crate::Error::Database), [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn failing(&self, limit: u64) -> Result<Top<FailingJob>> {
        let db = self.0.read();
        let statement = Statement::from_string(db.get_database_backend(), format!("{FAILING}{limit}"));
        let rows = Row::find_by_statement(statement).all(db).await?;
        let total = rows.first().map(|row| row.total);
        let jobs = rows.into_iter().map(|row| {
            Ok(FailingJob {
                id: row.id,
                name: row.name,
                error: row.error,
                ended_at: row::maybe_time(row.ended_at)?,
            })
        });
        Ok(Top::of(jobs.collect::<Result<_>>()?, total))
    }
}
