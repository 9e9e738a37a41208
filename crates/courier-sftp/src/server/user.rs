//! Who may log in, and how.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use courier_keys::PublicKey;
use russh::{MethodKind, keys::ssh_key};
use secrecy::{ExposeSecret, SecretString};

/// Somebody who may log in: with the password or one of the keys, unless more is asked for.
#[derive(Debug)]
pub struct User {
    pub(super) name: String,
    password: Option<SecretString>,
    keys: Vec<PublicKey>,
    pub(super) needs_both: bool,
    pub(super) is_interactive: bool,
}

impl User {
    /// Nobody can log in as this user yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            password: None,
            keys: Vec::new(),
            needs_both: false,
            is_interactive: false,
        }
    }

    /// With this password.
    #[must_use]
    pub fn password(mut self, password: SecretString) -> Self {
        self.password = Some(password);
        self
    }

    /// With this key, too.
    #[must_use]
    pub fn key(mut self, key: PublicKey) -> Self {
        self.keys.push(key);
        self
    }

    /// A key and then the password.
    #[must_use]
    pub fn needs_both(mut self) -> Self {
        self.needs_both = true;
        self
    }

    /// The password is asked for by keyboard-interactive (RFC 4256) only.
    #[must_use]
    pub fn asks_interactively(mut self) -> Self {
        self.is_interactive = true;
        self
    }

    pub(super) fn methods(&self) -> impl Iterator<Item = MethodKind> + use<> {
        let with_password = if self.is_interactive {
            MethodKind::KeyboardInteractive
        } else {
            MethodKind::Password
        };
        let keys = (!self.keys.is_empty()).then_some(MethodKind::PublicKey);
        let password = self.password.is_some().then_some(with_password);
        keys.into_iter().chain(password)
    }

    pub(super) fn has_password(&self, password: &[u8]) -> bool {
        self.password
            .as_ref()
            .is_some_and(|own| verify_slices_are_equal(own.expose_secret().as_bytes(), password).is_ok())
    }

    pub(super) fn has_key(&self, key: &ssh_key::PublicKey) -> bool {
        self.keys
            .iter()
            .any(|own| own.inner().key_data() == key.key_data())
    }
}
