//! `courier mkdir`: folders on a server.

use courier_transfer::ops::make_dir_all;

use super::{Location, LocationParser, Session, SessionArgs, Tally, one_name, one_server};
use crate::exit::Result;
use crate::output::Output;

/// Make folders on a server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  courier mkdir sftp://ann@example.com/in
  courier mkdir -p sftp://ann@example.com/archive/2026/03")]
pub(crate) struct Args {
    /// The folders
    #[arg(required = true, value_name = "URL", value_parser = LocationParser)]
    locations: Vec<Location>,

    /// Make what is missing above them, too; an existing folder is fine
    #[arg(long, short, short_alias = 'r', alias = "recursive")]
    parents: bool,

    #[command(flatten)]
    session: SessionArgs,
}

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let paths = args.locations.iter().map(one_name).collect::<Result<Vec<_>>>()?;
    let session = Session::open(one_server(&args.locations)?, &args.session, output).await?;
    let mut tally = Tally::new(output);
    for path in paths {
        let made = if args.parents {
            make_dir_all(&*session.client, path).await.map(drop)
        } else {
            session.client.make_dir(path).await
        };
        tally.add(made);
    }
    session.close().await;
    tally.document()?;
    tally.end()
}
