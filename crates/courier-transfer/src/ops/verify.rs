//! Checksums of both ends, when all bytes have moved and the sizes are the same.

use std::{
    fs::File,
    io::{Seek, SeekFrom},
    path::Path,
};

use crate::{Checksum, ChecksumBy, Client, Error, ErrorKind, RemotePath, Result, Retry};

use super::{Verified, Verify, blocking::blocking};

/// Compares what lies on the server with an open local file, whose sizes are known to be the same, and tells which check
/// could be made. A server that cannot or doesn't want to compute a checksum is no failure; one that computes
/// another is [`ErrorKind::Integrity`].
pub(super) async fn verify(
    client: &dyn Client,
    remote: &RemotePath,
    file: File,
    local: &Path,
    size: u64,
    verify: Verify,
) -> Result<Verified> {
    if size == 0 || verify == Verify::Size {
        return Ok(Verified::Size);
    }
    let mut theirs = None;
    if client.capabilities().checksum {
        theirs = ask(client, remote, ChecksumBy::Protocol).await?;
    }
    let mut verified = Verified::Checksum;
    if theirs.is_none() && verify == Verify::Command {
        theirs = ask(client, remote, ChecksumBy::Command).await?;
        verified = Verified::Command;
    }
    let Some(theirs) = theirs else {
        return Ok(Verified::Size);
    };
    let (path, algorithm) = (local.to_owned(), theirs.algorithm);
    let ours = blocking(move || {
        let mut file = file;
        file.seek(SeekFrom::Start(0))
            .and_then(|_| algorithm.of(&mut file))
            .map_err(|e| Error::local(e, "read", &path))
    })
    .await?;
    if ours == theirs {
        return Ok(verified);
    }
    Err(Error::new(
        ErrorKind::Integrity,
        format!("the checksums differ: the local file has {ours}, and the server's one {theirs}"),
    )
    .with_retry(Retry::Later))
}

async fn ask(client: &dyn Client, remote: &RemotePath, by: ChecksumBy) -> Result<Option<Checksum>> {
    match client.checksum(remote, by).await {
        Ok(checksum) => Ok(Some(checksum)),
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::Unsupported
                    | ErrorKind::Denied
                    | ErrorKind::NotFound
                    | ErrorKind::Failed
                    | ErrorKind::Timeout
            ) =>
        {
            tracing::warn!(%remote, ?by, %error, "the server computes no checksum; the sizes were compared");
            Ok(None)
        }
        Err(e) => Err(e),
    }
}
