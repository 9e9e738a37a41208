//! Do two mappings of a connection take the same files?

use courier_transfer::RemotePath;

use super::definition::MappingDefinition;

/// Why two mappings are in each other's way, in words that follow the other's name; none where they aren't, as far as their
/// folders and patterns tell.
pub(super) fn between(ours: &MappingDefinition, other: &MappingDefinition) -> Option<&'static str> {
    if looks_into(ours, &other.remote_path) || looks_into(other, &ours.remote_path) {
        let by_name = |mapping: &MappingDefinition| match mapping.pattern.contains('/') {
            // What is left of a path may be any name.
            true => "*".to_owned(),
            false => mapping.pattern.clone(),
        };
        if may_both_match(&by_name(ours), &by_name(other)) {
            return Some("can match the same files: each goes to whichever mapping finds it first");
        }
    }
    if other.moved_to().is_some_and(|to| looks_into(ours, &to)) {
        return Some("moves what it has pulled to where this one looks: such a file is pulled once more");
    }
    if ours.moved_to().is_some_and(|to| looks_into(other, &to)) {
        return Some("looks where this one moves what it has pulled: such a file is pulled once more");
    }
    None
}

/// Does the mapping look for files in this folder? Into the folder that it moves files to it never does.
fn looks_into(mapping: &MappingDefinition, folder: &RemotePath) -> bool {
    if mapping
        .moved_to()
        .is_some_and(|to| folder.strip_base(&to).is_some())
    {
        return false;
    }
    match folder.strip_base(&mapping.remote_path) {
        Some(below) => below.is_top() || mapping.recursive,
        None => false,
    }
}

/// Is there a name that both patterns match? Says so too where it isn't sure.
fn may_both_match(one: &str, other: &str) -> bool {
    match (pieces(one), pieces(other)) {
        (Some(one), Some(other)) => meet(&one, &other),
        _ => true,
    }
}

/// A part of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    /// This character.
    Just(char),
    /// Any one character.
    One,
    /// Any characters, or none.
    Many,
}

/// A pattern's pieces; none where it has braces or classes.
fn pieces(pattern: &str) -> Option<Vec<Piece>> {
    let mut chars = pattern.chars();
    let mut pieces = Vec::new();
    while let Some(c) = chars.next() {
        pieces.push(match c {
            '*' => Piece::Many,
            '?' => Piece::One,
            '{' | '[' => return None,
            '\\' => Piece::Just(chars.next()?),
            c => Piece::Just(c),
        });
    }
    Some(pieces)
}

/// Walks both patterns at once: `open` holds, for the pieces of `one` so far, which beginnings of `other` match the same.
fn meet(one: &[Piece], other: &[Piece]) -> bool {
    let mut open = vec![true];
    open.extend(other.iter().scan(true, |still, piece| {
        *still = *still && *piece == Piece::Many;
        Some(*still)
    }));
    for piece in one {
        let mut next = Vec::with_capacity(open.len());
        next.push(*piece == Piece::Many && open.first() == Some(&true));
        for (theirs, both) in other.iter().zip(open.windows(2)) {
            let (before, here) = (both.first() == Some(&true), both.last() == Some(&true));
            let without = next.last() == Some(&true);
            let met = match (piece, theirs) {
                (Piece::Many, _) | (_, Piece::Many) => here || without,
                (Piece::Just(a), Piece::Just(b)) => before && a == b,
                _ => before,
            };
            next.push(met);
        }
        open = next;
    }
    open.last() == Some(&true)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use courier_transfer::ops::Pattern;
    use proptest::prelude::*;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn mapping(folder: &str, pattern: &str, recursive: bool, move_to: Option<&str>) -> MappingDefinition {
        serde_json::from_value(json!({
            "remote_path": folder, "pattern": pattern, "recursive": recursive, "storage_id": Uuid::nil(), "prefix": "",
            "interval_sec": 300, "ignore": [], "min_age_sec": 2, "require_stable": false, "marker_suffix": null,
            "identity": "path_and_version", "after_pull": if move_to.is_some() { "move" } else { "keep" },
            "move_to": move_to,
        }))
        .unwrap()
    }

    #[test]
    fn mappings_that_can_take_the_same_files_are_told() {
        let all = mapping("/in", "*", false, None);
        let deep = mapping("/in", "**/*.csv", true, None);
        for (one, other, same) in [
            (&all, &deep, true),
            (&all, &mapping("/in/a", "*", false, None), false),
            (&deep, &mapping("/in/a", "*", false, None), true),
            (&deep, &mapping("/inbox", "*", true, None), false),
            (&mapping("/", "*", true, None), &all, true),
            (
                &mapping("/in", "*.csv", false, None),
                &mapping("/in", "*.xml", false, None),
                false,
            ),
            (
                &mapping("/in", "orders_*", false, None),
                &mapping("/in", "*.csv", false, None),
                true,
            ),
            (
                &mapping("/in", "{a,b}.csv", false, None),
                &mapping("/in", "c.csv", false, None),
                true,
            ),
        ] {
            assert_eq!(between(one, other).is_some(), same, "{one:?} {other:?}");
            assert_eq!(between(other, one).is_some(), same, "{other:?} {one:?}");
        }
    }

    #[test]
    fn what_is_moved_to_where_another_one_looks_is_told() {
        let moves = mapping("/in", "*", false, Some("done"));
        assert!(between(&moves, &mapping("/in/done", "*", false, None)).is_some());
        assert!(between(&mapping("/in/done", "*", false, None), &moves).is_some());
        let archive = mapping("/in", "*.csv", false, Some("/archive"));
        let other = mapping("/in", "*.xml", false, Some("/archive"));
        assert_eq!(between(&archive, &other), None);
        assert!(between(&archive, &mapping("/", "*.xml", true, None)).is_some());
    }

    proptest! {
        #[test]
        fn a_name_that_both_match_is_seen(one in "[ab*?]{1,6}", other in "[ab*?]{1,6}", name in "[ab]{1,5}") {
            let path = RemotePath::new(&name).unwrap();
            let matches = |pattern: &str| Pattern::new(pattern).unwrap().matches(&path);
            if matches(&one) && matches(&other) {
                prop_assert!(may_both_match(&one, &other));
            }
        }
    }
}
