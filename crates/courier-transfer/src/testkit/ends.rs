//! Ends of transfers in memory.

use std::{
    io,
    sync::{Arc, Mutex},
};

use crate::{Error, ErrorKind, Fetch, Sink, Source};

/// Collects what is fetched.
#[derive(Debug, Default)]
pub struct BytesSink {
    state: Mutex<Collected>,
    /// Fail at writes that would go beyond this offset.
    limit: Option<u64>,
}

#[derive(Debug, Default)]
struct Collected {
    bytes: Vec<u8>,
    written: u64,
    reached: u64,
}

impl BytesSink {
    /// One that is full at that offset.
    pub fn full_at(limit: u64) -> Self {
        Self {
            limit: Some(limit),
            ..Self::default()
        }
    }

    /// A request that fetches into it.
    pub fn request(self: &Arc<Self>, offset: u64, size_hint: Option<u64>) -> Fetch {
        Fetch::new(self.clone(), offset, size_hint)
    }

    /// What came, with zeros where nothing was written.
    pub fn bytes(&self) -> Vec<u8> {
        self.state.lock().unwrap().bytes.clone()
    }

    /// How many bytes were written in all; more than there are where ranges overlapped.
    pub fn written(&self) -> u64 {
        self.state.lock().unwrap().written
    }

    /// The offset reached, as was told.
    pub fn reached(&self) -> u64 {
        self.state.lock().unwrap().reached
    }
}

impl Sink for BytesSink {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        let start = usize::try_from(offset).unwrap();
        let end = start + bytes.len();
        if self.limit.is_some_and(|limit| end as u64 > limit) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        if state.bytes.len() < end {
            state.bytes.resize(end, 0);
        }
        state.bytes[start..end].copy_from_slice(bytes);
        state.written += bytes.len() as u64;
        Ok(())
    }

    fn advance(&self, offset: u64) {
        let mut state = self.state.lock().unwrap();
        assert!(offset >= state.reached, "progress never goes back");
        state.reached = offset;
    }

    fn error(&self, error: io::Error) -> Error {
        Error::new(ErrorKind::Full, error.to_string())
    }
}

/// Gives what is stored.
#[derive(Debug)]
pub struct BytesSource {
    bytes: Vec<u8>,
    reached: Mutex<u64>,
    /// Fail at reads from this offset on.
    broken_at: Option<u64>,
}

impl BytesSource {
    /// A source of these bytes.
    pub fn new(bytes: Vec<u8>) -> Arc<Self> {
        Arc::new(Self {
            bytes,
            reached: Mutex::new(0),
            broken_at: None,
        })
    }

    /// A source that cannot be read from that offset on.
    pub fn broken_at(bytes: Vec<u8>, offset: u64) -> Arc<Self> {
        Arc::new(Self {
            bytes,
            reached: Mutex::new(0),
            broken_at: Some(offset),
        })
    }

    /// The offset acknowledged, as was told.
    pub fn reached(&self) -> u64 {
        *self.reached.lock().unwrap()
    }
}

impl Source for BytesSource {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if self.broken_at.is_some_and(|at| offset + buffer.len() as u64 > at) {
            return Err(io::Error::other("the disk is broken"));
        }
        let start = usize::try_from(offset).unwrap().min(self.bytes.len());
        let rest = &self.bytes[start..];
        let len = rest.len().min(buffer.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }

    fn advance(&self, offset: u64) {
        let mut reached = self.reached.lock().unwrap();
        assert!(offset >= *reached, "progress never goes back");
        *reached = offset;
    }

    fn error(&self, error: io::Error) -> Error {
        Error::new(ErrorKind::Local, error.to_string())
    }
}
