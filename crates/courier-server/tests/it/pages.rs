//! Lists come in pages.

use serde_json::json;

use crate::harness::TestServer;

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_overlap() {
    let server = TestServer::start().await;
    for i in 0..5 {
        let user = json!({"username": format!("user-{i}"), "password": "long enough 123", "role": "viewer"});
        server.admin.post("/api/users", user).await.created();
    }
    let mut names = Vec::new();
    let mut path = "/api/users?limit=2".to_owned();
    loop {
        let page = server.admin.get(&path).await.ok();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        names.extend(
            items
                .iter()
                .map(|user| user["username"].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/users?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    names.sort();
    assert_eq!(names, ["admin", "user-0", "user-1", "user-2", "user-3", "user-4"]);
    // Too much and too little are cut, not refused.
    for limit in [0, 1_000_000, 10_000_000_000_u64] {
        server
            .admin
            .get(&format!("/api/users?limit={limit}"))
            .await
            .status(200);
    }
    server.stop().await;
}
