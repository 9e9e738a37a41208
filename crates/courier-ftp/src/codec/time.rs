//! Times as MLSD, MLST, MDTM and MFMT write them (RFC 3659 section 2.3): `YYYYMMDDHHMMSS[.sss]`, in UTC.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// Month, day, hour, minute, second.
const BEHIND_YEAR: usize = 10;

/// Reads a time; a fraction is kept to the nanosecond. `None`: it is no such time.
///
/// Takes the leap second 60 as 59, and the years of servers that write "19" and the years since 1900 behind
/// it (`191240305142201` is of 2024).
pub fn read(text: &[u8]) -> Option<Timestamp> {
    let (whole, fraction) = match text.iter().position(|&b| b == b'.') {
        Some(dot) => {
            let (whole, fraction) = text.split_at_checked(dot)?;
            (whole, fraction.get(1..)?)
        }
        None => (text, [].as_slice()),
    };
    let (year, rest) = whole.split_at_checked(whole.len().checked_sub(BEHIND_YEAR)?)?;
    let year = match year.len() {
        4 => number(year)?,
        5 if year.starts_with(b"19") => 1900 + number(year.get(2..)?)?,
        _ => return None,
    };
    let mut pairs = rest.chunks_exact(2).map(number);
    let mut next = || pairs.next().flatten().and_then(|n| i8::try_from(n).ok());
    let (month, day, hour, minute, second) = (next()?, next()?, next()?, next()?, next()?);
    let second = if second == 60 { 59 } else { second };
    let year = i16::try_from(year).ok()?;
    let time = DateTime::new(year, month, day, hour, minute, second, nanoseconds(fraction)?).ok()?;
    time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// Writes a time in whole seconds: servers that read no fraction refuse one. `None` outside of the years 0
/// to 9999, which the form can't hold.
pub fn write(time: Timestamp) -> Option<String> {
    let time = time.to_zoned(TimeZone::UTC).datetime();
    (time.year() >= 0).then(|| time.strftime("%Y%m%d%H%M%S").to_string())
}

fn number(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// What stands behind the point; digits past the ninth are cut.
fn nanoseconds(digits: &[u8]) -> Option<i32> {
    if digits.is_empty() {
        return Some(0);
    }
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let padded = digits.iter().copied().chain(std::iter::repeat(b'0')).take(9);
    Some(padded.fold(0, |sum, digit| sum * 10 + i32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Option<Timestamp> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn reads_what_servers_send() {
        assert_eq!(read(b"20240305142201"), at("2024-03-05T14:22:01Z"));
        assert_eq!(read(b"20240305142201.5"), at("2024-03-05T14:22:01.5Z"));
        assert_eq!(
            read(b"20240305142201.0123456789"),
            at("2024-03-05T14:22:01.012345678Z")
        );
        assert_eq!(read(b"20240305142201."), at("2024-03-05T14:22:01Z"));
        assert_eq!(read(b"19700101000000"), at("1970-01-01T00:00:00Z"));
        assert_eq!(read(b"19681105165215"), at("1968-11-05T16:52:15Z"));
        assert_eq!(
            read(b"20161231235960"),
            at("2016-12-31T23:59:59Z"),
            "a leap second"
        );
    }

    #[test]
    fn reads_years_since_1900() {
        assert_eq!(read(b"191000229120000"), at("2000-02-29T12:00:00Z"));
        assert_eq!(read(b"191240305142201"), at("2024-03-05T14:22:01Z"));
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "0",
            "2024",
            "20240305",
            "202403051422",
            "20240230142201",
            "20241305142201",
            "20240305242201",
            "20240305146001",
            "20240305142261",
            "2024030514220x",
            " 20240305142201",
            "20240305142201Z",
            "20240305142201.5x",
            "+0240305142201",
            "201240305142201",
            "1912403051422010",
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn writes_no_fraction() {
        let time = "2024-03-05T14:22:01.987Z".parse().unwrap();
        assert_eq!(write(time).as_deref(), Some("20240305142201"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(second in -62_135_596_800_i64..253_402_200_000) {
            let time = Timestamp::from_second(second).unwrap();
            prop_assert_eq!(read(write(time).unwrap().as_bytes()), Some(time));
        }

        #[test]
        fn never_panics(text: Vec<u8>) {
            let _ = read(&text);
        }
    }
}
