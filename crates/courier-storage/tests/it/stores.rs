//! Stores of objects, on servers that speak their protocols.

use courier_storage::testkit::{Store, conforms};

async fn passes(store: Store) {
    conforms(&store.open(&store.url("some/prefix"))).await;
    store.open(&store.url("")).check().await.unwrap();
    let names: Vec<String> = store.list().await.into_keys().collect();
    assert!(
        names.iter().any(|name| name.starts_with("some/prefix/suite-")),
        "{names:?}"
    );
    assert!(
        names.iter().all(|name| !name.contains(".courier-check")),
        "{names:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_conforms() {
    passes(Store::s3().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn azure_blob_conforms() {
    passes(Store::azblob().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn google_cloud_storage_conforms() {
    passes(Store::gcs().await).await;
}
