//! The flags that say how to connect, and which of them a URL's scheme has a use for.

use std::fs;
use std::path::{Path, PathBuf};

use courier_transfer::{CertificatePolicy, Fingerprint, Protocol, Thumbprint, settings};
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::url::Scheme;
use crate::exit::{Failure, Result};

/// How to connect.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct SessionArgs {
    /// How long the server may stay without an answer
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: u64,

    /// Trust any host key or certificate. Dangerous: somebody in between could read and change everything
    #[arg(
        long,
        conflicts_with_all = ["host_key", "known_hosts", "accept_new_host_key", "tls_pin", "crl"]
    )]
    pub(crate) insecure: bool,

    #[command(flatten)]
    pub(crate) ssh: SshArgs,

    #[command(flatten)]
    pub(crate) tls: TlsArgs,

    #[command(flatten)]
    pub(crate) ftp: FtpArgs,
}

/// What there is to say of SSH.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "SFTP")]
pub(crate) struct SshArgs {
    /// A private key to authenticate with, or the public half of one that the SSH agent (SSH_AUTH_SOCK) holds. A
    /// FILE-cert.pub beside it is its certificate. Repeatable [default: what the agent holds, and ~/.ssh/id_ed25519,
    /// id_ecdsa and id_rsa]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) identity: Vec<PathBuf>,

    /// Trust this host key and no other. Repeatable
    #[arg(long, value_name = "SHA256:…")]
    pub(crate) host_key: Vec<Fingerprint>,

    /// Where known host keys are [default: ~/.ssh/known_hosts]
    #[arg(long, value_name = "FILE", conflicts_with = "host_key")]
    pub(crate) known_hosts: Option<PathBuf>,

    /// Trust a host that is not known yet, and add it to the known hosts
    #[arg(long, conflicts_with = "host_key")]
    pub(crate) accept_new_host_key: bool,

    /// Ciphers to offer, the best first
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) cipher: Vec<String>,
}

/// What there is to say of TLS.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "TLS (ftpes://, ftps://)")]
pub(crate) struct TlsArgs {
    /// Trust the certificate with this SHA-256 thumbprint and no other [default: those that the system trusts]
    #[arg(long, value_name = "SHA256")]
    pub(crate) tls_pin: Option<Thumbprint>,

    /// A list of revoked certificates (PEM), none of which is trusted
    #[arg(long, value_name = "FILE")]
    pub(crate) crl: Option<PathBuf>,

    /// The oldest version of TLS to accept; 1.0 and 1.1 are weak
    #[arg(long, value_name = "VERSION", value_enum)]
    pub(crate) tls_floor: Option<Floor>,

    /// A certificate and its private key (PEM, both in one file) for a server that asks for one
    #[arg(long, value_name = "FILE")]
    pub(crate) client_certificate: Option<PathBuf>,
}

/// Versions of TLS.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Floor {
    #[value(name = "1.0")]
    Tls10,
    #[value(name = "1.1")]
    Tls11,
    #[value(name = "1.2")]
    Tls12,
    #[value(name = "1.3")]
    Tls13,
}

impl Floor {
    /// As the setting has it.
    fn as_str(self) -> &'static str {
        match self {
            Self::Tls10 => "tls_1_0",
            Self::Tls11 => "tls_1_1",
            Self::Tls12 => "tls_1_2",
            Self::Tls13 => "tls_1_3",
        }
    }
}

/// What there is to say of FTP.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "FTP (ftp://, ftpes://, ftps://)")]
pub(crate) struct FtpArgs {
    /// Have the server connect back for data, in place of connecting to it
    #[arg(long)]
    pub(crate) active: bool,

    /// Translate line ends (CR LF there, LF here): for text only. Sizes can't be compared then, and nothing is resumed
    #[arg(long)]
    pub(crate) ascii: bool,

    /// How names are written where the server has no UTF-8: windows-1252, shift_jis, …
    #[arg(long, value_name = "NAME")]
    pub(crate) encoding: Option<String>,

    /// The time zone of a listing's times where the server doesn't tell it: Europe/Zurich, … [default: UTC]
    #[arg(long, value_name = "ZONE")]
    pub(crate) server_timezone: Option<String>,

    /// Allow for a deviation of the server; an unknown NAME shows those that there are. Repeatable
    #[arg(long, value_name = "NAME")]
    pub(crate) quirk: Vec<String>,
}

/// The names of those flags that are given.
fn given<const N: usize>(flags: [(&'static str, bool); N]) -> impl Iterator<Item = &'static str> {
    flags
        .into_iter()
        .filter_map(|(flag, is_given)| is_given.then_some(flag))
}

impl SshArgs {
    fn given(&self) -> impl Iterator<Item = &'static str> {
        given([
            ("--identity", !self.identity.is_empty()),
            ("--host-key", !self.host_key.is_empty()),
            ("--known-hosts", self.known_hosts.is_some()),
            ("--accept-new-host-key", self.accept_new_host_key),
            ("--cipher", !self.cipher.is_empty()),
        ])
    }
}

impl TlsArgs {
    fn given(&self) -> impl Iterator<Item = &'static str> {
        given([
            ("--tls-pin", self.tls_pin.is_some()),
            ("--crl", self.crl.is_some()),
            ("--tls-floor", self.tls_floor.is_some()),
            ("--client-certificate", self.client_certificate.is_some()),
        ])
    }
}

impl FtpArgs {
    fn given(&self) -> impl Iterator<Item = &'static str> {
        given([
            ("--active", self.active),
            ("--ascii", self.ascii),
            ("--encoding", self.encoding.is_some()),
            ("--server-timezone", self.server_timezone.is_some()),
            ("--quirk", !self.quirk.is_empty()),
        ])
    }
}

