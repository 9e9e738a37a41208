//! Names and attributes that change, with a look where a refusal does not say what it means.

use courier_transfer::{EntryKind, Error, ErrorKind, RemotePath, RenameMode, Result};
use jiff::Timestamp;

use super::{
    error::{of_kind, refusal},
    look::look_after,
};
use crate::{
    codec::{Command, Reply, time},
    control::Control,
    session::Session,
};

/// RNFR and RNTO. Servers replace a target without a word: that it may be replaced is for the caller to know.
pub(super) async fn rename(
    control: &mut Control,
    session: &Session,
    from: &RemotePath,
    to: &RemotePath,
    mode: RenameMode,
) -> Result<()> {
    let (from_wire, to_wire) = (session.wire(from)?, session.wire(to)?);
    let (begin, end) = (
        Command::new("RNFR").path(&from_wire)?,
        Command::new("RNTO").path(&to_wire)?,
    );
    let reply = control.command(&begin).await?;
    if !reply.is_intermediate() {
        let error = refusal(&reply, from);
        return Err(match look_after(&error, control, session, from).await? {
            Some(None) => of_kind(ErrorKind::NotFound, &error, from),
            _ => error,
        });
    }
    let reply = control.command(&end).await?;
    if reply.is_done() {
        return Ok(());
    }
    let error = refusal(&reply, to);
    let replacing = mode == RenameMode::Replace;
    match look_after(&error, control, session, to).await? {
        None if replacing && error.kind() == ErrorKind::AlreadyExists => {
            Err(cannot_replace(session, &error, to))
        }
        Some(Some(there)) if replacing && !there.is_dir() => Err(cannot_replace(session, &error, to)),
        Some(Some(_)) => Err(of_kind(ErrorKind::AlreadyExists, &error, to)),
        Some(None) => Err(below_nothing(control, session, error, to).await?),
        None => Err(error),
    }
}

/// The server keeps a target that it was to replace. It is not asked to again.
fn cannot_replace(session: &Session, error: &Error, to: &RemotePath) -> Error {
    session.forget_replacing();
    Error::new(
        ErrorKind::Unsupported,
        format!(
            "this server cannot replace a file in one step: {}",
            error.message()
        ),
    )
    .with("path", to)
}

/// MKD.
pub(super) async fn make_dir(control: &mut Control, session: &Session, path: &RemotePath) -> Result<()> {
    let reply = control
        .command(&Command::new("MKD").path(&session.wire(path)?)?)
        .await?;
    if reply.is_done() {
        return Ok(());
    }
    let error = refusal(&reply, path);
    match look_after(&error, control, session, path).await? {
        Some(Some(_)) => Err(of_kind(ErrorKind::AlreadyExists, &error, path)),
        Some(None) => Err(below_nothing(control, session, error, path).await?),
        None => Err(error),
    }
}

/// DELE, or RMD for a directory. A directory that is refused and is there may still have something in it: that is for the
/// caller to find out.
pub(super) async fn remove(
    control: &mut Control,
    session: &Session,
    path: &RemotePath,
    kind: EntryKind,
) -> Result<()> {
    let verb = match kind {
        EntryKind::Directory => "RMD",
        _ => "DELE",
    };
    let reply = control
        .command(&Command::new(verb).path(&session.wire(path)?)?)
        .await?;
    if reply.is_done() {
        return Ok(());
    }
    let error = refusal(&reply, path);
    match look_after(&error, control, session, path).await? {
        Some(None) => Err(of_kind(ErrorKind::NotFound, &error, path)),
        Some(Some(there)) if there.is_dir() != (kind == EntryKind::Directory) => {
            Err(of_kind(ErrorKind::WrongKind, &error, path))
        }
        // "No such file" of what is there says nothing.
        Some(Some(_)) if error.kind() == ErrorKind::NotFound => Err(of_kind(ErrorKind::Failed, &error, path)),
        _ => Err(error),
    }
}

/// MFMT (draft-somers-ftp-mfxx), or the MDTM with a time that vsftpd takes.
pub(super) async fn set_modified(
    control: &mut Control,
    session: &Session,
    path: &RemotePath,
    modified: Timestamp,
) -> Result<()> {
    let verb = match (session.features.mfmt, session.sets_times_by_mdtm) {
        (true, _) => "MFMT",
        (false, true) => "MDTM",
        (false, false) => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "this server cannot set modification times (it lacks MFMT)",
            )
            .with("path", path));
        }
    };
    let stamp = time::write(modified).ok_or_else(|| {
        Error::new(
            ErrorKind::Invalid,
            format!("FTP cannot express the time {modified}; it knows the years 0 to 9999"),
        )
        .with("path", path)
    })?;
    let command = Command::new(verb).arg(&stamp)?.path(&session.wire(path)?)?;
    done(control.command(&command).await?, path)
}

/// SITE CHMOD, which no document defines and most servers have.
pub(super) async fn set_permissions(
    control: &mut Control,
    session: &Session,
    path: &RemotePath,
    mode: u32,
) -> Result<()> {
    let command = Command::new("SITE CHMOD")
        .arg(&format!("{:o}", mode & 0o7777))?
        .path(&session.wire(path)?)?;
    let reply = control.command(&command).await?;
    match reply.code {
        // Its words for a SITE command that it does not have.
        202 | 501 | 503 => Err(of_kind(ErrorKind::Unsupported, &refusal(&reply, path), path)),
        _ => done(reply, path),
    }
}

fn done(reply: Reply, path: &RemotePath) -> Result<()> {
    match reply.is_done() {
        true => Ok(()),
        false => Err(refusal(&reply, path)),
    }
}

/// The refusal to make something whose name is free: is its folder there?
pub(super) async fn below_nothing(
    control: &mut Control,
    session: &Session,
    error: Error,
    path: &RemotePath,
) -> Result<Error> {
    let Some(parent) = path.parent().filter(|parent| !parent.is_top()) else {
        return Ok(error);
    };
    Ok(match look_after(&error, control, session, &parent).await? {
        Some(None) => of_kind(ErrorKind::NotFound, &error, &parent),
        Some(Some(there)) if !there.is_dir() => of_kind(ErrorKind::WrongKind, &error, &parent),
        _ => error,
    })
}
