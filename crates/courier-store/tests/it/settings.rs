use serde_json::json;

use crate::{database::Database, on_both};

on_both!(settings_are_set_and_replaced);

async fn settings_are_set_and_replaced(db: Database) {
    assert_eq!(
        db.settings().get("security.fips_mode_enabled").await.unwrap(),
        None
    );
    let first = db
        .settings()
        .set("security.fips_mode_enabled", json!(true), "me")
        .await
        .unwrap();
    db.settings()
        .set("a", json!(["x", null, 1.5]), "me")
        .await
        .unwrap();
    let second = db
        .settings()
        .set("security.fips_mode_enabled", json!(false), "you")
        .await
        .unwrap();
    assert!(second.updated_at > first.updated_at);
    assert_eq!(
        db.settings().get("security.fips_mode_enabled").await.unwrap(),
        Some(second.clone())
    );
    let all = db.settings().all().await.unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!((&all[0].value, &all[1]), (&json!(["x", null, 1.5]), &second));
}
