//! The agent protocol's messages, without I/O. Requests are whole frames; answers come without their length.

use russh::keys::HashAlg;
use russh::keys::ssh_encoding::Decode;

use super::AgentError;

const FAILURE: u8 = 5;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;
const EXTENSION: u8 = 27;

/// The hash of an RSA signature that isn't SHA-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RsaHash {
    Sha256,
    Sha512,
}

impl RsaHash {
    pub(super) fn of(hash: Option<HashAlg>) -> Option<Self> {
        match hash {
            Some(HashAlg::Sha256) => Some(Self::Sha256),
            Some(HashAlg::Sha512) => Some(Self::Sha512),
            _ => None,
        }
    }

    fn flag(self) -> u32 {
        match self {
            Self::Sha256 => 2,
            Self::Sha512 => 4,
        }
    }

    fn algorithm(self) -> &'static str {
        match self {
            Self::Sha256 => "rsa-sha2-256",
            Self::Sha512 => "rsa-sha2-512",
        }
    }
}

/// Asks what there is.
pub(super) fn list() -> Vec<u8> {
    frame(REQUEST_IDENTITIES, &[], &[])
}

/// The key blobs of an answer to [`list`].
pub(super) fn listed(answer: &[u8]) -> Result<Vec<Vec<u8>>, AgentError> {
    let mut rest = body(answer, IDENTITIES_ANSWER)?;
    let cut = |_| AgentError::Protocol("its list is cut off");
    let count = u32::decode(&mut rest).map_err(cut)?;
    let mut blobs = Vec::new();
    for _ in 0..count {
        blobs.push(Vec::decode(&mut rest).map_err(cut)?);
        let _comment = Vec::<u8>::decode(&mut rest).map_err(cut)?;
    }
    Ok(blobs)
}

/// Asks for a signature.
pub(super) fn sign(blob: &[u8], data: &[u8], hash: Option<RsaHash>) -> Vec<u8> {
    let flags = hash.map_or(0, RsaHash::flag);
    frame(SIGN_REQUEST, &[blob, data], &flags.to_be_bytes())
}

/// The signature blob of an answer to [`sign`].
pub(super) fn signed(answer: &[u8], wanted: Option<RsaHash>) -> Result<Vec<u8>, AgentError> {
    let mut rest = body(answer, SIGN_RESPONSE)?;
    let cut = |_| AgentError::Protocol("its signature is cut off");
    let signature = Vec::<u8>::decode(&mut rest).map_err(cut)?;
    if let Some(wanted) = wanted.map(RsaHash::algorithm) {
        let got = Vec::<u8>::decode(&mut signature.as_slice()).map_err(cut)?;
        if got != wanted.as_bytes() {
            let got = got.escape_ascii().to_string().chars().take(40).collect();
            return Err(AgentError::WrongSignature { wanted, got });
        }
    }
    Ok(signature)
}

/// Binds the connection to an SSH session that isn't forwarded.
pub(super) fn bind(host_key: &[u8], session_id: &[u8], signature: &[u8]) -> Vec<u8> {
    const NAME: &[u8] = b"session-bind@openssh.com";
    frame(EXTENSION, &[NAME, host_key, session_id, signature], &[0])
}

/// What follows the type of the answer that was asked for.
fn body(answer: &[u8], wanted: u8) -> Result<&[u8], AgentError> {
    match answer.split_first() {
        Some((kind, body)) if *kind == wanted => Ok(body),
        Some((&FAILURE, _)) => Err(AgentError::Refused),
        _ => Err(AgentError::Protocol(
            "its answer is of another kind than the question",
        )),
    }
}

/// A length, a type, strings with their lengths (RFC 4251 section 5), and what follows them.
fn frame(kind: u8, strings: &[&[u8]], tail: &[u8]) -> Vec<u8> {
    let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes();
    let body: usize = 1 + strings.iter().map(|string| 4 + string.len()).sum::<usize>() + tail.len();
    let mut frame = Vec::with_capacity(4 + body);
    frame.extend(length(body));
    frame.push(kind);
    for string in strings {
        frame.extend(length(string.len()));
        frame.extend_from_slice(string);
    }
    frame.extend_from_slice(tail);
    frame
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn questions_are_framed() {
        assert_eq!(list(), [0, 0, 0, 1, 11]);
        assert_eq!(
            sign(b"k", b"dd", Some(RsaHash::Sha512)),
            [
                0, 0, 0, 16, 13, 0, 0, 0, 1, b'k', 0, 0, 0, 2, b'd', b'd', 0, 0, 0, 4
            ]
        );
    }

    #[test]
    fn an_old_agent_signs_with_sha1_whatever_it_is_asked() {
        let signature = frame(0, &[b"ssh-rsa", b"xyz"], &[]);
        // Without the frame's own length and type: a blob.
        let answer = frame(SIGN_RESPONSE, &[&signature[5..]], &[]);
        let answer = &answer[4..];
        assert!(signed(answer, None).is_ok());
        let error = signed(answer, Some(RsaHash::Sha256)).unwrap_err().to_string();
        assert!(
            error.contains("ssh-rsa") && error.contains("rsa-sha2-256"),
            "{error}"
        );
    }

    #[test]
    fn no_is_told_from_nonsense() {
        assert!(matches!(listed(&[FAILURE]), Err(AgentError::Refused)));
        assert!(matches!(listed(&[]), Err(AgentError::Protocol(_))));
        assert!(matches!(
            listed(&[12, 255, 255, 255, 255]),
            Err(AgentError::Protocol(_))
        ));
    }

    proptest! {
        #[test]
        fn any_answer_is_read_or_refused(answer: Vec<u8>, kind in 0..20_u8) {
            let answer: Vec<u8> = std::iter::once(kind).chain(answer).collect();
            let _ = listed(&answer);
            let _ = signed(&answer, Some(RsaHash::Sha256));
        }

        #[test]
        fn what_is_listed_is_read(blobs: Vec<Vec<u8>>) {
            let strings: Vec<&[u8]> = blobs.iter().flat_map(|blob| [blob.as_slice(), b"comment"]).collect();
            let entries = frame(0, &strings, &[]);
            let count = u32::try_from(blobs.len()).unwrap().to_be_bytes();
            let answer = [&[IDENTITIES_ANSWER][..], &count, &entries[5..]].concat();
            prop_assert_eq!(listed(&answer).unwrap(), blobs);
        }
    }
}
