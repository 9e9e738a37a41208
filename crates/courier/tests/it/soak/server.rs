//! The partner's server is killed: all that serve a connection, and for a while nobody listens.

use std::time::Duration;

use super::course::{Course, left_tidy};
use super::dice::Dice;
use super::partner::Partner;
use super::rounds;
use crate::support::Serve;

fn a_killed_server_costs_what_was_on_its_way(partner: Partner) {
    let mut dice = Dice::new();
    let course = Course::with(partner);
    let serve = Serve::start();
    let admin = serve.admin();
    course.set_up(&admin, None);
    for round in 1..=rounds() {
        let run = course.run(&admin);
        let at = dice.below(course.whole());
        let away = Duration::from_millis(dice.below(4_000));
        println!("round {round}: killed after {at} bytes, away for {away:?}");
        course.moved(&run, at);
        course.partner.kill(away);
        let execution = course.ended_well(&run, &admin, 1);
        course.nothing_twice(&run, &execution, 1);
        left_tidy(&run, &serve, &admin, &[], 0);
    }
}

#[test]
fn a_killed_sftp_server_costs_what_was_on_its_way() {
    a_killed_server_costs_what_was_on_its_way(Partner::sftp());
}

#[test]
fn a_killed_ftps_server_costs_what_was_on_its_way() {
    a_killed_server_costs_what_was_on_its_way(Partner::ftps());
}
