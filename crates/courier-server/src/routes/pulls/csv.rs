//! Pulled files as a table (RFC 4180).

use courier_api::PulledFile;

use crate::routes::csv::{cell, given};

/// The first line.
pub(super) const HEADING: &str = "id,path,size,modified,sha256,destination,storage_id,key,pulled_at,execution_id,\
     mapping_id,after,after_detail,replay_of\r\n";

/// A file as a line, its end included.
pub(super) fn line(file: &PulledFile) -> String {
    let cells = [
        file.id.to_string(),
        cell(&file.path),
        file.size.to_string(),
        given(file.modified),
        file.sha256.clone(),
        cell(&file.destination),
        file.storage_id.to_string(),
        cell(&file.key),
        file.pulled_at.to_string(),
        file.execution_id.to_string(),
        file.mapping_id.to_string(),
        file.after.to_string(),
        cell(file.after_detail.as_deref().unwrap_or_default()),
        given(file.replay_of),
    ];
    let mut line = cells.join(",");
    line.push_str("\r\n");
    line
}
