//! An SSH agent: keeps private keys, and signs with them for whoever may open its socket (draft-ietf-sshm-ssh-agent).

mod wire;

use std::io;
use std::path::Path;

use russh::keys::HashAlg;
use russh::keys::agent::AgentIdentity;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::identity::Identity;
use crate::sign::SignError;

/// The longest answer that is read, bytes. OpenSSH's limit, too.
const MAX_ANSWER_BYTES: u32 = 256 * 1024;

/// A connection to an agent.
#[derive(Debug)]
pub struct Agent {
    stream: UnixStream,
}

/// Why an agent didn't do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// It isn't there, or has gone.
    #[error("the SSH agent can't be reached: {0}")]
    Unreachable(#[from] io::Error),
    /// It said no: it is locked, it doesn't have the key (any more), or its user refused.
    #[error("the SSH agent refused")]
    Refused,
    /// It answered what no agent answers.
    #[error("what answers is no SSH agent: {0}")]
    Protocol(&'static str),
    /// It signs RSA with SHA-1 only, whatever it is asked for.
    #[error("the SSH agent signs with {got}, where {wanted} was asked for; it is too old")]
    WrongSignature {
        /// The algorithm that was asked for.
        wanted: &'static str,
        /// The algorithm of the signature.
        got: String,
    },
}

impl Agent {
    /// Connects to the socket that `SSH_AUTH_SOCK` names.
    ///
    /// # Errors
    /// [`AgentError::Unreachable`].
    pub async fn connect(socket: &Path) -> Result<Self, AgentError> {
        let stream = UnixStream::connect(socket).await?;
        Ok(Self { stream })
    }

    /// What the agent holds, in its order. Entries of types that aren't known are left out.
    ///
    /// # Errors
    /// [`AgentError`].
    pub async fn identities(&mut self) -> Result<Vec<Identity>, AgentError> {
        let answer = self.ask(&wire::list()).await?;
        let blobs = wire::listed(&answer)?;
        Ok(blobs
            .iter()
            .filter_map(|blob| Identity::from_blob(blob).ok())
            .collect())
    }

    /// Tells the agent which server what follows is for: it may hold keys for certain servers only (OpenSSH's
    /// `session-bind@openssh.com`). Agents that don't know this say so, and sign all the same.
    ///
    /// # Errors
    /// [`AgentError::Unreachable`] and [`AgentError::Protocol`].
    pub async fn bind(
        &mut self,
        host_key: &[u8],
        session_id: &[u8],
        signature: &[u8],
    ) -> Result<(), AgentError> {
        self.ask(&wire::bind(host_key, session_id, signature)).await?;
        Ok(())
    }

    /// Has `data` signed by the private half of what the agent holds, and returns the signature blob (RFC 4253 section
    /// 6.6). RSA signs with `hash`; `None` is SHA-1.
    ///
    /// # Errors
    /// [`AgentError`].
    pub async fn sign(
        &mut self,
        held: &Identity,
        hash: Option<HashAlg>,
        data: &[u8],
    ) -> Result<Vec<u8>, AgentError> {
        let blob = held.blob().map_err(|_| AgentError::Refused)?;
        let wanted = wire::RsaHash::of(hash).filter(|_| held.is_rsa());
        let answer = self.ask(&wire::sign(&blob, data, wanted)).await?;
        wire::signed(&answer, wanted)
    }

    async fn ask(&mut self, frame: &[u8]) -> Result<Vec<u8>, AgentError> {
        self.stream.write_all(frame).await?;
        let length = self.stream.read_u32().await?;
        if length > MAX_ANSWER_BYTES {
            return Err(AgentError::Protocol("its answer is too long"));
        }
        let mut answer = vec![0; usize::try_from(length).unwrap_or_default()];
        self.stream.read_exact(&mut answer).await?;
        Ok(answer)
    }
}

/// Signs a public-key authentication (RFC 4252 section 7) through an agent, as [`AuthSigner`](crate::AuthSigner) does
/// with a key at hand.
#[derive(Debug)]
pub struct AgentSigner<'a> {
    agent: &'a mut Agent,
    held: &'a Identity,
}

impl<'a> AgentSigner<'a> {
    /// Signs with what the agent holds, which may be shown to the server with another certificate.
    pub fn new(agent: &'a mut Agent, held: &'a Identity) -> Self {
        Self { agent, held }
    }
}

impl russh::Signer for AgentSigner<'_> {
    type Error = SignError;

    /// Returns `to_sign` with the signature blob appended as one SSH string, which is what russh sends on.
    async fn auth_sign(
        &mut self,
        _identity: &AgentIdentity,
        hash: Option<HashAlg>,
        to_sign: Vec<u8>,
    ) -> Result<Vec<u8>, SignError> {
        let signature = self.agent.sign(self.held, hash, &to_sign).await?;
        Ok(crate::sign::signed(to_sign, &signature)?)
    }
}
