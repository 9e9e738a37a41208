//! FIPS mode from outside, on servers of OpenSSH and FTPS: it takes effect at once on connections that exist, refuses by code
//! what it doesn't allow, and records every use of an exemption.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Cli, FTP_PASSWORD, Ftpd, Serve, Software, Sshd, user};

fn switch(admin: &Cli, on: bool) {
    let value = if on { "true" } else { "false" };
    admin.ok(["setting", "set", "security.fips_mode_enabled", value]);
}

fn connect(admin: &Cli, name: &str, sshd: &Sshd, key: &str) {
    let port = sshd.port().to_string();
    let line = format!("connection create {name} --host 127.0.0.1 --port {port} --username");
    let flags = line.split(' ').map(str::to_owned);
    admin.ok(flags.chain([user(), "--ssh-key".into(), key.into()]));
}

fn key(admin: &Cli, sshd: &Sshd, name: &str, key_type: &str) {
    admin.ok(["key", "generate", name, "--key-type", key_type]);
    sshd.authorize(&admin.ok(["key", "public", name]).stdout);
}

/// A test's result, and whether it went well.
fn test(admin: &Cli, connection: &str) -> (bool, Value) {
    let tested = admin.run(["connection", "test", connection, "--json"]);
    let result = tested.json();
    (result["success"] == json!(true), result)
}

/// What a test fails with: the code, and the message.
fn refused(admin: &Cli, connection: &str, code: u64, says: &str) -> Value {
    let (success, result) = test(admin, connection);
    assert!(!success && result["error_code"] == code, "{result:#}");
    assert!(
        result["error_message"].as_str().unwrap().contains(says),
        "{result:#}"
    );
    result
}

fn warnings(admin: &Cli, connection: &str) -> String {
    admin.ok(["connection", "show", connection, "--json"]).json()["warnings"].to_string()
}

fn used(admin: &Cli, connection: &str) -> usize {
    let list = "audit list --operation fips_override_used --json --connection";
    let records = admin.ok(list.split(' ').chain([connection])).json();
    records.as_array().unwrap().len()
}

#[test]
fn connections_by_sftp_follow_the_mode() {
    let sshd = Sshd::start();
    let serve = Serve::start();
    let admin = serve.admin();
    key(&admin, &sshd, "modern", "ed25519");
    key(&admin, &sshd, "approved", "ecdsa_256");
    connect(&admin, "partner", &sshd, "approved");
    let (success, result) = test(&admin, "partner");
    assert!(
        success && result["negotiated"].to_string().contains("25519"),
        "{result:#}"
    );

    // The server has an Ed25519 key only, and that is what is pinned.
    switch(&admin, true);
    refused(
        &admin,
        "partner",
        4011,
        "the server takes ssh-ed25519. FIPS mode allows no others",
    );
    assert!(
        warnings(&admin, "partner").contains("FIPS mode: the pinned host key is of the type ssh-ed25519"),
        "{}",
        warnings(&admin, "partner")
    );
    let connection = admin.ok(["connection", "show", "partner", "--json"]).json()["id"].clone();
    let list = json!({"connection_id": connection, "remote_path": "."});
    let job = json!({"name": "list", "steps": [{"step_type": "remote.list", "config": list}]});
    fs::write(admin.path("job.json"), job.to_string()).unwrap();
    admin.ok(["job", "create", "-f", "job.json"]);
    let run = admin.run(["job", "run", "list", "--watch"]);
    assert!(
        run.code != 0 && run.stdout.contains("FIPS mode allows no others"),
        "{run:?}"
    );

    // A second key of the server's is no attack, and waits for somebody's approval.
    sshd.add_host_key("ecdsa");
    let result = refused(
        &admin,
        "partner",
        3013,
        "FIPS mode does not allow the type of the pinned one",
    );
    let presented = result["host_key_fingerprint"].as_str().unwrap();
    admin.ok(["connection", "approve-host-key", "partner", presented]);
    let (success, result) = test(&admin, "partner");
    assert!(success, "{result:#}");
    assert_eq!(
        result["negotiated"],
        "aes128-gcm@openssh.com, ecdh-sha2-nistp256, ecdsa-sha2-nistp256"
    );
    assert!(
        !warnings(&admin, "partner").contains("FIPS"),
        "{}",
        warnings(&admin, "partner")
    );
    admin.ok(["job", "run", "list", "--watch"]);
    assert_eq!(used(&admin, "partner"), 0);

    // What it would not use doesn't get in, by any way.
    let flags = "connection create other --host 127.0.0.1 --username u --ssh-key modern";
    admin.run(flags.split(' ')).failed_with(1, "4011");
    admin
        .run(["connection", "update", "partner", "--ssh-key", "modern"])
        .failed_with(1, "4011");
    admin
        .run(["connection", "add-key", "partner", "modern"])
        .failed_with(1, "4011");
    admin
        .run(["connection", "add-key", "partner", "--generate", "ed25519"])
        .failed_with(1, "4011");
    admin
        .run(["connection", "update", "partner", "--ssh-algorithms", "legacy"])
        .failed_with(
            1,
            "the preset legacy is for algorithms that FIPS mode does not allow",
        );

    // A server that has nothing approved takes an exemption, and each session by it is recorded.
    sshd.configure("Ciphers chacha20-poly1305@openssh.com");
    refused(
        &admin,
        "partner",
        4011,
        "the server takes chacha20-poly1305@openssh.com",
    );
    let exempted = admin.ok(["connection", "update", "partner", "--fips-override", "true"]);
    assert!(
        exempted.stderr.contains("warning: Exempt from FIPS mode"),
        "{exempted:?}"
    );
    let tested = admin.ok(["connection", "test", "partner"]);
    assert!(
        tested.stdout.contains("chacha20-poly1305@openssh.com"),
        "{tested:?}"
    );
    assert!(
        tested.stderr.contains("warning: Exempt from FIPS mode"),
        "{tested:?}"
    );
    assert_eq!(used(&admin, "partner"), 1);
    admin.ok(["job", "run", "list", "--watch"]);
    assert_eq!(used(&admin, "partner"), 2);
    admin.ok(["connection", "add-key", "partner", "modern"]);

    switch(&admin, false);
    assert!(warnings(&admin, "partner").contains("Exempt from FIPS mode"));
    assert!(test(&admin, "partner").0);
    assert_eq!(
        used(&admin, "partner"),
        2,
        "outside the mode it needs no exemption"
    );
}

