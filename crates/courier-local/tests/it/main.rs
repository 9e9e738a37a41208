//! The conformance suite on a folder of this machine, and what is special about it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod confinement;

use std::{path::PathBuf, sync::Arc, time::Duration};

use courier_local::LocalProtocol;
use courier_transfer::{
    Client, ConnectOptions, Credentials, Protocol, RemotePath, Result, Target, TrustPins, Unobserved,
    testkit::Fixture,
};

async fn connect(root: Option<PathBuf>) -> Result<Arc<dyn Client>> {
    let target = Target {
        host: String::new(),
        port: 0,
        username: String::new(),
        credentials: Credentials::default(),
        settings: serde_json::Map::new(),
        // As the engine does; the folder for temporary files may be a link.
        local_root: root.map(|root| root.canonicalize().unwrap_or(root)),
    };
    let options = ConnectOptions {
        trust: Arc::new(TrustPins::new([])),
        observer: Arc::new(Unobserved),
        connect_timeout: Duration::from_secs(5),
        keepalive_interval: Duration::from_secs(30),
        fips: false,
    };
    LocalProtocol.connect(target, options).await
}

async fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    Fixture {
        client: connect(Some(folder.path().to_owned())).await.unwrap(),
        folder: RemotePath::root(),
        keep: Box::new(folder),
    }
}

courier_transfer::conformance!(fixture);
