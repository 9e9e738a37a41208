//! Connections to a small Azure on loopback.

use courier_azure::testkit::{self, AzureCloud};
use courier_engine::{Engine, connections::Connection};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::fixture::{admin, map};

/// A cloud that the engines of this process trust.
pub(crate) fn cloud() -> AzureCloud {
    let cloud = AzureCloud::start();
    testkit::trust(&cloud.authority_pem());
    cloud
}

/// A connection to it that works, with these fields in the place of others; those of `properties` one by one.
pub(crate) fn cloud_input(cloud: &AzureCloud, more: Value) -> Map<String, Value> {
    let mut input = map(cloud.connection());
    input.insert("name".into(), json!(Uuid::now_v7()));
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
pub(crate) async fn cloud_connection(engine: &Engine, cloud: &AzureCloud, more: Value) -> Connection {
    let input = cloud_input(cloud, more);
    engine.connections().create(&admin(), input).await.unwrap()
}
