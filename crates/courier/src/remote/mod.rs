//! One-off work on a URL, without a server of Courier's.

use std::task::{Poll, ready};

use courier_transfer::ops::RemoteGlob;
use courier_transfer::{Error, ErrorKind, RemotePath};
use futures::{StreamExt, stream, stream::BoxStream};
use serde_json::json;

use crate::exit::{Code, Failure, Result};
use crate::output::Output;

mod agent;
mod args;
mod dial;
pub(crate) mod get;
mod identities;
mod login;
pub(crate) mod ls;
pub(crate) mod mkdir;
pub(crate) mod mv;
mod partials;
pub(crate) mod put;
pub(crate) mod rm;
pub(crate) mod rmdir;
mod session;
mod spool;
mod summary;
mod transfer;
mod trust;
mod url;

pub(crate) use args::SessionArgs;
pub(crate) use session::Session;
pub(crate) use transfer::TransferArgs;
pub(crate) use url::{Endpoint, Location, LocationParser};

/// The one server that all URLs of a command name.
fn one_server<'l>(locations: impl IntoIterator<Item = &'l Location>) -> Result<&'l Endpoint> {
    let mut locations = locations.into_iter().map(|location| &location.endpoint);
    let first = locations
        .next()
        .ok_or_else(|| Failure::usage("a URL is missing"))?;
    match locations.find(|other| *other != first) {
        Some(other) => Err(Failure::usage(format!(
            "one command works on one server; these are {first} and {other}"
        ))),
        None => Ok(first),
    }
}

/// Refuses a pattern where one name is meant.
fn one_name(location: &Location) -> Result<&RemotePath> {
    match &location.pattern {
        None => Ok(&location.path),
        Some(pattern) => Err(Failure::usage(format!(
            "{pattern} is a pattern, and one name is expected here; a * in a name is written %2A, a [ is %5B"
        ))),
    }
}

/// What a source names: a path, or a pattern below a folder.
fn glob_of(location: &Location) -> Result<Option<RemoteGlob>> {
    Ok(location.pattern.as_deref().map(RemoteGlob::new).transpose()?)
}

/// Passes on what a location's pattern matched; where it matched nothing at all, that is an error.
fn matched<T: Send + 'static>(
    location: &Location,
    found: BoxStream<'static, courier_transfer::Result<T>>,
) -> BoxStream<'static, courier_transfer::Result<T>> {
    match &location.pattern {
        None => found,
        Some(pattern) => or_nothing_matches(format!("{pattern} on {}", location.endpoint), found),
    }
}

/// Passes on what was found; where that is nothing, an error that names the pattern.
fn or_nothing_matches<T: Send + 'static>(
    pattern: String,
    found: BoxStream<'static, courier_transfer::Result<T>>,
) -> BoxStream<'static, courier_transfer::Result<T>> {
    let mut unmatched = Some(pattern);
    let mut found = found.fuse();
    stream::poll_fn(move |cx| {
        let item = ready!(found.poll_next_unpin(cx));
        let nothing = unmatched.take().filter(|_| item.is_none());
        let error = |pattern| {
            Err(Error::new(
                ErrorKind::NotFound,
                format!("nothing matches {pattern}"),
            ))
        };
        Poll::Ready(item.or_else(|| nothing.map(error)))
    })
    .boxed()
}

/// Counts what went well and what did not, over several objects, and says what did not as it comes.
#[derive(Debug)]
struct Tally {
    output: Output,
    done: u64,
    failed: u64,
    unreadable: bool,
    /// The first failure: where nothing went well, its code is the command's.
    first: Option<Failure>,
}

impl Tally {
    fn new(output: Output) -> Self {
        Self {
            output,
            done: 0,
            failed: 0,
            unreadable: false,
            first: None,
        }
    }

    fn ok(&mut self) {
        self.done += 1;
    }

    /// Counts one object.
    fn add(&mut self, result: courier_transfer::Result<()>) {
        match result {
            Ok(()) => self.ok(),
            Err(error) => self.fail(error),
        }
    }

    /// Takes in an entry that the server lists and nobody can use: something always is left undone then.
    fn unreadable(&mut self, error: Error) {
        self.fail(error);
        self.unreadable = true;
    }

    /// With `--json`, what was done as a document.
    fn document(&self) -> Result<()> {
        if !self.output.json {
            return Ok(());
        }
        self.output
            .document(&json!({"done": self.done, "failed": self.failed}))
    }

    /// Takes one object's failure in. It is said when a second one comes, or at the end.
    fn fail(&mut self, error: Error) {
        self.failed += 1;
        let failure = Failure::from(error);
        if self.failed > 1 {
            if let Some(first) = self.first.as_mut().filter(|_| self.failed == 2) {
                self.output.failure(first);
            }
            self.output.failure(&failure);
        }
        self.first.get_or_insert(failure);
    }

    /// The command's result. One failure alone is the command's; some of several have the code 8.
    fn end(self) -> Result<()> {
        match self.first {
            None => Ok(()),
            Some(only) if self.failed == 1 && self.done == 0 && !self.unreadable => Err(only),
            Some(first) => {
                if self.failed == 1 {
                    self.output.failure(&first);
                }
                Err(Failure::silent(if self.done == 0 && !self.unreadable {
                    first.code()
                } else {
                    Code::Partial
                }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_of_several_is_its_own_code() {
        let quiet = Output {
            json: true,
            quiet: true,
        };
        let run = |done: u64, failed: u64| {
            let mut tally = Tally::new(quiet);
            (0..done).for_each(|_| tally.ok());
            (0..failed).for_each(|_| tally.fail(Error::new(ErrorKind::NotFound, "gone")));
            tally.end().map_or_else(|failure| failure.code(), |()| Code::Done)
        };
        assert_eq!(run(2, 0), Code::Done);
        assert_eq!(run(0, 1), Code::NotFound);
        assert_eq!(run(0, 3), Code::NotFound);
        assert_eq!(run(1, 1), Code::Partial);
    }
}
