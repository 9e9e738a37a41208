//! Many files at once, and trees against hostile servers.

use std::{
    fs,
    os::unix::fs::symlink,
    sync::{Arc, mpsc},
};

use courier_transfer::{
    Client, ErrorKind,
    memory::{Event, Memory},
    ops::{
        BatchContext, DownloadOptions, FileResult, Pattern, PlanOptions, RemoteGlob, Totals, UploadOptions,
        download_all, plan_downloads, plan_uploads, upload_all, walk,
    },
};
use futures::StreamExt;

use crate::support::{bytes, names, path};

const TREE: PlanOptions = PlanOptions {
    recursive: true,
    contents: true,
    ignore: Vec::new(),
};

async fn get(
    client: &Arc<dyn Client>,
    from: &str,
    into: &std::path::Path,
    plan: PlanOptions,
) -> Vec<FileResult> {
    let from = RemoteGlob::new(from).unwrap();
    let jobs = plan_downloads(client.clone(), from, into.to_owned(), plan, drop);
    download_all(
        client.clone(),
        jobs,
        DownloadOptions::default(),
        BatchContext::default(),
    )
    .collect()
    .await
}

fn totals(results: &[FileResult]) -> Totals {
    let mut totals = Totals::default();
    results.iter().for_each(|r| totals.add(r));
    totals
}

#[tokio::test]
async fn files_that_fail_do_not_stop_the_others() {
    let temp = tempfile::tempdir().unwrap();
    let memory = Memory::default();
    for i in 0..20 {
        memory.put(&path(&format!("in/{i}")), "12345");
    }
    memory.at_byte(40, Event::Fail(ErrorKind::Denied));
    let results = get(&(memory.connect() as Arc<dyn Client>), "in", temp.path(), TREE).await;
    let expected = Totals {
        files: 19,
        failed: 1,
        bytes: 95,
        skipped: 0,
    };
    assert_eq!(totals(&results), expected);
    let failed = results.iter().find(|r| r.result.is_err()).unwrap();
    assert!(failed.job.is_some());
    assert_eq!(names(temp.path()).len(), 19);
}

#[tokio::test]
async fn a_broken_session_starts_no_more_files() {
    let temp = tempfile::tempdir().unwrap();
    let memory = Memory::default();
    for i in 0..5000 {
        memory.put(&path(&format!("in/{i}")), "12345");
    }
    memory.at_byte(100, Event::Lose);
    let results = get(&(memory.connect() as Arc<dyn Client>), "in", temp.path(), TREE).await;
    assert!(results.len() < 200, "{}", results.len());
    assert!(
        results
            .iter()
            .any(|r| r.result.as_ref().is_err_and(|e| e.kind() == ErrorKind::Lost))
    );
    assert!(names(temp.path()).iter().all(|name| !name.ends_with(".part")));
}

#[tokio::test]
async fn small_files_of_a_tree_cost_one_round_trip_each() {
    let temp = tempfile::tempdir().unwrap();
    let memory = Memory::default();
    for i in 0..100 {
        memory.put(&path(&format!("in/{i}")), "12345");
    }
    memory.operations();
    let client: Arc<dyn Client> = memory.connect();
    get(&client, "in", temp.path(), TREE).await;
    let operations = memory.operations();
    assert_eq!(
        operations.len(),
        102,
        "one to look at the folder, one to list it, one for each file"
    );
}

