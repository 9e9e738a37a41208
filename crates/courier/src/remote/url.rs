//! Where a one-off command works: `sftp://[user@]host[:port]/path`, the same with `ftp`, `ftpes` and `ftps`, and
//! `file:///path`.
//!
//! Not a general URL parser (RFC 3986) on purpose: `?`, `#` and `[` are parts of file names and patterns here,
//! and a `..` must be refused, not resolved.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use courier_transfer::RemotePath;

/// The ways to files that a URL can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Sftp,
    /// FTP in the clear.
    Ftp,
    /// FTPS, explicit: TLS after a greeting in the clear (RFC 4217).
    Ftpes,
    /// FTPS, implicit: TLS from the first byte, on a port of its own.
    Ftps,
    File,
}

impl Scheme {
    const ALL: [Self; 5] = [Self::Sftp, Self::Ftp, Self::Ftpes, Self::Ftps, Self::File];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Sftp => "sftp",
            Self::Ftp => "ftp",
            Self::Ftpes => "ftpes",
            Self::Ftps => "ftps",
            Self::File => "file",
        }
    }

    /// The name of its protocol.
    pub(crate) fn protocol(self) -> &'static str {
        match self {
            Self::Sftp => "sftp",
            Self::Ftp => "ftp",
            Self::Ftpes | Self::Ftps => "ftps",
            Self::File => "local",
        }
    }

    /// Is it FTP, with TLS or without?
    pub(crate) fn is_ftp(self) -> bool {
        matches!(self, Self::Ftp | Self::Ftpes | Self::Ftps)
    }

    /// Does the server show a certificate?
    pub(crate) fn has_certificate(self) -> bool {
        matches!(self, Self::Ftpes | Self::Ftps)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.as_str())
    }
}

/// The server part of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) scheme: Scheme,
    /// Empty for `file:`.
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    pub(crate) user: Option<String>,
}

/// A URL of a one-off command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) endpoint: Endpoint,
    /// The path; where [`pattern`](Self::pattern) is set, the characters of a pattern stand for themselves here.
    pub(crate) path: RemotePath,
    /// The path as a pattern, where it has a `*`, `?`, `[…]` or `{…}` that was not written in percent encoding.
    pub(crate) pattern: Option<String>,
    /// Ended in `/`, so a folder is meant.
    pub(crate) is_folder: bool,
}

impl Location {
    /// The same server, another path.
    pub(crate) fn at(&self, path: &RemotePath) -> String {
        let path = if path.is_absolute() {
            path.to_text()
        } else if path.is_top() {
            "/~/".to_owned()
        } else {
            format!("/~/{path}")
        };
        format!("{}{path}", self.endpoint)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.at(&self.path))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.scheme)?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?;
        } else {
            f.write_str(&self.host)?;
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// Does the argument look like a URL, and not like a local path?
pub(crate) fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| {
        !scheme.is_empty()
            && scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    })
}

impl FromStr for Location {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| format!("\"{text}\" is no URL; expected e.g. sftp://user@host/folder/file"))?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let named = |known: &Scheme| known.as_str().eq_ignore_ascii_case(scheme);
        let endpoint = match Scheme::ALL.into_iter().find(named) {
            Some(Scheme::File) => local(authority)?,
            Some(scheme) => server(scheme, authority)?,
            None => {
                return Err(format!(
                    "{scheme}:// is not known; use sftp://, ftp://, ftpes:// (explicit TLS), ftps:// (implicit TLS) or \
                     file://"
                ));
            }
        };
        let bare = match path {
            "" | "/~" => ".",
            _ => path
                .strip_prefix("/~/")
                .map_or(path, |rest| if rest.is_empty() { "." } else { rest }),
        };
        let home = if endpoint.scheme == Scheme::File && !bare.starts_with('/') {
            home_folder()?
        } else {
            None
        };
        let path_of = |bytes: Vec<u8>| {
            let path =
                RemotePath::new(bytes).map_err(|e| format!("the path of {text} can't be used: {e}"))?;
            Ok::<_, String>(
                home.as_ref()
                    .map_or_else(|| path.clone(), |home| home.join_below(&path)),
            )
        };
        let pattern = if bare.contains(['*', '?', '[', '{']) {
            let pattern = String::from_utf8(decode(bare, true)?).map_err(|_| {
                format!("the pattern of {text} is not UTF-8; a name that is not can only be given whole")
            })?;
            Some(
                home.as_ref()
                    .map_or_else(|| pattern.clone(), |home| format!("{}/{pattern}", escaped(home))),
            )
        } else {
            None
        };
        Ok(Self {
            path: path_of(decode(bare, false)?)?,
            pattern,
            is_folder: path.ends_with('/'),
            endpoint,
        })
    }
}

