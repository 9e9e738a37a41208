//! `local.copy`, `local.move` and `local.delete`.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use courier_transfer::{
    Error, ErrorKind,
    settings::{Kind, Setting},
};

use super::{Step, StepState, StepType, run::blocking};
use crate::Result;

const PATH: Setting = Setting::required(
    "path",
    Kind::LocalPath,
    "The file. Relative: in the execution's work folder.",
);
const NEW_PATH: Setting = Setting::required(
    "new_path",
    Kind::LocalPath,
    "Its new path, or a folder to put it in. A file of that name is replaced.",
);

pub(super) const COPY: StepType = StepType {
    name: "local.copy",
    protocol: None,
    settings: &[PATH, NEW_PATH],
    outputs: &["file"],
    help: "Copies a local file.",
    run: |step| Box::pin(copy_or_move(step, copy)),
};

pub(super) const MOVE: StepType = StepType {
    name: "local.move",
    protocol: None,
    settings: &[PATH, NEW_PATH],
    outputs: &["file"],
    help: "Moves a local file.",
    run: |step| Box::pin(copy_or_move(step, move_file)),
};

pub(super) const DELETE: StepType = StepType {
    name: "local.delete",
    protocol: None,
    settings: &[PATH],
    outputs: &[],
    help: "Deletes a local file.",
    run: |step| Box::pin(delete(step)),
};

type Work = fn(&Path, &Path, &Watch) -> courier_transfer::Result<()>;

async fn copy_or_move(step: &Step<'_>, work: Work) -> Result<()> {
    let from = step.local_path(step.text("path")?)?;
    let into = step.text("new_path")?;
    let folder = into.ends_with('/');
    let to = step.local_path(into)?;
    let watch = Watch {
        state: step.state.clone(),
        stopped: Arc::new(AtomicBool::new(false)),
    };
    let _stop = StopOnDrop(watch.stopped.clone());
    let target = blocking(move || {
        let to = target(&from, &to, folder)?;
        work(&from, &to, &watch)?;
        Ok(to)
    })
    .await?;
    step.state.file_done();
    step.state.output("file", target.display().to_string().into());
    Ok(())
}

async fn delete(step: &Step<'_>) -> Result<()> {
    let path = step.local_path(step.text("path")?)?;
    Ok(blocking(move || fs::remove_file(&path).map_err(|e| Error::local(e, "delete", &path))).await?)
}

/// Where the file goes: into a folder under its own name, else to the name given. Missing folders are made.
fn target(from: &Path, to: &Path, folder: bool) -> courier_transfer::Result<PathBuf> {
    let name = from.file_name();
    let to = match name {
        Some(name) if folder || to.is_dir() => to.join(name),
        _ => to.to_owned(),
    };
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).map_err(|e| Error::local(e, "make", parent))?;
    }
    Ok(to)
}

fn move_file(from: &Path, to: &Path, watch: &Watch) -> courier_transfer::Result<()> {
    match fs::rename(from, to) {
        Err(e) if e.kind() == io::ErrorKind::CrossesDevices => {
            copy(from, to, watch)?;
            fs::remove_file(from).map_err(|e| Error::local(e, "delete", from))
        }
        result => result.map_err(|e| Error::local(e, "move", from)),
    }
}

/// Copies to `<to>.part` and renames when whole, so that nothing half-made lies under the final name.
fn copy(from: &Path, to: &Path, watch: &Watch) -> courier_transfer::Result<()> {
    if from == to {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!("{} is to be copied onto itself", from.display()),
        ));
    }
    let mut name = to.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    let result = copy_bytes(from, &part, watch)
        .and_then(|()| fs::rename(&part, to).map_err(|e| Error::local(e, "finish", to)));
    if result.is_err() {
        // The error that led here counts; a partial that can't be removed either is seen beside it.
        let _ = fs::remove_file(&part);
    }
    result
}

fn copy_bytes(from: &Path, part: &Path, watch: &Watch) -> courier_transfer::Result<()> {
    let mut source = File::open(from).map_err(|e| Error::local(e, "read", from))?;
    if source.metadata().is_ok_and(|m| m.is_dir()) {
        return Err(Error::new(
            ErrorKind::WrongKind,
            format!("{} is a directory; name a file", from.display()),
        ));
    }
    let mut target = File::create(part).map_err(|e| Error::local(e, "write to", part))?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        if watch.stopped.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Cancelled, "the copy was stopped"));
        }
        let read = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(Error::local(e, "read", from)),
        };
        target
            .write_all(buffer.get(..read).unwrap_or_default())
            .map_err(|e| Error::local(e, "write to", part))?;
        watch.state.moved(read as u64);
    }
    target.sync_all().map_err(|e| Error::local(e, "write to", part))
}

/// What a copy in its own thread looks at and tells.
struct Watch {
    state: Arc<StepState>,
    stopped: Arc<AtomicBool>,
}

/// A dropped step stops its thread.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
