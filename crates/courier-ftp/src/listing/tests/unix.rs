use super::*;

#[test]
fn columns() {
    assert_each(&[
        (
            "-rw-r--r--   1 alice    staff      1048 Mar  5  2024 report.txt",
            found("report.txt", File, 1048, "2024-03-05").mode(0o644),
        ),
        (
            "drwxr-xr-x   2 1001     1001       4096 Jun 14 09:05 in",
            found("in", Directory, 4096, "2026-06-14 09:05").mode(0o755),
        ),
        (
            "-rw-rw-r--+  1 521      101         208 May 21 10:53 acl",
            found("acl", File, 208, "2026-05-21 10:53").mode(0o664),
        ),
        (
            "-rw-r--r--.  1 root     root       1048 Mar  5  2024 label",
            found("label", File, 1048, "2024-03-05").mode(0o644),
        ),
        (
            "drwxr-x---+1464 chris   chris     41472 Feb 25  2009 many links",
            found("many links", Directory, 41472, "2009-02-25").mode(0o750),
        ),
        (
            "dr-xr-xr-x   2 root                 512 Apr  8  1994 no group",
            found("no group", Directory, 512, "1994-04-08").mode(0o555),
        ),
        (
            "-r--r--r--   1024 Nov 11 2005 no owner",
            found("no owner", File, 1024, "2005-11-11").mode(0o444),
        ),
        (
            "-rw-r--r--   1 CORP Domain Users of Here 531 Jan 29 03:26 spaces.doc",
            found("spaces.doc", File, 531, "2026-01-29 03:26").mode(0o644),
        ),
        (
            "-rwxr-xr-x   2 user     my group 500  5000000000 Mar  2 15:13 large",
            found("large", File, 5_000_000_000, "2026-03-02 15:13").mode(0o755),
        ),
        (
            "  131074 -rw-r--r-- 1 a b 7 Mar  5  2024 inode",
            found("inode", File, 7, "2024-03-05").mode(0o644),
        ),
        (
            "131074    8 -rw-r--r-- 1 a b 7 Mar  5  2024 inode and blocks",
            found("inode and blocks", File, 7, "2024-03-05").mode(0o644),
        ),
        (
            "-rw-r--r--   1 owner    group   1,234,567 Mar  5  2024 thousands",
            found("thousands", File, 1_234_567, "2024-03-05").mode(0o644),
        ),
        (
            "-rwsr-sr-t   1 root     root          166 Nov  2  2001 special",
            found("special", File, 166, "2001-11-02").mode(0o7755),
        ),
        (
            "-C--E-----FTP B BCC3I1       7670  1294495 Jan 13 07:42 batch",
            found("batch", File, 1_294_495, "2026-01-13 07:42"),
        ),
    ]);
}

#[test]
fn sizes_that_are_not_exact_are_none() {
    assert_each(&[
        (
            "-rw-r--r--   1 root     other  33.5k Oct  5  2023 human",
            found("human", File, None, "2023-10-05").mode(0o644),
        ),
        (
            "-r-xr-xr-x longowner longgroup123456 Feb 12 17:20 glued",
            found("glued", File, None, "2026-02-12 17:20").mode(0o555),
        ),
        (
            "crw-r----- 1 root kmem   0,  27 Jan 30 11:42 kmem",
            found("kmem", Other, None, "2026-01-30 11:42").mode(0o640),
        ),
        (
            "brw-------   1 root     sys      109,767 Jul  2  2004 pci@1c,600000:disk",
            found("pci@1c,600000:disk", Other, None, "2004-07-02").mode(0o600),
        ),
        (
            "crw-------   1 root     sys      8,1 Jul  2  2004 device",
            found("device", Other, None, "2004-07-02").mode(0o600),
        ),
        (
            "drwxrwxr-x               folder        2 May 10  1996 Old Files",
            found("Old Files", Directory, None, "1996-05-10").mode(0o775),
        ),
        (
            "-rw-r--r--    54149       27826    81975 Jul 22  2010 two forks.jpg",
            found("two forks.jpg", File, None, "2010-07-22").mode(0o644),
        ),
        (
            "-rw-r--r-- 0 a b 18446744073709551615 Nov 16  2006 minus one",
            found("minus one", File, None, "2006-11-16").mode(0o644),
        ),
        (
            "d?????????   ? ?  ?       ?            ? locked",
            found("locked", Directory, None, None),
        ),
    ]);
}

