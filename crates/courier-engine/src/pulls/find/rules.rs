//! What a mapping says of names: which files it wants, which it never takes, and which folders it looks into.

use courier_transfer::{RemotePath, Result, ops::Pattern};

use super::Verdict;
use crate::folder_mappings::MappingDefinition;

/// A mapping's patterns, read.
#[derive(Clone, Debug)]
pub(in crate::pulls) struct Rules {
    pattern: Pattern,
    recursive: bool,
    ignore: Vec<Pattern>,
    marker: Option<Vec<u8>>,
}

impl Rules {
    /// Reads a mapping's patterns again, whoever has written them.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](courier_transfer::ErrorKind::Invalid) says which pattern can't be read.
    pub(in crate::pulls) fn new(definition: &MappingDefinition) -> Result<Self> {
        let ignore = definition.ignore.iter().map(|pattern| Pattern::new(pattern));
        Ok(Self {
            pattern: Pattern::new(&definition.pattern)?,
            recursive: definition.recursive,
            ignore: ignore.collect::<Result<_>>()?,
            marker: definition
                .marker_suffix
                .as_ref()
                .map(|suffix| suffix.clone().into_bytes()),
        })
    }

    /// Are markers wanted?
    pub(super) fn wants_markers(&self) -> bool {
        self.marker.is_some()
    }

    /// What the mapping says of a file's name; `None` where it wants it.
    pub(super) fn file(&self, relative: &RemotePath) -> Option<Verdict> {
        if self.marked(relative).is_some() {
            return Some(Verdict::Marker);
        }
        if let Some(by) = self.ignored(relative) {
            return Some(Verdict::Ignored { by: by.to_owned() });
        }
        (!self.pattern.matches(relative)).then_some(Verdict::NotMatching)
    }

    /// Does a look through the mapped folder come to this file, and take it, going by names alone?
    pub(in crate::pulls) fn reaches(&self, relative: &RemotePath) -> bool {
        let mut above = relative.parent();
        while let Some(folder) = above.filter(|folder| !folder.is_top()) {
            if self.ignored(&folder).is_some() || !self.goes_into(&folder) {
                return false;
            }
            above = folder.parent();
        }
        self.file(relative).is_none()
    }

    /// The pattern by which this is left out, with all that lies in it.
    pub(super) fn ignored(&self, relative: &RemotePath) -> Option<&str> {
        let by = self.ignore.iter().find(|pattern| pattern.matches(relative));
        by.map(Pattern::as_str)
    }

    /// Is this folder, which isn't ignored, to be looked into?
    pub(super) fn goes_into(&self, relative: &RemotePath) -> bool {
        self.recursive && self.pattern.may_match_below(relative)
    }

    /// The name of the file that this marker tells of; `None` where it is none.
    pub(super) fn marked(&self, path: &RemotePath) -> Option<Vec<u8>> {
        let suffix = self.marker.as_ref()?;
        let name = path.name()?;
        let of = name.as_bytes().strip_suffix(suffix.as_slice())?;
        (!of.is_empty()).then(|| of.to_vec())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::pulls::find::testing::definition;

    fn path(text: &str) -> RemotePath {
        RemotePath::new(text).unwrap()
    }

    #[test]
    fn the_defaults_leave_temporary_names_alone() {
        let rules = Rules::new(&definition()).unwrap();
        for name in [
            "a.csv.filepart",
            ".hidden",
            "a.tmp",
            "~lock",
            "a~",
            "x.part",
            "x.swp",
        ] {
            let verdict = rules.file(&path(name));
            assert!(
                matches!(verdict, Some(Verdict::Ignored { .. })),
                "{name}: {verdict:?}"
            );
        }
        assert_eq!(rules.file(&path("a.csv")), None);
        assert_eq!(rules.file(&path("a.tmp.csv")), None);
        assert!(!rules.goes_into(&path("sub")));
    }

    #[test]
    fn a_file_is_reached_through_folders_that_are_looked_into() {
        let mut definition = definition();
        let reaches =
            |definition: &MappingDefinition, file| Rules::new(definition).unwrap().reaches(&path(file));
        assert!(reaches(&definition, "a.csv") && !reaches(&definition, "sub/a.csv"));
        definition.pattern = "in/**".into();
        definition.recursive = true;
        assert!(reaches(&definition, "in/sub/a.csv"));
        for not in ["other/a.csv", "in/.hidden/a.csv", "in/sub/a.tmp"] {
            assert!(!reaches(&definition, not), "{not}");
        }
    }

    #[test]
    fn a_pattern_with_a_slash_is_of_the_whole_path() {
        let mut definition = definition();
        definition.pattern = "{in,new}/**/*.csv".into();
        definition.recursive = true;
        let rules = Rules::new(&definition).unwrap();
        assert_eq!(rules.file(&path("in/a.csv")), None);
        assert_eq!(rules.file(&path("new/2026/11/a.csv")), None);
        assert_eq!(rules.file(&path("a.csv")), Some(Verdict::NotMatching));
        assert!(rules.goes_into(&path("in")));
        assert!(!rules.goes_into(&path("out")));
    }

    #[test]
    fn markers_are_told_before_what_is_ignored() {
        let mut definition = definition();
        definition.marker_suffix = Some(".tmp".into());
        let rules = Rules::new(&definition).unwrap();
        assert_eq!(rules.file(&path("a.csv.tmp")), Some(Verdict::Marker));
        assert_eq!(rules.marked(&path("x/a.csv.tmp")), Some(b"a.csv".to_vec()));
        assert_eq!(rules.marked(&path(".tmp")), None);
        assert!(rules.wants_markers());
    }

    #[test]
    fn a_pattern_that_no_longer_reads_is_told() {
        let mut definition = definition();
        definition.ignore = vec!["{a".into()];
        let error = Rules::new(&definition).unwrap_err();
        assert!(error.to_string().contains("{a"), "{error}");
    }
}
