//! What is accepted as credentials, and where none are.

use courier_storage::{Credentials, ErrorKind, Scheme, StorageUrl, testkit::service_account};
use serde_json::{Value, json};

fn wrong(scheme: Scheme, value: &Value) -> Vec<String> {
    let errors = Credentials::parse(scheme, value).unwrap_err();
    errors
        .into_iter()
        .map(|(field, why)| format!("{field} {why}"))
        .collect()
}

#[test]
fn each_field_that_is_wrong_is_named() {
    let s3 = |value: Value| wrong(Scheme::S3, &value);
    assert_eq!(
        s3(json!({"access_key_id": "a"})),
        ["secret_access_key is missing"]
    );
    assert_eq!(
        s3(json!({"access_key_id": "a", "secret_access_key": "", "password": "x"})),
        [
            "password s3:// has no such credential",
            "secret_access_key is empty"
        ]
    );
    assert_eq!(
        s3(json!({"access_key_id": 1, "secret_access_key": "b"})),
        ["access_key_id must be text"]
    );
    assert_eq!(
        s3(json!("text")),
        [" expected an object with access_key_id, secret_access_key, session_token"]
    );
    let azure = |value: Value| wrong(Scheme::Azblob, &value);
    assert_eq!(
        azure(json!({"account_name": "a"})),
        ["account_key is missing, as is sas_token: one of them is needed"]
    );
    assert_eq!(
        azure(json!({"account_name": "a", "account_key": "?"})),
        ["account_key is not base64"]
    );
    assert_eq!(
        azure(json!({"account_name": "a", "account_key": "YQ==", "sas_token": "x"})).len(),
        1
    );
    let google = |value: Value| wrong(Scheme::Gcs, &json!({"service_account": value}));
    assert_eq!(google(json!("{")), ["service_account is not JSON"]);
    assert_eq!(
        google(json!({"type": "service_account", "client_email": "a"})),
        ["service_account has no `private_key`"]
    );
    let mut clear = service_account("http://example.com/token");
    assert_eq!(
        google(clear.clone()),
        ["service_account has a `token_uri` that is not https"]
    );
    clear["private_key"] = json!("hunter2");
    assert!(!google(clear).concat().contains("hunter2"));
    assert_eq!(wrong(Scheme::File, &json!({})).len(), 1);
}

#[test]
fn what_is_accepted_is_never_shown() {
    let account = service_account("https://oauth2.googleapis.com/token");
    for (scheme, value) in [
        (
            Scheme::S3,
            json!({"access_key_id": "hunter2", "secret_access_key": "hunter2", "session_token": null}),
        ),
        (
            Scheme::Azblob,
            json!({"account_name": "hunter2", "sas_token": "hunter2"}),
        ),
        (Scheme::Gcs, json!({"service_account": account.to_string()})),
    ] {
        let shown = format!("{:?}", Credentials::parse(scheme, &value).unwrap());
        assert!(
            !shown.contains("hunter2") && !shown.contains("PRIVATE"),
            "{shown}"
        );
    }
}

#[test]
fn a_store_is_not_opened_without_its_credentials() {
    let open = |url: &str, credentials: Option<&Credentials>| {
        let url: StorageUrl = url.parse().unwrap();
        courier_storage::open(&url, credentials).map(drop)
    };
    let s3 = Credentials::parse(
        Scheme::S3,
        &json!({"access_key_id": "a", "secret_access_key": "b"}),
    )
    .unwrap();
    for (url, credentials, why) in [
        ("s3://bucket?region=x", None, "needs credentials: access_key_id"),
        ("gcs://bucket", Some(&s3), "the credentials are those of s3://"),
        ("file:///srv", Some(&s3), "the credentials are those of s3://"),
        (
            "s3://bucket?region=x&auth=environment",
            Some(&s3),
            "leave one of them out",
        ),
        (
            "azblob://container?auth=environment",
            None,
            "endpoint=https://ACCOUNT",
        ),
    ] {
        let error = open(url, credentials).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(why), "{url}: {error}");
    }
    open("s3://bucket?region=x&auth=environment", None).unwrap();
    open("s3://bucket?region=x", Some(&s3)).unwrap();
}
