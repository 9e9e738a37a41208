//! The ways that data connections take on each server over TLS: IPv6, PASV with the address of a network inside, and what
//! settings change about them.

use std::{
    net::{Ipv6Addr, TcpListener},
    sync::Arc,
};

use courier_transfer::{
    Client, CreateOptions, ErrorKind, Store,
    testkit::{BytesSink, BytesSource},
};
use futures::StreamExt;
use serde_json::json;

use crate::support::{Attempt, Mode, Server, Setup, Software, on_each_server};

on_each_server![
    ipv6_works,
    an_address_inside_is_replaced,
    quirks_go_other_ways,
    data_in_clear_are_refused_by_the_server,
    text_is_converted,
];

/// A file goes up, is listed, and comes down.
async fn works(server: &Server, client: &Arc<dyn Client>) {
    let (path, content) = (server.remote("a file"), b"line\nline\n".to_vec());
    let store = Store::new(BytesSource::new(content.clone()), CreateOptions::default(), None);
    client.store(&path, store).await.unwrap();
    let listing = client.list(&server.remote_folder()).await.unwrap();
    assert_eq!(listing.count().await, 1);
    let sink = Arc::new(BytesSink::default());
    client.fetch(&path, sink.request(0, None)).await.unwrap();
    assert_eq!(sink.bytes(), content);
    assert_eq!(server.read("a file"), content);
}

async fn ipv6_works(software: Software) {
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        return; // A container may have none.
    }
    let server = Setup::new(software, Mode::Explicit)
        .at(Ipv6Addr::LOCALHOST)
        .start();
    works(&server, &server.connect().await).await;
    let active = Attempt::to(&server).setting("passive_mode", json!(false));
    works(&server, &active.connect().await.unwrap()).await;
}

/// A server behind a router that tells the address it has inside.
async fn an_address_inside_is_replaced(software: Software) {
    let inside = "10.11.12.13";
    let server = Setup::new(software, Mode::Explicit)
        .config(&match software {
            Software::ProFtpd => format!("MasqueradeAddress {inside}"),
            Software::PureFtpd => format!("-P{inside}"),
            Software::Vsftpd => format!("pasv_address={inside}"),
        })
        .start();
    let attempt = Attempt::to(&server).setting("quirks", json!(["no_epsv"]));
    works(&server, &attempt.connect().await.unwrap()).await;
}

async fn quirks_go_other_ways(software: Software) {
    for quirks in [
        json!(["no_epsv"]),
        json!(["no_mlsd", "no_mlst"]),
        json!(["no_mlsd", "no_mlst", "cwd_listing", "no_utf8"]),
        json!(["no_abort"]),
    ] {
        let server = Setup::new(software, Mode::Explicit).start();
        let client = Attempt::to(&server)
            .setting("quirks", quirks)
            .connect()
            .await
            .unwrap();
        works(&server, &client).await;
    }
    // What the server hides by itself is shown.
    let server = Setup::new(software, Mode::Explicit).start();
    server.write(".hidden", b"x");
    let all = Attempt::to(&server).setting("quirks", json!(["no_mlsd", "list_all"]));
    let listing = all
        .connect()
        .await
        .unwrap()
        .list(&server.remote_folder())
        .await
        .unwrap();
    assert_eq!(listing.count().await, 1);
}

/// The servers of these tests insist on TLS for data.
async fn data_in_clear_are_refused_by_the_server(software: Software) {
    let server = Setup::new(software, Mode::Explicit).start();
    let attempt = Attempt::to(&server).setting("quirks", json!(["clear_data"]));
    let refused = match attempt.connect().await {
        Ok(client) => client.list(&server.remote_folder()).await.err().unwrap(),
        Err(refused) => refused,
    };
    assert!(
        matches!(
            refused.kind(),
            ErrorKind::Denied | ErrorKind::Failed | ErrorKind::Negotiation
        ),
        "{refused:?}"
    );
}

async fn text_is_converted(software: Software) {
    let setup = Setup::new(software, Mode::Explicit);
    let server = match software {
        Software::Vsftpd => setup.config("ascii_upload_enable=YES\nascii_download_enable=YES"),
        Software::ProFtpd | Software::PureFtpd => setup,
    }
    .start();
    let attempt = Attempt::to(&server).setting("transfer_type", json!("ascii"));
    let client = attempt.connect().await.unwrap();
    assert!(!client.capabilities().resume_download && !client.capabilities().resume_upload);
    works(&server, &client).await;
}
