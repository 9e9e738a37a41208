//! A LIST of any host: no panic, no more entries than lines, no name that isn't in the line, and what is found is found
//! again when it is printed as `ls -l` does.
#![no_main]

use courier_ftp::listing::{Found, Line, ListParser};
use courier_transfer::EntryKind;
use jiff::{SignedDuration, Timestamp, tz};
use libfuzzer_sys::fuzz_target;

const ZONES: [i8; 4] = [0, -8, 2, 13];

fn parser(now: Timestamp, zone: u8) -> ListParser {
    let offset = tz::offset(ZONES[usize::from(zone) % ZONES.len()]);
    ListParser::new(now, offset.to_time_zone())
}

/// The line that `ls -l` would print.
fn printed(found: &Found) -> Vec<u8> {
    let (letter, arrow, target) = match (&found.kind, &found.link_target) {
        (EntryKind::File, _) => ('-', "", [].as_slice()),
        (EntryKind::Directory, _) => ('d', "", [].as_slice()),
        (EntryKind::Link, Some(target)) => ('l', " -> ", target.as_slice()),
        (EntryKind::Link, None) => ('l', "", [].as_slice()),
        (EntryKind::Other, _) => ('p', "", [].as_slice()),
    };
    let size = match found.kind {
        EntryKind::Link => target.len() as u64,
        _ => found.size.unwrap_or(0),
    };
    let head = format!("{letter}rwxr-xr-x 1 alice staff {size} Mar  5  2024 ");
    [head.as_bytes(), &found.name, arrow.as_bytes(), target].concat()
}

/// Does printing keep it as it is?
fn is_plain(found: &Found) -> bool {
    let has_arrow = |text: &[u8]| text.windows(4).any(|window| window == b" -> ");
    let ends_well = |text: &[u8]| !text.ends_with(b"\r") && !text.ends_with(b"/");
    let target = found.link_target.as_deref();
    found.size.is_none_or(|size| i64::try_from(size).is_ok())
        && ends_well(&found.name)
        && target.is_none_or(|target| ends_well(target) && !target.is_empty() && !has_arrow(target))
        && (found.kind != EntryKind::Link || !has_arrow(&found.name) && !found.name.ends_with(b" ->"))
}

fuzz_target!(|data: &[u8]| {
    let &[zone, ref listing @ ..] = data else {
        return;
    };
    let now: Timestamp = "2026-06-15T12:00:00Z".parse().expect("a time");
    let mut lines = parser(now, zone);
    let mut before: &[u8] = b"";
    let mut count = (0, 0);
    let mut check = |line: Line, here: &[u8], before: &[u8]| {
        count.1 += 1;
        let Line::Found(found) = line else { return };
        let is_in = |text: &[u8], line: &[u8]| line.windows(text.len().max(1)).any(|window| window == text);
        let is_told = |text: &[u8]| is_in(text, here) || is_in(text, before);
        assert!(!found.name.is_empty() && found.name != b"." && found.name != b"..");
        assert!(is_told(&found.name), "{found:?}");
        assert!(found.link_target.as_ref().is_none_or(|target| is_told(target)));
        assert!(found.link_target.is_none() || found.kind == EntryKind::Link);
        assert!(found.permissions.is_none_or(|mode| mode <= 0o7777));
        if is_plain(&found) {
            let again: Vec<Line> = parser(now, 0).line(&printed(&found)).collect();
            let [Line::Found(again)] = again.as_slice() else {
                panic!("{found:?}: {again:?}");
            };
            assert_eq!((&again.name, again.kind), (&found.name, found.kind));
            assert_eq!(again.link_target, found.link_target);
        }
    };
    for line in listing.split_inclusive(|&b| b == b'\n') {
        count.0 += 1;
        for item in lines.line(line) {
            check(item, line, before);
        }
        before = line;
    }
    for item in lines.finish() {
        check(item, b"", before);
    }
    assert!(count.1 <= count.0, "{count:?}");

    // A time of day without a year is never ahead.
    if let Some(&[month, day, hour, minute]) = listing.first_chunk() {
        const MONTHS: [&str; 12] = [
            "jan", "fév", "Mär", "kwi", "mag", "czerwca", "июл", "Ağu", "zář", "říj", "lis", "dic",
        ];
        let month = MONTHS[usize::from(month) % 12];
        let (day, hour, minute) = (day % 29 + 1, hour % 24, minute % 60);
        let line = format!("-rw-r--r-- 1 a b 7 {month} {day} {hour:02}:{minute:02} x");
        let found = parser(now, zone).line(line.as_bytes()).next();
        let Some(Line::Found(Found {
            modified: Some(time), ..
        })) = found
        else {
            panic!("{line}: {found:?}");
        };
        assert!(
            time.duration_since(now) <= SignedDuration::from_hours(24),
            "{line}: {time}"
        );
    }
});
