//! Nothing leaves the folder of the connection.

use std::{fs, os::unix::fs::symlink, sync::Arc};

use courier_transfer::{
    Client, CreateOptions, EntryKind, ErrorKind, Listed, OpenOptions, RemotePath, RenameMode,
    ops::{Context, UploadOptions, remove_tree, upload},
};
use futures::StreamExt;

use crate::connect;

fn path(text: &str) -> RemotePath {
    RemotePath::new(text).unwrap()
}

struct Setup {
    temp: tempfile::TempDir,
    client: Arc<dyn Client>,
}

/// `outside/secret`, and `inside` with links of all kinds to it.
async fn setup() -> Setup {
    let temp = tempfile::tempdir().unwrap();
    for folder in ["inside/real", "outside"] {
        fs::create_dir_all(temp.path().join(folder)).unwrap();
    }
    fs::write(temp.path().join("outside/secret"), "secret").unwrap();
    fs::write(temp.path().join("inside/real/file"), "file").unwrap();
    let inside = temp.path().join("inside");
    symlink(temp.path().join("outside"), inside.join("absolute")).unwrap();
    symlink("../outside", inside.join("relative")).unwrap();
    symlink("../outside/secret", inside.join("secret")).unwrap();
    symlink("real", inside.join("alias")).unwrap();
    let client = connect(Some(inside)).await.unwrap();
    Setup { temp, client }
}

#[tokio::test]
async fn links_outside_are_denied_for_every_operation() {
    let Setup { temp, client } = setup().await;
    for folder in ["absolute", "relative"] {
        let secret = path(folder).join(&path("secret").name().unwrap());
        let fresh = path(folder).join(&path("new").name().unwrap());
        let to = path("here");
        let denied = [
            client.stat(&secret).await.err(),
            client.list(&path(folder)).await.err(),
            client.open(&secret, OpenOptions::default()).await.err(),
            client.create(&fresh, CreateOptions::default()).await.err(),
            client.rename(&secret, &to, RenameMode::Replace).await.err(),
            client
                .rename(&path("real/file"), &fresh, RenameMode::KeepTarget)
                .await
                .err(),
            client.make_dir(&fresh).await.err(),
            client.remove(&secret, EntryKind::File).await.err(),
            client.set_permissions(&secret, 0o777).await.err(),
            client
                .set_modified(&secret, jiff::Timestamp::UNIX_EPOCH)
                .await
                .err(),
            client.canonicalize(&secret).await.err(),
        ];
        for (i, error) in denied.into_iter().enumerate() {
            assert_eq!(
                error.unwrap().kind(),
                ErrorKind::Denied,
                "{folder}, operation {i}"
            );
        }
    }
    assert!(
        client
            .create(&path("secret"), CreateOptions::default())
            .await
            .is_err()
    );
    assert_eq!(fs::read(temp.path().join("outside/secret")).unwrap(), b"secret");
    assert_eq!(fs::read_dir(temp.path().join("outside")).unwrap().count(), 1);
}

#[tokio::test]
async fn links_inside_work_and_listings_show_links() {
    let Setup { temp: _temp, client } = setup().await;
    assert_eq!(client.stat(&path("/alias/file")).await.unwrap().size, Some(4));
    assert_eq!(
        client.canonicalize(&path("alias/file")).await.unwrap(),
        path("/real/file")
    );
    let mut listing = client.list(&RemotePath::root()).await.unwrap();
    let mut kinds = Vec::new();
    while let Some(Ok(Listed::Entry(entry))) = listing.next().await {
        kinds.push((entry.path.to_text(), entry.kind));
    }
    kinds.sort_by(|a, b| a.0.cmp(&b.0));
    let links = kinds.iter().filter(|(_, kind)| *kind == EntryKind::Link).count();
    assert_eq!((kinds.len(), links), (5, 4));
}

#[tokio::test]
async fn removing_a_tree_removes_links_and_not_what_they_lead_to() {
    let Setup { temp, client } = setup().await;
    symlink("../../outside", temp.path().join("inside/real/out")).unwrap();
    let removed = remove_tree(&*client, &path("real")).await.unwrap();
    assert_eq!((removed.files, removed.directories), (2, 1));
    fs::create_dir(temp.path().join("inside/real")).unwrap();
    fs::write(temp.path().join("inside/real/kept"), "").unwrap();
    let removed = remove_tree(&*client, &path("alias")).await.unwrap();
    assert_eq!((removed.files, removed.directories), (1, 0));
    assert!(temp.path().join("inside/real/kept").exists());
    assert!(temp.path().join("outside/secret").exists());
}

#[tokio::test]
async fn names_with_line_breaks_are_reported_not_used() {
    let Setup { temp, client } = setup().await;
    fs::write(temp.path().join("inside/real/a\nb"), "").unwrap();
    let listing: Vec<_> = client.list(&path("real")).await.unwrap().collect().await;
    let unreadable = listing
        .iter()
        .filter(|l| matches!(l, Ok(Listed::Unreadable { raw, .. }) if raw == "a\\nb"));
    assert_eq!((listing.len(), unreadable.count()), (2, 1));
}

#[tokio::test]
async fn the_base_path_itself_stays() {
    let Setup { temp: _temp, client } = setup().await;
    for top in [RemotePath::root(), RemotePath::home()] {
        assert_eq!(
            client
                .remove(&top, EntryKind::Directory)
                .await
                .unwrap_err()
                .kind(),
            ErrorKind::Denied
        );
        assert_eq!(
            client.make_dir(&top).await.unwrap_err().kind(),
            ErrorKind::AlreadyExists
        );
        assert!(client.stat(&top).await.unwrap().is_dir());
    }
}

#[tokio::test]
async fn a_connection_needs_a_folder_that_exists() {
    assert_eq!(connect(None).await.unwrap_err().kind(), ErrorKind::Invalid);
    let missing = connect(Some("/nonexistent/folder".into())).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert!(missing.to_string().contains("/nonexistent/folder"));
}

#[tokio::test]
async fn pipes_do_not_block() {
    let Setup { temp, client } = setup().await;
    let pipe = temp.path().join("inside/pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o644),
        0,
    )
    .unwrap();
    assert!(client.open(&path("pipe"), OpenOptions::default()).await.is_err());
    assert!(
        client
            .create(&path("pipe"), CreateOptions::default())
            .await
            .is_err()
    );
    let sent = upload(
        &client,
        &pipe,
        &path("x"),
        &UploadOptions::default(),
        &Context::default(),
    )
    .await;
    assert_eq!(sent.unwrap_err().kind(), ErrorKind::WrongKind);
}
