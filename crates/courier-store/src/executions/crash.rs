//! What becomes of executions whose process died.

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Set,
    sea_query::{ExprTrait, SelectStatement},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Claim, ExecutionState, StepState, node, run};
use crate::{
    Kind, Result, Store,
    entities::{
        executions::{ActiveModel, Column, Entity, Model},
        function_calls, nodes, steps,
    },
    ids::now,
    row,
};

/// How often in a row a process may end while it runs an execution that comes no further.
const CRASHES: i32 = 5;
/// What a completed step counts beside bytes and files: more than all that an earlier attempt at it can have moved.
const COMPLETED: i64 = 1 << 50;

/// Why an execution that runs, as far as its row says, has nobody at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// Its process died, or lost its lease. Perhaps it was the execution that did it.
    Dead,
    /// Its process lives, and never knew that it had taken it.
    Lost,
}

/// Puts back what dead processes have left running. On SQLite, that is everything.
pub(super) async fn put_back(store: &Store) -> Result<Vec<(Uuid, ExecutionState)>> {
    match store.kind() {
        Kind::Sqlite => {
            store
                .transact(async |db| put_back_those(db, Condition::all(), Cause::Dead).await)
                .await
        }
        Kind::Postgres => put_back_leaseless(store).await,
    }
}

/// Puts back one that is not run by whoever took it.
pub(super) async fn put_back_lost(store: &Store, claim: Claim) -> Result<Option<ExecutionState>> {
    let which = Condition::all()
        .add(Column::Id.eq(claim.execution))
        .add(Column::Attempts.eq(row::small(claim.attempt)));
    let found = store
        .transact(async |db| put_back_those(db, which, Cause::Lost).await)
        .await?;
    store.dispatcher().wake();
    Ok(found.first().map(|(_, state)| *state))
}

async fn put_back_leaseless(store: &Store) -> Result<Vec<(Uuid, ExecutionState)>> {
    let living = nodes::Entity::find()
        .select_only()
        .column(nodes::Column::Id)
        .filter(node::leased())
        .into_query();
    let leaseless = Condition::any()
        .add(Column::Holder.is_null())
        .add(Column::Holder.not_in_subquery(living));
    let holders: Vec<Option<Uuid>> = Entity::find()
        .select_only()
        .column(Column::Holder)
        .distinct()
        .filter(Column::State.eq(ExecutionState::Running.as_str()))
        .filter(leaseless)
        .into_tuple()
        .all(store.read())
        .await?;
    let mut put_back = Vec::new();
    for holder in holders {
        put_back.extend(store.transact(async |db| put_back_of(db, holder).await).await?);
    }
    // The dead that had nothing.
    nodes::Entity::delete_many()
        .filter(node::leased().not())
        .filter(nodes::Column::Id.not_in_subquery(holders_of_running()))
        .exec(store.write())
        .await?;
    Ok(put_back)
}

/// Puts back what one life has left, and ends it.
async fn put_back_of(db: &DatabaseTransaction, holder: Option<Uuid>) -> Result<Vec<(Uuid, ExecutionState)>> {
    let Some(life) = holder else {
        // A version of Courier without leases had it.
        return put_back_those(db, Condition::all().add(Column::Holder.is_null()), Cause::Dead).await;
    };
    // A late renewal waits for this lock, and finds the row gone.
    let row = nodes::Entity::find_by_id(life).lock_exclusive().one(db).await?;
    if row.is_some() && node::is_leased(db, life).await? {
        return Ok(Vec::new());
    }
    let found = put_back_those(db, Condition::all().add(Column::Holder.eq(life)), Cause::Dead).await?;
    nodes::Entity::delete_by_id(life).exec(db).await?;
    Ok(found)
}

pub(super) fn holders_of_running() -> SelectStatement {
    Entity::find()
        .select_only()
        .column(Column::Holder)
        .filter(Column::State.eq(ExecutionState::Running.as_str()))
        .filter(Column::Holder.is_not_null())
        .into_query()
}

/// Puts back which of those that run.
async fn put_back_those(
    db: &impl ConnectionTrait,
    which: Condition,
    cause: Cause,
) -> Result<Vec<(Uuid, ExecutionState)>> {
    let left = Entity::find()
        .filter(Column::State.eq(ExecutionState::Running.as_str()))
        .filter(which)
        .order_by_asc(Column::Id)
        .lock_exclusive()
        .all(db)
        .await?;
    let mut put_back = Vec::with_capacity(left.len());
    for row in &left {
        put_back.push((row.id, put_back_one(db, row, cause).await?));
    }
    Ok(put_back)
}

