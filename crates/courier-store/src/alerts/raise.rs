//! From what happened to the messages about it, in the transaction of what happened.
//!
//! About one subject, such as a job, there is one message in a rule's time of repeats. What happens meanwhile goes into one
//! message more, which waits for the end of that time; the same where the rule is quiet. Something graver, and the news
//! that all is well again, don't wait for repeats.

use jiff::Timestamp;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{LockType, OnConflict, Query},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{AlertKind, DeliveryState, Event, Rule, Severity, rule_of};
use crate::{
    Result,
    entities::{alert_deliveries, alert_subjects, alerts, executions, steps},
    executions::{ExecutionState, StepState, is_uneventful},
    ids::{now, stamp},
    row,
};

/// As many of the messages that one stands for are told of in it.
const EARLIER: usize = 20;
/// Where a message tells what is wrong.
const WHY: [&str; 3] = [
    "/error/message",
    "/mapping/health_detail",
    "/connection/health_detail",
];

/// Writes the messages of everybody who wants to know of this.
pub(crate) async fn raise(db: &impl ConnectionTrait, event: &Event, at: Timestamp) -> Result<()> {
    let wanted = |row: &alerts::Model| rule_of(row).is_some_and(|rule| rule.wants(event));
    let enabled = alerts::Entity::find().filter(alerts::Column::Enabled.eq(true));
    let rows = enabled.clone().all(db).await?;
    let ids: Vec<Uuid> = rows.iter().filter(|row| wanted(row)).map(|row| row.id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    // They stay until this is written; changes of other alerts wait for nobody.
    let rows = enabled
        .filter(alerts::Column::Id.is_in(ids))
        .order_by_asc(alerts::Column::Id)
        .lock(LockType::KeyShare)
        .all(db)
        .await?;
    for row in rows.iter().filter(|row| wanted(row)) {
        if let Some(rule) = rule_of(row) {
            tell(db, row.id, &rule, event, at).await?;
        }
    }
    Ok(())
}

/// Writes the message of one rule, or adds to the one that waits.
pub(super) async fn tell(
    db: &impl ConnectionTrait,
    alert: Uuid,
    rule: &Rule,
    event: &Event,
    at: Timestamp,
) -> Result<()> {
    let Some(mut subject) = subject(db, alert, event).await? else {
        return Ok(());
    };
    let severity = event.severity.number();
    let window_until = row::time(subject.window_until)?;
    if let Some(mut message) = waiting(db, &subject, at).await? {
        let graver = severity > subject.peak;
        note_earlier(&mut message);
        message.kind = event.kind.as_str().into();
        message.recovered = event.severity == Severity::Recovered;
        message.facts = row::clean_json(event.facts.clone());
        message.happened_at = at.as_microsecond();
        if graver {
            message.due_at = rule.due(at).as_microsecond();
        }
        subject.peak = subject.peak.max(severity);
        subject.told = severity;
        message.into_active_model().reset_all().update(db).await?;
        return write(db, subject).await;
    }
    let is_told = subject.told > 0;
    match event.severity {
        Severity::Recovered if !is_told => return Ok(()),
        // It is late once.
        _ if event.kind == AlertKind::ExecutionLate && is_told && severity > 0 => return Ok(()),
        _ => {}
    }
    let fresh = at >= window_until;
    let at_once = fresh || severity == 0 || severity > subject.peak;
    let due = rule.due(if at_once { at } else { window_until });
    let id = stamp().0;
    let message = alert_deliveries::Model {
        id,
        alert_id: alert,
        kind: event.kind.as_str().into(),
        recovered: event.severity == Severity::Recovered,
        facts: row::clean_json(event.facts.clone()),
        held: 0,
        earlier: json!([]),
        state: DeliveryState::Pending.as_str().into(),
        attempts: 0,
        happened_at: at.as_microsecond(),
        due_at: due.as_microsecond(),
        ended_at: None,
        answer: None,
        joined_into: None,
    };
    alert_deliveries::Entity::insert(message.into_active_model().reset_all())
        .exec_without_returning(db)
        .await?;
    subject.told = severity;
    if severity > 0 {
        subject.peak = if fresh {
            severity
        } else {
            subject.peak.max(severity)
        };
        subject.window_until = (due + rule.window()).as_microsecond();
    }
    subject.waiting = (due > at).then_some(id);
    write(db, subject).await
}

/// How the event's subject stands, locked. None where it is well and nobody was told otherwise.
async fn subject(
    db: &impl ConnectionTrait,
    alert: Uuid,
    event: &Event,
) -> Result<Option<alert_subjects::Model>> {
    use alert_subjects::{Entity, Model};
    if event.severity != Severity::Recovered {
        let new = Model {
            alert_id: alert,
            subject: event.subject.clone(),
            told: 0,
            peak: 0,
            window_until: 0,
            waiting: None,
        };
        // Whoever comes second waits here for the first.
        Entity::insert(new.into_active_model().reset_all())
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .exec_without_returning(db)
            .await?;
    }
    let subject = Entity::find_by_id((alert, event.subject.clone())).lock_exclusive();
    Ok(subject.one(db).await?)
}

async fn write(db: &impl ConnectionTrait, subject: alert_subjects::Model) -> Result<()> {
    subject.into_active_model().reset_all().update(db).await?;
    Ok(())
}

/// The message of this subject that nobody has begun to send.
async fn waiting(
    db: &impl ConnectionTrait,
    subject: &alert_subjects::Model,
    at: Timestamp,
) -> Result<Option<alert_deliveries::Model>> {
    use alert_deliveries::{Column, Entity};
    let Some(id) = subject.waiting else {
        return Ok(None);
    };
    let waiting = Entity::find_by_id(id)
        .filter(Column::State.eq(DeliveryState::Pending.as_str()))
        .filter(Column::Attempts.eq(0))
        .filter(Column::DueAt.gt(at.as_microsecond()));
    Ok(waiting.lock_exclusive().one(db).await?)
}

/// What it was about until now is told in brief.
fn note_earlier(message: &mut alert_deliveries::Model) {
    message.held = message.held.saturating_add(1);
    let brief = json!({
        "type": message.kind,
        "at": row::time(message.happened_at).ok(),
        "recovered": message.recovered,
        "execution": message.facts.pointer("/execution/id"),
        "error": WHY.iter().filter_map(|why| message.facts.pointer(why)).find(|why| !why.is_null()),
    });
    if let Value::Array(earlier) = &mut message.earlier {
        if earlier.len() >= EARLIER {
            earlier.remove(0);
        }
        earlier.push(brief);
    }
}

/// An execution has come to its end: tells of it, in the transaction that ends it.
pub(crate) async fn execution_over(
    db: &impl ConnectionTrait,
    execution: &executions::Model,
    to: ExecutionState,
    error: Option<&Value>,
) -> Result<()> {
    let enabled = alerts::Entity::find().filter(alerts::Column::Enabled.eq(true));
    let anybody = enabled
        .select_only()
        .column(alerts::Column::Id)
        .into_tuple::<Uuid>();
    if !to.is_final() || anybody.one(db).await?.is_none() {
        return Ok(());
    }
    let at = now();
    let step = match to {
        ExecutionState::Failed => failed_step(db, execution.id).await?,
        _ => None,
    };
    let origin = execution.job_id;
    let mut facts = execution_facts(execution, to, Some(at));
    if let Value::Object(facts) = &mut facts {
        facts.extend(step.map(|step| ("step".to_owned(), step)));
        facts.extend(error.map(|error| ("error".to_owned(), error.clone())));
    }
    let event = |kind, severity, subject| Event {
        kind,
        subject,
        severity,
        job: Some(origin),
        connection: None,
        mapping: None,
        facts: facts.clone(),
    };
    let failed = format!("failed:{origin}");
    match to {
        ExecutionState::Failed => {
            raise(
                db,
                &event(AlertKind::ExecutionFailed, Severity::Problem, failed),
                at,
            )
            .await?;
        }
        ExecutionState::Completed => {
            raise(
                db,
                &event(AlertKind::ExecutionFailed, Severity::Recovered, failed),
                at,
            )
            .await?;
            // Of pulls that found nothing there are very many.
            if !is_uneventful(db, execution, to).await? {
                let completed = format!("completed:{origin}");
                raise(
                    db,
                    &event(AlertKind::ExecutionCompleted, Severity::Problem, completed),
                    at,
                )
                .await?;
            }
        }
        _ => {}
    }
    let late = late_subject(execution.id);
    raise(
        db,
        &event(AlertKind::ExecutionLate, Severity::Recovered, late.clone()),
        at,
    )
    .await?;
    // Nobody will speak of this execution again. By alert, as the index is: there is a subject for each job as well.
    let all = Query::select()
        .column(alerts::Column::Id)
        .from(alerts::Entity)
        .to_owned();
    alert_subjects::Entity::delete_many()
        .filter(alert_subjects::Column::AlertId.in_subquery(all))
        .filter(alert_subjects::Column::Subject.eq(late))
        .exec(db)
        .await?;
    Ok(())
}

/// What the subjects of executions that are late begin with.
const LATE: &str = "late:";

pub(super) fn late_subject(execution: Uuid) -> String {
    format!("{LATE}{execution}")
}

/// The execution that a subject is of, which is late.
pub(super) fn late_execution(subject: &str) -> Option<Uuid> {
    subject.strip_prefix(LATE)?.parse().ok()
}

/// What a message tells of an execution.
pub(super) fn execution_facts(
    execution: &executions::Model,
    state: ExecutionState,
    ended_at: Option<Timestamp>,
) -> Value {
    let time = |micros: Option<i64>| row::maybe_time(micros).ok().flatten();
    let origin = match execution.mapping_id {
        Some(_) => "mapping",
        None => "job",
    };
    json!({
        origin: {"id": execution.job_id, "name": execution.job_name},
        "execution": {
            "id": execution.id,
            "path": format!("/executions/{}", execution.id),
            "state": state,
            "triggered_by": execution.triggered_by,
            "attempts": execution.attempts,
            "node": execution.node,
            "scheduled_at": time(execution.scheduled_at),
            "queued_at": time(Some(execution.queued_at)),
            "started_at": time(execution.started_at),
            "ended_at": ended_at,
        },
    })
}

async fn failed_step(db: &impl ConnectionTrait, execution: Uuid) -> Result<Option<Value>> {
    let failed = steps::Entity::find()
        .filter(steps::Column::ExecutionId.eq(execution))
        .filter(steps::Column::State.eq(StepState::Failed.as_str()))
        .order_by_desc(steps::Column::Step)
        .one(db)
        .await?;
    Ok(failed.map(|step| {
        json!({"index": step.step, "name": step.name, "step_type": step.step_type, "attempts": step.attempts})
    }))
}
