//! Cases about listings and directories.

use super::{Fixture, kind};
use crate::{EntryKind, ErrorKind, RemotePath};

/// `stat` tells kind, size and a time near now.
pub async fn stat_tells_kind_size_and_time(f: &Fixture) {
    let file = f.path("a.txt");
    f.write(&file, b"hello").await;
    let entry = f.client.stat(&file).await.unwrap();
    assert_eq!((entry.kind, entry.size), (EntryKind::File, Some(5)));
    assert_eq!(entry.path, file);
    if let Some(modified) = entry.modified {
        let age = jiff::Timestamp::now().duration_since(modified).as_secs();
        assert!(age.abs() < 120, "modified {modified} is not now");
    }
    if f.client.capabilities().permissions {
        assert!(entry.permissions.is_some_and(|mode| mode <= 0o7777));
    }
    let folder = f.client.stat(&f.folder).await.unwrap();
    assert_eq!(
        (folder.kind, folder.path),
        (EntryKind::Directory, f.folder.clone())
    );
}

/// What isn't there is [`ErrorKind::NotFound`], also below a missing folder.
pub async fn stat_of_nothing_is_not_found(f: &Fixture) {
    assert_eq!(kind(f.client.stat(&f.path("none")).await), ErrorKind::NotFound);
    let below = f.path("none").join(&f.path("x").name().unwrap());
    assert_eq!(kind(f.client.stat(&below).await), ErrorKind::NotFound);
}

/// Listings tell files and folders with sizes, under the path asked for, without `.` and `..`.
pub async fn listings_tell_what_is_there(f: &Fixture) {
    assert_eq!(f.list(&f.folder).await, []);
    f.write(&f.path("b"), b"12345").await;
    f.client.make_dir(&f.path("a")).await.unwrap();
    f.write(&f.path(".hidden"), b"").await;
    let entries = f.list(&f.folder).await;
    let paths: Vec<_> = entries.iter().map(|e| e.path.clone()).collect();
    assert_eq!(paths, [f.path(".hidden"), f.path("a"), f.path("b")]);
    assert_eq!(entries[1].kind, EntryKind::Directory);
    assert_eq!((entries[2].kind, entries[2].size), (EntryKind::File, Some(5)));
    assert_eq!(f.list(&f.path("a")).await, []);
}

/// A listing of nothing, or of a file, fails at the call.
pub async fn listings_of_what_is_no_folder_fail(f: &Fixture) {
    assert_eq!(kind(f.client.list(&f.path("none")).await), ErrorKind::NotFound);
    f.write(&f.path("file"), b"x").await;
    let kind = kind(f.client.list(&f.path("file")).await);
    assert!(
        matches!(kind, ErrorKind::WrongKind | ErrorKind::NotFound),
        "{kind:?}"
    );
}

/// Long listings come whole.
pub async fn a_listing_of_3000_is_complete(f: &Fixture) {
    let at_once = f.client.capabilities().concurrency.clamp(1, 64);
    let names: Vec<_> = (0..3000).map(|i| f.path(format!("{i:05}-of-3000"))).collect();
    // Mostly folders: each file would be a data connection of FTP's, with its handshake.
    let make = async |path: &RemotePath| match path.to_text().ends_with("00-of-3000") {
        true => f.write(path, b"").await,
        false => f.client.make_dir(path).await.unwrap(),
    };
    for some in names.chunks(at_once) {
        futures::future::join_all(some.iter().map(make)).await;
    }
    let found: Vec<_> = f.list(&f.folder).await.into_iter().map(|e| e.path).collect();
    assert_eq!(found, names);
}

/// Making a folder where something is fails, and so does making one below nothing.
pub async fn folders_are_made_once(f: &Fixture) {
    let dir = f.path("d");
    f.client.make_dir(&dir).await.unwrap();
    assert!(f.client.stat(&dir).await.unwrap().is_dir());
    assert_eq!(kind(f.client.make_dir(&dir).await), ErrorKind::AlreadyExists);
    f.write(&f.path("file"), b"x").await;
    assert_eq!(
        kind(f.client.make_dir(&f.path("file")).await),
        ErrorKind::AlreadyExists
    );
    let below = f.path("none").join(&dir.name().unwrap());
    assert_eq!(kind(f.client.make_dir(&below).await), ErrorKind::NotFound);
}

/// A file is not removed as a folder, nor a folder as a file, nor what isn't there.
pub async fn removal_wants_the_right_kind(f: &Fixture) {
    let (dir, file) = (f.path("d"), f.path("f"));
    f.client.make_dir(&dir).await.unwrap();
    f.write(&file, b"x").await;
    assert!(f.client.remove(&dir, EntryKind::File).await.is_err());
    assert!(f.client.remove(&file, EntryKind::Directory).await.is_err());
    assert!(f.exists(&dir).await && f.exists(&file).await);
    f.client.remove(&file, EntryKind::File).await.unwrap();
    f.client.remove(&dir, EntryKind::Directory).await.unwrap();
    assert!(!f.exists(&dir).await && !f.exists(&file).await);
    assert_eq!(
        kind(f.client.remove(&file, EntryKind::File).await),
        ErrorKind::NotFound
    );
    assert_eq!(
        kind(f.client.remove(&dir, EntryKind::Directory).await),
        ErrorKind::NotFound
    );
}

/// A folder with something in it is [`ErrorKind::NotEmpty`].
pub async fn a_full_folder_is_not_removed(f: &Fixture) {
    let dir = f.path("d");
    f.client.make_dir(&dir).await.unwrap();
    f.write(&dir.join(&f.path("x").name().unwrap()), b"x").await;
    assert_eq!(
        kind(f.client.remove(&dir, EntryKind::Directory).await),
        ErrorKind::NotEmpty
    );
    assert_eq!(f.list(&dir).await.len(), 1);
}
