//! TLS of the listener: the certificate, read again when it changes, and what is agreed on with clients.
//!
//! rustls over AWS-LC. (FTPS to partners is another matter, and OpenSSL's: see `courier-ftp`.)

mod files;
mod versions;

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;
use parking_lot::{Mutex, RwLock};
use rustls::{ServerConfig, crypto::aws_lc_rs, sign::CertifiedKey};

use crate::config::Tls;
pub use files::Certificate;
use files::Stamp;

/// How often the files are looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Why a certificate can't be used. Holds nothing of the key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file can't be read.
    #[error("{} can't be read: {source}; the server's user must be able to", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others than its owner may read the key.
    #[error("the key {} is open to others (mode {mode:04o}); chmod 600 it, and think about a new key", .path.display())]
    KeyOpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The certificate's file isn't what it should be.
    #[error("the certificate {} can't be used: {message}", .path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What was expected and seen.
        message: String,
    },
    /// The key's file isn't what it should be.
    #[error("the key {} can't be used: {message}", .path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What was expected and seen.
        message: String,
    },
    /// The library refuses the two together.
    #[error("TLS can't be set up with {}: {source}", .path.display())]
    Library {
        /// The certificate's file.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
}

/// Reads the files as the listener would, and tells what the certificate says.
///
/// # Errors
/// [`enum@Error`], as at a server's start.
pub fn check(tls: &Tls) -> Result<Certificate, Error> {
    load(tls).map(|loaded| loaded.certificate)
}

/// The listener's certificate and key, as they are now.
#[derive(Debug)]
pub(crate) struct CurrentCertificate {
    tls: Tls,
    loaded: RwLock<Arc<Loaded>>,
    /// What the files were when they were read last, and what was wrong with them.
    seen: Mutex<(Stamp, Option<String>)>,
}

#[derive(Debug)]
struct Loaded {
    certificate: Certificate,
    usual: Arc<ServerConfig>,
    /// For FIPS mode, unless the key is of a type that isn't approved.
    approved: Option<Arc<ServerConfig>>,
}

impl CurrentCertificate {
    pub(crate) fn new(tls: Tls) -> Result<Self, Error> {
        // Before the files are read: what changes meanwhile is seen at the next look.
        let stamp = files::stamp(&tls);
        let loaded = load(&tls)?;
        Ok(Self {
            tls,
            loaded: RwLock::new(Arc::new(loaded)),
            seen: Mutex::new((stamp, None)),
        })
    }

    /// What a handshake begins with; `None` where FIPS mode forbids the key.
    pub(crate) fn config(&self, fips: bool) -> Option<Arc<ServerConfig>> {
        let loaded = self.loaded.read();
        if fips {
            loaded.approved.clone()
        } else {
            Some(loaded.usual.clone())
        }
    }

    /// When it ends.
    pub(crate) fn not_after(&self) -> Timestamp {
        self.loaded.read().certificate.not_after
    }

    /// What administrators should know.
    pub(crate) fn warnings(&self, now: Timestamp) -> Vec<String> {
        let path = self.tls.certificate.display();
        let loaded = self.loaded.read().clone();
        let mut warnings: Vec<String> = loaded
            .certificate
            .problems(now)
            .into_iter()
            .map(|problem| format!("The listener's certificate {path}: {problem}."))
            .collect();
        if let Some(message) = &self.seen.lock().1 {
            warnings.push(format!(
                "The listener's certificate has changed, and the old one is still used: {message}."
            ));
        }
        if loaded.approved.is_none() {
            warnings.push(format!(
                "The key of the listener's certificate {path} is not of a type that FIPS mode allows: in that mode \
                 nobody can connect. Use RSA or ECDSA."
            ));
        }
        warnings
    }

