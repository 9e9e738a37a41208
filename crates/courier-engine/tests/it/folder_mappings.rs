//! Folder mappings as operators make and change them. What they pull is tested beside.

use courier_engine::{
    Error, PageRequest,
    folder_mappings::{AfterPull, FolderMapping, FolderMappingFilter, MappingIdentity, Timing},
};
use courier_transfer::{ErrorKind, RemotePath};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fixture::{Fixture, admin, fields, map, operator};

/// A mapping of a new connection.
async fn mapped(t: &Fixture, fields: Value) -> FolderMapping {
    let connection = t.connection(json!({})).await.id;
    mapping(t, connection, fields).await.unwrap()
}

async fn mapping(t: &Fixture, connection: Uuid, fields: Value) -> Result<FolderMapping, Error> {
    t.folder_mappings()
        .create(&operator(), connection, map(fields))
        .await
}

async fn change(t: &Fixture, id: Uuid, changes: Value) -> Result<FolderMapping, Error> {
    t.folder_mappings().patch(&operator(), id, map(changes)).await
}

/// How long from now it is due, seconds.
fn due_in(mapping: &FolderMapping) -> i64 {
    let left = mapping.next_run_at.unwrap().duration_since(Timestamp::now());
    (left + SignedDuration::from_millis(999)).as_secs()
}

#[tokio::test]
async fn a_folder_is_all_that_must_be_given() {
    let t = Fixture::new().await;
    let made = mapped(&t, json!({"remote_path": "/in/"})).await;
    let said = &made.definition;
    assert_eq!(made.name, "/in");
    assert_eq!(said.remote_path.to_text(), "/in");
    assert_eq!((said.pattern.as_str(), said.recursive), ("*", false));
    assert_eq!(said.timing, Timing::Interval(300));
    assert_eq!(
        (
            said.prefix.as_str(),
            said.min_age_sec,
            said.require_stable,
            said.marker_suffix.as_deref()
        ),
        ("", 2, false, None)
    );
    assert_eq!(said.identity, MappingIdentity::PathAndVersion);
    assert_eq!((said.after_pull, &said.move_to), (AfterPull::Keep, &None));
    assert!(said.ignore.contains(&"*.filepart".to_owned()));
    assert_eq!(said.storage_id, t.storages().default_id().await.unwrap());
    assert!(made.enabled);
    assert_eq!((due_in(&made), made.health.as_str()), (300, "unknown"));
    assert_eq!(made.warnings, [""; 0]);
    assert_eq!(t.folder_mappings().get(made.id).await.unwrap(), made);
    let audit = &t.audit_of("folder_mapping_created").await[0];
    assert_eq!(audit.connection_id, Some(made.connection_id));
    assert_eq!(audit.details["after"]["definition"]["remote_path"], json!("/in"));

    t.folder_mappings().delete(&operator(), made.id).await.unwrap();
    assert!(matches!(
        t.folder_mappings().get(made.id).await,
        Err(Error::NotFound { .. })
    ));
    assert_eq!(t.audit_of("folder_mapping_deleted").await.len(), 1);
}

