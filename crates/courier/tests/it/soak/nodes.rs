//! Two nodes on one PostgreSQL: the one that is at work dies, or stands still until another has taken its place.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::course::{Course, Run, left_tidy};
use super::dice::Dice;
use super::partner::Partner;
use super::rounds;
use crate::support::{Cli, Postgres, Serve, wait_until};

/// Between two looks, each of which is a process.
const LOOK: Duration = Duration::from_millis(100);

/// Two servers, with the same key and a folder that both have.
struct Nodes {
    nodes: Vec<(Serve, Cli)>,
    environment: Vec<(String, String)>,
    shared: TempDir,
    // Ends last.
    _database: Postgres,
}

impl Nodes {
    fn start() -> Self {
        let database = Postgres::start();
        let shared = tempfile::tempdir().unwrap();
        let environment = vec![
            ("COURIER_DATABASE_URL".to_owned(), database.url()),
            (
                "COURIER_KEK".to_owned(),
                "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=".to_owned(),
            ),
            (
                "COURIER_LOCAL_ROOTS".to_owned(),
                shared.path().display().to_string(),
            ),
        ];
        let nodes = ["n1", "n2"].map(|name| {
            let mut all: Vec<(&str, &str)> = pairs(&environment);
            all.push(("COURIER_NODE", name));
            let serve = Serve::start_with(&all);
            let admin = serve.admin();
            (serve, admin)
        });
        Self {
            nodes: nodes.into(),
            environment,
            shared,
            _database: database,
        }
    }

    /// The node that is at work on the run, and the other.
    fn at_work(&self, run: &Run) -> (usize, usize) {
        let mut node = Value::Null;
        wait_until("the start of the execution", || {
            std::thread::sleep(LOOK);
            node = self.nodes[0]
                .1
                .ok(["execution", "show", &run.id, "--json"])
                .json()["node"]
                .clone();
            !node.is_null()
        });
        if node == "n1" { (0, 1) } else { (1, 0) }
    }
}

fn pairs(of: &[(String, String)]) -> Vec<(&str, &str)> {
    of.iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

/// The node at work is killed, the other one goes on, the first comes back. So many steps may have to run again.
fn one_dies(local: impl Fn(&Nodes) -> Option<&Path>, again: usize) {
    let mut dice = Dice::new();
    let course = Course::with(Partner::sftp());
    let mut nodes = Nodes::start();
    course.set_up(&nodes.nodes[0].1, local(&nodes));
    for round in 1..=rounds() {
        let run = course.run(&nodes.nodes[0].1);
        let (one, other) = nodes.at_work(&run);
        let at = dice.below(course.whole());
        println!("round {round}: n{} killed after {at} bytes", one + 1);
        course.moved(&run, at);
        nodes.nodes[one].0.kill();
        let begun_anew = 1 + 4 * again as u64;
        let execution = course.ended_well(&run, &nodes.nodes[other].1, begun_anew);
        assert_eq!(execution["node"], format!("n{}", other + 1), "{execution:#}");
        course.nothing_twice(&run, &execution, 1 + again);
        nodes.nodes[one].0.start_again();
        nodes.nodes[one].1 = nodes.nodes[one].0.admin();
        for (serve, admin) in &nodes.nodes {
            left_tidy(&run, serve, admin, &pairs(&nodes.environment), again);
        }
    }
}

#[test]
fn a_killed_node_is_taken_over_in_mid_file() {
    one_dies(|nodes| Some(nodes.shared.path()), 0);
}

/// Where the files of earlier steps were on the node that is dead, they are fetched again, and delivered once all the same.
#[test]
fn a_killed_node_takes_its_files_along() {
    one_dies(|_| None, 2);
}

#[test]
fn a_node_that_stood_still_leaves_its_work_to_the_other() {
    let mut dice = Dice::new();
    let course = Course::with(Partner::sftp());
    let nodes = Nodes::start();
    course.set_up(&nodes.nodes[0].1, Some(nodes.shared.path()));
    for round in 1..=rounds() {
        let run = course.run(&nodes.nodes[0].1);
        let (one, other) = nodes.at_work(&run);
        let at = dice.below(course.whole());
        println!("round {round}: n{} stands still after {at} bytes", one + 1);
        course.moved(&run, at);
        nodes.nodes[one].0.send("STOP");
        // Its sessions are still open at the partner, so the end of all of them is waited for when it goes on.
        wait_until("the take-over", || {
            std::thread::sleep(LOOK);
            let shown = nodes.nodes[other].1.ok(["execution", "show", &run.id, "--json"]);
            shown.json()["node"] == format!("n{}", other + 1)
        });
        let late = Duration::from_millis(dice.below(3_000));
        std::thread::sleep(late);
        nodes.nodes[one].0.send("CONT");
        let execution = course.ended_well(&run, &nodes.nodes[other].1, 1);
        course.nothing_twice(&run, &execution, 1);
        left_tidy(
            &run,
            &nodes.nodes[other].0,
            &nodes.nodes[other].1,
            &pairs(&nodes.environment),
            0,
        );
        // It works again.
        nodes.nodes[one].1.ok(["connection", "test", "partner"]);
    }
}
