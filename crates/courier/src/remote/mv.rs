//! `courier mv`: renames and moves within a server.

use courier_transfer::ops::{Replace, glob, rename};
use courier_transfer::{Error, ErrorKind, Listed, RemotePath};
use futures::StreamExt;

use super::{Location, LocationParser, Session, SessionArgs, Tally, glob_of, one_name, one_server};
use crate::exit::{Failure, Result};
use crate::output::Output;

/// Rename or move files and folders within a server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The target is a new name, or an existing folder to move into. An existing file is replaced in one step.

Examples:
  courier mv sftp://ann@example.com/in/a.csv sftp://ann@example.com/in/b.csv
  courier mv 'sftp://ann@example.com/in/*.csv' sftp://ann@example.com/done/")]
pub(crate) struct Args {
    /// Files, folders or patterns
    #[arg(required = true, value_name = "SOURCE", value_parser = LocationParser)]
    sources: Vec<Location>,

    /// The new name, or the folder to move into
    #[arg(value_name = "TARGET", value_parser = LocationParser)]
    target: Location,

    /// Leave an existing target alone, and fail
    #[arg(long, short)]
    no_clobber: bool,

    #[command(flatten)]
    session: SessionArgs,
}

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let target = one_name(&args.target)?;
    let endpoint = one_server(args.sources.iter().chain([&args.target]))?;
    let session = Session::open(endpoint, &args.session, output).await?;
    let several = args.sources.len() > 1 || args.sources.iter().any(|source| source.pattern.is_some());
    let into_folder = match session.client.stat(target).await {
        Ok(entry) => entry.is_dir(),
        Err(e) if e.kind() == ErrorKind::NotFound => false,
        Err(e) => return Err(e.into()),
    };
    if !into_folder && (several || args.target.is_folder) {
        let message = format!(
            "{} is not an existing folder; `courier mkdir` makes it",
            args.target
        );
        return Err(Failure::from(Error::new(ErrorKind::NotFound, message)));
    }

    let replace = if args.no_clobber {
        Replace::Never
    } else {
        Replace::Atomically
    };
    let mut tally = Tally::new(output);
    for source in &args.sources {
        for path in paths(&session, source).await? {
            tally.add(match path {
                Ok(path) => move_one(&session, &path, target, into_folder, replace).await,
                Err(error) => Err(error),
            });
        }
    }
    session.close().await;
    tally.document()?;
    tally.end()
}

/// What a source names. All of it before the first move, which could change what a pattern matches.
async fn paths(session: &Session, source: &Location) -> Result<Vec<courier_transfer::Result<RemotePath>>> {
    let Some(pattern) = glob_of(source)? else {
        return Ok(vec![Ok(source.path.clone())]);
    };
    let found = match glob(session.client.clone(), &pattern, true, &[]).await {
        Ok(found) => found,
        Err(error) => return Ok(vec![Err(error)]),
    };
    let path = |listed| match listed {
        Ok(Listed::Entry(entry)) => Ok(entry.path),
        Ok(Listed::Unreadable { raw, reason }) => Err(Error::new(
            ErrorKind::Protocol,
            format!("an entry can't be moved: {reason}"),
        )
        .with("entry", raw)),
        Err(error) => Err(error),
    };
    Ok(super::matched(source, found).map(path).collect().await)
}

async fn move_one(
    session: &Session,
    from: &RemotePath,
    target: &RemotePath,
    into_folder: bool,
    replace: Replace,
) -> courier_transfer::Result<()> {
    let to = match from.name() {
        Some(name) if into_folder => target.join(&name),
        Some(_) => target.clone(),
        None => {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("{from} can't be moved: it has no name"),
            ));
        }
    };
    rename(&*session.client, from, &to, replace, None).await
}
