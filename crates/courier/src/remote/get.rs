//! `courier get`: files from a server to this machine.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use courier_transfer::ops::{
    BatchContext, Context, DownloadOptions, PlanOptions, RemoteGlob, download, download_all, plan_downloads,
};
use courier_transfer::{Error, ErrorKind, OpenOptions, Rate};
use futures::{StreamExt, stream};

use super::summary::Summary;
use super::url::{Scheme, is_url, local_path};
use super::{Location, Session, SessionArgs, TransferArgs, glob_of, one_server};
use crate::exit::{Code, Failure, Result};
use crate::output::progress::Transfers;
use crate::output::{Output, stdout_failed};

/// Fetch files from a server
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "courier get [OPTIONS] <URL>... [TARGET]",
    after_help = "\
The last argument is the target where it is no URL of a server: a file, an existing folder, or - for standard output.
A file is written as <name>.part and renamed when it is whole. Where the line breaks, the transfer goes on over a new one.
A URL begins with sftp://, ftp://, ftpes:// (FTP with explicit TLS), ftps:// (implicit TLS) or file://. Its path is that
on the server, and /~/ the login folder. FTP without a user is anonymous.

Examples:
  courier get sftp://ann@example.com/in/report.csv
  courier get 'sftp://ann@example.com/in/*.csv' data/
  courier get -r sftp://ann@example.com/~/photos .
  courier get sftp://ann@example.com/in/report.csv - | head
  courier get -r ftpes://ann@ftp.example.com/out .
A server far away, over a bad line:
  courier get --parallel 8 --retries 10 --resume sftp://far.example.com/big.iso
Every night, with room for others on the line:
  courier get -r --limit-rate 2M --quiet sftp://ann@example.com/~/archive /backup"
)]
pub(crate) struct Args {
    /// What to fetch, and where to; the current folder by default
    #[arg(required = true, value_name = "URL")]
    arguments: Vec<String>,

    /// Take folders with all that lies in them
    #[arg(long, short)]
    recursive: bool,

    /// Continue the partial file of an earlier run, and keep one when this run fails
    #[arg(long)]
    resume: bool,

    /// Write under a temporary name and rename when whole; a download always does
    #[arg(long)]
    atomic: bool,

    /// Keep modification times and permissions
    #[arg(long, short)]
    preserve: bool,

    #[command(flatten)]
    transfer: TransferArgs,

    #[command(flatten)]
    session: SessionArgs,
}

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let (sources, target) = split(&args.arguments)?;
    let endpoint = one_server(&sources)?;
    if target.as_os_str() == "-" {
        let [source] = sources.as_slice() else {
            return Err(Failure::usage("standard output takes one file"));
        };
        let session = Session::open_for(endpoint, &args.session, &args.transfer, None, output).await?;
        return to_stdout(&session, source, args.transfer.rate()).await;
    }
    let into_folder = fs::metadata(&target).is_ok_and(|meta| meta.is_dir());
    let many = sources.len() > 1 || sources.iter().any(|source| source.pattern.is_some());
    if !into_folder && (many || target.as_os_str().as_encoded_bytes().ends_with(b"/")) {
        return Err(Failure::new(
            Code::NotFound,
            format!(
                "the target {} is not an existing folder; make it first",
                target.display()
            ),
        ));
    }

    let session = Session::open_for(endpoint, &args.session, &args.transfer, None, output).await?;
    let options = DownloadOptions {
        resume: args.resume,
        verify: args.transfer.verify(),
        preserve_times: args.preserve,
        preserve_permissions: args.preserve,
        ..DownloadOptions::default()
    };
    let summary = match sources.as_slice() {
        [source] if !args.recursive && source.pattern.is_none() => {
            let bars = Transfers::one(output);
            let mut summary = Summary::new(output, &bars);
            let one = one(
                &session,
                source,
                &target,
                into_folder,
                &options,
                args.transfer.rate(),
                &bars,
            );
            summary.add(one.await);
            summary
        }
        sources => {
            let plan = PlanOptions {
                recursive: args.recursive,
                contents: !into_folder,
                ..PlanOptions::default()
            };
            several(
                &session,
                sources,
                &target,
                plan,
                options,
                args.transfer.rate(),
                output,
            )
            .await?
        }
    };
    session.close().await;
    summary.end()
}

