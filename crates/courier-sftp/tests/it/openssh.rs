//! The conformance suite on OpenSSH.

use courier_transfer::testkit::Fixture;

use crate::{
    client::{Try, path},
    sshd::Sshd,
};

async fn fixture() -> Fixture {
    let server = Sshd::start();
    let folder = path(server.folder());
    let client = Try::sshd(&server).connect().await.unwrap();
    Fixture {
        client,
        folder,
        keep: Box::new(server),
    }
}

courier_transfer::conformance!(fixture);
