//! Envelope encryption of credentials, and the providers of its key.
