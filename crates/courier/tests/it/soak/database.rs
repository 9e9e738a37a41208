//! PostgreSQL is killed, with all its processes, and comes back after a while.

use std::time::Duration;

use super::course::{Course, left_tidy};
use super::dice::Dice;
use super::partner::Partner;
use super::rounds;
use crate::support::{Postgres, Serve};

#[test]
fn a_killed_database_loses_no_execution() {
    let mut dice = Dice::new();
    let course = Course::with(Partner::sftp());
    let mut database = Postgres::start();
    let url = database.url();
    let environment = [("COURIER_DATABASE_URL", url.as_str())];
    let serve = Serve::start_with(&environment);
    let admin = serve.admin();
    course.set_up(&admin, None);
    for round in 1..=rounds() {
        let run = course.run(&admin);
        let at = dice.below(course.whole());
        // Shorter than a lease, or longer.
        let away = Duration::from_millis(dice.below(14_000));
        println!("round {round}: killed after {at} bytes, away for {away:?}");
        course.moved(&run, at);
        database.kill();
        std::thread::sleep(away);
        database.start_again();
        let execution = course.ended_well(&run, &admin, 1);
        course.nothing_twice(&run, &execution, 1);
        left_tidy(&run, &serve, &admin, &environment, 0);
    }
}
