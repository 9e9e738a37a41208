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
            if self.line.len() > MAX_LINE {
                return Err(match self.line.as_slice() {
                    [0x15 | 0x16, 3, ..] => Malformed::Tls,
                    _ => Malformed::LongLine,
                });
            }
        }
        match self.line.as_slice() {
            // A record of TLS: an alert or a handshake, version 3.x. It need not have a line break in it.
            [0x15 | 0x16, 3, ..] if self.open.is_none() => Err(Malformed::Tls),
            _ => Ok(None),
        }
    }

    /// Is nothing there of a next reply? Blank lines, which mean nothing, count as something.
    pub fn is_empty(&self) -> bool {
        self.at == self.buffer.len() && self.bytes == 0
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
            return Err(match line.as_slice() {
                [0x15 | 0x16, 3, ..] => Malformed::Tls,
                line => Malformed::NoCode(shown(line)),
            });
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
