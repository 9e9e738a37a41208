//! Folders that a listing has shown and that are still to be gone into.

use crate::{Error, ErrorKind, RemotePath, Result};

/// What their paths may take, in bytes. A tree of a quarter of a million folders fits; a server that makes up folders
/// without end must not fill the memory.
const BUDGET: usize = 32 * 1024 * 1024;
/// What each takes besides its path.
const OVERHEAD: usize = 64;

/// The folders, the last one first.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    folders: Vec<RemotePath>,
    bytes: usize,
}

impl Waiting {
    /// Adds one.
    ///
    /// Errors: [`Protocol`](ErrorKind::Protocol) where they are too many.
    pub(super) fn push(&mut self, folder: RemotePath) -> Result<()> {
        let bytes = self.bytes.saturating_add(cost(&folder));
        if bytes > BUDGET {
            return Err(Error::new(
                ErrorKind::Protocol,
                format!(
                    "the server lists more folders than can be kept: {} wait already; name a folder further down, or \
                     narrow the pattern",
                    self.folders.len()
                ),
            ));
        }
        self.bytes = bytes;
        self.folders.push(folder);
        Ok(())
    }

    /// The one that came last; it stays.
    pub(super) fn last(&self) -> Option<&RemotePath> {
        self.folders.last()
    }

    /// Takes the one that came last.
    pub(super) fn pop(&mut self) -> Option<RemotePath> {
        let folder = self.folders.pop()?;
        self.bytes = self.bytes.saturating_sub(cost(&folder));
        Some(folder)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.folders.len()
    }
}

fn cost(folder: &RemotePath) -> usize {
    folder.as_wire().len() + OVERHEAD
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_endless_listing_ends_with_an_error_and_room_comes_back() {
        let mut waiting = Waiting::default();
        let folder = |n: usize| RemotePath::new(format!("/{}/{n}", "x".repeat(200))).unwrap();
        let error = (0..).find_map(|n| waiting.push(folder(n)).err()).unwrap();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!((100_000..200_000).contains(&waiting.len()), "{}", waiting.len());
        let last = waiting.last().cloned();
        assert_eq!(waiting.pop(), last);
        waiting.push(folder(0)).unwrap();
        while waiting.pop().is_some() {}
        assert_eq!(waiting.bytes, 0);
    }
}
