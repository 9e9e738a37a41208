//! Replies of a server (RFC 959 section 4.2), read from bytes as they come.
//!
//! Lines end in CR LF; a bare LF is taken, too. Telnet commands (RFC 854) are dropped.

use std::fmt;

/// The longest line, in bytes.
pub(crate) const MAX_LINE: usize = 8 * 1024;
/// The longest reply, in bytes.
pub(crate) const MAX_REPLY: usize = 64 * 1024;
/// The most lines of a reply.
pub(crate) const MAX_LINES: usize = 500;
/// As much of a reply as an error shows, in characters.
const SHOWN: usize = 500;

const IAC: u8 = 255;

/// One whole reply.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// The three digits, 100 to 699.
    pub code: u16,
    /// The text of each line, without the code where the line has it, and without line breaks. At least one.
    pub lines: Vec<Vec<u8>>,
}

impl Reply {
    /// 1xx: another reply follows.
    pub fn is_preliminary(&self) -> bool {
        self.code / 100 == 1
    }

    /// 2xx: done.
    pub fn is_done(&self) -> bool {
        self.code / 100 == 2
    }

    /// 3xx: the server waits for another command.
    pub fn is_intermediate(&self) -> bool {
        self.code / 100 == 3
    }

    /// 500, 502 or 504: the server does not know the command or its parameter.
    pub fn is_unknown_command(&self) -> bool {
        matches!(self.code, 500 | 502 | 504)
    }

    /// The first line's text.
    pub fn first_line(&self) -> &[u8] {
        self.lines.first().map_or(&[], Vec::as_slice)
    }

    /// The path in the reply to PWD and MKD: between quotes, with each quote in it doubled (RFC 959, appendix II).
    pub fn quoted_path(&self) -> Option<Vec<u8>> {
        let text = self.first_line();
        let start = text.iter().position(|b| *b == b'"')? + 1;
        let mut path = Vec::new();
        let mut rest = text.get(start..)?.iter();
        while let Some(&byte) = rest.next() {
            if byte != b'"' {
                path.push(byte);
            } else if rest.as_slice().first() == Some(&b'"') {
                path.push(byte);
                rest.next();
            } else {
                return Some(path);
            }
        }
        None
    }

    /// All lines as one, for people: control characters escaped, cut where it is long.
    pub fn text(&self) -> String {
        let lines: Vec<String> = self.lines.iter().map(|line| shown(line)).collect();
        let text = lines
            .iter()
            .map(|line| line.trim())
            .filter(|line| !line.is_empty());
        text.collect::<Vec<_>>().join(" ").chars().take(SHOWN).collect()
    }
}

/// Code and text, as the server sent it.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.text())
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a server sent, for people: control characters escaped, cut where it is long.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut shown = String::with_capacity(text.len().min(SHOWN));
    for c in text.chars().take(SHOWN) {
        match c.is_control() {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}

/// Why bytes are no reply. Nothing after them can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// A line that does not begin with a code, where a reply must begin; as a person may read it.
    NoCode(String),
    /// The bytes are those of TLS.
    Tls,
    /// A line is longer than 8 KiB.
    LongLine,
    /// A reply has more than 64 KiB or 500 lines.
    LongReply,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCode(line) => write!(
                f,
                "the server sent \"{line}\", which is no reply of FTP: three digits and a text were expected"
            ),
            Self::Tls => f.write_str("the server sent TLS where a reply in plain text was expected"),
            Self::LongLine => write!(f, "the server sent a line longer than {MAX_LINE} bytes"),
            Self::LongReply => write!(
                f,
                "the server sent a reply longer than {MAX_REPLY} bytes or {MAX_LINES} lines"
            ),
        }
    }
}

impl std::error::Error for Malformed {}

/// Puts replies together from bytes that come in any pieces. Holds a reply at most, and what was pushed last.
#[derive(Debug, Default)]
pub struct ReplyParser {
    /// What was pushed and not read yet, from `at` on.
    buffer: Vec<u8>,
    at: usize,
    telnet: Telnet,
    line: Vec<u8>,
    /// The reply of several lines that has begun.
    open: Option<Reply>,
    /// Bytes and lines of it; blank lines before a reply count, too.
    bytes: usize,
    blank: usize,
}

