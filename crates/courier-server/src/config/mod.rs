//! Configuration: flags over `COURIER_*` variables over `courier.toml` over defaults.
//!
//! Nothing else in the server reads the environment.
//!
//! | key in `courier.toml` | variable | flag | default |
//! |---|---|---|---|
//! | `listen` | `COURIER_LISTEN` | `--listen` | `127.0.0.1:8440` |
//! | `data_dir` | `COURIER_DATA_DIR` | `--data-dir` | `courier-data` |
//! | `database_url` | `COURIER_DATABASE_URL` | `--database-url` (`courier admin`) | `sqlite://<data_dir>/courier.db` |
//! | `environment` | `COURIER_ENVIRONMENT` | | `production` |
//! | `local_roots` | `COURIER_LOCAL_ROOTS`, separated by `:` | | `<data_dir>/files` |
//! | `node` | `COURIER_NODE` | | the machine's name and something random |
//! | `kek.provider` | `COURIER_KEK_PROVIDER` | | `local` |
//! | | `COURIER_KEK` | | the file `<data_dir>/kek` |
//! | `kek.…`, for Azure Key Vault | `COURIER_KEK_…`, `AZURE_…` | | see `kek/azure.rs` |
//! | `worker.concurrency` | `COURIER_WORKER_CONCURRENCY` | | 4 |
//! | `tls.certificate`, `tls.key` | `COURIER_TLS_CERTIFICATE`, `COURIER_TLS_KEY` | | none: plain HTTP |
//! | `tls.min_version` | `COURIER_TLS_MIN_VERSION` | | `tls_1_2` |
//! | `trusted_proxies` | `COURIER_TRUSTED_PROXIES`, separated by `,` | | none |
//! | | `COURIER_ADMIN_PASSWORD` | | a random one, in `<data_dir>/initial-admin-password` |
//! | | `COURIER_CONFIG` | `--config` | `courier.toml`, if there is one |

mod file;
mod kek;
mod proxies;
mod tls;

use std::{env, fs, io, path::PathBuf};

use courier_engine::Environment;
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use uuid::Uuid;

use file::File;
pub use kek::Kek;
pub use proxies::TrustedProxies;
pub use tls::{Tls, TlsVersion};

/// Why the configuration can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file that was asked for can't be read.
    #[error("the configuration file {} can't be read: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file isn't what it should be.
    #[error("the configuration file {} is wrong: {message}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Where and why.
        message: String,
    },
    /// A value is wrong.
    #[error("{name} is wrong: {message}")]
    Value {
        /// The setting, as it was given: `listen`, `COURIER_LISTEN` …
        name: String,
        /// What was expected and seen.
        message: String,
    },
}

type Result<T, E = Error> = std::result::Result<T, E>;

/// What the command line says. What it doesn't say comes from elsewhere.
#[derive(Clone, Debug, Default)]
pub struct ServeOptions {
    /// Where to listen, `host:port`.
    pub listen: Option<String>,
    /// The data folder.
    pub data_dir: Option<PathBuf>,
    /// The configuration file, which must then exist.
    pub config: Option<PathBuf>,
    /// The database. May hold a password.
    pub database_url: Option<SecretString>,
}

/// What a server is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen, `host:port`; port 0 takes a free one.
    pub listen: String,
    /// How the API is served over TLS; plain HTTP without.
    pub tls: Option<Tls>,
    /// Proxies whose word on a client's address counts.
    pub trusted_proxies: TrustedProxies,
    /// The data folder, absolute.
    pub data_dir: PathBuf,
    /// The database. May hold a password.
    pub database_url: SecretString,
    /// What kind of installation this is.
    pub environment: Environment,
    /// Where jobs and `local` connections may read and write; empty for `<data_dir>/files`.
    pub local_roots: Vec<PathBuf>,
    /// This process's name among its like.
    pub node: String,
    /// Where the key-encryption key is, and where those of earlier days are.
    pub kek: Kek,
    /// How many executions run at once, at least 1.
    pub concurrency: usize,
    /// The password of the user `admin`, for the first start.
    pub admin_password: Option<SecretString>,
    /// How dear a password's hash is. No setting: only tests take less.
    pub password_cost: courier_engine::PasswordCost,
}

impl Config {
    /// The configuration of this process.
    ///
    /// # Errors
    /// [`Error`], with the name of what is wrong.
    pub fn load(options: ServeOptions) -> Result<Self> {
        Self::resolve(options, |name| {
            env::var(name).ok().filter(|value| !value.is_empty())
        })
    }

    /// A configuration of nothing but defaults over this data folder.
    ///
    /// # Errors
    /// [`Error::Value`] where the path can't be made absolute.
    pub fn for_data_dir(data_dir: impl Into<PathBuf>) -> Result<Self> {
        let options = ServeOptions {
            data_dir: Some(data_dir.into()),
            ..ServeOptions::default()
        };
        Self::assemble(options, &|_| None, File::default())
    }

