//! OpenSSH's `known_hosts` files (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): which keys a user has accepted
//! for a host. Text in, text out; reading and writing the file is the caller's.

use aws_lc_rs::{digest, hmac};
use base64::{Engine, engine::general_purpose::STANDARD};
use courier_transfer::{Fingerprint, HostKey};

/// What a file says of one host and port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownHost {
    /// Keys that were accepted.
    pub keys: Vec<HostKey>,
    /// Keys that must never be accepted (`@revoked`).
    pub revoked: Vec<HostKey>,
    /// Lines that speak of this host and are not used, in words.
    pub notes: Vec<String>,
}

/// Reads what the file says of `host` and `port`. Lines that are not understood are skipped, as OpenSSH does.
///
/// `contents` need not be UTF-8. Names compare without case. Understood are plain names and addresses,
/// `[host]:port`, `*` and `?`, negation with `!`, and hashed names (`|1|salt|hash`).
pub fn lookup(contents: &[u8], host: &str, port: u16) -> KnownHost {
    let name = host_name(host, port);
    let mut known = KnownHost::default();
    for (number, line) in (1..).zip(contents.split(|&b| b == b'\n')) {
        let line = String::from_utf8_lossy(line);
        let mut words = line.split_ascii_whitespace().peekable();
        let marker = words.next_if(|w| w.starts_with('@'));
        let (Some(hosts), Some(key_type), Some(key)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        if hosts.starts_with('#') || !matches_hosts(hosts, &name) {
            continue;
        }
        let Some(key) = host_key(key_type, key) else {
            known
                .notes
                .push(format!("line {number} holds no key that can be read"));
            continue;
        };
        match marker {
            None => known.keys.push(key),
            Some("@revoked") => known.revoked.push(key),
            Some("@cert-authority") => known.notes.push(format!(
                "line {number} trusts a certificate authority for this host; host certificates are not supported"
            )),
            Some(other) => known.notes.push(format!("line {number} has the unknown marker {other}")),
        }
    }
    known
}

/// The line that accepts a key, with its line end; to be appended to a file.
pub fn line(host: &str, port: u16, key: &HostKey) -> String {
    format!("{} {} {}\n", host_name(host, port), key.key_type, key.public_key)
}

/// `host` for port 22, else `[host]:port`; in lower case.
fn host_name(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    if port == 22 {
        host
    } else {
        format!("[{host}]:{port}")
    }
}

fn host_key(key_type: &str, public_key: &str) -> Option<HostKey> {
    let blob = STANDARD.decode(public_key).ok()?;
    // The blob starts with its own type (RFC 4253 section 6.6); a line that says another is damaged.
    let (len, rest) = blob.split_first_chunk::<4>()?;
    let own_type = rest.get(..u32::from_be_bytes(*len) as usize)?;
    (own_type == key_type.as_bytes()).then(|| HostKey {
        key_type: key_type.to_owned(),
        fingerprint: fingerprint(&blob),
        public_key: public_key.to_owned(),
    })
}

/// SHA-256 of a public key blob.
pub(crate) fn fingerprint(blob: &[u8]) -> Fingerprint {
    let mut sha256 = [0; 32];
    for (to, from) in sha256
        .iter_mut()
        .zip(digest::digest(&digest::SHA256, blob).as_ref())
    {
        *to = *from;
    }
    Fingerprint::from_digest(sha256)
}

/// A public key blob as known_hosts files hold it.
pub(crate) fn base64(blob: &[u8]) -> String {
    STANDARD.encode(blob)
}

fn matches_hosts(hosts: &str, name: &str) -> bool {
    if let Some(hashed) = hosts.strip_prefix("|1|") {
        return matches_hash(hashed, name).unwrap_or(false);
    }
    let mut found = false;
    for pattern in hosts.split(',') {
        match pattern.strip_prefix('!') {
            Some(pattern) if matches_pattern(pattern, name) => return false,
            Some(_) => {}
            None => found |= matches_pattern(pattern, name),
        }
    }
    found
}

/// `salt|hash`: HMAC-SHA1 of the name, keyed with the salt.
fn matches_hash(hashed: &str, name: &str) -> Option<bool> {
    let (salt, hash) = hashed.split_once('|')?;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &STANDARD.decode(salt).ok()?);
    Some(hmac::verify(&key, name.as_bytes(), &STANDARD.decode(hash).ok()?).is_ok())
}

