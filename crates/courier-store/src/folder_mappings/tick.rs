//! What is due: found by an index, locked, and put into the queue in batches.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, Statement,
    sea_query::{Expr, LockBehavior, LockType},
};
use uuid::Uuid;

use super::{
    FolderMapping, FolderMappings,
    health::{self, ConnectionState, Ill},
    locked,
};
use crate::{
    Kind, Result, Store,
    audit::NewAudit,
    entities::{
        executions,
        folder_mappings::{Column, Entity, Model},
    },
    executions::{Execution, ExecutionState, NewExecution, queue},
    ids::now,
    row,
    schedules::Glance,
};

/// How soon one is looked at again whose connection has as many pulls as it may.
const SOON: SignedDuration = SignedDuration::from_secs(2);
/// How soon a mapping that nobody can plan for is looked at again.
const LATER: SignedDuration = SignedDuration::from_mins(1);

/// What a mapping that is due leads to.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What is to be done.
    pub then: Then,
    /// When it is due next; none for never.
    pub next_run_at: Option<Timestamp>,
}

/// What is done with a mapping that is due.
#[derive(Clone, Debug, PartialEq)]
pub enum Then {
    /// It is pulled by this execution, unless it is being pulled.
    Run(Box<NewExecution>),
    /// It can't be pulled now, for this reason.
    Wait(Ill),
    /// Its connection has as many pulls as it may: it is looked at again in a moment.
    Queue,
}

/// What has become of a mapping that was due.
#[derive(Clone, Debug, PartialEq)]
pub enum Fired {
    /// This execution was queued.
    Queued(Box<Execution>),
    /// It is being pulled, or waits for that, by this execution.
    Pulling(Uuid),
    /// It can't be pulled now.
    Waits,
    /// It is looked at again in a moment.
    Queues,
    /// Nobody could say what it leads to: it is looked at again a minute later.
    Unplanned(Uuid),
}

