//! `courier put`: files from this machine to a server.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use courier_transfer::ops::{
    BatchContext, Context, Job, PlanOptions, UploadOptions, plan_uploads, upload, upload_all,
};
use courier_transfer::{Error, ErrorKind, Rate, RemoteName, RemotePath};
use futures::{StreamExt, stream, stream::BoxStream};

use super::spool::Spool;
use super::summary::Summary;
use super::url::{Scheme, is_url, local_path};
use super::{Location, LocationParser, Session, SessionArgs, TransferArgs, one_name, or_nothing_matches};
use crate::exit::{Failure, Result};
use crate::output::Output;
use crate::output::progress::Transfers;

/// Send files to a server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The target is a file name, or an existing folder. With - standard input is sent: it is read to its end first, into an
unnamed file in TMPDIR. Where the line breaks, the transfer goes on over a new one.

Examples:
  courier put report.csv sftp://ann@example.com/in/
  courier put --atomic *.csv sftp://ann@example.com/in/
  courier put -r photos sftp://ann@example.com/~/
  courier put --tls-pin 3F:9A:… report.csv ftps://ann@ftp.example.com/~/in/
  pg_dump shop | courier put --atomic - sftp://ann@example.com/backup/shop.sql
A server far away, over a bad line:
  courier put --parallel 8 --retries 10 --resume big.iso sftp://far.example.com/in/
Every night, with room for others on the line:
  courier put -r --limit-rate 2M --quiet archive sftp://ann@example.com/~/")]
pub(crate) struct Args {
    /// What to send; - for standard input
    #[arg(required = true, value_name = "FILE")]
    sources: Vec<PathBuf>,

    /// Where to
    #[arg(value_name = "URL", value_parser = LocationParser)]
    target: Location,

    /// Take folders with all that lies in them
    #[arg(long, short)]
    recursive: bool,

    /// Continue the partial file of an earlier run, and keep one when this run fails
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
    let stdin = is_stdin(&args)?;
    let sources = args
        .sources
        .iter()
        .map(|source| local(source))
        .collect::<Result<Vec<_>>>()?;
    let sends = match sources.as_slice() {
        [source] => source
            .metadata()
            .ok()
            .filter(|meta| meta.is_file())
            .map(|meta| meta.len()),
        _ => None,
    };
    let endpoint = &args.target.endpoint;
    let session = Session::open_for(endpoint, &args.session, &args.transfer, sends, output).await?;
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
        _ if stdin && into_folder => {
            return Err(Failure::usage(format!(
                "{} is a folder, and standard input has no name; write the file's name at the URL's end",
                args.target
            )));
        }
        _ if stdin => {
            let spool = Spool::of_stdin().await?;
            one(
                &session,
                (&spool.path(), "-"),
                target,
                &options,
                args.transfer.rate(),
                output,
            )
            .await
        }
        [source] if source.is_file() => {
            let remote = if into_folder {
                target.join(&name_of(source)?)
            } else {
                target.clone()
            };
            let name = source.to_string_lossy();
            one(
                &session,
                (source, &name),
                &remote,
                &options,
                args.transfer.rate(),
                output,
            )
            .await
        }
        sources => {
            let plan = PlanOptions {
                recursive: args.recursive,
                contents: !into_folder,
                ..PlanOptions::default()
            };
            let bars = Transfers::many(output);
            let mut summary = Summary::new(output, &bars);
            let plans: Vec<_> = sources
                .iter()
                .map(|source| planned(&session, source, target, plan.clone(), &summary))
                .collect();
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

/// Is standard input sent? Nothing but that, then.
fn is_stdin(args: &Args) -> Result<bool> {
    let stdin = args.sources.iter().any(|source| source.as_os_str() == "-");
    if !stdin {
        return Ok(false);
    }
    if args.sources.len() > 1 || args.recursive {
        return Err(Failure::usage(
            "standard input is one file, and is sent alone; a file named - is ./-",
        ));
    }
    if args.resume || args.preserve {
        return Err(Failure::usage(
            "standard input has no time, no permissions, and no second run to continue it; write a file first for \
             --resume or --preserve",
        ));
    }
    Ok(true)
}

/// One file, and the name to show for it, to where it goes: no planning.
async fn one(
    session: &Session,
    (source, name): (&Path, &str),
    remote: &RemotePath,
    options: &UploadOptions,
    rate: Option<Arc<Rate>>,
    output: Output,
) -> Summary {
    let bars = Transfers::one(output);
    let context = Context {
        progress: bars.file(name),
        partials: session.partials(),
        rate,
        ..Context::default()
    };
    let mut summary = Summary::new(output, &bars);
    summary.add(upload(&session.client, source, remote, options, &context).await);
    summary
}

/// What a source brings.
fn planned(
    session: &Session,
    source: &Path,
    target: &RemotePath,
    plan: PlanOptions,
    summary: &Summary,
) -> BoxStream<'static, courier_transfer::Result<Job>> {
    if source.is_dir() && !plan.recursive {
        let message = format!("{} is a folder; use -r to take what lies in it", source.display());
        return stream::iter([Err(Error::new(ErrorKind::WrongKind, message))]).boxed();
    }
    let (client, source) = (session.client.clone(), source.to_owned());
    let jobs = plan_uploads(client, source.clone(), target.clone(), plan, summary.left_out());
    if is_pattern(&source) {
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
