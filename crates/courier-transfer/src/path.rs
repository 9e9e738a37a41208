//! Remote paths. An invalid or escaping one cannot exist: `..`, NUL and line breaks never get past here.

use std::fmt;

use serde::{Serialize, Serializer};

/// Why some text is no [`RemotePath`] or [`RemoteName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPath {
    /// Nothing is there.
    #[error("the path is empty")]
    Empty,
    /// A segment is `..`.
    #[error("the path has a segment \"..\", which could leave its folder")]
    ParentSegment,
    /// A NUL, carriage return or line feed.
    #[error("the path has a NUL or a line break in it")]
    ControlCharacter,
    /// A name with a separator in it.
    #[error("the name has a \"/\" in it")]
    Separator,
    /// A name that is `.`.
    #[error("the name is \".\"")]
    CurrentSegment,
    /// Longer than any server takes.
    #[error("the path is longer than 4096 bytes")]
    TooLong,
}

/// The longest path, in bytes.
const MAX_LEN: usize = 4096;

/// A path on a server: segments joined by single `/`, absolute or relative to the login folder.
///
/// Holds bytes, since names on servers need not be UTF-8. Has no `.` or `..` segment, no NUL, no
/// line break, no doubled or trailing `/`. The relative path of no segments is the login folder itself.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RemotePath(Vec<u8>);

impl RemotePath {
    /// Reads a path as a user or a configuration gives it. `.` segments and doubled `/` are dropped.
    pub fn new(path: impl AsRef<[u8]>) -> Result<Self, InvalidPath> {
        let path = path.as_ref();
        if path.is_empty() {
            return Err(InvalidPath::Empty);
        }
        if path.len() > MAX_LEN {
            return Err(InvalidPath::TooLong);
        }
        let mut clean = Vec::with_capacity(path.len());
        if path.first() == Some(&b'/') {
            clean.push(b'/');
        }
        for segment in path.split(|&b| b == b'/').filter(|s| !s.is_empty() && *s != b".") {
            let name = RemoteName::new(segment)?;
            if !matches!(clean.last(), None | Some(b'/')) {
                clean.push(b'/');
            }
            clean.extend_from_slice(name.as_bytes());
        }
        Ok(Self(clean))
    }

    /// The login folder (or the base path, where there is one).
    pub fn home() -> Self {
        Self(Vec::new())
    }

    /// The root of the server.
    pub fn root() -> Self {
        Self(b"/".to_vec())
    }

    /// Starts at the root of the server?
    pub fn is_absolute(&self) -> bool {
        self.0.first() == Some(&b'/')
    }

    /// Has no segment: [`home`](Self::home) or [`root`](Self::root).
    pub fn is_top(&self) -> bool {
        self.segments().next().is_none()
    }

    /// The bytes to send to a server; `.` for the login folder.
    pub fn as_wire(&self) -> &[u8] {
        if self.0.is_empty() { b"." } else { &self.0 }
    }

    /// The segments, in order.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.split(|&b| b == b'/').filter(|s| !s.is_empty())
    }

    /// The last segment; `None` at the top.
    pub fn name(&self) -> Option<RemoteName> {
        self.segments().next_back().map(|s| RemoteName(s.to_vec()))
    }

    /// The folder that it lies in; `None` at the top.
    pub fn parent(&self) -> Option<Self> {
        let name = self.segments().next_back()?;
        let rest = self.0.len().saturating_sub(name.len());
        let mut parent = self.0.get(..rest)?.to_vec();
        if parent.len() > 1 {
            parent.pop();
        }
        Some(Self(parent))
    }

    /// This folder's child of that name.
    pub fn join(&self, name: &RemoteName) -> Self {
        let mut path = self.0.clone();
        if !matches!(path.last(), None | Some(b'/')) {
            path.push(b'/');
        }
        path.extend_from_slice(name.as_bytes());
        Self(path)
    }

    /// `path` below this folder, whether it is absolute or not (specification of `base_path`: every
    /// remote path, leading slash or not, lies below it).
    pub fn join_below(&self, path: &RemotePath) -> Self {
        path.segments()
            .fold(self.clone(), |at, s| at.join(&RemoteName(s.to_vec())))
    }

    /// What follows `base`, as a relative path; `None` where this path does not lie below it.
    pub fn strip_base(&self, base: &RemotePath) -> Option<RemotePath> {
        if self.is_absolute() != base.is_absolute() {
            return None;
        }
        let mut own = self.segments();
        if !base.segments().all(|b| own.next() == Some(b)) {
            return None;
        }
        Some(own.fold(Self::home(), |at, s| at.join(&RemoteName(s.to_vec()))))
    }

    /// The same path with `suffix` behind its last name; for partial files.
    pub fn with_suffix(&self, suffix: &str) -> Result<Self, InvalidPath> {
        let mut path = self.0.clone();
        path.extend_from_slice(suffix.as_bytes());
        Self::new(path)
    }

    /// As text, with what is not UTF-8 replaced. For people and JSON, never for a server.
    pub fn to_text(&self) -> String {
        String::from_utf8_lossy(self.as_wire()).into_owned()
    }
}

