//! Servers that refuse what others allow.

use std::{
    os::unix::fs::PermissionsExt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use courier_sftp::{
    codec::{OpenFlags, Request, Response, StatusCode},
    server::Responder,
};
use courier_transfer::{
    ChecksumBy, EntryKind, ErrorKind, RemotePath, RenameMode,
    ops::{self, Replace, UploadOptions},
};

use super::{path, pattern, serving};

/// Answers with a STATUS what `refuses` finds, and serves the rest.
macro_rules! refusing {
    ($code:expr, $pattern:pat) => {
        serving(move |_, id, request, out| {
            matches!(request, $pattern) && {
                Response::status($code, "").encode(id, out);
                true
            }
        })
    };
}

#[tokio::test]
async fn attributes_are_set_by_a_handle_where_the_path_is_refused() {
    for code in [StatusCode::OP_UNSUPPORTED, StatusCode::FAILURE] {
        let s = refusing!(code, Request::SetStat { .. }).await;
        s.file("f", 10);
        s.client.set_permissions(&path("f"), 0o640).await.unwrap();
        let time = jiff::Timestamp::from_second(1_000_000_000).unwrap();
        s.client.set_modified(&path("f"), time).await.unwrap();
        let found = s.client.stat(&path("f")).await.unwrap();
        assert_eq!(
            (found.permissions, found.modified, found.size),
            (Some(0o640), Some(time), Some(10))
        );
    }
}

#[tokio::test]
async fn an_upload_does_without_attributes() {
    let s = refusing!(
        StatusCode::PERMISSION_DENIED,
        Request::SetStat { .. } | Request::FSetStat { .. }
    )
    .await;
    let local = s.folder.path().join("local");
    std::fs::write(&local, pattern(1000)).unwrap();
    std::fs::set_permissions(&local, std::fs::Permissions::from_mode(0o600)).unwrap();
    let options = UploadOptions {
        preserve_times: true,
        preserve_permissions: true,
        ..UploadOptions::default()
    };
    ops::upload(&s.client, &local, &path("up"), &options, &ops::Context::default())
        .await
        .unwrap();
    assert_eq!(s.read("up").await, pattern(1000));
}

#[tokio::test]
async fn what_lies_there_is_told_without_stat() {
    let s = refusing!(StatusCode::OP_UNSUPPORTED, Request::Stat { .. }).await;
    s.file("f", 10);
    std::os::unix::fs::symlink("f", s.folder.path().join("link")).unwrap();
    std::fs::create_dir(s.folder.path().join("d")).unwrap();
    let s2 = refusing!(
        StatusCode::OP_UNSUPPORTED,
        Request::Stat { .. } | Request::Lstat { .. }
    )
    .await;
    s2.file("f", 10);
    std::os::unix::fs::symlink("f", s2.folder.path().join("link")).unwrap();
    std::fs::create_dir(s2.folder.path().join("d")).unwrap();
    for s in [s, s2] {
        for name in ["f", "link"] {
            let found = s.client.stat(&path(name)).await.unwrap();
            assert_eq!((found.kind, found.size), (EntryKind::File, Some(10)), "{name}");
        }
        let found = s.client.stat(&path("d")).await.unwrap();
        assert_eq!(found.kind, EntryKind::Directory);
        let error = s.client.stat(&path("missing")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
        let error = s
            .client
            .rename(&path("f"), &path("link"), RenameMode::KeepTarget)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    }
}

#[tokio::test]
async fn a_replacing_rename_that_is_announced_and_refused_is_not_asked_for_again() {
    for code in [StatusCode::OP_UNSUPPORTED, StatusCode::BAD_MESSAGE] {
        let s = refusing!(code, Request::PosixRename { .. }).await;
        for name in ["a", "b"] {
            s.file(name, 10);
        }
        assert!(s.client.capabilities().atomic_replace);
        let rename =
            async |to: &str, replace| ops::rename(&*s.client, &path("a"), &path(to), replace, None).await;
        let error = rename("b", Replace::Atomically).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error:?}");
        assert!(!s.client.capabilities().atomic_replace);
        let error = s
            .client
            .rename(&path("a"), &path("b"), RenameMode::Replace)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        rename("b", Replace::NonAtomically).await.unwrap();
        assert!(!s.folder.path().join("a").exists());
        s.file("a", 10);
        rename("c", Replace::Atomically).await.unwrap();
    }
}

/// Nothing can be seen there, and files can be left there.
#[tokio::test]
async fn a_drop_box_takes_files() {
    let s = serving(|_, id, request, out| {
        let refused = match request {
            Request::Stat { .. } | Request::Lstat { .. } | Request::OpenDir { .. } => true,
            Request::Open { flags, .. } => flags.contains(OpenFlags::READ),
            _ => false,
        };
        if refused {
            Response::status(StatusCode::PERMISSION_DENIED, "").encode(id, out);
        }
        refused
    })
    .await;
    let local = tempfile::NamedTempFile::new().unwrap();
    let bytes = pattern(3_000_000);
    std::fs::write(local.path(), &bytes).unwrap();
    for (name, atomic) in [("plain", false), ("atomic", true)] {
        let options = UploadOptions {
            atomic,
            create_parents: false,
            ..UploadOptions::default()
        };
        ops::upload(
            &s.client,
            local.path(),
            &path(name),
            &options,
            &ops::Context::default(),
        )
        .await
        .unwrap();
        assert!(
            std::fs::read(s.folder.path().join(name)).unwrap() == bytes,
            "{name}"
        );
    }
    let error = s.client.list(&path("/")).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Denied);
}

