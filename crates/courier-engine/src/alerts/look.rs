//! Looks for what nobody reports: executions that are late, and files that have not come.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use courier_store::{
    Store,
    alerts::{Alert, AlertKind, Event, Expect, NOT_STARTED, Severity, Unfinished},
    audit::{AuditFilter, AuditRecord},
};
use courier_transfer::{RemotePath, ops::Pattern};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Engine, Result};

/// How often.
const LOOK: Duration = Duration::from_secs(15);
/// How often is looked whether a file that was missing has come, and for messages that are too old.
const LOOK_BACK: Duration = Duration::from_secs(5 * 60);
/// How long messages are kept when they are over.
const KEEP: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long those about files are kept when they were delivered.
const KEEP_FILES: SignedDuration = SignedDuration::from_hours(24);
/// What moves a file.
const MOVES: [&str; 3] = ["upload", "download", "file_pulled"];
/// Schedules that are looked at, the ones that are due first.
const SCHEDULES: u64 = 200;
/// When so many messages of what is late were written in one look, the others wait for the next.
const MANY: usize = 1000;
/// Records of a page.
const PAGE: u64 = 500;

/// Looks until the engine stops.
pub(crate) async fn look_out(engine: Engine) {
    let mut looked_back: Option<Instant> = None;
    loop {
        let back = looked_back.is_none_or(|last| last.elapsed() >= LOOK_BACK);
        if back {
            looked_back = Some(Instant::now());
        }
        if let Err(error) = look(&engine.0.store, courier_store::now(), back).await {
            tracing::warn!(%error, "what is late or missing could not be looked for; trying again");
        }
        tokio::select! {
            () = engine.0.stopping.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Looks once. What can't be looked at for one alert is no reason not to look for the others.
pub(super) async fn look(store: &Store, now: Timestamp, back: bool) -> Result<()> {
    if back {
        store.alerts().prune(now - KEEP, now - KEEP_FILES).await?;
    }
    let alerts = store.alerts().enabled().await?;
    let mut result = look_for_late(store, &alerts, now).await;
    for alert in &alerts {
        if let (Some(expect), true) = (
            &alert.rule.expect,
            alert.rule.on.contains(&AlertKind::FileMissing),
        ) {
            result = result.and(look_for_file(store, alert, expect, now, back).await);
        }
    }
    result
}

/// What may be late.
struct Late {
    subject: String,
    /// The job, or the folder mapping.
    origin: Uuid,
    due_at: Timestamp,
    facts: Value,
}

impl From<Unfinished> for Late {
    fn from(one: Unfinished) -> Self {
        Self {
            subject: one.subject(),
            origin: one.origin,
            due_at: one.due_at,
            facts: one.facts,
        }
    }
}

/// Schedules that were due before this moment and have not fired: the job's runs wait for each other, or nothing runs.
async fn not_started(store: &Store, before: Timestamp) -> Result<Vec<Late>> {
    let first = store.schedules().upcoming(SCHEDULES).await?;
    let overdue = first.into_iter().filter_map(|(schedule, name)| {
        let due_at = schedule.next_run_at.filter(|due| *due < before)?;
        Some(Late {
            subject: format!("{NOT_STARTED}{}:{}", schedule.id, due_at.as_second()),
            origin: schedule.job_id,
            due_at,
            facts: json!({"job": {"id": schedule.job_id, "name": name}}),
        })
    });
    Ok(overdue.collect())
}

async fn look_for_late(store: &Store, alerts: &[Alert], now: Timestamp) -> Result<()> {
    let mut limits = Vec::new();
    for alert in alerts {
        if let Some(after) = alert.rule.late_after_sec
            && alert.rule.on.contains(&AlertKind::ExecutionLate)
        {
            limits.push(Limit {
                alert,
                after: SignedDuration::from_secs(after.into()),
                told: store.alerts().told(alert.id).await?,
            });
        }
    }
    let Some(shortest) = limits.iter().map(|limit| limit.after).min() else {
        return Ok(());
    };
    let mut told = tell_late(store, &limits, not_started(store, now - shortest).await?, now).await?;
    let mut behind = None;
    while told < MANY {
        let unfinished = store.alerts().unfinished(now - shortest, behind).await?;
        let Some(last) = unfinished.last() else { break };
        behind = Some(last.id);
        let late = unfinished.into_iter().map(Late::from).collect();
        told += tell_late(store, &limits, late, now).await?;
    }
    Ok(())
}

/// How long what an alert looks at may take.
struct Limit<'a> {
    alert: &'a Alert,
    after: SignedDuration,
    /// What it has told of.
    told: HashSet<String>,
}

/// Answers how many messages that were.
async fn tell_late(store: &Store, limits: &[Limit<'_>], late: Vec<Late>, now: Timestamp) -> Result<usize> {
    let mut messages = 0;
    for Limit { alert, after, told } in limits {
        for one in &late {
            let is_meant = alert.rule.means_executions_of(one.origin);
            if !is_meant || one.due_at + *after >= now || told.contains(&one.subject) {
                continue;
            }
            let mut facts = one.facts.clone();
            if let Value::Object(facts) = &mut facts {
                let late = json!({"due_at": one.due_at, "late_after_sec": after.as_secs()});
                facts.insert("late".into(), late);
            }
            let event = Event {
                kind: AlertKind::ExecutionLate,
                subject: one.subject.clone(),
                severity: Severity::Problem,
                job: Some(one.origin),
                connection: None,
                mapping: None,
                facts,
            };
            store.alerts().tell(alert.id, &event, now).await?;
            messages += 1;
        }
    }
    Ok(messages)
}

/// Looks whether the file of the last deadline has come: once at the deadline, and where it was missing, until the day is
/// over.
async fn look_for_file(
    store: &Store,
    alert: &Alert,
    expect: &Expect,
    now: Timestamp,
    back: bool,
) -> Result<()> {
    let Some((midnight, deadline)) = expect.last_deadline(now) else {
        return Ok(());
    };
    let subject = format!("file:{}", alert.id);
    let event = |found: Option<String>| Event {
        kind: AlertKind::FileMissing,
        subject: subject.clone(),
        severity: match found {
            Some(_) => Severity::Recovered,
            None => Severity::Problem,
        },
        job: expect.job_id,
        connection: expect.connection_id,
        mapping: None,
        facts: json!({"file": {
            "pattern": expect.pattern,
            "by": expect.by,
            "timezone": expect.timezone,
            "since": midnight,
            "deadline": deadline,
            "connection_id": expect.connection_id,
            "job_id": expect.job_id,
            "path": found,
        }}),
    };
    if deadline > alert.checked_at {
        let found = find(store, expect, midnight, now).await?;
        store
            .alerts()
            .checked(alert, deadline, Some(&event(found)), now)
            .await?;
        return Ok(());
    }
    let is_today = expect.end_of_day(deadline).is_some_and(|end| now < end);
    if back
        && is_today
        && store.alerts().told(alert.id).await?.contains(&subject)
        && let Some(path) = find(store, expect, midnight, now).await?
    {
        store.alerts().tell(alert.id, &event(Some(path)), now).await?;
    }
    Ok(())
}

/// The first file of that kind that was moved in this time.
async fn find(store: &Store, expect: &Expect, since: Timestamp, until: Timestamp) -> Result<Option<String>> {
    let pattern = Pattern::new(expect.pattern.trim_start_matches('/'))?;
    let mut jobs = HashMap::new();
    for operation in MOVES {
        let filter = AuditFilter {
            operation: Some(operation.into()),
            connection_id: expect.connection_id,
            since: Some(since),
            until: Some(until),
            ..AuditFilter::default()
        };
        let mut last = None;
        loop {
            let records = store.audit().oldest(&filter, last, PAGE).await?;
            let Some(end) = records.last() else { break };
            last = Some(end.id);
            for record in &records {
                let Some(path) = moved(record, &pattern) else {
                    continue;
                };
                if is_of(store, record.job_execution_id, expect.job_id, &mut jobs).await? {
                    return Ok(Some(path));
                }
            }
        }
    }
    Ok(None)
}

/// The remote path, where this record tells that such a file was moved.
fn moved(record: &AuditRecord, pattern: &Pattern) -> Option<String> {
    let details = &record.details;
    if details.get("error").is_some_and(|error| !error.is_null()) {
        return None;
    }
    // A pull tells of the path on the server only.
    let path = details
        .get("remote_path")
        .or_else(|| details.get("path"))?
        .as_str()?;
    let relative = RemotePath::new(path.trim_start_matches('/')).ok()?;
    pattern.matches(&relative).then(|| path.to_owned())
}

/// Was this execution one of that job?
async fn is_of(
    store: &Store,
    execution: Option<Uuid>,
    job: Option<Uuid>,
    known: &mut HashMap<Uuid, Option<Uuid>>,
) -> Result<bool> {
    let (Some(job), Some(execution)) = (job, execution) else {
        return Ok(job.is_none());
    };
    let of = match known.get(&execution) {
        Some(of) => *of,
        None => {
            let of = match store.executions().get(execution).await {
                Ok(execution) => execution.job_id,
                Err(courier_store::Error::NotFound { .. }) => None,
                Err(error) => return Err(error.into()),
            };
            known.insert(execution, of);
            of
        }
    };
    Ok(of == Some(job))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use std::sync::Arc;

    use courier_store::{
        PageRequest,
        alerts::{AlertInput, Channel, Delivery, Rule},
        audit::{Authenticator, NewAudit},
        executions::{Execution, NewExecution, Origin},
        jobs::{Job, JobInput},
        new_id, now,
        schedules::{Missed, NewSchedule},
    };
    use jiff::tz::TimeZone;

    use super::*;

    #[derive(Debug)]
    struct AnyKey;

    impl Authenticator for AnyKey {
        fn authenticate(&self, _: &[u8]) -> [u8; 32] {
            [7; 32]
        }
    }

    async fn store() -> Store {
        let store = Store::open("sqlite::memory:").await.unwrap();
        store.chain_audit_with(Arc::new(AnyKey)).unwrap();
        store
    }

    fn rule(kind: AlertKind) -> Rule {
        Rule {
            on: vec![kind],
            channel: Channel::Email {
                to: vec!["ops@example.com".into()],
            },
            jobs: Vec::new(),
            connections: Vec::new(),
            mappings: Vec::new(),
            late_after_sec: None,
            expect: None,
            quiet_hours: None,
            repeat_after_sec: 3600,
        }
    }

    async fn alert(store: &Store, rule: Rule) -> Uuid {
        let input = AlertInput {
            id: new_id(),
            name: new_id().to_string(),
            enabled: true,
            rule,
            secret: None,
            if_updated_at: None,
        };
        let record = |_: &Alert| NewAudit::new("alert_created", "me");
        store.alerts().insert(input, record).await.unwrap().id
    }

    async fn messages(store: &Store, alert: Uuid) -> Vec<Delivery> {
        let mut page = store
            .alerts()
            .deliveries(alert, &PageRequest::first(100))
            .await
            .unwrap();
        page.items.reverse();
        page.items
    }

    async fn enqueue(store: &Store, job: Uuid, scheduled_at: Option<Timestamp>) -> Execution {
        let new = NewExecution {
            origin: Origin::Job { id: job, version: 1 },
            job_name: "nightly".into(),
            triggered_by: "schedule".into(),
            context: json!({}),
            steps: Vec::new(),
            max_instances: None,
            scheduled_at,
            timezone: None,
        };
        let record = |_: &Execution| NewAudit::new("job_run", "me");
        store.executions().enqueue(new, record).await.unwrap()
    }

    #[tokio::test]
    async fn what_is_late_is_told_of_by_its_own_limit() {
        let store = store().await;
        let (job, other) = (new_id(), new_id());
        let limited = |after, jobs| Rule {
            late_after_sec: Some(after),
            jobs,
            ..rule(AlertKind::ExecutionLate)
        };
        let soon = alert(&store, limited(600, vec![])).await;
        let later = alert(&store, limited(3600, vec![other])).await;
        // It was due half an hour before it got into the queue.
        let due = now() - SignedDuration::from_mins(30);
        enqueue(&store, job, Some(due)).await;
        let queued = enqueue(&store, other, None).await.queued_at;
        let after = |seconds| queued + SignedDuration::from_secs(seconds);
        for at in [0, 1, 599] {
            look(&store, after(at), true).await.unwrap();
            assert_eq!(
                messages(&store, soon).await.len(),
                1,
                "the first is late since long, the second not yet"
            );
        }
        let facts = &messages(&store, soon).await[0].facts;
        assert_eq!(facts["late"], json!({"due_at": due, "late_after_sec": 600}));
        look(&store, after(601), false).await.unwrap();
        assert_eq!(messages(&store, soon).await.len(), 2);
        assert_eq!(messages(&store, later).await.len(), 0);
        for at in [3601, 4000, 90_000] {
            look(&store, after(at), false).await.unwrap();
            assert_eq!(messages(&store, later).await.len(), 1);
            assert_eq!(messages(&store, soon).await.len(), 2);
        }
    }

    #[tokio::test]
    async fn a_run_that_has_not_started_is_late_once() {
        let store = store().await;
        let due = now() - SignedDuration::from_hours(1);
        let schedule = NewSchedule {
            cron: None,
            timezone: None,
            at: Some(due),
            missed: Missed::Once,
            next_run_at: Some(due),
        };
        let job = JobInput {
            name: "nightly".into(),
            description: None,
            enabled: true,
            definition: json!({"steps": []}),
            schedules: vec![schedule],
            by: "me".into(),
        };
        let record = |_: &Job| NewAudit::new("job_created", "me");
        store.jobs().insert(job, record).await.unwrap();
        let late = Rule {
            late_after_sec: Some(600),
            ..rule(AlertKind::ExecutionLate)
        };
        let alert = alert(&store, late).await;
        look(&store, due + SignedDuration::from_secs(600), true)
            .await
            .unwrap();
        assert_eq!(messages(&store, alert).await, []);
        for minutes in [11, 12, 300] {
            look(&store, due + SignedDuration::from_mins(minutes), true)
                .await
                .unwrap();
            assert_eq!(messages(&store, alert).await.len(), 1);
        }
        let facts = &messages(&store, alert).await[0].facts;
        assert_eq!(
            (&facts["job"]["name"], &facts["late"]["due_at"]),
            (&json!("nightly"), &json!(due))
        );
    }

    async fn moved(store: &Store, connection: Uuid, path: &str, error: Value) {
        let record = NewAudit {
            connection_id: Some(connection),
            details: json!({"remote_path": path, "error": error}),
            ..NewAudit::new("download", "schedule")
        };
        store.audit().append(vec![record]).await.unwrap();
    }

    /// A time zone where it is not about midnight, a time of day there that is soon, and a moment after that. Records have the
    /// time of their writing.
    fn soon() -> (&'static str, String, Timestamp) {
        let zone = match now().to_zoned(TimeZone::UTC).hour() {
            23 | 0 => "Asia/Tokyo",
            _ => "UTC",
        };
        let time = (now() + SignedDuration::from_secs(90)).in_tz(zone).unwrap();
        let by = format!("{:02}:{:02}", time.hour(), time.minute());
        (zone, by, now() + SignedDuration::from_secs(91))
    }

    #[tokio::test]
    async fn a_file_that_has_not_come_is_missed_once_and_greeted_once() {
        let store = store().await;
        let (connection, (zone, by, after)) = (new_id(), soon());
        let expect = |connection_id| Expect {
            pattern: "/in/orders_*.csv".into(),
            connection_id,
            job_id: None,
            by: by.parse().unwrap(),
            timezone: zone.into(),
            weekdays: Vec::new(),
        };
        let expecting = |connection_id| Rule {
            expect: Some(expect(connection_id)),
            ..rule(AlertKind::FileMissing)
        };
        let ours = alert(&store, expecting(Some(connection))).await;
        let others = alert(&store, expecting(Some(new_id()))).await;
        moved(&store, connection, "/in/orders_1.csv", json!({"kind": "lost"})).await;
        moved(&store, connection, "/in/orders_1.txt", Value::Null).await;
        moved(&store, connection, "/out/orders_1.csv", Value::Null).await;
        look(&store, now(), true).await.unwrap();
        assert_eq!(messages(&store, ours).await, [], "it has time");
        for _ in 0..3 {
            look(&store, after, true).await.unwrap();
        }
        let told = messages(&store, ours).await;
        assert_eq!((told.len(), told[0].recovered), (1, false));
        assert_eq!(told[0].facts["file"]["by"], json!(by));

        moved(&store, connection, "in/orders_2.csv", Value::Null).await;
        for _ in 0..3 {
            look(&store, after, true).await.unwrap();
        }
        let told = messages(&store, ours).await;
        assert_eq!((told.len(), told[1].recovered), (2, true), "{told:?}");
        assert_eq!(told[1].facts["file"]["path"], json!("in/orders_2.csv"));
        assert_eq!(messages(&store, others).await.len(), 1);
        // Who asks when it is there already is told nothing.
        let pleased = alert(&store, expecting(Some(connection))).await;
        look(&store, after, true).await.unwrap();
        assert_eq!(messages(&store, pleased).await, []);
    }
}
