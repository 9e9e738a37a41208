//! Downloads of one file.

use std::{path::Path, sync::Arc};

use crate::{Client, RemotePath, Result};

use super::{Context, DownloadOptions, Transferred};

/// Downloads one file to `local`.
///
/// The bytes go to `<local>.part` beside it, which is renamed when it is whole; under the final name
/// nothing half-made ever lies. A `.part` of the same source version is continued with
/// [`resume`](DownloadOptions::resume).
///
/// Errors: those of the session; [`Integrity`](crate::ErrorKind::Integrity) where the source changed meanwhile or the
/// sizes differ at the end; [`AlreadyExists`](crate::ErrorKind::AlreadyExists); those of the local file system.
pub async fn download(
    client: &Arc<dyn Client>,
    remote: &RemotePath,
    local: &Path,
    options: &DownloadOptions,
    context: &Context,
) -> Result<Transferred> {
    let _ = (client, remote, local, options, context);
    Err(crate::Error::new(
        crate::ErrorKind::Unsupported,
        "not written yet",
    ))
}
