//! Uploads of one file.

use std::{path::Path, sync::Arc};

use crate::{Client, RemotePath, Result};

use super::{Context, Transferred, UploadOptions};

/// Uploads one file to `remote`.
///
/// With [`atomic`](UploadOptions::atomic) the bytes go to a temporary name beside it, which is renamed when the server has
/// all of them (specification 6.6); without, they go under the final name at once.
///
/// Errors: those of the session; [`Integrity`](crate::ErrorKind::Integrity) where the source changed meanwhile or
/// the sizes differ at the end; [`AlreadyExists`](crate::ErrorKind::AlreadyExists) also where the target exists
/// and the server cannot replace it in one step; those of the local file system.
pub async fn upload(
    client: &Arc<dyn Client>,
    local: &Path,
    remote: &RemotePath,
    options: &UploadOptions,
    context: &Context,
) -> Result<Transferred> {
    let _ = (client, remote, local, options, context);
    Err(crate::Error::new(
        crate::ErrorKind::Unsupported,
        "not written yet",
    ))
}
