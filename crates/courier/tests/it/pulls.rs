//! Mapped folders from outside: over each protocol, into each kind of storage, and through a death at each stage.

#[cfg(feature = "failpoints")]
mod killed;
mod protocols;

use serde_json::Value;

use crate::support::{Arrived, Cli};

/// All that the history has of the connection `partner`.
pub(crate) fn history(admin: &Cli) -> Vec<Value> {
    let export = admin.ok(["connection", "history", "partner", "--export", "jsonl"]);
    let lines = export.stdout.lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What the history says has arrived. A file that it has twice has failed the test.
pub(crate) fn recorded(admin: &Cli) -> Arrived {
    let mut recorded = Arrived::new();
    for entry in history(admin) {
        let text = |name: &str| entry[name].as_str().unwrap().to_owned();
        let key = text("key");
        let file = (entry["size"].as_u64().unwrap(), text("sha256"));
        assert!(text("destination").ends_with(&key), "{entry}");
        assert!(recorded.insert(key, file).is_none(), "twice: {entry}");
    }
    recorded
}
