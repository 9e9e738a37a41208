//! Names of functions.

use std::fmt;
use std::str::FromStr;

use crate::{Error, ErrorKind, Result};

/// The most characters of a function's name.
const MAX_LEN: usize = 128;

/// The name of a function: a letter, then letters, digits, `_` and `-`, at most 128 characters.
///
/// What Azure takes for one; nothing else gets into a path or a query.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FunctionName(String);

impl FunctionName {
    /// Takes a name as it is written; Azure doesn't care for its case.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where it can't be one.
    pub fn new(name: &str) -> Result<Self> {
        let mut bytes = name.bytes();
        let good = bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
            && name.len() <= MAX_LEN;
        if good {
            return Ok(Self(name.to_owned()));
        }
        let mut shown: String = name.chars().take(MAX_LEN).collect();
        if shown.len() < name.len() {
            shown.push('…');
        }
        let words = format!(
            "{shown:?} can't be the name of a function: it begins with a letter and has letters, digits, \"_\" and \"-\", {MAX_LEN} characters at most"
        );
        Err(Error::new(ErrorKind::Invalid, words))
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// In lower case: what two spellings of one name have in common.
    #[must_use]
    pub fn lower(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl fmt::Display for FunctionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for FunctionName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::new(name)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_azure_takes() {
        for name in ["a", "Nightly", "nightly-import_2", &"x".repeat(128)] {
            assert_eq!(FunctionName::new(name).unwrap().as_str(), name);
        }
        assert_eq!(
            FunctionName::new("NightlyImport").unwrap().lower(),
            "nightlyimport"
        );
    }

    #[test]
    fn names_that_would_lead_elsewhere() {
        for name in [
            "",
            "1st",
            "_x",
            "a b",
            "a/b",
            "..",
            "a'",
            "a' or 1==1 //",
            "a\"",
            "a\\",
            "a\n",
            "ä",
            "a%2fb",
            "a?b",
            "a#b",
            &"x".repeat(129),
        ] {
            let error = FunctionName::new(name).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{name}");
            assert!(error.message().len() < 400, "{name}");
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_needs_no_quotes(name: String) {
            if let Ok(taken) = FunctionName::new(&name) {
                prop_assert!(taken.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)));
            }
        }
    }
}
