//! A question on the terminal whose answer is not shown.
//!
//! The terminal's own line editing is off meanwhile, so that Ctrl-C ends the question and the terminal is always given
//! back as it was.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;

/// The terminal, if somebody sits there.
pub(super) fn terminal() -> Option<File> {
    if !io::stdin().is_terminal() {
        return None;
    }
    // Not standard output or error: they may go elsewhere.
    OpenOptions::new().read(true).write(true).open("/dev/tty").ok()
}

/// Asks, and waits for the answer. An error of the kind `Interrupted` is Ctrl-C.
pub(super) fn ask(mut terminal: &File, question: &str) -> io::Result<SecretString> {
    write!(terminal, "{question}: ")?;
    let silent = Silent::new(terminal)?;
    let answer = read_line(terminal);
    drop(silent);
    writeln!(terminal)?;
    answer
}

/// A terminal that shows nothing and hands over each key, as long as this value lives.
struct Silent<'t> {
    terminal: &'t File,
    before: Termios,
}

impl<'t> Silent<'t> {
    fn new(terminal: &'t File) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut modes = before.clone();
        modes.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        modes.special_codes[SpecialCodeIndex::VMIN] = 1;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(terminal, OptionalActions::Flush, &modes)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silent<'_> {
    fn drop(&mut self) {
        // Where this fails, the terminal is gone.
        let _ = tcsetattr(self.terminal, OptionalActions::Drain, &self.before);
    }
}

/// One line of keys, with the few that edit it.
fn read_line(mut keys: impl Read) -> io::Result<SecretString> {
    const MAX_LEN: usize = 4096;
    // With room from the start, so that growing leaves no copies behind.
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_LEN));
    let mut key = [0];
    loop {
        let ended = keys.read(&mut key)? == 0;
        match key {
            _ if ended => break,
            [b'\r' | b'\n'] => break,
            [0x03] => return Err(io::ErrorKind::Interrupted.into()),
            [0x04] if line.is_empty() => return Err(io::ErrorKind::Interrupted.into()),
            [0x08 | 0x7f] => {
                // A whole character, which may be several bytes.
                while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
            }
            [0x15] => line.clear(),
            [byte] if line.len() < MAX_LEN => line.push(byte),
            _ => {}
        }
    }
    let text = std::str::from_utf8(&line)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "what was typed is not UTF-8"))?;
    Ok(SecretString::from(text))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn keys_edit_the_line() {
        for (keys, line) in [
            ("secret\n", "secret"),
            ("secrex\x7ft\r", "secret"),
            ("grü\x7fün\n", "grün"),
            ("\x7f\x7fa\n", "a"),
            ("wrong\x15right\n", "right"),
            ("no end", "no end"),
            ("\n", ""),
        ] {
            assert_eq!(
                read_line(keys.as_bytes()).unwrap().expose_secret(),
                line,
                "{keys:?}"
            );
        }
        assert_eq!(
            read_line(&b"abc\x03"[..]).unwrap_err().kind(),
            io::ErrorKind::Interrupted
        );
    }
}
