use super::*;

#[test]
fn lines() {
    assert_each(&[
        (
            "03-05-24  02:22PM       <DIR>          in box",
            found("in box", Directory, None, "2024-03-05 14:22"),
        ),
        (
            "03-05-24  12:09AM                  589 report 2020.txt",
            found("report 2020.txt", File, 589, "2024-03-05 00:09"),
        ),
        (
            "03-05-2024  02:22PM           5000000000 large",
            found("large", File, 5_000_000_000, "2024-03-05 14:22"),
        ),
        (
            "03-10-21 11:12       <DIR> System Volume Information",
            found("System Volume Information", Directory, None, "2021-03-10 11:12"),
        ),
        (
            "11-14-97  14:21:33                 953 seconds",
            found("seconds", File, 953, "1997-11-14 14:21:33"),
        ),
        (
            "05.03.2024  14:22                9.730 Bericht",
            found("Bericht", File, 9_730, "2024-03-05 14:22"),
        ),
        (
            "05/03/2024  14:22               9\u{a0}730 rapport",
            found("rapport", File, 9_730, "2024-05-03 14:22"),
        ),
        (
            "2024-03-05  02:22 PM            9,730  leading",
            found(" leading", File, 9_730, "2024-03-05 14:22"),
        ),
        (
            "2024/03/05  14:22    <DIR>          123 456",
            found("123 456", Directory, None, "2024-03-05 14:22"),
        ),
        (
            "13-05-24  02:22PM                  589 day first",
            found("day first", File, 589, "2024-05-13 14:22"),
        ),
        (
            "03-05-24  02:22PM    <JUNCTION>     data [D:\\data]",
            found("data", Link, None, "2024-03-05 14:22").to("D:\\data"),
        ),
        (
            "03-05-24  02:22PM    <SYMLINKD>     bare",
            found("bare", Link, None, "2024-03-05 14:22"),
        ),
        (
            "03-05-24  02:22PM    <SYMLINK>      locked [...]",
            found("locked", Link, None, "2024-03-05 14:22"),
        ),
        (
            "03-05-24  02:22PM    <SYMLINK>      x]",
            found("x]", Link, None, "2024-03-05 14:22"),
        ),
    ]);
}

#[test]
fn the_order_of_day_and_month_holds_for_a_listing() {
    assert_listing(
        &[
            "25-05-24  02:22PM    1 a",
            "04-05-24  02:22PM    2 b",
            "02-11-23  02:22PM    3 c",
        ],
        &[
            found("a", File, 1, "2024-05-25 14:22"),
            found("b", File, 2, "2024-05-04 14:22"),
            found("c", File, 3, "2023-11-02 14:22"),
        ],
    );
}

#[test]
fn what_is_no_entry() {
    assert_nothing(&[
        "03-05-24  02:22PM       <DIR>          .",
        "03-05-24  02:22PM       <DIR>          ..",
    ]);
    assert_unreadable(&[
        ("03-05-24  02:22PM       <DIRX>         a", "size"),
        ("03-05-24  02:22PM", "size"),
        ("03-05-24  02:22PM       589", "no name"),
        ("03-05-24  02:22PM       <DIR>     ", "no name"),
        ("03-05-24  02:22PM       -1 a", "size"),
        ("03-05-24  02:22PM    <SYMLINK>      a [b] [c]", "more than once"),
        ("13-13-24  02:22PM       589 a", "form"),
        ("03-05-24  25:22       589 a", "form"),
        ("03-05-24  589 a", "form"),
    ]);
}
