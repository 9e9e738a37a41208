//! Schedules as a job's definition has them.

use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};
use uuid::Uuid;

use super::NewSchedule;
use crate::{
    Result,
    entities::schedules::{Column, Entity, Model},
    ids::new_id,
    row,
};

/// Makes these the schedules of a job, in a transaction that has locked the job. One that the job had already stays as it
/// is, and what it missed is still to come; but nothing was missed while the job might not run.
pub(crate) async fn rewrite(
    db: &impl ConnectionTrait,
    job: Uuid,
    was_enabled: bool,
    enabled: bool,
    schedules: Vec<NewSchedule>,
) -> Result<()> {
    let mut before = Entity::find().filter(Column::JobId.eq(job)).all(db).await?;
    for (position, new) in (0..).zip(schedules) {
        let same = before.iter().position(|row| is_same(row, &new));
        let old = same.map(|at| before.swap_remove(at));
        let first = row::micros(new.next_run_at);
        let (next_run_at, look_at) = match &old {
            _ if !enabled => (None, None),
            Some(old) if was_enabled => (old.next_run_at, old.look_at),
            _ => (first, first),
        };
        let row = Model {
            id: old.as_ref().map_or_else(new_id, |old| old.id),
            job_id: job,
            position,
            at: row::micros(new.at),
            cron: new.cron,
            timezone: new.timezone,
            missed: new.missed.as_str().into(),
            next_run_at,
            look_at,
            last_run_at: old.as_ref().and_then(|old| old.last_run_at),
            last_execution: old.as_ref().and_then(|old| old.last_execution),
        };
        match old {
            Some(old) if old == row => {}
            Some(old) => {
                Entity::update_many()
                    .set(row.into_active_model().reset_all())
                    .filter(Column::Id.eq(old.id))
                    .exec(db)
                    .await?;
            }
            None => {
                Entity::insert(row.into_active_model().reset_all())
                    .exec_without_returning(db)
                    .await?;
            }
        }
    }
    Entity::delete_many()
        .filter(Column::Id.is_in(before.iter().map(|row| row.id)))
        .exec(db)
        .await?;
    Ok(())
}

/// Is it due at the same times?
fn is_same(row: &Model, new: &NewSchedule) -> bool {
    row.cron == new.cron && row.timezone == new.timezone && row.at == row::micros(new.at)
}