#[tokio::test]
async fn a_folder_that_exists_is_no_failure_of_making_it() {
    let s = refusing!(StatusCode::FAILURE, Request::MakeDir { .. }).await;
    std::fs::create_dir(s.folder.path().join("d")).unwrap();
    let error = s.client.make_dir(&path("d")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    ops::make_dir_all(&*s.client, &path("d")).await.unwrap();
    let error = s.client.make_dir(&path("e")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
}

#[tokio::test]
async fn a_rename_keeps_its_target_whatever_the_server_would_do() {
    let overwrote = Arc::new(AtomicBool::new(false));
    let seen = overwrote.clone();
    let s = serving(move |files, id, request, out| {
        let &Request::Rename { from, to } = request else {
            return false;
        };
        seen.store(true, Ordering::Relaxed);
        files.respond(id, &Request::PosixRename { from, to }, out);
        true
    })
    .await;
    s.file("a", 1);
    s.file("b", 2);
    let error = s
        .client
        .rename(&path("a"), &path("b"), RenameMode::KeepTarget)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert!(!overwrote.load(Ordering::Relaxed));

    for code in [StatusCode::FAILURE, StatusCode::FILE_ALREADY_EXISTS] {
        let s = refusing!(code, Request::Rename { .. } | Request::Lstat { .. }).await;
        s.file("a", 1);
        let error = s
            .client
            .rename(&path("a"), &path("b"), RenameMode::KeepTarget)
            .await
            .unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::Failed),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_session_lives_without_realpath() {
    let s = refusing!(StatusCode::OP_UNSUPPORTED, Request::RealPath { .. }).await;
    s.client.keepalive().await.unwrap();
    let home = s.client.canonicalize(&RemotePath::home()).await.unwrap_err();
    assert_eq!(home.kind(), ErrorKind::Unsupported);
    assert_eq!(s.client.canonicalize(&path("/a")).await.unwrap(), path("/a"));
    s.assert_arrives(1000).await;
}

#[tokio::test]
async fn a_checksum_may_be_refused() {
    let asked = Arc::new(AtomicU32::new(0));
    let count = asked.clone();
    let s = serving(move |_, id, request, out| {
        let Request::CheckFile { .. } = request else {
            return false;
        };
        match count.fetch_add(1, Ordering::Relaxed) {
            0 => Response::status(StatusCode::OP_UNSUPPORTED, "").encode(id, out),
            1 => Response::Extended(b"").encode(id, out),
            // An algorithm that nobody asked for, and a hash of the wrong length.
            2 => Response::Extended(b"\0\0\0\x03md5AAAAAAAAAAAAAAAA").encode(id, out),
            _ => Response::Extended(b"\0\0\0\x06sha256AAAA").encode(id, out),
        }
        true
    })
    .await;
    s.file("f", 10);
    let kinds = [
        ErrorKind::Unsupported,
        ErrorKind::Protocol,
        ErrorKind::Protocol,
        ErrorKind::Protocol,
    ];
    for kind in kinds {
        let error = s
            .client
            .checksum(&path("f"), ChecksumBy::Protocol)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
    }
    assert!(s.client.is_connected());
}
