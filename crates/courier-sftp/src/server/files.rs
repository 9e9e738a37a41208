//! Answers requests from a folder.

use std::{
    collections::HashMap,
    fs::{self, File, FileTimes, Metadata, OpenOptions, Permissions, ReadDir},
    io::{self, Read, Seek, SeekFrom},
    os::unix::{
        ffi::OsStrExt,
        fs::{FileExt, MetadataExt, PermissionsExt},
    },
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use bytes::BytesMut;
use courier_transfer::{Algorithm, Checksum, Error, Result};

use super::{Responder, jail::Jail};
use crate::codec::{
    Attributes, CheckedFile, Limits, NameEntry, OpenFlags, Request, Response, StatusCode, VERSION,
    extension_name,
};

/// What `limits@openssh.com` answers.
const LIMITS: Limits = Limits {
    packet: 256 * 1024,
    read: 255 * 1024,
    write: 255 * 1024,
    handles: 200,
};
/// Names in one answer to READDIR.
const NAMES: usize = 100;

/// Serves a folder to one session.
#[derive(Debug)]
pub struct Files {
    jail: Jail,
    open: HashMap<u32, Open>,
    next_handle: u32,
}

#[derive(Debug)]
enum Open {
    File(File),
    Dir(ReadDir),
}

/// A finished answer, which owns what it shows.
enum Answer {
    Ok,
    Handle([u8; 4]),
    Data(Vec<u8>),
    Names(Vec<(Vec<u8>, Attributes)>),
    Attributes(Attributes),
    Limits,
    Checksum(Checksum),
}

impl Files {
    /// Serves `root`.
    ///
    /// # Errors
    /// It is missing, or no folder.
    pub fn new(root: &Path) -> Result<Self> {
        let jail = Jail::new(root).map_err(|e| Error::local(e, "serve", root))?;
        Ok(Self {
            jail,
            open: HashMap::new(),
            next_handle: 0,
        })
    }

    fn answer(&mut self, request: &Request<'_>) -> io::Result<Answer> {
        match request {
            Request::Open {
                path,
                flags,
                attributes,
            } => self.open_file(path, *flags, attributes),
            Request::Close { handle } => {
                self.open.remove(&key(handle)?).ok_or_else(bad_handle)?;
                Ok(Answer::Ok)
            }
            Request::Read { handle, offset, len } => self.read(handle, *offset, *len),
            Request::Write { handle, offset, data } => {
                self.file(handle)?.write_all_at(data, *offset)?;
                Ok(Answer::Ok)
            }
            Request::Lstat { path } => attributes_of(fs::symlink_metadata(self.jail.entry(path)?)),
            Request::Stat { path } => attributes_of(fs::metadata(self.jail.target(path)?)),
            Request::Fstat { handle } => attributes_of(self.file(handle)?.metadata()),
            Request::SetStat { path, attributes } => {
                let path = self.jail.target(path)?;
                set(&path, attributes)
            }
            Request::FSetStat { handle, attributes } => set_file(self.file(handle)?, attributes),
            Request::OpenDir { path } => {
                let dir = fs::read_dir(self.jail.target(path)?)?;
                self.keep(Open::Dir(dir))
            }
            Request::ReadDir { handle } => self.read_dir(handle),
            Request::Remove { path } => fs::remove_file(self.jail.entry(path)?).map(|()| Answer::Ok),
            Request::RemoveDir { path } => fs::remove_dir(self.jail.entry(path)?).map(|()| Answer::Ok),
            Request::MakeDir { path, .. } => fs::create_dir(self.jail.entry(path)?).map(|()| Answer::Ok),
            Request::RealPath { path } => Ok(Answer::Names(vec![(Jail::clean(path), Attributes::default())])),
            Request::Rename { from, to } => {
                let (from, to) = (self.jail.entry(from)?, self.jail.entry(to)?);
                if to.symlink_metadata().is_ok() {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                fs::rename(from, to).map(|()| Answer::Ok)
            }
            Request::PosixRename { from, to } => {
                fs::rename(self.jail.entry(from)?, self.jail.entry(to)?).map(|()| Answer::Ok)
            }
            Request::Fsync { handle } => self.file(handle)?.sync_all().map(|()| Answer::Ok),
            Request::Limits => Ok(Answer::Limits),
            Request::CheckFile {
                path,
                algorithms,
                offset,
                len,
                block: 0,
            } => self.check(path, algorithms, *offset, *len),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    fn open_file(&mut self, path: &[u8], flags: OpenFlags, attributes: &Attributes) -> io::Result<Answer> {
        let is_new = flags.contains(OpenFlags::CREATE | OpenFlags::EXCLUSIVE);
        let path = if is_new {
            self.jail.entry(path)?
        } else {
            self.jail.target(path)?
        };
        // Opening a pipe would wait for its other end.
        if fs::metadata(&path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let file = OpenOptions::new()
            .read(flags.contains(OpenFlags::READ))
            .write(flags.contains(OpenFlags::WRITE))
            .append(flags.contains(OpenFlags::APPEND))
            .create(flags.contains(OpenFlags::CREATE))
            .create_new(is_new)
            .truncate(flags.contains(OpenFlags::TRUNCATE))
            .open(&path)?;
        if file.metadata()?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if flags.contains(OpenFlags::CREATE) {
            set_file(
                &file,
                &Attributes {
                    size: None,
                    ..*attributes
                },
            )?;
        }
        self.keep(Open::File(file))
    }

    fn keep(&mut self, open: Open) -> io::Result<Answer> {
        if self.open.len() as u64 >= LIMITS.handles {
            return Err(io::Error::other("too many open handles"));
        }
        while self.open.contains_key(&self.next_handle) {
            self.next_handle = self.next_handle.wrapping_add(1);
        }
        let handle = self.next_handle;
        self.next_handle = handle.wrapping_add(1);
        self.open.insert(handle, open);
        Ok(Answer::Handle(handle.to_be_bytes()))
    }

    fn file(&self, handle: &[u8]) -> io::Result<&File> {
        match self.open.get(&key(handle)?) {
            Some(Open::File(file)) => Ok(file),
            _ => Err(bad_handle()),
        }
    }

    fn read(&self, handle: &[u8], offset: u64, len: u32) -> io::Result<Answer> {
        let file = self.file(handle)?;
        let len = u64::from(len).min(LIMITS.read);
        let mut data = vec![0; usize::try_from(len).unwrap_or(0)];
        let mut filled = 0;
        while let Some(space) = data.get_mut(filled..).filter(|s| !s.is_empty()) {
            match file.read_at(space, offset.saturating_add(filled as u64)) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        data.truncate(filled);
        if data.is_empty() {
            Err(io::ErrorKind::UnexpectedEof.into())
        } else {
            Ok(Answer::Data(data))
        }
    }

    fn check(&self, path: &[u8], algorithms: &[u8], offset: u64, len: u64) -> io::Result<Answer> {
        let algorithm = algorithms
            .split(|&b| b == b',')
            .find_map(|name| Algorithm::named(std::str::from_utf8(name).ok()?))
            .ok_or(io::ErrorKind::Unsupported)?;
        let path = self.jail.target(path)?;
        if !fs::metadata(&path)?.is_file() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        let len = if len == 0 { u64::MAX } else { len };
        algorithm.of(&mut file.take(len)).map(Answer::Checksum)
    }

    fn read_dir(&mut self, handle: &[u8]) -> io::Result<Answer> {
        let Some(Open::Dir(dir)) = self.open.get_mut(&key(handle)?) else {
            return Err(bad_handle());
        };
        let mut names = Vec::new();
        for entry in dir.take(NAMES) {
            let entry = entry?;
            // It may have gone meanwhile.
            if let Ok(found) = entry.metadata() {
                names.push((entry.file_name().as_bytes().to_vec(), attributes(&found)));
            }
        }
        if names.is_empty() {
            Err(io::ErrorKind::UnexpectedEof.into())
        } else {
            Ok(Answer::Names(names))
        }
    }
}

impl Responder for Files {
    fn respond(&mut self, id: u32, request: &Request<'_>, out: &mut BytesMut) {
        if *request == Request::Init {
            let names = [
                extension_name::LIMITS,
                extension_name::POSIX_RENAME,
                extension_name::FSYNC,
                extension_name::CHECK_FILE,
            ];
            let extensions = names.iter().map(|name| (name.as_bytes(), &b"1"[..])).collect();
            return Response::Version {
                version: VERSION,
                extensions,
            }
            .encode(0, out);
        }
        match self.answer(request) {
            Ok(Answer::Ok) => Response::status(StatusCode::OK, "").encode(id, out),
            Ok(Answer::Handle(handle)) => Response::Handle(&handle).encode(id, out),
            Ok(Answer::Data(data)) => Response::Data(&data).encode(id, out),
            Ok(Answer::Attributes(attributes)) => Response::Attributes(attributes).encode(id, out),
            Ok(Answer::Limits) => Response::Extended(&LIMITS.encode()).encode(id, out),
            Ok(Answer::Checksum(checksum)) => {
                let checked = CheckedFile {
                    algorithm: checksum.algorithm.name().as_bytes(),
                    hash: &checksum.bytes,
                };
                Response::Extended(&checked.encode()).encode(id, out);
            }
            Ok(Answer::Names(names)) => {
                let long: Vec<Vec<u8>> = names.iter().map(|(name, a)| long_name(name, a)).collect();
                let entries = names
                    .iter()
                    .zip(&long)
                    .map(|((name, attributes), long_name)| NameEntry {
                        name,
                        long_name,
                        attributes: *attributes,
                    });
                Response::Name(entries.collect()).encode(id, out);
            }
            Err(e) => Response::status(status(&e), e.to_string()).encode(id, out),
        }
    }
}

fn key(handle: &[u8]) -> io::Result<u32> {
    handle
        .try_into()
        .map(u32::from_be_bytes)
        .map_err(|_| bad_handle())
}

fn bad_handle() -> io::Error {
    io::Error::other("invalid handle")
}

fn status(error: &io::Error) -> StatusCode {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => StatusCode::EOF,
        io::ErrorKind::NotFound => StatusCode::NO_SUCH_FILE,
        io::ErrorKind::PermissionDenied => StatusCode::PERMISSION_DENIED,
        io::ErrorKind::Unsupported => StatusCode::OP_UNSUPPORTED,
        _ => StatusCode::FAILURE,
    }
}

fn attributes_of(found: io::Result<Metadata>) -> io::Result<Answer> {
    found.map(|found| Answer::Attributes(attributes(&found)))
}

fn attributes(found: &Metadata) -> Attributes {
    let seconds = |time: i64| u32::try_from(time.max(0)).unwrap_or(u32::MAX);
    Attributes {
        size: Some(found.len()),
        owner: Some((found.uid(), found.gid())),
        permissions: Some(found.mode()),
        times: Some((seconds(found.atime()), seconds(found.mtime()))),
    }
}

fn set(path: &Path, attributes: &Attributes) -> io::Result<Answer> {
    if let Some(size) = attributes.size {
        OpenOptions::new().write(true).open(path)?.set_len(size)?;
    }
    set_file(
        &File::open(path)?,
        &Attributes {
            size: None,
            ..*attributes
        },
    )
}

/// Sets what was asked for; the owner stays.
fn set_file(file: &File, attributes: &Attributes) -> io::Result<Answer> {
    if let Some(size) = attributes.size {
        file.set_len(size)?;
    }
    if let Some(permissions) = attributes.permissions {
        file.set_permissions(Permissions::from_mode(permissions & 0o7777))?;
    }
    if let Some((accessed, modified)) = attributes.times {
        let time = |seconds: u32| UNIX_EPOCH + Duration::from_secs(seconds.into());
        file.set_times(
            FileTimes::new()
                .set_accessed(time(accessed))
                .set_modified(time(modified)),
        )?;
    }
    Ok(Answer::Ok)
}

/// What `ls -l` would print, near enough for people.
fn long_name(name: &[u8], attributes: &Attributes) -> Vec<u8> {
    let (user, group) = attributes.owner.unwrap_or_default();
    let size = attributes.size.unwrap_or_default();
    let mut line = format!("{} 1 {user} {group} {size} ", attributes.mode_text()).into_bytes();
    line.extend_from_slice(name);
    line
}
