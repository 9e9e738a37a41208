//! Pure-FTPd with virtual users. TLS is mandatory for control and data, without that data have to resume a session.

use std::process::Command;

use super::{Mode, PASSWORD_HASH, Place, account, must_be_root, output, root};

pub(super) fn command(place: &Place<'_>) -> Vec<String> {
    must_be_root("Pure-FTPd");
    let root = root("pure-ftpd", "usr/sbin/pure-ftpd");
    let (uid, gid) = account();
    let (users, database, home) = (place.at("users"), place.at("users.pdb"), place.at("home"));
    place.private(
        "users",
        &format!("partner:{PASSWORD_HASH}:{uid}:{gid}::{home}/./::::::::::::\n"),
    );
    output(Command::new(root.join("usr/bin/pure-pw")).args(["mkdb", &database, "-f", &users]));
    let mut command = vec![
        root.join("usr/sbin/pure-ftpd").display().to_string(),
        format!("-S{},{}", place.address.ip(), place.address.port()),
        format!("-lpuredb:{database}"),
        format!("-g{}", place.at("pid")),
        "-E".into(),
        "-H".into(),
        "-u1".into(),
        "-fnone".into(),
        "-U022:022".into(),
    ];
    match place.setup.mode {
        Mode::Plain => {}
        Mode::Explicit => command.extend(["-Y3".into(), format!("-2{}", place.at("identity.pem"))]),
        Mode::Implicit => panic!("Pure-FTPd has no implicit TLS"),
    }
    command.extend(place.more().lines().map(str::to_owned));
    command
}
