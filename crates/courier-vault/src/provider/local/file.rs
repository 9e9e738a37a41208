//! The file of local keys: read, made, and changed as a whole.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::ring::{Key, Ring};
use crate::error::{Error, Result};
use crate::vault::fill_random;

/// More keys than anybody keeps, bytes.
const MAX_BYTES: usize = 64 * 1024;

/// What tells one state of the file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Stamp {
    /// The state of the file now.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        fs::metadata(path).map(|metadata| Self::from(&metadata))
    }
}

impl From<&fs::Metadata> for Stamp {
    fn from(metadata: &fs::Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

/// Reads the file, which nobody but its owner may get at.
pub(super) fn read(path: &Path) -> Result<(Ring, Stamp)> {
    let file = File::open(path).map_err(|source| failed(path, "read", source))?;
    read_open(path, &file)
}

fn read_open(path: &Path, file: &File) -> Result<(Ring, Stamp)> {
    let unreadable = |source| failed(path, "read", source);
    let metadata = file.metadata().map_err(unreadable)?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Error::KeyFileOpenToOthers {
            path: path.to_owned(),
            mode,
        });
    }
    // One allocation: growing it would leave copies of the keys behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * MAX_BYTES));
    file.take(MAX_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    let origin = path.display().to_string();
    if bytes.len() > MAX_BYTES {
        let found = format!("more than {MAX_BYTES} bytes");
        return Err(Error::BadKey { origin, found });
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok((Ring::parse(text, &origin)?, Stamp::from(&metadata))),
        Err(_) => Err(Error::BadKey {
            origin,
            found: format!("{} bytes that are no text", bytes.len()),
        }),
    }
}

/// Makes the file with one new key, unless somebody else is first: then theirs stays.
pub(super) fn create(path: &Path) -> Result<()> {
    let text = Ring::new(Key::generate()?).print()?;
    let create = || {
        let folder = folder_of(path);
        let temporary = Temporary::write(path, &text, None)?;
        match fs::hard_link(&temporary.0, path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => drop(temporary),
        }
        File::open(folder)?.sync_all()
    };
    create().map_err(|source| failed(path, "created", source))
}

/// Changes the file's keys. Readers see all of the old text or all of the new one, and of several that change it at once
/// each works on what the one before it left.
pub(super) fn change(path: &Path, change: impl FnOnce(Ring) -> Result<Ring>) -> Result<()> {
    let failed = |source| failed(path, "changed", source);
    // What is replaced is the file, not a link to it.
    let path = &fs::canonicalize(path).map_err(failed)?;
    let file = lock(path).map_err(failed)?;
    let (ring, _) = read_open(path, &file)?;
    let text = change(ring)?.print()?;
    let replace = || {
        sweep(path)?;
        let temporary = Temporary::write(path, &text, Some(file.metadata()?))?;
        fs::rename(&temporary.0, path)?;
        File::open(folder_of(path))?.sync_all()
    };
    replace().map_err(failed)
}

/// Removes what a process left behind that was killed while it changed the file: keys that lie about. Whoever holds the
/// lock is the only one that has such a file.
fn sweep(path: &Path) -> io::Result<()> {
    let Some(name) = path.file_name().and_then(OsStr::to_str) else {
        return Ok(());
    };
    for entry in fs::read_dir(folder_of(path))? {
        let entry = entry?;
        let other = entry.file_name();
        let suffix = other
            .to_str()
            .and_then(|other| other.strip_prefix(name)?.strip_prefix('.'));
        if suffix.is_some_and(is_suffix) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Is it what [`Temporary::write`] puts behind the name of a key file?
fn is_suffix(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The file, locked, and still the one of that name: it may have been replaced while this waited for the lock.
fn lock(path: &Path) -> io::Result<File> {
    loop {
        let file = File::open(path)?;
        file.lock()?;
        let (held, named) = (file.metadata()?, fs::metadata(path)?);
        if (held.dev(), held.ino()) == (named.dev(), named.ino()) {
            return Ok(file);
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

pub(super) fn failed(path: &Path, operation: &'static str, source: io::Error) -> Error {
    Error::KeyFile {
        path: path.to_owned(),
        operation,
        source,
    }
}

/// A file beside another one, whole and on disk, that is removed again on every way out.
struct Temporary(PathBuf);

impl Temporary {
    /// `instead_of`: who owns that shall own this too. Where root changes the file of a server, the server must be able to
    /// read it.
    fn write(beside: &Path, text: &[u8], instead_of: Option<fs::Metadata>) -> io::Result<Self> {
        let mut suffix = [0; 8];
        fill_random(&mut suffix).map_err(io::Error::other)?;
        let mut name = beside.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
        name.push(format!(".{:016x}", u64::from_be_bytes(suffix)));
        let temporary = Self(folder_of(beside).join(name));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary.0)?;
        if let Some(old) = instead_of
            && old.uid() != file.metadata()?.uid()
        {
            fchown(&file, Some(old.uid()), Some(old.gid()))?;
        }
        file.write_all(text)?;
        file.sync_all()?;
        Ok(temporary)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What can't be removed is a second name of the key file, as private as the first.
        let _ = fs::remove_file(&self.0);
    }
}
