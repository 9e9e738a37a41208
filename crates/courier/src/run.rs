//! Runs a command on the runtime that fits it, and stops it in order when asked to.

use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::Command;
use crate::commands::{
    admin, alert, audit, connection, demo, execution, job, key, login, mapping, serve, setting, storage,
    token, user,
};
use crate::exit::{Code, Failure, Result};
use crate::output::Output;
use crate::remote::{get, ls, mkdir, mv, put, rm, rmdir};

/// How long an interrupted command may take to remove what it left half-made.
const CLEAN_UP_WITHIN: Duration = Duration::from_secs(5);

/// Runs a command to its end.
pub(crate) fn run(command: Command, output: Output) -> Result<()> {
    match command {
        // These stop by themselves, with connections to drain.
        Command::Serve(args) => several_threads()?.block_on(serve::run(args, output)),
        Command::Demo(args) => several_threads()?.block_on(demo::run(args, output)),

        Command::Admin(args) => interruptible(admin::run(args, output)),

        Command::Ls(args) => interruptible(ls::run(args, output)),
        Command::Get(args) => interruptible(get::run(args, output)),
        Command::Put(args) => interruptible(put::run(args, output)),
        Command::Mv(args) => interruptible(mv::run(args, output)),
        Command::Rm(args) => interruptible(rm::run(args, output)),
        Command::Mkdir(args) => interruptible(mkdir::run(args, output)),
        Command::Rmdir(args) => interruptible(rmdir::run(args, output)),

        Command::Login(args) => interruptible(login::run(args, output)),
        Command::Connection(args) => interruptible(connection::run(args, output)),
        Command::Key(args) => interruptible(key::run(args, output)),
        Command::Job(args) => interruptible(job::run(args, output)),
        Command::Execution(args) => interruptible(execution::run(args, output)),
        Command::Mapping(args) => interruptible(mapping::run(args, output)),
        Command::Storage(args) => interruptible(storage::run(args, output)),
        Command::Alert(args) => interruptible(alert::run(args, output)),
        Command::Audit(args) => interruptible(audit::run(args, output)),
        Command::User(args) => interruptible(user::run(args, output)),
        Command::Token(args) => interruptible(token::run(args, output)),
        Command::Setting(args) => interruptible(setting::run(args, output)),
    }
}

fn several_threads() -> Result<Runtime> {
    Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(no_runtime)
}

fn no_runtime(error: std::io::Error) -> Failure {
    Failure::new(Code::Failed, format!("could not start: {error}"))
}

/// Runs on this thread alone, which costs the least memory and time. Ctrl-C and SIGTERM drop the work, and what it
/// left behind is removed by the tasks that dropping it starts.
fn interruptible(work: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(no_runtime)?;
    let result = runtime.block_on(async {
        // On the heap: what a command awaits is large.
        let work = Box::pin(work);
        tokio::select! {
            result = work => result,
            code = asked_to_stop() => {
                clean_up(&runtime).await;
                Err(Failure::silent(code))
            }
        }
    });
    runtime.shutdown_background();
    result
}

/// Waits for Ctrl-C or SIGTERM.
pub(crate) async fn asked_to_stop() -> Code {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without handlers, the signals end the process by themselves.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => Code::Interrupted,
        _ = terminate.recv() => Code::Terminated,
    }
}

/// Waits for the tasks that remove what was half-made; sessions end with them.
async fn clean_up(runtime: &Runtime) {
    let began = Instant::now();
    while runtime.metrics().num_alive_tasks() > 0 && began.elapsed() < CLEAN_UP_WITHIN {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