/// `*` stands for any characters, `?` for one. Takes time in proportion to the product of both lengths.
fn matches_pattern(pattern: &str, name: &str) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    // Which prefixes of the name the pattern read so far can match.
    let mut reach = vec![false; name.len() + 1];
    if let Some(first) = reach.first_mut() {
        *first = true;
    }
    for p in pattern.bytes() {
        let mut next = vec![false; reach.len()];
        let mut any = false;
        for (i, slot) in next.iter_mut().enumerate() {
            let here = reach.get(i).copied().unwrap_or(false);
            any |= here;
            let before = i
                .checked_sub(1)
                .and_then(|b| Some((*reach.get(b)?, *name.as_bytes().get(b)?)));
            *slot = match p {
                b'*' => any,
                b'?' => before.is_some_and(|(reached, _)| reached),
                p => before.is_some_and(|(reached, byte)| reached && byte == p),
            };
        }
        reach = next;
    }
    reach.last().copied().unwrap_or(false)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    const PRINT: &str = "SHA256:T7SvZ2cslqpPj6nKzitCBHHlpVF3r3MvLwmFL0fk0IE";

    fn keys(file: &str, host: &str, port: u16) -> usize {
        lookup(file.as_bytes(), host, port).keys.len()
    }

    #[test]
    fn reads_plain_names_ports_and_patterns() {
        let file = format!(
            "# a comment\n\nfiles.example.com,192.0.2.7 ssh-ed25519 {KEY} me@here\r\n[files.example.com]:2222 ssh-ed25519 {KEY}\n\
             *.partner.example,!bad.partner.example ssh-ed25519 {KEY}\nbroken ssh-rsa {KEY}\n"
        );
        let found = lookup(file.as_bytes(), "Files.Example.com", 22);
        assert_eq!(found.keys.len(), 1);
        assert_eq!(found.keys[0].fingerprint.to_string(), PRINT);
        assert_eq!(keys(&file, "192.0.2.7", 22), 1);
        assert_eq!(keys(&file, "files.example.com", 2222), 1);
        assert_eq!(keys(&file, "files.example.com", 2223), 0);
        assert_eq!(keys(&file, "a.b.partner.example", 22), 1);
        assert_eq!(keys(&file, "bad.partner.example", 22), 0);
        assert_eq!(lookup(file.as_bytes(), "broken", 22).notes.len(), 1);
    }

    #[test]
    fn reads_hashed_names() {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"01234567890123456789");
        let hash = STANDARD.encode(hmac::sign(&key, b"[files.example.com]:2222"));
        let file = format!(
            "|1|{}|{hash} ssh-ed25519 {KEY}\n",
            STANDARD.encode(b"01234567890123456789")
        );
        assert_eq!(keys(&file, "files.example.com", 2222), 1);
        assert_eq!(keys(&file, "files.example.com", 22), 0);
    }

    #[test]
    fn markers_are_not_keys() {
        let file = format!(
            "@revoked a ssh-ed25519 {KEY}\n@cert-authority * ssh-ed25519 {KEY}\n@new a ssh-ed25519 {KEY}\n"
        );
        let found = lookup(file.as_bytes(), "a", 22);
        assert_eq!(
            (found.keys.len(), found.revoked.len(), found.notes.len()),
            (0, 1, 2)
        );
    }

    #[test]
    fn a_written_line_is_found_again() {
        let key = lookup(format!("a ssh-ed25519 {KEY}").as_bytes(), "a", 22)
            .keys
            .remove(0);
        for (host, port) in [("files.example.com", 22), ("::1", 2200), ("FILES", 22)] {
            assert_eq!(
                lookup(line(host, port, &key).as_bytes(), host, port).keys,
                std::slice::from_ref(&key)
            );
        }
    }

    proptest! {
        #[test]
        fn any_file_is_read(file in proptest::collection::vec(any::<u8>(), 0..300), words in "([ab|1,!*?\\[\\]:@ \n=/+]|ssh-rsa|AAAA){0,40}") {
            lookup(&file, "a", 22);
            lookup(words.as_bytes(), "a", 2222);
        }

        #[test]
        fn patterns_match_as_globs_do(prefix in "[a-c]{0,4}", middle in "[a-c]{0,4}", suffix in "[a-c]{0,4}") {
            let name = format!("{prefix}{middle}{suffix}");
            let starred = format!("{prefix}*{suffix}");
            let marked = format!("{prefix}{}{suffix}", "?".repeat(middle.len()));
            let too_long = format!("{}?", name);
            prop_assert!(matches_pattern(&starred, &name));
            prop_assert!(matches_pattern(&marked, &name));
            prop_assert!(!matches_pattern(&too_long, &name));
        }
    }
}
