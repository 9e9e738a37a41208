//! Which files a recursive or patterned transfer moves, and where to. Folders are made on the way.

use std::{
    ffi::OsStr,
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::{StreamExt, future::ready, stream::BoxStream};
use tokio::sync::mpsc;

use crate::{Client, Entry, EntryKind, Error, ErrorKind, Listed, RemotePath, Result};

use super::{
    FindOptions, Job, LocalPath, Pattern, RemoteGlob,
    blocking::quickly,
    directories::is_broken,
    find::{find, glob, produce},
    folders::Folders,
    locals::enter,
    walk,
};

/// Files and folders that the making of remote folders may be ahead of their uploads.
const AHEAD: usize = 1024;

/// How a source becomes files.
#[derive(Clone, Debug, Default)]
pub struct PlanOptions {
    /// Take folders with all that lies in them. Else a folder named is an error, and one matched is left out.
    pub recursive: bool,
    /// Where the source names one folder, its contents go right into the target; else into a folder of its
    /// name there.
    pub contents: bool,
    /// Leave out what one of these matches, and all that lies in it: by its name, or, for a pattern with a `/`, by its path
    /// below the folder named or the fixed part of the source's pattern.
    pub ignore: Vec<Pattern>,
}

/// Plans the download of what `from` names into the local folder `into`, which must exist (or, with
/// [`contents`](PlanOptions::contents), is made).
///
/// A file goes to `into/<name>`, a folder's files to `into/<folder>/…`, and what a pattern matches to its path
/// relative to the fixed part of the pattern. Local folders are made as they are met; one that is a link is refused, so
/// that nothing is written outside `into`.
/// An `Err` is about one object and doesn't end the stream, except where the session is broken.
///
/// Links to files are taken as files. Links to folders, which may lead in circles, and devices, pipes and sockets are
/// left out; in a recursive plan `left_out` hears of each, in a sentence's beginning ("/in/old is a link to a folder").
pub fn plan_downloads(
    client: Arc<dyn Client>,
    from: RemoteGlob,
    into: impl Into<LocalPath>,
    options: PlanOptions,
    left_out: impl Fn(String) + Send + Sync + 'static,
) -> BoxStream<'static, Result<Job>> {
    let into = into.into();
    produce(move |jobs| async move {
        // Nobody listens any more, or the session is broken and that was told.
        let _ = Downloads {
            client,
            jobs,
            options,
            left_out,
        }
        .start(&from, &into)
        .await;
    })
    .boxed()
}

struct Ended;

/// What is left out, in words.
pub(super) const FOLDER_LINK: &str = "a link to a folder";
pub(super) const NO_FILE: &str = "neither a file nor a folder";

struct Downloads<L> {
    client: Arc<dyn Client>,
    jobs: mpsc::Sender<Result<Job>>,
    options: PlanOptions,
    left_out: L,
}

impl<L: Fn(String) + Send + Sync> Downloads<L> {
    async fn start(&self, from: &RemoteGlob, into: &LocalPath) -> Result<(), Ended> {
        let mut found = match glob(self.client.clone(), from, true, &self.options.ignore).await {
            Ok(found) => found,
            Err(e) => return self.fail(e).await,
        };
        let single = from.pattern().is_none();
        while let Some(listed) = found.next().await {
            let Some(entry) = self.entry(listed).await? else {
                continue;
            };
            let relative = if single {
                entry.path.name().map(|name| RemotePath::home().join(&name))
            } else {
                entry.path.strip_base(from.base())
            };
            let relative = relative.unwrap_or_else(RemotePath::home);
            if !entry.is_dir() {
                let folder = relative.parent().unwrap_or_else(RemotePath::home);
                match make_local_dirs(into, &folder).await {
                    Ok(()) => self.file(entry, join(&into.path, &relative)).await?,
                    Err(e) => self.fail(e).await?,
                }
            } else if self.options.recursive {
                let below = if single && self.options.contents {
                    RemotePath::home()
                } else {
                    relative
                };
                self.tree(&entry.path, into, &below, from.base()).await?;
            } else if single {
                self.fail(Error::new(
                    ErrorKind::WrongKind,
                    format!(
                        "{} is a directory; ask for recursion to take what lies in it",
                        entry.path
                    ),
                ))
                .await?;
            }
        }
        Ok(())
    }

    async fn tree(
        &self,
        folder: &RemotePath,
        into: &LocalPath,
        below: &RemotePath,
        base: &RemotePath,
    ) -> Result<(), Ended> {
        if below.is_top()
            && let Err(e) = make_local_root(into).await
        {
            return self.fail(e).await;
        }
        if let Err(e) = make_local_dirs(into, below).await {
            return self.fail(e).await;
        }
        let options = FindOptions {
            recursive: true,
            directories: true,
            ignore: self.options.ignore.clone(),
            ignore_from: Some(base.clone()),
            ..FindOptions::default()
        };
        let mut found = match find(self.client.clone(), folder, options).await {
            Ok(found) => found,
            Err(e) => return self.fail(e).await,
        };
        // Folders that could not be made: told once, and what lies in them is left out.
        let mut refused: Vec<RemotePath> = Vec::new();
        while let Some(listed) = found.next().await {
            let Some(entry) = self.entry(listed).await? else {
                continue;
            };
            if refused
                .iter()
                .any(|folder| entry.path.strip_base(folder).is_some())
            {
                continue;
            }
            let Some(relative) = entry.path.strip_base(folder) else {
                continue;
            };
            let target = below.join_below(&relative);
            if !entry.is_dir() {
                self.file(entry, join(&into.path, &target)).await?;
            } else if let Err(e) = make_local_dirs(into, &target).await {
                refused.push(entry.path);
                self.fail(e).await?;
            }
        }
        Ok(())
    }

