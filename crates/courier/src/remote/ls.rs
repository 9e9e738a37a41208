//! `courier ls`: what lies on a server.

use std::io::{self, Write};

use courier_api::FileEntry;
use courier_transfer::ops::{FindOptions, find, glob};
use courier_transfer::{Entry, EntryKind, EntryStream, Error, ErrorKind, Listed};
use futures::{StreamExt, stream};

use super::{Location, LocationParser, Session, SessionArgs, Tally, glob_of, one_server};
use crate::exit::Result;
use crate::output::text::{mode, moment, printable};
use crate::output::{Output, stdout_failed};

/// List folders and files on a server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  courier ls sftp://ann@example.com/in
  courier ls 'sftp://ann@example.com/in/*.csv'
  courier ls ftp://ftp.example.com/pub
  courier ls -r --json sftp://ann@example.com/~/ | jq -r '.[].path'")]
pub(crate) struct Args {
    /// Folders, files or patterns
    #[arg(required = true, value_name = "URL", value_parser = LocationParser)]
    locations: Vec<Location>,

    /// What lies in folders, too
    #[arg(long, short)]
    recursive: bool,

    #[command(flatten)]
    session: SessionArgs,
}

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let session = Session::open(one_server(&args.locations)?, &args.session, output).await?;
    let mut tally = Tally::new(output);
    let mut listing: Box<dyn Listing> = if output.json {
        Box::new(Array { empty: true })
    } else {
        Box::new(Lines::new(args.recursive))
    };
    listing.begin()?;
    for location in &args.locations {
        match entries(&session, location, args.recursive).await {
            Ok(entries) => show(entries, &mut *listing, &mut tally).await?,
            Err(error) => tally.fail(error),
        }
    }
    listing.end()?;
    session.close().await;
    tally.end()
}

/// What a location names: what lies in a folder, a file itself, what a pattern matches.
async fn entries(
    session: &Session,
    location: &Location,
    recursive: bool,
) -> courier_transfer::Result<EntryStream> {
    let client = &session.client;
    if let Some(pattern) = glob_of(location).map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()))? {
        return Ok(super::matched(
            location,
            glob(client.clone(), &pattern, true, &[]).await?,
        ));
    }
    let path = &location.path;
    match client.stat(path).await {
        Ok(entry) if !entry.is_dir() => return Ok(stream::iter([Ok(Listed::Entry(entry))]).boxed()),
        Err(e) if e.kind() == ErrorKind::NotFound => return Err(e),
        // A folder, or one that only listing tells of.
        _ => {}
    }
    if recursive {
        let options = FindOptions {
            recursive: true,
            directories: true,
            ..FindOptions::default()
        };
        find(client.clone(), path, options).await
    } else {
        client.list(path).await
    }
}

async fn show(mut entries: EntryStream, listing: &mut dyn Listing, tally: &mut Tally) -> Result<()> {
    while let Some(listed) = entries.next().await {
        match listed {
            Ok(Listed::Entry(entry)) => {
                listing.entry(entry)?;
                tally.ok();
            }
            Ok(Listed::Unreadable { raw, reason }) => {
                let error = Error::new(ErrorKind::Protocol, format!("an entry can't be shown: {reason}"));
                tally.unreadable(error.with("entry", raw));
            }
            Err(error) => tally.fail(error),
        }
    }
    Ok(())
}

/// A way to show entries.
trait Listing {
    fn begin(&mut self) -> Result<()>;
    fn entry(&mut self, entry: Entry) -> Result<()>;
    fn end(&mut self) -> Result<()>;
}

/// A JSON array, one entry a line, written as entries come.
struct Array {
    empty: bool,
}

impl Listing for Array {
    fn begin(&mut self) -> Result<()> {
        io::stdout().write_all(b"[").map_err(stdout_failed)
    }

    fn entry(&mut self, entry: Entry) -> Result<()> {
        let separator: &[u8] = if self.empty { b"\n" } else { b",\n" };
        self.empty = false;
        let mut line = separator.to_vec();
        serde_json::to_writer(&mut line, &document(&entry)).map_err(|e| stdout_failed(e.into()))?;
        io::stdout().write_all(&line).map_err(stdout_failed)
    }

    fn end(&mut self) -> Result<()> {
        io::stdout().write_all(b"\n]\n").map_err(stdout_failed)
    }
}

fn document(entry: &Entry) -> FileEntry {
    FileEntry {
        name: entry.name().map(|name| name.to_text()).unwrap_or_default(),
        path: entry.path.to_text(),
        size: entry.size,
        is_directory: entry.is_dir(),
        is_link: entry.kind == EntryKind::Link,
        last_modified: entry.modified,
    }
}

/// Entries that are held to be sorted; of a longer listing, the rest comes as the server gives it.
const SORTED: usize = 10_000;

/// A table.
struct Lines {
    whole_path: bool,
    held: Vec<Entry>,
}

impl Lines {
    fn new(whole_path: bool) -> Self {
        Self {
            whole_path,
            held: Vec::new(),
        }
    }

    fn flush(&mut self) -> Result<()> {
        self.held.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let mut text = String::new();
        for entry in std::mem::take(&mut self.held) {
            text.push_str(&self.line(&entry));
            text.push('\n');
        }
        io::stdout().write_all(text.as_bytes()).map_err(stdout_failed)
    }

    fn line(&self, entry: &Entry) -> String {
        let letter = match entry.kind {
            EntryKind::File => '-',
            EntryKind::Directory => 'd',
            EntryKind::Link => 'l',
            EntryKind::Other => '?',
        };
        let size = entry.size.map(|size| size.to_string()).unwrap_or_default();
        let date = entry.modified.map(moment).unwrap_or_default();
        let name = match entry.name() {
            Some(name) if !self.whole_path => name.to_text(),
            _ => entry.path.to_text(),
        };
        format!(
            "{} {size:>13} {date:16} {}",
            mode(letter, entry.permissions),
            printable(&name)
        )
    }
}

impl Listing for Lines {
    fn begin(&mut self) -> Result<()> {
        Ok(())
    }

    fn entry(&mut self, entry: Entry) -> Result<()> {
        self.held.push(entry);
        if self.held.len() >= SORTED {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn end(&mut self) -> Result<()> {
        self.flush()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_the_documented_fields() {
        let entry = Entry {
            path: "/in/a.csv".parse().unwrap(),
            kind: EntryKind::File,
            size: Some(3),
            modified: Some("2026-03-01T08:00:00Z".parse().unwrap()),
            precision: courier_transfer::TimePrecision::Exact,
            permissions: None,
        };
        assert_eq!(
            serde_json::to_value(document(&entry)).unwrap(),
            serde_json::json!({
                "name": "a.csv", "path": "/in/a.csv", "size": 3, "is_directory": false, "is_link": false,
                "last_modified": "2026-03-01T08:00:00Z",
            })
        );
    }
}