/// Reads a [`Location`] from an argument. Unlike the parser that `FromStr` would give, its errors never repeat the
/// argument, which may hold a password.
#[derive(Clone, Debug)]
pub(crate) struct LocationParser;

impl TypedValueParser for LocationParser {
    type Value = Location;

    fn parse_ref(
        &self,
        command: &clap::Command,
        _argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Location, clap::Error> {
        let text = value
            .to_str()
            .ok_or_else(|| "a URL is UTF-8; other bytes are written %XX".to_owned());
        text.and_then(str::parse).map_err(|message| {
            clap::Error::raw(ErrorKind::ValueValidation, format!("{message}\n")).with_cmd(command)
        })
    }
}

/// `[user@]host[:port]` (RFC 3986 section 3.2), without a password.
fn server(scheme: Scheme, authority: &str) -> Result<Endpoint, String> {
    let (user, address) = match authority.rsplit_once('@') {
        Some((user, address)) => (Some(user), address),
        None => (None, authority),
    };
    if user.is_some_and(|user| user.contains(':')) {
        return Err(
            "a password in a URL would show in the process list and the shell's history; \
             set COURIER_PASSWORD or wait for the prompt"
                .to_owned(),
        );
    }
    let user = user.map(text_of).transpose()?;
    if user.as_deref() == Some("") {
        return Err("the user name before @ is empty".to_owned());
    }
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest
                .split_once(']')
                .ok_or("the address in [ ] has no closing ]")?;
            (
                host.to_owned(),
                port.strip_prefix(':').or((!port.is_empty()).then_some(port)),
            )
        }
        None => match address.split_once(':') {
            Some((host, port)) => (text_of(host)?, Some(port)),
            None => (text_of(address)?, None),
        },
    };
    if host.is_empty() {
        return Err(format!(
            "the host is missing; expected e.g. {scheme}user@host/folder/file"
        ));
    }
    if host.contains(|c: char| c.is_whitespace() || c.is_control() || c == '@') {
        return Err(format!("\"{}\" is no host name", host.escape_debug()));
    }
    let number = |port: &str| match port.parse::<u16>() {
        Ok(number) if number > 0 && port.bytes().all(|b| b.is_ascii_digit()) => Ok(number),
        _ => Err(format!(
            "\"{port}\" is no port; a port is a number from 1 to 65535"
        )),
    };
    let port = port.map(number).transpose()?;
    Ok(Endpoint {
        scheme,
        host,
        port,
        user,
    })
}

fn local(authority: &str) -> Result<Endpoint, String> {
    if !matches!(authority, "" | "localhost") {
        return Err(format!(
            "file:// is on this machine, not on \"{authority}\"; write file:///folder/file"
        ));
    }
    Ok(Endpoint {
        scheme: Scheme::File,
        host: String::new(),
        port: None,
        user: None,
    })
}

/// The home folder of the user, which `file:///~/` means.
fn home_folder() -> Result<Option<RemotePath>, String> {
    use std::os::unix::ffi::OsStrExt;
    let home = std::env::home_dir().ok_or("there is no home folder: HOME is not set")?;
    RemotePath::new(home.as_os_str().as_bytes())
        .map(Some)
        .map_err(|e| format!("the home folder {} can't be used: {e}", home.display()))
}

/// A path of a `file:` URL as a path of this machine.
pub(crate) fn local_path(path: &RemotePath) -> PathBuf {
    PathBuf::from(OsString::from_vec(path.as_wire().to_vec()))
}

fn text_of(part: &str) -> Result<String, String> {
    String::from_utf8(decode(part, false)?).map_err(|_| format!("\"{part}\" is not UTF-8"))
}

