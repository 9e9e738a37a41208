//! Partials of which nothing is noted: do they begin as the source does?

use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

use crate::{Client, Error, OpenOptions, RemotePath, Result};

use super::{blocking::blocking, directories::is_broken};

/// So many bytes are compared at the partial's beginning, and as many at its end.
const COMPARED: u64 = 64 * 1024;

/// Are the first bytes of the remote and the local file the same, and those right before `at`? What can't be read is
/// not the same.
pub(super) async fn begin_alike(
    client: &dyn Client,
    remote: &RemotePath,
    file: File,
    local: &Path,
    at: u64,
) -> Result<bool> {
    let len = COMPARED.min(at);
    let (ranges, path) = ([0, at - len], local.to_owned());
    let ours = blocking(move || {
        let read = |offset| {
            // Short, as COMPARED is.
            let mut bytes = vec![0; len as usize];
            match file.read_exact_at(&mut bytes, offset) {
                Ok(()) => Ok(Some(bytes)),
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
                Err(e) => Err(Error::local(e, "read", &path)),
            }
        };
        ranges.map(read).into_iter().collect::<Result<Vec<_>>>()
    })
    .await?;
    for (offset, ours) in ranges.into_iter().zip(ours) {
        let Some(ours) = ours else { return Ok(false) };
        match holds(client, remote, offset, &ours).await {
            Ok(true) => {}
            Err(e) if is_broken(&e) => return Err(e),
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// Does the remote file hold these bytes at `offset`?
async fn holds(client: &dyn Client, remote: &RemotePath, offset: u64, bytes: &[u8]) -> Result<bool> {
    let mut reader = client.open(remote, OpenOptions { offset }).await?;
    let mut rest = bytes;
    while !rest.is_empty() {
        let Some(read) = reader.read().await? else {
            return Ok(false);
        };
        let len = read.len().min(rest.len());
        if read.get(..len) != rest.get(..len) {
            return Ok(false);
        }
        rest = rest.get(len..).unwrap_or_default();
    }
    Ok(true)
}
