//! The protocol `local`: no host, no login, a folder.

use std::sync::Arc;

use async_trait::async_trait;
use courier_transfer::{
    AuthMethod, Client, ConnectOptions, Describe, Error, ErrorKind, Protocol, Result, Target,
    settings::Setting,
};
use serde_json::{Map, Value};

use crate::LocalClient;

/// The protocol `local`. A connection is confined to [`Target::local_root`].
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalProtocol;

impl Describe for LocalProtocol {
    fn name(&self) -> &'static str {
        "local"
    }

    fn help(&self) -> &'static str {
        "A folder of the machine that Courier runs on, or one that is mounted there."
    }

    fn default_port(&self, _settings: &Map<String, Value>) -> Option<u16> {
        None
    }

    fn settings(&self) -> &'static [Setting] {
        &[]
    }

    fn auth_methods(&self) -> &'static [&'static str] {
        &["none"]
    }
}

#[async_trait]
impl Protocol for LocalProtocol {
    async fn connect(&self, target: Target, options: ConnectOptions) -> Result<Arc<dyn Client>> {
        let root = target.local_root.ok_or_else(|| {
            Error::new(
                ErrorKind::Invalid,
                "a local connection needs a folder that it is confined to; set its base path",
            )
        })?;
        let client = LocalClient::open(&root).await?;
        options.observer.learnt(client.server());
        options
            .observer
            .authenticated(client.server(), &AuthMethod::None)
            .await?;
        Ok(Arc::new(client))
    }
}
