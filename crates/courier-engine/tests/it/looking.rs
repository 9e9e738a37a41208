//! Who may only look sends no credentials to a server that nobody has looked at, and leaves no trace.

use courier_engine::{Actor, Error, TokenLimits};
use serde_json::json;

use crate::{
    fake::PASSWORD,
    fixture::{Fixture, admin, map, operator, viewer},
};

#[tokio::test]
async fn a_viewer_looks_and_leaves_no_trace_on_the_connection() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    let look = async || t.connections().browse(&viewer(), made.id, None).await;
    let error = look().await.unwrap_err();
    assert!(
        matches!(&error, Error::ConnectionNotUsable(why) if why.contains("pinned host key")),
        "{error}"
    );
    assert_eq!(t.server.logins(), 0);
    assert!(t.connections().known_hosts(made.id).await.unwrap().is_empty());

    t.connections().browse(&operator(), made.id, None).await.unwrap();
    let known = t.connections().get(made.id).await.unwrap();
    look().await.unwrap();
    t.server.change_host_key(2);
    assert_eq!(look().await.unwrap_err().kind(), "host_key");
    assert_eq!(t.connections().known_hosts(made.id).await.unwrap().len(), 1);
    t.server.change_host_key(1);
    t.server.down(Some(courier_transfer::ErrorKind::Unreachable));
    assert_eq!(look().await.unwrap_err().kind(), "unreachable");
    t.server.down(None);
    let shown = t.connections().get(made.id).await.unwrap();
    assert_eq!(
        (shown.health, shown.health_detail, shown.last_ok_at),
        (known.health, None, known.last_ok_at)
    );
}

#[tokio::test]
async fn a_viewer_sends_no_credentials_where_any_host_key_is_accepted() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    t.connections().browse(&operator(), made.id, None).await.unwrap();
    let any = map(json!({"host_key_policy": "always_trust"}));
    t.connections().patch(&admin(), made.id, any).await.unwrap();
    t.server.change_host_key(2);
    let logins = t.server.logins();
    let error = t
        .connections()
        .browse(&viewer(), made.id, None)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("any host key"), "{error}");
    assert_eq!(t.server.logins(), logins);
}

#[tokio::test]
async fn a_token_for_looking_pins_nothing() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    let with = |scope: &str| Actor {
        token: Some(TokenLimits {
            scopes: Some(vec![scope.parse().unwrap()]),
            expires_at: None,
        }),
        ..admin()
    };
    let looks = with("connections:read");
    let error = t.connections().browse(&looks, made.id, None).await.unwrap_err();
    assert!(error.to_string().contains("pinned host key"), "{error}");
    assert!(t.connections().known_hosts(made.id).await.unwrap().is_empty());
    let changes = with("connections");
    t.connections().browse(&changes, made.id, None).await.unwrap();
    t.connections().browse(&looks, made.id, None).await.unwrap();
}

#[tokio::test]
async fn a_viewer_locks_no_account() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    let look = async || t.connections().browse(&viewer(), made.id, None).await;
    let password = async |password: &str| {
        let change = map(json!({"password": password}));
        t.connections().patch(&operator(), made.id, change).await.unwrap()
    };
    assert!(t.connections().test(&operator(), made.id).await.unwrap().success);
    password("wrong").await;
    let logins = t.server.logins();
    let mut kinds = Vec::new();
    for _ in 0..3 {
        kinds.push(look().await.unwrap_err().kind());
    }
    assert_eq!(kinds, ["auth", "connection_not_usable", "connection_not_usable"]);
    assert_eq!(t.server.logins(), logins + 1);
    assert_eq!(
        t.connections().get(made.id).await.unwrap().health.as_str(),
        "unknown"
    );
    password(PASSWORD).await;
    look().await.unwrap();
}