/// A path as a pattern that matches only itself.
fn escaped(path: &RemotePath) -> String {
    let mut pattern = String::new();
    for c in path.to_text().chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

/// Percent-decodes to bytes (RFC 3986 section 2.1). With `escape`, a decoded character of a pattern gets a
/// backslash, so that it stands for itself.
fn decode(text: &str, escape: bool) -> Result<Vec<u8>, String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(format!(
                "\"{text}\" has a % without two hexadecimal digits; a plain % is written %25"
            ));
        };
        let byte = u8::try_from(high * 16 + low).unwrap_or_default();
        match byte {
            b'/' => return Err(format!("\"{text}\" has a %2F; a name can't hold a /")),
            b'*' | b'?' | b'[' | b']' | b'{' | b'}' | b'\\' if escape => decoded.extend([b'\\', byte]),
            _ => decoded.push(byte),
        }
    }
    Ok(decoded)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Location {
        text.parse().unwrap()
    }

    #[test]
    fn reads_every_part() {
        let location = parse("sftp://ann%40corp@files.example.com:2222/in/Gr%C3%BC%DFe%20x.csv");
        assert_eq!(location.endpoint.user.as_deref(), Some("ann@corp"));
        assert_eq!(location.endpoint.host, "files.example.com");
        assert_eq!(location.endpoint.port, Some(2222));
        assert_eq!(location.path.as_wire(), b"/in/Gr\xc3\xbc\xdfe x.csv");
        assert_eq!(location.pattern, None);
        let location = parse("SFTP://[::1]:22/");
        assert_eq!(
            (location.endpoint.host.as_str(), location.endpoint.port),
            ("::1", Some(22))
        );
        assert!(location.is_folder && location.path.is_top() && location.path.is_absolute());
    }

    #[test]
    fn each_scheme_has_its_protocol() {
        for (text, protocol) in [
            ("sftp://u@h/a", "sftp"),
            ("ftp://u@h/a", "ftp"),
            ("ftpes://u@h/a", "ftps"),
            ("ftps://u@h/a", "ftps"),
            ("file:///a", "local"),
        ] {
            let location = parse(text);
            assert_eq!(location.endpoint.scheme.protocol(), protocol);
            assert_eq!(location.to_string(), text);
        }
        // With an absolute path, as SFTP has it: not below the login folder as RFC 1738 has it.
        assert_eq!(parse("FTP://h/a/b").path.as_wire(), b"/a/b");
    }

    #[test]
    fn the_login_folder_is_a_tilde() {
        for text in ["sftp://h", "sftp://h/~", "sftp://h/~/"] {
            assert_eq!(parse(text).path, RemotePath::home(), "{text}");
        }
        assert_eq!(parse("sftp://h/~/a/b").path.as_wire(), b"a/b");
        assert_eq!(parse("sftp://h/~/a/b").to_string(), "sftp://h/~/a/b");
        assert_eq!(parse("sftp://u@h:1/a").to_string(), "sftp://u@h:1/a");
    }

    #[test]
    fn a_pattern_is_what_is_not_encoded() {
        let location = parse("sftp://h/in/*.cs?");
        assert_eq!(location.pattern.as_deref(), Some("/in/*.cs?"));
        assert_eq!(parse("sftp://h/in/%2a.csv").pattern, None);
        assert_eq!(
            parse("sftp://h/in/%5Ba%5D*").pattern.as_deref(),
            Some(r"/in/\[a\]*")
        );
    }

    #[test]
    fn refuses_with_a_reason() {
        for (text, reason) in [
            ("sftp://u:secret@h/a", "COURIER_PASSWORD"),
            ("ftp://u:secret@h/a", "COURIER_PASSWORD"),
            ("ftps://h/a%00", "NUL"),
            ("ftpes://h/a%0Ab", "line break"),
            ("gopher://h/a", "not known"),
            ("/a/b", "no URL"),
            ("sftp:///a", "host is missing"),
            ("sftp://@h/a", "empty"),
            ("sftp://h:0/a", "no port"),
            ("sftp://h:+2/a", "no port"),
            ("sftp://h:70000/a", "no port"),
            ("sftp://[::1/a", "closing"),
            ("sftp://h/a/../b", ".."),
            ("sftp://h/a%2fb", "%2F"),
            ("sftp://h/100%", "%25"),
            ("sftp://h/a%00", "NUL"),
            ("file://other/a", "this machine"),
        ] {
            let error = text.parse::<Location>().unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn files_are_on_this_machine() {
        let location = parse("file:///tmp/a%20b");
        assert_eq!(local_path(&location.path), PathBuf::from("/tmp/a b"));
        assert_eq!(parse("file://localhost/tmp").to_string(), "file:///tmp");
    }
}
