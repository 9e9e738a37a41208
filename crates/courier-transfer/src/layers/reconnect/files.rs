//! Readers, writers, sinks and sources that notice what is new, and a loss.

use std::{io, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Error, Reader, Result, Sink, Source, Writer};

use super::state::{Mark, Session, State};

#[derive(Debug)]
pub(super) struct WatchedSink {
    sink: Arc<dyn Sink>,
    mark: Arc<Mark>,
}

impl WatchedSink {
    pub(super) fn new(sink: Arc<dyn Sink>, mark: Arc<Mark>) -> Self {
        Self { sink, mark }
    }
}

impl Sink for WatchedSink {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.sink.write_at(bytes, offset)
    }

    fn advance(&self, offset: u64) {
        self.mark.reached(offset);
        self.sink.advance(offset);
    }

    fn waits(&self) {
        self.sink.waits();
    }

    fn error(&self, error: io::Error) -> Error {
        self.sink.error(error)
    }
}

#[derive(Debug)]
pub(super) struct WatchedSource {
    source: Arc<dyn Source>,
    mark: Arc<Mark>,
}

impl WatchedSource {
    pub(super) fn new(source: Arc<dyn Source>, mark: Arc<Mark>) -> Self {
        Self { source, mark }
    }
}

impl Source for WatchedSource {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.source.read_at(buffer, offset)
    }

    fn advance(&self, offset: u64) {
        self.mark.reached(offset);
        self.source.advance(offset);
    }

    fn waits(&self) {
        self.source.waits();
    }

    fn error(&self, error: io::Error) -> Error {
        self.source.error(error)
    }
}

#[derive(Debug)]
pub(super) struct WatchedReader {
    state: Arc<State>,
    session: Session,
    reader: Box<dyn Reader>,
}

impl WatchedReader {
    pub(super) fn new(state: Arc<State>, session: Session, reader: Box<dyn Reader>) -> Self {
        Self {
            state,
            session,
            reader,
        }
    }
}

#[async_trait]
#[warn(clippy::missing_trait_methods)]
impl Reader for WatchedReader {
    async fn read(&mut self) -> Result<Option<Bytes>> {
        let bytes = self.state.judge(&self.session, self.reader.read().await)?;
        self.state.progress();
        Ok(bytes)
    }
}

#[derive(Debug)]
pub(super) struct WatchedWriter {
    state: Arc<State>,
    session: Session,
    writer: Box<dyn Writer>,
}

impl WatchedWriter {
    pub(super) fn new(state: Arc<State>, session: Session, writer: Box<dyn Writer>) -> Self {
        Self {
            state,
            session,
            writer,
        }
    }
}

#[async_trait]
#[warn(clippy::missing_trait_methods)]
impl Writer for WatchedWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.state.judge(&self.session, self.writer.write(bytes).await)
    }

    async fn finish(self: Box<Self>) -> Result<()> {
        self.state.judge(&self.session, self.writer.finish().await)?;
        self.state.progress();
        Ok(())
    }
}
