use super::*;

#[test]
fn data_sets() {
    assert_listing(
        &[
            "Volume Unit    Referred Ext Used Recfm Lrecl BlkSz Dsorg Dsname",
            "USER01 3390   2024/03/05  1   15  FB      80  3200  PS  REPORT.DATA",
            "USER01 3390   2024/03/05  1   15  FB      80  3200  PO  JCL.LIB",
            "USER01 3390   2024/03/05  1   15  FB      80  3200  PO-E  JCL.PDSE",
            "USER01 3390   2024/03/05  1+++++  VBS  32767 27966  PS  LARGE.DATA",
            "USER01 3390   2024/03/05  1 ????  FB      80  8053  PS  LARGER.DATA",
            "USER01 3390   2024/03/05 213000 U 0 27998 PO GLUED.LIB",
            "USER01 3390   **NONE**    1   15  NONE     0     0  PO  NEVER.USED",
            "USER01 3390   VSAM SOME.CLUSTER",
            "Migrated                                                OLD.DATA",
            "ARCIVE Not Direct Access Device                         OLDER.DATA",
            "Pseudo Directory                                        MORE",
            "V43525 Tape                                             ON.TAPE",
            "Error determining attributes                            ODD.DATA",
        ],
        &[
            found("REPORT.DATA", File, None, None),
            found("JCL.LIB", Directory, None, None),
            found("JCL.PDSE", Directory, None, None),
            found("LARGE.DATA", File, None, None),
            found("LARGER.DATA", File, None, None),
            found("GLUED.LIB", Directory, None, None),
            found("NEVER.USED", Directory, None, None),
            found("SOME.CLUSTER", Other, None, None),
            found("OLD.DATA", File, None, None),
            found("OLDER.DATA", File, None, None),
            found("MORE", Directory, None, None),
            found("ON.TAPE", File, None, None),
            found("ODD.DATA", Other, None, None),
        ],
    );
    assert_listing(
        &[
            "Volume Referred      Ext      Used Recfm Lrecl BlkSz Dsorg Dsname",
            "USER01 2024/03/05      1        15  VB   32756 32760  PO   A.LIB",
        ],
        &[found("A.LIB", Directory, None, None)],
    );
}

#[test]
fn members() {
    assert_listing(
        &[
            " Name     VV.MM   Created       Changed      Size  Init   Mod   Id",
            "COPY      01.03 2023/09/12 2024/03/05 14:22    11    11     0 ALICE",
            " $PLAIN                                                             ",
            "PLAIN",
        ],
        &[
            found("COPY", File, None, "2024-03-05 14:22"),
            found("$PLAIN", File, None, None),
            found("PLAIN", File, None, None),
        ],
    );
    assert_listing(
        &[
            " Name      Size     TTR   Alias-of AC --------- Attributes --------- Amode Rmode",
            "EAGKCPT   000058   000009          00 FO             RN RU            31    ANY",
            "EAGRTPRC  005F48   000011 EAGRTALT 00 FO             RN RU            31    ANY",
        ],
        &[
            found("EAGKCPT", File, None, None),
            found("EAGRTPRC", File, None, None),
        ],
    );
}

#[test]
fn unreadable_under_a_heading() {
    let volume = "Volume Unit    Referred Ext Used Recfm Lrecl BlkSz Dsorg Dsname";
    let name = " Name     VV.MM   Created       Changed      Size  Init   Mod   Id";
    let job = "JOBNAME  JOBID    OWNER    STATUS CLASS";
    for (heading, line, word) in [
        (
            volume,
            "USER01 3390   2024/03/05  1   15  FB      80  3200  XX  A.B",
            "data set",
        ),
        (volume, "MigratedA.B", "data set"),
        (volume, "A.B", "data set"),
        (volume, "-rw-r--r-- 1 a b 7 Mar  5  2024 x", "data set"),
        (
            name,
            "COPY      01.03 2023/09/12 2024/13/05 14:22    11    11     0 ALICE",
            "member",
        ),
        (name, "TOOLONGNAME", "member"),
        (name, "A.B", "member"),
        (
            job,
            "ALICE1   JOB01906 ALICE    OUTPUT A        RC=0000 3 spool files",
            "spool",
        ),
    ] {
        match read(&[heading, line]).as_slice() {
            [Line::Unreadable { raw, reason }] => {
                assert_eq!(raw, line.as_bytes());
                assert!(reason.as_str().contains(word), "{line}: {reason}");
            }
            other => panic!("{line}: {other:?}"),
        }
    }
}

#[test]
fn a_name_with_a_line_break_is_no_heading() {
    let lines = [
        "-rw-r--r-- 1 a b 7 Mar  5  2024 x",
        "Name VV.MM Created",
        "-rw-r--r-- 1 a b 7 Mar  5  2024 y",
    ];
    match read(&lines).as_slice() {
        [Line::Found(x), Line::Unreadable { .. }, Line::Found(y)] => {
            assert_eq!(
                (x.name.as_slice(), y.name.as_slice()),
                (b"x".as_slice(), b"y".as_slice())
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn unix_files_are_listed_as_any() {
    assert_listing(
        &[
            "total 17904",
            "drwxrwxr-x   2 OMVSKERN SYS1        8192 Oct 19  2015 in",
        ],
        &[found("in", Directory, 8192, "2015-10-19").mode(0o775)],
    );
}
