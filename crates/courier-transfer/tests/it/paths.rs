//! Patterns.

use courier_transfer::{
    ErrorKind, RemotePath,
    ops::{Pattern, RemoteGlob},
};
use proptest::prelude::*;

use crate::support::path;

fn matches(pattern: &str, relative: &str) -> bool {
    Pattern::new(pattern).unwrap().matches(&path(relative))
}

#[test]
fn patterns_without_a_slash_match_base_names() {
    assert!(matches("*.csv", "a.csv") && matches("*.csv", "deep/er/a.csv"));
    assert!(!matches("*.csv", "a.csv.gz") && !matches("*.csv", "a.csv/b"));
    assert!(matches("{a,b}?.[ch]", "x/b1.c") && !matches("[!a]*", "abc"));
}

#[test]
fn patterns_with_a_slash_match_relative_paths() {
    assert!(matches("in/*.csv", "in/a.csv"));
    assert!(!matches("in/*.csv", "in/x/a.csv") && !matches("in/*.csv", "x/in/a.csv"));
    assert!(matches("**/a", "a") && matches("**/a", "x/y/a") && matches("x/**", "x/y/z"));
    assert!(matches("/*.csv", "a.csv") && !matches("/*.csv", "x/a.csv"));
    assert!(matches("a\\*", "a*") && !matches("a\\*", "ab"));
}

#[test]
fn bytes_that_are_no_text_match() {
    let odd = RemotePath::new(b"in/caf\xe9.csv").unwrap();
    assert!(Pattern::new("*.csv").unwrap().matches(&odd));
    assert!(Pattern::new("in/caf?.csv").unwrap().matches(&odd));
}

#[test]
fn globs_split_into_a_fixed_folder_and_a_pattern() {
    for (text, base, pattern) in [
        ("/in/*.csv", "/in", Some("/*.csv")),
        ("/in/a.csv", "/in/a.csv", None),
        ("in/2*/x/*", "in", Some("2*/x/*")),
        ("/a\\*b/c", "/a*b/c", None),
        ("*", ".", Some("/*")),
        ("/**", "/", Some("**")),
    ] {
        let glob = RemoteGlob::new(text).unwrap();
        assert_eq!(glob.base().to_text(), base, "{text}");
        assert_eq!(glob.pattern().map(Pattern::as_str), pattern, "{text}");
    }
    for bad in ["", "a/../*", "../x", "*/../x", "in/[a"] {
        let error = RemoteGlob::new(bad).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{bad}");
    }
}

proptest! {
    /// A folder above a match is never left out of the search.
    #[test]
    fn folders_above_matches_are_searched(
        pattern in "[ab*?/{},\\[\\]\\\\]{1,10}",
        relative in "[ab]{1,2}(/[ab]{1,2}){0,3}",
    ) {
        let Ok(pattern) = Pattern::new(&pattern) else { return Ok(()) };
        let relative = path(&relative);
        if pattern.matches(&relative) {
            let mut above = relative.parent();
            while let Some(folder) = above.filter(|f| !f.is_top()) {
                prop_assert!(pattern.may_match_below(&folder), "{:?} {folder}", pattern.as_str());
                above = folder.parent();
            }
        }
    }

    /// No text makes a glob that leaves its folder, and none panics.
    #[test]
    fn any_text_is_a_safe_glob_or_an_error(text in ".{0,40}") {
        if let Ok(glob) = RemoteGlob::new(&text) {
            prop_assert!(glob.base().segments().all(|s| s != b".."));
        }
    }
}

#[test]
fn a_pattern_that_nobody_means_is_refused_and_not_worked_on() {
    let refused = |text: String| Pattern::new(&text).unwrap_err().kind() == ErrorKind::Invalid;
    assert!(refused("{".repeat(300) + "a" + &"}".repeat(300)));
    assert!(refused("{".repeat(100_000) + &"}".repeat(100_000)));
    assert!(refused("{a,b}".repeat(100)));
    assert!(refused("?".repeat(2 << 20)));
    assert!(matches("{a,{b,{c,d}}}.csv", "d.csv"));
    // A name may have braces.
    assert!(matches(&"\\{".repeat(200), &"{".repeat(200)));
    let (folders, long) = ("long-name/".repeat(400), "?ong-name/".repeat(400));
    let pattern = Pattern::new(&format!("{long}x")).unwrap();
    assert!(
        pattern.matches(&path(&format!("{folders}x"))) && !pattern.matches(&path(&format!("{folders}y")))
    );
    let below = |text: &str| pattern.may_match_below(&path(text));
    assert!(below("long-name") && below(folders.trim_end_matches('/')));
    assert!(!below("other") && !below(&format!("other/{}", &folders[..300])));
}
