//! A folder.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use courier_storage::{
    ErrorKind, Found, ObjectKey, Storage, always,
    testkit::{conforms, content, read_all},
};
use futures::StreamExt;
use uuid::Uuid;

fn storage(folder: &Path) -> Arc<dyn Storage> {
    let url = format!("file://{}", folder.display());
    courier_storage::open(&url.parse().unwrap(), None).unwrap()
}

fn key(text: &str) -> ObjectKey {
    ObjectKey::new(text).unwrap()
}

fn marks(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder.join(".courier")).unwrap();
    names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[tokio::test]
async fn a_folder_conforms() {
    let folder = tempfile::tempdir().unwrap();
    conforms(&storage(folder.path())).await;
    let hidden = fs::metadata(folder.path().join(".courier")).unwrap();
    assert_eq!(hidden.permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn an_object_that_was_taken_away_at_once_is_still_known() {
    let folder = tempfile::tempdir().unwrap();
    let storage = storage(folder.path());
    let (key, mark) = (key("in/a"), Uuid::now_v7());
    storage.put(&key, mark, content(10), &always()).await.unwrap();
    fs::remove_dir_all(folder.path().join("in")).unwrap();
    assert_eq!(storage.find(&key, mark).await.unwrap(), Found::Ours { size: 10 });
    assert_eq!(read_all(&*storage, &key, mark).await.unwrap(), content(10));
    storage.sync(&[(key.clone(), mark)]).await.unwrap();
    storage.discard(&key, mark).await.unwrap();
    assert_eq!(storage.find(&key, mark).await.unwrap(), Found::Ours { size: 10 });
    storage.settle(&[(key.clone(), mark)]).await.unwrap();
    assert_eq!(storage.find(&key, mark).await.unwrap(), Found::Absent);
    assert_eq!(marks(folder.path()), Vec::<String>::new());
}

#[tokio::test]
async fn a_crash_between_the_name_and_its_mark_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let storage = storage(folder.path());
    let (key, mark) = (key("a"), Uuid::now_v7());
    let mut upload = storage.begin(&key, mark, None).await.unwrap();
    upload.write(content(3 << 20)).await.unwrap();
    std::mem::forget(upload);
    let part = folder.path().join(format!(".courier/{mark}.part"));
    // What the process does last.
    while fs::metadata(&part).unwrap().len() < 3 << 20 {
        tokio::task::yield_now().await;
    }
    fs::hard_link(&part, folder.path().join("a")).unwrap();
    assert_eq!(
        storage.find(&key, mark).await.unwrap(),
        Found::Ours { size: 3 << 20 }
    );
    assert_eq!(read_all(&*storage, &key, mark).await.unwrap(), content(3 << 20));
    storage.discard(&key, mark).await.unwrap();
    assert_eq!(marks(folder.path()), [format!("{mark}.whole")]);
    assert_eq!(
        storage.find(&key, mark).await.unwrap(),
        Found::Ours { size: 3 << 20 }
    );
    assert_eq!(storage.find(&key, Uuid::now_v7()).await.unwrap(), Found::Foreign);
}

#[tokio::test]
async fn marks_that_nobody_settled_are_listed_and_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let storage = storage(folder.path());
    let (whole, begun) = (Uuid::now_v7(), Uuid::now_v7());
    storage
        .put(&key("a"), whole, content(1), &always())
        .await
        .unwrap();
    std::mem::forget(storage.begin(&key("b"), begun, None).await.unwrap());
    fs::write(folder.path().join(".courier/notes.txt"), "somebody's").unwrap();
    assert!(storage.marks(Duration::from_secs(3600)).await.unwrap().is_empty());
    assert_eq!(storage.marks(Duration::ZERO).await.unwrap(), [whole, begun]);
    storage.forget(&[whole, begun]).await.unwrap();
    assert_eq!(marks(folder.path()), ["notes.txt"]);
    assert_eq!(fs::metadata(folder.path().join("a")).unwrap().nlink(), 1);
}

#[tokio::test]
async fn what_is_in_the_way_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let storage = storage(folder.path());
    symlink(outside.path(), folder.path().join("link")).unwrap();
    fs::write(folder.path().join("file"), "x").unwrap();
    fs::create_dir(folder.path().join("folder")).unwrap();
    symlink(outside.path().join("new"), folder.path().join("dangling")).unwrap();
    for (name, kind, why) in [
        ("link/a", ErrorKind::Key, "symbolic link"),
        ("link/deeper/a", ErrorKind::Key, "symbolic link"),
        ("file/a", ErrorKind::Key, "a file lies"),
        ("folder", ErrorKind::Exists, "there already"),
        ("dangling", ErrorKind::Exists, "there already"),
        ("link", ErrorKind::Exists, "there already"),
        (".courier/a", ErrorKind::Key, "marks"),
        (".Courier/a", ErrorKind::Key, "marks"),
    ] {
        let error = storage
            .put(&key(name), Uuid::now_v7(), content(1), &always())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {error}");
        assert!(error.to_string().contains(why), "{name}: {error}");
    }
    assert_eq!(
        storage.find(&key("dangling"), Uuid::now_v7()).await.unwrap(),
        Found::Foreign
    );
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    assert_eq!(marks(folder.path()), Vec::<String>::new());
}

#[tokio::test]
async fn a_folder_that_is_missing_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("unmounted");
    let storage = storage(&missing);
    let error = storage.check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("make or mount it"), "{error}");
    let error = storage.begin(&key("a"), Uuid::now_v7(), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(!missing.exists());
    // It is there as soon as it is.
    fs::create_dir(&missing).unwrap();
    storage.check().await.unwrap();
    assert_eq!(marks(&missing), Vec::<String>::new());
}

#[tokio::test]
async fn a_put_that_nobody_waits_for_leaves_all_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let storage = storage(folder.path());
    let (key, mark) = (key("a"), Uuid::now_v7());
    let guard = always();
    let put = storage.put(&key, mark, content(1000), &guard);
    // Polled once, so that it is on its way.
    tokio::select! { biased; _ = put => {}, () = std::future::ready(()) => {} }
    storage.check().await.unwrap();
    storage.discard(&key, mark).await.unwrap();
    match storage.find(&key, mark).await.unwrap() {
        Found::Ours { size } => assert_eq!(size, 1000),
        Found::Absent => assert_eq!(marks(folder.path()), Vec::<String>::new()),
        Found::Foreign => panic!("it is ours"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_small_files_are_quick() {
    let folder = tempfile::tempdir().unwrap();
    let storage = storage(folder.path());
    let bytes = content(4096);
    let (guard, begun) = (always(), Instant::now());
    let objects: Vec<(ObjectKey, Uuid)> = (0..5000)
        .map(|n| (key(&format!("in/{n}")), Uuid::now_v7()))
        .collect();
    futures::stream::iter(&objects)
        .map(|(key, mark)| storage.put(key, *mark, bytes.clone(), &guard))
        .buffer_unordered(storage.concurrency().small)
        .for_each(|put| async { put.unwrap() })
        .await;
    for group in objects.chunks(100) {
        storage.sync(group).await.unwrap();
        storage.settle(group).await.unwrap();
    }
    eprintln!("5000 files of 4 KiB in {:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(fs::read_dir(folder.path().join("in")).unwrap().count(), 5000);
}
