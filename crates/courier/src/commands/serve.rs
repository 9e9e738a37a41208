//! `courier serve`: the server, until it is asked to stop.

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use courier_server::{Config, ServeOptions, Server, StartError};
use serde_json::json;
use tracing_subscriber::{EnvFilter, filter::filter_fn, prelude::*};

use crate::exit::{Code, Failure, Result};
use crate::output::{Output, stdout_failed};
use crate::run::asked_to_stop;

/// Run the server: API, scheduler and workers in one process
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Flags win over COURIER_* variables, which win over the file: COURIER_LISTEN, COURIER_DATA_DIR, COURIER_CONFIG,
COURIER_DATABASE_URL, COURIER_TLS_CERTIFICATE, COURIER_TLS_KEY, COURIER_ENVIRONMENT, COURIER_LOCAL_ROOTS, COURIER_WORKER_CONCURRENCY, COURIER_NODE, COURIER_KEK.
The first start makes the user admin, with the password from COURIER_ADMIN_PASSWORD or a random one, which it writes
to <data-dir>/initial-admin-password. Ctrl-C and SIGTERM stop in order: executions go back to the queue.

Examples:
  courier serve
  courier serve --listen 0.0.0.0:8440 --data-dir /var/lib/courier --log-format json")]
pub(crate) struct Args {
    /// Where to listen; port 0 takes a free one [default: 127.0.0.1:8440]
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,

    /// Where database, keys and files lie [default: ./courier-data]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,

    /// The configuration file [default: ./courier.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    log: LogArgs,
}

/// What is logged to standard error.
#[derive(Debug, clap::Args)]
pub(crate) struct LogArgs {
    /// What to log: a level, or targets with levels such as info,courier_engine=debug
    #[arg(long, env = "COURIER_LOG", value_name = "FILTER")]
    log: Option<String>,

    /// text or json
    #[arg(
        long,
        env = "COURIER_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text"
    )]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

impl LogArgs {
    /// Sends the log to standard error, from now on; `usual` is the filter where none was given.
    pub(crate) fn start(&self, usual: &str) -> Result<()> {
        let filter = self.log.as_deref().unwrap_or(usual);
        let filter = EnvFilter::try_new(filter)
            .map_err(|e| Failure::usage(format!("the log filter \"{filter}\" is wrong: {e}")))?;
        let log = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(io::stderr);
        // What signs requests to buckets tells at the level debug with which credentials.
        let no_credentials = filter_fn(|about| !about.target().starts_with("reqsign"));
        let started = match self.log_format {
            LogFormat::Text => {
                let log = log.with_ansi(io::stderr().is_terminal());
                log.finish().with(no_credentials).try_init()
            }
            LogFormat::Json => {
                let log = log.json().flatten_event(true);
                log.finish().with(no_credentials).try_init()
            }
        };
        started.map_err(|e| Failure::new(Code::Failed, format!("could not start the log: {e}")))
    }
}

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    // The queue's library would tell of each job.
    args.log.start("info,graphile_worker=warn")?;
    let options = ServeOptions {
        listen: args.listen,
        data_dir: args.data_dir,
        config: args.config,
        ..ServeOptions::default()
    };
    let config = Config::load(options).map_err(|e| Failure::usage(e.to_string()))?;
    // From the start: a signal that comes while the database is opened should stop in order, too.
    let stop = tokio::spawn(asked_to_stop());
    let server = Server::start(config).await.map_err(not_started)?;
    let url = server.url();
    if output.json {
        output.line(json!({"url": url}))?;
    } else {
        output.info(format!("Courier is at {url}"))?;
    }
    io::stdout().flush().map_err(stdout_failed)?;
    server
        .run_until(async move { drop(stop.await) })
        .await
        .map_err(not_started)
}

/// A start that failed.
pub(crate) fn not_started(error: StartError) -> Failure {
    let fix = match &error {
        StartError::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
            "; another process listens there: stop it, or choose another address with --listen"
        }
        _ => "",
    };
    Failure::new(Code::Failed, format!("{}{fix}", with_causes(&error)))
}

/// What failed, and the causes that its own words leave out, such as what the database has said.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let words = next.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = next.source();
    }
    text
}
