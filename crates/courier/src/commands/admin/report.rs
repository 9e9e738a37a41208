//! What came of it, in text or as a document.

use courier_server::admin::{
    AuditFinding, BackupReport, Finding, Report, RestoreReport, RewrapReport, Status,
};
use serde_json::{Value, json};

use crate::exit::{Code, Failure, Result};
use crate::output::Output;
use crate::output::text::{bytes, printable};

pub(super) fn backup(output: Output, made: &BackupReport) -> Result<()> {
    if output.json {
        return output.document(made);
    }
    output.info(format!(
        "{}: {} rows, {}, as of {}",
        made.file.display(),
        made.contents.rows,
        bytes(made.bytes),
        made.contents.made_at
    ))?;
    output.note(format!(
        "the backup opens with key {} version {} only, and that key is not in it: keep a copy of the key elsewhere. Files \
         below the data folder are not in it either",
        made.key_id, made.key_version
    ));
    Ok(())
}

pub(super) fn restore(output: Output, restored: &RestoreReport) -> Result<()> {
    if output.json {
        output.document(restored)?;
    } else {
        let (contents, paused) = (&restored.restored.contents, restored.restored.paused);
        output.info(format!(
            "restored {} rows, as of {}",
            contents.rows, contents.made_at
        ))?;
        if paused > 0 {
            output.note(format!(
                "{paused} executions had waited or run, and are paused: resume or cancel them"
            ));
        }
    }
    if restored.audit_findings.is_empty() {
        return Ok(());
    }
    output.complain("the audit log was not in order when the backup was made:");
    for finding in &restored.audit_findings {
        output.complain(finding);
    }
    Ok(())
}

/// Is everything under the newest key?
pub(super) fn rewrap(output: Output, done: &RewrapReport) -> Result<bool> {
    let current = |key: &courier_server::admin::KeyUse| {
        (&key.key_id, &key.key_version) == (&done.key_id, &done.key_version)
    };
    if output.json {
        output.document(done)?;
    } else {
        output.info(format!(
            "{} values moved to key {} version {}, {} were there already",
            done.rewrapped, done.key_id, done.key_version, done.current
        ))?;
        for failed in &done.failed {
            output.complain(format!("{}: {}", failed.place, failed.error));
        }
        for key in done.keys.iter().filter(|key| !current(key)) {
            output.complain(format!(
                "{} values are still under key {} version {}",
                key.values, key.key_id, key.key_version
            ));
        }
    }
    Ok(done.failed.is_empty() && done.keys.iter().all(current))
}

pub(super) fn audit(output: Output, report: &Report) -> Result<()> {
    let findings = &report.findings;
    if output.json {
        output.document(&json!({
            "ok": findings.is_empty(),
            "records": report.records,
            "chains": report.chains,
            "findings": findings.iter().map(document).collect::<Vec<_>>(),
        }))?;
    } else {
        for finding in findings {
            output.line(printable(&finding.to_string()))?;
        }
    }
    match findings.len() {
        0 => output.info(format!(
            "{} records in {} chains are as they were written, and none is missing",
            report.records, report.chains
        )),
        count => Err(Failure::new(
            Code::Failed,
            format!(
                "the audit log was tampered with, in {count} of its chains; what to do is in docs/operations.md"
            ),
        )),
    }
}

fn document(finding: &AuditFinding) -> Value {
    json!({
        "chain": finding.chain,
        "seq": finding.seq,
        "record": finding.record,
        "performed_at": finding.performed_at,
        "operation": finding.operation,
        "what": finding.what,
        "message": finding.to_string(),
    })
}

pub(super) fn doctor(output: Output, found: &[Finding]) -> Result<()> {
    if output.json {
        return output.document(&found);
    }
    for finding in found {
        let word = match finding.status {
            Status::Ok => "ok  ",
            Status::Warn => "warn",
            Status::Fail => "fail",
        };
        // What isn't in order is said in any case.
        let line = format!("{word}  {}: {}", finding.check, printable(&finding.message));
        match finding.status {
            Status::Ok => output.info(line)?,
            Status::Warn | Status::Fail => output.line(line)?,
        }
    }
    Ok(())
}
