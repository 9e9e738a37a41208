//! A file opened for reading, with READs under way ahead of the reader.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use courier_transfer::{Reader, RemotePath, Result};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesOrdered};

use super::error;
use crate::{
    codec::{Request, StatusCode},
    session::{OpenHandle, Reply, Session},
};

/// The most bytes that wait to be read.
const AHEAD: u32 = 4 * 1024 * 1024;

/// A part that was asked for, and its answer.
type Answer = (u64, u32, Result<Reply>);

/// A file opened for reading.
pub(super) struct SftpReader {
    session: Arc<Session>,
    handle: OpenHandle,
    path: RemotePath,
    answers: FuturesOrdered<BoxFuture<'static, Answer>>,
    next: u64,
    /// READs that may be under way; grows as a reader goes on.
    ahead: u32,
    at_end: bool,
}

impl SftpReader {
    pub(super) fn new(session: Arc<Session>, handle: OpenHandle, path: RemotePath, offset: u64) -> Self {
        Self {
            session,
            handle,
            path,
            answers: FuturesOrdered::new(),
            next: offset,
            ahead: 2,
            at_end: false,
        }
    }

    fn ask(&self, offset: u64, len: u32) -> BoxFuture<'static, Answer> {
        let answer = self.session.call(&Request::Read {
            handle: self.handle.bytes(),
            offset,
            len,
        });
        answer.map(move |answer| (offset, len, answer)).boxed()
    }
}

#[async_trait]
impl Reader for SftpReader {
    async fn read(&mut self) -> Result<Option<Bytes>> {
        let len = self.session.limits().read;
        while !self.at_end {
            while self.answers.len() < self.ahead as usize {
                let answer = self.ask(self.next, len);
                self.answers.push_back(answer);
                self.next += u64::from(len);
            }
            self.ahead = (self.ahead + 1).min(AHEAD / len);
            let Some((offset, asked, answer)) = self.answers.next().await else {
                break;
            };
            match answer? {
                Reply::Data(bytes) if bytes.is_empty() => self.at_end = true,
                Reply::Data(bytes) => {
                    // Never longer than what was asked for.
                    let missing = asked - u32::try_from(bytes.len()).unwrap_or(asked);
                    if missing > 0 {
                        let rest = self.ask(offset + bytes.len() as u64, missing);
                        self.answers.push_front(rest);
                    }
                    return Ok(Some(bytes));
                }
                Reply::Status(status) if status.code == StatusCode::EOF => self.at_end = true,
                Reply::Status(status) => {
                    let refused = error::refusal(&status, &self.path);
                    return Err(super::look::of_open_file(&self.session, refused, &self.path).await);
                }
                _ => return Err(error::unexpected("READ", &self.path)),
            }
        }
        self.answers = FuturesOrdered::new();
        Ok(None)
    }
}

impl std::fmt::Debug for SftpReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SftpReader")
            .field("path", &self.path)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}
