//! Which source a partial file is a part of, remembered in a state folder between runs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use courier_transfer::ops::{Identity, Partials};
use courier_transfer::{Error, Result};
use serde::{Deserialize, Serialize};

use super::Endpoint;

/// `$XDG_STATE_HOME/courier/partials`, or below `~/.local/state`: one small file for each partial.
#[derive(Debug)]
pub(crate) struct StateFolder {
    folder: PathBuf,
    server: String,
}

/// What such a file holds.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    key: String,
    /// Whose file the source or the target is.
    server: String,
    identity: Identity,
}

impl StateFolder {
    /// For a server; `None` where the user has no home.
    pub(crate) fn of(server: &Endpoint) -> Option<Self> {
        let state = std::env::var_os("XDG_STATE_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute());
        let state = state.or_else(|| Some(std::env::home_dir()?.join(".local/state")))?;
        Some(Self {
            folder: state.join("courier/partials"),
            server: server.to_string(),
        })
    }

    /// The key of a remote partial with its server. Local ones are the same whatever server they come from; their paths are
    /// made absolute, since a run may start from elsewhere.
    fn scoped(&self, key: &str) -> String {
        let absolute = key
            .strip_prefix("local:")
            .and_then(|path| std::path::absolute(path).ok());
        match absolute {
            Some(path) => format!("local:{}", path.display()),
            None => format!("{} {key}", self.server),
        }
    }

    /// A path on another server is another source.
    fn seen_from_here(&self, record: Record) -> Identity {
        let Record { server, identity, .. } = record;
        if server == self.server {
            return identity;
        }
        Identity {
            source: format!("{} on {server}", identity.source),
            ..identity
        }
    }

    fn path(&self, scoped: &str) -> PathBuf {
        self.folder
            .join(format!("{:032x}.json", fnv1a(scoped.as_bytes())))
    }
}

#[async_trait]
impl Partials for StateFolder {
    async fn load(&self, key: &str) -> Result<Option<Identity>> {
        let key = self.scoped(key);
        let path = self.path(&key);
        match fs::read(&path) {
            // What can't be read any more tells nothing, and the transfer starts over.
            Ok(bytes) => Ok(serde_json::from_slice::<Record>(&bytes)
                .ok()
                .filter(|record| record.key == key)
                .map(|record| self.seen_from_here(record))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::local(e, "read", &path)),
        }
    }

    async fn save(&self, key: &str, identity: &Identity) -> Result<()> {
        let key = self.scoped(key);
        let path = self.path(&key);
        let record = Record {
            key,
            server: self.server.clone(),
            identity: identity.clone(),
        };
        write(&self.folder, &path, &record).map_err(|e| Error::local(e, "write", &path))
    }

    async fn forget(&self, key: &str) -> Result<()> {
        let path = self.path(&self.scoped(key));
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::local(e, "remove", &path)),
            _ => Ok(()),
        }
    }
}

/// Written beside and renamed, so that a run that is killed leaves the old record or the new one.
fn write(folder: &Path, path: &Path, record: &Record) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let unfinished = path.with_extension(format!("{}.new", std::process::id()));
    fs::write(&unfinished, serde_json::to_vec(record)?)?;
    fs::rename(&unfinished, path)
}

/// FNV-1a with 128 bits: a short file name for any key. A collision is found out by the key in the file.
fn fnv1a(bytes: &[u8]) -> u128 {
    bytes
        .iter()
        .fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, |hash: u128, &byte| {
            (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
        })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv1a(b""), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        assert_eq!(fnv1a(b"a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
    }

    #[tokio::test]
    async fn remembers_by_server_and_key() {
        let folder = tempfile::tempdir().unwrap();
        let on = |server: &str| StateFolder {
            folder: folder.path().into(),
            server: server.into(),
        };
        let identity = Identity {
            source: "/a".into(),
            size: Some(1),
            modified: None,
            scattered: false,
        };
        for key in ["local:x", "remote:x.tmp"] {
            on("sftp://a").save(key, &identity).await.unwrap();
            let known = on("sftp://a").load(key).await.unwrap();
            assert_eq!(known.as_ref(), Some(&identity));
            let elsewhere = on("sftp://b").load(key).await.unwrap();
            if key.starts_with("local:") {
                assert!(!elsewhere.unwrap().is_same_source(&identity));
            } else {
                assert_eq!(elsewhere, None);
            }
            on("sftp://a").forget(key).await.unwrap();
            on("sftp://a").forget(key).await.unwrap();
            assert_eq!(on("sftp://a").load(key).await.unwrap(), None);
        }
    }
}
