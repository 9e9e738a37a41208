//! Standard input as a file: an upload needs the size, and what it sends again where a line breaks.

use std::env::temp_dir;
use std::fs::File;
use std::io::{copy, stdin};
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags, open};
use tokio::task::spawn_blocking;

use crate::exit::{Code, Failure, Result};

/// An unnamed file in the folder for temporary files. It ends with this process, however that ends.
#[derive(Debug)]
pub(super) struct Spool(File);

impl Spool {
    /// Reads standard input to its end.
    pub(super) async fn of_stdin() -> Result<Self> {
        match spawn_blocking(spool).await {
            Ok(Ok(file)) => Ok(Self(file)),
            Ok(Err(error)) => Err(failure(error)),
            Err(error) => Err(failure(error)),
        }
    }

    /// Where it can be opened while this lives.
    pub(super) fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.0.as_raw_fd()))
    }
}

fn spool() -> std::io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let mut file = File::from(open(temp_dir(), flags, Mode::RUSR | Mode::WUSR)?);
    copy(&mut stdin().lock(), &mut file)?;
    Ok(file)
}

fn failure(error: impl std::fmt::Display) -> Failure {
    let folder = temp_dir();
    let message = format!(
        "could not keep standard input in {} until it is sent: {error}; set TMPDIR to a folder with room, or write a file \
         and send that",
        folder.display()
    );
    Failure::new(Code::Failed, message)
}
