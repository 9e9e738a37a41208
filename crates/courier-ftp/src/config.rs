//! FTP and FTPS as protocols: their names, their settings, and the way in.

mod options;
mod secured;
mod table;

pub(crate) use options::Options;

use serde_json::{Map, Value};

/// The port of TLS from the first byte on (RFC 4217 leaves it to habit).
const IMPLICIT_PORT: u16 = 990;

/// Does TLS begin with the connection? As `ftps_mode` says; else on the port that is for it.
pub(crate) fn is_implicit(settings: &Map<String, Value>, port: u16) -> bool {
    match settings.get(table::FTPS_MODE).and_then(Value::as_str) {
        Some(mode) => mode == table::IMPLICIT,
        None => port == IMPLICIT_PORT,
    }
}
