//! A whole file under one data key: sealed while it is written, opened while it is read, in bounded memory.
//!
//! | part | length, bytes |
//! |---|---|
//! | `CVLS` | 4 |
//! | format, 1 | 1 |
//! | length of the key's identifier, and it (UTF-8) | 1 + n |
//! | length of the key's version, and it (UTF-8) | 1 + n |
//! | length of the wrapped data key, and it | 2 + n |
//! | chunks, each: its length with the highest bit set in the last one, ciphertext, tag | 4 + n + 16 |
//!
//! Numbers are big-endian. Each chunk is sealed with AES-256-GCM; its nonce is its number and whether it is the last
//! one, and what it is authenticated with is the header and the purpose. So chunks that were altered, left out, put in
//! another order or taken from another file don't open, and a file that was cut off has no last one.

use std::fmt;
use std::io::{self, Read, Write};

use zeroize::Zeroizing;

use crate::blob::{NONCE_LEN, TAG_LEN};
use crate::error::{Error, Result};
use crate::provider::{DataKey, KeyVersion, Wrapped};
use crate::vault::{Vault, decrypt, encrypt};

/// What every sealed stream starts with.
const MAGIC: [u8; 4] = *b"CVLS";

/// The format that this version writes and reads.
const FORMAT: u8 = 1;

/// How much one chunk holds, bytes.
const CHUNK: usize = 64 * 1024;

/// The bit of a chunk's length that marks the last one.
const LAST: u32 = 1 << 31;

impl Vault {
    /// Begins a stream under a fresh data key. What it is for keeps streams apart: one opens for the same purpose only.
    ///
    /// # Errors
    /// As [`Vault::seal`].
    pub async fn seal_stream<W: Write>(&self, purpose: &str, inner: W) -> Result<SealWriter<W>> {
        let (key, wrapped) = self.new_data_key().await?;
        let header = header(&wrapped)?;
        Ok(SealWriter {
            inner,
            cipher: Cipher::new(key, purpose, &header),
            header: Some(header),
            pending: Vec::with_capacity(CHUNK),
        })
    }

    /// Begins to read a stream.
    ///
    /// # Errors
    /// [`Error::NotSealed`] or [`Error::Format`] for other bytes, and as [`Vault::open`] for its key. Whether what follows
    /// is authentic shows while it is read.
    pub async fn open_stream<R: Read>(&self, purpose: &str, mut inner: R) -> Result<OpenReader<R>> {
        let (header, wrapped) = read_header(&mut inner)?;
        let key = self.unwrap(&wrapped).await?;
        Ok(OpenReader {
            inner,
            cipher: Cipher::new(key, purpose, &header),
            under: KeyVersion {
                key_id: wrapped.key_id,
                key_version: wrapped.key_version,
            },
            open: Zeroizing::default(),
            taken: 0,
            ended: false,
            failed: false,
        })
    }
}

/// Which chunk is next, and what it is sealed with.
struct Cipher {
    key: DataKey,
    /// The purpose, and the header.
    bound_to: Vec<u8>,
    number: u64,
}

impl Cipher {
    fn new(key: DataKey, purpose: &str, header: &[u8]) -> Self {
        let length = (purpose.len() as u64).to_be_bytes();
        Self {
            key,
            bound_to: [&length[..], purpose.as_bytes(), header].concat(),
            number: 0,
        }
    }

    /// The nonce of the next chunk.
    fn nonce(&mut self, last: bool) -> [u8; NONCE_LEN] {
        let mut nonce = [0; NONCE_LEN];
        let number = self.number.to_be_bytes();
        self.number += 1;
        for (to, from) in nonce
            .iter_mut()
            .zip([u8::from(last), 0, 0, 0].iter().chain(&number))
        {
            *to = *from;
        }
        nonce
    }
}

/// Seals what is written to it. Ends with [`SealWriter::finish`]; what isn't finished doesn't open.
pub struct SealWriter<W> {
    inner: W,
    cipher: Cipher,
    /// Until it is written.
    header: Option<Vec<u8>>,
    pending: Vec<u8>,
}

impl<W: Write> SealWriter<W> {
    /// Writes the last chunk, and gives back what was written to.
    ///
    /// # Errors
    /// Those of the writer below.
    pub fn finish(mut self) -> io::Result<W> {
        self.chunk(true)?;
        Ok(self.inner)
    }

    /// Writes what is pending.
    fn chunk(&mut self, last: bool) -> io::Result<()> {
        if let Some(header) = self.header.take() {
            self.inner.write_all(&header)?;
        }
        let nonce = self.cipher.nonce(last);
        let tag = encrypt(&self.cipher.key, nonce, &self.cipher.bound_to, &mut self.pending)
            .map_err(io::Error::other)?;
        let length = u32::try_from(self.pending.len()).map_err(io::Error::other)?;
        let length = if last { length | LAST } else { length };
        self.inner.write_all(&length.to_be_bytes())?;
        self.inner.write_all(&self.pending)?;
        self.inner.write_all(&tag)?;
        self.pending.clear();
        Ok(())
    }
}

impl<W: Write> Write for SealWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.pending.len() == CHUNK {
            self.chunk(false)?;
        }
        let room = CHUNK - self.pending.len();
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.pending.extend_from_slice(taken);
        Ok(taken.len())
    }

    /// A chunk goes out when it is full, or by [`SealWriter::finish`].
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W> fmt::Debug for SealWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealWriter(chunk {})", self.cipher.number)
    }
}