#[test]
fn dates() {
    let line = |date: &str| format!("-rw-r--r--   1 root     other        531 {date} a 2020 b");
    let table = [
        ("Jun 15 12:00", "2026-06-15 12:00"),
        ("Jun 16 12:00", "2026-06-16 12:00"),
        ("Jun 16 12:01", "2025-06-16 12:01"),
        ("Dec 31 23:59", "2025-12-31 23:59"),
        ("Feb 29 08:00", "2024-02-29 08:00"),
        ("Apr  4 24:00", "2026-04-05 00:00"),
        ("Mar  5  0:23", "2026-03-05 00:23"),
        (" 5 Mar 14:22", "2026-03-05 14:22"),
        ("05 mar 2024", "2024-03-05"),
        ("3 29 03:26", "2026-03-29 03:26"),
        ("3 29 2020", "2020-03-29"),
        ("09-26 2000", "2000-09-26"),
        ("09-26 13:45", "2025-09-26 13:45"),
        ("2024-03-05 14:22", "2024-03-05 14:22"),
        ("2024-03-05 14:22:01", "2024-03-05 14:22:01"),
        (
            "2024-03-05 14:22:01.123456789 +0100",
            "2024-03-05 13:22:01.123456789",
        ),
        ("2024-03-05 14:22:01 -0330", "2024-03-05 17:52:01"),
        ("2024-03-05T14:22:01", "2024-03-05 14:22:01"),
        ("2024-03-05T14:22:01Z", "2024-03-05 14:22:01"),
        ("2024-03-05T14:22:01+02:00", "2024-03-05 12:22:01"),
        ("2024-03-05      ", "2024-03-05"),
        ("1999/10/12 17:12", "1999-10-12 17:12"),
        ("2004.07.15   ", "2004-07-15"),
        ("24-04-2003 17:12", "2003-04-24 17:12"),
        ("01-jun-99", "1999-06-01"),
        ("5-Mar-2024 14:22", "2024-03-05 14:22"),
        ("Oct 08, 2002 09:47", "2002-10-08 09:47"),
        ("Mar  5 14:22:01 2024", "2024-03-05 14:22:01"),
        ("Tue Mar  5 14:22:01 2024", "2024-03-05 14:22:01"),
    ];
    for (date, expected) in table {
        let line = line(date);
        assert_each(&[(line.as_str(), found("a 2020 b", File, 531, expected).mode(0o644))]);
    }
}

#[test]
fn months_of_other_languages() {
    let table = [
        ("5. Mär 14:22", "2026-03-05 14:22"),
        ("26. Juli, 20:10", "2025-07-26 20:10"),
        ("2.   Okt.  2003", "2003-10-02"),
        ("Dez 24  2020", "2020-12-24"),
        ("5 févr. 2024", "2024-02-05"),
        ("août  5  2024", "2024-08-05"),
        ("ene  5  2024", "2024-01-05"),
        ("set  5  2024", "2024-09-05"),
        ("gen  5 14:22", "2026-01-05 14:22"),
        ("ott 05  2024", "2024-10-05"),
        ("out  5  2024", "2024-10-05"),
        ("mrt  5  2024", "2024-03-05"),
        ("maj  5  2024", "2024-05-05"),
        ("heinä  5  2024", "2024-07-05"),
        ("5 paź  2024", "2024-10-05"),
        ("5 čec  2024", "2024-07-05"),
        ("szept  5  2024", "2024-09-05"),
        ("5 янв  2024", "2024-01-05"),
        ("Мая  5 14:22", "2026-05-05 14:22"),
        ("5 Ιούλ 2024", "2024-07-05"),
        ("Ağu  5  2024", "2024-08-05"),
        ("3月 5日 14:22", "2026-03-05 14:22"),
        ("3月5日 14:22", "2026-03-05 14:22"),
        (" 3月  5 14:22", "2026-03-05 14:22"),
        ("6月 3日 2003年", "2003-06-03"),
        ("6月 3 2003", "2003-06-03"),
        ("2005년  1월  6일", "2005-01-06"),
        ("2003   3月 20", "2003-03-20"),
    ];
    for (date, expected) in table {
        let line = format!("-rw-r--r--   1 root     other        531 {date} datei");
        assert_each(&[(line.as_str(), found("datei", File, 531, expected).mode(0o644))]);
    }
}

