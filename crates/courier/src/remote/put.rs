//! `courier put`: files from this machine to a server.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use courier_transfer::ops::{
    BatchContext, Context, Job, PlanOptions, UploadOptions, plan_uploads, upload, upload_all,
};
use courier_transfer::{Error, ErrorKind, RemoteName, RemotePath};
use futures::{StreamExt, stream, stream::BoxStream};

use super::summary::Summary;
use super::url::{Scheme, is_url, local_path};
use super::{Location, LocationParser, Session, SessionArgs, TransferArgs, one_name, or_nothing_matches};
use crate::exit::{Failure, Result};
use crate::output::Output;
use crate::output::progress::Transfers;

/// Send files to a server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The target is a file name, or an existing folder.

Examples:
  courier put report.csv sftp://ann@example.com/in/
  courier put --atomic *.csv sftp://ann@example.com/in/
  courier put -r photos sftp://ann@example.com/~/")]
pub(crate) struct Args {
    /// What to send
    #[arg(required = true, value_name = "FILE")]
    sources: Vec<PathBuf>,

    /// Where to
    #[arg(value_name = "URL", value_parser = LocationParser)]
    target: Location,

    /// Take folders with all that lies in them
    #[arg(long, short)]
    recursive: bool,

    /// Continue a partial file of an earlier run, and keep one when this run breaks off
    #[arg(long)]
    resume: bool,

    /// Upload under a temporary name and rename when whole
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
    let target = one_name(&args.target)?;
    let sources = args
        .sources
        .iter()
        .map(|source| local(source))
        .collect::<Result<Vec<_>>>()?;
    let session = Session::open_for(&args.target.endpoint, &args.session, &args.transfer, output).await?;
    let options = UploadOptions {
        atomic: args.atomic,
        resume: args.resume,
        verify: args.transfer.verify(),
        preserve_times: args.preserve,
        preserve_permissions: args.preserve,
        ..UploadOptions::default()
    };
    let several = sources.len() > 1 || sources.iter().any(|source| is_pattern(source));
    let into_folder = is_folder(&session, &args.target, several).await?;
    let summary = match sources.as_slice() {
        [source] if source.is_file() => {
            let remote = if into_folder {
                target.join(&name_of(source)?)
            } else {
                target.clone()
            };
            let bars = Transfers::one(output);
            let context = Context {
                progress: bars.file(&source.to_string_lossy()),
                partials: session.partials(),
                rate: args.transfer.rate(),
                ..Context::default()
            };
            let mut summary = Summary::new(output, &bars);
            summary.add(upload(&session.client, source, &remote, &options, &context).await);
            summary
        }
        sources => {
            let plan = PlanOptions {
                recursive: args.recursive,
                contents: !into_folder,
            };
            let plans: Vec<_> = sources
                .iter()
                .map(|source| planned(&session, source, target, plan))
                .collect();
            let bars = Transfers::many(output);
            let mut summary = Summary::new(output, &bars);
            let context = BatchContext {
                progress: Arc::new(bars),
                partials: session.partials(),
                rate: args.transfer.rate(),
                ..BatchContext::default()
            };
            let jobs = stream::iter(plans).flatten();
            let mut results = upload_all(session.client.clone(), jobs, options, context);
            while let Some(done) = results.next().await {
                summary.add(done.result);
            }
            summary
        }
    };
    session.close().await;
    summary.end()
}

/// What a source brings.
fn planned(
    session: &Session,
    source: &Path,
    target: &RemotePath,
    plan: PlanOptions,
) -> BoxStream<'static, courier_transfer::Result<Job>> {
    if source.is_dir() && !plan.recursive {
        let message = format!("{} is a folder; use -r to take what lies in it", source.display());
        return stream::iter([Err(Error::new(ErrorKind::WrongKind, message))]).boxed();
    }
    let jobs = plan_uploads(session.client.clone(), source.to_owned(), target.clone(), plan);
    if is_pattern(source) {
        or_nothing_matches(source.display().to_string(), jobs)
    } else {
        jobs
    }
}

/// Is the name that of no file, and does it look like a pattern?
fn is_pattern(source: &Path) -> bool {
    source
        .as_os_str()
        .as_encoded_bytes()
        .iter()
        .any(|byte| b"*?[{".contains(byte))
        && !source.exists()
}

/// A source: a local path, or a `file:` URL.
fn local(source: &Path) -> Result<PathBuf> {
    let Some(text) = source.to_str().filter(|text| is_url(text)) else {
        return Ok(source.to_owned());
    };
    let location: Location = text.parse().map_err(Failure::usage)?;
    if location.endpoint.scheme != Scheme::File {
        return Err(Failure::usage(format!(
            "{text} is on a server; put sends local files. Fetch it first with courier get"
        )));
    }
    Ok(local_path(one_name(&location)?))
}

fn name_of(source: &Path) -> Result<RemoteName> {
    let name = source
        .file_name()
        .map(std::os::unix::ffi::OsStrExt::as_bytes)
        .unwrap_or_default();
    RemoteName::new(name).map_err(|e| Failure::usage(format!("{} can't be sent: {e}", source.display())))
}

/// Do the files go into the target, under their own names?
async fn is_folder(session: &Session, target: &Location, must_be: bool) -> Result<bool> {
    let asked_for = must_be || target.is_folder || target.path.is_top();
    match session.client.stat(&target.path).await {
        Ok(entry) if entry.is_dir() => Ok(true),
        Ok(_) if asked_for => Err(not_a_folder(target)),
        Ok(_) => Ok(false),
        Err(e) if e.kind() == ErrorKind::NotFound && asked_for => Err(Failure::from(
            Error::new(
                ErrorKind::NotFound,
                format!("the folder {target} does not exist; `courier mkdir -p` makes it"),
            )
            .with_source(e),
        )),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
        // Drop boxes refuse to be looked at: what the URL says goes.
        Err(e)
            if matches!(
                e.kind(),
                ErrorKind::Denied | ErrorKind::Failed | ErrorKind::Unsupported
            ) =>
        {
            Ok(asked_for)
        }
        Err(e) => Err(e.into()),
    }
}

fn not_a_folder(target: &Location) -> Failure {
    let message = format!("{target} is not an existing folder, which several files or a pattern need");
    Failure::from(Error::new(ErrorKind::WrongKind, message))
}
