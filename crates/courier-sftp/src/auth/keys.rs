//! Keys and their certificates (RFC 4252 section 7, OpenSSH's `PROTOCOL.certkeys`).

use std::{path::Path, time::Duration};

use courier_keys::{Agent, AgentSigner, AuthSigner, Identity, PrivateKey, PublicKey, SignError};
use courier_transfer::{KeyCredential, PrivateHalf, Result};
use jiff::Timestamp;
use russh::{
    client::Handler,
    keys::{
        HashAlg,
        agent::{AgentIdentity, AgentSessionBinding},
    },
};

use super::{Answer, Attempt, Signatures};
use crate::connect::ssh_error;

/// What the server has sent before its first answer is at hand by now: the session only has to say so.
const AT_HAND: Duration = Duration::from_millis(100);

/// The private half of a key, ready to sign.
enum Signer<'a> {
    Key(Box<PrivateKey>),
    Agent {
        socket: &'a Path,
        held: Box<Identity>,
        binding: Option<AgentSessionBinding>,
    },
}

impl russh::Signer for Signer<'_> {
    type Error = SignError;

    async fn auth_sign(
        &mut self,
        identity: &AgentIdentity,
        hash: Option<HashAlg>,
        to_sign: Vec<u8>,
    ) -> std::result::Result<Vec<u8>, SignError> {
        match self {
            Self::Key(key) => AuthSigner::new(key).auth_sign(identity, hash, to_sign).await,
            Self::Agent {
                socket,
                held,
                binding,
            } => {
                let mut agent = Agent::connect(socket).await?;
                if let Some(binding) = binding {
                    agent
                        .bind(binding.host_key(), binding.session_id(), binding.signature())
                        .await?;
                }
                AgentSigner::new(&mut agent, held)
                    .auth_sign(identity, hash, to_sign)
                    .await
            }
        }
    }
}

