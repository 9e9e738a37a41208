//! The protocols, described: a form made from that is one whose connections are accepted.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::harness::TestServer;

/// Fields that all connections have, whatever their protocol.
const COMMON: &[&str] = &["name", "group", "notes", "status", "protocol"];

/// What a person who fills in nothing else types.
fn filled_in(field: &Value, folder: &str) -> Value {
    match field["type"].as_str().unwrap() {
        "local_path" => json!(folder),
        "text" => json!("partner.example.com"),
        "choice" => field["choices"][0].clone(),
        other => panic!("{other}: {field:#}"),
    }
}

fn put(connection: &mut Map<String, Value>, name: &str, value: Value) {
    match name.split_once('.') {
        None => connection.insert(name.to_owned(), value),
        Some((object, part)) => connection
            .entry(object)
            .or_insert_with(|| json!({}))
            .as_object_mut()
            .unwrap()
            .insert(part.to_owned(), value),
    };
}

fn holds(condition: &Value, fields: &[Value], given: &Map<String, Value>) -> bool {
    if condition.is_null() {
        return false;
    }
    let other = fields.iter().find(|f| f["name"] == condition["field"]).unwrap();
    let value = given
        .get(other["name"].as_str().unwrap())
        .unwrap_or(&other["default"]);
    condition["is"].as_array().unwrap().contains(value)
}

#[tokio::test]
async fn a_connection_with_what_is_required_and_no_more_is_accepted() {
    let server = TestServer::start().await;
    let folder = server.folder.path().join("files").display().to_string();
    let protocols = server.admin.get("/api/protocols").await.ok();
    let mut names = Vec::new();
    for protocol in protocols["items"].as_array().unwrap() {
        let name = protocol["name"].as_str().unwrap();
        names.push(name.to_owned());
        assert!(!protocol["help"].as_str().unwrap().is_empty());
        let fields = protocol["fields"].as_array().unwrap();
        let mut connection = Map::from_iter([
            ("name".to_owned(), json!(name)),
            ("protocol".to_owned(), json!(name)),
        ]);
        for field in fields {
            if field["required"] == true || holds(&field["required_when"], fields, &connection) {
                put(
                    &mut connection,
                    field["name"].as_str().unwrap(),
                    filled_in(field, &folder),
                );
            }
        }
        let made = server
            .admin
            .post("/api/connections", json!(connection))
            .await
            .created();
        for field in fields {
            // What is given by default is what the connection then has.
            let shown = &made[field["name"].as_str().unwrap()];
            if !field["default"].is_null() && !field["name"].as_str().unwrap().contains('.') {
                assert_eq!(shown, &field["default"], "{name}: {field:#}");
            }
        }
        assert_eq!(made["auth_method"], protocol["auth_methods"][0], "{name}");
        // Everything that it has is one or the other.
        let words = field(fields, "auth_method").map(|field| &field["choices"]);
        assert_eq!(
            words,
            (protocol["auth_methods"].as_array().unwrap().len() > 1).then_some(&protocol["auth_methods"])
        );
    }
    assert_eq!(names, ["azure_function", "ftp", "ftps", "local", "sftp"]);
    server.stop().await;
}

fn field<'a>(fields: &'a [Value], name: &str) -> Option<&'a Value> {
    fields.iter().find(|field| field["name"] == name)
}

#[tokio::test]
async fn they_have_every_field_of_the_document_and_no_other() {
    let server = TestServer::start().await;
    let protocols = server.with_role("viewer").await.get("/api/protocols").await.ok();
    let document = server.anybody().get("/api/openapi.json").await.ok();
    let schemas = &document["components"]["schemas"];
    let properties = |schema: &str| -> BTreeSet<String> {
        schemas[schema]["properties"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    };
    let mut described = BTreeSet::new();
    for protocol in protocols["items"].as_array().unwrap() {
        let fields = protocol["fields"].as_array().unwrap();
        let mut names = BTreeSet::new();
        for field in fields {
            let name = field["name"].as_str().unwrap();
            assert!(names.insert(name), "{name} is there twice");
            assert!(!field["help"].as_str().unwrap().is_empty(), "{name}");
            for word in field["choices_help"].as_object().unwrap().keys() {
                assert!(
                    field["choices"].as_array().unwrap().contains(&json!(word)),
                    "{name}: {word}"
                );
            }
            for other in ["when", "required_when"] {
                let other = &field[other]["field"];
                assert!(
                    other.is_null() || fields.iter().any(|field| field["name"] == *other),
                    "{name}: {other}"
                );
            }
        }
        described.extend(names.into_iter().map(str::to_owned));
    }
    let inside: BTreeSet<String> = described
        .iter()
        .filter_map(|name| name.strip_prefix("properties."))
        .map(str::to_owned)
        .collect();
    assert_eq!(inside, properties("FunctionAppProperties"));
    described.retain(|name| !name.contains('.'));
    let mut expected = properties("ConnectionInput");
    expected.retain(|name| !COMMON.contains(&name.as_str()));
    // The object whose inside is described, and the policy as a switch.
    expected.remove("properties");
    expected.remove("tls_validate_cert");
    assert_eq!(described, expected);
    server.stop().await;
}

#[tokio::test]
async fn every_algorithm_and_quirk_that_is_named_can_be_chosen() {
    let server = TestServer::start().await;
    let protocols = server.admin.get("/api/protocols").await.ok();
    let protocols = protocols["items"].as_array().unwrap();
    let of = |name: &str| {
        protocols
            .iter()
            .find(|protocol| protocol["name"] == name)
            .unwrap()
    };
    let sftp = of("sftp");
    assert_eq!(sftp["auth_methods"][0], "ssh_key");
    let algorithms = &sftp["algorithms"];
    let mut lists = Map::new();
    for list in ["key_exchange", "encryption", "mac", "host_key"] {
        let known = algorithms[list].as_array().unwrap();
        assert!(
            known
                .iter()
                .any(|one| one["weak"].is_null() && one["fips"] == true),
            "{list}"
        );
        assert!(known.iter().any(|one| one["weak"].is_string()), "{list}");
        assert!(
            known
                .iter()
                .all(|one| one["weak"].is_null() || one["fips"] == false),
            "{list}"
        );
        lists.insert(
            list.to_owned(),
            known.iter().map(|one| one["name"].clone()).collect(),
        );
    }
    let mut connection = json!({
        "name": "all", "protocol": "sftp", "host": "h", "username": "u", "ssh_algorithms": lists,
    });
    server
        .admin
        .post("/api/connections", connection.clone())
        .await
        .created();
    for preset in algorithms["presets"].as_array().unwrap() {
        connection["name"] = preset["name"].clone();
        connection["ssh_algorithms"] = json!({"preset": preset["name"]});
        server
            .admin
            .post("/api/connections", connection.clone())
            .await
            .created();
    }
    for name in ["ftp", "ftps"] {
        let protocol = of(name);
        assert!(protocol["algorithms"].is_null());
        let quirks = field(protocol["fields"].as_array().unwrap(), "quirks").unwrap();
        let words = quirks["choices"].as_array().unwrap();
        assert_eq!(words.len(), quirks["choices_help"].as_object().unwrap().len());
        let connection = json!({
            "name": name, "protocol": name, "host": "h", "username": "u", "auth_method": "password", "quirks": words,
        });
        server.admin.post("/api/connections", connection).await.created();
    }
    server.stop().await;
}
