//! The SSH agent of whoever runs the command.

use std::path::{Path, PathBuf};
use std::time::Duration;

use courier_keys::{Agent, AgentError, Identity};
use courier_transfer::{KeyCredential, PrivateHalf};

use crate::output::Output;

/// Names the agent's socket; set by the agent itself.
const SSH_AUTH_SOCK: &str = "SSH_AUTH_SOCK";

/// What an agent holds. Nothing, where there is none.
#[derive(Debug, Default)]
pub(super) struct Held {
    socket: PathBuf,
    identities: Vec<Identity>,
}

impl Held {
    /// Asks the agent. One that doesn't answer is no reason to fail: other keys may do.
    pub(super) async fn ask(timeout: Duration, output: Output) -> Self {
        let Some(socket) = std::env::var_os(SSH_AUTH_SOCK).filter(|socket| !socket.is_empty()) else {
            return Self::default();
        };
        let socket = PathBuf::from(socket);
        let why = match tokio::time::timeout(timeout, list(&socket)).await {
            Ok(Ok(identities)) => return Self { socket, identities },
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it did not answer in time".to_owned(),
        };
        output.note(format!(
            "the SSH agent is not used: {why} ({SSH_AUTH_SOCK} is {})",
            socket.display()
        ));
        Self::default()
    }

    /// A key of the agent, with the certificate and those that the agent holds for it; nothing where the agent doesn't
    /// hold the key.
    pub(super) fn key(&self, id: &str, key: &Identity, certificate: Option<String>) -> Vec<KeyCredential> {
        let mut held: Vec<&Identity> = self.identities.iter().filter(|held| held.is_of(key)).collect();
        // It signs with the key itself where it holds that.
        held.sort_by_key(|held| held.certificate().is_some());
        let Some(public_key) = held.first().and_then(|held| held.to_openssh().ok()) else {
            return Vec::new();
        };
        let credential = KeyCredential {
            id: id.to_owned(),
            private_key: PrivateHalf::Agent {
                socket: self.socket.clone(),
                public_key,
            },
            certificate,
        };
        self.with_certificates(credential, key)
    }

    /// The key, and once more for each certificate that the agent holds for it beyond the first: a key has one at a time.
    pub(super) fn with_certificates(&self, credential: KeyCredential, key: &Identity) -> Vec<KeyCredential> {
        let certificates = self
            .identities
            .iter()
            .filter(|held| held.certificate().is_some() && held.is_of(key))
            .filter_map(|held| held.to_openssh().ok());
        let all: Vec<String> = credential
            .certificate
            .iter()
            .cloned()
            .chain(certificates)
            .collect();
        if all.is_empty() {
            return vec![credential];
        }
        all.into_iter()
            .map(|certificate| KeyCredential {
                certificate: Some(certificate),
                ..credential.clone()
            })
            .collect()
    }

    /// Every key of the agent but these, in its order.
    pub(super) fn others(&self, but: &[Identity]) -> Vec<KeyCredential> {
        let mut seen = but.to_vec();
        let mut keys = Vec::new();
        for held in &self.identities {
            if seen.iter().any(|key| held.is_of(key)) {
                continue;
            }
            keys.extend(self.key(&format!("ssh-agent {}", held.fingerprint()), held, None));
            seen.push(held.clone());
        }
        keys
    }

    pub(super) fn holds(&self, key: &Identity) -> bool {
        self.identities.iter().any(|held| held.is_of(key))
    }
}

async fn list(socket: &Path) -> Result<Vec<Identity>, AgentError> {
    Agent::connect(socket).await?.identities().await
}