#[tokio::test]
async fn every_problem_is_named_at_once() {
    let t = Fixture::new().await;
    let connection = t.connection(json!({})).await.id;
    let refused = async |input: Value| fields(&mapping(&t, connection, input).await.unwrap_err());
    for (more, mut wrong) in [
        (json!({"remote_path": null}), vec!["remote_path"]),
        (json!({"remote_path": 5}), vec!["remote_path"]),
        (json!({"remote_path": ""}), vec!["remote_path"]),
        (json!({"remote_path": "/in/../etc"}), vec!["remote_path"]),
        (json!({"remote_path": ".."}), vec!["remote_path"]),
        (json!({"remote_path": "/in\0"}), vec!["remote_path"]),
        (json!({"remote_path": "/in\n"}), vec!["remote_path"]),
        (json!({"remote_path": "/in\u{7}"}), vec!["remote_path"]),
        (json!({"remote_path": "in\\..\\..\\etc"}), vec!["remote_path"]),
        (json!({"remote_path": "C:\\in"}), vec!["remote_path"]),
        (json!({"pattern": ""}), vec!["pattern"]),
        (json!({"pattern": "["}), vec!["pattern"]),
        (json!({"pattern": "/*.csv"}), vec!["pattern"]),
        (json!({"pattern": "in/"}), vec!["pattern"]),
        (json!({"pattern": "../*"}), vec!["pattern"]),
        (json!({"pattern": "{a,..}/*"}), vec!["pattern"]),
        (json!({"pattern": "a\0"}), vec!["pattern"]),
        (
            json!({"pattern": "{".repeat(300) + &"}".repeat(300)}),
            vec!["pattern"],
        ),
        (
            json!({"pattern": "a/*.csv", "recursive": false}),
            vec!["recursive"],
        ),
        (json!({"storage_id": "default"}), vec!["storage_id"]),
        (json!({"storage_id": Uuid::now_v7()}), vec!["storage_id"]),
        (json!({"prefix": "/etc"}), vec!["prefix"]),
        (json!({"prefix": "/"}), vec!["prefix"]),
        (json!({"prefix": "a/../b"}), vec!["prefix"]),
        (json!({"prefix": "a//b"}), vec!["prefix"]),
        (json!({"prefix": "a\\b"}), vec!["prefix"]),
        (json!({"prefix": "a\0"}), vec!["prefix"]),
        (json!({"prefix": "a".repeat(513)}), vec!["prefix"]),
        (json!({"prefix": "a".repeat(256)}), vec!["prefix"]),
        (json!({"interval_sec": 0}), vec!["interval_sec"]),
        (json!({"interval_sec": 604_801}), vec!["interval_sec"]),
        (json!({"interval_sec": 60, "cron": "0 * * * *"}), vec!["cron"]),
        (json!({"timezone": "UTC"}), vec!["timezone"]),
        (json!({"ignore": ["*.tmp", "["]}), vec!["ignore[1]"]),
        (json!({"ignore": "*.tmp"}), vec!["ignore"]),
        (json!({"ignore": vec!["a"; 101]}), vec!["ignore"]),
        (json!({"min_age_sec": -1}), vec!["min_age_sec"]),
        (json!({"require_stable": "yes"}), vec!["require_stable"]),
        (json!({"marker_suffix": ""}), vec!["marker_suffix"]),
        (json!({"marker_suffix": "/done"}), vec!["marker_suffix"]),
        (json!({"identity": "name"}), vec!["identity"]),
        (json!({"after_pull": "archive"}), vec!["after_pull"]),
        (json!({"after_pull": "move"}), vec!["move_to"]),
        (json!({"move_to": "done"}), vec!["move_to"]),
        (
            json!({"after_pull": "move", "move_to": "../done"}),
            vec!["move_to"],
        ),
        (json!({"after_pull": "move", "move_to": "/in"}), vec!["move_to"]),
        (json!({"after_pull": "move", "move_to": "."}), vec!["move_to"]),
        (json!({"name": " x "}), vec!["name"]),
        (json!({"connection_id": Uuid::now_v7()}), vec!["connection_id"]),
        (json!({"patern": "*", "folder": "/"}), vec!["patern", "folder"]),
        (
            json!({"remote_path": "/../x", "cron": "99 * * * *", "enabled": 1}),
            vec!["remote_path", "cron", "enabled"],
        ),
    ] {
        let mut input = map(json!({"remote_path": "/in"}));
        input.extend(map(more));
        wrong.sort_unstable();
        assert_eq!(refused(Value::Object(input.clone())).await, wrong, "{input:?}");
    }
    for (cron, timezone, wrong) in [
        ("99 * * * *", "UTC", "cron"),
        ("0 0 30 2 *", "UTC", "cron"),
        ("0 * * * *", "Mars/Olympus", "timezone"),
    ] {
        let input = json!({"remote_path": "/in", "cron": cron, "timezone": timezone});
        let error = mapping(&t, connection, input).await.unwrap_err();
        assert!(
            matches!(&error, Error::Schedule { fields } if fields[0].field == wrong),
            "{error:?}"
        );
    }
    let page = PageRequest::first(10);
    assert_eq!(t.folder_mappings().of(connection, page).await.unwrap().items, []);
}

