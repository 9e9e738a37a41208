//! The certificates that this machine trusts: those of `SSL_CERT_FILE` and `SSL_CERT_DIR` where one of the two is set, else
//! of the usual places of the system.
//!
//! The OpenSSL that is built in knows no place of its own: the one it was compiled with is that of another system.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use openssl::x509::X509;
use parking_lot::Mutex;

/// They are read anew after this time, so that one that was added counts without a restart.
const FRESH: Duration = Duration::from_secs(600);

/// The trusted certificates, as they were read.
pub(super) struct TrustStore {
    /// All of them.
    pub(super) certificates: Vec<X509>,
    /// Why there may be fewer than expected.
    pub(super) problem: Option<String>,
}

/// The system's, read at most every ten minutes for the whole process: there are about 140, which takes longer than a
/// handshake.
pub(super) fn system() -> Arc<TrustStore> {
    static READ: Mutex<Option<(Instant, Arc<TrustStore>)>> = Mutex::new(None);
    let mut read = READ.lock();
    match &*read {
        Some((at, store)) if at.elapsed() < FRESH => store.clone(),
        _ => {
            let store = Arc::new(TrustStore::read());
            *read = Some((Instant::now(), store.clone()));
            store
        }
    }
}

impl TrustStore {
    fn read() -> Self {
        let found = rustls_native_certs::load_native_certs();
        // One that OpenSSL can't read vouches for nothing; the others still do.
        let certificates: Vec<X509> = found
            .certs
            .iter()
            .filter_map(|der| X509::from_der(der).ok())
            .collect();
        let problem = match found.errors.first() {
            Some(error) => Some(format!("the trust store of this machine could not be read: {error}")),
            None if certificates.is_empty() => Some(
                "this machine has no trust store: install its package ca-certificates, or name a file of certificates in \
                 SSL_CERT_FILE"
                    .to_owned(),
            ),
            None => None,
        };
        if let Some(problem) = &problem {
            tracing::warn!(certificates = certificates.len(), "{problem}");
        }
        Self {
            certificates,
            problem,
        }
    }
}
