#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use courier_vault::{Identity, ManagedEndpoint};
use secrecy::ExposeSecret;

use super::*;
use crate::config::file::File;

fn resolved(variables: &[(&str, &str)], file: &str) -> Result<Kek> {
    let variable = |name: &str| {
        variables
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| (*value).to_owned())
    };
    resolve(&variable, File::parse(file).unwrap().kek, Path::new("/data"))
}

fn azure(variables: &[(&str, &str)], file: &str) -> AzureSettings {
    let file = format!(
        "[kek]\nprovider = 'azure_key_vault'\nvault_url = 'https://mine.vault.azure.net'\nkey_name = 'courier'\n{file}"
    );
    match resolved(variables, &file).unwrap().wraps {
        Source::Azure(settings) => *settings,
        other => panic!("{other:?}"),
    }
}

fn message(variables: &[(&str, &str)], file: &str) -> String {
    resolved(variables, file).unwrap_err().to_string()
}

#[test]
fn the_provider_wraps_and_what_else_is_configured_opens() {
    let vault = [
        ("COURIER_KEK_VAULT_URL", "https://mine.vault.azure.net"),
        ("COURIER_KEK_KEY_NAME", "courier"),
    ];
    let text = ("COURIER_KEK", "secret");
    let provider = ("COURIER_KEK_PROVIDER", "azure_key_vault");
    let [url, name] = vault;
    for (variables, expected) in [
        (vec![], "file"),
        (vec![text], "text file"),
        (vec![url, name], "file azure"),
        (vec![text, url, name], "text file azure"),
        (vec![provider, url, name], "azure file"),
        (vec![provider, text, url, name], "azure text file"),
    ] {
        let kek = resolved(&variables, "").unwrap();
        let sources: Vec<&str> = std::iter::once(&kek.wraps)
            .chain(&kek.opens)
            .map(|source| match source {
                Source::Text(_) => "text",
                Source::File(path) => {
                    assert_eq!(path, Path::new("/data/kek"));
                    "file"
                }
                Source::Azure(_) => "azure",
            })
            .collect();
        assert_eq!(sources.join(" "), expected);
        assert_eq!(kek.wrapping_file().is_some(), expected.starts_with("file"));
        assert!(!format!("{kek:?}").contains("secret\""));
    }
}

#[test]
fn what_is_half_said_or_wrong_is_named() {
    let url = "vault_url = 'https://mine.vault.azure.net'\n";
    let both = format!("[kek]\n{url}key_name = 'courier'\n");
    for (file, expected) in [
        (
            "[kek]\nprovider = 'azure_key_vault'".to_owned(),
            "needs kek.vault_url",
        ),
        (format!("[kek]\n{url}"), "kek.key_name"),
        ("[kek]\nkey_name = 'k'".to_owned(), "kek.vault_url"),
        (
            "[kek]\nkey_name = 'k'\nvault_url = 'http://mine.vault.azure.net'".to_owned(),
            "https://",
        ),
        (format!("{both}algorithm = 'RSA1_5'"), "RSA-OAEP-256, A256KW"),
        (format!("{both}identity = 'me'"), "managed_identity"),
        (format!("{both}identity = 'client_secret'"), "AZURE_CLIENT_SECRET"),
        (
            format!("{both}identity = 'workload_identity'"),
            "AZURE_FEDERATED_TOKEN_FILE",
        ),
        (format!("{both}client_certificate = 'c.pem'"), "kek.tenant_id"),
        (
            format!("{both}client_certificate = 'c.pem'\ntenant_id = 't'"),
            "kek.client_id",
        ),
        (
            format!("{both}client_certificate = 'c.pem'\nauthority_host = 'login'"),
            "kek.authority_host",
        ),
        (
            format!("{both}client_secret_file = '/nowhere/secret'"),
            "/nowhere/secret",
        ),
    ] {
        let message = message(&[], &file);
        assert!(message.contains(expected), "{file}: {message}");
    }
    let variables = [("COURIER_KEK_PROVIDER", "azure")];
    assert!(message(&variables, "").contains("COURIER_KEK_PROVIDER"));
    let variables = [("IDENTITY_ENDPOINT", "http://127.0.0.1:40342/token")];
    assert!(message(&variables, &both).contains("Azure Arc"));
    assert!(File::parse("[kek]\nclient_secret = 'hunter2'").is_err());
}

#[test]
fn the_identity_is_picked_from_what_is_there() {
    let application = [("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_ID", "c")];
    let with = |more: &[(&'static str, &'static str)]| [&application[..], more].concat();
    let secret = ("AZURE_CLIENT_SECRET", "s");
    let certificate = ("AZURE_CLIENT_CERTIFICATE_PATH", "/c.pem");
    let token = ("AZURE_FEDERATED_TOKEN_FILE", "/token");
    let name = |settings: AzureSettings| match settings.identity {
        Identity::ClientSecret { .. } => "client_secret",
        Identity::ClientCertificate { .. } => "client_certificate",
        Identity::WorkloadIdentity { .. } => "workload_identity",
        Identity::ManagedIdentity { .. } => "managed_identity",
    };
    assert_eq!(
        name(azure(&with(&[secret, certificate, token]), "")),
        "client_secret"
    );
    assert_eq!(
        name(azure(&with(&[certificate, token]), "")),
        "client_certificate"
    );
    assert_eq!(name(azure(&with(&[token]), "")), "workload_identity");
    assert_eq!(name(azure(&application, "")), "managed_identity");
    // What is said to Courier itself comes first.
    let own = "client_certificate = '/own.pem'";
    assert_eq!(name(azure(&with(&[secret]), own)), "client_certificate");
    let said = "identity = 'managed_identity'";
    assert_eq!(name(azure(&with(&[secret]), said)), "managed_identity");
    let variable = with(&[("COURIER_KEK_IDENTITY", "workload_identity"), token]);
    assert_eq!(name(azure(&variable, said)), "workload_identity");
}

