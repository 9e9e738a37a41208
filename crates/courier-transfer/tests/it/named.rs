//! What happens around the moment in which a file gets its final name, and to its source after that.

use std::{
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use courier_transfer::{
    EntryKind, ErrorKind, RemotePath, Result,
    memory::Carried,
    ops::{
        Context, DownloadOptions, FinalName, Guard, Identity, Locals, Naming, OnExisting, Outcome, Partials,
        UploadOptions, Version, download, move_version, upload,
    },
};

use crate::support::{Setup, bytes, path};

/// A guard that a test opens and shuts.
#[derive(Debug, Default)]
struct Gate(AtomicBool);

impl Guard for Gate {
    fn allows(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

fn options(on_existing: OnExisting) -> UploadOptions {
    UploadOptions {
        atomic: true,
        on_existing,
        ..UploadOptions::default()
    }
}

#[tokio::test]
async fn a_guard_that_refuses_keeps_both_ends_as_they_are() {
    let s = Setup::new();
    let gate = Arc::new(Gate::default());
    let context = Context {
        guard: gate.clone(),
        ..s.context()
    };
    fs::write(s.local("new"), bytes(200_000, 1)).unwrap();
    fs::write(s.local("here"), "old").unwrap();
    s.memory.put(&path("there"), "old");
    let (up, down) = (UploadOptions::default(), DownloadOptions::default());
    for on_existing in [OnExisting::Replace, OnExisting::Rename] {
        let sent = upload(
            &s.client,
            &s.local("new"),
            &path("there"),
            &options(on_existing),
            &context,
        )
        .await;
        assert_eq!(sent.unwrap_err().kind(), ErrorKind::Cancelled);
    }
    let sent = upload(&s.client, &s.local("new"), &path("there"), &up, &context).await;
    assert_eq!(sent.unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(s.memory.content(&path("there")).unwrap(), b"old");
    s.memory.put(&path("large"), bytes(200_000, 1));
    let got = download(&s.client, &path("large"), &s.local("here"), &down, &context).await;
    assert_eq!(got.unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(fs::read(s.local("here")).unwrap(), b"old");

    gate.0.store(true, Ordering::Relaxed);
    let got = download(&s.client, &path("large"), &s.local("here"), &down, &context)
        .await
        .unwrap();
    assert_eq!((got.bytes, got.resumed_from), (0, Some(200_000)));
    upload(
        &s.client,
        &s.local("new"),
        &path("there"),
        &options(OnExisting::Replace),
        &context,
    )
    .await
    .unwrap();
    assert_eq!(s.memory.content(&path("there")).unwrap().len(), 200_000);
}

/// Notes what an upload is about to do, and forgets what the process would have forgotten in a crash: all the rest.
#[derive(Debug, Default)]
struct Notes(Mutex<Option<Naming>>);

#[async_trait]
impl Partials for Notes {
    async fn load(&self, _: &str) -> Result<Option<Identity>> {
        Ok(None)
    }

    async fn save(&self, _: &str, _: &Identity) -> Result<()> {
        Ok(())
    }

    async fn forget(&self, _: &str) -> Result<()> {
        Ok(())
    }

    async fn naming(&self, _: &RemotePath, _: &Path) -> Result<Option<Naming>> {
        Ok(self.0.lock().unwrap().clone())
    }

    async fn note_naming(&self, _: &RemotePath, _: &Path, naming: Option<Naming>) -> Result<()> {
        *self.0.lock().unwrap() = naming;
        Ok(())
    }
}

#[tokio::test]
async fn an_upload_that_was_killed_around_its_rename_is_not_made_twice() {
    // Where it may be replaced, a small one is sent again.
    for (on_existing, len) in [
        (OnExisting::Rename, 100_000),
        (OnExisting::Fail, 100_000),
        (OnExisting::Skip, 100_000),
        (OnExisting::Replace, 2_000_000),
    ] {
        for carried in [Carried::Out, Carried::Nowhere] {
            let mut s = Setup::new();
            let notes = Arc::new(Notes::default());
            let context = Context {
                partials: notes.clone(),
                ..Context::default()
            };
            fs::write(s.local("f"), bytes(len, 1)).unwrap();
            if on_existing == OnExisting::Rename {
                s.memory.put(&path("f"), "of somebody else");
            }
            // The answer to the rename never comes, and the process is killed.
            s.memory.hang("rename");
            let up = options(on_existing);
            let (local, remote) = (s.local("f"), path("f"));
            let killed = tokio::time::timeout(
                Duration::from_millis(300),
                upload(&s.client, &local, &remote, &up, &context),
            );
            assert!(killed.await.is_err());
            let naming = notes.0.lock().unwrap().clone().unwrap();
            s.reconnect();
            let target = path(&naming.target);
            if carried == Carried::Out {
                let part = path(&format!("{}.tmp", naming.target));
                s.client
                    .rename(&part, &target, courier_transfer::RenameMode::KeepTarget)
                    .await
                    .unwrap();
            }
            let done = upload(&s.client, &local, &remote, &up, &context).await.unwrap();
            assert_eq!(done.outcome, Outcome::Done, "{on_existing:?} {carried:?}");
            if carried == Carried::Out {
                assert_eq!(done.bytes, 0);
            }
            assert_eq!(s.memory.content(&target).unwrap(), bytes(len, 1));
            let files = s.memory.paths().iter().filter(|p| p.contains("/f")).count();
            assert_eq!(
                files,
                if on_existing == OnExisting::Rename { 2 } else { 1 },
                "{:?}",
                s.memory.paths()
            );
        }
    }
}

#[tokio::test]
async fn a_download_that_was_killed_after_its_rename_is_not_made_twice() {
    for on_existing in [OnExisting::Rename, OnExisting::Fail, OnExisting::Skip] {
        let s = Setup::new();
        let notes = Arc::new(Notes::default());
        let context = Context {
            partials: notes.clone(),
            ..Context::default()
        };
        s.memory.put(&path("f"), bytes(100_000, 1));
        if on_existing == OnExisting::Rename {
            fs::write(s.local("f"), bytes(100_000, 2)).unwrap();
        }
        let down = DownloadOptions {
            on_existing,
            ..DownloadOptions::default()
        };
        let (local, remote) = (s.local("f"), path("f"));
        let fetch = || download(&s.client, &remote, &local, &down, &context);
        let first = fetch().await.unwrap();
        // The process is killed, and all that it has is what was noted.
        let again = fetch().await.unwrap();
        assert_eq!(
            (again.outcome, again.bytes),
            (Outcome::Done, 0),
            "{on_existing:?}"
        );
        assert_eq!(
            (&again.target, again.size, &again.source),
            (&first.target, first.size, &first.source)
        );
        assert!(!s.local("f (2)").exists());
        // Somebody else's file in its place is not taken for it.
        let FinalName::Local(target) = &first.target else {
            panic!("{first:?}");
        };
        fs::write(s.local("other"), bytes(100_000, 3)).unwrap();
        fs::rename(s.local("other"), target).unwrap();
        match on_existing {
            OnExisting::Skip => assert_eq!(fetch().await.unwrap().outcome, Outcome::Skipped),
            OnExisting::Fail => assert_eq!(fetch().await.unwrap_err().kind(), ErrorKind::AlreadyExists),
            _ => assert_eq!(fetch().await.unwrap().target, FinalName::Local(s.local("f (2)"))),
        }
    }
}

#[tokio::test]
async fn what_was_noted_of_another_file_counts_for_nothing() {
    let s = Setup::new();
    let notes = Arc::new(Notes::default());
    let context = Context {
        partials: notes.clone(),
        ..Context::default()
    };
    let up = options(OnExisting::Rename);
    fs::write(s.local("f"), "one").unwrap();
    upload(&s.client, &s.local("f"), &path("f"), &up, &context)
        .await
        .unwrap();
    // The source has another version since.
    fs::write(s.local("f"), "other").unwrap();
    let done = upload(&s.client, &s.local("f"), &path("f"), &up, &context)
        .await
        .unwrap();
    assert_eq!(done.bytes, 5);
    assert_eq!(s.memory.content(&path("f (1)")).unwrap(), b"other");
    // Somebody else's file has come in the place of what was sent.
    s.client.remove(&path("f (1)"), EntryKind::File).await.unwrap();
    s.memory.put(&path("f (1)"), "others");
    let done = upload(&s.client, &s.local("f"), &path("f"), &up, &context)
        .await
        .unwrap();
    assert_eq!(done.bytes, 5);
    assert_eq!(s.memory.content(&path("f (2)")).unwrap(), b"other");
    // A rename that failed for good leaves no note.
    s.memory.refuse("rename", ErrorKind::Denied);
    fs::write(s.local("f"), "third").unwrap();
    upload(&s.client, &s.local("f"), &path("f"), &up, &context)
        .await
        .unwrap_err();
    assert_eq!(*notes.0.lock().unwrap(), None);
}

#[tokio::test]
async fn a_source_moves_to_a_free_name_unless_it_is_a_newer_one() {
    let s = Setup::new();
    let sent = async |name: &str| {
        fs::write(s.local(name), name).unwrap();
        let done = upload(
            &s.client,
            &s.local(name),
            &path(name),
            &UploadOptions::default(),
            &s.context(),
        )
        .await;
        match done.unwrap().source {
            Some(Version::Local(version)) => version,
            other => panic!("{other:?}"),
        }
    };
    let version = sent("a.csv").await;
    fs::create_dir(s.local("done")).unwrap();
    fs::write(s.local("done/a.csv"), "old").unwrap();
    let move_to = |from: &str, version, to: &str| {
        move_version(&s.local(from), &Locals::Anywhere, version, &s.local(to)).unwrap()
    };
    let moved = move_to("a.csv", &version, "done/a.csv");
    assert_eq!(moved, Some(s.local("done/a (1).csv")));
    assert_eq!(fs::read(s.local("done/a (1).csv")).unwrap(), b"a.csv");
    assert!(!s.local("a.csv").exists());

    let version = sent("b.csv").await;
    fs::write(s.local("b.csv.new"), "newer").unwrap();
    fs::rename(s.local("b.csv.new"), s.local("b.csv")).unwrap();
    assert_eq!(move_to("b.csv", &version, "new/b.csv"), None);
    assert_eq!(fs::read(s.local("b.csv")).unwrap(), b"newer");

    // The memory's file system is another one.
    let version = sent("c.csv").await;
    let other = tempfile::tempdir_in("/dev/shm").unwrap();
    let to = other.path().join("c.csv");
    fs::write(&to, "old").unwrap();
    let moved = move_version(&s.local("c.csv"), &Locals::Anywhere, &version, &to).unwrap();
    assert_eq!(moved, Some(other.path().join("c (1).csv")));
    assert_eq!(fs::read(other.path().join("c (1).csv")).unwrap(), b"c.csv");
    assert_eq!(crate::support::names(other.path()), ["c (1).csv", "c.csv"]);
    assert!(!s.local("c.csv").exists());
}
