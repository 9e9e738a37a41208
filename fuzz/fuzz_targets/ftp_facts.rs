//! Entries of MLSD and MLST, and their times: no panic, no name that isn't in the line, and what is found is found again
//! when it is written as RFC 3659 has it.
#![no_main]

use courier_ftp::{
    codec::time,
    listing::{Found, facts},
};
use courier_transfer::EntryKind;
use libfuzzer_sys::fuzz_target;

fn written(found: &Found) -> Vec<u8> {
    let mut line = Vec::new();
    let kind: &[u8] = match (found.kind, &found.link_target) {
        (EntryKind::File, _) => b"file",
        (EntryKind::Directory, _) => b"dir",
        (EntryKind::Link, None) => b"OS.unix=symlink",
        (EntryKind::Link, Some(_)) => b"OS.unix=slink:",
        (EntryKind::Other, _) => b"OS.unix=pipe",
    };
    line.extend(
        [
            b"type=".as_slice(),
            kind,
            found.link_target.as_deref().unwrap_or_default(),
        ]
        .concat(),
    );
    line.extend_from_slice(b";");
    if let Some(size) = found.size {
        line.extend_from_slice(format!("size={size};").as_bytes());
    }
    if let Some(time) = found.modified.and_then(time::write) {
        line.extend_from_slice(format!("modify={time};").as_bytes());
    }
    if let Some(mode) = found.permissions {
        line.extend_from_slice(format!("UNIX.mode={mode:04o};").as_bytes());
    }
    [line.as_slice(), b" ", &found.name].concat()
}

fuzz_target!(|data: &[u8]| {
    for line in data.split(|&b| b == b'\n') {
        let Ok(found) = facts::parse_one(line) else {
            assert!(facts::parse(line).is_err());
            continue;
        };
        assert!(!found.name.is_empty() && line.windows(found.name.len()).any(|window| window == found.name));
        assert!(found.permissions.is_none_or(|mode| mode <= 0o7777));
        let entry = facts::parse(line).expect("what is one entry is an entry");
        assert!(entry.is_none_or(|entry| entry == found));
        if found.name.ends_with(b"\r") {
            continue;
        }
        let mut again = facts::parse_one(&written(&found)).expect("what is written is read");
        // A fraction is not written.
        let whole = |found: &Found| found.modified.map(|time| time.as_second());
        assert!(
            whole(&again)
                .zip(whole(&found))
                .is_none_or(|(a, b)| a.abs_diff(b) <= 1)
        );
        again.modified = found.modified;
        assert_eq!(again, found);
    }
});
