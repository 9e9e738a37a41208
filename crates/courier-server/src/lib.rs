//! The HTTP API, and the place where protocols are named.
