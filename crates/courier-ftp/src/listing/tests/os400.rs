use super::*;

#[test]
fn lines() {
    assert_each(&[
        (
            "ALICE           4019 03/15/24 14:22:01 *STMF      report 2020.txt",
            found("report 2020.txt", File, 4019, "2024-03-15 14:22:01"),
        ),
        (
            "ALICE          36864 03/15/24 14:22:01 *DIR       in/",
            found("in", Directory, None, "2024-03-15 14:22:01"),
        ),
        (
            "ALICE     5000000000 18.09.06 14:22:01 *STMF      large",
            found("large", File, 5_000_000_000, "2006-09-18 14:22:01"),
        ),
        (
            "QSYS            77824 23/02/00 15:09:55 *FILE compact",
            found("compact", File, None, "2000-02-23 15:09:55"),
        ),
        (
            "ALICE     5263360 06/11/97 12:27:39 *FILE      BPTFSAVF",
            found("BPTFSAVF", File, None, "1997-06-11 12:27:39"),
        ),
        (
            "            4019 03/15/24 14:22:01 *STMF      no owner",
            found("no owner", File, 4019, "2024-03-15 14:22:01"),
        ),
        (
            "ALICE                03/15/24 14:22:01 *LIB       DATA.LIB",
            found("DATA.LIB", Directory, None, "2024-03-15 14:22:01"),
        ),
        (
            "ALICE           4019 03/15/24 14:22:01 *PGM       RUN.PGM",
            found("RUN.PGM", Other, None, "2024-03-15 14:22:01"),
        ),
        (
            "ALICE           4019 03/15/24 14:22:01 *STMF       leading",
            found(" leading", File, 4019, "2024-03-15 14:22:01"),
        ),
        (
            "ALICE           4019 03/15/24 14:22:01 *STMF /home/alice/report.pdf",
            found("report.pdf", File, 4019, "2024-03-15 14:22:01"),
        ),
        (
            "ALICE                                   *MEM      ORDERS.FILE/ORDERS.MBR",
            found("ORDERS.MBR", File, None, None),
        ),
        (
            "ALICE           4019 03/15/24 14:22:01 *STMF      ../passwd",
            found("../passwd", File, 4019, "2024-03-15 14:22:01"),
        ),
    ]);
}

#[test]
fn members_of_a_file_in_the_listing_are_no_entries_of_it() {
    assert_listing(
        &[
            "CFT             45056 04/12/14 14:19:31 *FILE      ORDERS.FILE",
            "CFT                                     *MEM       ORDERS.FILE/ORDERS.MBR",
            "CFT                                     *MEM       ORDERS.FILE/OTHER.MBR",
            "CFT             36864 15/12/14 15:19:30 *FILE      STOCK.FILE",
            "CFT                                     *MEM       STOCK.FILE/STOCK.MBR",
        ],
        &[
            found("ORDERS.FILE", File, None, "2014-04-12 14:19:31"),
            found("STOCK.FILE", File, None, "2014-12-15 15:19:30"),
        ],
    );
}

#[test]
fn the_order_of_a_date_is_learned() {
    let line = |date: &str| format!("ALICE   19 {date} 14:22:01 *STMF      a");
    assert_listing(
        &[line("24/03/28"), line("24/03/05"), line("23/11/12")],
        &[
            found("a", File, 19, "2024-03-28 14:22:01"),
            found("a", File, 19, "2024-03-05 14:22:01"),
            found("a", File, 19, "2023-11-12 14:22:01"),
        ],
    );
}

#[test]
fn unreadable() {
    assert_unreadable(&[
        ("ALICE           4019 03/32/24 14:22:01 *STMF      a", "order"),
        ("ALICE BOB       4019 03/15/24 14:22:01 *STMF      a", "form"),
        ("ALICE           40x9 03/15/24 14:22:01 *STMF      a", "order"),
        ("ALICE           4019 03/15/24 14:22:01 *STMF", "no name"),
        ("ALICE           4019 03/15/24 14:22:01 STMF       a", "form"),
        ("ALICE           4019 14:22:01 *STMF      a", "order"),
    ]);
}
