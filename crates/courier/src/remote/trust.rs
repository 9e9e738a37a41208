//! Is this the right server? The flags decide, or the `known_hosts` file, or the system's trust store.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use courier_sftp::known_hosts::{self, KnownHost};
use courier_transfer::{
    AuthMethod, Certificate, CertificatePolicy, Error, ErrorKind, HostKey, Observer, Result, ServerInfo,
    TrustDecider, TrustPins, Unobserved, host_key_mismatch,
};

use super::url::Scheme;
use super::{Endpoint, SessionArgs};
use crate::exit::Failure;
use crate::output::Output;

/// Who decides, and who remembers what was decided.
pub(crate) struct Trust {
    pub(crate) decider: Arc<dyn TrustDecider>,
    pub(crate) observer: Arc<dyn Observer>,
}

impl Trust {
    /// What the flags ask for.
    pub(crate) fn of(
        args: &SessionArgs,
        endpoint: &Endpoint,
        port: u16,
        output: Output,
    ) -> Result<Self, Failure> {
        if args.insecure {
            let what = match endpoint.scheme.has_certificate() {
                true => "certificate",
                false => "host key",
            };
            output.complain(format!(
                "warning: --insecure trusts any {what}; somebody in between could read and change all"
            ));
        }
        let unobserved = |decider: Arc<dyn TrustDecider>| Self {
            decider,
            observer: Arc::new(Unobserved),
        };
        if endpoint.scheme != Scheme::Sftp {
            return Ok(unobserved(Arc::new(Certificates(args.certificate_policy()))));
        }
        if args.insecure {
            return Ok(unobserved(Arc::new(Anyone)));
        }
        let args = &args.ssh;
        if !args.host_key.is_empty() {
            let pins = TrustPins::new(args.host_key.iter().copied());
            return Ok(unobserved(Arc::new(pins)));
        }
        let file = match &args.known_hosts {
            Some(file) => file.clone(),
            None => std::env::home_dir()
                .ok_or_else(|| {
                    Failure::usage("HOME is not set; name the known_hosts file with --known-hosts")
                })?
                .join(".ssh/known_hosts"),
        };
        let contents = match fs::read(&file) {
            Ok(contents) => contents,
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(e) => return Err(Failure::usage(format!("could not read {}: {e}", file.display()))),
        };
        let known = known_hosts::lookup(&contents, &endpoint.host, port);
        for note in &known.notes {
            output.note(format!("{}: {note}", file.display()));
        }
        let hosts = Arc::new(KnownHosts {
            host: endpoint.host.clone(),
            port,
            known,
            file,
            accept_new: args.accept_new_host_key,
            accepted: OnceLock::new(),
            output,
        });
        Ok(Self {
            decider: hosts.clone(),
            observer: hosts,
        })
    }
}

/// Trusts the certificates that the flags say, and names the flag that trusts another one.
#[derive(Debug)]
struct Certificates(CertificatePolicy);

#[async_trait]
impl TrustDecider for Certificates {
    async fn pinned_key_types(&self) -> Vec<String> {
        Vec::new()
    }

    async fn host_key(&self, presented: &HostKey) -> Result<()> {
        Err(host_key_mismatch(&[], presented))
    }

    async fn certificate(&self, presented: &Certificate) -> Result<()> {
        self.0.check(presented).map_err(|e| {
            let message = format!("{}: --tls-pin {}", e.message(), presented.thumbprint);
            Error::new(e.kind(), message)
        })
    }
}

/// Trusts any key.
#[derive(Debug)]
struct Anyone;

#[async_trait]
impl TrustDecider for Anyone {
    async fn pinned_key_types(&self) -> Vec<String> {
        Vec::new()
    }

    async fn host_key(&self, _presented: &HostKey) -> Result<()> {
        Ok(())
    }
}

/// Trusts what the user's `known_hosts` file knows, and a new host where the user says so.
#[derive(Debug)]
struct KnownHosts {
    host: String,
    port: u16,
    known: KnownHost,
    file: PathBuf,
    accept_new: bool,
    /// The key of a new host that this command has accepted: later sessions of it must show the same.
    accepted: OnceLock<HostKey>,
    output: Output,
}

#[async_trait]
impl TrustDecider for KnownHosts {
    async fn pinned_key_types(&self) -> Vec<String> {
        let accepted = self.accepted.get();
        let keys = self.known.keys.iter().chain(accepted);
        keys.map(|key| key.key_type.clone()).collect()
    }

    async fn host_key(&self, presented: &HostKey) -> Result<()> {
        let is = |key: &&HostKey| key.fingerprint == presented.fingerprint;
        let file = self.file.display();
        if self.known.revoked.iter().any(|key| is(&key)) {
            let message = format!(
                "the host key {} is marked as revoked in {file}",
                presented.fingerprint
            );
            return Err(Error::new(ErrorKind::HostKey, message));
        }
        let trusted = || self.known.keys.iter().chain(self.accepted.get());
        if trusted().any(|key| is(&key)) {
            return Ok(());
        }
        let expected: Vec<_> = trusted().map(|key| key.fingerprint).collect();
        if !expected.is_empty() {
            return Err(host_key_mismatch(&expected, presented).with("known_hosts", file));
        }
        if self.accept_new {
            return Ok(());
        }
        let HostKey {
            key_type,
            fingerprint,
            ..
        } = presented;
        Err(Error::new(
            ErrorKind::HostKeyNotApproved,
            format!(
                "{}:{} is not in {file}; it presented {fingerprint} ({key_type}). Compare this with what the server's \
                 operator says; then trust it once with --host-key {fingerprint}, or for good with \
                 --accept-new-host-key",
                self.host, self.port
            ),
        ))
    }
}

#[async_trait]
impl Observer for KnownHosts {
    /// The first login that succeeds makes a new host a known one.
    async fn authenticated(&self, info: &ServerInfo, _method: &AuthMethod) -> Result<()> {
        let is_new = self.accept_new && self.known.keys.is_empty();
        let Some(key) = info.host_key.as_ref().filter(|_| is_new) else {
            return Ok(());
        };
        // The first session of several has written it down.
        if self.accepted.set(key.clone()).is_err() {
            return Ok(());
        }
        append(&self.file, &known_hosts::line(&self.host, self.port, key))
            .map_err(|e| Error::local(e, "add the host key to", &self.file))?;
        self.output.note(format!(
            "added {} ({}) to {}",
            key.fingerprint,
            key.key_type,
            self.file.display()
        ));
        Ok(())
    }
}

/// Appends a line in one write; what stands before it keeps its own line.
fn append(path: &Path, line: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let unfinished = fs::read(path).is_ok_and(|contents| contents.last().is_some_and(|&last| last != b'\n'));
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    let line = if unfinished {
        format!("\n{line}")
    } else {
        line.to_owned()
    };
    file.write_all(line.as_bytes())?;
    file.sync_all()
}
