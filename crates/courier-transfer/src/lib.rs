//! The unified transfer interface (specification 6.2).
//!
//! [`Client`] is narrow: what a protocol implements. [`ops`] is wide: upload, download, recursive
//! listing, `mkdir -p`, recursive delete, resume and atomic rename, written once above it.
//! A protocol learns of trust decisions through [`TrustDecider`] and tells what happened through
//! [`Observer`]; it knows no store, no vault and no job.

mod capabilities;
mod certificate;
mod checksum;
mod client;
mod connector;
mod describe;
mod dial;
mod entry;
mod error;
mod file;
mod fingerprint;
pub mod layers;
pub mod memory;
pub mod ops;
mod parts;
mod path;
mod piecewise;
mod progress;
mod protocol;
mod ranges;
mod rate;
mod server_info;
pub mod settings;
#[cfg(feature = "testkit")]
pub mod testkit;
mod trust;

pub use capabilities::Capabilities;
pub use certificate::{Certificate, CertificatePolicy, CertificateProblem, InvalidThumbprint, Thumbprint};
pub use checksum::{Algorithm, Checksum, ChecksumBy};
pub use client::{
    Client, CreateOptions, EntryStream, Fetch, OpenOptions, Reader, RenameMode, Sink, Source, Store, Writer,
};
pub use connector::{Connector, Scout};
pub use describe::{Describe, KnownAlgorithm, KnownAlgorithms};
pub use dial::dial;
pub use entry::{Entry, EntryKind, Listed, TimePrecision};
pub use error::{Error, ErrorKind, OUT_OF_BASE, Result, Retry};
pub use file::{FileSink, FileSource};
pub use fingerprint::{Fingerprint, InvalidFingerprint};
pub use parts::{Lane, Parts, Turn};
pub use path::{InvalidPath, RemoteName, RemotePath};
pub use progress::{NoProgress, Progress, ProgressMeter, ProgressSnapshot};
pub use protocol::{
    ACCEPTED_KEY, ACCEPTED_PASSWORD, AuthMethod, ConnectOptions, Credentials, KeyCredential, PrivateHalf,
    Protocol, Target,
};
pub use ranges::Ranges;
pub use rate::Rate;
pub use server_info::{Algorithms, HostKey, ServerInfo};
pub use trust::{Observer, TrustDecider, TrustPins, Unobserved, host_key_mismatch};
