//! How a download is known again that was whole, and had its final name, when a crash kept that from being noted.
//!
//! Its file is told by its number in the file system, which a rename doesn't change.

use std::{
    fs::symlink_metadata,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::Download;
use crate::{
    Result,
    ops::{
        Identity, Naming, OnExisting,
        blocking::quickly,
        local::Part,
        names::{NUMBERED, numbered_local},
    },
};

impl Download<'_> {
    /// Notes which file is about to get its final name. One that replaces what is there can simply be made again.
    pub(super) async fn note_naming(&self, part: &Part, identity: &Identity) -> Result<()> {
        if self.options.on_existing == OnExisting::Replace {
            return Ok(());
        }
        let naming = Naming {
            source: identity.clone(),
            target: part.number()?.to_string(),
            modified: None,
        };
        let (remote, local) = (self.remote, self.local);
        self.context
            .partials
            .note_naming(remote, local, Some(naming))
            .await
    }

    /// The final name of what an attempt has fetched that was interrupted right then.
    pub(super) async fn named_before(&self, identity: &Identity) -> Result<Option<PathBuf>> {
        let names = match self.options.on_existing {
            OnExisting::Replace => return Ok(None),
            OnExisting::Rename => NUMBERED,
            OnExisting::Skip | OnExisting::Fail => 1,
        };
        let naming = self.context.partials.naming(self.remote, self.local).await?;
        let (Some(naming), Some(size)) = (naming, identity.size) else {
            return Ok(None);
        };
        if !naming.source.is_same_source(identity) {
            return Ok(None);
        }
        let local = self.local.to_owned();
        quickly(move || Ok(find(&local, names, &naming.target, size))).await
    }
}

/// The file of this number and size, under one of the first names.
fn find(local: &Path, names: u32, number: &str, size: u64) -> Option<PathBuf> {
    (0..names)
        .map(|n| numbered_local(local, n))
        .map_while(|path| Some((symlink_metadata(&path).ok()?, path)))
        .find(|(meta, _)| meta.is_file() && meta.len() == size && meta.ino().to_string() == number)
        .map(|(_, path)| path)
}
