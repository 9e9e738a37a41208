//! Cases about names that break what is glued together from strings.

use super::Fixture;
use crate::{CreateOptions, EntryKind, ErrorKind, RenameMode};

async fn survives(f: &Fixture, name: &[u8]) {
    let path = f.path(name);
    // Some servers hear no blanks at the end and no control characters, or take a backslash for what it is on Windows:
    // such a name may be refused, but not bent.
    let is_delicate = name.ends_with(b" ") || name.contains(&b'\\') || name.contains(&b'\t');
    if is_delicate && let Err(e) = f.client.create(&path, CreateOptions::default()).await {
        assert!(
            matches!(e.kind(), ErrorKind::Unsupported | ErrorKind::Denied),
            "{e:?}"
        );
        assert_eq!(f.list(&f.folder).await, []);
        return;
    }
    f.write(&path, name).await;
    assert_eq!(f.client.stat(&path).await.unwrap().size, Some(name.len() as u64));
    let listed = f.list(&f.folder).await;
    assert!(listed.iter().any(|e| e.path == path), "{path} in {listed:?}");
    let renamed = f.path([name, b"2"].concat());
    f.client
        .rename(&path, &renamed, RenameMode::KeepTarget)
        .await
        .unwrap();
    assert_eq!(f.read(&renamed).await, name);
    f.client.remove(&renamed, EntryKind::File).await.unwrap();
    assert!(!f.exists(&renamed).await);
}

/// Spaces, dashes, quotes, backslashes, letters of other scripts, long names.
pub async fn odd_names_survive(f: &Fixture) {
    let long = "n".repeat(240);
    let names = [
        "a file",
        " leading",
        "trailing ",
        "-rf",
        "--help",
        "it's",
        "\"quoted\"",
        "back\\slash",
        "tab\there",
        "semi;colon",
        "$HOME",
        "`id`",
        "#x",
        "%41",
        "a:b",
        "grüße",
        "日本語",
        "🦀",
        "e\u{301}",
        "...",
        ".x",
        "~",
        "a&b|c",
        &long,
    ];
    for name in names {
        survives(f, name.as_bytes()).await;
    }
    let dir = f.path("a dir with spaces");
    f.client.make_dir(&dir).await.unwrap();
    let inside = dir.join(&f.path("-x y").name().unwrap());
    f.write(&inside, b"in").await;
    assert_eq!(f.list(&dir).await[0].path, inside);
}

/// Names that are not UTF-8.
pub async fn names_of_bytes_survive(f: &Fixture) {
    for name in [&b"caf\xe9"[..], b"\xff\xfe", b"a\x80b"] {
        survives(f, name).await;
    }
}

/// Characters of patterns mean themselves.
pub async fn names_like_patterns_are_no_patterns(f: &Fixture) {
    for name in ["plain", "other"] {
        f.write(&f.path(name), b"x").await;
    }
    for name in ["*", "?????", "[p]lain", "{plain,other}", "**", "!"] {
        survives(f, name.as_bytes()).await;
    }
    assert_eq!(f.list(&f.folder).await.len(), 2);
}
