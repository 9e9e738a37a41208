use courier_store::{
    Error, Store,
    executions::{ExecutionState, NewExecution, NewStep, Origin},
    jobs::{Job, JobInput},
    new_id,
    schedules::{Due, Missed, NewSchedule, Outcome, Plan, Schedule},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::{
    database::Database,
    on_both,
    records::{of, of_both, recorded},
};

on_both!(
    a_due_schedule_queues_one_execution,
    of_several_nodes_one_fires_each_run,
    what_cannot_be_recorded_is_not_fired,
    a_full_job_leaves_its_run_out_or_has_it_wait,
    unchanged_schedules_go_on_and_others_begin,
    what_is_due_is_found_in_its_order,
    what_cannot_be_read_is_put_off,
);

/// The time that tests take for now; well before the real one, so that nothing else comes into it.
fn noon() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

fn every(cron: &str, next_run_at: Timestamp) -> NewSchedule {
    NewSchedule {
        cron: Some(cron.into()),
        timezone: Some("Europe/Berlin".into()),
        at: None,
        missed: Missed::Once,
        next_run_at: Some(next_run_at),
    }
}

fn once(at: Timestamp) -> NewSchedule {
    NewSchedule {
        cron: None,
        timezone: None,
        at: Some(at),
        missed: Missed::Skip,
        next_run_at: Some(at),
    }
}

fn input(name: &str, schedules: Vec<NewSchedule>) -> JobInput {
    JobInput {
        name: name.into(),
        description: None,
        enabled: true,
        definition: json!({"steps": []}),
        schedules,
        by: "me".into(),
    }
}

async fn job(store: &Store, name: &str, schedules: Vec<NewSchedule>) -> Job {
    store
        .jobs()
        .insert(input(name, schedules), of("job_created"))
        .await
        .unwrap()
}

/// Runs the job for the time it is due at, and is due again ten minutes later.
fn run(
    schedule: &Schedule,
    job: &Job,
    max_instances: Option<u32>,
    waits: bool,
) -> Plan<impl FnOnce(&Outcome) -> Vec<courier_store::audit::NewAudit> + use<>> {
    let due = schedule.next_run_at.unwrap();
    Plan {
        execution: Some(NewExecution {
            origin: Origin::Job {
                id: job.id,
                version: job.version,
            },
            job_name: job.name.clone(),
            triggered_by: "schedule".into(),
            context: json!({}),
            steps: vec![NewStep {
                name: None,
                step_type: "local.copy".into(),
            }],
            max_instances,
            scheduled_at: Some(due),
            timezone: schedule.timezone.clone(),
        }),
        next_run_at: Some(due + minutes(10)),
        waits,
        record: |outcome: &Outcome| match outcome {
            Outcome::Queued(_) => vec![of::<()>("job_run")(&())],
            Outcome::LeftOut(_) => vec![of::<()>("schedule_skipped")(&())],
            _ => Vec::new(),
        },
    }
}

async fn schedules(store: &Store, job: &Job) -> Vec<Schedule> {
    store.schedules().of(&[job.id]).await.unwrap()
}

async fn a_due_schedule_queues_one_execution(db: Database) {
    let job = job(&db, "nightly", vec![every("*/10 * * * *", noon())]).await;
    let all = db.schedules();
    assert_eq!(all.due(noon() - minutes(1), 9).await.unwrap(), []);
    let due = all.due(noon(), 9).await.unwrap();
    let id = schedules(&db, &job).await[0].id;
    assert_eq!(due, [Due { id, job_id: job.id }]);

    let fired = all
        .fire(due[0], noon(), |s, j| Some(run(s, j, None, false)))
        .await;
    let Outcome::Queued(execution) = fired.unwrap() else {
        panic!()
    };
    assert_eq!(
        (
            execution.scheduled_at,
            execution.timezone.as_deref(),
            execution.state
        ),
        (Some(noon()), Some("Europe/Berlin"), ExecutionState::Queued)
    );
    let after = &schedules(&db, &job).await[0];
    assert_eq!(after.next_run_at, Some(noon() + minutes(10)));
    assert_eq!(
        (after.last_run_at, after.last_execution),
        (Some(noon()), Some(execution.id))
    );
    assert_eq!(recorded(&db).await, ["job_created", "job_run"]);

    // Whoever comes with the old news finds it done.
    let again = all
        .fire(due[0], noon(), |s, j| Some(run(s, j, None, false)))
        .await;
    assert_eq!(again.unwrap(), Outcome::NotDue);
    let gone = Due {
        id: new_id(),
        job_id: job.id,
    };
    let gone = all.fire(gone, noon(), |s, j| Some(run(s, j, None, false))).await;
    assert_eq!(gone.unwrap(), Outcome::NotDue);

    // One that nobody understands is put off, and doesn't change.
    let later = noon() + minutes(10);
    let odd = all
        .fire(due[0], later, |_, _| None::<Plan<fn(&Outcome) -> _>>)
        .await;
    assert_eq!(odd.unwrap(), Outcome::Unplanned);
    assert_eq!(all.due(later, 9).await.unwrap(), []);
    assert_eq!(all.due(later + minutes(1), 9).await.unwrap(), due);
    assert_eq!(&schedules(&db, &job).await[0], after);
}

async fn of_several_nodes_one_fires_each_run(db: Database) {
    let mut jobs = Vec::new();
    for name in ["a", "b", "c", "d", "e", "f"] {
        jobs.push(job(&db, name, vec![every("*/10 * * * *", noon())]).await.id);
    }
    let now = noon() + minutes(35);
    let nodes = (0..4).map(async |_| {
        let store = match db.folder {
            // SQLite is for one process.
            Some(_) => db.store.clone(),
            None => db.again().await,
        };
        let mut times = Vec::new();
        loop {
            let due = store.schedules().due(now, 9).await.unwrap();
            if due.is_empty() {
                return times;
            }
            for due in due {
                let fired = store
                    .schedules()
                    .fire(due, now, |s, j| Some(run(s, j, None, false)))
                    .await;
                if let Outcome::Queued(execution) = fired.unwrap() {
                    times.push((execution.job_id.unwrap(), execution.scheduled_at.unwrap()));
                }
            }
        }
    });
    let mut times = futures::future::join_all(nodes).await.concat();
    times.sort_unstable();
    let expected = jobs
        .iter()
        .flat_map(|job| (0..4).map(|n| (*job, noon() + minutes(10 * n))));
    assert_eq!(times, expected.collect::<Vec<_>>());
}

async fn what_cannot_be_recorded_is_not_fired(db: Database) {
    let job = job(&db, "nightly", vec![every("*/10 * * * *", noon())]).await;
    let before = schedules(&db, &job).await;
    let due = db.schedules().due(noon(), 9).await.unwrap();
    db.break_audit().await;
    let fired = db
        .schedules()
        .fire(due[0], noon(), |s, j| Some(run(s, j, None, false)))
        .await;
    assert!(matches!(fired, Err(Error::Database(_))), "{fired:?}");
    assert_eq!(schedules(&db, &job).await, before);
    assert_eq!(db.executions().last_of(job.id).await.unwrap(), None);
}

async fn a_full_job_leaves_its_run_out_or_has_it_wait(db: Database) {
    let job = job(&db, "nightly", vec![every("*/10 * * * *", noon())]).await;
    let fire = async |now: Timestamp, waits: bool| {
        let due = db.schedules().due(now, 9).await.unwrap();
        db.schedules()
            .fire(due[0], now, |s, j| Some(run(s, j, Some(1), waits)))
            .await
            .unwrap()
    };
    assert!(matches!(fire(noon(), false).await, Outcome::Queued(_)));
    let second = noon() + minutes(10);
    let left_out = fire(second, false).await;
    assert!(
        matches!(&left_out, Outcome::LeftOut(why) if why.contains("max_instances is 1")),
        "{left_out:?}"
    );

    let third = noon() + minutes(20);
    assert_eq!(schedules(&db, &job).await[0].next_run_at, Some(third));
    assert_eq!(fire(third, true).await, Outcome::Waits);
    assert_eq!(schedules(&db, &job).await[0].next_run_at, Some(third));
    assert_eq!(db.schedules().due(third, 9).await.unwrap(), []);
    let first = db.executions().last_of(job.id).await.unwrap().unwrap();
    db.executions()
        .request_cancel(first.id, of("cancelled"))
        .await
        .unwrap();
    let Outcome::Queued(waited) = fire(third + minutes(1), true).await else {
        panic!()
    };
    assert_eq!(waited.scheduled_at, Some(third));
    assert_eq!(
        recorded(&db).await,
        [
            "job_created",
            "job_run",
            "schedule_skipped",
            "cancelled",
            "job_run"
        ]
    );
}

async fn unchanged_schedules_go_on_and_others_begin(db: Database) {
    let first = |minute| noon() + minutes(minute);
    let job = job(&db, "nightly", vec![every("0 2 * * *", first(0)), once(first(1))]).await;
    let before = schedules(&db, &job).await;
    let update = async |schedules: Vec<NewSchedule>, enabled: bool| {
        let input = JobInput {
            enabled,
            ..input("nightly", schedules)
        };
        db.jobs()
            .update(job.id, input, None, of_both("job_changed"))
            .await
            .unwrap();
    };

    let mut changed = once(first(1));
    changed.missed = Missed::All;
    update(
        vec![
            changed.clone(),
            every("0 2 * * *", first(9)),
            every("0 3 * * *", first(5)),
        ],
        true,
    )
    .await;
    let after = schedules(&db, &job).await;
    let shown = |all: &[Schedule]| {
        all.iter()
            .map(|s| (s.position, s.next_run_at))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        shown(&after),
        [(0, Some(first(1))), (1, Some(first(0))), (2, Some(first(5)))]
    );
    assert_eq!((after[0].id, after[1].id), (before[1].id, before[0].id));
    assert_eq!(after[0].missed, Missed::All);

    // Off, nothing is due; on again, nothing was missed.
    update(vec![every("0 2 * * *", first(20))], false).await;
    assert_eq!(shown(&schedules(&db, &job).await), [(0, None)]);
    assert_eq!(db.schedules().due(first(99), 9).await.unwrap(), []);
    assert_eq!(db.schedules().glance().await.unwrap().earliest, None);
    update(vec![every("0 2 * * *", first(30))], true).await;
    let on = schedules(&db, &job).await;
    assert_eq!((shown(&on), on[0].id), (vec![(0, Some(first(30)))], before[0].id));

    db.jobs().delete(job.id, of("job_deleted")).await.unwrap();
    assert_eq!(schedules(&db, &job).await, []);
}

async fn what_is_due_is_found_in_its_order(db: Database) {
    let glance = db.schedules().glance().await.unwrap();
    assert_eq!(glance.earliest, None);
    let off = glance.now.duration_since(Timestamp::now()).abs();
    assert!(off < SignedDuration::from_secs(60), "{off:?}");

    let late = job(&db, "late", vec![every("1 * * * *", noon() + minutes(3))]).await;
    let early = job(
        &db,
        "early",
        vec![once(noon()), every("2 * * * *", noon() + minutes(9))],
    )
    .await;
    assert_eq!(db.schedules().glance().await.unwrap().earliest, Some(noon()));
    let due = db.schedules().due(noon() + minutes(5), 9).await.unwrap();
    assert_eq!(
        due.iter().map(|due| due.job_id).collect::<Vec<_>>(),
        [early.id, late.id]
    );
    assert_eq!(db.schedules().due(noon() + minutes(5), 1).await.unwrap().len(), 1);
    let upcoming = db.schedules().upcoming(2).await.unwrap();
    let names: Vec<&str> = upcoming.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, ["early", "late"]);
}

async fn what_cannot_be_read_is_put_off(db: Database) {
    let broken = job(&db, "broken", vec![every("1 * * * *", noon())]).await;
    let database = sea_orm::Database::connect(&db.url).await.unwrap();
    let sql = "UPDATE schedules SET missed = 'of a later version'";
    sea_orm::ConnectionTrait::execute_unprepared(&database, sql)
        .await
        .unwrap();
    let whole = job(&db, "whole", vec![every("1 * * * *", noon())]).await;
    let due = db.schedules().due(noon(), 9).await.unwrap();
    assert_eq!(
        due.iter().map(|due| due.job_id).collect::<Vec<_>>(),
        [broken.id, whole.id]
    );
    let outcome = db
        .schedules()
        .fire(due[0], noon(), |schedule, job| {
            Some(run(schedule, job, None, false))
        })
        .await;
    assert_eq!(outcome.unwrap(), Outcome::Unplanned);
    let due = db.schedules().due(noon(), 9).await.unwrap();
    assert_eq!(due.iter().map(|due| due.job_id).collect::<Vec<_>>(), [whole.id]);
}
