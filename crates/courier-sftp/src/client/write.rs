//! A file opened for writing, with WRITEs under way behind the writer.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use courier_transfer::{RemotePath, Result, Writer};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};

use super::error;
use crate::{
    codec::{Request, StatusCode},
    session::{OpenHandle, Reply, Session},
};

/// Bytes that may be without an answer.
const BEHIND: usize = 4 * 1024 * 1024;

/// A file opened for writing.
pub(super) struct SftpWriter {
    session: Arc<Session>,
    handle: OpenHandle,
    path: RemotePath,
    answers: FuturesUnordered<BoxFuture<'static, (usize, Result<Reply>)>>,
    next: u64,
    under_way: usize,
}

impl SftpWriter {
    pub(super) fn new(session: Arc<Session>, handle: OpenHandle, path: RemotePath, offset: u64) -> Self {
        Self {
            session,
            handle,
            path,
            answers: FuturesUnordered::new(),
            next: offset,
            under_way: 0,
        }
    }

    /// Waits until no more than `bytes` are without an answer.
    async fn settle(&mut self, bytes: usize) -> Result<()> {
        while self.under_way > bytes {
            let Some((len, answer)) = self.answers.next().await else {
                break;
            };
            self.under_way -= len;
            self.check(answer?)?;
        }
        Ok(())
    }

    fn check(&self, answer: Reply) -> Result<()> {
        match answer {
            Reply::Status(status) if status.code == StatusCode::OK => Ok(()),
            Reply::Status(status) => Err(error::refusal(&status, &self.path)),
            _ => Err(error::unexpected("WRITE", &self.path)),
        }
    }
}

#[async_trait]
impl Writer for SftpWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        for data in bytes.chunks(self.session.limits().write as usize) {
            self.settle(BEHIND.saturating_sub(data.len())).await?;
            let answer = self.session.call(&Request::Write {
                handle: self.handle.bytes(),
                offset: self.next,
                data,
            });
            let len = data.len();
            self.answers.push(answer.map(move |answer| (len, answer)).boxed());
            self.under_way += len;
            self.next += len as u64;
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<()> {
        self.settle(0).await?;
        let Self {
            session,
            handle,
            path,
            ..
        } = *self;
        match session.close(handle).await? {
            Reply::Status(status) if status.code == StatusCode::OK => Ok(()),
            Reply::Status(status) => Err(error::refusal(&status, &path)),
            _ => Err(error::unexpected("CLOSE", &path)),
        }
    }
}

impl std::fmt::Debug for SftpWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SftpWriter")
            .field("path", &self.path)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}
