//! The first column of `ls -l`: what kind of file, and who may do what.

use courier_transfer::EntryKind;

/// That column, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mode {
    pub(super) kind: EntryKind,
    /// `None` where the column tells of something else.
    pub(super) permissions: Option<u32>,
}

/// Reads the column. What may stand behind the ten letters: a mark of access lists or labels (`+`, `@`, `.`), and a
/// count of links so wide that no blank is left.
pub(super) fn read(word: &[u8]) -> Option<Mode> {
    let (letters, behind) = word.split_at_checked(10)?;
    if let Some(mode) = mailbox(letters, behind) {
        return Some(mode);
    }
    let links = match behind {
        [b'+' | b'@' | b'.' | b'*', links @ ..] => links,
        links => links,
    };
    let [kind, permissions @ ..] = letters else {
        return None;
    };
    if !links.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(Mode {
        kind: kind_of(*kind)?,
        permissions: Some(bits(permissions)?),
    })
}

/// What the first letter says.
pub(super) fn kind_of(letter: u8) -> Option<EntryKind> {
    match letter {
        // `C` and `f`: ordinary files that lie in one piece, on some systems.
        b'-' | b'C' | b'f' => Some(EntryKind::File),
        b'd' => Some(EntryKind::Directory),
        b'l' => Some(EntryKind::Link),
        // Devices, pipes, sockets, doors, event ports, network files, whiteouts, and what `ls` itself can't tell.
        b'b' | b'c' | b'p' | b's' | b'D' | b'P' | b'n' | b'w' | b'?' => Some(EntryKind::Other),
        _ => None,
    }
}

/// `rwxr-xr-t` in numbers.
fn bits(letters: &[u8]) -> Option<u32> {
    let mut mode = 0;
    for (triple, special) in letters.chunks(3).zip([0o4000, 0o2000, 0o1000]) {
        let &[read, write, execute] = triple else {
            return None;
        };
        let read = u32::from(is(read, b'r')?) * 4;
        let write = u32::from(is(write, b'w')?) * 2;
        let (execute, special) = match execute {
            b'-' => (0, 0),
            b'x' => (1, 0),
            b's' | b't' => (1, special),
            // Without execute: on groups it is a lock, on others hidden in the sticky bit.
            b'S' | b'T' | b'l' | b'L' => (0, special),
            _ => return None,
        };
        mode = ((mode & 0o777) << 3 | read | write | execute) | (mode & 0o7000) | special;
    }
    Some(mode)
}

fn is(letter: u8, expected: u8) -> Option<bool> {
    match letter {
        b'-' => Some(false),
        letter => (letter == expected).then_some(true),
    }
}

/// Connect:Enterprise shows the flags of a batch in a mailbox and by which protocol it came: `-C--E-----FTP`.
fn mailbox(letters: &[u8], protocol: &[u8]) -> Option<Mode> {
    let is_mailbox = letters.starts_with(b"-")
        && letters.iter().all(|b| b.is_ascii_uppercase() || *b == b'-')
        && protocol.len() == 3
        && protocol.iter().all(u8::is_ascii_uppercase);
    is_mailbox.then_some(Mode {
        kind: EntryKind::File,
        permissions: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions() {
        for (word, mode) in [
            ("-rw-r--r--", 0o644),
            ("drwxr-xr-x+", 0o755),
            ("-rw-------.", 0o600),
            ("-rw-rw----@", 0o660),
            ("drwxr-x---+1464", 0o750),
            ("----------", 0),
            ("-rwsr-sr-t", 0o7755),
            ("-rwSr-Sr-T", 0o7644),
            ("-rwxr-lr--", 0o2744),
            ("drwxrwxrwt", 0o1777),
        ] {
            assert_eq!(read(word.as_bytes()).unwrap().permissions, Some(mode), "{word}");
        }
    }

    #[test]
    fn what_is_no_mode() {
        for word in [
            "",
            "-",
            "total",
            "zrwxr-xr-x",
            "dxrwr-xr-x",
            "-rw-r--r-",
            "-rw-r--r--x",
            "-rw-r--r--++",
            "03-05-2024",
            "d-ewrewrxx",
        ] {
            assert_eq!(read(word.as_bytes()), None, "{word}");
        }
    }

    #[test]
    fn kinds() {
        assert_eq!(read(b"prw-r--r--").unwrap().kind, EntryKind::Other);
        assert_eq!(read(b"lrwxrwxrwx").unwrap().kind, EntryKind::Link);
        assert_eq!(read(b"brw-rw----").unwrap().kind, EntryKind::Other);
        let batch = read(b"-C--E-----FTP").unwrap();
        assert_eq!((batch.kind, batch.permissions), (EntryKind::File, None));
    }
}
