//! Ends of transfers.

use std::{collections::HashMap, io, sync::Arc, thread, time::Duration};

use courier_transfer::{
    Error, Result, Sink, Source,
    ops::{Context, Identity, Partials},
    testkit::{BytesSink, BytesSource},
};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Bytes of which no two blocks are equal.
pub fn bytes(len: usize) -> Vec<u8> {
    (0..len as u64 / 8 + 1)
        .flat_map(u64::to_le_bytes)
        .take(len)
        .collect()
}

/// A pause at each block, so that a transfer lasts.
const PAUSE: Duration = Duration::from_millis(5);

/// Takes its time, and tells when it has got a megabyte.
#[derive(Debug, Default)]
pub struct SlowSink {
    pub bytes: BytesSink,
    pub well_begun: Notify,
}

impl Sink for SlowSink {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        thread::sleep(PAUSE);
        self.bytes.write_at(bytes, offset)
    }

    fn advance(&self, offset: u64) {
        self.bytes.advance(offset);
        if offset > 1_000_000 {
            self.well_begun.notify_one();
        }
    }

    fn error(&self, error: io::Error) -> Error {
        self.bytes.error(error)
    }
}

/// Takes its time, and tells when a megabyte was read from it.
#[derive(Debug)]
pub struct SlowSource {
    bytes: Arc<BytesSource>,
    pub well_begun: Notify,
}

impl SlowSource {
    pub fn new(bytes: Vec<u8>) -> Arc<Self> {
        Arc::new(Self {
            bytes: BytesSource::new(bytes),
            well_begun: Notify::new(),
        })
    }
}

impl Source for SlowSource {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        thread::sleep(PAUSE);
        if offset > 1_000_000 {
            self.well_begun.notify_one();
        }
        self.bytes.read_at(buffer, offset)
    }

    fn advance(&self, offset: u64) {
        self.bytes.advance(offset);
    }

    fn error(&self, error: io::Error) -> Error {
        self.bytes.error(error)
    }
}

/// Remembers of which file the partials are, as the command line and jobs do.
#[derive(Debug, Default)]
struct Remembered(Mutex<HashMap<String, Identity>>);

#[async_trait::async_trait]
impl Partials for Remembered {
    async fn load(&self, key: &str) -> Result<Option<Identity>> {
        Ok(self.0.lock().get(key).cloned())
    }

    async fn save(&self, key: &str, identity: &Identity) -> Result<()> {
        self.0.lock().insert(key.to_owned(), identity.clone());
        Ok(())
    }

    async fn forget(&self, key: &str) -> Result<()> {
        self.0.lock().remove(key);
        Ok(())
    }
}

/// A context that remembers of which file the partials are.
pub fn remembering() -> Context {
    Context {
        partials: Arc::new(Remembered::default()),
        ..Context::default()
    }
}
