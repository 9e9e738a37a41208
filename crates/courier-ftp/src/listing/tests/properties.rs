use jiff::{SignedDuration, civil::Date};
use proptest::{collection::vec, prelude::*};

use super::{super::facts, *};

/// Any name that a Unix system could have in a listing.
fn name() -> impl Strategy<Value = Vec<u8>> {
    let byte = any::<u8>().prop_filter("part of a name", |b| !matches!(b, 0 | b'/' | b'\n' | b'\r'));
    vec(byte, 1..60).prop_filter("an entry", |name| name != b"." && name != b"..")
}

/// Words and bytes of which listings are made.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let word = prop::sample::select(vec![
        "-rw-r--r--",
        "drwxr-xr-x+",
        "lrwxrwxrwx",
        "1",
        "root",
        "12",
        "531",
        "1,024",
        "Mar",
        "5",
        "2024",
        "14:22",
        "03-05-24",
        "2024-03-05",
        "02:22PM",
        "<DIR>",
        "<SYMLINK>",
        "->",
        "3月",
        "5日",
        "total",
        "[a]",
        "type=file;",
        "size=3;",
        "modify=20240305142201;",
        "*DIR",
        "*FILE",
        "*MEM",
        "QSYS",
        "A.TXT;1",
        "D.DIR;1",
        "5-MAR-2024",
        "1/3",
        "[SYS,TEM]",
        "(RWED,RWED,RE,)",
        "Directory",
        "Total",
        "of",
        "Volume",
        "Referred",
        "Dsname",
        "Name",
        "VV.MM",
        "3390",
        "PS",
        "PO",
        "FB",
        "Migrated",
        "SYS1.DATA",
        "\"NUNU\"",
        "255,",
        "[RWCEAFMS]",
        "d",
        "-",
        "+i1,m825718503,/,",
        "DIR",
        "A",
        "%RMS-E-PRV",
    ]);
    let piece = prop_oneof![
        8 => word.prop_map(|word| [word.as_bytes(), b" "].concat()),
        1 => vec(any::<u8>(), 0..8),
    ];
    vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_unix_line_of_any_name_comes_back(name in name(), size: u32, day in 1_i8..29, directory: bool) {
        let (letter, kind) = if directory { ('d', Directory) } else { ('-', File) };
        prop_assume!(!directory || !name.ends_with(b"/"));
        for date in [format!("Mar {day:2}  2024"), format!("{day:2} Mar 14:22"), format!("2024-03-{day:02} 14:22")] {
            let line = [format!("{letter}rw-r--r-- 1 owner group {size:8} {date} ").as_bytes(), &name].concat();
            let read = read(&[&line]);
            let [Line::Found(found)] = read.as_slice() else {
                return Err(TestCaseError::fail(format!("{read:?}")));
            };
            prop_assert_eq!((&found.name, found.kind, found.size), (&name, kind, Some(size.into())));
        }
    }

    #[test]
    fn a_dos_line_of_any_name_comes_back(name in name(), size: u32) {
        let line = [format!("03-05-24  02:22PM {size:20} ").as_bytes(), &name].concat();
        prop_assert_eq!(read(&[line]), [Line::Found(found(&name, File, u64::from(size), "2024-03-05 14:22"))]);
    }

    #[test]
    fn facts_of_any_name_come_back(name in name(), size: u64) {
        let line = [format!("type=file;size={size}; ").as_bytes(), &name].concat();
        prop_assert_eq!(facts::parse(&line), Ok(Some(found(&name, File, size, None))));
    }

    #[test]
    fn a_time_without_a_year_is_not_ahead(day in 0_i64..366, minute in 0_i64..1440, now in 0_i64..4_000_000_000) {
        let now = Timestamp::from_second(now).unwrap();
        let date = Date::new(2024, 1, 1).unwrap().checked_add(SignedDuration::from_hours(day * 24)).unwrap();
        let line = format!("-rw-r--r-- 1 a b 7 {} {:02}:{:02} x", date.strftime("%b %e"), minute / 60, minute % 60);
        let mut parser = ListParser::new(now, TimeZone::get("Europe/Berlin").unwrap());
        let Some(Line::Found(found)) = parser.line(line.as_bytes()).next() else {
            return Err(TestCaseError::fail(line));
        };
        let age = now.duration_since(found.modified.unwrap());
        prop_assert!(age >= -SignedDuration::from_hours(24) && age < SignedDuration::from_hours(24 * 366 * 8));
    }

    #[test]
    fn no_line_is_more_than_two_things(lines in vec(line(), 0..12)) {
        let mut parser = parser();
        let mut count = 0;
        for line in &lines {
            let out: Vec<Line> = parser.line(line).collect();
            prop_assert!(out.len() <= 2);
            count += out.len();
            for item in out {
                if let Line::Found(found) = item {
                    prop_assert!(!found.name.is_empty() && found.name.len() <= line.len().max(512));
                    prop_assert!(found.name != b"." && found.name != b"..");
                }
            }
            let _ = facts::parse(line);
        }
        prop_assert!(count + parser.finish().count() <= lines.len());
    }

    #[test]
    fn noise_never_panics(lines in vec(vec(any::<u8>(), 0..200), 0..4)) {
        for line in &lines {
            let _ = facts::parse(line);
        }
        let _ = read(&lines);
    }
}

#[test]
fn long_lines_are_refused_at_once() {
    let line = [
        b"-rw-r--r-- 1 a b 7 Mar  5  2024 ",
        vec![b'x'; 1 << 20].as_slice(),
    ]
    .concat();
    match read(&[line]).as_slice() {
        [Line::Unreadable { raw, reason }] => {
            assert_eq!(raw.len(), 512);
            assert!(reason.as_str().contains("16 KiB"));
        }
        other => panic!("{} lines", other.len()),
    }
}
