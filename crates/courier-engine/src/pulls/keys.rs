//! What objects are called.

use courier_storage::{Error, ErrorKind, ObjectKey};
use courier_transfer::{InvalidPath, RemoteName, RemotePath};
use jiff::Timestamp;

use super::file::File;

/// So many names are tried for one file.
pub(super) const NAMES: u32 = 100;

/// The key of a file's object, where so many of its names are `taken`: the file's own path first, unless an earlier version
/// has it, then with the version's time in it, then with a number behind that. `now` stands for a time that isn't told.
///
/// # Errors
/// Where the path can't be a key, or all names are taken.
pub(super) fn key(
    prefix: &str,
    file: &File,
    taken: u32,
    now: Timestamp,
) -> courier_storage::Result<ObjectKey> {
    let plain = ObjectKey::of(prefix, file.relative.as_wire())?;
    let is_first = file.versions == 0 && file.replay.is_none();
    let at = file.modified.at.unwrap_or(now);
    match tag(at, taken + u32::from(!is_first)) {
        None => Ok(plain),
        Some(_) if taken >= NAMES => Err(Error::new(
            ErrorKind::Failed,
            format!("its name in the storage is taken, and so are {NAMES} others; clear some of {plain}…"),
        )),
        Some(tag) => plain.variant(&tag),
    }
}

/// What tells a version from others of its name: nothing for the first try, then its time, then a number, too.
fn tag(at: Timestamp, tried: u32) -> Option<String> {
    let time = at.strftime("%Y%m%dT%H%M%SZ");
    match tried {
        0 => None,
        1 => Some(time.to_string()),
        n => Some(format!("{time}-{n}")),
    }
}

/// The same for a name on the server that a file is moved to: where so many are taken, the time is put before the last dot.
///
/// # Errors
/// [`InvalidPath`] where it grows too long.
pub(super) fn moved_name(to: &RemotePath, at: Timestamp, taken: u32) -> Result<RemotePath, InvalidPath> {
    let (Some(tag), Some(name)) = (tag(at, taken), to.name()) else {
        return Ok(to.clone());
    };
    let name = name.as_bytes();
    // A dot at the beginning makes no extension.
    let dot = name.iter().rposition(|&b| b == b'.').filter(|&at| at > 0);
    let (stem, extension) = name.split_at(dot.unwrap_or(name.len()));
    let name = [stem, b".", tag.as_bytes(), extension].concat();
    let folder = to.parent().unwrap_or_else(RemotePath::home);
    Ok(folder.join(&RemoteName::new(name)?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use courier_store::pulls::Modified;

    use super::*;

    fn file(relative: &[u8], versions: u32) -> File {
        File {
            path: RemotePath::new(relative).unwrap(),
            relative: RemotePath::new(relative).unwrap(),
            size: 1,
            modified: Modified::exact("2026-11-22T10:15:00Z".parse().unwrap()),
            marker: None,
            versions,
            replay: None,
            ghost: None,
        }
    }

    #[test]
    fn a_first_version_has_its_own_name_and_later_ones_their_time() {
        let now = Timestamp::UNIX_EPOCH;
        let named = |file: &File, taken| key("in", file, taken, now).map(|key| key.as_str().to_owned());
        let first = file(b"a/report.csv", 0);
        assert_eq!(named(&first, 0).unwrap(), "in/a/report.csv");
        assert_eq!(named(&first, 1).unwrap(), "in/a/report.20261122T101500Z.csv");
        assert_eq!(named(&first, 2).unwrap(), "in/a/report.20261122T101500Z-2.csv");
        let second = file(b"a/report.csv", 1);
        assert_eq!(named(&second, 0).unwrap(), "in/a/report.20261122T101500Z.csv");
        assert_eq!(named(&second, 1).unwrap(), "in/a/report.20261122T101500Z-2.csv");
        let timeless = File {
            modified: Modified::UNKNOWN,
            ..second
        };
        assert_eq!(named(&timeless, 0).unwrap(), "in/a/report.19700101T000000Z.csv");
        assert_eq!(named(&first, NAMES).unwrap_err().kind(), ErrorKind::Failed);
    }

    #[test]
    fn a_moved_file_keeps_its_extension() {
        let at = "2026-11-22T10:15:00Z".parse().unwrap();
        let moved = |to: &str, taken| {
            moved_name(&RemotePath::new(to).unwrap(), at, taken)
                .unwrap()
                .to_text()
        };
        assert_eq!(moved("/done/a.csv", 0), "/done/a.csv");
        assert_eq!(moved("/done/a.csv", 1), "/done/a.20261122T101500Z.csv");
        assert_eq!(moved("done/a", 2), "done/a.20261122T101500Z-2");
        assert_eq!(moved(".a", 1), ".a.20261122T101500Z");
    }
}
