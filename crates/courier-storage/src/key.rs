//! The names of objects.

use std::fmt;

use crate::{Error, ErrorKind, Result};

/// The longest key, in bytes: what S3, Azure Blob and Google Cloud Storage take.
const LONGEST: usize = 1024;
/// The longest segment, in bytes: what file systems take.
const LONGEST_SEGMENT: usize = 255;

/// The name of an object below the prefix of its storage: `/` between segments, of which none is empty, `.` or `..`; no control
/// characters; no white space at either end; at most 1024 bytes, and 255 a segment. So every storage takes it as it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// A key as it stands.
    ///
    /// # Errors
    /// [`ErrorKind::Key`] with the rule that it breaks.
    pub fn new(key: &str) -> Result<Self> {
        let refuse = |why: &str| {
            Err(Error::new(
                ErrorKind::Key,
                format!("{key:?} can't be the key of an object: {why}"),
            ))
        };
        if key.is_empty() {
            return refuse("it is empty");
        }
        if key.len() > LONGEST {
            return refuse(&format!("it has {} bytes, {LONGEST} is the most", key.len()));
        }
        if key.contains(char::is_control) {
            return refuse("it has a control character");
        }
        if key.trim() != key {
            return refuse("it begins or ends with white space");
        }
        for segment in key.split('/') {
            match segment {
                "" => return refuse("a segment is empty"),
                "." | ".." => return refuse("`.` and `..` are no names"),
                long if long.len() > LONGEST_SEGMENT => {
                    return refuse(&format!(
                        "a segment has {} bytes, {LONGEST_SEGMENT} is the most",
                        long.len()
                    ));
                }
                _ => {}
            }
        }
        Ok(Self(key.to_owned()))
    }

    /// The key of a file: its path below the mapped folder, after a prefix, which may be empty. Bytes that are no UTF-8, control
    /// characters, and white space at either end of the key become `%XX`. Two paths may thus get one key: whoever comes second
    /// finds it taken.
    ///
    /// # Errors
    /// As [`new`](Self::new): a segment is empty, `.` or `..`, or something is too long.
    pub fn of(prefix: &str, relative: &[u8]) -> Result<Self> {
        let mut key = String::with_capacity(prefix.len() + relative.len() + 1);
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        if !prefix.is_empty() {
            key.push_str(prefix);
            key.push('/');
        }
        for chunk in relative.utf8_chunks() {
            for character in chunk.valid().chars() {
                if character.is_control() {
                    escape(&mut key, character.encode_utf8(&mut [0; 4]).as_bytes());
                } else {
                    key.push(character);
                }
            }
            escape(&mut key, chunk.invalid());
        }
        Self::new(&ends_escaped(key))
    }

    /// The same name with a tag of letters, digits and `-` before the extension: `in/report.csv` and `20261122T101500Z`
    /// make `in/report.20261122T101500Z.csv`. A name that would become too long loses the end of its stem.
    ///
    /// # Errors
    /// As [`new`](Self::new): the tag isn't one, or leaves no room.
    pub fn variant(&self, tag: &str) -> Result<Self> {
        if !tag
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        {
            return Err(Error::new(ErrorKind::Key, format!("{tag:?} can't tag a key")));
        }
        let (folder, name) = match self.0.rfind('/') {
            Some(at) => self.0.split_at(at + 1),
            None => ("", self.0.as_str()),
        };
        // A dot at the front begins a hidden name, not an extension; a long extension is part of the name.
        let dot = name
            .rfind('.')
            .filter(|at| *at > 0 && name.len() - at <= 32)
            .unwrap_or(name.len());
        let (stem, extension) = name.split_at(dot);
        let around = tag.len() + 1 + extension.len();
        let room = LONGEST_SEGMENT.min(LONGEST - folder.len()).saturating_sub(around);
        let (stem, _) = stem.split_at(stem.floor_char_boundary(room));
        Self::new(&format!("{folder}{stem}.{tag}{extension}"))
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn escape(key: &mut String, bytes: &[u8]) {
    for byte in bytes {
        key.push_str(&format!("%{byte:02X}"));
    }
}

fn ends_escaped(key: String) -> String {
    let inner = key.trim();
    if inner.len() == key.len() {
        return key;
    }
    let front = key.len() - key.trim_start().len();
    let mut escaped = String::with_capacity(key.len() * 3);
    let (white, rest) = key.split_at(front);
    escape(&mut escaped, white.as_bytes());
    let (inner, white) = rest.split_at(rest.trim_end().len());
    escaped.push_str(inner);
    escape(&mut escaped, white.as_bytes());
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(clippy::unwrap_used)]
    fn of(prefix: &str, relative: &[u8]) -> String {
        ObjectKey::of(prefix, relative).unwrap().0
    }

    #[test]
    fn keys_are_names_below_something() {
        for good in [
            "a",
            "in/report.csv",
            "..a",
            "a b",
            "100%",
            "ä/ö",
            ".hidden",
            "a\\b",
        ] {
            assert_eq!(ObjectKey::new(good).unwrap().as_str(), good);
        }
        let long = "x".repeat(256);
        for bad in [
            "", "/a", "a/", "a//b", "..", "a/../b", "./a", "a\nb", "a\0", " a", "a ", &long,
        ] {
            assert_eq!(ObjectKey::new(bad).unwrap_err().kind(), ErrorKind::Key, "{bad:?}");
        }
        assert!(ObjectKey::new(&"a/".repeat(600)).is_err());
    }

    #[test]
    fn what_is_no_text_is_escaped() {
        assert_eq!(of("", b"a/b.csv"), "a/b.csv");
        assert_eq!(of("in/", b"b.csv"), "in/b.csv");
        assert_eq!(of("in", b"\xe4.csv"), "in/%E4.csv");
        assert_eq!(of("", b"a\tb"), "a%09b");
        assert_eq!(of("", " a ".as_bytes()), "%20a%20");
        assert_eq!(of("p", " a".as_bytes()), "p/ a");
        assert_eq!(of("", "\u{85}x".as_bytes()), "%C2%85x");
    }

    #[test]
    fn a_variant_keeps_folder_and_extension() {
        let variant = |key: &str, tag: &str| ObjectKey::new(key).unwrap().variant(tag).unwrap().0;
        assert_eq!(variant("in/r.csv", "T"), "in/r.T.csv");
        assert_eq!(variant("in.d/r", "T-2"), "in.d/r.T-2");
        assert_eq!(variant(".profile", "T"), ".profile.T");
        assert_eq!(variant("a.tar.gz", "T"), "a.tar.T.gz");
        let long = format!("d/{}.csv", "ä".repeat(125));
        let tagged = variant(&long, "20261122T101500Z");
        assert!(
            tagged.len() <= 257 && tagged.ends_with("ä.20261122T101500Z.csv"),
            "{tagged}"
        );
        assert!(ObjectKey::new("a").unwrap().variant("../x").is_err());
    }

    proptest::proptest! {
        #[test]
        fn every_key_is_a_key(prefix in "[a-z/. ]{0,8}", relative: Vec<u8>, tag in "[0-9TZ-]{1,18}") {
            if let Ok(key) = ObjectKey::of(&prefix, &relative) {
                proptest::prop_assert_eq!(ObjectKey::new(key.as_str()).unwrap(), key.clone());
                let folder = |key: &ObjectKey| key.0.rsplit_once('/').map(|(folder, _)| folder.to_owned());
                if let Ok(other) = key.variant(&tag) {
                    proptest::prop_assert_ne!(&key, &other);
                    proptest::prop_assert_eq!(folder(&key), folder(&other));
                }
            }
        }
    }
}
