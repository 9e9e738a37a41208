//! A key in Azure Key Vault, and as whom it is asked for.
//!
//! Each setting is a `COURIER_KEK_…` variable or a key of `[kek]`. Where both say nothing, the variables count that Azure
//! itself sets and its tools read: `AZURE_CLIENT_ID` and the like.

use std::{fs, os::unix::fs::PermissionsExt};

use courier_vault::{Algorithm, Application, AzureSettings, Identity, ManagedEndpoint};
use secrecy::SecretString;
use url::Url;

use super::{
    super::{Result, absolute, wrong},
    KekTable,
};

/// The metadata service of Azure's virtual machines, at the same address in every network of theirs.
const METADATA: &str = "http://169.254.169.254";

/// Which kind of identity, in the order in which Azure's own tools look for them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    ClientSecret,
    ClientCertificate,
    WorkloadIdentity,
    ManagedIdentity,
}

impl Kind {
    const ALL: [(&str, Self); 4] = [
        ("client_secret", Self::ClientSecret),
        ("client_certificate", Self::ClientCertificate),
        ("workload_identity", Self::WorkloadIdentity),
        ("managed_identity", Self::ManagedIdentity),
    ];

    fn parse(word: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(name, _)| *name == word);
        found.map(|(_, kind)| *kind).ok_or_else(|| {
            let names = Self::ALL.map(|(name, _)| name).join(", ");
            format!("{word:?} is none of {names}")
        })
    }
}

/// Where settings come from.
struct Sources<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Sources<'_> {
    /// What Courier's own configuration says.
    fn own(&self, variable: &str, in_file: &Option<String>) -> Option<String> {
        (self.variable)(variable).or_else(|| in_file.clone())
    }

    /// The same, or what Azure says.
    fn any(&self, variable: &str, in_file: &Option<String>, azure: &str) -> Option<String> {
        self.own(variable, in_file).or_else(|| (self.variable)(azure))
    }
}

/// `None` where no key vault is named.
pub(super) fn resolve(
    variable: &dyn Fn(&str) -> Option<String>,
    table: &KekTable,
) -> Result<Option<AzureSettings>> {
    let sources = Sources { variable };
    let vault_url = sources.own("COURIER_KEK_VAULT_URL", &table.vault_url);
    let key_name = sources.own("COURIER_KEK_KEY_NAME", &table.key_name);
    let (vault_url, key_name) = match (vault_url, key_name) {
        (Some(url), Some(name)) => (https("kek.vault_url", &url)?, name),
        (None, None) => return Ok(None),
        (None, _) => return Err(wrong("kek.vault_url", "it is missing, and kek.key_name is there")),
        (_, None) => return Err(wrong("kek.key_name", "it is missing, and kek.vault_url is there")),
    };
    let algorithm = sources
        .own("COURIER_KEK_ALGORITHM", &table.algorithm)
        .map(|word| algorithm(&word))
        .transpose()?;
    let identity = identity(&sources, table, &vault_url)?;
    Ok(Some(AzureSettings {
        vault_url,
        key_name,
        algorithm,
        identity,
    }))
}

fn identity(sources: &Sources<'_>, table: &KekTable, vault_url: &Url) -> Result<Identity> {
    const CLIENT_ID: &str = "COURIER_KEK_CLIENT_ID";
    let client_id = sources.any(CLIENT_ID, &table.client_id, "AZURE_CLIENT_ID");
    let kind = match sources.own("COURIER_KEK_IDENTITY", &table.identity) {
        Some(word) => Kind::parse(&word).map_err(|message| wrong("kek.identity", message))?,
        None => what_is_there(sources, table),
    };
    let application = || -> Result<Application> {
        let missing = |name, azure| wrong(name, format!("it is missing, and so is {azure}"));
        let tenant_id = sources.any("COURIER_KEK_TENANT_ID", &table.tenant_id, "AZURE_TENANT_ID");
        let authority_host = sources.any(
            "COURIER_KEK_AUTHORITY_HOST",
            &table.authority_host,
            "AZURE_AUTHORITY_HOST",
        );
        Ok(Application {
            authority_host: match authority_host {
                Some(url) => https("kek.authority_host", &url)?,
                None => https("kek.authority_host", authority_of(vault_url))?,
            },
            tenant_id: tenant_id.ok_or_else(|| missing("kek.tenant_id", "AZURE_TENANT_ID"))?,
            client_id: client_id
                .clone()
                .ok_or_else(|| missing("kek.client_id", "AZURE_CLIENT_ID"))?,
        })
    };
    let path = |name: &str, text: Option<String>, azure: &str| match text {
        Some(text) => absolute(name, text.into()),
        None => Err(wrong(name, format!("it is missing, and so is {azure}"))),
    };
    Ok(match kind {
        Kind::ClientSecret => Identity::ClientSecret {
            secret: client_secret(sources, table)?,
            application: application()?,
        },
        Kind::ClientCertificate => Identity::ClientCertificate {
            certificate: path(
                "kek.client_certificate",
                client_certificate(sources, table),
                "AZURE_CLIENT_CERTIFICATE_PATH",
            )?,
            application: application()?,
        },
        Kind::WorkloadIdentity => Identity::WorkloadIdentity {
            token_file: path(
                "kek.federated_token_file",
                federated_token_file(sources, table),
                "AZURE_FEDERATED_TOKEN_FILE",
            )?,
            application: application()?,
        },
        Kind::ManagedIdentity => Identity::ManagedIdentity {
            client_id,
            endpoint: managed_endpoint(sources)?,
        },
    })
}

