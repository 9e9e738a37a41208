//! The TLS session that data connections resume.
//!
//! Servers tell by it that a data connection is of the same client as the control connection (`require_ssl_reuse` of
//! vsftpd, the default of ProFTPD), and save themselves a key exchange. With TLS 1.2 the session is there after the
//! handshake; with 1.3 the server sends tickets whenever it likes, which OpenSSL notices while it reads anything else.
//! So the newest is taken from OpenSSL's callback, on whichever line it comes.
//!
//! It is kept as DER, and each data connection gets an object of its own: an `SSL_SESSION` that was offered once is changed
//! by the handshake, and servers that replace tickets refuse it from the third upload on.

use std::{fmt, sync::Arc};

use openssl::{
    error::ErrorStack,
    ssl::{SslContextBuilder, SslRef, SslSession, SslSessionCacheMode},
};
use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretSlice};

/// The newest session of a control connection and its data connections. The master secret is in it.
#[derive(Clone, Default)]
pub(super) struct Resumption(Arc<Mutex<Option<SecretSlice<u8>>>>);

impl Resumption {
    /// Keeps what the lines of a context learn.
    pub(super) fn learn_from(&self, context: &mut SslContextBuilder) {
        // The callback is called only where there is a cache, and is the cache.
        context.set_session_cache_mode(SslSessionCacheMode::CLIENT | SslSessionCacheMode::NO_INTERNAL);
        let newest = self.0.clone();
        context.set_new_session_callback(move |_, session| match session.to_der() {
            Ok(der) => *newest.lock() = Some(SecretSlice::from(der)),
            Err(error) => tracing::debug!(%error, "a TLS session can't be kept"),
        });
    }

    /// Forgets: the next line is a control connection.
    pub(super) fn forget(&self) {
        *self.0.lock() = None;
    }

    /// Offers the newest session to the server of that line; false where there is none.
    pub(super) fn offer(&self, ssl: &mut SslRef) -> Result<bool, ErrorStack> {
        let session = match &*self.0.lock() {
            Some(der) => SslSession::from_der(der.expose_secret())?,
            None => return Ok(false),
        };
        set_session(ssl, &session)?;
        Ok(true)
    }
}

/// Has a line offer a session.
#[allow(unsafe_code)] // The one way to resume a session that the `openssl` crate has.
fn set_session(ssl: &mut SslRef, session: &SslSession) -> Result<(), ErrorStack> {
    // SAFETY: the session must belong to the line's context, or to none. It was made from DER a moment ago, so no context
    // knows it and nothing else holds it; OpenSSL counts the reference that the line takes.
    unsafe { ssl.set_session(session) }
}

impl fmt::Debug for Resumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.0.lock().is_some();
        f.debug_struct("Resumption").field("known", &known).finish()
    }
}