    fn resolve(options: ServeOptions, variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let named = options
            .config
            .clone()
            .or_else(|| variable("COURIER_CONFIG").map(PathBuf::from));
        let path = named.clone().unwrap_or_else(|| PathBuf::from("courier.toml"));
        let file = match fs::read_to_string(&path) {
            Ok(text) => File::parse(&text).map_err(|message| Error::File { path, message })?,
            Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => File::default(),
            Err(source) => return Err(Error::Unreadable { path, source }),
        };
        Self::assemble(options, &variable, file)
    }

    fn assemble(
        options: ServeOptions,
        variable: &dyn Fn(&str) -> Option<String>,
        file: File,
    ) -> Result<Self> {
        let listen = options
            .listen
            .or_else(|| variable("COURIER_LISTEN"))
            .or(file.listen)
            .unwrap_or_else(|| "127.0.0.1:8440".into());
        check_listen(&listen)?;

        let tls = tls::resolve(variable, file.tls)?;
        let trusted_proxies = match (variable("COURIER_TRUSTED_PROXIES"), file.trusted_proxies) {
            (Some(text), _) => text.parse()?,
            (None, list) => TrustedProxies::parse(list.iter().flatten().map(String::as_str))?,
        };

        let data_dir = options
            .data_dir
            .or_else(|| variable("COURIER_DATA_DIR").map(PathBuf::from))
            .or(file.data_dir)
            .unwrap_or_else(|| "courier-data".into());
        let data_dir = absolute("data_dir", data_dir)?;

        let database_url = options
            .database_url
            .or_else(|| variable("COURIER_DATABASE_URL").map(SecretString::from))
            .or(file.database_url);
        let database_url = match database_url {
            Some(url) => check_database_url(url)?,
            None => format!("sqlite://{}", data_dir.join("courier.db").display()).into(),
        };

        let environment = match variable("COURIER_ENVIRONMENT") {
            Some(word) => environment("COURIER_ENVIRONMENT", &word)?,
            None => file.environment.unwrap_or(Environment::Production),
        };

        let local_roots = match variable("COURIER_LOCAL_ROOTS") {
            Some(paths) => env::split_paths(&paths).collect(),
            None => file.local_roots.unwrap_or_default(),
        };
        let local_roots = local_roots
            .into_iter()
            .map(|root| absolute("local_roots", root))
            .collect::<Result<Vec<_>>>()?;
        let database = database_file(&database_url)?.map(|path| ("the database", path));
        let key = tls.as_ref().map(|tls| ("the server's TLS key", tls.key.clone()));
        let kept: Vec<_> = database.into_iter().chain(key).collect();
        courier_engine::check_local_roots(&data_dir, &kept, &local_roots)
            .map_err(|message| wrong("local_roots", message))?;

        let concurrency = match variable("COURIER_WORKER_CONCURRENCY") {
            Some(text) => text.parse().map_err(|_| {
                wrong(
                    "COURIER_WORKER_CONCURRENCY",
                    format!("{text:?} is no whole number"),
                )
            })?,
            None => file.worker.concurrency.unwrap_or(4),
        };
        if !(1..=1024).contains(&concurrency) {
            return Err(wrong(
                "worker.concurrency",
                format!("{concurrency} is not from 1 to 1024"),
            ));
        }

        let kek = kek::resolve(variable, file.kek, &data_dir)?;

        Ok(Self {
            listen,
            tls,
            trusted_proxies,
            data_dir,
            database_url,
            environment,
            local_roots,
            node: variable("COURIER_NODE")
                .or(file.node)
                .unwrap_or_else(default_node),
            kek,
            concurrency,
            admin_password: variable("COURIER_ADMIN_PASSWORD").map(SecretString::from),
            password_cost: courier_engine::PasswordCost::default(),
        })
    }
}

fn wrong(name: &str, message: impl Into<String>) -> Error {
    Error::Value {
        name: name.into(),
        message: message.into(),
    }
}

fn absolute(name: &str, path: PathBuf) -> Result<PathBuf> {
    std::path::absolute(&path).map_err(|e| wrong(name, format!("{:?}: {e}", path.display().to_string())))
}

fn check_listen(listen: &str) -> Result<()> {
    let port = listen
        .rsplit_once(':')
        .filter(|(host, _)| !host.is_empty())
        .map(|(_, port)| port);
    match port.map(str::parse::<u16>) {
        Some(Ok(_)) => Ok(()),
        _ => Err(wrong(
            "listen",
            format!("{listen:?} is not host:port, for example 127.0.0.1:8440"),
        )),
    }
}

/// The message says nothing of the value: it may hold a password.
fn check_database_url(url: SecretString) -> Result<SecretString> {
    let scheme = url
        .expose_secret()
        .split_once(':')
        .map_or("", |(scheme, _)| scheme);
    let known = match scheme {
        "sqlite" => true,
        "postgres" | "postgresql" => Url::parse(url.expose_secret()).is_ok(),
        _ => false,
    };
    if known {
        Ok(url)
    } else {
        Err(wrong(
            "database_url",
            "it must be sqlite://PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE",
        ))
    }
}

