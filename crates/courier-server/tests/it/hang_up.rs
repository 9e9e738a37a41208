//! Clients that don't wait for their answer, or never end their question.

use std::collections::HashSet;

use futures::future::join_all;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::harness::{Client, TestServer};

/// The strings at that place in the items of a list.
async fn all(client: &Client, path: &str, pointer: &str) -> HashSet<String> {
    let list = client.get(path).await.ok();
    let text = |item: &Value| Some(item.pointer(pointer)?.as_str()?.to_owned());
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(text)
        .collect()
}

#[tokio::test]
async fn what_is_begun_is_recorded_though_the_client_hangs_up() {
    let server = TestServer::start().await;
    let address = server.address();
    let token = server.admin.token().to_owned();
    let hang_up = async |n: usize| {
        let body = json!({"name": format!("t{n}")}).to_string();
        let request = format!(
            "POST /api/tokens HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        // Each at another moment.
        for _ in 0..n {
            tokio::task::yield_now().await;
        }
    };
    join_all((0..200).map(hang_up)).await;
    // Stopping waits for what is under way.
    let server = TestServer::start_in(server.stop().await).await;
    let made = all(&server.admin, "/api/tokens?limit=1000", "/name").await;
    let recorded = all(
        &server.admin,
        "/api/audit?operation=token_created&limit=1000",
        "/details/name",
    )
    .await;
    assert!(!made.is_empty());
    assert_eq!(made, recorded);
    server.stop().await;
}
