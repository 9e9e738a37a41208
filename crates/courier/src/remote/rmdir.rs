//! `courier rmdir`: folders away from a server.

use courier_transfer::ops::remove_tree;
use courier_transfer::{EntryKind, Error, ErrorKind, RemotePath};

use super::{Location, LocationParser, Session, SessionArgs, Tally, one_name, one_server};
use crate::exit::Result;
use crate::output::Output;

/// Remove folders on a server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  courier rmdir sftp://ann@example.com/in/old
  courier rmdir -r sftp://ann@example.com/archive/2019")]
pub(crate) struct Args {
    /// The folders
    #[arg(required = true, value_name = "URL", value_parser = LocationParser)]
    locations: Vec<Location>,

    /// With all that lies in them; links are removed, not followed
    #[arg(long, short)]
    recursive: bool,

    #[command(flatten)]
    session: SessionArgs,
}

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let paths = args.locations.iter().map(one_name).collect::<Result<Vec<_>>>()?;
    let session = Session::open(one_server(&args.locations)?, &args.session, output).await?;
    let mut tally = Tally::new(output);
    for path in paths {
        tally.add(remove(&session, path, args.recursive).await);
    }
    session.close().await;
    tally.document()?;
    tally.end()
}

async fn remove(session: &Session, path: &RemotePath, recursive: bool) -> courier_transfer::Result<()> {
    if !recursive {
        return session.client.remove(path, EntryKind::Directory).await;
    }
    if !session.client.stat(path).await?.is_dir() {
        let message = format!("{path} is no folder; `courier rm` removes files");
        return Err(Error::new(ErrorKind::WrongKind, message));
    }
    remove_tree(&*session.client, path).await.map(drop)
}