/// Where the database is, if it is a file.
pub(crate) fn database_file(url: &SecretString) -> Result<Option<PathBuf>> {
    let Some(rest) = url.expose_secret().strip_prefix("sqlite:") else {
        return Ok(None);
    };
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let path = rest.split_once('?').map_or(rest, |(path, _)| path);
    if path.is_empty() || path == ":memory:" {
        return Ok(None);
    }
    absolute("database_url", path.into()).map(Some)
}

fn environment(name: &str, word: &str) -> Result<Environment> {
    match word {
        "production" => Ok(Environment::Production),
        "staging" => Ok(Environment::Staging),
        "development" => Ok(Environment::Development),
        _ => Err(wrong(
            name,
            format!("{word:?} is none of production, staging, development"),
        )),
    }
}

/// The machine's name, for people, and something random, since several processes may run on it.
fn default_node() -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = match host.trim() {
        "" => "courier",
        name => name,
    };
    let random = Uuid::new_v4().simple().to_string();
    format!("{host}-{}", random.get(..8).unwrap_or(&random))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn assemble(options: ServeOptions, variables: &[(&str, &str)], file: &str) -> Result<Config> {
        let variable = |name: &str| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Config::assemble(options, &variable, File::parse(file).unwrap())
    }

    #[test]
    fn flags_over_variables_over_file_over_defaults() {
        let flags = ServeOptions {
            listen: Some("[::1]:1".into()),
            ..ServeOptions::default()
        };
        let variables = [("COURIER_LISTEN", "127.0.0.1:2"), ("COURIER_DATA_DIR", "/two")];
        let file = "listen = '127.0.0.1:3'\ndata_dir = '/three'\nnode = 'three'\n[worker]\nconcurrency = 9";
        let config = assemble(flags, &variables, file).unwrap();
        assert_eq!(config.listen, "[::1]:1");
        assert_eq!(config.data_dir, PathBuf::from("/two"));
        assert_eq!(config.node, "three");
        assert_eq!(config.concurrency, 9);
        assert_eq!(config.environment, Environment::Production);
        assert_eq!(config.database_url.expose_secret(), "sqlite:///two/courier.db");
        assert_eq!(config.kek.wrapping_file(), Some("/two/kek".as_ref()));
    }

    #[test]
    fn wrong_values_are_named() {
        for (variables, part) in [
            ([("COURIER_LISTEN", "8440")], "listen"),
            ([("COURIER_WORKER_CONCURRENCY", "0")], "concurrency"),
            ([("COURIER_ENVIRONMENT", "prod")], "COURIER_ENVIRONMENT"),
            ([("COURIER_KEK_PROVIDER", "azure_key_vault")], "kek.vault_url"),
        ] {
            let message = assemble(ServeOptions::default(), &variables, "")
                .unwrap_err()
                .to_string();
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn a_local_root_does_not_reach_the_data_folder() {
        for roots in ["/srv", "/srv/a:/srv/app/data", "/srv/app/data/work", "/"] {
            let variables = [
                ("COURIER_DATA_DIR", "/srv/app/data"),
                ("COURIER_LOCAL_ROOTS", roots),
            ];
            let message = assemble(ServeOptions::default(), &variables, "")
                .unwrap_err()
                .to_string();
            assert!(
                message.contains("local_roots") && message.contains("/srv/app/data"),
                "{message}"
            );
        }
        let variables = [
            ("COURIER_DATA_DIR", "/data"),
            ("COURIER_DATABASE_URL", "sqlite:///srv/courier.db?mode=rwc"),
            ("COURIER_LOCAL_ROOTS", "/srv"),
        ];
        let message = assemble(ServeOptions::default(), &variables, "")
            .unwrap_err()
            .to_string();
        assert!(message.contains("/srv/courier.db"), "{message}");
        let roots = "/srv/app/data/files/in:/srv/app/data-in";
        let variables = [
            ("COURIER_DATA_DIR", "/srv/app/data"),
            ("COURIER_LOCAL_ROOTS", roots),
        ];
        assert!(assemble(ServeOptions::default(), &variables, "").is_ok());
    }

    #[test]
    fn a_database_url_is_never_shown() {
        let variables = [("COURIER_DATABASE_URL", "mysql://u:hunter2@h/d")];
        let error = assemble(ServeOptions::default(), &variables, "").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        let variables = [
            ("COURIER_DATABASE_URL", "postgres://u:hunter2@h/d"),
            ("COURIER_KEK", "hunter2"),
        ];
        let config = assemble(ServeOptions::default(), &variables, "").unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn a_named_file_must_exist() {
        let options = ServeOptions {
            config: Some("/nowhere/courier.toml".into()),
            ..ServeOptions::default()
        };
        assert!(matches!(
            Config::resolve(options, |_| None),
            Err(Error::Unreadable { .. })
        ));
    }
}
