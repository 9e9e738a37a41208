use super::*;

#[test]
fn lines() {
    assert_each(&[
        (
            "REPORT.TXT;3             9/12          5-MAR-2024 14:22:01  [STAFF,ALICE]   (RWED,RWED,RE,)",
            found("REPORT.TXT", File, None, "2024-03-05 14:22:01"),
        ),
        (
            "IN.DIR;1                   1           5-MAR-2024 14:22 [STAFF,ALICE] (RWE,RWE,RE,RE)",
            found("IN", Directory, None, "2024-03-05 14:22"),
        ),
        (
            "report.v2.txt;1       155   2-jul-2003 10:30:13.64",
            found("report.v2.txt", File, None, "2003-07-02 10:30:13.64"),
        ),
        (
            "NOTIME.DAT;1    2/8    7-JAN-2000    [IV2_XXX]   (RWED,RWED,RE,)",
            found("NOTIME.DAT", File, None, "2000-01-07"),
        ),
        (
            "BARE.DAT;1    6/8    15-NOV-2002    PRONAS   (RWED,RWED,RE,)",
            found("BARE.DAT", File, None, "2002-11-15"),
        ),
        (
            "OTHER.DAT;1   [SUMMARY]    1/3     2-AUG-2006 13:05  (RWE,RWE,RE,)",
            found("OTHER.DAT", File, None, "2006-08-02 13:05"),
        ),
        (
            "ORDER.DAT;12       17-JUN-1994 17:25:37     6308/13     (RWED,RWED,R,)",
            found("ORDER.DAT", File, None, "1994-06-17 17:25:37"),
        ),
        (
            "KB.DAT;1 2KB 23-SEP-2005 14:57:07.27",
            found("KB.DAT", File, None, "2005-09-23 14:57:07.27"),
        ),
        (
            "CUT.DIR;1        27/36         16-FEB-1999 10:01:46  [AP_HTTPD,APACHE$WWW    (RWE,RWE,RE,RE)",
            found("CUT", Directory, None, "1999-02-16 10:01:46"),
        ),
        (
            "JUIN.DAT;1    6/8    15-JUI-2002 10:00   [A,B]   (RWED,RWED,RE,)",
            found("JUIN.DAT", File, None, None),
        ),
        (
            "SECRET.TXT;1  %RMS-E-PRV, insufficient privilege or file protection violation",
            found("SECRET.TXT", File, None, None),
        ),
    ]);
}

#[test]
fn a_whole_listing() {
    assert_listing(
        &[
            "",
            "Directory USER1:[ALICE]",
            "",
            "A.TXT;3                  9/12          5-MAR-2024 14:22:01  [STAFF,ALICE]   (RWED,RWED,RE,)",
            "A.TXT;2                  9/12          4-MAR-2024 14:22:01  [STAFF,ALICE]   (RWED,RWED,RE,)",
            "A_NAME_THAT_IS_TOO_LONG_FOR_ITS_COLUMN.TXT;1",
            "                         4/15          5-MAR-2024 14:22:01  [STAFF,ALICE]   (RWED,RWED,RE,)",
            "ANOTHER_NAME_TOO_LONG_FOR_ITS_COLUMN.DIR;1",
            "1/15          5-MAR-2024 14:22:01  [STAFF,ALICE]   (RWED,RWED,RE,)",
            "A_LONG_NAME_OF_A_SECRET_FILE_FOR_NOBODY.TXT;1",
            "                 %RMS-E-PRV, insufficient privilege or file protection violation",
            "",
            "Total of 5 files, 28/54 blocks.",
            "Grand total of 1 directory, 5 files, 28/54 blocks.",
        ],
        &[
            found("A.TXT", File, None, "2024-03-05 14:22:01"),
            found(
                "A_NAME_THAT_IS_TOO_LONG_FOR_ITS_COLUMN.TXT",
                File,
                None,
                "2024-03-05 14:22:01",
            ),
            found(
                "ANOTHER_NAME_TOO_LONG_FOR_ITS_COLUMN",
                Directory,
                None,
                "2024-03-05 14:22:01",
            ),
            found("A_LONG_NAME_OF_A_SECRET_FILE_FOR_NOBODY.TXT", File, None, None),
        ],
    );
}

#[test]
fn a_name_alone_is_unreadable_and_its_neighbour_is_not() {
    let read = read(&[
        "LONELY.TXT;1",
        "A.TXT;3      9/12     5-MAR-2024 14:22:01  [STAFF,ALICE]   (RWED,RWED,RE,)",
        "LAST.TXT;1",
    ]);
    let [
        Line::Unreadable { raw: lonely, reason },
        Line::Found(a),
        Line::Unreadable { raw: last, .. },
    ] = read.as_slice()
    else {
        panic!("{read:?}");
    };
    assert_eq!(
        (lonely.as_slice(), last.as_slice()),
        (b"LONELY.TXT;1".as_slice(), b"LAST.TXT;1".as_slice())
    );
    assert!(reason.as_str().contains("no date"), "{reason}");
    assert_eq!(a.name, b"A.TXT");
}

#[test]
fn what_is_no_entry() {
    assert_nothing(&[
        "Directory DISK$USER:[ALICE.IN]",
        "Total of 1 file, 3 blocks.",
        "%DIRECT-W-NOFILES, no files found",
    ]);
    assert_unreadable(&[
        (
            "A.TXT;2   JUN-2-1998X 07:32:04  [A,B]    (RWED,RWED,RWED,)",
            "form",
        ),
        (
            "A.TXT;2   a/9   2-JUN-98 07:32:04  [A,B]    (RWED,RWED,RWED,)",
            "form",
        ),
        (
            "A.TXT; 1  1/9   2-JUN-1998 07:32:04  [A,B]    (RWED,RWED,RWED,)",
            "form",
        ),
        (
            "A.TXT;1   1/9   2-JUN-1998 12:45:27 PM  [A,B]    (RWED,RWED,RWED,)",
            "form",
        ),
        ("A.TXT;1   1/9   [A,B]    (RWED,RWED,RWED,)", "form"),
        ("A.TXT;1   1/9", "form"),
        ("%RMS-E-FNF, file not found", "form"),
        ("A.TXT;1", "no date"),
    ]);
}
