//! How files looked that weren't ready.

use courier_store::{
    new_id,
    pulls::{Modified, Sighting, Wanted},
};

use super::{at, modified};
use crate::{database::Database, on_both};

on_both!(
    what_stays_the_same_was_first_seen_as_before,
    what_is_not_seen_any_more_is_forgotten,
);

fn seen(path: &[u8], size: u64, modified: Modified) -> Wanted<'_> {
    Wanted { path, size, modified }
}

async fn what_stays_the_same_was_first_seen_as_before(db: Database) {
    let (mapping, pulls) = (new_id(), db.pulls());
    let long = [b"/".as_slice(), &[b'x'; 4000]].concat();
    let first = [
        seen(b"/same", 1, modified(0)),
        seen(b"/grows", 1, modified(0)),
        seen(&long, 1, Modified::UNKNOWN),
        seen(b"/twice", 1, modified(0)),
        seen(b"/twice", 2, modified(0)),
    ];
    pulls.note_sightings(mapping, &first, at(10)).await.unwrap();
    let second = [
        seen(b"/same", 1, modified(0)),
        seen(b"/grows", 2, modified(0)),
        seen(&long, 1, Modified::UNKNOWN),
    ];
    pulls.note_sightings(mapping, &second, at(20)).await.unwrap();
    let paths: [&[u8]; 5] = [&long, b"/grows", b"/none", b"/same", b"/twice"];
    let found = pulls.sightings(mapping, &paths).await.unwrap();
    let sighting = |size, modified, first, last| {
        Some(Sighting {
            size,
            modified,
            first_seen_at: at(first),
            seen_at: at(last),
        })
    };
    assert_eq!(
        found,
        [
            sighting(1, None, 10, 20),
            sighting(2, Some(at(0)), 20, 20),
            None,
            sighting(1, Some(at(0)), 10, 20),
            sighting(2, Some(at(0)), 10, 10),
        ]
    );
    let elsewhere = pulls.sightings(new_id(), &paths).await.unwrap();
    assert_eq!(elsewhere, [None; 5]);
}

async fn what_is_not_seen_any_more_is_forgotten(db: Database) {
    let (mapping, other, pulls) = (new_id(), new_id(), db.pulls());
    let paths: Vec<String> = (0..2500).map(|n| format!("/{n}")).collect();
    let files = paths.iter().map(|path| seen(path.as_bytes(), 1, modified(0)));
    let files: Vec<Wanted<'_>> = files.collect();
    pulls.note_sightings(mapping, &files, at(10)).await.unwrap();
    pulls.note_sightings(other, &files[..1], at(10)).await.unwrap();
    pulls.note_sightings(mapping, &files[1..], at(20)).await.unwrap();
    pulls.forget_sightings(mapping, at(20)).await.unwrap();
    let wanted: Vec<&[u8]> = paths.iter().map(String::as_bytes).collect();
    let found = pulls.sightings(mapping, &wanted).await.unwrap();
    assert_eq!(found.iter().filter(|sighting| sighting.is_none()).count(), 1);
    assert_eq!(found[0], None);
    assert!(pulls.sightings(other, &wanted[..1]).await.unwrap()[0].is_some());
}
