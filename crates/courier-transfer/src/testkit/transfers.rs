//! Cases about the operations written above a session.

use std::{
    fs,
    path::{Path, PathBuf},
};

use futures::StreamExt;

use super::{Fixture, kind, pattern};
use crate::{
    ErrorKind,
    ops::{
        BatchContext, Context, DownloadOptions, FinalName, OnExisting, PlanOptions, RemoteGlob, Totals,
        UploadOptions, Verified, download, download_all, plan_downloads, plan_uploads, remove_tree, upload,
        upload_all,
    },
};

/// A folder of the case's own on this machine.
struct Local(tempfile::TempDir);

impl Local {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.0.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn atomic() -> UploadOptions {
    UploadOptions {
        atomic: true,
        ..UploadOptions::default()
    }
}

/// Files of all sizes go up, with and without a temporary name, and come down again.
pub async fn files_go_up_and_down(f: &Fixture) {
    let local = Local::new();
    for size in [0, 1, 70_000, 3_000_001] {
        for options in [atomic(), UploadOptions::default()] {
            let bytes = pattern(size);
            let (source, remote) = (
                local.write("source", &bytes),
                f.path(format!("f{size}-{}", options.atomic)),
            );
            let sent = upload(&f.client, &source, &remote, &options, &Context::default())
                .await
                .unwrap();
            let verified = match f.client.capabilities().checksum && size > 0 {
                true => Verified::Checksum,
                false => Verified::Size,
            };
            assert_eq!(
                (sent.bytes, sent.size, sent.verified),
                (size as u64, size as u64, verified)
            );
            assert_eq!(sent.target, FinalName::Remote(remote.clone()));
            let target = local.path("target");
            let got = download(
                &f.client,
                &remote,
                &target,
                &DownloadOptions::default(),
                &Context::default(),
            )
            .await
            .unwrap();
            assert_eq!((got.bytes, got.resumed_from), (size as u64, None));
            assert!(fs::read(&target).unwrap() == bytes);
        }
    }
    assert_eq!(local.names(), ["source", "target"]);
    assert_eq!(f.list(&f.folder).await.len(), 8, "no temporary file is left");
}

/// A download goes on where its partial ends.
pub async fn downloads_resume(f: &Fixture) {
    if !f.client.capabilities().resume_download {
        return;
    }
    let (local, remote, bytes) = (Local::new(), f.path("f"), pattern(1_000_000));
    f.write(&remote, &bytes).await;
    if f.client.stat(&remote).await.unwrap().modified.is_none() {
        return;
    }
    let part = local.write("f.part", &bytes[..400_000]);
    let newer = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    fs::File::options()
        .write(true)
        .open(&part)
        .unwrap()
        .set_modified(newer)
        .unwrap();
    let got = download(
        &f.client,
        &remote,
        &local.path("f"),
        &DownloadOptions::default(),
        &Context::default(),
    )
    .await
    .unwrap();
    assert_eq!(
        (got.resumed_from, got.bytes, got.size),
        (Some(400_000), 600_000, 1_000_000)
    );
    assert!(fs::read(local.path("f")).unwrap() == bytes);
    assert_eq!(local.names(), ["f"]);
}

/// An upload goes on where its partial ends; a partial longer than the source is thrown away.
pub async fn uploads_resume(f: &Fixture) {
    let (local, remote, bytes) = (Local::new(), f.path("f"), pattern(1_000_000));
    let source = local.write("f", &bytes);
    let older = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    fs::File::options()
        .write(true)
        .open(&source)
        .unwrap()
        .set_modified(older)
        .unwrap();
    let partial = f.path("f.tmp");
    f.write(&partial, &bytes[..400_000]).await;
    let resumes =
        f.client.capabilities().resume_upload && f.client.stat(&partial).await.unwrap().modified.is_some();
    let sent = upload(&f.client, &source, &remote, &atomic(), &Context::default())
        .await
        .unwrap();
    assert_eq!(sent.resumed_from, resumes.then_some(400_000));
    assert!(f.read(&remote).await == bytes);

    f.write(&partial, &pattern(1_000_001)).await;
    let again = UploadOptions {
        replace_non_atomically: true,
        ..atomic()
    };
    let sent = upload(&f.client, &source, &remote, &again, &Context::default())
        .await
        .unwrap();
    assert_eq!((sent.resumed_from, sent.bytes), (None, 1_000_000));
    assert!(f.read(&remote).await == bytes);
    assert!(!f.exists(&partial).await);
}

/// An atomic upload replaces in one step, or says that the server cannot.
pub async fn uploads_replace_atomically(f: &Fixture) {
    let (local, remote) = (Local::new(), f.path("f"));
    f.write(&remote, b"old").await;
    let source = local.write("f", b"new");
    let result = upload(&f.client, &source, &remote, &atomic(), &Context::default()).await;
    if f.client.capabilities().atomic_replace {
        result.unwrap();
    } else {
        assert_eq!(kind(result), ErrorKind::AlreadyExists);
        assert_eq!(f.read(&remote).await, b"old");
        let consent = UploadOptions {
            replace_non_atomically: true,
            ..atomic()
        };
        upload(&f.client, &source, &remote, &consent, &Context::default())
            .await
            .unwrap();
    }
    assert_eq!(f.read(&remote).await, b"new");
    assert_eq!(f.list(&f.folder).await.len(), 1);
}

/// `skip`, `fail` and `rename` leave an existing file alone.
pub async fn uploads_keep_what_exists(f: &Fixture) {
    let (local, remote) = (Local::new(), f.path("f.txt"));
    f.write(&remote, b"old").await;
    let source = local.write("f.txt", b"new");
    for atomic in [false, true] {
        let options = |on_existing| UploadOptions {
            atomic,
            on_existing,
            ..UploadOptions::default()
        };
        let context = Context::default();
        let failed = upload(&f.client, &source, &remote, &options(OnExisting::Fail), &context).await;
        assert_eq!(kind(failed), ErrorKind::AlreadyExists);
        upload(&f.client, &source, &remote, &options(OnExisting::Skip), &context)
            .await
            .unwrap();
        assert_eq!(f.list(&f.folder).await.len(), 1);
        let renamed = upload(
            &f.client,
            &source,
            &remote,
            &options(OnExisting::Rename),
            &context,
        )
        .await
        .unwrap();
        let other = f.path("f (1).txt");
        assert_eq!(renamed.target, FinalName::Remote(other.clone()));
        assert_eq!(
            (f.read(&remote).await, f.read(&other).await),
            (b"old".to_vec(), b"new".to_vec())
        );
        f.client.remove(&other, crate::EntryKind::File).await.unwrap();
    }
}

/// Trees go up and down with all that is in them, and are removed.
pub async fn trees_go_up_down_and_away(f: &Fixture) {
    let local = Local::new();
    for (name, bytes) in [
        ("in/a.txt", &b"a"[..]),
        ("in/sub/b.txt", b"bb"),
        ("in/sub/deeper/c", b""),
        ("in/-x", b"x"),
    ] {
        local.write(name, bytes);
    }
    fs::create_dir(local.path("in/empty")).unwrap();
    let tree = PlanOptions {
        recursive: true,
        contents: true,
        ..PlanOptions::default()
    };
    let remote = f.path("tree");
    let jobs = plan_uploads(
        f.client.clone(),
        local.path("in"),
        remote.clone(),
        tree.clone(),
        drop,
    );
    let sent = upload_all(
        f.client.clone(),
        jobs,
        UploadOptions::default(),
        BatchContext::default(),
    );
    assert_eq!(
        totals(sent).await,
        Totals {
            files: 4,
            bytes: 4,
            ..Totals::default()
        }
    );

    let from = RemoteGlob::literal(remote.clone());
    let jobs = plan_downloads(f.client.clone(), from, local.path("out"), tree, drop);
    let got = download_all(
        f.client.clone(),
        jobs,
        DownloadOptions::default(),
        BatchContext::default(),
    );
    assert_eq!(
        totals(got).await,
        Totals {
            files: 4,
            bytes: 4,
            ..Totals::default()
        }
    );
    assert_eq!(fs::read(local.path("out/sub/b.txt")).unwrap(), b"bb");
    assert!(Path::new(&local.path("out/empty")).is_dir());

    let removed = remove_tree(&*f.client, &remote).await.unwrap();
    assert_eq!((removed.files, removed.directories), (4, 4));
    assert!(!f.exists(&remote).await);
}

/// Hundreds of small files go at once, each whole under its own name.
pub async fn many_small_files_move_at_once(f: &Fixture) {
    let local = Local::new();
    for i in 0..300 {
        local.write(&format!("in/{i}"), format!("file {i}").as_bytes());
    }
    let tree = PlanOptions {
        recursive: true,
        contents: true,
        ..PlanOptions::default()
    };
    let jobs = plan_uploads(
        f.client.clone(),
        local.path("in"),
        f.folder.clone(),
        tree.clone(),
        drop,
    );
    let sent = totals(upload_all(
        f.client.clone(),
        jobs,
        atomic(),
        BatchContext::default(),
    ))
    .await;
    assert_eq!((sent.files, sent.failed), (300, 0));
    let jobs = plan_downloads(
        f.client.clone(),
        RemoteGlob::literal(f.folder.clone()),
        local.path("out"),
        tree,
        drop,
    );
    let got = download_all(
        f.client.clone(),
        jobs,
        DownloadOptions::default(),
        BatchContext::default(),
    );
    assert_eq!(totals(got).await.files, 300);
    for i in [0, 150, 299] {
        assert_eq!(
            fs::read(local.path(&format!("out/{i}"))).unwrap(),
            format!("file {i}").as_bytes()
        );
    }
}

async fn totals(mut results: futures::stream::BoxStream<'static, crate::ops::FileResult>) -> Totals {
    let mut totals = Totals::default();
    while let Some(result) = results.next().await {
        if let Err(e) = &result.result {
            panic!("{:?}: {e:?}", result.job);
        }
        totals.add(&result);
    }
    totals
}
