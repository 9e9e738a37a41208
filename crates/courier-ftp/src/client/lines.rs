//! The text of a listing, in any pieces, to entries.

use courier_transfer::{Entry, EntryKind, Listed, RemoteName, RemotePath, TimePrecision};
use jiff::Timestamp;

use crate::{
    listing::{self, Found, Line, ListParser, facts},
    names::Names,
    session::Session,
};

/// How a directory is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Facts in a form that is the same everywhere (RFC 3659 section 7).
    Mlsd,
    /// What the server's host prints for people.
    List,
}

/// Reads one listing.
#[derive(Debug)]
pub(super) struct Lines {
    /// The parser of a LIST; `None` for MLSD.
    list: Option<ListParser>,
    dir: RemotePath,
    names: Names,
    /// Sizes are not those of what arrives, where line ends are translated.
    has_sizes: bool,
    /// A line that hasn't ended. What is longer than any may be is thrown away.
    rest: Vec<u8>,
}

impl Lines {
    pub(super) fn new(session: &Session, dir: &RemotePath, form: Form) -> Self {
        let list = || ListParser::new(Timestamp::now(), session.options.zone.clone());
        Self {
            list: (form == Form::List).then(list),
            dir: dir.clone(),
            names: session.names,
            has_sizes: !session.options.ascii,
            rest: Vec::new(),
        }
    }

    /// Takes the next piece, and gives what its lines tell to `out`.
    pub(super) fn push(&mut self, bytes: &[u8], out: &mut impl Extend<Listed>) {
        for line in bytes.split_inclusive(|&b| b == b'\n') {
            let is_whole = line.ends_with(b"\n");
            if self.rest.is_empty() && is_whole {
                self.line(line, out);
                continue;
            }
            // One byte more than may be tells that the line is too long.
            let room = (listing::MAX_LINE + 1).saturating_sub(self.rest.len());
            self.rest.extend_from_slice(line.get(..room).unwrap_or(line));
            if is_whole {
                let whole = std::mem::take(&mut self.rest);
                self.line(&whole, out);
            }
        }
    }

    /// Takes the end.
    pub(super) fn end(&mut self, out: &mut impl Extend<Listed>) {
        let rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            self.line(&rest, out);
        }
        if let Some(list) = &mut self.list {
            let left = list.finish();
            out.extend(left.map(|line| self.item(line)));
        }
    }

    fn line(&mut self, line: &[u8], out: &mut impl Extend<Listed>) {
        if let Some(list) = &mut self.list {
            let lines = list.line(line);
            out.extend(lines.map(|line| self.item(line)));
            return;
        }
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return;
        }
        match facts::parse(line) {
            Ok(None) => {}
            Ok(Some(found)) => out.extend([self.listed(found)]),
            Err(reason) => out.extend([Listed::unreadable(line, reason.as_str())]),
        }
    }

    fn item(&self, line: Line) -> Listed {
        match line {
            Line::Found(found) => self.listed(found),
            Line::Unreadable { raw, reason } => Listed::unreadable(&raw, reason.as_str()),
        }
    }

    fn listed(&self, found: Found) -> Listed {
        if !self.names.goes_back(&found.name) {
            return Listed::unreadable(
                &found.name,
                "the name is not of the connection's encoding, and would go back to the server as another one",
            );
        }
        let precision = match (&self.list, found.modified) {
            (Some(list), Some(modified)) => list.precision(modified),
            _ => TimePrecision::Exact,
        };
        match RemoteName::new(self.names.decode(&found.name)) {
            Ok(name) => Listed::Entry(Entry {
                path: self.dir.join(&name),
                kind: found.kind,
                size: found
                    .size
                    .filter(|_| self.has_sizes && found.kind != EntryKind::Directory),
                modified: found.modified,
                precision,
                permissions: found.permissions,
            }),
            Err(e) => Listed::unreadable(&found.name, e.to_string()),
        }
    }
}
