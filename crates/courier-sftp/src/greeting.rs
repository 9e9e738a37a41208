//! What a server says before anything is encrypted: its identification and its algorithm lists
//! (RFC 4253 sections 4.2 and 7.1).
//!
//! Read from a copy of the stream, so that it is known even where the connection then fails.

use courier_transfer::Algorithms;

/// No server says more than this before its key exchange message ends.
const LIMIT: usize = 64 * 1024;
const KEXINIT: u8 = 20;

/// The start of what a server sends.
#[derive(Debug, Default)]
pub(crate) struct Greeting {
    bytes: Vec<u8>,
    banner: Option<String>,
    algorithms: Option<Algorithms>,
    finished: bool,
}

impl Greeting {
    /// Takes more of the stream. True where something new is known from it.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> bool {
        if self.finished {
            return false;
        }
        let room = LIMIT.saturating_sub(self.bytes.len());
        self.bytes.extend(bytes.iter().take(room));
        let before = (self.banner.is_some(), self.algorithms.is_some());
        if let Some((banner, rest)) = identification(&self.bytes) {
            self.banner = Some(banner);
            self.algorithms = key_exchange_init(rest);
        }
        self.finished = self.algorithms.is_some() || self.bytes.len() >= LIMIT;
        before != (self.banner.is_some(), self.algorithms.is_some())
    }

    /// Everything that is wanted was seen, or nothing more can come.
    pub(crate) fn is_finished(&self) -> bool {
        self.finished
    }

    /// Without `SSH-2.0-`: `OpenSSH_9.6`.
    pub(crate) fn banner(&self) -> Option<&str> {
        self.banner.as_deref()
    }

    /// The lists, once they are there.
    pub(crate) fn algorithms(&self) -> Option<&Algorithms> {
        self.algorithms.as_ref()
    }

    /// The first line of a server that does not speak SSH, made printable; `None` where it said nothing.
    pub(crate) fn first_line(&self) -> Option<String> {
        let line = self
            .bytes
            .split(|&b| b == b'\n')
            .next()
            .filter(|l| !l.is_empty())?;
        Some(
            line.trim_ascii_end()
                .escape_ascii()
                .to_string()
                .chars()
                .take(120)
                .collect(),
        )
    }
}

/// The software version, and what follows the line. Lines in front of it are allowed.
fn identification(mut bytes: &[u8]) -> Option<(String, &[u8])> {
    loop {
        let end = bytes.iter().position(|&b| b == b'\n')?;
        let (line, rest) = bytes.split_at_checked(end + 1)?;
        bytes = rest;
        let version = line
            .strip_prefix(b"SSH-2.0-")
            .or_else(|| line.strip_prefix(b"SSH-1.99-"));
        if let Some(version) = version {
            let text = version.trim_ascii_end().escape_ascii().to_string();
            return Some((text.chars().take(255).collect(), rest));
        }
    }
}

/// The lists of the first packet, if it is a whole KEXINIT.
fn key_exchange_init(bytes: &[u8]) -> Option<Algorithms> {
    let (len, rest) = bytes.split_first_chunk::<4>()?;
    let packet = rest.get(..u32::from_be_bytes(*len) as usize)?;
    let (_padding, payload) = packet.split_first()?;
    let (&kind, payload) = payload.split_first()?;
    if kind != KEXINIT {
        return None;
    }
    let mut lists = payload.get(16..)?;
    let mut next = || {
        let (len, rest) = lists.split_first_chunk::<4>()?;
        let (list, rest) = rest.split_at_checked(u32::from_be_bytes(*len) as usize)?;
        lists = rest;
        let names = list.split(|&b| b == b',').filter(|n| !n.is_empty());
        Some(names.map(|n| n.escape_ascii().to_string()).collect::<Vec<_>>())
    };
    // In the order of RFC 4253 section 7.1; of each pair the first is client to server.
    let (key_exchange, host_key) = (next()?, next()?);
    let (encryption, _) = (next()?, next()?);
    let (mac, _) = (next()?, next()?);
    let compression = next()?;
    Some(Algorithms {
        key_exchange,
        host_key,
        encryption,
        mac,
        compression,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kexinit() -> Vec<u8> {
        let lists = [
            "curve25519-sha256,ext-info-s",
            "ssh-ed25519",
            "aes128-ctr",
            "x",
            "hmac-sha1",
            "x",
            "none",
            "x",
            "",
            "",
        ];
        let mut payload = vec![8, KEXINIT];
        payload.extend([7; 16]);
        for list in lists {
            payload.extend(u32::try_from(list.len()).unwrap().to_be_bytes());
            payload.extend(list.bytes());
        }
        payload.extend([0; 5 + 8]);
        let mut packet = u32::try_from(payload.len()).unwrap().to_be_bytes().to_vec();
        packet.extend(payload);
        packet
    }

    proptest! {
        #[test]
        fn reads_both_however_they_arrive(pieces in 1usize..80) {
            let mut stream = b"a line in front\r\nSSH-2.0-OpenSSH_9.6 Debian\r\n".to_vec();
            stream.extend(kexinit());
            let mut greeting = Greeting::default();
            stream.chunks(pieces).for_each(|piece| { greeting.push(piece); });
            prop_assert_eq!(greeting.banner(), Some("OpenSSH_9.6 Debian"));
            let algorithms = greeting.algorithms().unwrap();
            prop_assert_eq!(&algorithms.key_exchange, &["curve25519-sha256", "ext-info-s"]);
            prop_assert_eq!(&algorithms.mac, &["hmac-sha1"]);
            prop_assert!(greeting.is_finished());
        }

        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut greeting = Greeting::default();
            greeting.push(b"SSH-2.0-x\n");
            greeting.push(&bytes);
        }
    }

    #[test]
    fn shows_what_another_server_says() {
        let mut greeting = Greeting::default();
        greeting.push(b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n");
        assert_eq!(greeting.first_line().as_deref(), Some("HTTP/1.1 400 Bad Request"));
        assert_eq!(greeting.banner(), None);
    }
}
