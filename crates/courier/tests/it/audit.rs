//! The audit log from a shell: exported, verified, and edited behind the server's back.

use std::fs;

use serde_json::Value;

use crate::support::Serve;

#[test]
fn the_log_is_exported_and_an_edit_of_the_file_is_found() {
    let mut serve = Serve::start();
    let admin = serve.admin();
    let connection = r#"{"protocol": "sftp", "host": "a.example", "username": "me", "auth_method": "password",
        "password": "a password"}"#;
    let create = ["connection", "create", "partner-a", "-f", "-"];
    let made = admin.run_with_input(create, connection);
    assert_eq!(made.code, 0, "{made:?}");

    let exported = admin
        .ok(["audit", "export", "--operation", "connection_created"])
        .stdout;
    let lines: Vec<Value> = exported
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!((lines.len(), &lines[0]["seq"]), (1, &Value::from(1)));
    let file = serve.data().join("audit.csv");
    let file = file.to_str().unwrap();
    let said = admin
        .ok(["audit", "export", "--format", "csv", "-o", file])
        .stdout;
    assert_eq!(said.trim(), format!("wrote {file}"));
    let table = fs::read_to_string(file).unwrap();
    assert!(
        table.starts_with("id,performed_at,") && table.contains(",connection_created,"),
        "{table}"
    );

    let whole = admin.ok(["audit", "verify"]).stdout;
    assert!(whole.starts_with("the audit log is whole: "), "{whole}");
    assert_eq!(serve.stop(), 0);

    // With an editor for bytes, past SQL and its triggers.
    let database = serve.data().join("courier.db");
    let mut bytes = fs::read(&database).unwrap();
    let (from, to) = (b"partner-a", b"partner-b");
    let places: Vec<usize> = (0..bytes.len() - from.len())
        .filter(|at| bytes[*at..].starts_with(from))
        .collect();
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    fs::write(&database, bytes).unwrap();
    serve.start_again();
    let admin = serve.admin();
    let found = admin.run(["audit", "verify"]);
    assert_eq!(found.code, 1, "{found:?}");
    assert!(
        found
            .stdout
            .contains("record 1 was changed (now connection_created)"),
        "{found:?}"
    );
    assert_eq!(serve.stop(), 0);
}
