//! SSH keys: read, write, generate.
