//! The time in `{{date…}}`: its offset, format and time zone.

use std::fmt::Write;

use jiff::{Span, Timestamp, tz::TimeZone};

/// `[offset]:format[@zone]`.
#[derive(Debug)]
pub(super) struct Date {
    offset: Option<Offset>,
    format: Vec<Token>,
    zone: Option<TimeZone>,
}

#[derive(Debug)]
struct Offset {
    /// As it was written.
    text: String,
    span: Span,
}

#[derive(Debug)]
enum Token {
    Year,
    ShortYear,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
    Text(String),
}

/// What a format may have, for people.
const LETTERS: &str =
    "yyyy, yy, MM, dd, HH, mm, ss and fff, and what stands between single quotes is taken as it is";

impl Date {
    /// Reads what stands behind `date`.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let (offset, format) = text.split_once(':').ok_or_else(|| {
            format!(
                "a date needs a format behind a colon, as in {{{{date:yyyyMMdd}}}}; it may have {LETTERS}"
            )
        })?;
        let offset = match offset.trim() {
            "" => None,
            offset => Some(Offset::new(offset)?),
        };
        let (format, zone) = tokens(format)?;
        if format.is_empty() {
            return Err(format!("the format of a date is empty; it may have {LETTERS}"));
        }
        Ok(Self {
            offset,
            format,
            zone: zone.map(time_zone).transpose()?,
        })
    }

    /// That time, as it is to be written; in `zone` where the placeholder names none, else UTC.
    pub(super) fn text(&self, at: Timestamp, zone: Option<&str>) -> Result<String, String> {
        let zone = match (&self.zone, zone) {
            (Some(own), _) => own.clone(),
            (None, Some(zone)) => time_zone(zone)?,
            (None, None) => TimeZone::UTC,
        };
        let mut at = at.to_zoned(zone);
        if let Some(offset) = &self.offset {
            at = at
                .checked_add(offset.span)
                .map_err(|_| format!("{} from {at} is no date any more", offset.text))?;
        }
        let mut text = String::new();
        for token in &self.format {
            let written = match token {
                Token::Year => write!(text, "{:04}", at.year()),
                Token::ShortYear => write!(text, "{:02}", at.year().rem_euclid(100)),
                Token::Month => write!(text, "{:02}", at.month()),
                Token::Day => write!(text, "{:02}", at.day()),
                Token::Hour => write!(text, "{:02}", at.hour()),
                Token::Minute => write!(text, "{:02}", at.minute()),
                Token::Second => write!(text, "{:02}", at.second()),
                Token::Millisecond => write!(text, "{:03}", at.millisecond()),
                Token::Text(plain) => text.write_str(plain),
            };
            written.map_err(|e| e.to_string())?;
        }
        Ok(text)
    }
}

impl Offset {
    fn new(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("the offset \"{text}\" of a date is none; write -1d, +2h or -30m (days, hours, minutes)")
        };
        let number = text.get(..text.len().saturating_sub(1)).ok_or_else(wrong)?;
        if !number.starts_with(['+', '-']) {
            return Err(wrong());
        }
        let number: i64 = number.parse().map_err(|_| wrong())?;
        let span = match text.chars().last() {
            Some('d') => Span::new().try_days(number),
            Some('h') => Span::new().try_hours(number),
            Some('m') => Span::new().try_minutes(number),
            _ => return Err(wrong()),
        };
        Ok(Self {
            text: text.into(),
            span: span.map_err(|_| format!("the offset \"{text}\" of a date is too large"))?,
        })
    }
}

fn time_zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name)
        .map_err(|_| format!("there is no time zone \"{name}\"; write IANA's name, as in Europe/Berlin"))
}

/// A format's tokens, and the time zone behind its `@`.
fn tokens(format: &str) -> Result<(Vec<Token>, Option<&str>), String> {
    let mut tokens = Vec::new();
    let mut rest = format;
    while let Some(c) = rest.chars().next() {
        if c == '@' {
            return Ok((tokens, rest.get(1..).map(str::trim)));
        }
        if c == '\'' {
            let inside = rest.get(1..).unwrap_or_default();
            let (plain, behind) = inside
                .split_once('\'')
                .ok_or("the format of a date has a single quote without its other end")?;
            tokens.push(Token::Text(plain.into()));
            rest = behind;
            continue;
        }
        let end = rest.find(|other| other != c).unwrap_or(rest.len());
        let (run, behind) = rest.split_at(end);
        tokens.push(match run {
            "yyyy" => Token::Year,
            "yy" => Token::ShortYear,
            "MM" => Token::Month,
            "dd" => Token::Day,
            "HH" => Token::Hour,
            "mm" => Token::Minute,
            "ss" => Token::Second,
            "fff" => Token::Millisecond,
            _ if c.is_alphabetic() => {
                return Err(format!(
                    "the format of a date has \"{run}\"; it may have {LETTERS}"
                ));
            }
            plain => Token::Text(plain.into()),
        });
        rest = behind;
    }
    Ok((tokens, None))
}
