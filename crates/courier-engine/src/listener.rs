//! What the listener of the API leaves in the audit log.

use std::net::SocketAddr;

use serde_json::json;

use crate::{Engine, Result, audit::Entry};

impl Engine {
    /// Records that the API is served in clear where other machines reach it.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store).
    pub async fn record_insecure_listener(&self, address: SocketAddr) -> Result<()> {
        let details = json!({"address": address.to_string(), "node": self.config().node});
        self.audit()
            .record(Entry::new("insecure_listener", "system", details))
            .await
    }
}
