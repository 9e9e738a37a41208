//! Checksums that the server computes: HASH (draft-bryan-ftpext-hash), else the older XSHA commands.

use courier_transfer::{Algorithm, Checksum, Error, ErrorKind, RemotePath, Result};

use super::error::{refusal, unexpected};
use crate::{
    codec::{Command, Features, hash_name, hash_named},
    control::Control,
    session::Session,
};

/// How a server computes a checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Hash {
        algorithm: Algorithm,
        is_selected: bool,
    },
    Command {
        verb: &'static str,
        algorithm: Algorithm,
    },
}

/// Can the server compute checksums?
pub(super) fn is_offered(features: &Features) -> bool {
    way(features).is_some()
}

/// The best algorithm that it has.
fn way(features: &Features) -> Option<Way> {
    let best = |offered: &[Algorithm]| Algorithm::ALL.into_iter().find(|a| offered.contains(a));
    if let Some(algorithm) = best(&features.hash) {
        return Some(Way::Hash {
            algorithm,
            is_selected: features.hash_selected == Some(algorithm),
        });
    }
    let algorithm = best(&features.x_hash)?;
    let verb = match algorithm {
        Algorithm::Sha256 => "XSHA256",
        Algorithm::Sha512 => "XSHA512",
        Algorithm::Sha1 => "XSHA1",
        Algorithm::Sha384 => return None,
    };
    Some(Way::Command { verb, algorithm })
}

/// The checksum of a whole file.
///
/// # Errors
/// [`ErrorKind::Unsupported`] where the server computes none.
pub(super) async fn checksum(
    control: &mut Control,
    session: &Session,
    path: &RemotePath,
) -> Result<Checksum> {
    let wire = session.wire(path)?;
    let (command, algorithm) = match way(&session.features) {
        None => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "this server computes no checksums (it lacks HASH and XSHA256)",
            )
            .with("path", path));
        }
        Some(Way::Hash {
            algorithm,
            is_selected,
        }) => {
            if !is_selected {
                let select = Command::new("OPTS HASH").arg(hash_name(algorithm))?;
                let reply = control.command(&select).await?;
                if !reply.is_done() {
                    return Err(refusal(&reply, path));
                }
            }
            (Command::new("HASH"), algorithm)
        }
        Some(Way::Command { verb, algorithm }) => (Command::new(verb), algorithm),
    };
    let reply = control.command(&command.path(&wire)?).await?;
    if !reply.is_done() {
        return Err(refusal(&reply, path));
    }
    let text = reply.text();
    of_text(&text, algorithm)
        .map(|bytes| Checksum { algorithm, bytes })
        .ok_or_else(|| unexpected("a checksum", &reply, path))
}

/// The value in a reply: `SHA-256 0-49 169cd2…f57c name`, or the digits alone. `None` where there is none, or one of
/// another algorithm.
fn of_text(text: &str, algorithm: Algorithm) -> Option<Vec<u8>> {
    let mut words = text.split_ascii_whitespace().peekable();
    if let Some(named) = words.peek().and_then(|word| hash_named(word))
        && named != algorithm
    {
        return None;
    }
    words.find_map(|word| bytes_of(word, algorithm.output_len()))
}

fn bytes_of(hex: &str, len: usize) -> Option<Vec<u8>> {
    if hex.len() != len * 2 {
        return None;
    }
    let digits: Option<Vec<u8>> = hex
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    Some(
        digits?
            .chunks_exact(2)
            .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_in_replies() {
        let digits = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let of = |text: String| of_text(&text, Algorithm::Sha256).map(|bytes| bytes.len());
        assert_eq!(of(format!("SHA-256 0-49 {digits} name")), Some(32));
        assert_eq!(of(digits.to_uppercase()), Some(32));
        assert_eq!(of(format!("SHA-1 0-49 {digits} name")), None);
        assert_eq!(of("SHA-256 0-49 abcd name".into()), None);
    }
}
