//! What callers use: upload, download, recursive listing and the like, written once above [`Client`](crate::Client).
