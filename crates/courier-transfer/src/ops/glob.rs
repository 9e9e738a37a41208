//! Patterns on remote names: `*`, `?`, `[…]`, `{a,b}` and `**`.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path};

use globset::{GlobBuilder, GlobMatcher};

use crate::{Error, ErrorKind, RemoteName, RemotePath, Result};

/// The longest pattern, in bytes. It becomes an automaton, and what gets too big for one is a panic there.
const LONGEST: usize = 32 << 10;
/// The most groups in braces, for the same reason: they may lie within one another.
const MOST_GROUPS: usize = 64;
/// So many folders of a pattern have an automaton of their own, which rules out what lies elsewhere.
const MOST_FOLDERS: usize = 16;

/// A pattern below some folder.
///
/// Without a `/` it is matched against base names, else against the path relative to the folder. `*`, `?` and
/// `[…]` never match a `/`, and `**` as a whole segment matches any number of folders. A backslash takes the meaning
/// from the character behind it.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    base_name: bool,
    whole: GlobMatcher,
    /// For each depth, what a folder there must look like to hold matches; below the last one (`**`, braces with a `/` in
    /// them, or the most that are looked at) anything goes.
    folders: Vec<GlobMatcher>,
    any_depth: bool,
}

impl Pattern {
    /// Reads a pattern; [`ErrorKind::Invalid`] says what is wrong with it.
    pub fn new(pattern: &str) -> Result<Self> {
        let refuse = |why: String| Err(Error::new(ErrorKind::Invalid, why));
        if pattern.len() > LONGEST {
            return refuse(format!("the pattern has more than {LONGEST} bytes"));
        }
        if groups(pattern) > MOST_GROUPS {
            return refuse(format!(
                "the pattern has more than {MOST_GROUPS} groups in braces"
            ));
        }
        let segments = split(pattern);
        if segments.is_empty() {
            return refuse("the pattern is empty".to_owned());
        }
        let base_name = segments.len() == 1 && segments != ["**"] && !pattern.contains('/');
        let mut folders = Vec::new();
        let mut any_depth = false;
        for (i, segment) in segments.iter().enumerate() {
            if *segment == "**" || segment.contains('/') || i == MOST_FOLDERS {
                any_depth = true;
                break;
            }
            if i + 1 < segments.len() {
                folders.push(compile(&segments.get(..=i).unwrap_or_default().join("/"))?);
            }
        }
        Ok(Self {
            text: pattern.to_owned(),
            base_name,
            whole: compile(&segments.join("/"))?,
            folders,
            any_depth,
        })
    }

    /// Does it match a path, given relative to the folder?
    pub fn matches(&self, relative: &RemotePath) -> bool {
        let bytes = relative.as_wire();
        let bytes = if self.base_name {
            bytes.rsplit(|&b| b == b'/').next().unwrap_or(bytes)
        } else {
            bytes
        };
        self.whole.is_match(as_path(bytes))
    }

    /// May matches lie below this folder, given relative to the pattern's own? A pattern on base names
    /// matches at any depth, so it never rules one out.
    pub fn may_match_below(&self, folder: &RemotePath) -> bool {
        if self.base_name {
            return true;
        }
        let depth = folder.segments().count();
        match depth.checked_sub(1).map(|i| self.folders.get(i)) {
            None => true,
            Some(Some(matcher)) => matcher.is_match(as_path(folder.as_wire())),
            Some(None) => {
                self.any_depth
                    && self.folders.last().is_none_or(|last| {
                        let known: Vec<&[u8]> = folder.segments().take(self.folders.len()).collect();
                        last.is_match(as_path(&known.join(&b'/')))
                    })
            }
        }
    }

    /// Is it matched against base names only?
    pub fn is_base_name(&self) -> bool {
        self.base_name
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// A remote path whose segments may be patterns, split into the folder that is fixed and the pattern below it.
#[derive(Clone, Debug)]
pub struct RemoteGlob {
    base: RemotePath,
    pattern: Option<Pattern>,
}

impl RemoteGlob {
    /// Reads a path or a pattern; [`ErrorKind::Invalid`] says what is wrong with it.
    pub fn new(text: &str) -> Result<Self> {
        let segments = split(text);
        let fixed = segments.iter().take_while(|s| !is_pattern(s)).count();
        let mut base = if text.starts_with('/') {
            RemotePath::root()
        } else {
            RemotePath::home()
        };
        for segment in segments.iter().take(fixed) {
            base = base.join(&RemoteName::new(unescape(segment))?);
        }
        let rest = segments.get(fixed..).unwrap_or_default();
        if rest.contains(&"..") {
            return Err(crate::InvalidPath::ParentSegment.into());
        }
        let pattern = match rest {
            [] => None,
            // A path, so `*.csv` means the base folder alone; `Pattern` would take it at any depth.
            [one] if *one != "**" => Some(Pattern::new(&format!("/{one}"))?),
            rest => Some(Pattern::new(&rest.join("/"))?),
        };
        if text.is_empty() {
            return Err(crate::InvalidPath::Empty.into());
        }
        Ok(Self { base, pattern })
    }

    /// A path as it is, whatever characters are in it.
    pub fn literal(path: RemotePath) -> Self {
        Self {
            base: path,
            pattern: None,
        }
    }

    /// The folder that is searched; the path itself where nothing in it is a pattern.
    pub fn base(&self) -> &RemotePath {
        &self.base
    }

    /// The pattern below the base; `None` where the text names one path.
    pub fn pattern(&self) -> Option<&Pattern> {
        self.pattern.as_ref()
    }
}

/// Has one of the characters of a pattern, without a backslash before it?
pub(super) fn is_pattern(segment: &str) -> bool {
    let mut escaped = false;
    segment.chars().any(|c| {
        let special = !escaped && matches!(c, '*' | '?' | '[' | '{');
        escaped = !escaped && c == '\\';
        special
    })
}

/// The segments, split at each `/` that is not within braces; empty ones and `.` are dropped.
pub(super) fn split(pattern: &str) -> Vec<&str> {
    let mut depth = 0usize;
    let mut escaped = false;
    pattern
        .split(|c: char| {
            let plain = !std::mem::replace(&mut escaped, false);
            match c {
                '\\' if plain => escaped = true,
                '{' if plain => depth += 1,
                '}' if plain => depth = depth.saturating_sub(1),
                '/' => return depth == 0,
                _ => {}
            }
            false
        })
        .filter(|s| !s.is_empty() && *s != ".")
        .collect()
}

/// How many groups in braces it has.
fn groups(pattern: &str) -> usize {
    let mut escaped = false;
    let begins = |c: &char| {
        let plain = !std::mem::replace(&mut escaped, false);
        escaped = plain && *c == '\\';
        plain && *c == '{'
    };
    pattern.chars().filter(begins).count()
}

/// A segment that is no pattern, without its backslashes.
pub(super) fn unescape(segment: &str) -> String {
    let mut text = String::with_capacity(segment.len());
    let mut chars = segment.chars();
    while let Some(c) = chars.next() {
        text.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    text
}

fn compile(pattern: &str) -> Result<GlobMatcher> {
    GlobBuilder::new(pattern)
        .literal_separator(true)
        .backslash_escape(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|e| {
            Error::new(
                ErrorKind::Invalid,
                format!("the pattern {pattern:?} is not valid: {}", e.kind()),
            )
        })
}

fn as_path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}
