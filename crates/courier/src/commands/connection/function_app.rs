//! The fields that only connections to function apps have.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::super::{fields, text};
use crate::api::Api;
use crate::exit::Result;
use crate::secret;

/// What there is to say of Azure Functions.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Azure Functions (the app's master key is the password)")]
pub(super) struct FunctionAppArgs {
    /// The Log Analytics workspace that knows of the runs: its id, not its name
    #[arg(long, value_name = "ID")]
    workspace_id: Option<String>,
    /// The tenant of the service principal: its id, or a domain of it
    #[arg(long, value_name = "ID")]
    tenant_id: Option<String>,
    /// The id of the service principal's application
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// Where tokens are given, in a sovereign cloud, e.g. login.microsoftonline.us; another one clears the client secret
    #[arg(long, value_name = "HOST")]
    authority_host: Option<String>,
    /// Where workspaces are asked, in a sovereign cloud, e.g. api.loganalytics.us; another one clears the client secret
    #[arg(long, value_name = "HOST")]
    logs_endpoint: Option<String>,
    /// Read the client secret from the first line of standard input
    #[arg(long, group = "client_secret_source", conflicts_with = "password_stdin")]
    client_secret_stdin: bool,
    /// Read the client secret from the first line of a file
    #[arg(long, value_name = "FILE", group = "client_secret_source")]
    client_secret_file: Option<PathBuf>,
    /// Ask for the client secret on the terminal
    #[arg(long, group = "client_secret_source")]
    ask_client_secret: bool,
}

impl FunctionAppArgs {
    /// Adds what is given. The properties are one field of a connection: those that are not given stay as the document has
    /// them, or else as the connection that is `changed` has them.
    pub(super) async fn add_to(
        &self,
        request: &mut Map<String, Value>,
        api: &Api,
        changed: Option<&str>,
    ) -> Result<()> {
        let given = fields([
            ("workspace_id", text(self.workspace_id.as_ref())),
            ("tenant_id", text(self.tenant_id.as_ref())),
            ("client_id", text(self.client_id.as_ref())),
            ("authority_host", text(self.authority_host.as_ref())),
            ("logs_endpoint", text(self.logs_endpoint.as_ref())),
        ]);
        if !given.is_empty() {
            let known = match (request.remove("properties"), changed) {
                (None, Some(connection)) => {
                    let id = api.resolve("connections", connection).await?;
                    api.get(&["connections", &id]).await?.get("properties").cloned()
                }
                (known, _) => known,
            };
            let mut properties = match known {
                Some(Value::Object(known)) => known,
                _ => Map::new(),
            };
            properties.extend(given);
            request.insert("properties".to_owned(), properties.into());
        }
        if let Some(secret) = self.client_secret()? {
            request.insert("client_secret".to_owned(), Value::from(secret.expose_secret()));
        }
        Ok(())
    }

    fn client_secret(&self) -> Result<Option<SecretString>> {
        if self.client_secret_stdin {
            return secret::from_stdin().map(Some);
        }
        if let Some(path) = &self.client_secret_file {
            return secret::from_file(path).map(Some);
        }
        match self.ask_client_secret {
            true => secret::ask_twice("Client secret of the service principal").map(Some),
            false => Ok(None),
        }
    }
}
