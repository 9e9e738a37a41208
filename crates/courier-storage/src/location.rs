//! Where a storage is: its URL.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use url::Url;

use crate::{Error, ErrorKind, ObjectKey, Result};

/// The kinds of storages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// A folder of the local file system.
    File,
    /// A bucket of Amazon S3 or of a store that speaks its protocol.
    S3,
    /// A container of Azure Blob Storage.
    Azblob,
    /// A bucket of Google Cloud Storage.
    Gcs,
}

impl Scheme {
    /// As it stands in URLs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::S3 => "s3",
            Self::Azblob => "azblob",
            Self::Gcs => "gcs",
        }
    }

    /// The parameters that its URLs may have.
    fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::File => &[],
            Self::S3 => &["endpoint", "region", "addressing", "auth"],
            Self::Azblob | Self::Gcs => &["endpoint", "auth"],
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The URL of a storage:
///
/// - `file:///srv/incoming`
/// - `s3://bucket/prefix?region=eu-central-1`; for another store than Amazon's `endpoint=https://…`, and, where buckets are host
///   names there, `addressing=virtual`
/// - `azblob://container/prefix`, with `endpoint=https://…` in sovereign clouds
/// - `gcs://bucket/prefix`
///
/// With `auth=environment` a store is opened with what the process finds around it (variables, profiles, the identity of
/// the machine) and no credentials of its own. Secrets never stand in a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageUrl {
    scheme: Scheme,
    /// Of `file`.
    folder: PathBuf,
    /// Bucket or container; empty for `file`.
    bucket: String,
    /// Without slashes at the ends; empty for `file`.
    prefix: String,
    endpoint: Option<Url>,
    region: Option<String>,
    virtual_hosts: bool,
    environment: bool,
}

impl StorageUrl {
    /// Its kind.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// What credentials belong to: scheme, server and bucket. Where this changes, they must not go along.
    pub fn endpoint(&self) -> String {
        let Some(endpoint) = &self.endpoint else {
            return format!("{}://{}", self.scheme, self.bucket);
        };
        format!("{}://{}?endpoint={endpoint}", self.scheme, self.bucket)
    }

    /// Every choice in it that weakens something, in words.
    pub fn warnings(&self) -> Vec<String> {
        let clear = self
            .endpoint
            .as_ref()
            .filter(|endpoint| endpoint.scheme() == "http");
        clear
            .map(|endpoint| {
                let host = endpoint.host_str().unwrap_or_default();
                let also = match self.scheme {
                    // S3 takes signatures only, of which each is for one request.
                    Scheme::Gcs | Scheme::Azblob => ", and with them what may open the store",
                    Scheme::S3 | Scheme::File => "",
                };
                format!("files go to {host} in the clear{also}: its endpoint is http, not https")
            })
            .into_iter()
            .collect()
    }

    /// The folder of a `file` storage.
    pub fn folder(&self) -> Option<&Path> {
        (self.scheme == Scheme::File).then_some(&self.folder)
    }

    /// Is it opened with what the process finds around it, so that it has no credentials of its own?
    pub fn environment(&self) -> bool {
        self.environment
    }

    /// The URL of an object, as people see it: without parameters.
    pub fn locate(&self, key: &ObjectKey) -> String {
        if self.scheme == Scheme::File {
            return format!("file://{}", self.folder.join(key.as_str()).display());
        }
        format!("{}://{}/{}", self.scheme, self.bucket, self.full(key))
    }

    pub(crate) fn bucket(&self) -> &str {
        &self.bucket
    }

    pub(crate) fn server(&self) -> Option<&Url> {
        self.endpoint.as_ref()
    }

    pub(crate) fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    pub(crate) fn virtual_hosts(&self) -> bool {
        self.virtual_hosts
    }

    /// The key as the bucket knows it.
    pub(crate) fn full(&self, key: &ObjectKey) -> String {
        if self.prefix.is_empty() {
            return key.as_str().to_owned();
        }
        format!("{}/{key}", self.prefix)
    }
}

