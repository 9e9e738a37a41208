//! Entries of MLSD and MLST (RFC 3659 section 7): facts, a space, a name.

use courier_transfer::EntryKind;

use super::{Found, MAX_LINE, NO_NAME, Reason, TOO_LONG, words::number};
use crate::codec::time;

const NO_FACTS: Reason = Reason("there are no facts in front of the name (RFC 3659)");

/// What the fact `type` says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Is(EntryKind),
    /// The listed directory itself.
    Current,
    /// The one above it.
    Parent,
}

/// Reads an entry of a MLSD. `None`: it is the listed directory itself or the one above.
pub fn parse(line: &[u8]) -> Result<Option<Found>, Reason> {
    let (found, kind) = read(line)?;
    let is_entry = matches!(kind, Type::Is(_)) && !matches!(found.name.as_slice(), b"." | b"..");
    Ok(is_entry.then_some(found))
}

/// Reads the entry of a MLST, which stands behind a space in the reply. The directory in which the session is
/// may be told of as `cdir`; it is a directory here. The name is the path as the server writes it.
pub fn parse_one(line: &[u8]) -> Result<Found, Reason> {
    read(line).map(|(found, _)| found)
}

fn read(line: &[u8]) -> Result<(Found, Type), Reason> {
    if line.len() > MAX_LINE {
        return Err(TOO_LONG);
    }
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let mut rest = line.strip_prefix(b" ").unwrap_or(line);
    let mut found = Found::new(b"", EntryKind::Other);
    let mut kind = Type::Is(EntryKind::Other);
    let mut any = false;
    let name = loop {
        if let [b' ' | b'\t', name @ ..] = rest {
            break name;
        }
        let (key, value, behind) = fact(rest).ok_or(if any { NO_NAME } else { NO_FACTS })?;
        rest = behind;
        any = true;
        match key.to_ascii_lowercase().as_slice() {
            b"type" => (kind, found.link_target) = type_of(value),
            b"size" | b"sizd" => found.size = number(value),
            b"modify" => found.modified = time::read(value),
            b"unix.mode" => found.permissions = octal(value),
            _ => {}
        }
    };
    if !any {
        return Err(NO_FACTS);
    }
    if name.is_empty() {
        return Err(NO_NAME);
    }
    found.name = name.to_vec();
    found.kind = match kind {
        Type::Is(kind) => kind,
        Type::Current | Type::Parent => EntryKind::Directory,
    };
    Ok((found, kind))
}

/// One fact, and what stands behind it. A fact ends with `;`. Where a space comes earlier, the value is one that
/// may hold spaces (though RFC 3659 has none), or it is the last fact of a server that follows a draft of the RFC
/// and leaves out the last `;`.
fn fact(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (key, rest) = split(text, text.iter().position(|&b| matches!(b, b'=' | b';' | b' '))?)?;
    let rest = rest.strip_prefix(b"=")?;
    let space = rest.iter().position(|&b| b == b' ');
    let semicolon = rest.iter().position(|&b| b == b';');
    let end = match (space, semicolon) {
        (Some(space), Some(semicolon)) if semicolon < space || may_hold_spaces(key, rest) => semicolon,
        (Some(space), _) => {
            let (value, behind) = split(rest, space)?;
            return Some((key, value, behind));
        }
        (None, semicolon) => semicolon?,
    };
    let (value, behind) = split(rest, end)?;
    Some((key, value, behind.get(1..)?))
}

fn split(text: &[u8], at: usize) -> Option<(&[u8], &[u8])> {
    text.split_at_checked(at)
}

fn may_hold_spaces(key: &[u8], value: &[u8]) -> bool {
    const NAMES: [&[u8]; 4] = [b"unix.owner", b"unix.group", b"unix.ownername", b"unix.groupname"];
    NAMES.iter().any(|name| key.eq_ignore_ascii_case(name))
        || key.eq_ignore_ascii_case(b"type") && slink(value).is_some()
}

/// What stands behind `OS.unix=slink:` or `OS.unix=symlink:`.
fn slink(value: &[u8]) -> Option<&[u8]> {
    [b"os.unix=slink:".as_slice(), b"os.unix=symlink:"]
        .iter()
        .find_map(|prefix| {
            let (head, target) = value.split_at_checked(prefix.len())?;
            head.eq_ignore_ascii_case(prefix).then_some(target)
        })
}

fn type_of(value: &[u8]) -> (Type, Option<Vec<u8>>) {
    if let Some(target) = slink(value) {
        let target = (!target.is_empty()).then(|| target.to_vec());
        return (Type::Is(EntryKind::Link), target);
    }
    let kind = match value.to_ascii_lowercase().as_slice() {
        b"file" => Type::Is(EntryKind::File),
        b"dir" => Type::Is(EntryKind::Directory),
        b"cdir" => Type::Current,
        b"pdir" => Type::Parent,
        b"os.unix=slink" | b"os.unix=symlink" | b"link" | b"slink" | b"symlink" => Type::Is(EntryKind::Link),
        _ => Type::Is(EntryKind::Other),
    };
    (kind, None)
}

/// Permission bits; the type bits that some servers leave in front are cut.
fn octal(digits: &[u8]) -> Option<u32> {
    let is_octal = !digits.is_empty() && digits.iter().all(|b| (b'0'..=b'7').contains(b));
    let value = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok();
    value.filter(|_| is_octal).map(|mode| mode & 0o7777)
}