#[test]
fn keys_that_were_there_before_are_named_and_stay_here() {
    let sshd = Sshd::start();
    let serve = Serve::start();
    let admin = serve.admin();
    sshd.add_host_key("ecdsa");
    key(&admin, &sshd, "modern", "ed25519");
    connect(&admin, "partner", &sshd, "modern");
    switch(&admin, true);
    refused(
        &admin,
        "partner",
        4011,
        "(ed25519), since FIPS mode allows RSA keys from 2048 bits",
    );
    assert!(
        warnings(&admin, "partner").contains("the SSH key \\\"modern\\\" is of the type ed25519"),
        "{}",
        warnings(&admin, "partner")
    );
    let list = admin.ok(["connection", "list"]).stdout;
    assert!(list.contains("WARNINGS"), "{list}");

    // The way on.
    key(&admin, &sshd, "approved", "rsa_2048");
    admin.ok(["connection", "add-key", "partner", "approved"]);
    let (success, result) = test(&admin, "partner");
    assert!(success, "{result:#}");
}

/// By FTPS: what the server agrees to, and to what it has to.
fn ftps(software: Software, foreign: Option<&str>) {
    let serve = Serve::start();
    let admin = serve.admin();
    let connect = |name: &str, server: &Ftpd| {
        let (port, pin) = (server.port().to_string(), server.thumbprint());
        let flags = format!(
            "connection create {name} --protocol ftps --host 127.0.0.1 --port {port} --username ftp --password-stdin \
             --tls-pin {pin}"
        );
        let made = admin.run_with_input(flags.split(' '), FTP_PASSWORD);
        assert_eq!(made.code, 0, "{made:?}");
    };
    let modern = Ftpd::start(software, "ftpes");
    connect("modern", &modern);
    switch(&admin, true);
    let (success, result) = test(&admin, "modern");
    assert!(success, "{result:#}");
    assert!(result["negotiated"].to_string().contains("_GCM_"), "{result:#}");
    assert!(
        result["warnings"].to_string().contains("Password authentication"),
        "{result:#}"
    );
    admin
        .run(["connection", "update", "modern", "--tls-version-floor", "tls_1_1"])
        .failed_with(1, "TLS 1.1 is not allowed in FIPS mode");
    admin
        .run(["connection", "update", "modern", "--tls-cert-policy", "insecure"])
        .failed_with(7, "3007");

    let Some(foreign) = foreign else { return };
    let foreign = Ftpd::with(software, "ftpes", foreign);
    connect("foreign", &foreign);
    refused(
        &admin,
        "foreign",
        4011,
        "FIPS mode allows TLS 1.2 and 1.3 with ECDHE",
    );
    admin.ok(["connection", "update", "foreign", "--fips-override", "true"]);
    let (success, result) = test(&admin, "foreign");
    assert!(
        success && result["negotiated"].to_string().contains("CHACHA20"),
        "{result:#}"
    );
    assert_eq!(used(&admin, "foreign"), 1);
}

#[test]
fn connections_by_ftps_follow_the_mode_on_proftpd() {
    let foreign = "TLSProtocol TLSv1.2\nTLSCipherSuite ECDHE-ECDSA-CHACHA20-POLY1305\n";
    ftps(Software::ProFtpd, Some(foreign));
}

#[test]
fn connections_by_ftps_follow_the_mode_on_vsftpd() {
    ftps(Software::Vsftpd, None);
}