impl FolderMappings<'_> {
    /// Looks at the clock and at the mapping that is to be looked at first, by one question to an index.
    ///
    /// # Errors
    /// [`Error::Database`](crate::Error::Database), [`Error::Unavailable`](crate::Error::Unavailable), as everywhere.
    pub async fn glance(&self) -> Result<Glance> {
        const EARLIEST: &str = "(SELECT MIN(look_at) FROM folder_mappings) AS earliest";
        let (backend, clock) = match self.0.kind() {
            Kind::Sqlite => (DbBackend::Sqlite, None),
            Kind::Postgres => (DbBackend::Postgres, Some(CLOCK)),
        };
        let columns: Vec<&str> = clock.into_iter().chain([EARLIEST]).collect();
        let question = Statement::from_string(backend, format!("SELECT {}", columns.join(", ")));
        let answer = self.0.read().query_one_raw(question).await?;
        let (mut at, mut earliest) = (now(), None);
        if let Some(answer) = answer {
            earliest = row::maybe_time(answer.try_get("", "earliest")?)?;
            if clock.is_some() {
                at = row::time(answer.try_get("", "now")?)?;
            }
        }
        Ok(Glance { now: at, earliest })
    }

    /// How many pulls wait in the queue.
    ///
    /// # Errors
    /// As [`Self::glance`].
    pub async fn queued(&self) -> Result<u64> {
        let queued = executions::Entity::find()
            .filter(executions::Column::State.eq(ExecutionState::Queued.as_str()))
            .filter(executions::Column::MappingId.is_not_null());
        Ok(queued.count(self.0.read()).await?)
    }

    /// Does what the mappings lead to that are due at this time, the longest due first, of which so many are queued at most:
    /// those that had to wait for others of their connection come before who is due since later. Queues the executions
    /// that `plan` makes of each mapping and its connection, and notes when they are due next, in one transaction. Of several
    /// nodes that come at once each gets others. One that is being pulled is left alone until it is due again. Answers what
    /// has become of them; nothing where none is due.
    ///
    /// # Errors
    /// As [`Self::glance`].
    pub async fn fire(
        &self,
        now: Timestamp,
        limit: u64,
        plan: impl Fn(&FolderMapping, &ConnectionState) -> Option<Plan>,
    ) -> Result<Vec<Fired>> {
        self.0
            .transact(async |db| {
                let mut due = Entity::find()
                    .filter(Column::LookAt.lte(now.as_microsecond()))
                    .order_by_asc(Column::LookAt)
                    .order_by_asc(Column::Id)
                    .limit(limit)
                    .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
                    .all(db)
                    .await?;
                if due.is_empty() {
                    return Ok(Vec::new());
                }
                let waiting = waiting(db, &due, now, limit).await?;
                due.extend(waiting);
                due.sort_by_key(|row| (row.next_run_at, row.id));
                let mut connections =
                    health::connections(db, due.iter().map(|row| row.connection_id)).await?;
                count_pulls(db, &mut connections).await?;
                let pulling = pulling(db, &due).await?;
                let mut fired = Vec::with_capacity(due.len());
                let mut room = limit;
                for row in due {
                    if room == 0 {
                        break;
                    }
                    let connection = connections.get_mut(&row.connection_id);
                    let pulling = pulling.get(&row.id).copied();
                    let done = fire(db, row, connection, pulling, now, &plan).await?;
                    room -= u64::from(matches!(done, Fired::Queued(_)));
                    fired.push(done);
                }
                Ok(fired)
            })
            .await
    }

    /// Queues a pull that somebody asks for, with the audit record of it; where the mapping is being pulled or waits for
    /// that, answers that execution, and `false`.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound).
    pub async fn run(
        &self,
        id: Uuid,
        execution: impl FnOnce(&FolderMapping) -> NewExecution,
        record: impl FnOnce(&FolderMapping, &Execution) -> NewAudit,
    ) -> Result<(Uuid, bool)> {
        let run = self
            .0
            .transact(async |db| {
                let row = locked(db, id).await?;
                let pulling = pulling(db, std::slice::from_ref(&row)).await?;
                if let Some(running) = pulling.get(&id) {
                    return Ok((*running, false));
                }
                let mapping = FolderMapping::try_from(row)?;
                let queued = queue::insert(db, execution(&mapping)).await?;
                Entity::update_many()
                    .col_expr(Column::LastRunAt, Expr::value(queued.queued_at.as_microsecond()))
                    .col_expr(Column::LastExecution, Expr::value(queued.id))
                    .filter(Column::Id.eq(id))
                    .exec(db)
                    .await?;
                self.0.append_audit(db, vec![record(&mapping, &queued)]).await?;
                Ok((queued.id, true))
            })
            .await?;
        if run.1 {
            self.0.dispatcher().wake();
        }
        Ok(run)
    }
}

/// The clock of PostgreSQL's server, so that nodes agree on it.
const CLOCK: &str = "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT AS now";

/// The time in a transaction, by the clock that ticks go by.
pub(super) async fn clock(store: &Store, db: &DatabaseTransaction) -> Result<Timestamp> {
    if store.kind() == Kind::Sqlite {
        return Ok(now());
    }
    let question = Statement::from_string(DbBackend::Postgres, format!("SELECT {CLOCK}"));
    match db.query_one_raw(question).await? {
        Some(answer) => row::time(answer.try_get("", "now")?),
        None => Ok(now()),
    }
}

/// Those that are to be looked at again in a moment because their connection had as many pulls as it may: of the connections of
/// these, the longest due first.
async fn waiting(db: &DatabaseTransaction, due: &[Model], now: Timestamp, limit: u64) -> Result<Vec<Model>> {
    let soon = now.checked_add(SOON).unwrap_or(now);
    let waiting = Entity::find()
        .filter(Column::ConnectionId.is_in(due.iter().map(|row| row.connection_id)))
        .filter(Column::NextRunAt.lte(now.as_microsecond()))
        .filter(Column::LookAt.gt(now.as_microsecond()))
        .filter(Column::LookAt.lte(soon.as_microsecond()))
        .order_by_asc(Column::NextRunAt)
        .order_by_asc(Column::Id)
        .limit(limit)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    Ok(waiting.all(db).await?)
}

