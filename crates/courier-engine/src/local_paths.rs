//! Which local paths jobs and `local` connections may touch.
//!
//! A relative path lies in the execution's own work folder. An absolute one must lie under one of the admin's local
//! roots, after symbolic links. No root reaches the data folder, where the database and the key file are: whoever may
//! write around a folder can move it away, so [`check_local_roots`] keeps Courier from starting with such a root.

mod storage;
mod taken;

pub(crate) use storage::feeds_itself;

use std::{
    io,
    path::{Component, Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use courier_transfer::ops::{Confine, Locals};
use uuid::Uuid;

use crate::{Error, Result};

/// The folder that an execution works in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WorkDir {
    /// The execution.
    pub(crate) execution: Uuid,
    /// When something in it was made or removed last.
    pub(crate) changed: SystemTime,
}

/// The folders that jobs may touch, symbolic links resolved.
#[derive(Clone, Debug)]
pub(crate) struct LocalPaths {
    data_dir: PathBuf,
    roots: Vec<PathBuf>,
}

impl LocalPaths {
    /// Makes `<data_dir>/work`, and `<data_dir>/files` where no root is given, and resolves the roots.
    ///
    /// # Errors
    /// [`Error::Transfer`] where a folder can't be made or a root doesn't exist; [`Error::Validation`] where a root
    /// reaches the data folder.
    pub(crate) fn new(data_dir: &Path, roots: &[PathBuf]) -> Result<Self> {
        check_local_roots(data_dir, &[], roots).map_err(|message| Error::field("local_roots", message))?;
        let default = [data_dir.join("files")];
        let roots = if roots.is_empty() {
            make_dir(&default[0])?;
            &default[..]
        } else {
            roots
        };
        make_dir(&data_dir.join("work"))?;
        let resolve = |path: &PathBuf| {
            path.canonicalize()
                .map_err(|e| courier_transfer::Error::local(e, "resolve", path).into())
        };
        Ok(Self {
            data_dir: resolve(&data_dir.to_owned())?,
            roots: roots.iter().map(resolve).collect::<Result<_>>()?,
        })
    }

    /// The folder that an execution works in. Made when first needed.
    pub(crate) fn work_dir(&self, execution: Uuid) -> PathBuf {
        self.data_dir.join("work").join(execution.to_string())
    }

    /// Checks a path from a job's definition, when it is saved. What it says then it says again when the job runs,
    /// since links may have changed.
    pub(crate) fn check(&self, path: &str) -> Result<(), String> {
        let path = Path::new(path);
        refuse_parent_segments(path)?;
        if path.is_absolute() {
            self.allowed(path, None).map(|_| ())
        } else {
            Ok(())
        }
    }

    /// Where a path from a job's definition lies for this execution.
    ///
    /// # Errors
    /// [`Error::Transfer`] of kind `denied` for a path that jobs may not touch.
    pub(crate) fn resolve(&self, path: &str, execution: Uuid) -> Result<PathBuf> {
        let denied = |message| {
            Error::Transfer(courier_transfer::Error::new(
                courier_transfer::ErrorKind::Denied,
                message,
            ))
        };
        let path = Path::new(path);
        refuse_parent_segments(path).map_err(denied)?;
        let work = self.work_dir(execution);
        if path.is_relative() {
            make_dir(&work)?;
        }
        self.allowed(&work.join(path), Some(&work)).map_err(denied)
    }

    /// The folder that a connection without a host is confined to.
    pub(crate) fn check_base(&self, path: &str) -> Result<PathBuf, String> {
        let path = Path::new(path);
        refuse_parent_segments(path)?;
        if path.is_relative() {
            return Err(format!("must be an absolute path under {}", self.roots_text()));
        }
        self.allowed(path, None)
    }

    /// What the transfers of an execution may touch.
    pub(crate) fn locals(&self, execution: Uuid) -> Locals {
        Locals::Within(Arc::new(OfExecution {
            paths: self.clone(),
            execution,
        }))
    }

    /// Where a path lies that was made of an allowed one and a name.
    pub(crate) fn resolve_found(&self, path: &Path, execution: Uuid) -> courier_transfer::Result<PathBuf> {
        self.allowed(path, Some(&self.work_dir(execution)))
            .map_err(|message| courier_transfer::Error::new(courier_transfer::ErrorKind::Denied, message))
    }

    /// The work folders that there are. What has no execution's id for a name is nobody's business.
    ///
    /// # Errors
    /// [`Error::Transfer`] where the folder around them can't be read.
    pub(crate) async fn work_dirs(&self) -> Result<Vec<WorkDir>> {
        let around = self.data_dir.join("work");
        let found = tokio::task::spawn_blocking(move || {
            let failed = |e| courier_transfer::Error::local(e, "list", &around);
            let mut found = Vec::new();
            for entry in std::fs::read_dir(&around).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let name = entry.file_name();
                // A folder that is gone by now needs no removing.
                if let Some(execution) = name.to_str().and_then(|name| Uuid::try_parse(name).ok())
                    && *name == *execution.to_string()
                    && let Ok(about) = entry.metadata()
                    && let Ok(changed) = about.modified()
                {
                    found.push(WorkDir { execution, changed });
                }
            }
            Ok::<_, courier_transfer::Error>(found)
        });
        let found = found.await.map_err(|e| Error::Internal(e.to_string()))?;
        Ok(found?)
    }

    /// The path with links resolved as far as it exists, if it is allowed.
    fn allowed(&self, path: &Path, work: Option<&Path>) -> Result<PathBuf, String> {
        let real = resolve_existing(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let under_work = work.is_some_and(|work| real.starts_with(work));
        let under_root = self.roots.iter().any(|root| real.starts_with(root));
        if under_work || under_root {
            return Ok(real);
        }
        // Where it leads is not told to who may not go there; the log is the administrator's.
        let through = if real == path {
            ""
        } else {
            tracing::info!(path = %path.display(), real = %real.display(), "a local path that is not allowed");
            " (which leads elsewhere)"
        };
        Err(format!(
            "the local path {}{through} is not allowed; jobs may use {} (the setting local_roots), or a relative path \
             in the execution's own work folder",
            path.display(),
            self.roots_text()
        ))
    }

    fn roots_text(&self) -> String {
        self.roots
            .iter()
            .map(|r| r.display().to_string())
            .collect::<Vec<_>>()
            .join(" or ")
    }
}

/// Checks that jobs can't reach the data folder through a local root: a root may not be it, nor lie around it, nor lie
/// in it, but for its folder `files`; nor may one hold a file of `kept`: what it is ("the database"), and its path. Of no
/// roots, the default is checked. Links are resolved; what doesn't exist yet is judged by its name.
///
/// # Errors
/// What is wrong, and what to do, in words.
pub fn check_local_roots(data_dir: &Path, kept: &[(&str, PathBuf)], roots: &[PathBuf]) -> Result<(), String> {
    let resolve = |path: &Path| {
        resolve_existing(path).map_err(|e| format!("the path {} can't be resolved: {e}", path.display()))
    };
    let data = resolve(data_dir)?;
    let kept = kept
        .iter()
        .map(|(what, path)| Ok((what, resolve(path)?)))
        .collect::<Result<Vec<_>, String>>()?;
    let files = data.join("files");
    let default = [files.clone()];
    for root in if roots.is_empty() { &default } else { roots } {
        let real = resolve(root)?;
        let named = if real == *root {
            root.display().to_string()
        } else {
            format!("{} (which is {})", root.display(), real.display())
        };
        if data.starts_with(&real) {
            return Err(format!(
                "the folder {named} holds the data folder {}, with the database and the key file, which jobs must \
                 not reach; name folders beside the data folder, or move the data folder (data_dir) elsewhere",
                data.display()
            ));
        }
        if real.starts_with(&data) && !real.starts_with(&files) {
            return Err(format!(
                "the folder {named} lies in the data folder {}, of which jobs may use only {}; name that, a folder \
                 in it, or one outside",
                data.display(),
                files.display()
            ));
        }
        if let Some((what, file)) = kept.iter().find(|(_, file)| file.starts_with(&real)) {
            return Err(format!(
                "the folder {named} holds {what} {}, which jobs must not reach; name another folder, or move it elsewhere",
                file.display()
            ));
        }
    }
    Ok(())
}

/// The local paths of one execution.
#[derive(Debug)]
struct OfExecution {
    paths: LocalPaths,
    execution: Uuid,
}

impl Confine for OfExecution {
    fn resolve(&self, path: &Path) -> courier_transfer::Result<PathBuf> {
        self.paths.resolve_found(path, self.execution)
    }
}

fn make_dir(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(|e| courier_transfer::Error::local(e, "make", path).into())
}

fn refuse_parent_segments(path: &Path) -> Result<(), String> {
    if path.components().any(|c| c == Component::ParentDir) {
        return Err("has a segment \"..\", which could leave its folder".into());
    }
    Ok(())
}

/// Resolves the links of that part of a path that exists; the rest is only names.
///
/// A link that leads nowhere is refused: what is made through it would lie at its target.
fn resolve_existing(path: &Path) -> io::Result<PathBuf> {
    let mut missing = Vec::new();
    let mut existing = path;
    loop {
        match existing.canonicalize() {
            Ok(real) => return Ok(missing.iter().rev().fold(real, |at, name| at.join(name))),
            Err(e) if e.kind() == io::ErrorKind::NotFound && existing.symlink_metadata().is_err() => {
                match (existing.parent(), existing.file_name()) {
                    (Some(parent), Some(name)) => {
                        missing.push(name);
                        existing = parent;
                    }
                    _ => return Err(e),
                }
            }
            Err(e) => return Err(e),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_roots_and_the_work_folder_are_open() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let outside = dir.path().join("outside");
        std::fs::create_dir_all(&outside).unwrap();
        std::fs::create_dir_all(&data).unwrap();
        let paths = LocalPaths::new(&data, &[]).unwrap();
        let data = data.canonicalize().unwrap();
        let execution = Uuid::now_v7();
        let text = |p: &Path| p.to_str().unwrap().to_owned();

        let inside = data.join("files/new/file");
        assert_eq!(paths.resolve(&text(&inside), execution).unwrap(), inside);
        let own = paths.work_dir(execution).join("a/b");
        assert_eq!(paths.resolve("a/b", execution).unwrap(), own);
        assert_eq!(paths.resolve(&text(&own), execution).unwrap(), own);

        symlink(&outside, data.join("files/way-out")).unwrap();
        symlink(data.join("nowhere"), data.join("files/dangling")).unwrap();
        for denied in [
            "/etc/passwd".to_owned(),
            text(&outside.join("x")),
            text(&data.join("kek")),
            text(&data.join("files-of-others/x")),
            text(&data.join("files/../kek")),
            text(&data.join("files/way-out/x")),
            text(&data.join("files/dangling")),
            text(&paths.work_dir(Uuid::now_v7()).join("x")),
            "../x".to_owned(),
        ] {
            let error = paths.resolve(&denied, execution).unwrap_err();
            assert_eq!(error.kind(), "denied", "{denied}: {error}");
        }
        assert!(paths.check("../x").is_err() && paths.check(&text(&data.join("kek"))).is_err());
        assert!(paths.check("a").is_ok() && paths.check(&text(&inside)).is_ok());
        assert!(paths.check_base("files").is_err());
    }

    #[test]
    fn no_root_reaches_the_data_folder() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        let data = dir.join("app/data");
        for folder in ["app/data/files/in", "app/data/work", "app/other", "app/database"] {
            std::fs::create_dir_all(dir.join(folder)).unwrap();
        }
        symlink(&dir, dir.join("app/other/up")).unwrap();
        symlink(&data, dir.join("data-link")).unwrap();
        for data in [&data, &dir.join("data-link")] {
            for refused in [
                "",
                "app",
                "app/data",
                "data-link",
                "app/other/up",
                "app/data/work",
                "app/data/new",
            ] {
                let error = LocalPaths::new(data, &[dir.join("app/other"), dir.join(refused)]).unwrap_err();
                assert!(matches!(error, Error::Validation { .. }), "{refused}: {error}");
            }
            for fine in ["app/data/files", "app/data/files/in", "app/other", "app/database"] {
                LocalPaths::new(data, &[dir.join(fine)]).unwrap();
            }
        }
        assert!(LocalPaths::new(&data, &[PathBuf::from("/")]).is_err());
    }

    #[test]
    fn no_root_holds_the_database() {
        let dir = tempfile::tempdir().unwrap();
        let (data, elsewhere) = (dir.path().join("data"), dir.path().join("db"));
        std::fs::create_dir_all(&elsewhere).unwrap();
        symlink(&elsewhere, dir.path().join("link")).unwrap();
        let file = dir.path().join("link/courier.db");
        let check =
            |file: PathBuf, roots: &[PathBuf]| check_local_roots(&data, &[("the database", file)], roots);
        let error = check(file.clone(), std::slice::from_ref(&elsewhere)).unwrap_err();
        assert!(error.contains("holds the database"), "{error}");
        assert!(check(file, &[elsewhere.join("in")]).is_ok());
        assert!(check(data.join("files/courier.db"), &[]).is_err());
        assert!(check(data.join("courier.db"), &[]).is_ok());
    }

    #[test]
    fn the_default_root_reaches_the_data_folder_no_more_than_others() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        std::fs::create_dir_all(&data).unwrap();
        symlink(dir.path(), data.join("files")).unwrap();
        let error = LocalPaths::new(&data, &[]).unwrap_err();
        assert!(error.to_string().contains("holds the data folder"), "{error}");
        // A folder that only begins with the same letters is another one.
        let beside = [dir.path().join("dat"), dir.path().join("data2")];
        assert!(check_local_roots(&data, &[], &beside).is_ok());
    }
}