#[test]
fn months_in_other_encodings() {
    let table: [(&[u8], &str); 11] = [
        (b"M\xE4r  5  2024", "2024-03-05"),
        (b"f\xE9vr.  5  2024", "2024-02-05"),
        (b" 5 pa\xBC  2024", "2024-10-05"),
        (b" 5 pa\x9F  2024", "2024-10-05"),
        (b"A\xF0u  5  2024", "2024-08-05"),
        (b" 5 \xD1\xCE\xD7 2024", "2024-01-05"),
        (b" 5 \xFF\xED\xE2 2024", "2024-01-05"),
        (b"4\x8C\x8E 18\x93\xFA 2003\x94\x4E", "2003-04-18"),
        (b"4\xB7\xEE 18\xC6\xFC 2003\xC7\xAF", "2003-04-18"),
        (b"4\xD4\xC2 18\xC8\xD5 09:30", "2026-04-18 09:30"),
        (b"2003\xB3\xE2  4\xBF\xF9 18\xC0\xCF", "2003-04-18"),
    ];
    for (date, expected) in table {
        let line = [b"-rw-r--r--   1 root  other  531 ", date, b" \xE4 b"].concat();
        assert_each(&[(line, found(b"\xE4 b", File, 531, expected).mode(0o644))]);
    }
}

#[test]
fn names_keep_their_bytes() {
    let names: [&[u8]; 14] = [
        b" leading",
        b"  two leading",
        b"trailing  ",
        b"a  b\tc",
        b"2014 Invoices",
        b"14:22 call",
        b"5 May 2020",
        b"123 Mar  5  2024 forged",
        b"a -> b",
        b"\xFF\xFE\x01",
        "日本語 файл".as_bytes(),
        b"..hidden",
        b"+0100 x",
        b"a\\b;c:d",
    ];
    for name in names {
        for head in [
            "-rw-r--r--   1 root     other        531 Mar  5  2024 ",
            "-rw-r--r--   1 root     other        531  5 Mar  2024 ",
            "-rw-r--r--   1 root                  531 Mar  5  2024 ",
            "-rw-r--r--   1 root     other        531 2024-03-05 00:00 ",
        ] {
            let line = [head.as_bytes(), name, b"\r\n"].concat();
            assert_each(&[(line, found(name, File, 531, "2024-03-05").mode(0o644))]);
        }
    }
}

#[test]
fn an_owner_may_be_called_like_a_month() {
    assert_each(&[
        (
            "-rw-r--r-- 1 jan 20 2012 Aug  8  2024 a",
            found("a", File, 2012, "2024-08-08").mode(0o644),
        ),
        (
            "-rw-r--r-- 1 2 3 2024 Aug  8 14:14 a",
            found("a", File, 2024, "2025-08-08 14:14").mode(0o644),
        ),
        (
            "-rw-r--r-- 1 0 1 7 Aug  8 14:14 a",
            found("a", File, 7, "2025-08-08 14:14").mode(0o644),
        ),
    ]);
}

#[test]
fn links() {
    let line = |size: u32, text: &str| format!("lrwxrwxrwx   1 root  other  {size} Jan 25 00:17 {text}");
    let link = |name: &str, size| found(name, Link, size, "2026-01-25 00:17").mode(0o777);
    assert_each(&[
        (line(7, "bin -> usr/bin"), link("bin", 7).to("usr/bin")),
        (line(7, "no target"), link("no target", 7)),
        (line(3, "a -> b -> c/d"), link("a -> b", 3).to("c/d")),
        (line(8, "a -> b -> c/d"), link("a", 8).to("b -> c/d")),
        (line(1, "x->y -> z"), link("x->y", 1).to("z")),
        (line(0, " -> z"), link(" -> z", 0)),
    ]);
    let ambiguous = line(5, "a -> b -> c/d");
    assert_unreadable(&[(&ambiguous, "more than once")]);
}