/// Where in a telnet command the stream is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Telnet {
    #[default]
    Text,
    Command,
    Option,
}

impl ReplyParser {
    /// Takes bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.at == self.buffer.len() {
            self.buffer.clear();
            self.at = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole reply, or `None` where more bytes are needed.
    ///
    /// # Errors
    /// What was sent is no reply. The stream is of no use then.
    pub fn next_reply(&mut self) -> Result<Option<Reply>, Malformed> {
        while let Some(&byte) = self.buffer.get(self.at) {
            self.at += 1;
            self.bytes += 1;
            if self.bytes > MAX_REPLY {
                return Err(Malformed::LongReply);
            }
            if byte == b'\n' && self.telnet == Telnet::Text {
                if let Some(reply) = self.end_of_line()? {
                    return Ok(Some(reply));
                }
                continue;
            }
            self.text(byte);
            match self.line.as_slice() {
                // A record of TLS: an alert or a handshake, version 3.x. It need not have a line break in it.
                [0x15 | 0x16, 3] if self.open.is_none() => return Err(Malformed::Tls),
                line if line.len() > MAX_LINE => return Err(Malformed::LongLine),
                _ => {}
            }
        }
        Ok(None)
    }

    /// Is nothing there of a next reply? Blank lines, which mean nothing, count as something.
    pub fn is_empty(&self) -> bool {
        self.at == self.buffer.len() && self.bytes == 0
    }

    /// Do bytes of TLS follow the last reply, an alert or a handshake?
    pub fn is_tls_next(&self) -> bool {
        self.line.is_empty() && matches!(self.buffer.get(self.at..), Some([0x15 | 0x16, 3, ..]))
    }

    /// What is there of a next reply, for people.
    pub fn rest(&self) -> String {
        let unread = self.buffer.get(self.at..).unwrap_or_default();
        shown(&[&self.line, unread].concat())
    }

    /// Has a reply of several lines begun that has not ended yet?
    pub fn is_inside_reply(&self) -> bool {
        self.open.is_some()
    }

    fn text(&mut self, byte: u8) {
        self.telnet = match (self.telnet, byte) {
            (Telnet::Text, IAC) => Telnet::Command,
            (Telnet::Text, byte) => {
                self.line.push(byte);
                Telnet::Text
            }
            // WILL, WONT, DO, DONT: one byte more.
            (Telnet::Command, 251..=254) => Telnet::Option,
            (Telnet::Command, 240..=250) | (Telnet::Option, _) => Telnet::Text,
            (Telnet::Command, IAC) => {
                self.line.push(IAC);
                Telnet::Text
            }
            // No command of telnet: a name with this byte, from a server that does not double it.
            (Telnet::Command, byte) => {
                self.line.extend([IAC, byte]);
                Telnet::Text
            }
        };
    }

    fn end_of_line(&mut self) -> Result<Option<Reply>, Malformed> {
        let mut line = std::mem::take(&mut self.line);
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        let Some(mut reply) = self.open.take() else {
            return self.first_line(line);
        };
        if reply.lines.len() >= MAX_LINES {
            return Err(Malformed::LongReply);
        }
        let is_last = match parts(&line) {
            Some((code, Separator::End, text)) if code == reply.code => {
                reply.lines.push(text.to_vec());
                true
            }
            Some((code, Separator::More, text)) if code == reply.code => {
                reply.lines.push(text.to_vec());
                false
            }
            // Any text, also such that begins with other digits.
            _ => {
                reply.lines.push(line);
                false
            }
        };
        if is_last {
            return Ok(Some(self.finished(reply)));
        }
        self.open = Some(reply);
        Ok(None)
    }

    fn first_line(&mut self, line: Vec<u8>) -> Result<Option<Reply>, Malformed> {
        if line.iter().all(|b| matches!(b, b' ' | b'\r')) {
            self.blank += 1;
            return match self.blank > MAX_LINES {
                true => Err(Malformed::LongReply),
                false => Ok(None),
            };
        }
        let Some((code, separator, text)) = parts(&line) else {
            return Err(Malformed::NoCode(shown(&line)));
        };
        let reply = Reply {
            code,
            lines: vec![text.to_vec()],
        };
        match separator {
            Separator::End => Ok(Some(self.finished(reply))),
            Separator::More => {
                self.open = Some(reply);
                Ok(None)
            }
        }
    }

