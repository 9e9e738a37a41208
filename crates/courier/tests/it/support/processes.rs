//! Processes that tests kill, and what those started.

use std::fs;
use std::process::Command;

/// Sends a signal to processes that this test started, or that those started. Who is gone already doesn't matter.
pub(crate) fn send(name: &str, processes: &[u32]) {
    if processes.is_empty() {
        return;
    }
    let ids = processes.iter().map(u32::to_string);
    let _ = Command::new("kill")
        .args(["-s", name])
        .args(ids)
        .output()
        .unwrap();
}

/// A process and all that it started, and those started, itself first.
pub(crate) fn family(of: u32) -> Vec<u32> {
    let all: Vec<(u32, u32)> = fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|process| Some((process, parent(process)?)))
        .collect();
    let mut family = vec![of];
    let mut next = 0;
    while let Some(&member) = family.get(next) {
        family.extend(
            all.iter()
                .filter(|(_, parent)| *parent == member)
                .map(|(id, _)| id),
        );
        next += 1;
    }
    family
}

fn parent(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, in parentheses, may hold anything.
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(1)?.parse().ok()
}
