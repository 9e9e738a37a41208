//! What testing a connection found out.

use serde_json::{Value, json};

use crate::api::code_of;
use crate::commands::note_warnings;
use crate::exit::{Code, Failure, Result};
use crate::output::Output;
use crate::output::table::{self, Column, field};
use crate::output::text::cell;

const CHECKS: &[Column] = &[("CHECK", "name"), ("OK", "success"), ("", "message")];

/// Shows a test's result; a failed test has the exit code of its cause.
pub(super) fn show(output: Output, connection: &str, result: &Value) -> Result<()> {
    let part = |name: &str| result.get(name).unwrap_or(&Value::Null);
    let success = part("success").as_bool() == Some(true);
    if output.json {
        output.document(result)?;
    } else if success {
        let shown = json!({
            "server_banner": part("server_banner"),
            "host_key_fingerprint": part("host_key_fingerprint"),
            "negotiated": part("negotiated"),
            "latency_ms": part("latency_ms"),
            "certificate": field(result, "tls_certificate.subject"),
            "issuer": field(result, "tls_certificate.issuer"),
            "thumbprint_sha256": field(result, "tls_certificate.thumbprint_sha256"),
            "not_after": field(result, "tls_certificate.not_after"),
            "policy_errors": field(result, "tls_certificate.policy_errors"),
        });
        output.line(format!("{connection} works\n{}", table::fields(&shown)))?;
    }
    if !output.json {
        if let Some(checks) = part("checks").as_array().filter(|checks| !checks.is_empty()) {
            output.line(table::rows(CHECKS, checks))?;
        }
        note_warnings(output, result);
    }
    if success {
        return Ok(());
    }
    let code = part("error_code").as_u64().map_or(Code::Failed, code_of);
    if output.json {
        return Err(Failure::silent(code));
    }
    let message = cell(part("error_message"));
    let key = part("host_key_fingerprint").as_str();
    let certificate = field(result, "tls_certificate.thumbprint_sha256").as_str();
    let fix = match (key, certificate) {
        _ if code != Code::Trust => String::new(),
        (Some(key), _) => {
            format!("\n  to trust the new key: courier connection approve-host-key {connection} {key}")
        }
        (_, Some(certificate)) => {
            format!(
                "\n  to trust this certificate: courier connection update {connection} --tls-pin {certificate}"
            )
        }
        _ => String::new(),
    };
    Err(Failure::new(code, format!("{message}{fix}")))
}
