//! What opens the bucket of a URL.

use std::sync::Arc;

use opendal::{
    HttpTransporter, OperationContext, Operator,
    services::{Azblob, Gcs, S3},
};

use super::transport::Transport;
use crate::{Credentials, Error, ErrorKind, Result, Scheme, StorageUrl, service_account::Tokens};

/// The region that is signed for where another store than Amazon's doesn't tell its own: what all clients assume.
const REGION: &str = "us-east-1";

/// An operator for the bucket. Nothing is read from the environment unless the URL says so.
pub(super) fn operator(url: &StorageUrl, credentials: Option<&Credentials>) -> Result<Operator> {
    if credentials.is_none() && !url.environment() {
        return Err(invalid(format!(
            "{}:// needs credentials: {}",
            url.scheme(),
            Credentials::fields(url.scheme())
                .iter()
                .map(|field| field.name)
                .collect::<Vec<_>>()
                .join(", ")
        )));
    }
    if credentials.is_some() && url.environment() {
        return Err(invalid(
            "there are credentials, and the URL says auth=environment: leave one of them out",
        ));
    }
    let mut tokens = None;
    let operator = match url.scheme() {
        Scheme::S3 => Operator::new(s3(url, credentials)),
        Scheme::Azblob => Operator::new(azblob(url, credentials)?),
        Scheme::Gcs => {
            tokens = credentials
                .and_then(|credentials| credentials.get("service_account"))
                .map(Tokens::new)
                .transpose()
                .map_err(|why| invalid(format!("service_account {why}")))?;
            Operator::new(gcs(url, tokens.is_some()))
        }
        Scheme::File => return Err(invalid("a folder is no bucket")),
    };
    let operator = operator.map_err(|error| invalid(error.message()))?;
    let transport = Transport::new(url.scheme(), tokens.map(Arc::new))?;
    let context = OperationContext::new().with_http_transport(HttpTransporter::new(transport));
    Ok(operator.with_context(context))
}

fn s3(url: &StorageUrl, credentials: Option<&Credentials>) -> S3 {
    let mut builder = S3::default()
        .bucket(url.bucket())
        .region(url.region().unwrap_or(REGION));
    if let Some(endpoint) = url.server() {
        builder = builder.endpoint(endpoint.as_str());
    }
    if url.virtual_hosts() {
        builder = builder.enable_virtual_host_style();
    }
    let Some(credentials) = credentials else {
        return builder;
    };
    builder = builder
        .disable_config_load()
        .disable_ec2_metadata()
        .access_key_id(credentials.get("access_key_id").unwrap_or_default())
        .secret_access_key(credentials.get("secret_access_key").unwrap_or_default());
    match credentials.get("session_token") {
        Some(token) => builder.session_token(token),
        None => builder,
    }
}

fn azblob(url: &StorageUrl, credentials: Option<&Credentials>) -> Result<Azblob> {
    let account = credentials.and_then(|credentials| credentials.get("account_name"));
    let endpoint = match (url.server(), account) {
        (Some(endpoint), _) => endpoint.to_string(),
        (None, Some(account)) => format!("https://{account}.blob.core.windows.net"),
        (None, None) => {
            return Err(invalid(
                "which account the container is in isn't said: add endpoint=https://ACCOUNT.blob.core.windows.net",
            ));
        }
    };
    let mut builder = Azblob::default()
        .container(url.bucket())
        .endpoint(endpoint.trim_end_matches('/'));
    if let Some(account) = account {
        builder = builder.account_name(account);
    }
    if let Some(key) = credentials.and_then(|credentials| credentials.get("account_key")) {
        builder = builder.account_key(key);
    }
    if let Some(token) = credentials.and_then(|credentials| credentials.get("sas_token")) {
        builder = builder.sas_token(token.trim_start_matches('?'));
    }
    Ok(builder)
}

fn gcs(url: &StorageUrl, own_tokens: bool) -> Gcs {
    let mut builder = Gcs::default().bucket(url.bucket());
    if let Some(endpoint) = url.server() {
        builder = builder.endpoint(endpoint.as_str().trim_end_matches('/'));
    }
    // With a service account the transport brings the token.
    if own_tokens {
        builder = builder
            .disable_config_load()
            .disable_vm_metadata()
            .skip_signature();
    }
    builder
}

fn invalid(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, why)
}
