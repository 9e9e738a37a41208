//! What lies at a path: by MLST where the server has it, else by SIZE, MDTM and CWD.

use courier_transfer::{Entry, EntryKind, Error, ErrorKind, RemotePath, Result, TimePrecision};
use jiff::Timestamp;

use super::error::{is_vague, refusal, unexpected};
use crate::{
    codec::{Command, Reply, time},
    control::Control,
    listing::facts,
    session::Session,
};

/// The mode that Linux gives every link.
const LINK_MODE: u32 = 0o777;

/// What lies at `path`, links followed.
///
/// # Errors
/// [`ErrorKind::NotFound`] where nothing does, or nothing that a server without MLST tells of; [`ErrorKind::Unsupported`]
/// where only a listing could tell; [`ErrorKind::Denied`], [`ErrorKind::Lost`].
pub(crate) async fn found(control: &mut Control, session: &Session, path: &RemotePath) -> Result<Entry> {
    if session.home.is_none() && *path == RemotePath::home() {
        // It has a name that only the server knows.
        return Ok(entry(path, EntryKind::Directory, None, None));
    }
    let wire = session.wire(path)?;
    let mut known = None;
    if session.has_mlst() {
        let reply = control.command(&Command::new("MLST").path(&wire)?).await?;
        match by_facts(&reply, session, path) {
            Ok(Some(entry)) if entry.kind == EntryKind::File => {
                return followed(control, session, entry, &wire).await;
            }
            Ok(Some(entry)) if entry.kind == EntryKind::Directory => return Ok(entry),
            // A link, or what is of no kind: the plain commands follow it.
            Ok(entry) => known = entry,
            Err(e) if e.kind() == ErrorKind::Unsupported => session.forget_mlst(),
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::Denied) => return Err(e),
            Err(_) => {}
        }
    }
    match by_commands(control, session, path, &wire).await {
        Ok(entry) => Ok(Entry {
            permissions: known.and_then(|known| known.permissions),
            ..entry
        }),
        Err(e) if e.kind() == ErrorKind::NotFound => known.ok_or(e),
        Err(e) => Err(e),
    }
}

/// The path of a folder as the server calls it once it is entered: on most servers, with links resolved. Another path as it
/// is. To be asked only where the login folder is known, so that absolute paths mean the same from everywhere.
///
/// # Errors
/// The line broke, or the path can't be sent.
pub(crate) async fn entered(
    control: &mut Control,
    session: &Session,
    absolute: RemotePath,
) -> Result<RemotePath> {
    let wire = session.wire(&absolute)?;
    if !control
        .command(&Command::new("CWD").path(&wire)?)
        .await?
        .is_done()
    {
        return Ok(absolute);
    }
    let reply = control.command(&Command::new("PWD")).await?;
    let told = Some(&reply)
        .filter(|reply| reply.code == 257)
        .and_then(Reply::quoted_path)
        .map(|raw| session.names.decode(&raw).into_owned())
        .and_then(|path| RemotePath::new(path).ok())
        .filter(RemotePath::is_absolute);
    Ok(told.unwrap_or(absolute))
}