/// Opens what it reads. All that it gives out is authentic, and its end is the end that was written.
pub struct OpenReader<R> {
    inner: R,
    cipher: Cipher,
    under: KeyVersion,
    open: Zeroizing<Vec<u8>>,
    /// How much of it was given out.
    taken: usize,
    ended: bool,
    /// From then on there is nothing but errors: what follows a gap is no part of the whole.
    failed: bool,
}

impl<R: Read> OpenReader<R> {
    /// The key that it is sealed under.
    #[must_use]
    pub fn sealed_under(&self) -> &KeyVersion {
        &self.under
    }

    fn chunk(&mut self) -> io::Result<()> {
        let mut length = [0; 4];
        self.fill(&mut length)?;
        let length = u32::from_be_bytes(length);
        let last = length & LAST != 0;
        let length = usize::try_from(length & !LAST).unwrap_or(usize::MAX);
        if length > CHUNK {
            return Err(altered());
        }
        let mut ciphertext = vec![0; length];
        self.fill(&mut ciphertext)?;
        let mut tag = [0; TAG_LEN];
        self.fill(&mut tag)?;
        let nonce = self.cipher.nonce(last);
        self.open =
            decrypt(&self.cipher.key, nonce, &self.cipher.bound_to, &ciphertext, &tag).ok_or_else(altered)?;
        self.taken = 0;
        self.ended = last;
        if last && self.inner.read(&mut [0])? != 0 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "something follows the end of what was sealed",
            ));
        }
        Ok(())
    }

    fn fill(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.inner.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                io::Error::new(error.kind(), "the file was cut off before its end")
            }
            _ => error,
        })
    }
}

fn altered() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the file does not open: it was altered, or is for another purpose",
    )
}

impl<R: Read> Read for OpenReader<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.failed {
            return Err(altered());
        }
        while self.taken == self.open.len() && !self.ended {
            self.failed = true;
            self.chunk()?;
            self.failed = false;
        }
        let left = self.open.get(self.taken..).unwrap_or_default();
        let taken = left.len().min(bytes.len());
        for (to, from) in bytes.iter_mut().zip(left) {
            *to = *from;
        }
        self.taken += taken;
        Ok(taken)
    }
}

impl<R> fmt::Debug for OpenReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "OpenReader(under {:?}, chunk {})",
            self.under, self.cipher.number
        )
    }
}

fn header(wrapped: &Wrapped) -> Result<Vec<u8>> {
    let mut out = Vec::from(MAGIC);
    out.push(FORMAT);
    for (part, bytes) in [
        ("key identifier", wrapped.key_id.as_bytes()),
        ("key version", wrapped.key_version.as_bytes()),
    ] {
        out.push(u8::try_from(bytes.len()).map_err(|_| too_long(part, bytes, u8::MAX.into()))?);
        out.extend_from_slice(bytes);
    }
    let bytes = &wrapped.bytes;
    let length = u16::try_from(bytes.len());
    let length = length.map_err(|_| too_long("wrapped data key", bytes, u16::MAX.into()))?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
    Ok(out)
}

fn too_long(part: &'static str, bytes: &[u8], max: usize) -> Error {
    Error::TooLong {
        part,
        length: bytes.len(),
        max,
    }
}

/// The header's bytes, and the data key in it.
fn read_header(inner: &mut impl Read) -> Result<(Vec<u8>, Wrapped)> {
    let mut header = Header {
        inner,
        bytes: Vec::new(),
    };
    if header.take(MAGIC.len()).ok() != Some(&MAGIC[..]) {
        return Err(Error::NotSealed {
            reason: "it does not start with the mark of a sealed file".into(),
        });
    }
    let found = header.number(1)?;
    if found != usize::from(FORMAT) {
        return Err(Error::Format {
            found: u8::try_from(found).unwrap_or(u8::MAX),
            expected: FORMAT,
        });
    }
    let wrapped = Wrapped {
        key_id: header.text()?,
        key_version: header.text()?,
        bytes: {
            let length = header.number(2)?;
            header.take(length)?.to_vec()
        },
    };
    Ok((header.bytes, wrapped))
}

/// A header while it is read, and what was read of it.
struct Header<'a, R> {
    inner: &'a mut R,
    bytes: Vec<u8>,
}

impl<R: Read> Header<'_, R> {
    fn take(&mut self, length: usize) -> Result<&[u8]> {
        let begin = self.bytes.len();
        self.bytes.resize(begin + length, 0);
        let part = self.bytes.get_mut(begin..).unwrap_or_default();
        self.inner.read_exact(part).map_err(|error| Error::NotSealed {
            reason: format!("its header can't be read: {error}"),
        })?;
        Ok(part)
    }

    /// A big-endian number of `width` bytes, at most 2.
    fn number(&mut self, width: usize) -> Result<usize> {
        Ok(self
            .take(width)?
            .iter()
            .fold(0, |sum, byte| (sum << 8) | usize::from(*byte)))
    }

    fn text(&mut self) -> Result<String> {
        let length = self.number(1)?;
        let text = std::str::from_utf8(self.take(length)?).ok();
        let text = text.filter(|text| !text.contains(char::is_control));
        text.map(str::to_owned).ok_or_else(|| Error::NotSealed {
            reason: "the name of its key is not printable text".into(),
        })
    }
}
