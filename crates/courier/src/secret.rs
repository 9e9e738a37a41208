//! Secrets that a person hands over: from a variable, a file, standard input or a prompt; never from an argument,
//! which would show in the process list and in the shell's history.

use std::env::{self, VarError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};

use crate::exit::{Code, Failure, Result};

mod prompt;

/// The password of the server in a URL, of a login or of what is made.
pub(crate) const PASSWORD: &str = "COURIER_PASSWORD";
/// The passphrase of an encrypted private key.
pub(crate) const KEY_PASSPHRASE: &str = "COURIER_KEY_PASSPHRASE";

/// No secret file is larger.
const MAX_LEN: usize = 64 * 1024;

/// Where a password comes from.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct PasswordArgs {
    /// Read the password from the first line of standard input
    #[arg(long, group = "password_source")]
    pub(crate) password_stdin: bool,

    /// Read the password from the first line of a file
    #[arg(long, value_name = "FILE", group = "password_source")]
    pub(crate) password_file: Option<PathBuf>,

    /// Ask for the password on the terminal
    #[arg(long, group = "password_source")]
    pub(crate) ask_password: bool,
}

impl PasswordArgs {
    /// The password that the flags point to, if any does.
    pub(crate) fn given(&self, prompt: &str) -> Result<Option<SecretString>> {
        if self.password_stdin {
            return from_stdin().map(Some);
        }
        if let Some(path) = &self.password_file {
            return from_file(path).map(Some);
        }
        if self.ask_password {
            ask_twice(prompt).map(Some)
        } else {
            Ok(None)
        }
    }

    /// The password that the flags or `COURIER_PASSWORD` point to, else asked for on a terminal.
    pub(crate) fn required(&self, prompt: &str) -> Result<SecretString> {
        if let Some(password) = self.given(prompt)? {
            return Ok(password);
        }
        if let Some(password) = from_env(PASSWORD)? {
            return Ok(password);
        }
        ask(prompt)?.ok_or_else(|| {
            Failure::usage(format!(
                "a password is needed, and there is no terminal to ask on; set {PASSWORD} or use --password-stdin"
            ))
        })
    }
}

/// The secret in an environment variable; an empty one counts as not set.
pub(crate) fn from_env(name: &'static str) -> Result<Option<SecretString>> {
    match env::var(name) {
        Ok(secret) if secret.is_empty() => Ok(None),
        Ok(secret) => Ok(Some(SecretString::from(secret))),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(Failure::usage(format!("{name} is not UTF-8"))),
    }
}

/// Asks on the terminal; `None` where there is none.
pub(crate) fn ask(question: &str) -> Result<Option<SecretString>> {
    let Some(terminal) = prompt::terminal() else {
        return Ok(None);
    };
    prompt::ask(&terminal, question)
        .map(Some)
        .map_err(|e| no_answer(&e))
}

/// Is there a passphrase at hand, or somebody to ask for one?
pub(crate) fn can_unlock() -> Result<bool> {
    Ok(prompt::terminal().is_some() || from_env(KEY_PASSPHRASE)?.is_some())
}

/// Asks for a new secret, twice, until both are the same.
pub(crate) fn ask_twice(question: &str) -> Result<SecretString> {
    let Some(terminal) = prompt::terminal() else {
        return Err(Failure::usage(
            "there is no terminal to ask for a new secret on; in scripts use standard input or a file, as the help says",
        ));
    };
    let mut again = question.to_owned();
    loop {
        let first = prompt::ask(&terminal, &again).map_err(|e| no_answer(&e))?;
        let second = prompt::ask(&terminal, "Once more").map_err(|e| no_answer(&e))?;
        if first.expose_secret() == second.expose_secret() {
            return Ok(first);
        }
        again = format!("The two differ. {question}");
    }
}

fn no_answer(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::Interrupted => Failure::silent(Code::Interrupted),
        _ => Failure::new(Code::Failed, format!("could not ask on the terminal: {error}")),
    }
}

/// The first line of standard input.
pub(crate) fn from_stdin() -> Result<SecretString> {
    first_line(io::stdin().lock(), "standard input")
}

/// The first line of a file.
pub(crate) fn from_file(path: &Path) -> Result<SecretString> {
    let file = std::fs::File::open(path)
        .map_err(|e| Failure::usage(format!("could not read {}: {e}", path.display())))?;
    first_line(file, &path.display().to_string())
}

/// The first line, without its end.
fn first_line(from: impl Read, name: &str) -> Result<SecretString> {
    let text = text_of(limited(from, name)?, name)?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(Failure::usage(format!(
            "the first line of {name} is empty; a secret was expected there"
        )));
    }
    Ok(SecretString::from(line))
}

/// A secret text, whole; `-` is standard input.
pub(crate) fn text_file(path: &Path) -> Result<Zeroizing<String>> {
    text_of(file(path)?, &path.display().to_string())
}

/// A private key or another secret, whole and as it is; `-` is standard input.
pub(crate) fn file(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    if path.as_os_str() == "-" {
        return limited(io::stdin().lock(), "standard input");
    }
    let file = std::fs::File::open(path)
        .map_err(|e| Failure::usage(format!("could not read {}: {e}", path.display())))?;
    limited(file, &path.display().to_string())
}

fn text_of(bytes: Zeroizing<Vec<u8>>, name: &str) -> Result<Zeroizing<String>> {
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(Failure::usage(format!("{name} is not text in UTF-8"))),
    }
}

fn limited(from: impl Read, name: &str) -> Result<Zeroizing<Vec<u8>>> {
    // With room from the start, so that growing leaves no copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_LEN + 1));
    let read = from
        .take(MAX_LEN as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| Failure::usage(format!("could not read {name}: {e}")))?;
    if read > MAX_LEN {
        return Err(Failure::usage(format!(
            "{name} is too long for a secret: more than 64 KiB"
        )));
    }
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_first_line() {
        let read = |text: &'static str| first_line(text.as_bytes(), "test");
        assert_eq!(read("a b \r\nrest").unwrap().expose_secret(), "a b ");
        assert_eq!(read("x").unwrap().expose_secret(), "x");
        assert!(read("\nhunter2").unwrap_err().to_string().contains("empty"));
        assert!(!read("\nhunter2").unwrap_err().to_string().contains("hunter2"));
    }
}
