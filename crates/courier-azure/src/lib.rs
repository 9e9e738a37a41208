//! Microsoft Azure over its REST interfaces: tokens of Entra ID, function apps, and what Log Analytics knows of their runs.
//!
//! Nothing here knows connections, jobs or a database. Whoever calls says how long it may take, and keeps what must survive.

mod error;

pub use error::{Error, ErrorKind, Result};