impl FromStr for StorageUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let url = Url::parse(text)
            .map_err(|error| invalid(format!("the URL of a storage can't be read: {error}")))?;
        let scheme = match url.scheme() {
            "file" => Scheme::File,
            "s3" => Scheme::S3,
            "azblob" => Scheme::Azblob,
            "gcs" => Scheme::Gcs,
            other => {
                return Err(invalid(format!(
                    "there is no storage of the kind {other:?}: file, s3, azblob and gcs are known"
                )));
            }
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid(
                "credentials don't stand in the URL: give them apart from it",
            ));
        }
        if url.fragment().is_some() {
            return Err(invalid("the URL of a storage has no part after a `#`"));
        }
        if url.port().is_some() {
            return Err(invalid(
                "a port belongs into `endpoint`: s3://bucket?endpoint=http://host:9000",
            ));
        }
        // The parser takes `..` away, so what was written is looked at.
        let path = text.split(['?', '#']).next().unwrap_or(text);
        let dots = |segment: &str| {
            matches!(
                segment.to_ascii_lowercase().replace("%2e", ".").as_str(),
                "." | ".."
            )
        };
        if path.split(['/', '\\']).any(dots) {
            return Err(invalid("the path of a storage has no `.` or `..` in it"));
        }
        let mut found = Self {
            scheme,
            folder: PathBuf::new(),
            bucket: String::new(),
            prefix: String::new(),
            endpoint: None,
            region: None,
            virtual_hosts: false,
            environment: false,
        };
        if scheme == Scheme::File {
            found.folder = folder(&url)?;
        } else {
            found.bucket = bucket(&url)?;
            found.prefix = prefix(&url)?;
        }
        found.read_parameters(&url)?;
        Ok(found)
    }
}

impl StorageUrl {
    fn read_parameters(&mut self, url: &Url) -> Result<()> {
        let mut seen = Vec::new();
        for (name, value) in url.query_pairs() {
            let known = self.scheme.parameters().contains(&name.as_ref());
            // The value may be a secret that somebody put here, so it isn't repeated.
            if !known {
                return Err(invalid(format!(
                    "{}:// has no parameter {name:?}{}",
                    self.scheme,
                    match self.scheme.parameters() {
                        [] => String::new(),
                        names => format!(": there are {}", names.join(", ")),
                    }
                )));
            }
            if seen.contains(&name) {
                return Err(invalid(format!("the parameter {name} stands there twice")));
            }
            match (name.as_ref(), value.as_ref()) {
                ("endpoint", text) => self.endpoint = Some(endpoint(text)?),
                ("region", text) if is_name(text) => self.region = Some(text.to_owned()),
                ("addressing", "virtual") => self.virtual_hosts = true,
                ("addressing", "path") | ("auth", "credentials") => {}
                ("auth", "environment") => self.environment = true,
                ("region", _) => return Err(invalid("the region is a name such as eu-central-1")),
                ("addressing", _) => return Err(invalid("addressing is `path` or `virtual`")),
                _ => return Err(invalid("auth is `credentials` or `environment`")),
            }
            seen.push(name);
        }
        if self.scheme == Scheme::S3 && self.region.is_none() && self.endpoint.is_none() {
            return Err(invalid(
                "the region of the bucket is missing: s3://bucket/prefix?region=eu-central-1",
            ));
        }
        Ok(())
    }
}

impl fmt::Display for StorageUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scheme == Scheme::File {
            // A path is absolute, and every absolute path makes a URL.
            let url = Url::from_file_path(&self.folder).map_err(|()| fmt::Error)?;
            return f.write_str(url.as_str());
        }
        write!(f, "{}://{}", self.scheme, self.bucket)?;
        if !self.prefix.is_empty() {
            let mut path = Url::parse("s3://b/").map_err(|_| fmt::Error)?;
            path.set_path(&self.prefix.replace('%', "%25"));
            f.write_str(path.path())?;
        }
        let mut pairs = url::form_urlencoded::Serializer::new(String::new());
        if let Some(endpoint) = &self.endpoint {
            pairs.append_pair("endpoint", endpoint.as_str());
        }
        if let Some(region) = &self.region {
            pairs.append_pair("region", region);
        }
        if self.virtual_hosts {
            pairs.append_pair("addressing", "virtual");
        }
        if self.environment {
            pairs.append_pair("auth", "environment");
        }
        let pairs = pairs.finish();
        if pairs.is_empty() {
            Ok(())
        } else {
            write!(f, "?{pairs}")
        }
    }
}

fn invalid(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, why)
}

fn folder(url: &Url) -> Result<PathBuf> {
    if url.host_str().is_some_and(|host| !host.is_empty()) {
        return Err(invalid(
            "a folder's URL begins with three slashes: file:///srv/incoming",
        ));
    }
    let path = url
        .to_file_path()
        .map_err(|()| invalid("a folder's URL is file:///srv/incoming"))?;
    let text = path
        .to_str()
        .filter(|text| !text.contains(char::is_control))
        .ok_or_else(|| invalid("the path of a folder is text without control characters"))?;
    if text == "/" {
        return Err(invalid(
            "the root of the file system is no storage: name a folder",
        ));
    }
    Ok(path.components().collect())
}