/// Which arguments are sources, and which one is the target.
fn split(arguments: &[String]) -> Result<(Vec<Location>, PathBuf)> {
    let location = |text: &String| text.parse::<Location>().map_err(Failure::usage);
    let (sources, target) = match arguments.split_last() {
        Some((last, sources)) if !is_url(last) => (sources, Some(PathBuf::from(last))),
        Some((last, sources)) if !sources.is_empty() => match location(last)? {
            target if target.endpoint.scheme == Scheme::File => {
                (sources, Some(local_path(super::one_name(&target)?)))
            }
            _ => (arguments, None),
        },
        _ => (arguments, None),
    };
    let sources = sources.iter().map(location).collect::<Result<Vec<_>>>()?;
    Ok((sources, target.unwrap_or_else(|| PathBuf::from("."))))
}

/// The shortest way for one file: no planning, no look before.
async fn one(
    session: &Session,
    source: &Location,
    target: &Path,
    into_folder: bool,
    options: &DownloadOptions,
    rate: Option<Arc<Rate>>,
    bars: &Transfers,
) -> courier_transfer::Result<courier_transfer::ops::Transferred> {
    let local = if into_folder {
        let name = source.path.name().ok_or_else(|| is_folder(source))?;
        target.join(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(
            name.as_bytes(),
        ))
    } else {
        target.to_owned()
    };
    let context = Context {
        progress: bars.file(&source.path.to_text()),
        partials: session.partials(),
        rate,
        ..Context::default()
    };
    match download(&session.client, &source.path, &local, options, &context).await {
        Err(e) if e.kind() == ErrorKind::WrongKind => Err(is_folder(source).with_source(e)),
        result => result,
    }
}

fn is_folder(source: &Location) -> Error {
    Error::new(
        ErrorKind::WrongKind,
        format!("{source} is a folder; use -r to take what lies in it"),
    )
}

/// Patterns, folders and several sources: planned as they are found, many files at once.
async fn several(
    session: &Session,
    sources: &[Location],
    target: &Path,
    plan: PlanOptions,
    options: DownloadOptions,
    rate: Option<Arc<Rate>>,
    output: Output,
) -> Result<Summary> {
    let bars = Transfers::many(output);
    let mut summary = Summary::new(output, &bars);
    let mut plans = Vec::new();
    for source in sources {
        let glob = glob_of(source)?.unwrap_or_else(|| RemoteGlob::literal(source.path.clone()));
        let (client, target) = (session.client.clone(), target.to_owned());
        let jobs = plan_downloads(client, glob, target, plan.clone(), summary.left_out());
        plans.push(super::matched(source, jobs));
    }
    let context = BatchContext {
        progress: Arc::new(bars),
        partials: session.partials(),
        rate,
        ..BatchContext::default()
    };
    let jobs = stream::iter(plans).flatten();
    let mut results = download_all(session.client.clone(), jobs, options, context);
    while let Some(done) = results.next().await {
        summary.add(done.result);
    }
    Ok(summary)
}

/// One file, as it comes.
async fn to_stdout(session: &Session, source: &Location, rate: Option<Arc<Rate>>) -> Result<()> {
    let mut reader = session
        .client
        .open(super::one_name(source)?, OpenOptions::default())
        .await?;
    let mut stdout = io::stdout().lock();
    while let Some(bytes) = reader.read().await? {
        if let Some(rate) = &rate {
            rate.wait(u32::try_from(bytes.len()).unwrap_or(u32::MAX)).await;
        }
        stdout.write_all(&bytes).map_err(stdout_failed)?;
    }
    stdout.flush().map_err(stdout_failed)?;
    drop(reader);
    session.close().await;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parts(arguments: &[&str]) -> (usize, PathBuf) {
        let arguments: Vec<String> = arguments.iter().map(|&a| a.to_owned()).collect();
        let (sources, target) = split(&arguments).unwrap();
        (sources.len(), target)
    }

    #[test]
    fn the_target_is_the_last_that_is_no_server() {
        assert_eq!(parts(&["sftp://h/a"]), (1, ".".into()));
        assert_eq!(parts(&["sftp://h/a", "sftp://h/b"]), (2, ".".into()));
        assert_eq!(parts(&["sftp://h/a", "b c"]), (1, "b c".into()));
        assert_eq!(parts(&["sftp://h/a", "-"]), (1, "-".into()));
        assert_eq!(parts(&["sftp://h/a", "file:///tmp/x"]), (1, "/tmp/x".into()));
        assert_eq!(parts(&["file:///tmp/x"]), (1, ".".into()));
        assert!(split(&["a".to_owned()]).unwrap().0.is_empty());
    }
}