async fn put_back_one(db: &impl ConnectionTrait, row: &Model, cause: Cause) -> Result<ExecutionState> {
    let request = row::word("executions.request", &row.request)?;
    let mut to = run::settled(ExecutionState::Queued, request);
    let mut error = None;
    let node = row.node.as_deref().unwrap_or("that had it");
    let mut reason = match cause {
        Cause::Dead => format!("the node {node} died or lost its lease"),
        Cause::Lost => format!("the node {node} had taken it without hearing so from the database"),
    };
    let crashes = count_crash(db, row).await?;
    if crashes >= CRASHES && to == ExecutionState::Queued {
        to = ExecutionState::Failed;
        error = Some(too_many(crashes));
        reason = format!("{reason}, {crashes} times in a row without progress in between");
    }
    stop_steps(db, row.id, error.as_ref()).await?;
    run::write_state(db, row, to, error, Some(&reason)).await?;
    Ok(to)
}

/// Counts how often in a row it was interrupted so without having come further. One that only waited to try a step again
/// did nothing that could have ended its process.
async fn count_crash(db: &impl ConnectionTrait, row: &Model) -> Result<i32> {
    let Progress { mark, waits } = progress(db, row.id).await?;
    let crashes = match mark > row.crash_mark {
        _ if waits => return Ok(Ord::min(row.crashes, CRASHES - 1)),
        true => 1,
        false => row.crashes.saturating_add(1),
    };
    let change = ActiveModel {
        crashes: Set(crashes),
        crash_mark: Set(Ord::max(mark, row.crash_mark)),
        ..Default::default()
    };
    Entity::update_many()
        .set(change)
        .filter(Column::Id.eq(row.id))
        .exec(db)
        .await?;
    Ok(crashes)
}

/// How far an execution has come.
struct Progress {
    /// As one number that grows.
    mark: i64,
    /// A step has failed, is to be tried again later, and no other is under way.
    waits: bool,
}

async fn progress(db: &impl ConnectionTrait, execution: Uuid) -> Result<Progress> {
    let steps: Vec<(String, i64, i64)> = steps::Entity::find()
        .select_only()
        .columns([
            steps::Column::State,
            steps::Column::BytesTransferred,
            steps::Column::FilesTransferred,
        ])
        .filter(steps::Column::ExecutionId.eq(execution))
        .into_tuple()
        .all(db)
        .await?;
    let looks: Vec<i32> = function_calls::Entity::find()
        .select_only()
        .column(function_calls::Column::Looks)
        .filter(function_calls::Column::ExecutionId.eq(execution))
        .into_tuple()
        .all(db)
        .await?;
    let of_one = |(state, bytes, files): &(String, i64, i64)| {
        let is_done = [StepState::Completed, StepState::Skipped]
            .iter()
            .any(|done| state == done.as_str());
        match is_done {
            true => COMPLETED,
            false => bytes.saturating_add(*files).clamp(0, COMPLETED - 1),
        }
    };
    let is_there = |wanted: StepState| steps.iter().any(|(state, ..)| state == wanted.as_str());
    Ok(Progress {
        waits: is_there(StepState::Failed) && !is_there(StepState::Running),
        mark: steps
            .iter()
            .map(of_one)
            .chain(looks.into_iter().map(i64::from))
            .fold(0, i64::saturating_add),
    })
}

fn too_many(crashes: i32) -> Value {
    json!({
        "kind": "failed",
        "message": format!(
            "the process ended {crashes} times in a row while it ran this, without progress in between; the logs of the \
             nodes say why it ended, and the execution's history when"
        ),
    })
}

/// Nobody runs them any more: they are to be gone on with, or have failed with the execution.
async fn stop_steps(db: &impl ConnectionTrait, execution: Uuid, error: Option<&Value>) -> Result<()> {
    let change = match error {
        None => steps::ActiveModel {
            state: Set(StepState::Pending.as_str().into()),
            ..Default::default()
        },
        Some(error) => steps::ActiveModel {
            state: Set(StepState::Failed.as_str().into()),
            ended_at: Set(Some(now().as_microsecond())),
            error: Set(Some(error.clone())),
            ..Default::default()
        },
    };
    steps::Entity::update_many()
        .set(change)
        .filter(steps::Column::ExecutionId.eq(execution))
        .filter(steps::Column::State.eq(StepState::Running.as_str()))
        .exec(db)
        .await?;
    Ok(())
}
