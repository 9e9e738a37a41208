//! `courier rm`: files away from a server.

use courier_transfer::ops::{glob, remove_tree};
use courier_transfer::{EntryKind, Error, ErrorKind, Listed, RemotePath};
use futures::StreamExt;

use super::{Location, LocationParser, Session, SessionArgs, Tally, glob_of, one_server};
use crate::exit::Result;
use crate::output::Output;

/// Remove files on a server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  courier rm 'sftp://ann@example.com/in/*.done'
  courier rm -r sftp://ann@example.com/in/old")]
pub(crate) struct Args {
    /// Files or patterns
    #[arg(required = true, value_name = "URL", value_parser = LocationParser)]
    locations: Vec<Location>,

    /// Folders, too, with all that lies in them; links are removed, not followed
    #[arg(long, short)]
    recursive: bool,

    #[command(flatten)]
    session: SessionArgs,
}

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let session = Session::open(one_server(&args.locations)?, &args.session, output).await?;
    let mut tally = Tally::new(output);
    for location in &args.locations {
        let Some(pattern) = glob_of(location)? else {
            tally.add(remove(&session, &location.path, EntryKind::File, args.recursive).await);
            continue;
        };
        // Found first and removed then: some servers skip entries of a listing while others are removed.
        let found = match glob(session.client.clone(), &pattern, true, &[]).await {
            Ok(found) => super::matched(location, found).collect::<Vec<_>>().await,
            Err(error) => vec![Err(error)],
        };
        for listed in found {
            let removed = match listed {
                Ok(Listed::Entry(entry)) => remove(&session, &entry.path, entry.kind, args.recursive).await,
                Ok(Listed::Unreadable { raw, reason }) => {
                    let error = Error::new(
                        ErrorKind::Protocol,
                        format!("an entry can't be removed: {reason}"),
                    );
                    Err(error.with("entry", raw))
                }
                Err(error) => Err(error),
            };
            tally.add(removed);
        }
    }
    session.close().await;
    tally.document()?;
    tally.end()
}

async fn remove(
    session: &Session,
    path: &RemotePath,
    kind: EntryKind,
    recursive: bool,
) -> courier_transfer::Result<()> {
    let client = &*session.client;
    if recursive {
        return remove_tree(client, path).await.map(drop);
    }
    let folder = || {
        Error::new(
            ErrorKind::WrongKind,
            format!("{path} is a folder; use -r to remove it with all that lies in it"),
        )
    };
    if kind == EntryKind::Directory {
        return Err(folder());
    }
    match client.remove(path, kind).await {
        // What a server says of a folder here differs; asking it what the path is settles that.
        Err(e)
            if !matches!(
                e.kind(),
                ErrorKind::NotFound | ErrorKind::Lost | ErrorKind::Timeout
            ) =>
        {
            match client.stat(path).await {
                Ok(entry) if entry.is_dir() => Err(folder().with_source(e)),
                _ => Err(e),
            }
        }
        result => result,
    }
}
