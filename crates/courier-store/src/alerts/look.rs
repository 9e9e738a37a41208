//! What nobody reports by doing something: executions that are not over, and the deadlines of files.

use std::collections::HashSet;

use jiff::Timestamp;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Func, LockType},
};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Alert, Event, load,
    raise::{execution_facts, late_execution, late_subject, tell},
};
use crate::{
    Result, Store,
    entities::{alert_subjects, alerts, executions},
    executions::{ExecutionState, without_context},
    row,
};

/// What the subjects of runs that have not started begin with. Nobody speaks of them again, and they are forgotten.
pub const NOT_STARTED: &str = "due:";

/// No more are looked at at once.
const MANY: u64 = 1000;

/// An execution that is not over.
#[derive(Clone, Debug, PartialEq)]
pub struct Unfinished {
    /// Its id.
    pub id: Uuid,
    /// Its job, or its folder mapping.
    pub origin: Uuid,
    /// When it was due, or else put into the queue.
    pub due_at: Timestamp,
    /// What a message tells of it.
    pub facts: Value,
}

impl Unfinished {
    /// What is told of it, is told under this name.
    pub fn subject(&self) -> String {
        late_subject(self.id)
    }
}

/// Those that were due before this moment, oldest first, and behind that one.
pub(super) async fn unfinished(
    store: &Store,
    before: Timestamp,
    behind: Option<Uuid>,
) -> Result<Vec<Unfinished>> {
    use executions::Column;
    let states = ExecutionState::ALL.iter().filter(|state| !state.is_final());
    let due = Func::coalesce([Expr::col(Column::ScheduledAt), Expr::col(Column::QueuedAt)]);
    let rows = without_context()
        .filter(Condition::all().add_option(behind.map(|id| Column::Id.gt(id))))
        .filter(Column::State.is_in(states.map(|state| state.as_str())))
        .filter(Expr::expr(due).lt(before.as_microsecond()))
        .order_by_asc(Column::Id)
        .limit(MANY)
        .all(store.read())
        .await?;
    rows.into_iter()
        .map(|row| {
            let state = row::word("executions.state", &row.state)?;
            Ok(Unfinished {
                id: row.id,
                origin: row.job_id,
                due_at: row::time(row.scheduled_at.unwrap_or(row.queued_at))?,
                facts: execution_facts(&row, state, None),
            })
        })
        .collect()
}

/// Of what this alert has told that it isn't well.
pub(super) async fn told(store: &Store, alert: Uuid) -> Result<HashSet<String>> {
    use alert_subjects::{Column, Entity};
    let told = Entity::find()
        .select_only()
        .column(Column::Subject)
        .filter(Column::AlertId.eq(alert))
        .filter(Column::Told.gt(0))
        .into_tuple::<String>();
    Ok(told.all(store.read()).await?.into_iter().collect())
}

/// Tells by one alert, as it is now.
pub(super) async fn tell_by(store: &Store, alert: Uuid, event: &Event, at: Timestamp) -> Result<()> {
    store
        .transact(async |db| {
            let (alert, _) = match load(db, alert).await {
                Err(crate::Error::NotFound { .. }) => return Ok(()),
                found => found?,
            };
            match alert.enabled && !is_over(db, event).await? {
                true => tell(db, alert.id, &alert.rule, event, at).await,
                false => Ok(()),
            }
        })
        .await
}

/// Is the execution that was late over by now? Else its end waits until this is written, so that it is told of, too.
async fn is_over(db: &impl ConnectionTrait, event: &Event) -> Result<bool> {
    use executions::{Column, Entity};
    let Some(id) = late_execution(&event.subject) else {
        return Ok(false);
    };
    let state: Option<String> = Entity::find_by_id(id)
        .select_only()
        .column(Column::State)
        .lock(LockType::Share)
        .into_tuple()
        .one(db)
        .await?;
    let state = state.map(|state| row::word::<ExecutionState>("executions.state", &state));
    Ok(state.transpose()?.is_none_or(ExecutionState::is_final))
}

/// The deadline of its file has been looked at, by one node alone, which tells of it where the file is missing.
pub(super) async fn checked(
    store: &Store,
    alert: &Alert,
    deadline: Timestamp,
    missing: Option<&Event>,
    at: Timestamp,
) -> Result<bool> {
    use alerts::{Column, Entity};
    let deadline = deadline.as_microsecond();
    store
        .transact(async |db| {
            let first = Entity::update_many()
                .col_expr(Column::CheckedAt, Expr::value(deadline))
                .filter(Column::Id.eq(alert.id))
                .filter(Column::Enabled.eq(true))
                .filter(Column::CheckedAt.lt(deadline))
                .filter(Column::UpdatedAt.eq(alert.updated_at.as_microsecond()))
                .exec(db)
                .await?;
            let is_first = first.rows_affected > 0;
            if let (true, Some(event)) = (is_first, missing) {
                tell(db, alert.id, &alert.rule, event, at).await?;
            }
            Ok(is_first)
        })
        .await
}
