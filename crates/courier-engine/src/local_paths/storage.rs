//! Which folders may be storages.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{LocalPaths, refuse_parent_segments, resolve_existing};

/// Do files that are pulled from `mapped` on this machine arrive, in `arriving`, where they are found again? Links are resolved.
///
/// # Errors
/// Where that can't be told.
pub(crate) fn feeds_itself(mapped: &Path, recursive: bool, arriving: &Path) -> io::Result<bool> {
    let (mapped, arriving) = (resolve_existing(mapped)?, resolve_existing(arriving)?);
    Ok(match recursive {
        true => arriving.starts_with(mapped),
        false => arriving == mapped,
    })
}

impl LocalPaths {
    /// The folder in the data folder that pulled files go to where nothing else is said.
    pub(crate) fn first_storage(&self) -> PathBuf {
        self.data_dir.join("storage")
    }

    /// May a storage be in this folder? Not where Courier keeps its own: of the data folder, `storage` and `files` may hold
    /// them; nor may it lie around the data folder. Links are resolved; what doesn't exist yet is judged by its name.
    ///
    /// # Errors
    /// What is wrong, and what to do, in words.
    pub(crate) fn check_storage(&self, folder: &Path) -> Result<(), String> {
        refuse_parent_segments(folder)?;
        let real = resolve_existing(folder)
            .map_err(|error| format!("the folder {} can't be resolved: {error}", folder.display()))?;
        let named = match real == folder {
            true => folder.display().to_string(),
            false => format!("{} (which is {})", folder.display(), real.display()),
        };
        let (data, first) = (&self.data_dir, self.first_storage());
        if data.starts_with(&real) {
            return Err(format!(
                "the folder {named} holds the data folder {}, with the database and the key file; name a folder beside it",
                data.display()
            ));
        }
        let open = [first.clone(), data.join("files")];
        if real.starts_with(data) && !open.iter().any(|open| real.starts_with(open)) {
            return Err(format!(
                "the folder {named} lies in the data folder {}, of which storages may use only {}, {}, and folders in them",
                data.display(),
                first.display(),
                data.join("files").display()
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_storage_keeps_away_from_what_is_couriers_own() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        let data = dir.join("app/data");
        std::fs::create_dir_all(&data).unwrap();
        let paths = LocalPaths::new(&data, &[]).unwrap();
        symlink(&data, dir.join("way-in")).unwrap();
        symlink(dir.join("nowhere"), dir.join("dangling")).unwrap();
        for folder in [
            "app/data/storage",
            "app/data/storage/of/one",
            "app/data/files/in",
            "app/other",
            "new/deep",
        ] {
            assert_eq!(paths.check_storage(&dir.join(folder)), Ok(()), "{folder}");
        }
        for folder in [
            "app/data",
            "app",
            "",
            "app/data/work",
            "app/data/storage-of-others",
            "app/data/storage/../work",
            "way-in/keys",
            "way-in",
            "dangling",
        ] {
            let refused = paths.check_storage(&dir.join(folder)).unwrap_err();
            assert!(!refused.is_empty(), "{folder}");
        }
    }
}
