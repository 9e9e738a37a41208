//! Answers of the server, as callers get them.

use bytes::Bytes;
use courier_transfer::Error;

use super::{handle::OpenHandle, places::Place};
use crate::codec::{Attributes, NameEntry, Status, StatusCode};

/// The answer to one request.
#[derive(Debug)]
pub(crate) enum Reply {
    Status(Status),
    Handle(OpenHandle),
    NoHandle(NoHandle),
    Data(Bytes),
    Names(Vec<Entry>),
    Attributes(Attributes),
    Extended(Bytes),
}

/// A file or a directory that was not opened.
#[derive(Debug)]
pub(crate) struct NoHandle {
    /// What the server said.
    pub(crate) status: Status,
    /// Perhaps for want of a place: it is worth another try, which waits for one.
    pub(crate) may_pass: bool,
}

impl NoHandle {
    pub(super) fn new(status: Status, place: Option<&Place>) -> Self {
        let may_pass = status.code == StatusCode::FAILURE && place.is_some_and(Place::was_refused);
        Self { status, may_pass }
    }
}

/// One name of a listing.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    /// The first character of the long name: the kind, where the attributes don't tell it.
    pub(crate) kind: Option<u8>,
    pub(crate) attributes: Attributes,
}

impl Entry {
    pub(super) fn new(entry: &NameEntry<'_>) -> Self {
        Self {
            name: entry.name.to_vec(),
            kind: entry.long_name.first().copied(),
            attributes: entry.attributes,
        }
    }
}

/// The server's VERSION.
#[derive(Debug)]
pub(crate) struct Hello {
    pub(crate) version: u32,
    /// Names of the extensions, as text.
    pub(crate) extensions: Vec<String>,
}

impl Hello {
    pub(super) fn new(version: u32, extensions: &[(&[u8], &[u8])]) -> Self {
        // Version 1 of an extension is the only one of each that there is.
        let extensions = extensions
            .iter()
            .map(|(name, _)| String::from_utf8_lossy(name).into_owned())
            .collect();
        Self { version, extensions }
    }
}

/// Why a request or a transfer failed.
#[derive(Debug)]
pub(crate) enum Failed {
    /// The server refused to open the file, in its own terms.
    Open(NoHandle),
    /// The server refused, in its own terms.
    Status(Status),
    /// Anything else, in the terms of the interface.
    Error(Error),
}

impl Failed {
    pub(super) fn cancelled() -> Self {
        Self::Error(Error::new(
            courier_transfer::ErrorKind::Cancelled,
            "the transfer was cancelled",
        ))
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}
