//! What goes to the terminal: results to standard output, everything else to standard error.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::exit::{Code, Failure, Result};

pub(crate) mod progress;
pub(crate) mod table;
pub(crate) mod text;

/// How a command talks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    /// Documents instead of text.
    pub(crate) json: bool,
    /// Only results and errors.
    pub(crate) quiet: bool,
}

impl Output {
    /// A result, in text.
    pub(crate) fn line(self, text: impl Display) -> Result<()> {
        writeln!(io::stdout(), "{text}").map_err(stdout_failed)
    }

    /// A result, as a document.
    pub(crate) fn document(self, value: &impl Serialize) -> Result<()> {
        let mut stdout = io::stdout().lock();
        serde_json::to_writer_pretty(&mut stdout, value).map_err(|e| stdout_failed(e.into()))?;
        writeln!(stdout).map_err(stdout_failed)
    }

    /// What was done, for a person; nothing with `--quiet` or `--json`.
    pub(crate) fn info(self, text: impl Display) -> Result<()> {
        if self.quiet || self.json {
            Ok(())
        } else {
            self.line(text)
        }
    }

    /// Something worth knowing beside the result; nothing with `--quiet`.
    pub(crate) fn note(self, text: impl Display) {
        if !self.quiet {
            self.complain(text);
        }
    }

    /// Something that went wrong, or is dangerous; always said.
    pub(crate) fn complain(self, text: impl Display) {
        // Where standard error is closed there is nobody to tell.
        let _ = writeln!(io::stderr(), "courier: {text}");
    }

    /// The last word of a command that failed.
    pub(crate) fn failure(self, failure: &Failure) {
        if failure.is_silent() {
            return;
        }
        if self.json {
            let _ = writeln!(io::stderr(), "{}", failure.document());
        } else {
            self.complain(failure);
        }
    }

    /// Are there progress bars?
    pub(crate) fn has_bars(self) -> bool {
        !self.quiet && !self.json && io::stderr().is_terminal()
    }
}

/// Standard output that can't be written: when its reader went away (`| head`), there is nothing left to say.
pub(crate) fn stdout_failed(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::silent(Code::Failed),
        _ => Failure::new(
            Code::Failed,
            format!("could not write to standard output: {error}"),
        ),
    }
}
