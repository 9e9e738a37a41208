//! Azure Functions (specification 6.3.4): connections that lead to a function app, which runs functions and has no files.

mod describe;
pub(crate) mod properties;

use courier_store::connections::Connection;

pub(crate) use describe::{AzureFunction, CLIENT_SECRET, PROTOCOL};

/// Why there is no session with the server of such a connection.
pub(crate) fn no_files(connection: &Connection) -> String {
    format!(
        "the connection \"{}\" leads to a function app, which has no files; use it in steps azure_function.execute, and a \
         connection of another protocol for files",
        connection.name
    )
}
