//! The process is killed: with SQLite, the next start goes on.

use super::course::{Course, left_tidy};
use super::dice::Dice;
use super::partner::Partner;
use super::rounds;
use crate::support::Serve;

fn a_killed_process_goes_on_in_mid_file(partner: Partner) {
    let mut dice = Dice::new();
    let course = Course::with(partner);
    let mut serve = Serve::start();
    let mut admin = serve.admin();
    course.set_up(&admin, None);
    for round in 1..=rounds() {
        let run = course.run(&admin);
        let at = dice.below(course.whole());
        println!("round {round}: killed after {at} bytes");
        course.moved(&run, at);
        serve.kill();
        serve.start_again();
        admin = admin.env("COURIER_SERVER", &serve.url);
        let execution = course.ended_well(&run, &admin, 1);
        course.nothing_twice(&run, &execution, 1);
        left_tidy(&run, &serve, &admin, &[], 0);
    }
}

#[test]
fn with_sftp_it_goes_on_in_mid_file() {
    a_killed_process_goes_on_in_mid_file(Partner::sftp());
}

#[test]
fn with_ftps_it_goes_on_in_mid_file() {
    a_killed_process_goes_on_in_mid_file(Partner::ftps());
}
