//! Transfers through readers and writers, for protocols without a shorter way.

use crate::{Client, Fetch, OpenOptions, RemotePath, Result, Store};

/// What a [`Store`] without a shorter way reads at once.
const CHUNK: u32 = 256 * 1024;

/// [`Client::fetch`] through a [`Reader`](crate::Reader).
pub(crate) async fn fetch_piecewise(
    client: &(impl Client + ?Sized),
    path: &RemotePath,
    request: Fetch,
) -> Result<u64> {
    let mut reader = client
        .open(
            path,
            OpenOptions {
                offset: request.offset,
            },
        )
        .await?;
    let mut at = request.offset;
    while let Some(bytes) = reader.read().await? {
        if let Some(rate) = &request.rate {
            rate.wait(u32::try_from(bytes.len()).unwrap_or(u32::MAX)).await;
        }
        request
            .sink
            .write_at(&bytes, at)
            .map_err(|e| request.sink.error(e))?;
        at += bytes.len() as u64;
        request.sink.advance(at);
    }
    Ok(at)
}

/// [`Client::store`] through a [`Writer`](crate::Writer).
pub(crate) async fn store_piecewise(
    client: &(impl Client + ?Sized),
    path: &RemotePath,
    request: Store,
) -> Result<u64> {
    let mut at = request.options.offset;
    let mut writer = client.create(path, request.options).await?;
    let piece = request
        .rate
        .as_ref()
        .map_or(CHUNK, |rate| CHUNK.min(rate.piece()));
    loop {
        let mut chunk = vec![0; piece as usize];
        let read = request
            .source
            .read_at(&mut chunk, at)
            .map_err(|e| request.source.error(e))?;
        if read == 0 {
            break;
        }
        chunk.truncate(read);
        if let Some(rate) = &request.rate {
            rate.wait(u32::try_from(read).unwrap_or(u32::MAX)).await;
        }
        writer.write(chunk.into()).await?;
        at += read as u64;
        request.source.advance(at);
    }
    writer.finish().await?;
    Ok(at)
}
