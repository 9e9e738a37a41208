//! `local.copy`, `local.move` and `local.delete`.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use courier_transfer::{
    Error, ErrorKind,
    ops::Guard,
    settings::{Kind, Setting},
};

use super::{Step, StepState, StepType, run::blocking};
use crate::{Result, local_file::LocalFile};

const PATH: Setting = Setting::required(
    "path",
    Kind::LocalPath,
    "The file; a folder is refused. Relative: in the execution's work folder.",
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
    outputs: &["file", "name"],
    lists: &[],
    help: "Copies a local file.",
    run: |step| Box::pin(copy_or_move(step, copy, false)),
};

pub(super) const MOVE: StepType = StepType {
    name: "local.move",
    protocol: None,
    settings: &[PATH, NEW_PATH],
    outputs: &["file", "name"],
    lists: &[],
    help: "Moves a local file.",
    run: |step| Box::pin(copy_or_move(step, move_file, true)),
};

pub(super) const DELETE: StepType = StepType {
    name: "local.delete",
    protocol: None,
    settings: &[PATH],
    outputs: &[],
    lists: &[],
    help: "Deletes a local file.",
    run: |step| Box::pin(delete(step)),
};

type Work = fn(&LocalFile, &LocalFile, &Watch) -> courier_transfer::Result<()>;

async fn copy_or_move(step: &Step<'_>, work: Work, moves: bool) -> Result<()> {
    let from = step.local_path(step.text("path")?)?;
    let into = step.text("new_path")?;
    let folder = into.ends_with('/');
    let to = step.local_path(into)?;
    let watch = Watch {
        state: step.state.clone(),
        guard: step.state.guard(),
        stopped: Arc::new(AtomicBool::new(false)),
    };
    let _stop = StopOnDrop(watch.stopped.clone());
    let interrupted = step.begin_changes().await?;
    let moved = blocking(move || {
        let from = LocalFile::open(from)?;
        let found = from.check_regular();
        let is_gone = found.as_ref().is_err_and(|e| e.kind() == ErrorKind::NotFound);
        if !(interrupted && moves && is_gone) {
            found?;
        }
        // It may have waited for a thread until nobody waited for it.
        watch.check()?;
        let to = LocalFile::open_or_make(watch.target(&from, to, folder)?)?;
        match is_gone {
            // An attempt before was stopped right after it.
            true => to.check_regular()?,
            false => work(&from, &to, &watch)?,
        }
        Ok(to.path)
    })
    .await;
    step.end_changes();
    let target = moved?;
    step.state.file_done();
    let name = target.file_name().unwrap_or_default();
    step.state.output("name", name.display().to_string().into());
    step.state.output("file", target.display().to_string().into());
    Ok(())
}

async fn delete(step: &Step<'_>) -> Result<()> {
    let path = step.local_path(step.text("path")?)?;
    let guard = step.state.guard();
    let delete = move || {
        let file = LocalFile::open(path)?;
        file.check_regular()?;
        guard.check()?;
        file.remove()
    };
    let interrupted = step.begin_changes().await?;
    let deleted = blocking(delete).await;
    step.end_changes();
    match deleted {
        Err(e) if interrupted && e.kind() == ErrorKind::NotFound => Ok(()),
        deleted => Ok(deleted?),
    }
}

fn move_file(from: &LocalFile, to: &LocalFile, watch: &Watch) -> courier_transfer::Result<()> {
    watch.check()?;
    if from.rename(to)? {
        return Ok(());
    }
    let copied = copy_file(from, to, watch)?;
    watch.check()?;
    from.remove_if_same(&copied)
}

fn copy(from: &LocalFile, to: &LocalFile, watch: &Watch) -> courier_transfer::Result<()> {
    copy_file(from, to, watch).map(|_| ())
}

/// Copies to a temporary name and renames when whole, so that nothing half-made lies under the final name. The
/// temporary is this copy's alone: one that was stopped, and hangs in a write, harms no later one. Hands back what was
/// copied.
fn copy_file(from: &LocalFile, to: &LocalFile, watch: &Watch) -> courier_transfer::Result<File> {
    if from.path == to.path {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!("{} is to be copied onto itself", from.path.display()),
        ));
    }
    let mut source = from.read()?;
    let mut temporary = to.temporary()?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        watch.check()?;
        let read = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(Error::local(e, "read", &from.path)),
        };
        temporary
            .file
            .write_all(buffer.get(..read).unwrap_or_default())
            .map_err(|e| Error::local(e, "write to", &to.path))?;
        watch.state.moved(read as u64);
    }
    temporary
        .file
        .sync_all()
        .map_err(|e| Error::local(e, "write to", &to.path))?;
    watch.check()?;
    temporary.finish()?;
    Ok(source)
}

/// What a copy in its own thread looks at and tells.
struct Watch {
    state: Arc<StepState>,
    guard: Arc<dyn Guard>,
    stopped: Arc<AtomicBool>,
}

impl Watch {
    /// Does anybody still wait for it, and may this node still act?
    fn check(&self) -> courier_transfer::Result<()> {
        if self.stopped.load(Ordering::Relaxed) || !self.guard.allows() {
            return Err(Error::new(ErrorKind::Cancelled, "the copy was stopped"));
        }
        Ok(())
    }

    /// Where the file goes: into a folder under its own name, else to the name given. In the folder the name may be a
    /// link, so the whole is checked again.
    fn target(&self, from: &LocalFile, to: PathBuf, folder: bool) -> courier_transfer::Result<PathBuf> {
        match from.path.file_name() {
            Some(name) if folder || to.is_dir() => {
                let paths = &self.state.engine.0.paths;
                paths.resolve_found(&to.join(name), self.state.execution)
            }
            _ => Ok(to),
        }
    }
}

/// A dropped step stops its thread.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
