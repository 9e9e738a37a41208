//! The fields that only connections by FTP and FTPS have.

use std::path::PathBuf;

use courier_api::{FtpsMode, TlsCertPolicy, TlsVersionFloor, TransferType};
use serde_json::{Map, Value, json};

use super::super::{fields, text};
use crate::exit::Result;
use crate::secret;

/// What there is to say of FTP and of TLS.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "FTP and FTPS")]
pub(super) struct FtpArgs {
    /// explicit (AUTH TLS) or implicit; by default implicit on port 990, else explicit
    #[arg(long, value_name = "MODE")]
    ftps_mode: Option<FtpsMode>,
    /// system_trust, pinned_thumbprint or insecure
    #[arg(long, value_name = "POLICY")]
    tls_cert_policy: Option<TlsCertPolicy>,
    /// Trust the certificate with this thumbprint and no other: the policy pinned_thumbprint
    #[arg(long, value_name = "SHA256")]
    tls_pin: Option<String>,
    /// The oldest version of TLS to accept: tls_1_2 or tls_1_3; tls_1_0 and tls_1_1 are weak
    #[arg(long, value_name = "VERSION")]
    tls_version_floor: Option<TlsVersionFloor>,
    /// A list of revoked certificates (PEM)
    #[arg(long, value_name = "FILE")]
    tls_crl_file: Option<PathBuf>,
    /// A certificate and its private key (PEM, both in one file) for a server that asks for one; - is standard input
    #[arg(long, value_name = "FILE")]
    client_certificate_file: Option<PathBuf>,
    /// false: the server connects back for data, in place of being connected to
    #[arg(long, value_name = "BOOL")]
    passive_mode: Option<bool>,
    /// The ports that the server may connect back to, e.g. 40000-40100
    #[arg(long, value_name = "RANGE")]
    active_port_range: Option<String>,
    /// The address that the server is told to connect back to
    #[arg(long, value_name = "ADDRESS")]
    external_address: Option<String>,
    /// The time zone of the server's listings, e.g. Europe/Berlin
    #[arg(long, value_name = "ZONE")]
    server_timezone: Option<String>,
    /// The encoding of file names on a server without UTF-8, e.g. windows-1252
    #[arg(long, value_name = "LABEL")]
    encoding: Option<String>,
    /// Allow for a deviation of the server; an unknown NAME shows those that there are. Repeatable
    #[arg(long, value_name = "NAME")]
    quirk: Vec<String>,
    /// binary or ascii, which translates line ends
    #[arg(long, value_name = "TYPE")]
    transfer_type: Option<TransferType>,
}

impl FtpArgs {
    /// The fields that are given.
    pub(super) fn fields(&self) -> Result<Map<String, Value>> {
        let policy = self
            .tls_cert_policy
            .or(self.tls_pin.is_some().then_some(TlsCertPolicy::PinnedThumbprint));
        let file = |path: &Option<PathBuf>| -> Result<Option<Value>> {
            let Some(path) = path else { return Ok(None) };
            Ok(Some(Value::from(secret::text_file(path)?.as_str())))
        };
        Ok(fields([
            ("ftps_mode", self.ftps_mode.map(|mode| json!(mode))),
            ("tls_cert_policy", policy.map(|policy| json!(policy))),
            ("tls_pinned_thumbprint", text(self.tls_pin.as_ref())),
            (
                "tls_version_floor",
                self.tls_version_floor.map(|floor| json!(floor)),
            ),
            ("tls_crl_pem", file(&self.tls_crl_file)?),
            ("client_certificate", file(&self.client_certificate_file)?),
            ("passive_mode", self.passive_mode.map(Value::from)),
            ("active_port_range", text(self.active_port_range.as_ref())),
            ("external_address", text(self.external_address.as_ref())),
            ("server_timezone", text(self.server_timezone.as_ref())),
            ("encoding", text(self.encoding.as_ref())),
            ("quirks", (!self.quirk.is_empty()).then(|| json!(self.quirk))),
            ("transfer_type", self.transfer_type.map(|kind| json!(kind))),
        ]))
    }
}
