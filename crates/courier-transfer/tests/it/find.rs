//! Globs, recursive listings, directories and renames.

use std::sync::Arc;

use courier_transfer::{
    Client, ErrorKind, Listed,
    memory::Memory,
    ops::{
        FindOptions, Pattern, RemoteGlob, Removed, Replace, find, glob, make_dir_all, remove_tree, rename,
    },
};
use futures::StreamExt;

use crate::support::path;

fn tree() -> (Memory, Arc<dyn Client>) {
    let memory = Memory::default();
    for file in [
        "in/a.csv",
        "in/b.txt",
        "in/2025/c.csv",
        "in/2026/d.csv",
        "in/2026/01/e.csv",
        "top.csv",
    ] {
        memory.put(&path(file), file);
    }
    let client = memory.connect();
    (memory, client)
}

async fn paths(listing: courier_transfer::EntryStream) -> Vec<String> {
    let mut paths: Vec<String> = listing
        .map(|listed| match listed.unwrap() {
            Listed::Entry(entry) => entry.path.to_text(),
            Listed::Unreadable { raw, .. } => format!("? {raw}"),
        })
        .collect()
        .await;
    paths.sort();
    paths
}

async fn globbed(client: &Arc<dyn Client>, text: &str) -> Vec<String> {
    paths(
        glob(client.clone(), &RemoteGlob::new(text).unwrap(), false, &[])
            .await
            .unwrap(),
    )
    .await
}

#[tokio::test]
async fn globs_list_only_the_folders_they_need() {
    let (memory, client) = tree();
    for (text, found, lists) in [
        ("in/*.csv", vec!["in/a.csv"], 1),
        ("/home/in/*.csv", vec!["/home/in/a.csv"], 1),
        ("*.csv", vec!["top.csv"], 1),
        ("in/20*/*.csv", vec!["in/2025/c.csv", "in/2026/d.csv"], 3),
        ("in/{2025,2026}/?.csv", vec!["in/2025/c.csv", "in/2026/d.csv"], 3),
        ("in/2026/**/*.csv", vec!["in/2026/01/e.csv", "in/2026/d.csv"], 2),
        ("in/[ab].*", vec!["in/a.csv", "in/b.txt"], 1),
        ("in/*/01/*", vec!["in/2026/01/e.csv"], 4),
        ("in/a.csv", vec!["in/a.csv"], 0),
        ("in/{2025/c,a}.csv", vec!["in/2025/c.csv", "in/a.csv"], 4),
    ] {
        memory.operations();
        assert_eq!(globbed(&client, text).await, found, "{text}");
        let listed = memory.operations().iter().filter(|op| **op == "list").count();
        assert_eq!(listed, lists, "{text}");
    }
}