#[tokio::test]
async fn names_land_where_the_plan_says() {
    let memory = Memory::default();
    for file in ["in/a.csv", "in/sub/b.csv", "in/sub/c.txt", "in/sub/deep/d.csv"] {
        memory.put(&path(file), file);
    }
    let client: Arc<dyn Client> = memory.connect();
    let recursive = PlanOptions {
        recursive: true,
        ..PlanOptions::default()
    };
    for (from, plan, expected) in [
        ("in/a.csv", PlanOptions::default(), vec!["a.csv"]),
        ("in/*.csv", PlanOptions::default(), vec!["a.csv"]),
        (
            "in/**/*.csv",
            PlanOptions::default(),
            vec!["a.csv", "sub/b.csv", "sub/deep/d.csv"],
        ),
        (
            "in/sub",
            recursive.clone(),
            vec!["sub/b.csv", "sub/c.txt", "sub/deep/d.csv"],
        ),
        ("in/sub", TREE, vec!["b.csv", "c.txt", "deep/d.csv"]),
        (
            "in/s*",
            recursive.clone(),
            vec!["sub/b.csv", "sub/c.txt", "sub/deep/d.csv"],
        ),
        ("in/s*", PlanOptions::default(), vec![]),
    ] {
        let temp = tempfile::tempdir().unwrap();
        let results = get(&client, from, temp.path(), plan.clone()).await;
        let mut got: Vec<String> = results
            .iter()
            .map(|r| {
                r.job
                    .as_ref()
                    .unwrap()
                    .local
                    .strip_prefix(temp.path())
                    .unwrap()
                    .display()
                    .to_string()
            })
            .collect();
        got.sort();
        assert_eq!(got, expected, "{from} {plan:?}");
        assert!(expected.iter().all(|name| temp.path().join(name).is_file()));
    }
    let temp = tempfile::tempdir().unwrap();
    let results = get(&client, "in", temp.path(), PlanOptions::default()).await;
    assert_eq!(
        results[0].result.as_ref().unwrap_err().kind(),
        ErrorKind::WrongKind
    );
}

#[tokio::test]
async fn nothing_leaves_the_target_folder() {
    let temp = tempfile::tempdir().unwrap();
    let (target, outside) = (temp.path().join("target"), temp.path().join("outside"));
    fs::create_dir(&target).unwrap();
    fs::create_dir(&outside).unwrap();
    let memory = Memory::default();
    memory.put(&path("in/fine"), "fine");
    memory.put(&path("in/planted/evil"), "evil");
    memory.link(&path("in/link-to-file"), &path("/home/secret"));
    memory.link(&path("in/link-to-folder"), &path("/home/in"));
    memory.put(&path("secret"), "followed");
    for name in [&b".."[..], b"../outside/x", b"/etc/x", b"a\0b"] {
        memory.show(&path("in"), name);
    }
    // Planted before, by whomever: a link where a folder is to be.
    symlink(&outside, target.join("planted")).unwrap();
    let client: Arc<dyn Client> = memory.connect();
    let results = get(&client, "in", &target, TREE).await;
    assert_eq!(names(&outside), Vec::<String>::new());
    assert_eq!(names(&target), ["fine", "link-to-file", "planted"]);
    assert_eq!(fs::read(target.join("link-to-file")).unwrap(), b"followed");
    assert_eq!(
        totals(&results).failed,
        5,
        "four names and the planted folder are told"
    );
    assert_eq!(names(temp.path()), ["outside", "target"]);
}

#[tokio::test]
async fn uploads_follow_links_to_files_and_no_folders() {
    let temp = tempfile::tempdir().unwrap();
    let from = temp.path().join("in");
    fs::create_dir_all(from.join("sub")).unwrap();
    fs::write(from.join("sub/a.txt"), "a").unwrap();
    fs::write(from.join("b[1].csv"), "b").unwrap();
    fs::write(from.join("c.csv"), bytes(10, 1)).unwrap();
    symlink(from.join("c.csv"), from.join("sub/link.csv")).unwrap();
    symlink(&from, from.join("sub/loop")).unwrap();
    let memory = Memory::default();
    let client: Arc<dyn Client> = memory.connect();
    let (left_out, heard) = mpsc::channel();
    let put = async |from: std::path::PathBuf, plan| {
        let left_out = left_out.clone();
        let left_out = move |what| left_out.send(what).unwrap();
        let jobs = plan_uploads(client.clone(), from, path("up"), plan, left_out);
        let results: Vec<_> = upload_all(
            client.clone(),
            jobs,
            UploadOptions::default(),
            BatchContext::default(),
        )
        .collect()
        .await;
        let mut got: Vec<String> = results
            .into_iter()
            .map(|r| r.job.map_or_else(|| "?".into(), |j| j.remote.to_text()))
            .collect();
        got.sort();
        got
    };
    assert_eq!(
        put(from.clone(), TREE).await,
        ["up/b[1].csv", "up/c.csv", "up/sub/a.txt", "up/sub/link.csv"]
    );
    let circle = format!("{} is a link to a folder", from.join("sub/loop").display());
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), [circle]);
    let pattern = PlanOptions::default();
    assert_eq!(
        put(from.join("*.csv"), pattern.clone()).await,
        ["up/b[1].csv", "up/c.csv"]
    );
    assert_eq!(put(from.join("b[1].csv"), pattern.clone()).await, ["up/b[1].csv"]);
    assert_eq!(
        put(from.join("**/*.csv"), pattern.clone()).await,
        ["up/b[1].csv", "up/c.csv", "up/sub/link.csv"]
    );
    assert_eq!(put(from.join("none"), pattern.clone()).await, ["?"]);
    assert_eq!(put(from.clone(), pattern.clone()).await, ["?"]);
    // Folders are not asked for, so none is missed.
    assert_eq!(heard.try_iter().next(), None);
}