/// The flag that a setting comes from.
fn flag_of(setting: &str) -> String {
    match setting {
        "ssh_algorithms" => "--cipher".to_owned(),
        CertificatePolicy::PIN_SETTING => "--tls-pin".to_owned(),
        "tls_crl_pem" => "--crl".to_owned(),
        "tls_version_floor" => "--tls-floor".to_owned(),
        "quirks" => "--quirk".to_owned(),
        "transfer_type" => "--ascii".to_owned(),
        "passive_mode" => "--active".to_owned(),
        _ => format!("--{}", setting.replace('_', "-")),
    }
}

impl SessionArgs {
    /// Which certificates are accepted.
    pub(crate) fn certificate_policy(&self) -> CertificatePolicy {
        match self.tls.tls_pin {
            _ if self.insecure => CertificatePolicy::Insecure,
            Some(pin) => CertificatePolicy::Pinned(Some(pin)),
            None => CertificatePolicy::SystemTrust,
        }
    }

    /// Refuses flags that have nothing to say about the scheme: who gives one believes that it does something.
    pub(crate) fn check_for(&self, scheme: Scheme) -> Result<()> {
        let refuse = |flag, whose| Err(Failure::usage(format!("{flag} is for {whose}; this is {scheme}")));
        if scheme != Scheme::Sftp
            && let Some(flag) = self.ssh.given().next()
        {
            return match (flag, scheme.has_certificate()) {
                ("--host-key", true) => refuse(
                    flag,
                    "sftp://, and --tls-pin for the certificate of ftpes:// and ftps://",
                ),
                _ => refuse(flag, "sftp://"),
            };
        }
        if !scheme.has_certificate()
            && let Some(flag) = self.tls.given().next()
        {
            return match (flag, scheme) {
                ("--tls-pin", Scheme::Sftp) => refuse(
                    flag,
                    "ftpes:// and ftps://, and --host-key for the key of sftp://",
                ),
                _ => refuse(flag, "ftpes:// and ftps://"),
            };
        }
        if !scheme.is_ftp()
            && let Some(flag) = self.ftp.given().next()
        {
            return refuse(flag, "ftp://, ftpes:// and ftps://");
        }
        if self.insecure && scheme != Scheme::Sftp && !scheme.has_certificate() {
            return refuse("--insecure", "sftp://, ftpes:// and ftps://");
        }
        Ok(())
    }

    /// The protocol's settings, with its defaults.
    pub(crate) fn settings(&self, scheme: Scheme, protocol: &dyn Protocol) -> Result<Map<String, Value>> {
        let mut given = Map::new();
        let mut set = |name: &str, value: Value| given.insert(name.to_owned(), value);
        if !self.ssh.cipher.is_empty() {
            set("ssh_algorithms", json!({"encryption": self.ssh.cipher}));
        }
        if scheme.is_ftp() {
            self.ftp.add_to(&mut set);
        }
        if scheme.has_certificate() {
            let mode = if scheme == Scheme::Ftps {
                "implicit"
            } else {
                "explicit"
            };
            set("ftps_mode", json!(mode));
            let policy = match self.certificate_policy() {
                CertificatePolicy::SystemTrust => CertificatePolicy::SYSTEM_TRUST,
                CertificatePolicy::Pinned(_) => CertificatePolicy::PINNED,
                CertificatePolicy::Insecure => CertificatePolicy::INSECURE,
            };
            set(CertificatePolicy::SETTING, json!(policy));
            self.tls.add_to(&mut set)?;
        }
        let wrong = |setting: &str, problem: &str| Failure::usage(format!("{}: {problem}", flag_of(setting)));
        if let Some(problem) = settings::check(protocol.settings(), &given).first() {
            return Err(wrong(&problem.field, &problem.message));
        }
        let settings = settings::with_defaults(protocol.settings(), &given);
        match protocol.check(&settings).first() {
            Some((setting, problem)) => Err(wrong(setting, problem)),
            None => Ok(settings),
        }
    }

    /// What `--client-certificate` names.
    pub(crate) fn client_certificate(&self, protocol: &dyn Protocol) -> Result<Option<SecretString>> {
        let Some(path) = &self.tls.client_certificate else {
            return Ok(None);
        };
        let pem = SecretString::from(text(path, "--client-certificate")?);
        protocol.check_client_certificate(&pem).map_err(|problem| {
            Failure::usage(format!("--client-certificate: {} {problem}", path.display()))
        })?;
        Ok(Some(pem))
    }
}

impl TlsArgs {
    fn add_to(&self, set: &mut impl FnMut(&str, Value) -> Option<Value>) -> Result<()> {
        if let Some(pin) = self.tls_pin {
            set(CertificatePolicy::PIN_SETTING, json!(pin));
        }
        if let Some(path) = &self.crl {
            set("tls_crl_pem", json!(text(path, "--crl")?));
        }
        if let Some(floor) = self.tls_floor {
            set("tls_version_floor", json!(floor.as_str()));
        }
        Ok(())
    }
}

impl FtpArgs {
    fn add_to(&self, set: &mut impl FnMut(&str, Value) -> Option<Value>) {
        if self.active {
            set("passive_mode", json!(false));
        }
        if self.ascii {
            set("transfer_type", json!("ascii"));
        }
        if let Some(encoding) = &self.encoding {
            set("encoding", json!(encoding));
        }
        if let Some(zone) = &self.server_timezone {
            set("server_timezone", json!(zone));
        }
        if !self.quirk.is_empty() {
            set("quirks", json!(self.quirk));
        }
    }
}

/// A small file of text that a flag names.
fn text(path: &Path, flag: &str) -> Result<String> {
    fs::read_to_string(path)
        .map_err(|e| Failure::usage(format!("{flag}: could not read {}: {e}", path.display())))
}
