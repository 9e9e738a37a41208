//! Files that several sessions move together.

use std::{ops::Range, sync::Arc, time::Duration};

use crate::{
    CreateOptions, Error, ErrorKind, Lane, OpenOptions, Parts, RemotePath, Result, Sink, Source, Turn, Writer,
};

use super::MemoryClient;

/// How many bytes are moved at once.
const BLOCK: u64 = 32 * 1024;
/// How soon to ask again for something to do.
const SOON: Duration = Duration::from_millis(1);

impl MemoryClient {
    pub(super) async fn fetch_parts(
        &self,
        path: &RemotePath,
        parts: Arc<Parts>,
        sink: &dyn Sink,
    ) -> Result<u64> {
        let reader = self.open_file(path, OpenOptions::default()).await?;
        let mut lane = Lane::new(parts);
        loop {
            match lane.take(BLOCK) {
                Turn::Over => return Ok(lane.parts().reached()),
                Turn::Wait => {
                    reader.handle.moved(0).await?;
                    tokio::time::sleep(SOON).await;
                }
                Turn::Part(part) => {
                    let bytes = reader.read_at(part.start, len(&part)).await?;
                    if bytes.len() < len(&part) {
                        return Err(Error::new(ErrorKind::Integrity, "the file became shorter"));
                    }
                    sink.write_at(&bytes, part.start).map_err(|e| sink.error(e))?;
                    lane.moved(part, |reached| sink.advance(reached));
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    pub(super) async fn store_parts(
        &self,
        path: &RemotePath,
        options: CreateOptions,
        parts: Arc<Parts>,
        source: &dyn Source,
    ) -> Result<u64> {
        let mut writer = self.create_file(path, options).await?;
        let mut lane = Lane::new(parts);
        loop {
            match lane.take(BLOCK) {
                Turn::Over => return Ok(lane.parts().reached()),
                Turn::Wait => {
                    writer.handle.moved(0).await?;
                    tokio::time::sleep(SOON).await;
                }
                Turn::Part(part) => {
                    let mut bytes = vec![0; len(&part)];
                    let read = source
                        .read_at(&mut bytes, part.start)
                        .map_err(|e| source.error(e))?;
                    if read < bytes.len() {
                        return Err(Error::new(ErrorKind::Integrity, "the source became shorter"));
                    }
                    writer.offset = part.start;
                    writer.write(bytes.into()).await?;
                    lane.moved(part, |reached| source.advance(reached));
                    tokio::task::yield_now().await;
                }
            }
        }
    }
}

fn len(part: &Range<u64>) -> usize {
    usize::try_from(part.end - part.start).unwrap_or(usize::MAX)
}
