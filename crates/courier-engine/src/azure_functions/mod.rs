//! Azure Functions (specification 6.3.4): connections that lead to a function app, which runs functions and has no files.

mod calls;
mod describe;
mod matching;
mod open;
pub(crate) mod properties;
pub(crate) mod test;
pub(crate) mod traces;
mod wait;

use courier_store::connections::Connection;

pub(crate) use calls::{Order, left_running, make, take_up};
pub(crate) use describe::{AzureFunction, CLIENT_SECRET, PROTOCOL};
pub(crate) use open::{OpenApps, azure_error, note, open};
pub(crate) use wait::{Patience, for_run};

/// The type of the steps that call a function.
pub(crate) const STEP: &str = "azure_function.execute";

/// Why there is no session with the server of such a connection.
pub(crate) fn no_files(connection: &Connection) -> String {
    format!(
        "the connection \"{}\" leads to a function app, which has no files; use it in steps azure_function.execute, and a \
         connection of another protocol for files",
        connection.name
    )
}
