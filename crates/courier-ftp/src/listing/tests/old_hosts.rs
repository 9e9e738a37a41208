use super::*;

#[test]
fn nonstop() {
    assert_listing(
        &[
            "File         Code             EOF  Last Modification    Owner  RWEP",
            "ACCTS        101            16354 14-Mar-24 15:09:12 244, 10 \"NUNU\"",
            "LOG01   O    0               528 6-Apr-07 14:21:18 255,255 \"oooo\"",
        ],
        &[
            found("ACCTS", File, 16354, "2024-03-14 15:09:12"),
            found("LOG01", File, 528, "2007-04-06 14:21:18"),
        ],
    );
    assert_unreadable(&[
        ("ACCTS  101  16354 14-Mar-24 15:09:12 244, 10 NUNU", "form"),
        ("ACCTS  101  16354 14-Mxr-24 15:09:12 244, 10 \"NUNU\"", "form"),
        ("ACC.TS  101  16354 14-Mar-24 15:09:12 244, 10 \"NUNU\"", "form"),
    ]);
}

#[test]
fn netware() {
    assert_each(&[
        (
            "d [R----F--] supervisor            512       Jan 16 18:53    login",
            found("login", Directory, None, "2026-01-16 18:53"),
        ),
        (
            "- [RWCEAFMS] rhesus             214059       Oct 20 15:27    my file.exe",
            found("my file.exe", File, 214_059, "2025-10-20 15:27"),
        ),
        (
            "-[R----F--] rhesus               4059  Mar  5  2024 a",
            found("a", File, 4059, "2024-03-05"),
        ),
    ]);
    assert_unreadable(&[
        ("d [RWCEAFMS] owner  512 10-04 _ADMIN", "NetWare"),
        ("a [RWCEAFMS] owner  512 Mar  5  2024 a", "form"),
        ("d [RWCEAFM] owner  512 Mar  5  2024 a", "form"),
        ("d [RWCEAFMS] owner  512 Mar  5  2024", "no name"),
    ]);
}

#[test]
fn eplf() {
    assert_each(&[
        (
            "+i8388621.29609,m824255902,/,\tin box",
            found("in box", Directory, None, "1996-02-13 23:58:22"),
        ),
        (
            "+i8388621.44468,m839956783,r,s10376,up644\t report ",
            found(" report ", File, 10_376, "1996-08-13 17:19:43").mode(0o644),
        ),
        ("+,\tneither", found("neither", Other, None, None)),
        ("+s-1,mx,up9,r\ta\tb", found("a\tb", File, None, None)),
    ]);
    assert_nothing(&["+/,\t.", "+/,\t.."]);
    assert_unreadable(&[("+r,s1 no tab", "form"), ("+r,s1\t", "no name")]);
}

#[test]
fn size_first() {
    assert_each(&[
        (
            "     0           DIR   12-30-97   12:32  in box",
            found("in box", Directory, None, "1997-12-30 12:32"),
        ),
        (
            "587823    RSA    DIR   01-08-97   13:58  OS2",
            found("OS2", Directory, None, "1997-01-08 13:58"),
        ),
        (
            " 33280      A          04-23-103  10:57  OS2LDR",
            found("OS2LDR", File, 33_280, "2003-04-23 10:57"),
        ),
        (
            "2048    Feb-28-1998  05:23:30   my dir         <DIR>",
            found("my dir", Directory, None, "1998-02-28 05:23:30"),
        ),
        (
            "512     Feb-28-1998  05:23:30   bootrom.hex",
            found("bootrom.hex", File, 512, "1998-02-28 05:23:30"),
        ),
        (
            "206876  Apr 04, 2000 21:06 a report",
            found("a report", File, 206_876, "2000-04-04 21:06"),
        ),
        (
            "0  Dec 12, 2002 02:13 in/",
            found("in", Directory, None, "2002-12-12 02:13"),
        ),
    ]);
    assert_nothing(&[
        "  size          date       time       name",
        "--------       ------     ------    --------",
        "2048    Feb-28-1998  05:23:30   ..         <DIR>",
    ]);
    assert_unreadable(&[
        ("587823    RSX    DIR   01-08-97   13:58  OS2", "form"),
        ("587823    DIR   13-32-97   13:58  OS2", "form"),
        ("587823    DIR   01-08-97   13:58", "no name"),
        ("512     Feb-28-1998  05:23:30", "no name"),
        ("206876  Apr 04 2000 a report", "form"),
        ("12", "form"),
    ]);
}
