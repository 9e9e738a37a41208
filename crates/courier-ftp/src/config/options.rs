//! What the settings say, read once a connection.

use std::{net::IpAddr, ops::RangeInclusive};

use courier_transfer::{Error, ErrorKind, Result};
use encoding_rs::Encoding;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::table;
use crate::tls::TlsOptions;

/// The settings of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Data connections are made to the server.
    pub(crate) passive: bool,
    /// The zone of the times in a LIST.
    pub(crate) zone: TimeZone,
    /// Of names, where the server has no UTF-8.
    pub(crate) encoding: Option<&'static Encoding>,
    /// Ways around faults.
    pub(crate) quirks: Quirks,
    /// Where to listen in active mode.
    pub(crate) port_range: Option<RangeInclusive<u16>>,
    /// What to tell the server in active mode.
    pub(crate) external_address: Option<IpAddr>,
    /// The server translates line ends.
    pub(crate) ascii: bool,
    /// `None` for plain FTP.
    pub(crate) tls: Option<TlsOptions>,
}

/// Declares the quirks once: the field, and by its name the word in the settings.
macro_rules! quirks {
    ($(#[doc = $help:literal] $name:ident,)*) => {
        /// Ways around faults of servers, each off by default.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub(crate) struct Quirks {
            $(#[doc = $help] pub(crate) $name: bool,)*
        }

        impl Quirks {
            /// Their names, each with what it does.
            pub(super) const WORDS: &'static [(&'static str, &'static str)] =
                &[$((stringify!($name), $help.trim_ascii()),)*];

            /// Switches one on; false where there is none of that name.
            fn set(&mut self, name: &str) -> bool {
                match name {
                    $(stringify!($name) => self.$name = true,)*
                    _ => return false,
                }
                true
            }
        }
    };
}

quirks! {
    /// Asks for PASV at once, and never for EPSV.
    no_epsv,
    /// Lists by LIST, though the server offers MLSD.
    no_mlsd,
    /// Looks at files by SIZE, MDTM and CWD, though the server offers MLST.
    no_mlst,
    /// Lists by LIST -a, so that hidden files show.
    list_all,
    /// Goes into a folder and lists it without naming it: for servers whose LIST takes no path, or none with spaces.
    cwd_listing,
    /// Does not use UTF-8 for names, though the server offers it.
    no_utf8,
    /// Takes the address in a reply to PASV as it is. The server may send data connections to any host then.
    trust_pasv_address,
    /// Ends a transfer by closing the session, not by ABOR.
    no_abort,
    /// Sends PRET before PASV, for servers that hand transfers out (drftpd).
    pret,
    /// Leaves files and listings unencrypted, though the login is encrypted.
    clear_data,
}

impl Options {
    /// What the settings say.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`], with the first of the problems.
    pub(crate) fn of(settings: &Map<String, Value>, tls: Option<TlsOptions>) -> Result<Self> {
        let mut reading = Reading::new(settings);
        let options = Self {
            passive: settings.get(table::PASSIVE).and_then(Value::as_bool) != Some(false),
            zone: reading.zone(),
            encoding: reading.encoding(),
            quirks: reading.quirks(),
            port_range: reading.port_range(),
            external_address: reading.external_address(),
            ascii: reading.text(table::TRANSFER_TYPE) == Some(table::ASCII),
            tls,
        };
        match reading.problems.into_iter().next() {
            None => Ok(options),
            Some((field, problem)) => Err(Error::new(
                ErrorKind::Invalid,
                format!("the setting {field} {problem}"),
            )),
        }
    }
}

/// What is wrong with the settings, each by its name.
pub(super) fn problems(settings: &Map<String, Value>) -> Vec<(String, String)> {
    let mut reading = Reading::new(settings);
    reading.zone();
    reading.encoding();
    reading.quirks();
    reading.port_range();
    reading.external_address();
    reading.problems
}

/// What is weak in the settings that plain FTP and FTPS share.
pub(super) fn warnings(settings: &Map<String, Value>) -> Vec<String> {
    let quirks = Reading::new(settings).quirks();
    let mut warnings = Vec::new();
    if quirks.clear_data {
        warnings.push(
            "the quirk clear_data: files and listings go unencrypted, and can be read and changed on the way"
                .into(),
        );
    }
    if quirks.trust_pasv_address {
        warnings.push(
            "the quirk trust_pasv_address: the server may send data connections to any host, also to one within this \
             network"
                .into(),
        );
    }
    warnings
}

/// Reads settings, and collects what is wrong with them.
struct Reading<'a> {
    settings: &'a Map<String, Value>,
    problems: Vec<(String, String)>,
}

impl<'a> Reading<'a> {
    fn new(settings: &'a Map<String, Value>) -> Self {
        Self {
            settings,
            problems: Vec::new(),
        }
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.settings.get(name).and_then(Value::as_str)
    }