    /// Looks at the files again and again, for as long as the server runs.
    pub(crate) async fn keep_current(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK_AGAIN).await;
            let this = self.clone();
            if let Err(error) = tokio::task::spawn_blocking(move || this.look()).await {
                tracing::error!(%error, "could not look at the listener's certificate");
            }
        }
    }

    /// Takes what has changed, if it is good; what is not leaves the old one in use.
    fn look(&self) {
        let stamp = files::stamp(&self.tls);
        if self.seen.lock().0 == stamp {
            return;
        }
        let trouble = match load(&self.tls) {
            Ok(loaded) => {
                tracing::info!(
                    certificate = %self.tls.certificate.display(),
                    not_after = %loaded.certificate.not_after,
                    "the listener has a new certificate"
                );
                *self.loaded.write() = Arc::new(loaded);
                None
            }
            Err(error) => {
                tracing::error!(%error, "the listener's new certificate is not used, and the old one is");
                Some(error.to_string())
            }
        };
        *self.seen.lock() = (stamp, trouble);
    }
}

fn load(tls: &Tls) -> Result<Loaded, Error> {
    let files = files::read(tls)?;
    let library = |source| Error::Library {
        path: tls.certificate.clone(),
        source,
    };
    let provider = aws_lc_rs::default_provider();
    let key = CertifiedKey::from_der(files.chain, files.key, &provider);
    let key = Arc::new(key.map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => Error::Key {
            path: tls.key.clone(),
            message: format!(
                "it doesn't belong to the first certificate in {}",
                tls.certificate.display()
            ),
        },
        rustls::Error::General(_) => Error::Key {
            path: tls.key.clone(),
            message:
                "expected RSA of at least 2048 bits, ECDSA over P-256, P-384 or P-521, or Ed25519".into(),
        },
        source => library(source),
    })?);
    Ok(Loaded {
        certificate: files.certificate,
        usual: Arc::new(versions::usual(tls.min_version, &key).map_err(library)?),
        approved: versions::approved(tls.min_version, &key)
            .transpose()
            .map_err(library)?
            .map(Arc::new),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

    use super::*;
    use crate::config::TlsVersion;

    /// A certificate that vouches for itself, and its key.
    fn renew(folder: &Path, name: &str) {
        let made = Command::new("openssl")
            .args(["req", "-x509", "-nodes", "-subj", "/CN=x", "-days", "30"])
            .args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
            .args(["-addext", &format!("subjectAltName=DNS:{name},IP:::1")])
            .args(["-keyout", "key.new", "-out", "certificate.new"])
            .current_dir(folder)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        fs::set_permissions(folder.join("key.new"), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn put(folder: &Path, name: &str) {
        fs::rename(folder.join(format!("{name}.new")), folder.join(name)).unwrap();
    }

    #[test]
    fn a_new_certificate_is_taken_when_it_is_good() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let tls = Tls {
            certificate: at.join("certificate"),
            key: at.join("key"),
            min_version: TlsVersion::Tls12,
        };
        renew(at, "first");
        put(at, "certificate");
        put(at, "key");
        assert_eq!(check(&tls).unwrap().names, ["first", "::1"]);
        let current = CurrentCertificate::new(tls).unwrap();
        let name = || current.loaded.read().certificate.names[0].clone();
        let warnings = || current.warnings(Timestamp::now()).join("\n");
        current.look();
        assert_eq!((name().as_str(), warnings().as_str()), ("first", ""));

        // Half of it: the old one goes on, and everybody may know.
        renew(at, "second");
        put(at, "certificate");
        current.look();
        assert_eq!(name(), "first");
        assert!(warnings().contains("doesn't belong"), "{}", warnings());
        assert!(current.config(false).is_some() && current.config(true).is_some());

        put(at, "key");
        current.look();
        assert_eq!((name().as_str(), warnings().as_str()), ("second", ""));

        // What the error advises is seen, though it writes nothing.
        renew(at, "third");
        fs::set_permissions(at.join("key.new"), fs::Permissions::from_mode(0o644)).unwrap();
        put(at, "certificate");
        put(at, "key");
        current.look();
        assert_eq!(name(), "second");
        assert!(warnings().contains("open to others"), "{}", warnings());
        fs::set_permissions(at.join("key"), fs::Permissions::from_mode(0o600)).unwrap();
        current.look();
        assert_eq!((name().as_str(), warnings().as_str()), ("third", ""));

        fs::remove_file(at.join("certificate")).unwrap();
        current.look();
        assert_eq!(name(), "third");
        assert!(warnings().contains("can't be read"), "{}", warnings());
    }
}
