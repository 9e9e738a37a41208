//! FTP and FTPS as protocols: their names, their settings, and the way in.

mod options;
mod secured;
mod table;

pub(crate) use options::Options;

use std::sync::Arc;

use async_trait::async_trait;
use courier_transfer::{Client, ConnectOptions, Describe, Protocol, Result, Target, settings::Setting};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::{client::FtpClient, tls};

/// The port of TLS from the first byte on (RFC 4217 leaves it to habit).
const IMPLICIT_PORT: u16 = 990;
const PORT: u16 = 21;
const AUTH_METHODS: &[&str] = &["password", "none"];

/// Plain FTP: nothing is encrypted.
#[derive(Clone, Copy, Debug, Default)]
pub struct FtpProtocol;

/// FTP over TLS: explicit, which begins in clear and asks for TLS, or implicit, which is TLS from the first byte on.
#[derive(Clone, Copy, Debug, Default)]
pub struct FtpsProtocol;

/// Does TLS begin with the connection? As `ftps_mode` says; else on the port that is for it.
pub(crate) fn is_implicit(settings: &Map<String, Value>, port: u16) -> bool {
    match settings.get(table::FTPS_MODE).and_then(Value::as_str) {
        Some(mode) => mode == table::IMPLICIT,
        None => port == IMPLICIT_PORT,
    }
}

impl Describe for FtpProtocol {
    fn name(&self) -> &'static str {
        "ftp"
    }

    fn help(&self) -> &'static str {
        "Files without encryption: whoever is on the way reads the password and the files, and can change them. Only where the \
         partner has nothing else."
    }

    fn default_port(&self, _settings: &Map<String, Value>) -> Option<u16> {
        Some(PORT)
    }

    fn settings(&self) -> &'static [Setting] {
        table::FTP
    }

    fn auth_methods(&self) -> &'static [&'static str] {
        AUTH_METHODS
    }

    fn check(&self, settings: &Map<String, Value>) -> Vec<(String, String)> {
        options::problems(settings)
    }

    fn warnings(&self, settings: &Map<String, Value>) -> Vec<String> {
        let clear = "FTP without TLS: the password and all data can be read and changed on the way; use FTPS or SFTP where \
                     the server has it";
        std::iter::once(clear.to_owned())
            .chain(options::warnings(settings))
            .collect()
    }
}

#[async_trait]
impl Protocol for FtpProtocol {
    async fn connect(&self, target: Target, options: ConnectOptions) -> Result<Arc<dyn Client>> {
        Ok(Arc::new(FtpClient::connect(target, options, None).await?))
    }
}

impl Describe for FtpsProtocol {
    fn name(&self) -> &'static str {
        "ftps"
    }

    fn help(&self) -> &'static str {
        "FTP over TLS: encrypted, and the server proves who it is by a certificate. For partners without SFTP."
    }

    fn default_port(&self, settings: &Map<String, Value>) -> Option<u16> {
        match is_implicit(settings, IMPLICIT_PORT) {
            true => Some(IMPLICIT_PORT),
            false => Some(PORT),
        }
    }

    fn settings(&self) -> &'static [Setting] {
        table::FTPS
    }

    fn auth_methods(&self) -> &'static [&'static str] {
        AUTH_METHODS
    }

    fn implied(&self, settings: &Map<String, Value>, port: u16) -> Vec<(&'static str, Value)> {
        let mode = match is_implicit(settings, port) {
            true => table::IMPLICIT,
            false => table::EXPLICIT,
        };
        vec![(table::FTPS_MODE, Value::from(mode))]
    }

    fn check(&self, settings: &Map<String, Value>) -> Vec<(String, String)> {
        let mut problems = options::problems(settings);
        problems.extend(secured::problems(settings));
        problems
    }

    fn check_client_certificate(&self, pem: &SecretString) -> Result<(), String> {
        tls::check_client_certificate(pem)
    }

    fn weakness(&self, algorithm: &str) -> Option<&'static str> {
        secured::weakness(algorithm)
    }

    fn client_certificate_ends(&self, pem: &SecretString) -> Option<Timestamp> {
        tls::client_certificate_ends(pem)
    }

    fn not_fips(&self, settings: &Map<String, Value>) -> Vec<(String, String)> {
        secured::not_fips(settings)
    }

    fn client_certificate_not_fips(&self, pem: &SecretString) -> Option<String> {
        tls::client_certificate_not_fips(pem)
    }

    fn warnings(&self, settings: &Map<String, Value>) -> Vec<String> {
        let mut warnings = secured::warnings(settings);
        warnings.extend(options::warnings(settings));
        warnings
    }
}

#[async_trait]
impl Protocol for FtpsProtocol {
    async fn connect(&self, target: Target, options: ConnectOptions) -> Result<Arc<dyn Client>> {
        let tls = secured::options(&target.settings, options.fips);
        Ok(Arc::new(FtpClient::connect(target, options, Some(tls)).await?))
    }
}
