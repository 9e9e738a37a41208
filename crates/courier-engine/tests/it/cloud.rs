//! Connections to a small Azure on loopback.

use courier_azure::testkit::{
    self, AzureCloud, CLIENT_ID, CLIENT_SECRET, MASTER_KEY, TENANT_ID, WORKSPACE_ID,
};
use courier_engine::connections::Connection;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::fixture::{Fixture, admin, map};

/// A cloud that the engines of this process trust.
pub(crate) fn cloud() -> AzureCloud {
    let cloud = AzureCloud::start();
    testkit::trust(&cloud.authority_pem());
    cloud
}

/// A connection to it that works, with these fields in the place of others; those of `properties` one by one.
pub(crate) fn cloud_input(cloud: &AzureCloud, more: Value) -> Map<String, Value> {
    let mut input = map(json!({
        "name": Uuid::now_v7(),
        "protocol": "azure_function",
        "host": cloud.host(),
        "port": cloud.port(),
        "password": MASTER_KEY,
        "client_secret": CLIENT_SECRET,
        "properties": {
            "workspace_id": WORKSPACE_ID,
            "tenant_id": TENANT_ID,
            "client_id": CLIENT_ID,
            "authority_host": cloud.authority_url().as_str(),
            "logs_endpoint": cloud.logs_url().as_str(),
        },
    }));
    for (name, value) in map(more) {
        match (input.get_mut(&name), value) {
            (Some(Value::Object(there)), Value::Object(more)) => there.extend(more),
            (_, value) => {
                input.insert(name, value);
            }
        }
    }
    input
}

/// Saves it.
pub(crate) async fn cloud_connection(t: &Fixture, cloud: &AzureCloud, more: Value) -> Connection {
    let input = cloud_input(cloud, more);
    t.connections().create(&admin(), input).await.unwrap()
}
