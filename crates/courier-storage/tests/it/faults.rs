//! What a bad line does, and what stores refuse.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    http::{StatusCode, header},
    response::IntoResponse,
};
use courier_storage::{
    Credentials, Error, ErrorKind, Found, ObjectKey, Storage, StorageUrl, always,
    testkit::{Store, content, read_all, service_account},
};
use courier_transfer::testkit::{Direction, Fault, Proxy};
use serde_json::json;
use uuid::Uuid;

async fn upload(storage: &dyn Storage, key: &ObjectKey, mark: Uuid, size: usize) -> Result<(), Error> {
    let bytes = content(size);
    let mut upload = storage.begin(key, mark, Some(size as u64)).await?;
    for piece in bytes.chunks(1 << 20) {
        upload.write(bytes.slice_ref(piece)).await?;
    }
    upload.finish(&always()).await
}

fn port(store: &Store) -> u16 {
    store.address().rsplit_once(':').unwrap().1.parse().unwrap()
}

async fn survives(store: Store) {
    let proxy = Proxy::to(port(&store));
    let storage = store.open(&store.url_through(&format!("http://127.0.0.1:{}", proxy.port()), "in"));
    let size = 20 << 20;

    // Once, in the middle of a part: the part is sent again.
    let (key, mark) = (ObjectKey::new("once").unwrap(), Uuid::now_v7());
    proxy.after(Direction::Up, 3 << 20, Fault::Reset);
    upload(&*storage, &key, mark, size).await.unwrap();
    assert!(read_all(&*storage, &key, mark).await.unwrap() == content(size));

    // Again and again: an error, and nothing is there.
    let (key, mark) = (ObjectKey::new("often").unwrap(), Uuid::now_v7());
    proxy.each_after(Direction::Up, 3 << 20, Fault::Reset);
    let error = upload(&*storage, &key, mark, size).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    assert!(error.retry());
    proxy.pass();
    assert_eq!(storage.find(&key, mark).await.unwrap(), Found::Absent);
    assert_eq!(store.list().await.into_keys().collect::<Vec<_>>(), ["in/once"]);
    storage.discard(&key, mark).await.unwrap();
    upload(&*storage, &key, mark, size).await.unwrap();
    assert!(read_all(&*storage, &key, mark).await.unwrap() == content(size));

    // The answer is lost: the object is there, and ours.
    let (key, mark) = (ObjectKey::new("answer").unwrap(), Uuid::now_v7());
    proxy.after(Direction::Down, 0, Fault::Reset);
    match storage.put(&key, mark, content(10), &always()).await {
        Ok(()) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::Exists, "{error}"),
    }
    assert_eq!(storage.find(&key, mark).await.unwrap(), Found::Ours { size: 10 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_line_to_s3() {
    survives(Store::s3().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_line_to_azure_blob() {
    survives(Store::azblob().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_line_to_google_cloud_storage() {
    survives(Store::gcs().await).await;
}

fn open(url: &str, credentials: &serde_json::Value) -> Arc<dyn Storage> {
    let url: StorageUrl = url.parse().unwrap();
    let credentials = Credentials::parse(url.scheme(), credentials).unwrap();
    courier_storage::open(&url, Some(&credentials)).unwrap()
}

#[tokio::test]
async fn a_bucket_that_is_missing_and_a_wrong_key_are_named() {
    let s3 = Store::s3().await;
    let url = s3.url("").replace("pulled", "absent");
    let error = s3.open(&url).check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("there is no bucket absent"), "{error}");

    let azure = Store::azblob().await;
    let url = azure.url("").replace("pulled", "absent");
    let error = azure.open(&url).check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error.to_string().contains("there is no container absent"),
        "{error}"
    );
    let wrong = json!({"account_name": "devstoreaccount1", "account_key": "d3Jvbmc="});
    let error = open(&azure.url(""), &wrong).check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(error.to_string().contains("rejected the credentials"), "{error}");
    assert!(!error.to_string().contains("d3Jvbmc="), "{error}");
}

/// Answers every request alike, and counts them.
async fn scripted(status: u16, body: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let app = Router::new().fallback(move |_body: bytes::Bytes| async move {
        counted.fetch_add(1, Ordering::Relaxed);
        let status = StatusCode::from_u16(status).unwrap();
        // So that no test waits.
        (status, [(header::RETRY_AFTER, "0")], body).into_response()
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    (format!("http://{address}"), asked)
}

#[tokio::test]
async fn refusals_are_put_into_words() {
    let s3 = json!({"access_key_id": "AKIAEXAMPLE", "secret_access_key": "hunter2"});
    let azure = json!({"account_name": "account", "sas_token": "?sv=2024&sig=hunter2"});
    for (scheme, status, body, kind, why, requests) in [
        (
            "s3",
            403,
            "<Error><Code>AccessDenied</Code><Message>Access &amp; Denied</Message></Error>",
            ErrorKind::Denied,
            "(it answered 403 AccessDenied: Access & Denied)",
            1,
        ),
        (
            "s3",
            403,
            "<Error><Code>InvalidAccessKeyId</Code></Error>",
            ErrorKind::Auth,
            "rejected the credentials",
            1,
        ),
        (
            "s3",
            403,
            "<Error><Code>RequestTimeTooSkewed</Code></Error>",
            ErrorKind::Auth,
            "set the clock",
            1,
        ),
        (
            "s3",
            400,
            "<Error><Code>ExpiredToken</Code></Error>",
            ErrorKind::Auth,
            "have expired",
            1,
        ),
        (
            "s3",
            301,
            "<Error><Code>PermanentRedirect</Code></Error>",
            ErrorKind::Invalid,
            "check region",
            1,
        ),
        (
            "s3",
            501,
            "<Error><Code>NotImplemented</Code></Error>",
            ErrorKind::Invalid,
            "conditional writes",
            1,
        ),
        (
            "s3",
            412,
            "<Error><Code>PreconditionFailed</Code></Error>",
            ErrorKind::Exists,
            "an object of that name",
            1,
        ),
        (
            "s3",
            507,
            "<Error><Code>XMinioStorageFull</Code></Error>",
            ErrorKind::Full,
            "the store is full",
            1,
        ),
        (
            "s3",
            503,
            "<Error><Code>SlowDown</Code></Error>",
            ErrorKind::Busy,
            "less often",
            4,
        ),
        ("s3", 500, "", ErrorKind::Unreachable, "a trouble of its own", 4),
        (
            "s3",
            409,
            "<Error><Code>ConditionalRequestConflict</Code></Error>",
            ErrorKind::Busy,
            "less often",
            4,
        ),
        (
            "azblob",
            403,
            "<Error><Code>AuthenticationFailed</Code></Error>",
            ErrorKind::Auth,
            "rejected the credentials",
            1,
        ),
        (
            "azblob",
            403,
            "<Error><Code>AuthorizationPermissionMismatch</Code></Error>",
            ErrorKind::Denied,
            "may not do this",
            1,
        ),
        (
            "azblob",
            409,
            "<Error><Code>BlobAlreadyExists</Code></Error>",
            ErrorKind::Exists,
            "an object of that name",
            1,
        ),
        (
            "azblob",
            503,
            "<Error><Code>ServerBusy</Code></Error>",
            ErrorKind::Busy,
            "less often",
            4,
        ),
    ] {
        let (endpoint, asked) = scripted(status, body).await;
        let url = format!("{scheme}://bucket/in?endpoint={endpoint}");
        let storage = open(&url, if scheme == "s3" { &s3 } else { &azure });
        let key = ObjectKey::new("a").unwrap();
        let error = storage
            .put(&key, Uuid::now_v7(), content(1), &always())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{scheme} {status} {body}: {error}");
        let said = error.to_string();
        assert!(said.contains(why), "{scheme} {status} {body}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
        assert_eq!(
            asked.load(Ordering::Relaxed),
            requests,
            "{scheme} {status} {body}"
        );
    }
}

#[tokio::test]
async fn a_service_account_that_is_refused_is_one_with_wrong_credentials() {
    let body = r#"{"error":"invalid_grant","error_description":"Invalid grant: account not found"}"#;
    let (endpoint, _) = scripted(400, body).await;
    let credentials = json!({"service_account": service_account(&format!("{endpoint}/token"))});
    let storage = open(&format!("gcs://bucket?endpoint={endpoint}"), &credentials);
    let error = storage.check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth, "{error}");
    assert!(error.to_string().contains("account not found"), "{error}");
}

#[tokio::test]
async fn a_token_that_never_ends_is_one_like_others() {
    let body = r#"{"access_token":"token","expires_in":18446744073709551615}"#;
    let (endpoint, _) = scripted(200, body).await;
    let credentials = json!({"service_account": service_account(&format!("{endpoint}/token"))});
    let storage = open(&format!("gcs://bucket?endpoint={endpoint}"), &credentials);
    let error = storage.check().await.unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Failed,
        "asked for something with it: {error}"
    );
}
