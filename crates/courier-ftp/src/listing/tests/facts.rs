use super::{super::facts, *};

fn parse(line: &str) -> Option<Found> {
    facts::parse(line.as_bytes()).unwrap_or_else(|e| panic!("{line}: {e}"))
}

#[test]
fn entries() {
    for (line, expected) in [
        (
            "type=file;size=951;modify=20240305142201;UNIX.mode=0644;unique=119FBB87UE; welcome.msg",
            found("welcome.msg", File, 951, "2024-03-05 14:22:01").mode(0o644),
        ),
        (
            "Type=dir;Modify=20240305142201.123;Perm=flcdmpe;UNIX.mode=0777; _upload",
            found("_upload", Directory, None, "2024-03-05 14:22:01.123").mode(0o777),
        ),
        ("type=dir;sizd=4096; d", found("d", Directory, 4096, None)),
        (
            "TYPE=FILE;SIZE=5000000000; large",
            found("large", File, 5_000_000_000, None),
        ),
        ("type=file;  leading", found(" leading", File, None, None)),
        ("type=file; trailing\t ", found("trailing\t ", File, None, None)),
        (
            "type=file;\ta tab in front",
            found("a tab in front", File, None, None),
        ),
        ("type=file; a; b;c=d; e", found("a; b;c=d; e", File, None, None)),
        ("type=file draft", found("draft", File, None, None)),
        ("type=file draft; b", found("draft; b", File, None, None)),
        (
            "type=OS.unix=slink:/foo; l",
            found("l", Link, None, None).to("/foo"),
        ),
        (
            "type=OS.unix=slink:/my foo;size=3; l m",
            found("l m", Link, 3, None).to("/my foo"),
        ),
        ("type=OS.UNIX=symlink; l", found("l", Link, None, None)),
        ("type=OS.unix=slink:; l", found("l", Link, None, None)),
        ("type=OS.unix=chr-13/29; tty", found("tty", Other, None, None)),
        ("size=3; no type", found("no type", Other, 3, None)),
        (
            "type=file;UNIX.ownername=Domain Users;size=3; owned",
            found("owned", File, 3, None),
        ),
        (
            "type=file;UNIX.mode=0100644; m",
            found("m", File, None, None).mode(0o644),
        ),
        (
            "type=file;UNIX.mode=00;perm=; m",
            found("m", File, None, None).mode(0),
        ),
        (
            "type=file;size=-1;modify=0;UNIX.mode=rw; nothing to believe",
            found("nothing to believe", File, None, None),
        ),
        (
            "type=file;modify=191240305142201; 1900 and 124 years",
            found("1900 and 124 years", File, None, "2024-03-05 14:22:01"),
        ),
        (
            " type=file;size=1; as in a reply\r\n",
            found("as in a reply", File, 1, None),
        ),
    ] {
        assert_eq!(parse(line), Some(expected), "{line}");
    }
}

#[test]
fn names_keep_their_bytes() {
    let line = b"type=file; \xFF\xFE\x00/..";
    assert_eq!(
        facts::parse(line).unwrap(),
        Some(found(b"\xFF\xFE\x00/..", File, None, None))
    );
}

#[test]
fn the_directory_itself_is_no_entry() {
    for line in [
        "type=cdir;modify=20240305142201; .",
        "type=cdir; /home/me",
        "type=pdir; ..",
        "type=dir; .",
        "type=dir; ..",
    ] {
        assert_eq!(parse(line), None, "{line}");
    }
    let looked_at = facts::parse_one(b" type=cdir;modify=20240305142201; /home/me").unwrap();
    assert_eq!(
        looked_at,
        found("/home/me", Directory, None, "2024-03-05 14:22:01")
    );
}

#[test]
fn unreadable() {
    for (line, word) in [
        ("", "facts"),
        (" a name alone", "facts"),
        ("name", "facts"),
        ("drwxr-xr-x 2 a b 4096 Mar  5  2024 x", "facts"),
        ("type=file;", "no name"),
        ("type=file; ", "no name"),
        ("type=file;size=1", "no name"),
        ("type=file;size; x", "no name"),
    ] {
        let reason = facts::parse(line.as_bytes()).unwrap_err();
        assert!(reason.as_str().contains(word), "{line}: {reason}");
    }
}