    fn wrong(&mut self, field: &str, problem: impl Into<String>) {
        self.problems.push((field.to_owned(), problem.into()));
    }

    fn zone(&mut self) -> TimeZone {
        let Some(name) = self.text(table::ZONE) else {
            return TimeZone::UTC;
        };
        TimeZone::get(name).unwrap_or_else(|_| {
            self.wrong(
                table::ZONE,
                format!("is no time zone that is known here: \"{name}\"; expected an IANA name such as Europe/Berlin"),
            );
            TimeZone::UTC
        })
    }

    fn encoding(&mut self) -> Option<&'static Encoding> {
        let label = self.text(table::ENCODING)?;
        // Others cannot be told from commands by a server that reads bytes.
        let known = Encoding::for_label_no_replacement(label.as_bytes())
            .filter(|encoding| encoding.is_ascii_compatible());
        if known.is_none() {
            self.wrong(
                table::ENCODING,
                format!(
                    "is no encoding of file names: \"{label}\"; expected a label such as utf-8, windows-1252, \
                     iso-8859-2, shift_jis, euc-kr or gb18030"
                ),
            );
        }
        known
    }

    fn quirks(&mut self) -> Quirks {
        let mut quirks = Quirks::default();
        let names = self.settings.get(table::QUIRKS).and_then(Value::as_array);
        for name in names.into_iter().flatten().filter_map(Value::as_str) {
            if !quirks.set(name) {
                let known: Vec<&str> = Quirks::WORDS.iter().map(|(name, _)| *name).collect();
                let known = known.join(", ");
                self.wrong(
                    table::QUIRKS,
                    format!("has \"{name}\", which is not known; known are {known}"),
                );
            }
        }
        quirks
    }

    fn port_range(&mut self) -> Option<RangeInclusive<u16>> {
        let text = self.text(table::PORT_RANGE)?;
        let port = |text: &str| text.trim().parse().ok().filter(|port: &u16| *port > 0);
        let range = match text.split_once('-') {
            Some((first, last)) => port(first).zip(port(last)),
            None => port(text).map(|port| (port, port)),
        };
        match range {
            Some((first, last)) if first <= last => Some(first..=last),
            _ => {
                self.wrong(
                    table::PORT_RANGE,
                    format!("is no range of ports: \"{text}\"; expected two numbers from 1 to 65535, as 40000-40100"),
                );
                None
            }
        }
    }

    fn external_address(&mut self) -> Option<IpAddr> {
        let text = self.text(table::EXTERNAL_ADDRESS)?;
        match text.trim().parse() {
            Ok(address) if !IpAddr::is_unspecified(&address) => Some(address),
            _ => {
                self.wrong(
                    table::EXTERNAL_ADDRESS,
                    format!("is no address: \"{text}\"; expected one such as 203.0.113.7"),
                );
                None
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn settings_are_read() {
        let settings = map(json!({
            "passive_mode": false, "server_timezone": "America/New_York", "encoding": "latin1",
            "quirks": ["no_epsv", "pret"], "active_port_range": "40000-40100",
            "external_address": "203.0.113.7", "transfer_type": "ascii",
        }));
        let options = Options::of(&settings, None).unwrap();
        assert!(!options.passive && options.ascii && options.quirks.no_epsv && options.quirks.pret);
        assert!(!options.quirks.no_abort);
        assert_eq!(options.zone.iana_name(), Some("America/New_York"));
        assert_eq!(options.encoding, Some(encoding_rs::WINDOWS_1252));
        assert_eq!(options.port_range, Some(40000..=40100));
        assert_eq!(options.external_address, "203.0.113.7".parse().ok());
        let plain = Options::of(&Map::new(), None).unwrap();
        assert!(plain.passive && !plain.ascii && plain.quirks == Quirks::default());
    }

    #[test]
    fn everything_that_is_wrong_is_named() {
        let problems = problems(&map(json!({
            "server_timezone": "Mars/Olympus", "encoding": "utf-16le", "quirks": ["no_epsv", "odd"],
            "active_port_range": "5000-4000", "external_address": "example.com",
        })));
        let fields: Vec<&str> = problems.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "server_timezone",
                "encoding",
                "quirks",
                "active_port_range",
                "external_address"
            ]
        );
        assert!(
            problems
                .iter()
                .any(|(_, p)| p.contains("\"odd\"") && p.contains("clear_data"))
        );
    }

    #[test]
    fn every_quirk_says_what_it_does() {
        for (name, help) in Quirks::WORDS {
            assert!(help.ends_with('.') && !help.starts_with(' '), "{name}: {help:?}");
            assert!(Quirks::default().set(name));
        }
    }
}