/// What lies at `path`; `None` where nothing does.
///
/// # Errors
/// As [`found`], except [`ErrorKind::NotFound`].
pub(crate) async fn look(
    control: &mut Control,
    session: &Session,
    path: &RemotePath,
) -> Result<Option<Entry>> {
    match found(control, session, path).await {
        Ok(entry) => Ok(Some(entry)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// What one question tells of a file that was just written; `None` where it doesn't tell for sure how long the file is.
pub(crate) async fn told(
    control: &mut Control,
    session: &Session,
    path: &RemotePath,
    wire: &[u8],
) -> Option<Entry> {
    if session.options.ascii {
        return None;
    }
    if session.has_mlst() {
        let reply = control
            .command(&Command::new("MLST").path(wire).ok()?)
            .await
            .ok()?;
        let told = by_facts(&reply, session, path).ok().flatten();
        let told = told.filter(|told| told.kind == EntryKind::File && told.size.is_some())?;
        return followed(control, session, told, wire).await.ok();
    }
    if !session.features.size {
        return None;
    }
    let size = size(control, path, wire).await.ok()?;
    Some(entry(path, EntryKind::File, Some(size), None))
}

/// What lies at `path`, after a refusal. `None` where the refusal says enough, or a look tells nothing.
///
/// # Errors
/// The line broke.
pub(crate) async fn look_after(
    error: &Error,
    control: &mut Control,
    session: &Session,
    path: &RemotePath,
) -> Result<Option<Option<Entry>>> {
    if !is_vague(error) {
        return Ok(None);
    }
    passed_over(session, look(control, session, path).await)
}

/// The reply to MLST (RFC 3659 section 7); `None` where its facts cannot be read.
fn by_facts(reply: &Reply, session: &Session, path: &RemotePath) -> Result<Option<Entry>> {
    if !reply.is_done() {
        return Err(refusal(reply, path));
    }
    let line = reply.lines.get(1..).and_then(|lines| lines.first());
    let facts = line.and_then(|line| facts::parse_one(line).ok());
    Ok(facts.map(|facts| Entry {
        path: path.clone(),
        kind: facts.kind,
        size: facts
            .size
            .filter(|_| facts.kind == EntryKind::File && !session.options.ascii),
        modified: facts.modified,
        precision: TimePrecision::Exact,
        permissions: facts.permissions,
    }))
}

/// The file itself, where MLST may have told of a link to it. Of a link ProFTPD tells the kind of what it leads to, and the
/// length, time and mode that the link has.
async fn followed(control: &mut Control, session: &Session, told: Entry, wire: &[u8]) -> Result<Entry> {
    if told.permissions != Some(LINK_MODE) || told.size.is_none() || !session.features.size {
        return Ok(told);
    }
    let path = told.path.clone();
    let Some(size) = passed_over(session, size(control, &path, wire).await)? else {
        return Ok(told);
    };
    if told.size == Some(size) {
        return Ok(told);
    }
    let modified = passed_over(session, modified(control, &path, wire).await)?;
    Ok(entry(&path, EntryKind::File, Some(size), modified))
}

async fn by_commands(
    control: &mut Control,
    session: &Session,
    path: &RemotePath,
    wire: &[u8],
) -> Result<Entry> {
    // What SIZE tells of a file whose lines are translated is not what arrives, and some refuse it then.
    let size = match session.options.ascii {
        true => Err(Error::new(ErrorKind::Unsupported, "")),
        false => size(control, path, wire).await,
    };
    let refused = match size {
        Ok(size) => {
            let modified = passed_over(session, modified(control, path, wire).await)?;
            return Ok(entry(path, EntryKind::File, Some(size), modified));
        }
        Err(e) if !session.health().is_alive() || e.kind() == ErrorKind::Protocol => return Err(e),
        Err(e) => e,
    };
    if is_directory(control, session, path, wire).await? {
        return Ok(entry(path, EntryKind::Directory, None, None));
    }
    Err(match refused.kind() {
        ErrorKind::Denied => refused,
        // A server without SIZE may have MDTM.
        ErrorKind::Unsupported => match modified(control, path, wire).await {
            Ok(modified) => return Ok(entry(path, EntryKind::File, None, Some(modified))),
            Err(e) if e.kind() == ErrorKind::Unsupported => Error::new(
                ErrorKind::Unsupported,
                "the server tells nothing of a single file (it lacks MLST, SIZE and MDTM)",
            )
            .with("path", path),
            Err(e) if !session.health().is_alive() => e,
            Err(_) => nothing(path),
        },
        _ => nothing(path),
    })
}

fn nothing(path: &RemotePath) -> Error {
    Error::new(ErrorKind::NotFound, "no such file or directory on the server").with("path", path)
}

fn entry(path: &RemotePath, kind: EntryKind, size: Option<u64>, modified: Option<Timestamp>) -> Entry {
    Entry {
        path: path.clone(),
        kind,
        size,
        modified,
        precision: TimePrecision::Exact,
        permissions: None,
    }
}

/// What a refusal leaves open is open; a line that broke is not.
fn passed_over<T>(session: &Session, result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(_) if session.health().is_alive() => Ok(None),
        Err(e) => Err(e),
    }
}

/// SIZE (RFC 3659 section 4), of a file.
///
/// # Errors
/// Those of the refusal.
pub(crate) async fn size(control: &mut Control, path: &RemotePath, wire: &[u8]) -> Result<u64> {
    let reply = control.command(&Command::new("SIZE").path(wire)?).await?;
    match reply.code {
        213 => {}
        200..300 => return Err(control.out_of_step("SIZE", &reply)),
        _ => return Err(refusal(&reply, path)),
    }
    std::str::from_utf8(reply.first_line())
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .ok_or_else(|| unexpected("SIZE", &reply, path))
}

/// MDTM (RFC 3659 section 3), of a file.
async fn modified(control: &mut Control, path: &RemotePath, wire: &[u8]) -> Result<Timestamp> {
    let reply = control.command(&Command::new("MDTM").path(wire)?).await?;
    if reply.code != 213 {
        return Err(refusal(&reply, path));
    }
    time::read(reply.first_line().trim_ascii()).ok_or_else(|| {
        // A time that cannot be read is of no use, and no fault of the line.
        Error::new(
            ErrorKind::Failed,
            format!("the server told the time as \"{reply}\""),
        )
        .with("path", path)
    })
}

/// Is it a folder that can be entered? Afterwards the session is where it was, as far as that matters.
async fn is_directory(
    control: &mut Control,
    session: &Session,
    path: &RemotePath,
    wire: &[u8],
) -> Result<bool> {
    if session.home.is_none() && session.raw_home.is_empty() {
        // There would be no way back.
        return Ok(false);
    }
    let reply = control.command(&Command::new("CWD").path(wire)?).await?;
    if !reply.is_done() {
        return Ok(false);
    }
    // Absolute paths mean the same from everywhere.
    if session.home.is_none() {
        let back = control
            .command(&Command::new("CWD").path(&session.raw_home)?)
            .await?;
        if !back.is_done() {
            session
                .health()
                .lose("the server did not let the session back into its login folder");
            return Err(session.health().error().with("path", path));
        }
    }
    Ok(true)
}
