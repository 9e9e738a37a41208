//! A session with a folder of this machine.

use std::{
    fs::File,
    io,
    os::{fd::OwnedFd, unix::fs::FileExt},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use courier_transfer::{
    Capabilities, Client, CreateOptions, Entry, EntryKind, EntryStream, Error, ErrorKind, Fetch, OpenOptions,
    Reader, RemotePath, RenameMode, Result, ServerInfo, Store, Writer,
};
use jiff::Timestamp;
use rustix::{
    fs::{
        AtFlags, Mode, OFlags, RenameFlags, Timespec, Timestamps, UTIME_OMIT, fchmod, fstat, futimens,
        mkdirat, renameat, renameat_with, statat, unlinkat,
    },
    io::Errno,
};

use crate::{
    files::{LocalReader, LocalWriter, Open, entry, list},
    jail::Jail,
};

/// How much is read or written at once.
pub(crate) const BLOCK: usize = 256 * 1024;

/// A session that is confined to one folder. Its root and its login folder are that folder.
#[derive(Debug)]
pub struct LocalClient {
    jail: Arc<Jail>,
    closed: Arc<AtomicBool>,
    server: ServerInfo,
}

impl LocalClient {
    /// Opens the folder. Its path must hold no symbolic link: resolve it before it is checked.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] where there is no such folder, [`ErrorKind::WrongKind`] where something on the way is a
    /// link or no folder, [`ErrorKind::Denied`].
    pub async fn open(root: &Path) -> Result<Self> {
        let root = root.to_owned();
        let jail = blocking(move || {
            Jail::new(&root).map_err(|e| {
                let kind = match e.kind() {
                    io::ErrorKind::PermissionDenied => ErrorKind::Denied,
                    io::ErrorKind::NotADirectory => ErrorKind::WrongKind,
                    _ => ErrorKind::NotFound,
                };
                Error::new(kind, format!("could not open the folder {}: {e}", root.display())).with_source(e)
            })
        })
        .await?;
        Ok(Self {
            jail: Arc::new(jail),
            closed: Arc::new(AtomicBool::new(false)),
            server: ServerInfo {
                banner: Some("local file system".into()),
                ..ServerInfo::default()
            },
        })
    }

    /// Runs one operation in a blocking task.
    async fn run<T: Send + 'static>(
        &self,
        path: &RemotePath,
        work: impl FnOnce(&Arc<Jail>, &RemotePath) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.check()?;
        let (jail, path) = (self.jail.clone(), path.clone());
        blocking(move || work(&jail, &path)).await
    }

    fn opened(&self, file: File, path: &RemotePath, offset: u64) -> Open {
        Open::new(file, path, offset, self.jail.clone(), self.closed.clone())
    }

    fn check(&self) -> Result<()> {
        if self.is_connected() {
            Ok(())
        } else {
            Err(closed())
        }
    }
}

pub(crate) fn closed() -> Error {
    Error::new(ErrorKind::Lost, "the session has ended")
}

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(e) => Err(Error::new(ErrorKind::Local, "a local file operation did not end").with_source(e)),
    }
}

fn open_source(jail: &Jail, path: &RemotePath) -> Result<File> {
    // Without `NONBLOCK`, a pipe would wait for its other end.
    regular(jail, path, jail.open(path, OFlags::RDONLY | OFlags::NONBLOCK))
}

fn open_target(jail: &Jail, path: &RemotePath, options: CreateOptions) -> Result<File> {
    let how = match options {
        CreateOptions { offset: 1.., .. } => OFlags::empty(),
        CreateOptions { create_new: true, .. } => OFlags::CREATE | OFlags::EXCL,
        _ => OFlags::CREATE | OFlags::TRUNC,
    };
    regular(
        jail,
        path,
        jail.open(path, OFlags::WRONLY | OFlags::NONBLOCK | how),
    )
}

fn regular(jail: &Jail, path: &RemotePath, opened: io::Result<OwnedFd>) -> Result<File> {
    let file = File::from(opened.map_err(|e| jail.error(e, "open", path))?);
    match file.metadata() {
        Ok(meta) if meta.is_file() => Ok(file),
        Ok(_) => Err(Error::new(
            ErrorKind::WrongKind,
            format!("{path} is no regular file"),
        )),
        Err(e) => Err(jail.error(e, "look at", path)),
    }
}