#[tokio::test]
async fn finding_goes_down_but_never_along_links() {
    let (memory, client) = tree();
    memory.link(&path("in/loop"), &path("/home/in"));
    memory.link(&path("in/2025/up"), &path("/home"));
    let options = FindOptions {
        recursive: true,
        pattern: Some(Pattern::new("*.csv").unwrap()),
        ..FindOptions::default()
    };
    let found = paths(find(client.clone(), &path("in"), options).await.unwrap()).await;
    assert_eq!(
        found,
        ["in/2025/c.csv", "in/2026/01/e.csv", "in/2026/d.csv", "in/a.csv"]
    );
    let all = FindOptions {
        recursive: true,
        directories: true,
        ..FindOptions::default()
    };
    let found = paths(find(client.clone(), &path("in"), all).await.unwrap()).await;
    assert_eq!(found.len(), 10);
    let flat = paths(
        find(client.clone(), &path("in"), FindOptions::default())
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(flat, ["in/a.csv", "in/b.txt", "in/loop"]);
    let missing = find(client, &path("none"), FindOptions::default()).await;
    assert_eq!(missing.err().unwrap().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn what_a_hostile_server_lists_is_reported_not_used() {
    let (memory, client) = tree();
    for name in [&b".."[..], b"a/../../b", b"x\ny", b"ok"] {
        memory.show(&path("in"), name);
    }
    let found = paths(find(client, &path("in"), FindOptions::default()).await.unwrap()).await;
    assert_eq!(
        found,
        ["? ..", "? a/../../b", "? x\\ny", "in/a.csv", "in/b.txt", "in/ok"]
    );
}

#[tokio::test]
async fn folders_are_made_down_to_the_last_one() {
    let (memory, client) = tree();
    assert_eq!(make_dir_all(&*client, &path("x/y/z")).await.unwrap(), 3);
    assert_eq!(make_dir_all(&*client, &path("x/y/z")).await.unwrap(), 0);
    assert_eq!(make_dir_all(&*client, &path("/")).await.unwrap(), 0);
    let through_file = make_dir_all(&*client, &path("top.csv/x")).await.unwrap_err();
    assert_eq!(through_file.kind(), ErrorKind::WrongKind);
    let racing = (0..8).map(|i| {
        let client = client.clone();
        async move { make_dir_all(&*client, &path(&format!("race/a/b/{i}"))).await }
    });
    memory.slow(std::time::Duration::from_millis(1));
    let made: u64 = futures::future::try_join_all(racing)
        .await
        .unwrap()
        .into_iter()
        .sum();
    assert_eq!(made, 11);
}

#[tokio::test]
async fn trees_are_removed_links_and_all_but_not_what_they_lead_to() {
    let (memory, client) = tree();
    memory.link(&path("in/2026/out"), &path("/home/kept"));
    memory.link(&path("in/2026/dangling"), &path("/nowhere"));
    memory.put(&path("kept/file"), "x");
    let removed = remove_tree(&*client, &path("in")).await.unwrap();
    assert_eq!(
        removed,
        Removed {
            files: 7,
            directories: 4
        }
    );
    assert_eq!(
        memory.paths(),
        ["/", "/home", "/home/kept", "/home/kept/file", "/home/top.csv"]
    );

    memory.link(&path("alias"), &path("/home/kept"));
    assert_eq!(
        remove_tree(&*client, &path("alias")).await.unwrap(),
        Removed {
            files: 1,
            directories: 0
        }
    );
    assert_eq!(memory.content(&path("kept/file")).unwrap(), b"x");
    assert_eq!(
        remove_tree(&*client, &path("none")).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert_eq!(
        remove_tree(&*client, &path("/")).await.unwrap_err().kind(),
        ErrorKind::Invalid
    );
}

#[tokio::test]
async fn deep_trees_need_no_deep_stack() {
    let memory = Memory::default();
    let deep = "d/".repeat(300) + "f";
    memory.put(&path(&deep), "x");
    let client: Arc<dyn Client> = memory.connect();
    let removed = remove_tree(&*client, &path("d")).await.unwrap();
    assert_eq!(
        removed,
        Removed {
            files: 1,
            directories: 300
        }
    );
}

#[tokio::test]
async fn renames_say_what_stands_in_the_way() {
    let (memory, client) = tree();
    let (from, to) = (path("top.csv"), path("in/a.csv"));
    let kept = rename(&*client, &from, &to, Replace::Never, None)
        .await
        .unwrap_err();
    assert_eq!(kept.kind(), ErrorKind::AlreadyExists);
    let onto_folder = rename(&*client, &from, &path("in"), Replace::NonAtomically, None)
        .await
        .unwrap_err();
    assert_eq!(onto_folder.kind(), ErrorKind::WrongKind);
    memory.set_capabilities(|c| c.atomic_replace = false);
    let cannot = rename(&*client, &from, &to, Replace::Atomically, None)
        .await
        .unwrap_err();
    assert_eq!(cannot.kind(), ErrorKind::AlreadyExists);
    rename(&*client, &from, &to, Replace::NonAtomically, None)
        .await
        .unwrap();
    assert_eq!(memory.content(&to).unwrap(), b"top.csv");
    rename(&*client, &to, &to, Replace::Never, None).await.unwrap();
    let missing = rename(&*client, &from, &path("x"), Replace::Never, None)
        .await
        .unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
}