    /// What was found, or nothing where it was an error, which was told.
    async fn entry(&self, listed: Result<Listed>) -> Result<Option<Entry>, Ended> {
        match listed {
            Ok(Listed::Entry(entry)) => Ok(Some(entry)),
            Ok(Listed::Unreadable { raw, reason }) => {
                let error = Error::new(
                    ErrorKind::Protocol,
                    format!("the server lists something that cannot be used: {reason}"),
                );
                self.fail(error.with("entry", raw)).await?;
                Ok(None)
            }
            Err(e) => {
                self.fail(e).await?;
                Ok(None)
            }
        }
    }

    async fn file(&self, entry: Entry, local: PathBuf) -> Result<(), Ended> {
        let entry = match entry.kind {
            EntryKind::File => entry,
            EntryKind::Link => match self.client.stat(&entry.path).await {
                Ok(target) if target.is_file() => target,
                Ok(target) if target.is_dir() => return self.leave_out(&entry.path, FOLDER_LINK),
                Ok(_) => return self.leave_out(&entry.path, NO_FILE),
                Err(e) => return self.fail(e).await,
            },
            EntryKind::Directory | EntryKind::Other => return self.leave_out(&entry.path, NO_FILE),
        };
        let job = Job {
            remote: entry.path.clone(),
            local,
            entry: Some(entry),
        };
        self.jobs.send(Ok(job)).await.map_err(|_| Ended)
    }

    fn leave_out(&self, path: &RemotePath, what: &str) -> Result<(), Ended> {
        if self.options.recursive {
            (self.left_out)(format!("{path} is {what}"));
        }
        Ok(())
    }

    async fn fail(&self, error: Error) -> Result<(), Ended> {
        let broken = is_broken(&error);
        self.jobs.send(Err(error)).await.map_err(|_| Ended)?;
        if broken { Err(Ended) } else { Ok(()) }
    }
}

/// Plans the upload of what the local path or pattern `from` names into the remote folder `into`, which
/// must exist (or, with [`contents`](PlanOptions::contents), is made).
///
/// Names go as in [`plan_downloads`], what is left out is told as there, and files are as [`walk`] gives them. Remote
/// folders are made somewhat ahead, several at a time, empty ones, too.
pub fn plan_uploads(
    client: Arc<dyn Client>,
    from: impl Into<LocalPath>,
    into: RemotePath,
    options: PlanOptions,
    left_out: impl Fn(String) + Send + Sync + 'static,
) -> BoxStream<'static, Result<Job>> {
    let mut folders = Folders::new(client, into.clone(), options.contents);
    walk(from, options, left_out)
        .map(move |found| {
            let found = found.map(|file| {
                let folder = match file.is_dir {
                    true => file.relative.clone(),
                    false => file.relative.parent().unwrap_or_else(RemotePath::home),
                };
                let job = (!file.is_dir).then(|| Job {
                    remote: into.join_below(&file.relative),
                    local: file.path,
                    entry: None,
                });
                (folders.of(&folder), job)
            });
            async move {
                let (folder, job) = match found {
                    Ok(found) => found,
                    Err(e) => return Some(Err(e)),
                };
                match folder.await {
                    Ok(()) => job.map(Ok),
                    // What lies in a folder that could not be made is left out, and that is told once.
                    Err(refusal) => refusal.take().map(Err),
                }
            }
        })
        .buffered(AHEAD)
        .filter_map(ready)
        .boxed()
}

/// `relative` below a local folder. Its segments are checked names, so it stays below.
fn join(into: &Path, relative: &RemotePath) -> PathBuf {
    let mut path = into.to_owned();
    path.extend(relative.segments().map(OsStr::from_bytes));
    path
}

async fn make_local_root(into: &LocalPath) -> Result<()> {
    let into = into.clone();
    quickly(move || into.locals.folder(&into.path, true).map(drop)).await
}

/// Makes the folders of `relative` below `into`, none of which may be a link.
async fn make_local_dirs(into: &LocalPath, relative: &RemotePath) -> Result<()> {
    if relative.is_top() {
        return Ok(());
    }
    let (into, relative) = (into.clone(), relative.clone());
    quickly(move || {
        let mut path = into.path;
        let mut folder = into.locals.folder(&path, false)?;
        for segment in relative.segments() {
            let name = OsStr::from_bytes(segment);
            path.push(name);
            folder = enter(&folder, name, true).map_err(|e| match e.kind() {
                io::ErrorKind::NotADirectory => Error::new(
                    ErrorKind::WrongKind,
                    format!(
                        "the local path {} exists and is no folder of its own, so nothing is written below it",
                        path.display()
                    ),
                ),
                _ => Error::local(e, "make", &path),
            })?;
        }
        Ok(())
    })
    .await
}
