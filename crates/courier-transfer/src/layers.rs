//! Wrappers around a [`Client`](crate::Client) that add what no protocol should repeat.
