//! What a schedule that is due leads to.

use jiff::{SignedDuration, Timestamp};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, LockBehavior, LockType},
};

use super::{Due, Schedule};
use crate::{
    Error, Result, Store,
    audit::NewAudit,
    entities::{
        jobs,
        schedules::{Column, Entity, Model},
    },
    executions::{Execution, NewExecution, queue},
    jobs::Job,
    row,
};

/// How soon one whose run has to wait is looked at again.
const WAIT: SignedDuration = SignedDuration::from_secs(2);
/// How soon one that nobody can plan for is looked at again.
const LATER: SignedDuration = SignedDuration::from_mins(1);

/// What a schedule that is due leads to.
#[derive(Debug)]
pub struct Plan<R> {
    /// The execution to be queued; none where nothing is.
    pub execution: Option<NewExecution>,
    /// When the schedule is due next, if ever.
    pub next_run_at: Option<Timestamp>,
    /// Does the run wait while the job has as many executions as it may? Else it is left out.
    pub waits: bool,
    /// The audit records of what has become of it.
    pub record: R,
}

/// What has become of a schedule that was due.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// An execution was queued.
    Queued(Box<Execution>),
    /// The run was left out: the job has as many executions as it may, as these words say.
    LeftOut(String),
    /// Nothing was to be queued.
    Nothing,
    /// The run waits until the job has fewer executions.
    Waits,
    /// Nobody could say what it leads to.
    Unplanned,
    /// It isn't due any more, or another node is at it.
    NotDue,
}

pub(super) async fn fire<R>(
    store: &Store,
    due: Due,
    now: Timestamp,
    plan: impl FnOnce(&Schedule, &Job) -> Option<Plan<R>>,
) -> Result<Outcome>
where
    R: FnOnce(&Outcome) -> Vec<NewAudit>,
{
    store
        .transact(async |db| {
            let Some((row, job)) = take(db, due, now).await? else {
                return Ok(Outcome::NotDue);
            };
            let mut after = row.clone();
            let read = Schedule::try_from(row).and_then(|schedule| Ok((schedule, Job::try_from(job)?)));
            let read = read.inspect_err(
                |error| tracing::error!(job = %due.job_id, schedule = %due.id, %error, "a schedule can't be read"),
            );
            let Some(plan) = read.ok().and_then(|(schedule, job)| plan(&schedule, &job)) else {
                after.look_at = row::micros(now.checked_add(LATER).ok());
                save(db, after).await?;
                return Ok(Outcome::Unplanned);
            };
            let scheduled_at = plan.execution.as_ref().and_then(|new| new.scheduled_at);
            let outcome = match plan.execution {
                None => Outcome::Nothing,
                Some(execution) => match queue::insert(db, execution).await {
                    Ok(queued) => Outcome::Queued(Box::new(queued)),
                    Err(Error::Conflict(_)) if plan.waits => Outcome::Waits,
                    Err(Error::Conflict(why)) => Outcome::LeftOut(why),
                    Err(error) => return Err(error),
                },
            };
            if let Outcome::Queued(execution) = &outcome {
                after.last_run_at = row::micros(scheduled_at);
                after.last_execution = Some(execution.id);
            }
            if outcome == Outcome::Waits {
                after.look_at = row::micros(now.checked_add(WAIT).ok());
            } else {
                after.next_run_at = row::micros(plan.next_run_at);
                after.look_at = after.next_run_at;
            }
            save(db, after).await?;
            store.append_audit(db, (plan.record)(&outcome)).await?;
            Ok(outcome)
        })
        .await
}

/// Locks the job, then the schedule, in the order of those who change a job; not where somebody else is at it.
async fn take(db: &DatabaseTransaction, due: Due, now: Timestamp) -> Result<Option<(Model, jobs::Model)>> {
    let job = jobs::Entity::find_by_id(due.job_id)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .one(db)
        .await?;
    let Some(job) = job else { return Ok(None) };
    let row = Entity::find_by_id(due.id)
        .filter(Column::LookAt.lte(now.as_microsecond()))
        .lock_exclusive()
        .one(db)
        .await?;
    Ok(row.map(|row| (row, job)))
}

async fn save(db: &DatabaseTransaction, row: Model) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::NextRunAt, Expr::value(row.next_run_at))
        .col_expr(Column::LookAt, Expr::value(row.look_at))
        .col_expr(Column::LastRunAt, Expr::value(row.last_run_at))
        .col_expr(Column::LastExecution, Expr::value(row.last_execution))
        .filter(Column::Id.eq(row.id))
        .exec(db)
        .await?;
    Ok(())
}