/// Tells a blocking task that nobody waits for it any more.
struct Abandon(Arc<AtomicBool>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[async_trait]
impl Client for LocalClient {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            resume_download: true,
            resume_upload: true,
            atomic_replace: true,
            set_times: true,
            checksum: false,
            parts: false,
            permissions: true,
            concurrency: 16,
        }
    }

    fn server(&self) -> &ServerInfo {
        &self.server
    }

    fn is_connected(&self) -> bool {
        !self.closed.load(Ordering::Relaxed)
    }

    async fn stat(&self, path: &RemotePath) -> Result<Entry> {
        self.run(path, |jail, path| {
            let stat = jail.open(path, OFlags::PATH).and_then(|fd| Ok(fstat(&fd)?));
            let stat = stat.map_err(|e| jail.error(e, "look at", path))?;
            Ok(entry(path.clone(), &stat))
        })
        .await
    }

    async fn list(&self, dir: &RemotePath) -> Result<EntryStream> {
        let folder = self
            .run(dir, |jail, dir| {
                jail.open(dir, OFlags::RDONLY | OFlags::DIRECTORY)
                    .map_err(|e| jail.error(e, "list", dir))
            })
            .await?;
        Ok(list(folder, dir.clone(), self.jail.clone()))
    }

    async fn open(&self, path: &RemotePath, options: OpenOptions) -> Result<Box<dyn Reader>> {
        let file = self.run(path, |jail, path| open_source(jail, path)).await?;
        Ok(Box::new(LocalReader(self.opened(file, path, options.offset))))
    }

    async fn create(&self, path: &RemotePath, options: CreateOptions) -> Result<Box<dyn Writer>> {
        let file = self
            .run(path, move |jail, path| open_target(jail, path, options))
            .await?;
        Ok(Box::new(LocalWriter(self.opened(file, path, options.offset))))
    }

    async fn fetch(&self, path: &RemotePath, request: Fetch) -> Result<u64> {
        let abandon = Abandon(Arc::new(AtomicBool::new(false)));
        let (abandoned, ended) = (abandon.0.clone(), self.closed.clone());
        self.run(path, move |jail, path| {
            let file = open_source(jail, path)?;
            let mut at = request.offset;
            let mut buffer = vec![0; BLOCK];
            loop {
                if ended.load(Ordering::Relaxed) || abandoned.load(Ordering::Relaxed) {
                    return Err(closed());
                }
                let bytes = read_at(&file, &mut buffer, at).map_err(|e| jail.error(e, "read", path))?;
                if bytes.is_empty() {
                    return Ok(at);
                }
                request
                    .sink
                    .write_at(bytes, at)
                    .map_err(|e| request.sink.error(e))?;
                at += bytes.len() as u64;
                request.sink.advance(at);
            }
        })
        .await
    }

    async fn store(&self, path: &RemotePath, request: Store) -> Result<u64> {
        let abandon = Abandon(Arc::new(AtomicBool::new(false)));
        let (abandoned, ended) = (abandon.0.clone(), self.closed.clone());
        self.run(path, move |jail, path| {
            let file = open_target(jail, path, request.options)?;
            let mut at = request.options.offset;
            let mut buffer = vec![0; BLOCK];
            loop {
                if ended.load(Ordering::Relaxed) || abandoned.load(Ordering::Relaxed) {
                    return Err(closed());
                }
                let read = request
                    .source
                    .read_at(&mut buffer, at)
                    .map_err(|e| request.source.error(e))?;
                let bytes = buffer.get(..read).unwrap_or_default();
                if bytes.is_empty() {
                    return Ok(at);
                }
                file.write_all_at(bytes, at)
                    .map_err(|e| jail.error(e, "write to", path))?;
                at += bytes.len() as u64;
                request.source.advance(at);
            }
        })
        .await
    }

    async fn rename(&self, from: &RemotePath, to: &RemotePath, mode: RenameMode) -> Result<()> {
        let to = to.clone();
        self.run(from, move |jail, from| {
            let (from_folder, from_name) = jail.parent(from)?;
            let (to_folder, to_name) = jail.parent(&to)?;
            let (old, new) = (from_name.as_bytes(), to_name.as_bytes());
            let result = match mode {
                RenameMode::Replace => renameat(&from_folder, old, &to_folder, new),
                RenameMode::KeepTarget => {
                    match renameat_with(&from_folder, old, &to_folder, new, RenameFlags::NOREPLACE) {
                        // Some file systems don't know the flag: look, then rename.
                        Err(Errno::INVAL | Errno::NOSYS) => {
                            match statat(&to_folder, new, AtFlags::SYMLINK_NOFOLLOW) {
                                Ok(_) => Err(Errno::EXIST),
                                Err(_) => renameat(&from_folder, old, &to_folder, new),
                            }
                        }
                        result => result,
                    }
                }
            };
            match result {
                Err(Errno::XDEV) => Err(Error::new(
                    ErrorKind::Unsupported,
                    format!("{from} and {to} lie on different file systems; copy the file and delete it"),
                )),
                Err(e @ Errno::EXIST) => Err(jail.error(e.into(), "rename to", &to)),
                Err(e) => Err(jail.error(e.into(), "rename", from)),
                Ok(()) => Ok(()),
            }
        })
        .await
    }

    async fn make_dir(&self, path: &RemotePath) -> Result<()> {
        self.run(path, |jail, path| {
            if path.is_top() {
                return Err(Error::new(ErrorKind::AlreadyExists, "the base path exists"));
            }
            let (folder, name) = jail.parent(path)?;
            mkdirat(&folder, name.as_bytes(), Mode::from_raw_mode(0o777))
                .map_err(|e| jail.error(e.into(), "make", path))
        })
        .await
    }

    async fn remove(&self, path: &RemotePath, kind: EntryKind) -> Result<()> {
        self.run(path, move |jail, path| {
            let (folder, name) = jail.parent(path)?;
            let flags = if kind == EntryKind::Directory {
                AtFlags::REMOVEDIR
            } else {
                AtFlags::empty()
            };
            unlinkat(&folder, name.as_bytes(), flags).map_err(|e| jail.error(e.into(), "remove", path))
        })
        .await
    }

    async fn set_modified(&self, path: &RemotePath, modified: Timestamp) -> Result<()> {
        self.run(path, move |jail, path| {
            let times = Timestamps {
                last_access: Timespec {
                    tv_sec: 0,
                    tv_nsec: UTIME_OMIT,
                },
                last_modification: timespec(modified),
            };
            jail.open(path, OFlags::RDONLY | OFlags::NONBLOCK)
                .and_then(|fd| Ok(futimens(&fd, &times)?))
                .map_err(|e| jail.error(e, "set the time of", path))
        })
        .await
    }

    async fn set_permissions(&self, path: &RemotePath, mode: u32) -> Result<()> {
        self.run(path, move |jail, path| {
            jail.open(path, OFlags::RDONLY | OFlags::NONBLOCK)
                .and_then(|fd| Ok(fchmod(&fd, Mode::from_raw_mode(mode & 0o7777))?))
                .map_err(|e| jail.error(e, "set the permissions of", path))
        })
        .await
    }

    async fn canonicalize(&self, path: &RemotePath) -> Result<RemotePath> {
        self.run(path, |jail, path| {
            jail.canonical(path).map_err(|e| jail.error(e, "resolve", path))
        })
        .await
    }

    async fn keepalive(&self) -> Result<()> {
        self.check()
    }

    async fn disconnect(&self) -> Result<()> {
        self.closed.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// Seconds rounded down, so that times before 1970 keep nanoseconds from 0 up.
fn timespec(time: Timestamp) -> Timespec {
    let nanos = i64::from(time.subsec_nanosecond());
    Timespec {
        tv_sec: time.as_second() - i64::from(nanos < 0),
        tv_nsec: nanos.rem_euclid(1_000_000_000),
    }
}

/// Reads what there is, up to the buffer's length; nothing only at the end.
pub(crate) fn read_at<'a>(file: &File, buffer: &'a mut [u8], offset: u64) -> io::Result<&'a [u8]> {
    loop {
        match file.read_at(buffer, offset) {
            Ok(read) => return Ok(buffer.get(..read).unwrap_or_default()),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}
