//! Commands to a server. One with a line break in it cannot be built.

use std::fmt;

use courier_transfer::{Error, ErrorKind, Result};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};

/// The telnet byte that has to be doubled (RFC 854).
const IAC: u8 = 255;

/// One command.
///
/// `Debug` and `Display` show it without secrets.
#[derive(Clone)]
pub(crate) struct Command {
    line: Zeroizing<Vec<u8>>,
    /// Where what may be shown ends.
    shown: usize,
}

impl Command {
    /// A command, with its subcommand where it has one (`SITE CHMOD`).
    pub(crate) fn new(verb: &'static str) -> Self {
        let line = Zeroizing::new(verb.as_bytes().to_vec());
        Self {
            shown: line.len(),
            line,
        }
    }

    /// With a path, or any other argument of bytes, behind a space.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where a CR, LF or NUL is in it.
    pub(crate) fn path(mut self, path: &[u8]) -> Result<Self> {
        self.push(path).map_err(|()| {
            let path = path.escape_ascii();
            Error::new(
                ErrorKind::Invalid,
                format!("FTP cannot send \"{path}\": it has a line break or a NUL in it"),
            )
        })?;
        self.shown = self.line.len();
        Ok(self)
    }

    /// With an argument of text, behind a space.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where a CR, LF or NUL is in it.
    pub(crate) fn arg(self, text: &str) -> Result<Self> {
        self.path(text.as_bytes())
    }

    /// With a secret behind a space, which is shown to nobody.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where a CR, LF or NUL is in it.
    pub(crate) fn secret(mut self, secret: &SecretString) -> Result<Self> {
        self.push(secret.expose_secret().as_bytes()).map_err(|()| {
            Error::new(
                ErrorKind::Invalid,
                "the password has a line break or a NUL in it, which FTP cannot send",
            )
        })?;
        Ok(self)
    }

    /// As it goes over the wire, by the rules of telnet or without.
    pub(crate) fn to_wire(&self, telnet: bool) -> Zeroizing<Vec<u8>> {
        let to_double = |byte: u8| telnet && byte == IAC;
        let doubled = self.line.iter().filter(|byte| to_double(**byte)).count();
        // Not to grow: what grows leaves a copy behind.
        let mut wire = Zeroizing::new(Vec::with_capacity(self.line.len() + doubled + 2));
        for &byte in self.line.iter() {
            wire.push(byte);
            if to_double(byte) {
                wire.push(byte);
            }
        }
        wire.extend_from_slice(b"\r\n");
        wire
    }

    fn push(&mut self, argument: &[u8]) -> std::result::Result<(), ()> {
        if argument.iter().any(|b| matches!(b, 0 | b'\r' | b'\n')) {
            return Err(());
        }
        let mut line = Zeroizing::new(Vec::with_capacity(self.line.len() + 1 + argument.len()));
        line.extend_from_slice(&self.line);
        line.push(b' ');
        line.extend_from_slice(argument);
        self.line = line;
        Ok(())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.line.get(..self.shown).unwrap_or_default();
        f.write_str(&super::reply::shown(shown))?;
        match shown.len() < self.line.len() {
            true => f.write_str(" ****"),
            false => Ok(()),
        }
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_break_gets_in() {
        for bad in ["a\r\nDELE b", "a\nb", "a\rb", "a\0b"] {
            let refused = Command::new("RETR").arg(bad).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Invalid);
            assert!(!refused.message().contains(['\r', '\n', '\0']), "{refused}");
            let refused = Command::new("PASS").secret(&bad.into()).unwrap_err();
            assert!(!format!("{refused:?}").contains("DELE"), "{refused:?}");
        }
    }

    #[test]
    fn telnet_bytes_are_doubled() {
        let command = Command::new("RETR").path(b"a\xffb").unwrap();
        assert_eq!(command.to_wire(true).as_slice(), b"RETR a\xff\xffb\r\n");
        assert_eq!(command.to_wire(false).as_slice(), b"RETR a\xffb\r\n");
        assert_eq!(Command::new("NOOP").to_wire(true).as_slice(), b"NOOP\r\n");
    }

    #[test]
    fn secrets_are_not_shown() {
        let command = Command::new("PASS").secret(&"s3cret".into()).unwrap();
        assert_eq!(command.to_wire(true).as_slice(), b"PASS s3cret\r\n");
        assert_eq!(format!("{command:?} {command}"), "PASS **** PASS ****");
        let command = Command::new("RETR").arg("a b").unwrap();
        assert_eq!(command.to_string(), "RETR a b");
    }
}
