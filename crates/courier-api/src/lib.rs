//! Request and response types of the HTTP API, and its error codes.