#[tokio::test]
async fn a_mapping_belongs_to_a_connection_that_moves_files() {
    let t = Fixture::new().await;
    let input = json!({"remote_path": "/in"});
    assert!(matches!(
        mapping(&t, Uuid::now_v7(), input.clone()).await,
        Err(Error::NotFound {
            what: "connection",
            ..
        })
    ));
    let connection = t.connection(json!({})).await.id;
    mapping(&t, connection, input.clone()).await.unwrap();
    assert!(matches!(
        mapping(&t, connection, input).await,
        Err(Error::Duplicate { .. })
    ));
    let refused = t.connections().delete(&admin(), connection).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the connection is used by the folder mapping \"/in\"; change or delete it first"
    );
}

#[tokio::test]
async fn a_change_keeps_the_rest() {
    let t = Fixture::new().await;
    let made = mapped(
        &t,
        json!({"remote_path": "/in", "interval_sec": 3600, "after_pull": "move", "move_to": "done", "min_age_sec": 9}),
    )
    .await;
    // Nothing of this changes when it is due.
    let changed = change(&t, made.id, json!({"pattern": "a/**/*.csv", "name": "letters"}))
        .await
        .unwrap();
    assert_eq!(changed.next_run_at, made.next_run_at);
    assert_eq!(
        (changed.name.as_str(), changed.definition.recursive),
        ("letters", true)
    );
    assert_eq!(changed.definition.min_age_sec, 9);
    let audit = &t.audit_of("folder_mapping_changed").await[0];
    assert_eq!(audit.details["before"]["definition"]["pattern"], json!("*"));

    // What can't stand beside the new field goes.
    let kept = change(&t, made.id, json!({"after_pull": "keep", "min_age_sec": null}))
        .await
        .unwrap();
    assert_eq!(
        (&kept.definition.move_to, kept.definition.min_age_sec),
        (&None, 2)
    );
    let timed = change(&t, made.id, json!({"cron": "0 0 1 1 *"})).await.unwrap();
    assert_eq!(
        timed.definition.timing,
        Timing::Cron {
            cron: "0 0 1 1 *".into(),
            timezone: "UTC".into()
        }
    );
    assert!(
        timed
            .next_run_at
            .unwrap()
            .to_string()
            .ends_with("-01-01T00:00:00Z")
    );
    let timed = change(&t, made.id, json!({"interval_sec": 60})).await.unwrap();
    assert_eq!(
        (&timed.definition.timing, due_in(&timed)),
        (&Timing::Interval(60), 60)
    );
    let timed = change(&t, made.id, json!({"cron": "0 0 1 1 *"})).await.unwrap();
    assert!(timed.next_run_at.is_some());
    let timed = change(&t, made.id, json!({"cron": null})).await.unwrap();
    assert_eq!(timed.definition.timing, Timing::Interval(300));

    let resting = change(&t, made.id, json!({"enabled": false})).await.unwrap();
    assert_eq!(resting.next_run_at, None);
    let awake = change(&t, made.id, json!({"enabled": true})).await.unwrap();
    assert_eq!(due_in(&awake), 300);

    // What a client reads it may send back.
    let mut document = map(serde_json::to_value(&awake.definition).unwrap());
    document.insert("health".into(), json!("healthy"));
    document.insert("connection_id".into(), json!(awake.connection_id));
    let same = change(&t, made.id, Value::Object(document)).await.unwrap();
    assert_eq!(same.definition, awake.definition);
    assert_eq!(
        fields(
            &change(&t, made.id, json!({"remote_path": "/../etc"}))
                .await
                .unwrap_err()
        ),
        ["remote_path"]
    );
}