#[tokio::test]
async fn a_plan_is_made_as_it_is_taken() {
    let memory = Memory::default();
    for i in 0..20_000 {
        memory.put(&path(&format!("in/{i:06}")), "");
    }
    let client: Arc<dyn Client> = memory.connect();
    let temp = tempfile::tempdir().unwrap();
    let mut jobs = plan_downloads(
        client,
        RemoteGlob::new("in").unwrap(),
        temp.path().to_owned(),
        TREE,
        drop,
    );
    // Dropping the plan after a few ends it.
    for _ in 0..10 {
        jobs.next().await.unwrap().unwrap();
    }
    drop(jobs);
}

#[tokio::test]
async fn what_is_ignored_is_neither_moved_nor_gone_into() {
    let temp = tempfile::tempdir().unwrap();
    let memory = Memory::default();
    let client = memory.connect() as Arc<dyn Client>;
    for name in [
        "a.csv",
        "a.tmp",
        "old/b.csv",
        "sub/old/c.csv",
        "sub/d.csv",
        "sub/e.tmp",
    ] {
        memory.put(&path(&format!("in/{name}")), name);
    }
    let ignoring = |patterns: &[&str], contents| PlanOptions {
        recursive: true,
        contents,
        ignore: patterns.iter().map(|p| Pattern::new(p).unwrap()).collect(),
    };
    let mut all = Vec::new();
    for (from, patterns, expected) in [
        ("in", &["*.tmp", "old"][..], &["a.csv", "sub/d.csv"][..]),
        (
            "in",
            &["/old", "sub/*.tmp"],
            &["a.csv", "a.tmp", "sub/d.csv", "sub/old/c.csv"],
        ),
        ("in/**", &["old", "*.tmp"], &["a.csv", "sub/d.csv"]),
        ("in/*", &["s*", "*.csv"], &["a.tmp"]),
    ] {
        let into = temp.path().join(all.len().to_string());
        std::fs::create_dir(&into).unwrap();
        get(&client, from, &into, ignoring(patterns, true)).await;
        let mut got: Vec<String> = walk(into.clone(), ignoring(&[], true), drop)
            .filter_map(|found| std::future::ready(found.ok().filter(|f| !f.is_dir)))
            .map(|f| f.relative.to_text())
            .collect()
            .await;
        got.sort();
        assert_eq!(got, expected, "{from} {patterns:?}");
        all.push(into);
    }
    // And the other way, from what the second has brought.
    for (from, patterns, expected) in [
        ("", &["*.tmp", "old"][..], &["a.csv", "sub/d.csv"][..]),
        ("*", &["old"], &["a.csv", "a.tmp", "sub/d.csv"]),
        ("**", &["/sub/old"], &["a.csv", "a.tmp", "sub/d.csv"]),
    ] {
        let up = path(&format!("up{}", all.len()));
        client.make_dir(&up).await.unwrap();
        let jobs = plan_uploads(
            client.clone(),
            all[1].join(from),
            up.clone(),
            ignoring(patterns, true),
            drop,
        );
        let sent = upload_all(
            client.clone(),
            jobs,
            UploadOptions::default(),
            BatchContext::default(),
        );
        let mut sent: Vec<String> = sent
            .map(|r| r.job.unwrap().remote.strip_base(&up).unwrap().to_text())
            .collect()
            .await;
        sent.sort();
        sent.dedup();
        assert_eq!(sent, expected, "{from} {patterns:?}");
        let folder = path(&format!("{up}/sub/old"));
        assert!(
            client.stat(&folder).await.is_err(),
            "an empty folder of what is ignored"
        );
        all.push(temp.path().to_owned());
    }
}
