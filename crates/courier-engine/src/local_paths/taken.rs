//! Work folders that outlive a failure: they hold all that is left of files which were deleted on their server.
//!
//! A mark beside the folder says so, since the folder itself is the job's.

use std::{fs::File, path::PathBuf};

use courier_transfer::{Error, ErrorKind, Result};
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::LocalPaths;

impl LocalPaths {
    fn mark(&self, execution: Uuid) -> PathBuf {
        self.work_dir(execution).with_extension("taken")
    }

    /// A file in the work folder is about to be the last one of its kind. Noted for good before this returns.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) async fn note_taken(&self, execution: Uuid) -> Result<()> {
        let mark = self.mark(execution);
        let note = move || {
            let made = File::create(&mark).and_then(|file| file.sync_all());
            made.map_err(|e| Error::local(e, "make", &mark))
        };
        let noted = spawn_blocking(note).await;
        noted.unwrap_or_else(|e| Err(Error::new(ErrorKind::Local, "a mark was not made").with_source(e)))
    }

    /// Does its work folder hold files that are nowhere else?
    pub(crate) fn has_taken(&self, execution: Uuid) -> bool {
        self.mark(execution).exists()
    }

    /// Removes what an execution left in its work folder, unless it holds files that are nowhere else: who cares for these
    /// finds them there.
    pub(crate) async fn remove_work_dir(&self, execution: Uuid) {
        if self.has_taken(execution) {
            let folder = self.work_dir(execution);
            tracing::warn!(%execution, folder = %folder.display(),
                "an execution did not deliver what it has deleted on its server; its work folder is kept");
            return;
        }
        self.discard_work_dir(execution).await;
    }

    /// Removes what an execution left in its work folder, whatever it is.
    pub(crate) async fn discard_work_dir(&self, execution: Uuid) {
        let (folder, mark) = (self.work_dir(execution), self.mark(execution));
        let discard = move || {
            let removed = std::fs::remove_dir_all(folder);
            // Last, so that what remains is still known for what it is.
            if !removed
                .as_ref()
                .is_err_and(|e| e.kind() != std::io::ErrorKind::NotFound)
            {
                let _ = std::fs::remove_file(mark);
            }
            removed
        };
        if let Ok(Err(error)) = spawn_blocking(discard).await
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%execution, %error, "could not remove the execution's work folder");
        }
    }
}
