//! Jobs that run by themselves, from the shell, and on two nodes.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Cli, Postgres, Serve, wait_until};

/// A job whose only step fails.
fn job(admin: &Cli, schedules: Value) {
    let step = json!({"step_type": "local.delete", "config": {"path": "nothing"}});
    let job = json!({"name": "nightly", "steps": [step], "schedules": schedules});
    fs::write(admin.path("job.json"), job.to_string()).unwrap();
    admin.ok(["job", "create", "-f", "job.json"]);
}

#[test]
fn the_shell_says_when_a_job_runs() {
    let serve = Serve::start();
    let admin = serve.admin();
    job(&admin, json!([]));
    assert!(admin.ok(["job", "next-runs", "nightly"]).stdout.is_empty());

    let set = admin.ok([
        "job",
        "schedule",
        "nightly",
        "--cron",
        "30 2 * * MON-FRI",
        "--timezone",
        "Europe/Berlin",
        "--missed",
        "skip",
    ]);
    assert_eq!(set.stdout.matches(" 02:30:00 +0").count(), 3, "{set:?}");
    let shown = admin.ok(["job", "show", "nightly"]).json();
    let schedule = json!({"cron": "30 2 * * MON-FRI", "timezone": "Europe/Berlin", "missed": "skip"});
    assert_eq!(
        (&shown["schedules"], &shown["version"]),
        (&json!([schedule]), &json!(2))
    );
    let runs = admin
        .ok(["job", "next-runs", "nightly", "--count", "2", "--json"])
        .json();
    assert_eq!(runs.as_array().unwrap().len(), 2);
    assert_eq!(runs[0]["at"], shown["next_run_at"]);

    let tried = admin
        .ok(["job", "next-runs", "--cron", "@hourly", "--count", "4", "--json"])
        .json();
    assert_eq!(tried.as_array().unwrap().len(), 4);
    let wrong = admin.run(["job", "next-runs", "--cron", "0 0 30 2 *"]);
    assert!(wrong.stderr.contains("would never run"), "{wrong:?}");
    assert_eq!(admin.run(["job", "schedule", "nightly"]).code, 2);
    admin.ok(["job", "schedule", "nightly", "--none"]);
    assert_eq!(
        admin.ok(["job", "show", "nightly"]).json()["next_run_at"],
        Value::Null
    );
}

/// The times that runs were scheduled for, of all that there are.
fn times(admin: &Cli) -> Vec<String> {
    let runs = admin
        .ok(["execution", "list", "--limit", "1000", "--json"])
        .json();
    let times = runs.as_array().unwrap().iter();
    times
        .map(|run| run["scheduled_at"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn of_two_nodes_one_runs_it_each_second_and_the_other_when_that_is_killed() {
    let database = Postgres::start();
    let url = database.url();
    let environment = [
        ("COURIER_DATABASE_URL", url.as_str()),
        ("COURIER_KEK", "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="),
    ];
    let [mut first, second] = ["n1", "n2"]
        .map(|node| Serve::start_with(&[environment.as_slice(), &[("COURIER_NODE", node)]].concat()));
    let admin = second.admin();
    job(&admin, json!([{"cron": "* * * * * *"}]));
    let ran = |count: usize| {
        wait_until("scheduled runs", || {
            std::thread::sleep(Duration::from_millis(200));
            times(&admin).len() >= count
        });
    };
    ran(3);
    first.kill();
    ran(times(&admin).len() + 3);
    admin.ok(["job", "schedule", "nightly", "--none"]);
    let times = times(&admin);
    let each: BTreeSet<&String> = times.iter().collect();
    assert_eq!(each.len(), times.len(), "{times:?}");
}
