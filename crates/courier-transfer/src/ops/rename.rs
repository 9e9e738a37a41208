//! Renames with a clear answer where the target exists, and where the server's answer was lost.

use crate::{Client, Entry, EntryKind, Error, ErrorKind, RemotePath, RenameMode, Result};

use super::{
    Guard, NoGuard,
    lost::{ATTEMPTS, described, is_lost, is_same, look, look_beside},
    names::{NUMBERED, numbered_remote},
};

/// What a rename may do to an existing target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replace {
    /// Nothing: [`ErrorKind::AlreadyExists`].
    Never,
    /// Replace it in one step; an error where the server cannot.
    Atomically,
    /// Replace it in one step where the server can, else remove it and rename then.
    NonAtomically,
}

/// Renames a file or a directory.
///
/// Servers without atomic replacement are asked to keep the target; where it exists, `replace` says
/// whether it may be removed first. A directory is never removed.
///
/// Where the answer is lost, both names are looked at: what still lies at `from` is renamed once more; what lies at `to`
/// and is as `known` tells (without it, as a look beside the rename told) has been renamed. An error says what lies
/// there where neither is so.
pub async fn rename(
    client: &dyn Client,
    from: &RemotePath,
    to: &RemotePath,
    replace: Replace,
    known: Option<&Entry>,
) -> Result<()> {
    rename_guarded(client, from, to, replace, known, &NoGuard).await
}

/// As [`rename`], asking `guard` before each change, also where one is asked for again.
///
/// # Errors
/// Those of [`rename`], and [`ErrorKind::Cancelled`] where the guard refuses.
pub async fn rename_guarded(
    client: &dyn Client,
    from: &RemotePath,
    to: &RemotePath,
    replace: Replace,
    known: Option<&Entry>,
    guard: &dyn Guard,
) -> Result<()> {
    if from == to {
        return Ok(());
    }
    let attempt = || attempt(client, from, to, replace, guard);
    let (known, mut result) = match known {
        Some(known) => (Some(known.clone()), attempt().await),
        None => look_beside(client.stat(from), attempt()).await,
    };
    for _ in 1..ATTEMPTS {
        let lost = match result {
            Err(e) if is_lost(&e) => e,
            result => return result,
        };
        if is_done(client, from, to, known.as_ref(), &lost).await? {
            return Ok(());
        }
        result = match attempt().await {
            // The one before was carried out after the look.
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::AlreadyExists) => {
                match is_done(client, from, to, known.as_ref(), &lost).await {
                    Ok(true) => Ok(()),
                    _ => Err(e),
                }
            }
            result => result,
        };
    }
    result
}

/// Renames to the first free name of `to`, `name (1).ext`, …; answers which that is. Asks `guard` as [`rename_guarded`].
///
/// # Errors
/// Those of [`rename_guarded`].
pub async fn rename_to_free_name(
    client: &dyn Client,
    from: &RemotePath,
    to: &RemotePath,
    guard: &dyn Guard,
) -> Result<RemotePath> {
    for n in 0..NUMBERED {
        let target = numbered_remote(to, n)?;
        match rename_guarded(client, from, &target, Replace::Never, None, guard).await {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            result => return result.map(|()| target),
        }
    }
    Err(Error::new(
        ErrorKind::AlreadyExists,
        format!("{to} and its first {NUMBERED} numbered names exist already"),
    ))
}

/// Has it been renamed? `false` where it still lies at its old name.
async fn is_done(
    client: &dyn Client,
    from: &RemotePath,
    to: &RemotePath,
    known: Option<&Entry>,
    lost: &Error,
) -> Result<bool> {
    let unknown = format!("whether {from} was renamed to {to} is not known, the answer was lost");
    let source = look(client, from, &unknown, lost).await?;
    if source
        .as_ref()
        .is_some_and(|source| known.is_none_or(|known| is_same(source, known)))
    {
        return Ok(false);
    }
    let target = look(client, to, &unknown, lost).await?;
    if let (Some(target), Some(known)) = (&target, known)
        && is_same(target, known)
    {
        return Ok(true);
    }
    Err(Error::new(
        ErrorKind::Lost,
        format!(
            "{unknown} ({lost}). {from} was {}; now {} lies there, and {} at {to}",
            known.map_or_else(|| "not looked at".into(), |known| described(Some(known))),
            described(source.as_ref()),
            described(target.as_ref()),
        ),
    ))
}

async fn attempt(
    client: &dyn Client,
    from: &RemotePath,
    to: &RemotePath,
    replace: Replace,
    guard: &dyn Guard,
) -> Result<()> {
    let in_one_step = replace != Replace::Never && client.capabilities().atomic_replace;
    let mode = if in_one_step {
        RenameMode::Replace
    } else {
        RenameMode::KeepTarget
    };
    guard.check()?;
    let mut result = client.rename(from, to, mode).await;
    // Some servers say that they can, and can't when they are asked.
    let no_more = in_one_step && !client.capabilities().atomic_replace;
    if no_more && result.as_ref().is_err_and(|e| !is_lost(e)) {
        result = client.rename(from, to, RenameMode::KeepTarget).await;
    }
    let error = match result {
        Ok(()) => return Ok(()),
        Err(e) => e,
    };
    if replace == Replace::Never || is_lost(&error) || error.kind() == ErrorKind::NotFound {
        return Err(error);
    }
    let target = client.stat(to).await;
    if target.as_ref().is_ok_and(crate::Entry::is_dir) {
        return Err(Error::new(
            ErrorKind::WrongKind,
            format!("cannot replace {to}: it is a directory; give the full name of the new file"),
        )
        .with_source(error));
    }
    if error.kind() != ErrorKind::AlreadyExists {
        return Err(error);
    }
    if replace == Replace::Atomically {
        return Err(cannot_replace(to).with_source(error));
    }
    // Where the answer to an earlier rename was lost, what lies there may be what is to replace it, and all that is left.
    match client.stat(from).await {
        Err(e) if e.kind() == ErrorKind::NotFound || is_lost(&e) => return Err(e),
        _ => {}
    }
    guard.check()?;
    match client.remove(to, EntryKind::File).await {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    client.rename(from, to, RenameMode::KeepTarget).await
}

/// The one text for a server that has no atomic replacement.
pub(super) fn cannot_replace(to: &RemotePath) -> Error {
    Error::new(
        ErrorKind::AlreadyExists,
        format!(
            "{to} exists, and this server cannot replace a file in one step. Allow it to be removed first, \
             upload under the final name (not atomic), or choose another name"
        ),
    )
}
