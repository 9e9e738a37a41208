//! Files and the markers that tell that they are ready, in one listing of a folder: either may come first.

use std::collections::BTreeMap;

use courier_transfer::{Error, ErrorKind, RemotePath, Result};

use super::walk::Object;

/// What files that wait for their markers, and markers that wait for their files, may take, in bytes: some 300,000 of them.
const ROOM: usize = 64 * 1024 * 1024;
/// What one takes besides its paths.
const OVERHEAD: usize = 128;

/// What has not found its other half yet.
#[derive(Debug, Default)]
pub(super) struct Markers {
    files: BTreeMap<Vec<u8>, Object>,
    /// Markers, by the names of their files.
    markers: BTreeMap<Vec<u8>, RemotePath>,
    bytes: usize,
}

impl Markers {
    /// A file; comes back where its marker is there.
    ///
    /// # Errors
    /// More files wait than can be kept.
    pub(super) fn file(&mut self, mut object: Object) -> Result<Option<Object>> {
        let Some(name) = object.relative.name() else {
            return Ok(None);
        };
        if let Some(marker) = self.markers.remove(name.as_bytes()) {
            self.bytes = self.bytes.saturating_sub(cost(&marker));
            object.marker = Some(marker);
            return Ok(Some(object));
        }
        self.bytes += cost(&object.entry.path) + object.relative.as_wire().len();
        if self.bytes > ROOM {
            return Err(Error::new(
                ErrorKind::Protocol,
                format!(
                    "one folder has more files without markers than can be kept: {} wait already; have the files that are \
                     done moved away, or take markers for fewer files by a narrower pattern",
                    self.files.len()
                ),
            ));
        }
        self.files.insert(name.as_bytes().to_vec(), object);
        Ok(None)
    }

    /// The marker of the file of that name, which comes back where it is there. A marker for which there is no room is
    /// forgotten, and its file waits for the next run.
    pub(super) fn marker(&mut self, of: Vec<u8>, path: &RemotePath) -> Option<Object> {
        if let Some(mut file) = self.files.remove(&of) {
            self.bytes = self
                .bytes
                .saturating_sub(cost(&file.entry.path) + file.relative.as_wire().len());
            file.marker = Some(path.clone());
            return Some(file);
        }
        if self.bytes + cost(path) <= ROOM {
            self.bytes += cost(path);
            self.markers.insert(of, path.clone());
        }
        None
    }

    /// The files whose markers didn't come, at the end of the listing.
    pub(super) fn unmarked(self) -> impl Iterator<Item = Object> {
        self.files.into_values().map(|mut file| {
            file.unmarked = true;
            file
        })
    }
}

fn cost(path: &RemotePath) -> usize {
    2 * path.as_wire().len() + OVERHEAD
}