impl fmt::Display for RemotePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

impl fmt::Debug for RemotePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_text())
    }
}

impl std::str::FromStr for RemotePath {
    type Err = InvalidPath;

    fn from_str(s: &str) -> Result<Self, InvalidPath> {
        Self::new(s)
    }
}

impl Serialize for RemotePath {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.to_text())
    }
}

/// One segment of a path. What a server lists becomes this, or is reported as unreadable.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RemoteName(Vec<u8>);

impl RemoteName {
    /// Checks one name: not empty, not `.` or `..`, no `/`, NUL or line break.
    pub fn new(name: impl AsRef<[u8]>) -> Result<Self, InvalidPath> {
        let name = name.as_ref();
        match name {
            b"" => Err(InvalidPath::Empty),
            b"." => Err(InvalidPath::CurrentSegment),
            b".." => Err(InvalidPath::ParentSegment),
            _ if name.contains(&b'/') => Err(InvalidPath::Separator),
            _ if name.iter().any(|b| matches!(b, 0 | b'\r' | b'\n')) => Err(InvalidPath::ControlCharacter),
            _ if name.len() > MAX_LEN => Err(InvalidPath::TooLong),
            _ => Ok(Self(name.to_vec())),
        }
    }

    /// The bytes of the name.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As text, with what is not UTF-8 replaced. For people and JSON.
    pub fn to_text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

impl fmt::Display for RemoteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

impl fmt::Debug for RemoteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_text())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(s: &str) -> RemotePath {
        RemotePath::new(s).unwrap()
    }

    #[test]
    fn cleans_what_means_nothing() {
        assert_eq!(path("//a/./b//c/").to_text(), "/a/b/c");
        assert_eq!(path("./a").to_text(), "a");
        assert_eq!(path(".").as_wire(), b".");
        assert_eq!(path("/").as_wire(), b"/");
    }

    #[test]
    fn refuses_what_could_escape() {
        assert_eq!(RemotePath::new("a/../b"), Err(InvalidPath::ParentSegment));
        assert_eq!(RemotePath::new("a\0b"), Err(InvalidPath::ControlCharacter));
        assert_eq!(RemotePath::new("a\r\nDELE b"), Err(InvalidPath::ControlCharacter));
        assert_eq!(RemotePath::new(""), Err(InvalidPath::Empty));
        assert_eq!(RemoteName::new("a/b"), Err(InvalidPath::Separator));
    }

    #[test]
    fn walks_up_and_down() {
        let file = path("/in/2026/a.csv");
        assert_eq!(file.parent(), Some(path("/in/2026")));
        assert_eq!(path("/in").parent(), Some(RemotePath::root()));
        assert_eq!(path("in").parent(), Some(RemotePath::home()));
        assert_eq!(RemotePath::root().parent(), None);
        assert_eq!(path("/base").join_below(&path("/x/y")), path("/base/x/y"));
        assert_eq!(path("/base/x/y").strip_base(&path("/base")), Some(path("x/y")));
        assert_eq!(path("/bases/x").strip_base(&path("/base")), None);
        assert_eq!(path("/a/b").with_suffix(".tmp"), Ok(path("/a/b.tmp")));
    }

    proptest! {
        #[test]
        fn a_path_is_clean_whatever_came_in(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(p) = RemotePath::new(&bytes) {
                prop_assert!(p.segments().all(|s| s != b"." && s != b".." && !s.is_empty()));
                prop_assert!(!p.as_wire().iter().any(|b| matches!(b, 0 | b'\r' | b'\n')));
                prop_assert_eq!(RemotePath::new(p.as_wire()), Ok(p.clone()));
                if let (Some(parent), Some(name)) = (p.parent(), p.name()) {
                    prop_assert_eq!(parent.join(&name), p);
                }
            }
        }
    }
}