fn bucket(url: &Url) -> Result<String> {
    let name = url.host_str().unwrap_or_default();
    if name.is_empty() {
        return Err(invalid(format!(
            "the name of the bucket or container is missing: {}://name/prefix",
            url.scheme()
        )));
    }
    if !is_name(name) {
        return Err(invalid(
            "the name of a bucket or container has letters, digits, `-`, `_` and `.`, and nothing else",
        ));
    }
    Ok(name.to_owned())
}

fn prefix(url: &Url) -> Result<String> {
    let path = percent_encoding::percent_decode_str(url.path())
        .decode_utf8()
        .map_err(|_| invalid("the prefix is not UTF-8"))?;
    let prefix = path.strip_prefix('/').unwrap_or(&path);
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    if prefix.is_empty() {
        return Ok(String::new());
    }
    let key = ObjectKey::new(prefix).map_err(|error| invalid(format!("the prefix is none: {error}")))?;
    Ok(key.as_str().to_owned())
}

fn endpoint(text: &str) -> Result<Url> {
    let url = Url::parse(text).map_err(|error| invalid(format!("the endpoint is no URL: {error}")))?;
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.has_host();
    if !matches!(url.scheme(), "http" | "https") || !plain {
        return Err(invalid(
            "an endpoint is https://host, maybe with a port and a path, without credentials and parameters",
        ));
    }
    Ok(url)
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 222
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && !matches!(text, "." | "..")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(text: &str) -> StorageUrl {
        text.parse().unwrap()
    }

    fn refused(text: &str) -> String {
        let error = text.parse::<StorageUrl>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        error.to_string()
    }

    #[test]
    fn each_kind_is_read_and_shown() {
        for text in [
            "file:///srv/incoming",
            "file:///srv/my%20files",
            "s3://bucket?region=eu-central-1",
            "s3://bucket/in/a%20b%2525?endpoint=http%3A%2F%2F127.0.0.1%3A9000%2F&region=auto&addressing=virtual",
            "azblob://container/in?endpoint=http%3A%2F%2F127.0.0.1%3A10000%2Faccount&auth=environment",
            "gcs://bucket.example/%C3%A4",
        ] {
            assert_eq!(read(text).to_string(), text);
            assert_eq!(read(&read(text).to_string()), read(text));
        }
        let url = read("s3://Bucket/in/?endpoint=http://h:1&region=x");
        let key = ObjectKey::new("a/b").unwrap();
        assert_eq!(url.locate(&key), "s3://Bucket/in/a/b");
        assert_eq!(url.endpoint(), "s3://Bucket?endpoint=http://h:1/");
        assert_eq!(url.warnings().len(), 1);
        let folder = read("file:///srv/incoming/");
        assert_eq!(folder.folder(), Some(Path::new("/srv/incoming")));
        assert_eq!(folder.locate(&key), "file:///srv/incoming/a/b");
    }

    #[test]
    fn what_is_wrong_is_said_without_its_secrets() {
        for (text, why) in [
            ("nonsense", "can't be read"),
            ("ftp://host/x", "no storage of the kind \"ftp\""),
            ("s3://key:hunter2@bucket?region=x", "apart from it"),
            ("s3://bucket", "region"),
            ("s3:///x?region=a", "missing"),
            ("s3://bucket:9000?region=a", "endpoint"),
            ("s3://bucket/a/../b?region=a", "`..`"),
            ("s3://bucket/a/%2E%2e/b?region=a", "`..`"),
            ("s3://bucket/a//b?region=a", "empty"),
            ("s3://bucket?region=a&secret=hunter2", "no parameter \"secret\""),
            ("s3://bucket?region=a&region=b", "twice"),
            ("azblob://c?endpoint=https://a:hunter2@h", "without credentials"),
            ("azblob://c?endpoint=ftp://h", "https://host"),
            ("file://host/x", "three slashes"),
            ("file:///", "root"),
            ("file:///a/../b", "`..`"),
            ("file:///a?x=hunter2", "no parameter"),
        ] {
            let said = refused(text);
            assert!(said.contains(why), "{text}: {said}");
            assert!(!said.contains("hunter2"), "{text}: {said}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_read_is_shown_and_read_again(
            text in "(file|s3|azblob|gcs)://[a-zA-Z./%0-9 ]{0,24}(\\?(region|endpoint|auth)=[a-z:/.%0-9]{0,16})?",
        ) {
            if let Ok(url) = text.parse::<StorageUrl>() {
                proptest::prop_assert_eq!(url.to_string().parse::<StorageUrl>().unwrap(), url);
            }
        }
    }
}
