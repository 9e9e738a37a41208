//! FTP and FTPS as protocols: their names, their settings, and the way in.

mod options;
mod table;

pub(crate) use options::Options;