#[tokio::test]
async fn a_folder_below_a_base_path_has_one_name() {
    let t = Fixture::new().await;
    let connection = t.connection(json!({"base_path": "/data"})).await.id;
    let made = mapping(&t, connection, json!({"remote_path": "in"}))
        .await
        .unwrap();
    assert_eq!((made.name.as_str(), made.warnings.len()), ("/in", 0));
    let same = change(&t, made.id, json!({"remote_path": "./in"})).await.unwrap();
    assert_eq!(same.definition, made.definition);
    let twice = change(&t, made.id, json!({"remote_path": "/data/in"}))
        .await
        .unwrap();
    assert!(
        twice.warnings[0].contains("on the server it is /data/data/in"),
        "{:?}",
        twice.warnings
    );

    // One that was mapped before there was a base path keeps the name that its history has.
    let other = mapped(&t, json!({"remote_path": "in"})).await;
    assert_eq!(other.definition.remote_path.to_text(), "in");
    t.connections()
        .patch(&admin(), other.connection_id, map(json!({"base_path": "/data"})))
        .await
        .unwrap();
    let kept = change(&t, other.id, json!({"remote_path": "in", "min_age_sec": 1}))
        .await
        .unwrap();
    assert_eq!(kept.definition.remote_path.to_text(), "in");
}

#[tokio::test]
async fn what_may_not_be_meant_so_is_told() {
    let t = Fixture::new().await;
    let one = mapped(&t, json!({"remote_path": "/in", "identity": "path"})).await;
    assert!(one.warnings[0].contains("is not pulled"), "{:?}", one.warnings);
    let two = mapping(
        &t,
        one.connection_id,
        json!({"remote_path": "/", "name": "all", "pattern": "**/*.csv"}),
    )
    .await
    .unwrap();
    assert!(
        two.warnings[0].contains("\"/in\" can match the same files"),
        "{:?}",
        two.warnings
    );
    let filter = FolderMappingFilter {
        connection_id: Some(one.connection_id),
        ..Default::default()
    };
    let all = t
        .folder_mappings()
        .list(filter, PageRequest::first(10))
        .await
        .unwrap()
        .items;
    assert_eq!(all.iter().map(|m| m.warnings.len()).collect::<Vec<_>>(), [2, 1]);
    t.connections()
        .patch(&admin(), one.connection_id, map(json!({"status": "disabled"})))
        .await
        .unwrap();
    let shown = t.folder_mappings().get(two.id).await.unwrap();
    assert!(shown.warnings[0].contains("disabled"), "{:?}", shown.warnings);
}

#[tokio::test]
async fn a_link_out_of_the_base_path_is_refused_where_the_server_can_be_asked() {
    let t = Fixture::new().await;
    let connection = t.connection(json!({"base_path": "/home/base"})).await.id;
    let path = |text: &str| RemotePath::new(text).unwrap();
    let server = t.server.memory();
    server.put(&path("/home/base/in/a"), "1");
    server.put(&path("/home/secret/s"), "1");
    server.link(&path("/home/base/out"), &path("/home/secret"));
    // Nothing is known of the server: its pulls will tell.
    mapping(&t, connection, json!({"remote_path": "/out", "enabled": false}))
        .await
        .unwrap();
    assert!(
        t.connections()
            .test(&operator(), connection)
            .await
            .unwrap()
            .success
    );
    for (input, field) in [
        (json!({"remote_path": "/out", "name": "other"}), "remote_path"),
        (
            json!({"remote_path": "/in", "after_pull": "move", "move_to": "/out/done"}),
            "move_to",
        ),
    ] {
        let refused = mapping(&t, connection, input).await.unwrap_err();
        assert_eq!(fields(&refused), [field], "{refused}");
    }
    let made = mapping(&t, connection, json!({"remote_path": "/in"}))
        .await
        .unwrap();
    let refused = change(&t, made.id, json!({"remote_path": "/out"})).await;
    assert_eq!(fields(&refused.unwrap_err()), ["remote_path"]);
    // What has nothing to do with that asks nobody, and nobody waits for a server that is away.
    let logins = t.server.logins();
    change(&t, made.id, json!({"interval_sec": 60})).await.unwrap();
    assert_eq!(t.server.logins(), logins);
    t.server.down(Some(ErrorKind::Unreachable));
    change(&t, made.id, json!({"remote_path": "/out"})).await.unwrap();
    let health = t.connections().get(connection).await.unwrap().health;
    assert_eq!(health.as_str(), "healthy");
}