#[test]
fn an_application_is_in_the_cloud_of_its_key_vault() {
    let variables = [
        ("AZURE_TENANT_ID", "azure-t"),
        ("COURIER_KEK_TENANT_ID", "t"),
        ("AZURE_CLIENT_ID", "c"),
        ("COURIER_KEK_CLIENT_SECRET", "s"),
    ];
    let authority = |host: &str, more: &[(&str, &str)]| {
        let host = format!("https://{host}");
        let url = [
            ("COURIER_KEK_PROVIDER", "azure_key_vault"),
            ("COURIER_KEK_VAULT_URL", &host),
            ("COURIER_KEK_KEY_NAME", "k"),
        ];
        let kek = resolved(&[&url[..], &variables, more].concat(), "").unwrap();
        let Source::Azure(settings) = kek.wraps else {
            panic!("not in a key vault")
        };
        let Identity::ClientSecret { application, secret } = settings.identity else {
            panic!("not by secret")
        };
        assert_eq!((&*application.tenant_id, &*application.client_id), ("t", "c"));
        assert_eq!(secret.expose_secret(), "s");
        application.authority_host.to_string()
    };
    for (host, expected) in [
        ("m.vault.azure.net", "https://login.microsoftonline.com/"),
        ("m.managedhsm.azure.net", "https://login.microsoftonline.com/"),
        ("m.vault.azure.cn", "https://login.chinacloudapi.cn/"),
        ("m.vault.usgovcloudapi.net", "https://login.microsoftonline.us/"),
    ] {
        assert_eq!(authority(host, &[]), expected);
    }
    let own = [("AZURE_AUTHORITY_HOST", "https://login.example/")];
    assert_eq!(authority("m.vault.azure.net", &own), "https://login.example/");
}

#[test]
fn managed_identities_are_asked_for_where_the_platform_says() {
    let app = [
        ("IDENTITY_ENDPOINT", "http://127.0.0.1:41000/msi/token"),
        ("IDENTITY_HEADER", "h"),
    ];
    let endpoint = |settings: AzureSettings| match settings.identity {
        Identity::ManagedIdentity { client_id, endpoint } => (client_id, endpoint),
        other => panic!("{other:?}"),
    };
    let (client_id, found) = endpoint(azure(&app, "client_id = 'c'"));
    assert_eq!(client_id.as_deref(), Some("c"));
    assert!(matches!(found, ManagedEndpoint::AppService { url, .. } if url.port() == Some(41000)));
    let (client_id, found) = endpoint(azure(&[], ""));
    assert_eq!(client_id, None);
    assert!(matches!(found, ManagedEndpoint::Metadata(url) if url.host_str() == Some("169.254.169.254")));
}

#[test]
fn a_secret_in_a_file_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, "hunter2\n").unwrap();
    let application = "tenant_id = 't'\nclient_id = 'c'\n";
    let file = format!("{application}client_secret_file = '{}'", path.display());
    let mode = |mode| std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    mode(0o640);
    let settings = azure(&[("AZURE_CLIENT_SECRET", "other")], &file);
    assert!(
        matches!(&settings.identity, Identity::ClientSecret { secret, .. } if secret.expose_secret() == "hunter2")
    );
    assert!(!format!("{settings:?}").contains("hunter2"));
    mode(0o644);
    let both = "vault_url = 'https://mine.vault.azure.net'\nkey_name = 'k'\n";
    let message = message(&[], &format!("[kek]\n{both}{file}"));
    assert!(
        message.contains("chmod o-rwx") && !message.contains("hunter2"),
        "{message}"
    );
}

#[tokio::test]
async fn a_vault_is_never_opened_without_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let kek = |variables: &[(&str, &str)]| {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        resolve(&variable, KekTable::default(), folder.path()).unwrap()
    };
    let file = folder.path().join("kek");
    // Only a start makes a key file, and only where it is the one that wraps.
    assert!(kek(&[]).vault().await.is_err());
    let text = "07".repeat(32);
    kek(&[("COURIER_KEK", &text)]).vault_or_new_key().await.unwrap();
    assert!(!file.exists());
    let by_file = kek(&[]).vault_or_new_key().await.unwrap();
    assert!(file.exists());

    // Another key wraps from now on, and what the file's key sealed still opens.
    let binding = courier_vault::Binding::new("connection", "1", "password");
    let blob = by_file.seal(&binding, b"hunter2").await.unwrap();
    let by_text = kek(&[("COURIER_KEK", &text)]).vault().await.unwrap();
    assert_eq!(
        by_text.open(&binding, &blob).await.unwrap().as_slice(),
        b"hunter2"
    );
    assert_ne!(by_text.newest().await.unwrap(), by_file.newest().await.unwrap());

    std::fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    let error = kek(&[("COURIER_KEK", &text)]).vault().await.unwrap_err();
    assert!(error.to_string().contains("chmod 600"), "{error}");
}