/// The first kind that Courier's configuration has something for, else the first that Azure has, else the machine's.
fn what_is_there(sources: &Sources<'_>, table: &KekTable) -> Kind {
    let variable = sources.variable;
    let own = |name: &str, in_file: &Option<String>| sources.own(name, in_file).is_some();
    let places = [
        (
            own("COURIER_KEK_CLIENT_SECRET", &None)
                || own("COURIER_KEK_CLIENT_SECRET_FILE", &table.client_secret_file),
            Kind::ClientSecret,
        ),
        (
            own("COURIER_KEK_CLIENT_CERTIFICATE", &table.client_certificate),
            Kind::ClientCertificate,
        ),
        (
            own("COURIER_KEK_FEDERATED_TOKEN_FILE", &table.federated_token_file),
            Kind::WorkloadIdentity,
        ),
        (variable("AZURE_CLIENT_SECRET").is_some(), Kind::ClientSecret),
        (
            variable("AZURE_CLIENT_CERTIFICATE_PATH").is_some(),
            Kind::ClientCertificate,
        ),
        (
            variable("AZURE_FEDERATED_TOKEN_FILE").is_some(),
            Kind::WorkloadIdentity,
        ),
    ];
    let found = places.into_iter().find(|(there, _)| *there);
    found.map_or(Kind::ManagedIdentity, |(_, kind)| kind)
}

fn client_secret(sources: &Sources<'_>, table: &KekTable) -> Result<SecretString> {
    const NAME: &str = "kek.client_secret_file";
    let variable = sources.variable;
    if let Some(secret) = variable("COURIER_KEK_CLIENT_SECRET") {
        return Ok(secret.into());
    }
    let Some(path) = sources.own("COURIER_KEK_CLIENT_SECRET_FILE", &table.client_secret_file) else {
        return variable("AZURE_CLIENT_SECRET")
            .map(SecretString::from)
            .ok_or_else(|| {
                wrong(
                    NAME,
                    "it is missing, and so are COURIER_KEK_CLIENT_SECRET and AZURE_CLIENT_SECRET",
                )
            });
    };
    let unreadable = |error| wrong(NAME, format!("{path} can't be read: {error}"));
    let mode = fs::metadata(&path).map_err(unreadable)?.permissions().mode() & 0o777;
    if mode & 0o007 != 0 {
        return Err(wrong(
            NAME,
            format!("{path} has mode {mode:03o}, so that everybody can get at it; run: chmod o-rwx '{path}'"),
        ));
    }
    let text = fs::read_to_string(&path).map_err(unreadable)?;
    match text.trim() {
        "" => Err(wrong(NAME, format!("{path} is empty"))),
        secret => Ok(secret.into()),
    }
}

fn client_certificate(sources: &Sources<'_>, table: &KekTable) -> Option<String> {
    sources.any(
        "COURIER_KEK_CLIENT_CERTIFICATE",
        &table.client_certificate,
        "AZURE_CLIENT_CERTIFICATE_PATH",
    )
}

fn federated_token_file(sources: &Sources<'_>, table: &KekTable) -> Option<String> {
    sources.any(
        "COURIER_KEK_FEDERATED_TOKEN_FILE",
        &table.federated_token_file,
        "AZURE_FEDERATED_TOKEN_FILE",
    )
}

/// App Service and its like say where to ask; on a virtual machine the address is known.
fn managed_endpoint(sources: &Sources<'_>) -> Result<ManagedEndpoint> {
    const ENDPOINT: &str = "IDENTITY_ENDPOINT";
    const METADATA_HOST: &str = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
    let variable = sources.variable;
    let url = |name, text: &str| match Url::parse(text) {
        Ok(url) if url.has_host() => Ok(url),
        _ => Err(wrong(name, format!("{text:?} is no URL"))),
    };
    match (variable(ENDPOINT), variable("IDENTITY_HEADER")) {
        (Some(endpoint), Some(header)) => Ok(ManagedEndpoint::AppService {
            url: url(ENDPOINT, &endpoint)?,
            header: header.into(),
        }),
        (Some(_), None) => Err(wrong(
            ENDPOINT,
            "it is set without IDENTITY_HEADER, as on Azure Arc, whose managed identities can't be used here; use a client certificate",
        )),
        (None, _) => {
            let base = variable(METADATA_HOST).unwrap_or_else(|| METADATA.to_owned());
            Ok(ManagedEndpoint::Metadata(url(METADATA_HOST, &base)?))
        }
    }
}

/// Who gives tokens in the cloud that the key vault is in.
fn authority_of(vault_url: &Url) -> &'static str {
    match vault_url.host_str() {
        Some(host) if host.ends_with(".azure.cn") => "https://login.chinacloudapi.cn",
        Some(host) if host.ends_with(".usgovcloudapi.net") => "https://login.microsoftonline.us",
        _ => "https://login.microsoftonline.com",
    }
}

fn algorithm(word: &str) -> Result<Algorithm> {
    let found = Algorithm::ALL
        .into_iter()
        .find(|algorithm| algorithm.name() == word);
    found.ok_or_else(|| {
        let names = Algorithm::ALL.map(Algorithm::name).join(", ");
        wrong("kek.algorithm", format!("{word:?} is none of {names}"))
    })
}

fn https(name: &str, text: &str) -> Result<Url> {
    match Url::parse(text) {
        Ok(url) if url.scheme() == "https" && url.has_host() => Ok(url),
        _ => Err(wrong(
            name,
            format!("{text:?} does not start with https:// and a host"),
        )),
    }
}
