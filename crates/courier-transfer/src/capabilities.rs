//! What a session can do, as data: asked before acting, shown in the test result, and what the
//! conformance suite selects its cases by.

use serde::Serialize;

/// What one session offers. Learnt from the server where the protocol announces it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Capabilities {
    /// [`Client::open`](crate::Client::open) and `fetch` accept an offset above 0.
    pub resume_download: bool,
    /// [`Client::create`](crate::Client::create) and `store` accept an offset above 0.
    pub resume_upload: bool,
    /// A rename replaces an existing target in one step.
    pub atomic_replace: bool,
    /// Modification times can be set.
    pub set_times: bool,
    /// The server computes checksums by the protocol's own means ([`ChecksumBy::Protocol`](crate::ChecksumBy)).
    pub checksum: bool,
    /// `fetch` and `store` move [`Parts`](crate::Parts), so that several sessions can share one file.
    pub parts: bool,
    /// Listings and `stat` tell permission bits.
    pub permissions: bool,
    /// How many operations the session carries at once; 1 means one after the other.
    pub concurrency: usize,
}
