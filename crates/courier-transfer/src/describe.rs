//! What the connections of a protocol consist of, for those who keep, show and check them.

use std::fmt;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::settings::Setting;

/// Every SSH algorithm that a protocol can be told to offer, the best first.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct KnownAlgorithms {
    /// Choices of them that have a name, each with what it takes.
    pub presets: &'static [(&'static str, &'static str)],
    /// Key exchange methods.
    pub key_exchange: &'static [KnownAlgorithm],
    /// Ciphers.
    pub encryption: &'static [KnownAlgorithm],
    /// Message authentication codes.
    pub mac: &'static [KnownAlgorithm],
    /// Host key signature algorithms.
    pub host_key: &'static [KnownAlgorithm],
}

/// One algorithm.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct KnownAlgorithm {
    /// Its name.
    pub name: &'static str,
    /// Why nobody should need it; none where it is sound.
    pub weak: Option<&'static str>,
    /// Approved in FIPS mode.
    pub fips: bool,
}

/// What a protocol is to those who open no session: a name, and a table of its settings with the rules about them.
pub trait Describe: Send + Sync + fmt::Debug {
    /// Its name in the API (`sftp`).
    fn name(&self) -> &'static str;

    /// What it is and when to take it, in a sentence or two.
    fn help(&self) -> &'static str;

    /// The port where none is given; `None` where the protocol has no host at all.
    fn default_port(&self, settings: &Map<String, Value>) -> Option<u16>;

    /// Its own settings, beyond what every connection has. One table drives validation, help, docs and redaction.
    fn settings(&self) -> &'static [Setting];

    /// Does it move files, in sessions? Then its connections have a login name, a base path, and what tunes sessions.
    fn moves_files(&self) -> bool {
        true
    }

    /// What is in a setting that is an object, as a table; empty where it says that otherwise.
    fn inside(&self, setting: &str) -> &'static [Setting] {
        let _ = setting;
        &[]
    }

    /// Every algorithm that its settings may name.
    fn algorithms(&self) -> Option<KnownAlgorithms> {
        None
    }

    /// Why nobody should need an algorithm that a server has, known here or not.
    fn weakness(&self, algorithm: &str) -> Option<&'static str> {
        let _ = algorithm;
        None
    }

    /// How it can authenticate, in the API's words (`password`, `ssh_key`, …), the recommended way first.
    fn auth_methods(&self) -> &'static [&'static str];

    /// Settings that are not given and follow from the port, for those who look at a connection.
    fn implied(&self, settings: &Map<String, Value>, port: u16) -> Vec<(&'static str, Value)> {
        let _ = (settings, port);
        Vec::new()
    }

    /// Checks settings beyond their types, when a connection is saved: for example that algorithm
    /// names exist. Gives the name of the setting and what is wrong with it.
    fn check(&self, settings: &Map<String, Value>) -> Vec<(String, String)> {
        let _ = settings;
        Vec::new()
    }

    /// Where a secret of this name is sent beside the connection's own host and port, in one spelling for one place: it is
    /// sealed for that, too, and cleared where that changes.
    fn secret_goes_to(&self, field: &str, settings: &Map<String, Value>) -> Option<String> {
        let _ = (field, settings);
        None
    }

    /// Checks a client certificate when a connection is saved: PEM that holds a certificate and its unencrypted private key.
    /// Says what is wrong with it, never what it holds.
    fn check_client_certificate(&self, pem: &SecretString) -> Result<(), String> {
        let _ = pem;
        Err("is not taken by this protocol".into())
    }

    /// When a client certificate ends; none where it can't be read.
    fn client_certificate_ends(&self, pem: &SecretString) -> Option<Timestamp> {
        let _ = pem;
        None
    }

    /// What is insecure or weak in these settings, in words, for the connection's `warnings`.
    fn warnings(&self, settings: &Map<String, Value>) -> Vec<String> {
        let _ = settings;
        Vec::new()
    }

    /// What FIPS mode does not allow in these settings: the name of the setting, and what of it, in words.
    ///
    /// Approved are AES in GCM and CTR mode, SHA-2, HMAC with it, key agreement and signatures over P-256, P-384 and P-521,
    /// RSA from 2048 bits, and Diffie-Hellman over groups 14 to 18 with SHA-2. A protocol that has no cryptography has
    /// nothing to refuse.
    fn not_fips(&self, settings: &Map<String, Value>) -> Vec<(String, String)> {
        let _ = settings;
        Vec::new()
    }

    /// Why a client certificate can't be used in FIPS mode; nothing of what it holds.
    fn client_certificate_not_fips(&self, pem: &SecretString) -> Option<String> {
        let _ = pem;
        None
    }
}
