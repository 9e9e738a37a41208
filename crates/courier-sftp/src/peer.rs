//! What a server tells of itself while a connection comes up, who is told, and who decides about it.

use std::sync::Arc;

use courier_keys::{KeyType, PublicKey};
use courier_transfer::{AuthMethod, Error, ErrorKind, HostKey, Observer, Result, ServerInfo, TrustDecider};
use parking_lot::Mutex;
use russh::{Names, keys::PublicKeyOrCertificate};
use tokio::runtime::Handle;

use crate::{algorithms, greeting::Greeting, known_hosts};

/// The other end of one connection.
///
/// The decider and the observer belong to the caller and may hold what lives on its runtime (a database,
/// say), so they run there and not on the session's thread.
#[derive(Debug)]
pub(crate) struct Peer {
    runtime: Handle,
    trust: Arc<dyn TrustDecider>,
    observer: Arc<dyn Observer>,
    /// FIPS mode rules the connection.
    fips: bool,
    greeting: Mutex<Greeting>,
    info: Mutex<ServerInfo>,
    /// What the server was to sign by, as agreed on.
    host_key_algorithm: Mutex<Option<String>>,
    /// The server's host key is shorter than it should be: so many bits.
    short_key: Mutex<Option<u32>>,
    stage: Mutex<&'static str>,
}

impl Peer {
    /// To be called on the caller's runtime.
    pub(crate) fn new(trust: Arc<dyn TrustDecider>, observer: Arc<dyn Observer>, fips: bool) -> Self {
        Self {
            runtime: Handle::current(),
            trust,
            observer,
            fips,
            greeting: Mutex::default(),
            info: Mutex::default(),
            host_key_algorithm: Mutex::default(),
            short_key: Mutex::default(),
            stage: Mutex::new("connecting"),
        }
    }

    /// What is being waited for, for the text of a timeout.
    pub(crate) fn enter(&self, stage: &'static str) {
        *self.stage.lock() = stage;
    }

    pub(crate) fn stage(&self) -> &'static str {
        *self.stage.lock()
    }

    /// What is known until now.
    pub(crate) fn info(&self) -> ServerInfo {
        self.info.lock().clone()
    }

    /// Takes the first bytes of the stream, as they arrive; false once no more are wanted.
    pub(crate) fn heard(&self, bytes: &[u8]) -> bool {
        let mut greeting = self.greeting.lock();
        let wants_more = |greeting: &Greeting| !greeting.is_finished();
        if greeting.push(bytes) {
            let (banner, algorithms) = (
                greeting.banner().map(str::to_owned),
                greeting.algorithms().cloned(),
            );
            let wants_more = wants_more(&greeting);
            drop(greeting);
            if banner.is_some() {
                self.enter("exchanging keys with the server");
            }
            self.learn(|info| (info.banner, info.algorithms) = (banner, algorithms));
            return wants_more;
        }
        wants_more(&greeting)
    }

    /// The server's host key is there: may the connection go on?
    pub(crate) async fn decide(&self, key: &PublicKeyOrCertificate) -> Result<()> {
        let key = key.public_key();
        let unreadable = |_| Error::new(ErrorKind::HostKey, "the server's host key cannot be read");
        let blob = key.to_bytes().map_err(unreadable)?;
        let presented = HostKey {
            key_type: key.algorithm().as_str().to_owned(),
            fingerprint: known_hosts::fingerprint(&blob),
            public_key: known_hosts::base64(&blob),
        };
        self.learn(|info| info.host_key = Some(presented.clone()));
        let key_type = PublicKey::new(key.clone()).map(|key| key.key_type()).ok();
        if let Some(KeyType::Rsa(bits)) = key_type.filter(|key_type| !key_type.is_fips_approved()) {
            *self.short_key.lock() = Some(bits);
        }
        if self.fips && !key_type.is_some_and(KeyType::is_fips_approved) {
            let name = key_type.map_or_else(|| presented.key_type.clone(), |key_type| key_type.to_string());
            return Err(Error::new(
                ErrorKind::NotFips,
                format!(
                    "the server's host key {} is of the type {name}, which FIPS mode does not allow; it allows RSA from 2048 \
                     bits and ECDSA. No credential was sent",
                    presented.fingerprint
                ),
            ));
        }
        let trust = Arc::clone(&self.trust);
        self.on_callers_runtime(async move { trust.host_key(&presented).await })
            .await
    }

    /// The algorithms are agreed on.
    pub(crate) fn negotiated(&self, names: &Names) {
        *self.host_key_algorithm.lock() = Some(names.key.as_str().to_owned());
        let cipher = names.cipher.as_ref();
        let mut agreed = vec![cipher, names.kex.as_ref(), names.key.as_str()];
        // An AEAD cipher brings its own.
        if !cipher.contains("gcm") && !cipher.contains("poly1305") {
            agreed.push(names.client_mac.as_ref());
        }
        let is_weak = |name: &&&str| algorithms::weakness(name).is_some();
        let mut weak: Vec<String> = agreed.iter().filter(is_weak).map(ToString::to_string).collect();
        weak.extend((*self.short_key.lock()).map(|bits| format!("a host key of {bits} bits")));
        let warning = match weak.is_empty() {
            true => String::new(),
            false => format!("; weak: {}", weak.join(", ")),
        };
        let words = format!("{}{warning}", agreed.join(", "));
        let agreed = agreed.into_iter().map(str::to_owned).collect();
        self.learn(|info| {
            info.negotiated = Some(words);
            info.agreed = agreed;
        });
    }

    /// What the server was to sign by.
    pub(crate) fn host_key_algorithm(&self) -> Option<String> {
        self.host_key_algorithm.lock().clone()
    }

    /// The extensions of its VERSION.
    pub(crate) fn extensions(&self, extensions: Vec<String>) {
        self.learn(|info| info.extensions = extensions);
    }

    /// A credential was accepted.
    pub(crate) async fn authenticated(&self, method: AuthMethod) -> Result<()> {
        let (observer, info) = (Arc::clone(&self.observer), self.info());
        self.on_callers_runtime(async move { observer.authenticated(&info, &method).await })
            .await
    }

    /// The first line of a server that is no SSH server; `None` where it said nothing, or is one.
    pub(crate) fn first_line(&self) -> Option<String> {
        self.greeting.lock().first_line()
    }

    fn learn(&self, change: impl FnOnce(&mut ServerInfo)) {
        let info = {
            let mut info = self.info.lock();
            change(&mut info);
            info.clone()
        };
        let _runtime = self.runtime.enter();
        self.observer.learnt(&info);
    }

    async fn on_callers_runtime(&self, ask: impl Future<Output = Result<()>> + Send + 'static) -> Result<()> {
        self.runtime.spawn(ask).await.unwrap_or_else(|e| {
            Err(Error::new(
                ErrorKind::Cancelled,
                "the question about the server was not answered",
            )
            .with_source(e))
        })
    }
}
