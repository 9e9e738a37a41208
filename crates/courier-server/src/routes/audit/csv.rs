//! Audit entries as a table (RFC 4180).

use courier_api::AuditEntry;

use crate::routes::csv::{cell, given};

/// The first line.
pub(super) const HEADING: &str = "id,performed_at,performed_by,operation,connection_id,job_execution_id,bytes_transferred,\
     duration_ms,details,chain,seq,mac\r\n";

/// An entry as a line, its end included.
pub(super) fn line(entry: &AuditEntry) -> String {
    let cells = [
        entry.id.to_string(),
        entry.performed_at.to_string(),
        cell(&entry.performed_by),
        cell(&entry.operation),
        given(entry.connection_id),
        given(entry.job_execution_id),
        given(entry.bytes_transferred),
        given(entry.duration_ms),
        cell(&entry.details.to_string()),
        given(entry.chain),
        given(entry.seq),
        given(entry.mac.as_ref()),
    ];
    let mut line = cells.join(",");
    line.push_str("\r\n");
    line
}