async fn fire(
    db: &DatabaseTransaction,
    row: Model,
    mut connection: Option<&mut ConnectionState>,
    pulling: Option<Uuid>,
    now: Timestamp,
    plan: &impl Fn(&FolderMapping, &ConnectionState) -> Option<Plan>,
) -> Result<Fired> {
    let (mut after, id) = (row.clone(), row.id);
    let mapping = FolderMapping::try_from(row.clone())
        .inspect_err(|error| tracing::error!(mapping = %id, %error, "a folder mapping can't be read"));
    let planned = match (mapping, &connection) {
        (Ok(mapping), Some(connection)) => plan(&mapping, connection),
        _ => None,
    };
    let Some(planned) = planned else {
        after.look_at = row::micros(now.checked_add(LATER).ok());
        health::save(db, &row, after).await?;
        return Ok(Fired::Unplanned(id));
    };
    if (&planned.then, pulling) == (&Then::Queue, None) {
        // One that waits already is looked at again when that was to be.
        if row.look_at > Some(now.as_microsecond()) {
            return Ok(Fired::Queues);
        }
        after.look_at = row::micros(now.checked_add(SOON).ok());
        health::save(db, &row, after).await?;
        return Ok(Fired::Queues);
    }
    after.next_run_at = row::micros(planned.next_run_at);
    after.look_at = after.next_run_at;
    let fired = match (planned.then, pulling) {
        (Then::Queue, None) => Fired::Queues,
        (_, Some(execution)) => Fired::Pulling(execution),
        (Then::Run(execution), None) => {
            let queued = queue::insert(db, *execution).await?;
            after.last_run_at = Some(queued.queued_at.as_microsecond());
            after.last_execution = Some(queued.id);
            after.waits_for_connection = false;
            if let Some(connection) = &mut connection {
                connection.pulls += 1;
            }
            Fired::Queued(Box::new(queued))
        }
        (Then::Wait(ill), None) => {
            health::apply(&mut after, ill, now);
            Fired::Waits
        }
    };
    health::save(db, &row, after).await?;
    Ok(fired)
}

/// Counts the pulls of these connections. Those that are not over are few.
async fn count_pulls(
    db: &DatabaseTransaction,
    connections: &mut HashMap<Uuid, ConnectionState>,
) -> Result<()> {
    const QUESTION: &str = "SELECT m.connection_id AS id, COUNT(*) AS pulls FROM executions e \
         JOIN folder_mappings m ON m.id = e.mapping_id WHERE e.state IN ('queued', 'running') GROUP BY m.connection_id";
    let question = Statement::from_string(db.get_database_backend(), QUESTION);
    for answer in db.query_all_raw(question).await? {
        if let Some(connection) = connections.get_mut(&answer.try_get("", "id")?) {
            connection.pulls = row::amount(answer.try_get("", "pulls")?);
        }
    }
    Ok(())
}

/// Which of these are being pulled or wait for that, and by which execution: one of their own that is not over, or a job's
/// that runs.
pub(super) async fn pulling(db: &impl ConnectionTrait, mappings: &[Model]) -> Result<HashMap<Uuid, Uuid>> {
    use executions::Column;
    let unfinished = ExecutionState::ALL.iter().filter(|state| !state.is_final());
    let own: Vec<(Uuid, Uuid)> = executions::Entity::find()
        .select_only()
        .column(Column::JobId)
        .column(Column::Id)
        // Which holds a mapping's id, and has an index.
        .filter(Column::JobId.is_in(mappings.iter().map(|row| row.id)))
        .filter(Column::State.is_in(unfinished.map(|state| state.as_str())))
        .into_tuple()
        .all(db)
        .await?;
    let mut pulling: HashMap<Uuid, Uuid> = own.into_iter().collect();
    for row in mappings {
        if let Some(holder) = row.held_by
            && !pulling.contains_key(&row.id)
            && is_running(db, holder).await?
        {
            pulling.insert(row.id, holder);
        }
    }
    Ok(pulling)
}

/// Does this execution run?
pub(super) async fn is_running(db: &impl ConnectionTrait, execution: Uuid) -> Result<bool> {
    let running = executions::Entity::find_by_id(execution)
        .filter(executions::Column::State.eq(ExecutionState::Running.as_str()));
    Ok(running.count(db).await? > 0)
}