#[test]
fn what_is_no_entry() {
    assert_nothing(&[
        "",
        "   ",
        "\r\n",
        "total 12",
        "total 0",
        "total 4.0K",
        "Total: 3",
        "insgesamt 12",
        "итого 12",
        "合計 12",
        "drwxr-xr-x   2 root     root       4096 Mar  5  2024 .",
        "drwxr-xr-x   2 root     root       4096 Mar  5  2024 ..",
        "drwxr-xr-x   2 root     root       4096 Mar  5  2024 ../",
    ]);
    assert_each(&[(
        "drwxr-xr-x   2 root     root       4096 Mar  5  2024 marked/",
        found("marked", Directory, 4096, "2024-03-05").mode(0o755),
    )]);
}

#[test]
fn unreadable() {
    assert_unreadable(&[
        ("drwxr-xr-x   2 root     root     4096 Jam  4 00:03 a", "date"),
        ("drwxr-xr-x   2 root     root     4096 Aug 36  2001 a", "date"),
        ("drwxr-xr-x   2 root     root     4096 Feb 30  2001 a", "date"),
        ("drwxr-xr-x   2 root     root     4096 Feb 23 30:01 a", "date"),
        ("drwxr-xr-x   2 root     root     4096 Aug 26  201 a", "date"),
        ("-rw-r--r--   1 14       staff      119:26 Aug 22  2000 a", "date"),
        ("-rw-r--r--   1 14       staff      -1 Aug 22  2000 a", "date"),
        ("drwxr-xr-x   3 slopri   devlab   512 without a date", "date"),
        ("-rw-r--r--   1 root     root     4096 Mar  5  2024", "no name"),
        ("-rw-r--r--   1 root     root     4096 Mar  5  2024 ", "no name"),
        ("zrwxr-xr-x   2 root     root     4096 Mar  2 15:13 a", "form"),
        ("-rw-r--r--", "date"),
        ("ls: cannot open directory '.': Permission denied", "form"),
        ("a file with a line break", "form"),
        ("000000000x ", "form"),
        ("file.txt", "form"),
        ("total 12 12", "form"),
        ("d????????? ? ? ?", "date"),
    ]);
}

#[test]
fn times_are_in_the_zone_of_the_server() {
    let zone = TimeZone::get("America/New_York").unwrap();
    let mut parser = ListParser::new(now(), zone);
    let mut modified = |date: &str| {
        let line = format!("-rw-r--r-- 1 a b 7 {date} x");
        match parser.line(line.as_bytes()).next() {
            Some(Line::Found(found)) => found.modified.unwrap().to_string(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(modified("Jun 14 20:00"), "2026-06-15T00:00:00Z");
    assert_eq!(modified("Mar  8 02:30"), "2026-03-08T07:30:00Z", "a gap");
    assert_eq!(modified("Nov  2 01:30"), "2025-11-02T05:30:00Z", "twice");
    assert_eq!(modified("2024-03-05 14:22:01 +0100"), "2024-03-05T13:22:01Z");
}

#[test]
fn a_whole_listing() {
    assert_listing(
        &[
            "total 12\r\n",
            "drwxr-xr-x    2 0        0            4096 Mar 05  2024 .\r\n",
            "drwxr-xr-x    2 0        0            4096 Mar 05  2024 ..\r\n",
            "-rw-r--r--    1 0        0               7 Jun 15 11:59 a.txt\r\r\n",
            "drwxr-xr-x    2 0        0            4096 Mar 05  2024 b\n",
            "",
        ],
        &[
            found("a.txt", File, 7, "2026-06-15 11:59").mode(0o644),
            found("b", Directory, 4096, "2024-03-05").mode(0o755),
        ],
    );
}
