//! Microsoft Azure over its REST interfaces: tokens of Entra ID, function apps, and what Log Analytics knows of their runs.
//!
//! Nothing here knows connections, jobs or a database. Whoever calls says how long it may take, and keeps what must survive.

pub mod entra;
mod error;
pub mod functions;
pub mod http;
pub mod logs;
mod name;
#[cfg(feature = "testkit")]
pub mod testkit;
pub mod words;

pub use entra::{Application, Identity, ManagedEndpoint, Tokens};
pub use error::{Error, ErrorKind, Result};
pub use functions::{FunctionApp, HostStatus, Trigger};
pub use http::{Answer, Http, Limits};
pub use logs::{Found, Run, RunId, Trace, Workspace};
pub use name::FunctionName;
