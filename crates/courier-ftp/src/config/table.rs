//! The settings of a connection, as forms and documentation show them.

use courier_transfer::{
    CertificatePolicy,
    settings::{Default, Group, Kind, Setting},
};

use super::options::Quirks;

pub(crate) const FTPS_MODE: &str = "ftps_mode";
pub(crate) const EXPLICIT: &str = "explicit";
pub(crate) const IMPLICIT: &str = "implicit";
pub(crate) const FLOOR: &str = "tls_version_floor";
pub(crate) const CRL: &str = "tls_crl_pem";
pub(crate) const PASSIVE: &str = "passive_mode";
pub(crate) const ZONE: &str = "server_timezone";
pub(crate) const ENCODING: &str = "encoding";
pub(crate) const QUIRKS: &str = "quirks";
pub(crate) const PORT_RANGE: &str = "active_port_range";
pub(crate) const EXTERNAL_ADDRESS: &str = "external_address";
pub(crate) const TRANSFER_TYPE: &str = "transfer_type";
pub(crate) const BINARY: &str = "binary";
pub(crate) const ASCII: &str = "ascii";

const PASSIVE_MODE: Setting = Setting::optional(
    PASSIVE,
    Kind::Bool,
    "Data connections are made to the server (passive). Switch it off only where the server cannot be reached that way: \
     then the server connects to this machine, and needs a way to it.",
)
.or(Default::Bool(true));

const SERVER_TIMEZONE: Setting = Setting::optional(
    ZONE,
    Kind::Text,
    "The time zone of the times in the server's listings, by its IANA name (Europe/Berlin). Of no effect where the server \
     tells times in UTC (MLSD, MDTM).",
)
.or(Default::Text("UTC"));

const NAMES: Setting = Setting::optional(
    ENCODING,
    Kind::Text,
    "The encoding of file names on a server that does not offer UTF-8, by its WHATWG label: windows-1252, shift_jis, \
     gb18030. Without it, names go as UTF-8.",
);

const QUIRK_LIST: Setting = Setting::optional(
    QUIRKS,
    Kind::TextList,
    "Ways around faults of a server, each off by default.",
)
.meaning(Quirks::WORDS);

const ACTIVE_PORTS: Setting = Setting::optional(
    PORT_RANGE,
    Kind::Text,
    "Active mode: the ports that the server may connect to, as 40000-40100. Without it, any free port.",
)
.when(PASSIVE, &[Default::Bool(false)]);

const EXTERNAL: Setting = Setting::optional(
    EXTERNAL_ADDRESS,
    Kind::Text,
    "Active mode: the address that the server is told to connect to, where this machine is behind a router.",
)
.when(PASSIVE, &[Default::Bool(false)]);

const TYPE: Setting = Setting::optional(
    TRANSFER_TYPE,
    Kind::Choice {
        choices: &[BINARY, ASCII],
    },
    "binary moves bytes as they are. ascii has the server translate line ends, for text on old hosts; sizes are not compared \
     then, and nothing is resumed.",
)
.or(Default::Text(BINARY));

const MODE: Setting = Setting::optional(
    FTPS_MODE,
    Kind::Choice {
        choices: &[EXPLICIT, IMPLICIT],
    },
    "explicit begins in clear, on port 21, and asks for TLS before anything else; implicit is TLS from the first byte on, on \
     port 990. Without it, the port decides.",
);

const OLDEST_TLS: Setting = Setting::optional(
    FLOOR,
    Kind::Choice {
        choices: &["tls_1_0", "tls_1_1", "tls_1_2", "tls_1_3"],
    },
    "The oldest version of TLS that is accepted. Below tls_1_2 it is weak: only for servers that know nothing newer.",
)
.or(Default::Text("tls_1_2"))
.in_group(Group::Trust);

const POLICY: Setting = Setting::optional(
    CertificatePolicy::SETTING,
    Kind::Choice {
        choices: &[
            CertificatePolicy::SYSTEM_TRUST,
            CertificatePolicy::PINNED,
            CertificatePolicy::INSECURE,
        ],
    },
    "system_trust accepts certificates that this machine's trust store vouches for; pinned_thumbprint this one and no other, \
     self-signed or not; insecure any, so that whoever is on the way can read the password.",
)
.or(Default::Text(CertificatePolicy::SYSTEM_TRUST))
.in_group(Group::Trust);

const PIN: Setting = Setting::optional(
    CertificatePolicy::PIN_SETTING,
    Kind::Text,
    "The SHA-256 thumbprint of the server's certificate, for the policy pinned_thumbprint. A connection test shows the one \
     that the server presents; compare it with its operator.",
)
.in_group(Group::Trust)
.when(CertificatePolicy::SETTING, &[Default::Text(CertificatePolicy::PINNED)]);

const REVOKED: Setting = Setting::optional(
    CRL,
    Kind::LongText,
    "Lists of revoked certificates (CRL) as PEM. A certificate that one of them names is refused.",
)
.in_group(Group::Trust);

const CLIENT_CERTIFICATE: Setting = Setting::optional(
    "client_certificate",
    Kind::LongText,
    "A certificate and its unencrypted private key as PEM, for a server that asks for one. A secret: it is never shown.",
)
.in_group(Group::Login);

/// Of `ftp`.
pub(super) static FTP: &[Setting] = &[
    PASSIVE_MODE,
    SERVER_TIMEZONE,
    NAMES,
    QUIRK_LIST,
    ACTIVE_PORTS,
    EXTERNAL,
    TYPE,
];

/// Of `ftps`.
pub(super) static FTPS: &[Setting] = &[
    MODE,
    OLDEST_TLS,
    POLICY,
    PIN,
    REVOKED,
    CLIENT_CERTIFICATE,
    PASSIVE_MODE,
    SERVER_TIMEZONE,
    NAMES,
    QUIRK_LIST,
    ACTIVE_PORTS,
    EXTERNAL,
    TYPE,
];
