//! The local file system as a protocol, jailed in its base path.