impl<H: Handler> Attempt<'_, H> {
    /// Offers a key: first by its certificate, where it has one.
    pub(super) async fn key(&mut self, credential: &KeyCredential, signatures: Signatures) -> Result<Answer> {
        let (mut signer, identities) = match self.opened(credential) {
            Ok(opened) => opened,
            Err(e) => {
                self.leave_out(format!("a key that cannot be used ({e})"));
                return Ok(Answer::No);
            }
        };
        if self.dial.fips
            && let Some(what) = identities.iter().find_map(not_fips)
        {
            self.leave_out(format!(
                "{what}, since FIPS mode allows RSA keys from 2048 bits and ECDSA keys only"
            ));
            self.not_fips = true;
            return Ok(Answer::No);
        }
        for identity in identities {
            match self.offer(&identity, signatures, &mut signer).await? {
                Answer::No => {}
                accepted => {
                    self.accepted_key = Some(credential.id.clone());
                    return Ok(accepted);
                }
            }
        }
        Ok(Answer::No)
    }

    /// What signs, and what to show to the server.
    fn opened<'k>(
        &mut self,
        credential: &'k KeyCredential,
    ) -> courier_keys::Result<(Signer<'k>, Vec<Identity>)> {
        let (signer, held) = match &credential.private_key {
            PrivateHalf::Text(text) => {
                let key = PrivateKey::from_openssh(text)?;
                let identity = Identity::from(key.public());
                (Signer::Key(Box::new(key)), identity)
            }
            PrivateHalf::Agent { socket, public_key } => {
                let held = Identity::from_openssh(public_key)?;
                let signer = Signer::Agent {
                    socket,
                    held: Box::new(held.clone()),
                    binding: self.ssh.agent_session_binding().cloned(),
                };
                (signer, held)
            }
        };
        let certificate = match credential.certificate.as_deref().map(Identity::from_openssh) {
            Some(Ok(certificate)) if certificate.certificate().is_some() && certificate.is_of(&held) => {
                Some(certificate)
            }
            Some(Ok(_)) => {
                self.leave_out(format!("a certificate that is not for {held}"));
                None
            }
            Some(Err(e)) => {
                self.leave_out(format!("a certificate for {held} that cannot be read ({e})"));
                None
            }
            None => None,
        };
        Ok((signer, certificate.into_iter().chain([held]).collect()))
    }

    /// Notes why something isn't offered, once.
    fn leave_out(&mut self, what: String) {
        if !self.unused.contains(&what) {
            self.unused.push(what);
        }
    }

    async fn offer(
        &mut self,
        identity: &Identity,
        signatures: Signatures,
        signer: &mut Signer<'_>,
    ) -> Result<Answer> {
        let hashes = self.hashes(identity, signatures).await?;
        let Ok(blob) = identity.blob() else {
            return Ok(Answer::No);
        };
        if hashes.is_empty() || !self.shown.insert((blob, signatures)) {
            return Ok(Answer::No);
        }
        self.keys_shown.insert(identity.fingerprint());
        let what = described(identity);
        for hash in hashes {
            let username = &self.dial.username;
            let result = match identity.certificate() {
                Some(certificate) => {
                    let certificate = certificate.clone();
                    self.ssh
                        .authenticate_certificate_with(username, certificate, hash, signer)
                        .await
                }
                None => {
                    let key = identity.public_key();
                    self.ssh
                        .authenticate_publickey_with(username, key, hash, signer)
                        .await
                }
            };
            let answer = match result {
                Ok(result) => self.note(result, &what)?,
                Err(SignError::Send(_)) => return Err(self.closed(&what)),
                // The server waits for the next credential.
                Err(e) => {
                    self.leave_out(format!("{identity}, which could not sign ({e})"));
                    return Ok(Answer::No);
                }
            };
            if answer != Answer::No {
                return Ok(answer);
            }
        }
        Ok(Answer::No)
    }

    /// How a key signs: RSA as the server says that it can verify (RFC 8308), with SHA-1 only where the
    /// connection's algorithms allow that; the others have no choice.
    async fn hashes(&mut self, identity: &Identity, signatures: Signatures) -> Result<Vec<Option<HashAlg>>> {
        let is_best = signatures == Signatures::Best;
        if !identity.is_rsa() {
            return Ok(is_best.then_some(None).into_iter().collect());
        }
        let sha1 = self.dial.allows_sha1().then_some(None);
        Ok(match self.rsa_hash().await? {
            None | Some(Some(HashAlg::Sha512)) if !is_best => vec![Some(HashAlg::Sha256)],
            _ if !is_best => Vec::new(),
            Some(Some(hash)) => vec![Some(hash)],
            Some(None) => {
                if sha1.is_none() {
                    self.leave_out(format!(
                        "{identity}, since the server verifies RSA with SHA-1 only, which the preset \"legacy\" of \
                         ssh_algorithms allows"
                    ));
                }
                sha1.into_iter().collect()
            }
            // Not told: what every server since 2016 takes, then what the others take.
            None => std::iter::once(Some(HashAlg::Sha512)).chain(sha1).collect(),
        })
    }

    /// The best hash in the server's `server-sig-algs`; `None` where it did not send any, or none for RSA.
    async fn rsa_hash(&mut self) -> Result<Option<Option<HashAlg>>> {
        if let Some(hash) = self.rsa_hash {
            return Ok(hash);
        }
        // Russh waits a second for servers that send none.
        let asked = self.ssh.best_supported_rsa_hash();
        let hash = match self.offers {
            Some(_) => match tokio::time::timeout(AT_HAND, asked).await {
                Ok(hash) => hash.map_err(ssh_error)?,
                Err(_) => None,
            },
            None => asked.await.map_err(ssh_error)?,
        };
        self.rsa_hash = Some(hash);
        Ok(hash)
    }
}

/// A key that FIPS mode does not allow, with its type.
fn not_fips(identity: &Identity) -> Option<String> {
    let key = identity.public_key();
    let key_type = match PublicKey::new(key.clone()) {
        Ok(key) if key.key_type().is_fips_approved() => return None,
        Ok(key) => key.key_type().to_string(),
        Err(_) => key.algorithm().as_str().to_owned(),
    };
    Some(format!("{identity} ({key_type})"))
}

/// As errors name it; with why a server may refuse it, where that can be seen.
fn described(identity: &Identity) -> String {
    let time = |seconds: u64| {
        i64::try_from(seconds)
            .ok()
            .and_then(|s| Timestamp::from_second(s).ok())
    };
    let Some(certificate) = identity.certificate() else {
        return identity.to_string();
    };
    let now = Timestamp::now();
    if let Some(end) = time(certificate.valid_before()).filter(|end| *end <= now) {
        return format!("{identity} (it expired at {end})");
    }
    match time(certificate.valid_after()).filter(|start| *start > now) {
        Some(start) => format!("{identity} (it is not valid before {start})"),
        None => identity.to_string(),
    }
}
