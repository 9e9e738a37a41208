//! The OpenAPI document and the pages to read it with.

use crate::harness::TestServer;

/// Review every name in a change of this snapshot: clients depend on them.
#[tokio::test]
async fn the_document_is_as_reviewed() {
    let server = TestServer::start().await;
    let mut document = server.anybody().get("/api/openapi.json").await.ok();
    document["info"]["version"] = "[version]".into();
    let operations = document["paths"].as_object().unwrap().values();
    let mut ids: Vec<&str> = operations
        .flat_map(|path| path.as_object().unwrap().values())
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "each operation has an id of its own: {ids:?}");
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_json_snapshot!("openapi", document);
    });
    server.stop().await;
}

#[tokio::test]
async fn it_can_be_browsed_without_a_network() {
    let server = TestServer::start().await;
    let anybody = server.anybody();
    let redirect = anybody.get("/api/docs").await.status(308);
    assert_eq!(redirect.headers["location"], "/api/docs/");
    let page = anybody.get("/api/docs/").await.status(200).text;
    assert!(!page.contains("http://") && !page.contains("https://"), "{page}");
    assert!(
        !page.contains("<script>"),
        "inline scripts are not allowed by the policy: {page}"
    );
    let files: Vec<&str> = page
        .split(['"', '\''])
        .filter_map(|part| part.strip_prefix("./"))
        .filter(|f| !f.is_empty())
        .collect();
    assert!(files.len() >= 4, "{page}");
    for file in files {
        anybody.get(&format!("/api/docs/{file}")).await.status(200);
    }
    let start = anybody
        .get("/api/docs/swagger-initializer.js")
        .await
        .status(200)
        .text;
    assert!(start.contains("/api/openapi.json"));
    anybody.get("/api/docs/nothing.js").await.problem(404, 1030);
    server.stop().await;
}
