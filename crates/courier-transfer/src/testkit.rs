//! The conformance suite that every protocol crate runs.