    fn finished(&mut self, reply: Reply) -> Reply {
        self.bytes = 0;
        self.blank = 0;
        reply
    }
}

enum Separator {
    /// A space: the reply ends with this line.
    End,
    /// A hyphen: more lines follow.
    More,
}

/// Code, separator and text of a line; `None` where it has no code.
fn parts(line: &[u8]) -> Option<(u16, Separator, &[u8])> {
    let (code, rest) = line.split_at_checked(3)?;
    if !matches!(code.first(), Some(b'1'..=b'6')) || !code.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let code = code
        .iter()
        .fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    match rest {
        [] => Some((code, Separator::End, rest)),
        [b' ' | b'\t', text @ ..] => Some((code, Separator::End, text)),
        [b'-', text @ ..] => Some((code, Separator::More, text)),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(bytes: &[u8]) -> (Vec<Reply>, Option<Malformed>) {
        cut(bytes, bytes.len().max(1))
    }

    fn cut(bytes: &[u8], size: usize) -> (Vec<Reply>, Option<Malformed>) {
        let mut parser = ReplyParser::default();
        let mut replies = Vec::new();
        for piece in bytes.chunks(size) {
            parser.push(piece);
            loop {
                match parser.next_reply() {
                    Ok(Some(reply)) => replies.push(reply),
                    Ok(None) => break,
                    Err(e) => return (replies, Some(e)),
                }
            }
        }
        (replies, None)
    }

    fn one(bytes: &[u8]) -> (u16, Vec<String>) {
        let (replies, error) = all(bytes);
        assert_eq!((replies.len(), error), (1, None), "{replies:?}");
        let lines = replies[0].lines.iter();
        (
            replies[0].code,
            lines.map(|l| String::from_utf8_lossy(l).into_owned()).collect(),
        )
    }

    #[test]
    fn a_line_is_a_reply() {
        assert_eq!(one(b"220 Hello\r\n"), (220, vec!["Hello".into()]));
        assert_eq!(one(b"220 Hello\n"), (220, vec!["Hello".into()]));
        assert_eq!(one(b"220\r\n"), (220, vec![String::new()]));
        assert_eq!(one(b"220\tHello\r\n"), (220, vec!["Hello".into()]));
        assert_eq!(one(b"\r\n\r\n220 Late\r\n"), (220, vec!["Late".into()]));
    }

    #[test]
    fn lines_belong_together_until_the_code_comes_again() {
        let text = b"211-Features:\r\n EPSV\r\n220 other digits\r\n211-again\r\n\r\n 211 in\r\n211 End\r\n";
        let lines = [
            "Features:",
            " EPSV",
            "220 other digits",
            "again",
            "",
            " 211 in",
            "End",
        ];
        assert_eq!(one(text), (211, lines.map(String::from).to_vec()));
        assert_eq!(one(b"230-Hi\r\n230\r\n").1, ["Hi", ""]);
    }

    #[test]
    fn replies_that_come_at_once_are_apart() {
        let (replies, _) = all(b"150 Here\r\n226 Done\r\n");
        assert_eq!(replies.iter().map(|r| r.code).collect::<Vec<_>>(), [150, 226]);
    }

    #[test]
    fn telnet_commands_are_dropped() {
        assert_eq!(one(b"\xff\xfb\x012\xff\xf620 He\xff\xffllo\r\n").0, 220);
        let (replies, _) = all(b"257 \"a\xff\xffb\"\r\n257 \"a\xffb\"\r\n");
        assert_eq!(replies[0].lines, [b"\"a\xffb\""]);
        assert_eq!(replies[1].lines, [b"\"a\xffb\""]);
    }

    #[test]
    fn what_is_no_reply_is_an_error() {
        let error = |bytes: &[u8]| all(bytes).1.unwrap();
        assert_eq!(
            error(b"SSH-2.0-OpenSSH_9.6\r\n"),
            Malformed::NoCode("SSH-2.0-OpenSSH_9.6".into())
        );
        for odd in [
            b"22 x\r\n".as_slice(),
            b"2200 x\r\n",
            b"020 x\r\n",
            b"999 x\r\n",
            b"ab\x1bc\n",
        ] {
            assert!(matches!(error(odd), Malformed::NoCode(text) if !text.contains('\x1b')));
        }
        assert_eq!(error(b"\x15\x03\x01\x00\x02"), Malformed::Tls);
        assert_eq!(error(b"\x16\x03\x01\x00\n\x02"), Malformed::Tls);
    }

    #[test]
    fn nothing_grows_without_end() {
        let long = [b"220 ".as_slice(), &[b'x'; MAX_LINE]].concat();
        assert_eq!(all(&long).1, Some(Malformed::LongLine));
        let lines = b"220-x\r\n".repeat(MAX_LINES + 1);
        assert_eq!(all(&lines).1, Some(Malformed::LongReply));
        let bytes = [b"220-".as_slice(), &[b'x'; 7000], b"\r\n"].concat().repeat(10);
        assert_eq!(all(&bytes).1, Some(Malformed::LongReply));
        assert_eq!(all(&b"\r\n".repeat(MAX_LINES + 1)).1, Some(Malformed::LongReply));
        assert_eq!(all(&[IAC, 241].repeat(MAX_REPLY)).1, Some(Malformed::LongReply));
    }

    #[test]
    fn people_see_no_control_characters() {
        let (replies, _) = all(b"550-a\x1b[31m\r\n550 b\r\n");
        assert_eq!(replies[0].to_string(), "550 a\\u{1b}[31m b");
    }

    #[test]
    fn paths_are_read_from_between_quotes() {
        let path = |text: &str| {
            let (replies, _) = all(format!("257 {text}\r\n").as_bytes());
            replies[0]
                .quoted_path()
                .map(|p| String::from_utf8_lossy(&p).into_owned())
        };
        let given = |text: &str| Some(text.to_owned());
        assert_eq!(path("\"/home/a b\" is the current directory"), given("/home/a b"));
        assert_eq!(path("\"/a \"\"b\"\"\" is it"), given("/a \"b\""));
        assert_eq!(path("\"/cut"), None);
        assert_eq!(path("/bare"), None);
    }

    #[test]
    fn what_is_left_over_is_known() {
        let mut parser = ReplyParser::default();
        parser.push(b"234 Go\r\n220 injected\r\n");
        parser.next_reply().unwrap().unwrap();
        assert!(!parser.is_empty());
        parser.next_reply().unwrap().unwrap();
        assert!(parser.is_empty());
        parser.push(b"\r\n");
        assert_eq!(parser.next_reply(), Ok(None));
        assert!(!parser.is_empty());
    }

    /// Bytes that look a little like replies.
    fn noise() -> impl Strategy<Value = Vec<u8>> {
        let part = prop_oneof![
            Just(b"220-".to_vec()),
            Just(b"220 ".to_vec()),
            Just(b"\r\n".to_vec()),
            Just(b"\n".to_vec()),
            Just(vec![IAC]),
            proptest::collection::vec(any::<u8>(), 0..6),
        ];
        proptest::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_bytes_are_cut(bytes in noise(), size in 1usize..9) {
            prop_assert_eq!(all(&bytes), cut(&bytes, size));
        }

        #[test]
        fn what_a_server_says_is_read(
            code in 100u16..=699,
            lines in proptest::collection::vec("[ -~]{0,40}", 1..6),
            size in 1usize..40,
        ) {
            let (last, first) = lines.split_last().unwrap();
            let mut wire = String::new();
            for line in first {
                wire += &format!("{code}-{line}\r\n");
            }
            wire += &format!("{code} {last}\r\n");
            let (replies, error) = cut(wire.as_bytes(), size);
            prop_assert_eq!(error, None);
            prop_assert_eq!(replies.len(), 1);
            prop_assert_eq!(replies[0].code, code);
            let read: Vec<_> = replies[0].lines.iter().map(|l| String::from_utf8_lossy(l).into_owned()).collect();
            prop_assert_eq!(read, lines);
        }
    }
}
